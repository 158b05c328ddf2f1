//! The end of a streamed answer.

use llm_types::Error;

use crate::answer::Report;

/// Learns what a streamed answer consumed, once, when it is over.
pub trait Tail: Send {
    /// So many tokens are written by now (estimated): an error when the stream has to end here.
    fn stops(&mut self, _written: u64) -> Option<Error> {
        None
    }

    /// The stream is over.
    fn done(self: Box<Self>, report: Box<Report>);
}

impl<F: FnOnce(Box<Report>) + Send> Tail for F {
    fn done(self: Box<Self>, report: Box<Report>) {
        self(report);
    }
}
