//! Where things are left for a task that works them off.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Takes things without waiting. What finds too many others waiting is lost, and counted.
pub(crate) struct Desk<T> {
    intake: Mutex<Option<mpsc::Sender<T>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    lost: Arc<AtomicU64>,
}

impl<T: Send + 'static> Desk<T> {
    /// Starts the task on `background`; `capacity` things may wait for it. It adds to the count what it cannot do itself.
    pub(crate) fn start<W>(
        capacity: usize,
        background: &Handle,
        work: impl FnOnce(mpsc::Receiver<T>, Arc<AtomicU64>) -> W,
    ) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (intake, outlet) = mpsc::channel(capacity);
        let lost = Arc::<AtomicU64>::default();
        let task = background.spawn(work(outlet, Arc::clone(&lost)));
        Self { intake: Mutex::new(Some(intake)), task: Mutex::new(Some(task)), lost }
    }

    pub(crate) fn take(&self, thing: T) {
        let taken = self.intake.lock().as_ref().is_some_and(|intake| intake.try_send(thing).is_ok());
        if !taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Takes no more, and lets the task end, until `deadline`. `what`: the name of the things.
    pub(crate) async fn shutdown(&self, deadline: Duration, what: &str) {
        drop(self.intake.lock().take());
        let task = self.task.lock().take();
        if let Some(mut task) = task
            && tokio::time::timeout(deadline, &mut task).await.is_err()
        {
            task.abort();
            tracing::warn!("some {what} could not be told before the end");
        }
    }
}
