//! A streamed answer whose events are written anew on their way to the client.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use llm_client::StreamBody;
use llm_wire::relay::Cutter;

/// Writes events anew.
pub trait Edit: fmt::Debug + Send {
    /// What goes on in the place of some whole events.
    fn events(&mut self, whole: &Bytes) -> Bytes;
}

/// The stream.
#[derive(Debug)]
pub struct Edited {
    inner: Box<StreamBody>,
    edit: Box<dyn Edit>,
    cutter: Cutter,
    over: bool,
}

impl Edited {
    /// `inner` with what `edit` makes of its events.
    #[must_use]
    pub fn new(inner: Box<StreamBody>, edit: impl Edit + 'static) -> Self {
        Self { inner, edit: Box::new(edit), cutter: Cutter::default(), over: false }
    }

    /// The same with its events written anew once more.
    #[must_use]
    pub fn and(mut self, edit: impl Edit + 'static) -> Self {
        self.edit = Box::new(Twice { first: self.edit, second: Box::new(edit) });
        self
    }
}

/// One after the other.
#[derive(Debug)]
struct Twice {
    first: Box<dyn Edit>,
    second: Box<dyn Edit>,
}

impl Edit for Twice {
    fn events(&mut self, whole: &Bytes) -> Bytes {
        self.second.events(&self.first.events(whole))
    }
}

impl Body for Edited {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            let whole = match std::task::ready!(Pin::new(this.inner.as_mut()).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.cutter.chunk(data),
                    Err(_) => continue,
                },
                Some(Err(never)) => match never {},
                None => {
                    this.over = true;
                    this.cutter.finish()
                }
            };
            let out = this.edit.events(&whole);
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || (self.cutter.held() == 0 && self.inner.is_end_stream())
    }
}
