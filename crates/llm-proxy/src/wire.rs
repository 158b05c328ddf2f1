//! How guardrails get to their services: over the connections of the thread, signed where that is asked for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use llm_credentials::{Ambient, Signer};
use llm_guardrails::Wire;
use llm_http::{Body, HttpClient, Timeouts, TransportError};
use llm_types::{AuthNeed, Error, Kind, Result};

/// Bytes of an answer at the most.
const MOST: usize = 16 << 20;

/// The way out of one thread.
#[derive(Debug)]
pub(crate) struct Out {
    http: HttpClient,
    signer: Arc<Signer>,
}

impl Out {
    /// A way over these connections.
    pub(crate) fn over(http: &HttpClient) -> Arc<dyn Wire> {
        let signer = Arc::new(Signer::new(Ambient::new(llm_providers::variable)));
        Arc::new(Self { http: http.clone(), signer })
    }

    async fn carry(
        &self,
        request: Request<Bytes>,
        need: Option<&AuthNeed>,
        limit: Duration,
    ) -> Result<Response<Bytes>> {
        let mut request = request.map(Body::from);
        if let Some(need) = need {
            self.signer.apply(&self.http, need, &mut request).await?;
        }
        let limits = Timeouts { total: Some(limit), ..Timeouts::default() };
        let reply = self.http.request(request, limits).await.map_err(|error| lost(&error))?;
        let (parts, body) = reply.into_parts();
        let body = body.collect(MOST).await.map_err(|error| lost(&error))?;
        Ok(Response::from_parts(parts, body))
    }
}

fn lost(error: &TransportError) -> Error {
    let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Connection };
    Error::new(kind, error.message())
}

impl Wire for Out {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        need: Option<&'a AuthNeed>,
        limit: Duration,
    ) -> BoxFuture<'a, Result<Response<Bytes>>> {
        self.carry(request, need, limit).boxed()
    }
}
