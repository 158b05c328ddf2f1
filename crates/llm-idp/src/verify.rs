//! Whose tokens are believed.

use std::borrow::Cow;
use std::sync::Arc;

use crate::keys::KeyPlace;
use crate::{Claims, Idp, Jws};

/// Why a caller is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token is not good. The reason holds nothing of it.
    #[error("the token is refused: {0}")]
    Token(Cow<'static, str>),
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// The provider cannot be asked: nobody knows whether the token is good. For logs: it names hosts.
    #[error("the identity provider cannot be asked: {0}")]
    Unavailable(String),
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// At these addresses: key sets, or discovery documents that name one.
    Urls(Vec<Arc<str>>),
    /// Where the issuer's discovery document says (`<issuer>/.well-known/openid-configuration`).
    Discovery,
}

/// An issuer whose tokens are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Who must have issued a token (`iss`). None: anybody whose key is among `keys`, which then cannot be found by discovery.
    pub issuer: Option<Arc<str>>,
    /// Where the keys are.
    pub keys: KeySource,
    /// For whom a token must be (`aud`), one of these. Empty: for anybody.
    pub audiences: Vec<String>,
}

/// What a token says, believed by nobody: to find out whom to ask.
///
/// # Errors
/// [`Refused::Token`] for what is no signed token.
pub fn unverified(token: &str) -> Result<Claims, Refused> {
    Claims::parse(&Jws::parse(token)?.payload)
}

impl Trust {
    /// True when a token that says it is from this issuer is to be judged here. The claim is not believed by this.
    #[must_use]
    pub fn concerns(&self, issuer: Option<&str>) -> bool {
        self.issuer.as_deref().is_none_or(|own| Some(own) == issuer)
    }

    /// The claims of a token, if it is signed by a key of this issuer, in time, and meant for us.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify(&self, idp: &Idp, token: &str) -> Result<Claims, Refused> {
        let jws = Jws::parse(token)?;
        let claims = Claims::parse(&jws.payload)?;
        if !self.concerns(claims.issuer()) {
            return Err(Refused::Token("its issuer is not trusted".into()));
        }
        // What time has taken needs no key.
        claims.check_times(idp.now())?;
        if !self.audiences.is_empty() && !claims.is_for(&self.audiences) {
            return Err(Refused::Token("it is meant for somebody else".into()));
        }
        self.check_signature(idp, &jws).await?;
        Ok(claims)
    }

    async fn check_signature(&self, idp: &Idp, jws: &Jws<'_>) -> Result<(), Refused> {
        let own = |url: &Arc<str>| KeyPlace { url: Arc::clone(url), named_by: None };
        let places = match (&self.keys, &self.issuer) {
            (KeySource::Urls(urls), _) => urls.iter().map(own).collect(),
            (KeySource::Discovery, Some(issuer)) => {
                let url = Arc::clone(&idp.provider(issuer).await?.jwks_uri);
                vec![KeyPlace { url, named_by: Some(Arc::clone(issuer)) }]
            }
            (KeySource::Discovery, None) => return Err(Refused::Token("its issuer is not trusted".into())),
        };
        let mut away = None;
        for place in places {
            match idp.key(&place, jws).await {
                Ok(Some(key)) if jws.signed_by(&key) => return Ok(()),
                Ok(Some(_)) => return Err(Refused::Token("its signature is wrong".into())),
                Ok(None) => {}
                // Another address may have the key.
                Err(error) => away = Some(error),
            }
        }
        Err(away.unwrap_or_else(|| Refused::Token("its key is not known".into())))
    }
}
