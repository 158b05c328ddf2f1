//! Signed tokens of identity providers: `litellm_jwtauth`, and what follows from a token's claims.

mod claims;
mod issuers;
mod mapping;
mod settings;
mod told;

pub(crate) use settings::{Fields, TrustedIssuer};
pub use settings::{JwtAuth, JwtEnvironment, RolePermission, Unregistered, WrongJwt};

use llm_idp::{Claims, Idp, Refused};
use llm_types::Result;

use super::{Meant, refused};
use crate::Accounts;

impl Accounts {
    /// Judges a token.
    ///
    /// # Errors
    /// 401 for tokens that are not good, 403 for those that may nothing here, 503 when that cannot be said.
    pub(super) async fn read_token(&self, jwt: &JwtAuth, idp: &Idp, token: &str) -> Result<Meant> {
        let (claims, issuer) = verified(jwt, idp, token).await?;
        if let Some(name) = &issuer.fields.virtual_key_claim_field {
            let found = self.mapped(jwt, issuer, &claims, name).await?;
            if let Some(key) = found {
                return Ok(Meant::Key(key));
            }
        }
        claims::said(jwt, &issuer.fields, &claims).map(|said| Meant::Said(Box::new(said)))
    }
}

/// The claims of a token and whose it is. A token that names an issuer is judged by that issuer's keys alone.
async fn verified<'j>(jwt: &'j JwtAuth, idp: &Idp, token: &str) -> Result<(Claims, &'j TrustedIssuer)> {
    let told = llm_idp::unverified(token).map_err(|why| refused::token(&why))?;
    let named = |issuer: &&TrustedIssuer| issuer.trust.issuer.is_some() && issuer.trust.concerns(told.issuer());
    let issuer = jwt.issuers.iter().find(named).or_else(|| jwt.issuers.iter().find(|i| i.trust.issuer.is_none()));
    let issuer = issuer.ok_or_else(|| refused::token(&Refused::Token("its issuer is not trusted".into())))?;
    let claims = issuer.trust.verify(idp, token).await.map_err(|why| refused::token(&why))?;
    Ok((claims, issuer))
}

impl JwtAuth {
    /// True for tokens that the authorization server is to explain although they are signed (`routing_overrides`). What they
    /// say is not believed by this: it says whom to ask.
    pub(super) fn sends_on(&self, token: &str) -> bool {
        if self.overrides.is_empty() {
            return false;
        }
        let Ok(told) = llm_idp::unverified(token) else { return false };
        let is = |names: &[&str], wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| names.iter().any(|name| told.texts(name).contains(wanted)))
        };
        self.overrides.iter().any(|rule| {
            let scope = rule.scope.as_ref().is_none_or(|scope| told.scopes().contains(scope));
            scope && is(&["iss"], &rule.iss) && is(&["client_id", "azp"], &rule.client_id) && is(&["aud"], &rule.aud)
        })
    }
}
