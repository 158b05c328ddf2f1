//! The end of a streamed answer.

use crate::answer::Report;

/// Learns what a streamed answer consumed, once, when it is over.
pub trait Tail: Send {
    /// The stream is over.
    fn done(self: Box<Self>, report: Box<Report>);
}

impl<F: FnOnce(Box<Report>) + Send> Tail for F {
    fn done(self: Box<Self>, report: Box<Report>) {
        self(report);
    }
}
