//! The body of a response to a client.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llm_client::{ByteStream, RelayBody, StreamBody};

use crate::edited::Edited;

/// Any error of a response body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is sent to a client.
#[derive(Debug)]
pub enum Reply {
    /// Bytes, whole.
    Whole(Bytes),
    /// A streamed answer of a model.
    Stream(Box<StreamBody>),
    /// A streamed answer whose events are written anew: with ids of ours, with what vector stores knew.
    Edited(Box<Edited>),
    /// Bytes of a model host that go on as they come.
    Bytes(Box<ByteStream>),
    /// An answer that nobody reads.
    Relay(Box<RelayBody>),
    /// A body of the management API.
    Management(axum::body::Body),
}

impl Reply {
    /// No body.
    pub const EMPTY: Self = Self::Whole(Bytes::new());

    /// The bytes of an answer that nobody asked to be streamed.
    ///
    /// # Errors
    /// When it is a stream all the same.
    pub fn whole(self) -> llm_types::Result<Bytes> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            _ => Err(llm_types::Error::internal("a stream came where none was asked for")),
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(|e| match e {}),
            Self::Edited(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(|e| match e {}),
            Self::Bytes(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(Into::into),
            Self::Relay(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(Into::into),
            Self::Management(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Edited(body) => body.is_end_stream(),
            Self::Bytes(body) => body.is_end_stream(),
            Self::Relay(body) => body.is_end_stream(),
            Self::Management(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) | Self::Edited(_) | Self::Bytes(_) => SizeHint::default(),
            Self::Relay(body) => body.size_hint(),
            Self::Management(body) => body.size_hint(),
        }
    }
}
