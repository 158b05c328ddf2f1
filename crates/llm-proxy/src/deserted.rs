//! Requests whose client goes away before it has its answer.
//!
//! What a host was asked for is paid for, so such a request goes on to its end and is billed as what it was, as in LiteLLM; its
//! answer is dropped, and with it what is left of a stream. With `general_settings.cancel_on_disconnect` it ends with its client,
//! and is charged as interrupted.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::app::App;
use crate::tally::OneMore;

/// So many go on without a client at the most; more end with theirs.
const MOST: u64 = 4096;

/// A request that is being answered.
pub(crate) struct Deserted<T: Send + 'static> {
    app: Arc<App>,
    running: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T: Send + 'static> Deserted<T> {
    /// Answers a request; when this is dropped before it is done, the request goes on by itself.
    pub(crate) fn watch(app: Arc<App>, running: Pin<Box<dyn Future<Output = T> + Send>>) -> Self {
        Self { app, running: Some(running) }
    }

    fn may_go_on(&self) -> bool {
        self.app.gauge.deserted.load(Ordering::Relaxed) < MOST
            && !self.app.snapshot.load().settings.cancel_on_disconnect
    }
}

impl<T: Send + 'static> Future for Deserted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        let answer = std::task::ready!(running.as_mut().poll(cx));
        self.running = None;
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for Deserted<T> {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        // Without a runtime the thread is ending, and takes everything along.
        let Some(runtime) = tokio::runtime::Handle::try_current().ok().filter(|_| self.may_go_on()) else { return };
        let counted = OneMore::of(Arc::clone(&self.app.gauge.deserted));
        runtime.spawn(async move {
            drop(running.await);
            drop(counted);
        });
    }
}
