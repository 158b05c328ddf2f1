//! How requests get to a cloud: through whoever is given, so that proxies, certificates and limits of the caller apply.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};

/// What [`Sender::send`] gives.
pub type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, SendError>> + Send + 'a>>;

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There was no connection: nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// It took too long.
    #[error("{0}")]
    Timeout(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Carries a request to a host. URIs are absolute. Every HTTP status is a success here; redirects are not followed.
pub trait Sender: Send + Sync + fmt::Debug {
    /// Sends a request and gives the whole answer.
    fn send(&self, request: Request<Bytes>) -> Sent<'_>;
}

/// [`Sender`] as `object_store` wants it.
#[derive(Debug, Clone)]
pub(crate) struct Connector(pub(crate) Arc<dyn Sender>);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Connector {
    fn call<'this, 'out>(
        &'this self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'out>>
    where
        'this: 'out,
    {
        Box::pin(async move {
            let (parts, mut body) = request.into_parts();
            let mut bytes = BytesMut::with_capacity(body.content_length());
            while let Some(frame) = body.frame().await {
                if let Ok(piece) = frame?.into_data() {
                    bytes.extend_from_slice(&piece);
                }
            }
            let response = self.0.send(Request::from_parts(parts, bytes.freeze())).await.map_err(|error| {
                let kind = match error {
                    SendError::Connect(_) => HttpErrorKind::Connect,
                    SendError::Timeout(_) => HttpErrorKind::Timeout,
                    SendError::Other(_) => HttpErrorKind::Interrupted,
                };
                HttpError::new(kind, error)
            })?;
            Ok(response.map(Into::into))
        })
    }
}
