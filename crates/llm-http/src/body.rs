//! The request body: nothing, bytes in one or a few pieces, or a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::BoxError;

type BoxedStream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A request body. All but streams have an exact length and can be cloned for another attempt at the price of a few
/// reference counts.
pub struct Body(Kind);

enum Kind {
    Empty,
    One(Bytes),
    /// Written with one `writev`, so that a spliced body is never glued together.
    Pieces(std::vec::IntoIter<Bytes>),
    Stream(BoxedStream),
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Body(Kind::Empty)
    }

    /// Several pieces, sent one after the other; empty ones are left out.
    pub fn pieces(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        match pieces.len() {
            0 => Body::empty(),
            1 => Body(pieces.pop().map_or(Kind::Empty, Kind::One)),
            _ => Body(Kind::Pieces(pieces.into_iter())),
        }
    }

    /// A body that is produced while it is sent. It cannot be sent twice.
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(Kind::Stream(Box::pin(http_body_util::BodyExt::map_err(body, Into::into))))
    }

    /// A second handle on the same bytes; `None` for a stream.
    pub fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Kind::Empty => Some(Body::empty()),
            Kind::One(bytes) => Some(Body(Kind::One(bytes.clone()))),
            Kind::Pieces(pieces) => Some(Body(Kind::Pieces(pieces.clone()))),
            Kind::Stream(_) => None,
        }
    }

    /// Length in bytes; `None` when a stream does not know it.
    pub fn len(&self) -> Option<u64> {
        HttpBody::size_hint(self).exact()
    }

    /// Whether it is certain that there is nothing to send.
    pub fn is_empty(&self) -> bool {
        HttpBody::is_end_stream(self)
    }

    /// The bytes still to be sent, in order; nothing for a stream. For signers and logs.
    pub fn slices(&self) -> impl Iterator<Item = &Bytes> {
        let pieces = match &self.0 {
            Kind::Empty | Kind::Stream(_) => &[],
            Kind::One(bytes) => std::slice::from_ref(bytes),
            Kind::Pieces(pieces) => pieces.as_slice(),
        };
        pieces.iter()
    }
}

impl Default for Body {
    fn default() -> Self {
        Body::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Empty => "empty",
            Kind::One(_) => "one",
            Kind::Pieces(_) => "pieces",
            Kind::Stream(_) => "stream",
        };
        f.debug_struct("Body").field("kind", &kind).field("len", &self.len()).finish()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Body::empty() } else { Body(Kind::One(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match &mut this.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::One(bytes) => {
                let bytes = std::mem::take(bytes);
                this.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Pieces(pieces) => Poll::Ready(pieces.next().map(|piece| Ok(Frame::data(piece)))),
            Kind::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::One(_) => false,
            Kind::Pieces(pieces) => pieces.as_slice().is_empty(),
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::One(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Pieces(pieces) => {
                SizeHint::with_exact(pieces.as_slice().iter().map(|piece| piece.len() as u64).sum())
            }
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}
