//! One JSON line per call.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use llm_types::LogRecord;
use tokio::sync::oneshot;

use crate::callback::{Callback, Needs, SinkError};
use crate::payload;
use crate::redact::Redaction;

type Job = (Vec<u8>, oneshot::Sender<io::Result<()>>);

/// Writes every call as one line of JSON (LiteLLM's `StandardLoggingPayload`), one write per batch.
///
/// A thread of its own does the writing, so that a blocked pipe blocks nothing else.
#[derive(Debug)]
pub struct JsonLog {
    name: String,
    needs: Needs,
    redaction: Redaction,
    jobs: SyncSender<Job>,
}

impl JsonLog {
    /// Writes to standard output.
    ///
    /// # Errors
    /// When the writing thread cannot be started.
    pub fn stdout(redaction: Redaction) -> io::Result<Self> {
        Self::to(io::stdout(), redaction)
    }

    /// Appends to a file, which is made when it is missing. Its folder must exist.
    ///
    /// # Errors
    /// When the file cannot be opened, or the writing thread not be started.
    pub fn file(path: impl AsRef<Path>, redaction: Redaction) -> io::Result<Self> {
        Self::to(OpenOptions::new().create(true).append(true).open(path)?, redaction)
    }

    /// Writes to anything.
    ///
    /// # Errors
    /// When the writing thread cannot be started.
    pub fn to(target: impl Write + Send + 'static, redaction: Redaction) -> io::Result<Self> {
        let redaction = Redaction { without_content: true, ..redaction };
        let (jobs, inbox) = sync_channel(2);
        std::thread::Builder::new().name("json-log".to_owned()).spawn(move || work(target, &inbox))?;
        Ok(Self { name: "json_logs".to_owned(), needs: Needs::CALLS, redaction, jobs })
    }

    /// The same with messages and answers.
    #[must_use]
    pub const fn with_content(mut self) -> Self {
        self.redaction.without_content = false;
        self.needs = self.needs.union(Needs::CONTENT);
        self
    }
}

/// Writes batch after batch until the sink is gone.
fn work(mut target: impl Write, inbox: &Receiver<Job>) {
    while let Ok((lines, done)) = inbox.recv() {
        let outcome = target.write_all(&lines).and_then(|()| target.flush());
        // Nobody listens when the bus gave up waiting; the lines are written all the same.
        let _ = done.send(outcome);
    }
}

impl Callback for JsonLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            let mut lines = Vec::with_capacity(batch.len() * 2048);
            for record in batch {
                payload::write(record, &self.redaction, &mut lines);
                lines.push(b'\n');
            }
            let (done, answer) = oneshot::channel();
            self.jobs.try_send((lines, done)).map_err(|e| match e {
                TrySendError::Full(_) => SinkError::passing("the log is not written fast enough"),
                TrySendError::Disconnected(_) => SinkError::lasting("the writing thread has ended"),
            })?;
            match answer.await {
                Ok(Ok(())) => Ok(()),
                // A part of the batch may be written: repeating it would write those lines twice.
                Ok(Err(e)) => Err(SinkError::lasting(format!("the log cannot be written: {e}"))),
                Err(_) => Err(SinkError::lasting("the writing thread has ended")),
            }
        }
        .boxed()
    }
}
