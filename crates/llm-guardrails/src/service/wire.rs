//! The way to a service.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use llm_types::{AuthNeed, Error, Json, Kind, Result};

use super::settings::Settings;

/// Carries requests to services. URIs are absolute, redirects are not followed.
pub trait Wire: Send + Sync + fmt::Debug {
    /// Sends a request, signed as `need` says, and gives the whole answer, whatever its status.
    ///
    /// # Errors
    /// `Timeout` when it is not there within `limit`, `Connection` when the service cannot be reached or hangs up, what signing
    /// says when there are no credentials.
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        need: Option<&'a AuthNeed>,
        limit: Duration,
    ) -> BoxFuture<'a, Result<Response<Bytes>>>;
}

/// A service that is talked to.
pub(super) struct Talk<'a> {
    pub(super) settings: &'a Settings,
    pub(super) wire: &'a dyn Wire,
}

impl Talk<'_> {
    /// Posts JSON; the JSON that comes back. What the service says of a failure is not repeated: it may hold what was judged.
    pub(super) async fn post(&self, base: &str, path: &str, body: &Json) -> Result<Json> {
        let mut request = Request::post(format!("{base}{path}"))
            .body(Bytes::from(body.to_string()))
            .map_err(|_| Error::internal("the address of the service is none"))?;
        let json = const { HeaderValue::from_static("application/json") };
        request.headers_mut().insert(CONTENT_TYPE, json.clone());
        request.headers_mut().insert(ACCEPT, json);
        request.headers_mut().extend(self.settings.headers.iter().cloned());
        let response = self.wire.send(request, self.settings.need.as_ref(), self.settings.timeout).await?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let kind = match status {
                502..=504 => Kind::Unavailable,
                _ => Kind::Api,
            };
            return Err(Error::new(kind, format!("the service answered {status}")));
        }
        let unreadable = |_| Error::new(Kind::InvalidReply, "the service answered something that is no JSON");
        serde_json::from_slice(response.body()).map_err(unreadable)
    }
}

/// An answer that is not what the service promises.
pub(super) fn invalid(what: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("the service's answer {what}"))
}
