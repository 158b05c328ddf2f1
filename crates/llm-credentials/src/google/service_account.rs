//! A service account: it signs a token with its own key and exchanges it (RFC 7523).

use llm_types::{Result, Secret};
use serde::Serialize;

use super::file::ServiceAccount;
use crate::flow::{Flow, form};
use crate::reply::TokenReply;
use crate::rsa::{Algorithm, Header, RsaKey};
use crate::shelf::Issued;

pub(super) const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const WHO: &str = "Google's token endpoint";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// The account's token; `token_uri` of its file says where it is issued.
pub(super) async fn token(flow: Flow<'_>, account: &ServiceAccount, scopes: &[&str]) -> Result<Issued<Secret>> {
    let url = account.token_uri.as_deref().filter(|url| !url.is_empty()).unwrap_or(TOKEN_URI);
    let key = RsaKey::from_pem(account.private_key.expose(), "the private key of the Google service account")?;
    let now = flow.ambient.unix();
    let claims = Claims { iss: &account.client_email, scope: &scopes.join(" "), aud: url, iat: now, exp: now + 3600 };
    let header = Header { kid: account.private_key_id.as_deref(), ..Header::default() };
    let assertion = key.jwt(Algorithm::Rs256, header, &claims)?;
    let request = form(url, &[("assertion", &assertion), ("grant_type", GRANT)])?;
    let reply: TokenReply = flow.ask(WHO, request, &[&assertion]).await?;
    reply.issued(WHO, flow.ambient.now())
}
