//! The way to one server: what a request has to prove is computed just before it is sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use llm_credentials::Signer;
use llm_http::{Body, ReplyBody, Timeouts, Transport};

use crate::credential::Proof;
use crate::fault::Fault;

/// Sends requests to a server.
#[derive(Clone)]
pub(crate) struct Carrier<'t> {
    pub(super) transport: &'t dyn Transport,
    pub(super) signer: Arc<Signer>,
    pub(super) proof: Proof,
    pub(super) timeouts: Timeouts,
}

impl Carrier<'_> {
    /// Sends a request. A token that the server refuses is forgotten, and the request sent once more with a new one: a
    /// request that was not let in did nothing.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<ReplyBody>, Fault> {
        let uri: Uri = url.parse().map_err(|_| Fault::Broken("its URL cannot be used"))?;
        let request = || {
            let mut request = Request::new(if body.is_empty() { Body::empty() } else { Body::from(body.clone()) });
            *request.method_mut() = method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            request
        };
        let reply = Box::pin(self.once(request())).await?;
        match &self.proof {
            Proof::Minted(need) if reply.status().as_u16() == 401 => {
                self.signer.forget(need);
                Box::pin(self.once(request())).await
            }
            _ => Ok(reply),
        }
    }

    async fn once(&self, mut request: Request<Body>) -> Result<Response<ReplyBody>, Fault> {
        match &self.proof {
            Proof::Ready => {}
            Proof::Missing => return Err(Fault::Anonymous),
            Proof::Minted(need) => {
                let proved = self.signer.apply(self.transport, need, &mut request).await;
                proved.map_err(|error| Fault::Credential(error.message))?;
            }
        }
        Ok(self.transport.send(request, self.timeouts).await?)
    }
}
