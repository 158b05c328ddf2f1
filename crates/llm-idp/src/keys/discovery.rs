//! What issuers publish of themselves (OpenID Connect Discovery 1.0).

use std::sync::Arc;

use llm_http::Transport;
use serde::Deserialize;

use crate::fetch;

/// An OpenID provider. Addresses that it does not have are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// Its name, as its tokens say it (`iss`).
    pub issuer: Arc<str>,
    /// Where its keys are.
    pub jwks_uri: Arc<str>,
    /// Where people log in.
    pub authorization_endpoint: Option<String>,
    /// Where codes become tokens.
    pub token_endpoint: Option<String>,
    /// Where a token tells of its user.
    pub userinfo_endpoint: Option<String>,
    /// Where others ask what a token is.
    pub introspection_endpoint: Option<String>,
    /// Where people log out.
    pub end_session_endpoint: Option<String>,
    /// How codes may be protected (`S256`).
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
}

/// Reads the discovery document of an issuer. It must be the issuer's own: a document that names another is none.
pub(super) async fn read(http: Arc<dyn Transport>, issuer: Arc<str>) -> Result<Provider, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let bytes = fetch::get(&*http, &url).await?;
    let provider: Provider =
        serde_json::from_slice(&bytes).map_err(|_| "the discovery document cannot be read".to_owned())?;
    if provider.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        return Err("the discovery document is another issuer's".to_owned());
    }
    Ok(provider)
}

/// The address of the keys, when a document is a discovery document.
pub(super) fn names_keys(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Names {
        jwks_uri: String,
    }
    serde_json::from_slice::<Names>(document).ok().map(|names| names.jwks_uri)
}
