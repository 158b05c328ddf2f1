//! A stream of Responses with our ids in it. The answer at its end is kept where its provider keeps nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use llm_client::StreamBody;
use llm_wire::relay::events_end;

use super::rewrite::Rewriter;
use super::turn::Keeper;

/// The stream.
#[derive(Debug)]
pub struct Told {
    inner: Box<StreamBody>,
    rewriter: Rewriter,
    keeper: Option<Keeper>,
    /// The beginning of an event whose end has not come yet.
    tail: BytesMut,
    over: bool,
}

impl Told {
    /// Writes ids anew; `keeper` keeps the answer.
    #[must_use]
    pub fn new(inner: Box<StreamBody>, rewriter: Rewriter, keeper: Option<Keeper>) -> Self {
        Self { inner, rewriter, keeper, tail: BytesMut::new(), over: false }
    }

    fn write(&mut self, chunk: Bytes) -> Bytes {
        let whole = if self.tail.is_empty() {
            chunk
        } else {
            self.tail.extend_from_slice(&chunk);
            self.tail.split().freeze()
        };
        let end = events_end(&whole);
        self.tail.extend_from_slice(whole.get(end..).unwrap_or_default());
        self.events(&whole.slice(..end))
    }

    fn events(&mut self, whole: &Bytes) -> Bytes {
        let Self { rewriter, keeper, .. } = self;
        rewriter.events(whole, &mut |response, id| {
            if let Some(keeper) = keeper.take() {
                keeper.keep(&id, response);
            }
        })
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            let out = match std::task::ready!(Pin::new(this.inner.as_mut()).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.write(data),
                    Err(_) => continue,
                },
                Some(Err(never)) => match never {},
                None => {
                    this.over = true;
                    let rest = this.tail.split().freeze();
                    this.events(&rest)
                }
            };
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || (self.tail.is_empty() && self.inner.is_end_stream())
    }
}
