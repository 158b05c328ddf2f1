//! A stream of Responses with our ids in it. The answer at its end is kept where its provider keeps nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use llm_client::StreamBody;
use llm_wire::relay::Cutter;

use super::rewrite::Rewriter;
use super::turn::Keeper;

/// The stream.
#[derive(Debug)]
pub struct Told {
    inner: Box<StreamBody>,
    rewriter: Rewriter,
    keeper: Option<Keeper>,
    cutter: Cutter,
    over: bool,
}

impl Told {
    /// Writes ids anew; `keeper` keeps the answer.
    #[must_use]
    pub fn new(inner: Box<StreamBody>, rewriter: Rewriter, keeper: Option<Keeper>) -> Self {
        Self { inner, rewriter, keeper, cutter: Cutter::default(), over: false }
    }

    fn write(&mut self, chunk: Bytes) -> Bytes {
        let whole = self.cutter.chunk(chunk);
        self.events(&whole)
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
                    let rest = this.cutter.finish();
                    this.events(&rest)
                }
            };
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || (self.cutter.held() == 0 && self.inner.is_end_stream())
    }
}
