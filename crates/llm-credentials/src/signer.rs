//! The last step before a request is sent: a signature or a token.

use llm_http::{Body, Transport};
use llm_types::{AuthNeed, Error, Result};

/// Signs requests and shows tokens. It remembers tokens until shortly before they end: share one.
#[derive(Debug, Default)]
pub struct Signer {}

impl Signer {
    /// Adds what `need` says to a request that is ready to be sent otherwise.
    ///
    /// # Errors
    /// `Authentication` when there are no credentials or they are refused; `Connection` when an issuer of tokens
    /// cannot be reached.
    pub async fn apply(
        &self,
        _http: &dyn Transport,
        need: &AuthNeed,
        _request: &mut http::Request<Body>,
    ) -> Result<()> {
        Err(Error::internal(format!("credentials of this kind are not computed yet: {need:?}")))
    }
}
