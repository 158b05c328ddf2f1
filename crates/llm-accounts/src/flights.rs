//! Look-ups under way: callers that ask for the same key share one.

use std::collections::HashMap;
use std::sync::Arc;

use llm_types::{Error, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::digest::ByDigest;
use crate::{Identity, KeyDigest};

/// `None`: there is no such key.
type Answer = Result<Option<Arc<Identity>>>;
type Waiting = HashMap<KeyDigest, Vec<oneshot::Sender<Answer>>, ByDigest>;

/// The look-ups under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<Waiting>);

/// The duty to answer everyone who waits for one key. Dropped without an answer, it tells them that it failed.
#[derive(Debug)]
pub(crate) struct Landing {
    flights: Arc<Flights>,
    digest: KeyDigest,
    landed: bool,
}

impl Flights {
    /// Waits for the answer on a key. With a [`Landing`] the caller is the first and must see to the look-up.
    pub(crate) fn join(flights: &Arc<Self>, digest: KeyDigest) -> (oneshot::Receiver<Answer>, Option<Landing>) {
        let (send, receive) = oneshot::channel();
        let mut waiting = flights.0.lock();
        let queue = waiting.entry(digest).or_default();
        queue.push(send);
        let first = queue.len() == 1;
        drop(waiting);
        (receive, first.then(|| Landing { flights: Arc::clone(flights), digest, landed: false }))
    }
}

impl Landing {
    /// Answers everyone who waits.
    pub(crate) fn land(mut self, answer: &Answer) {
        self.landed = true;
        self.tell(answer);
    }

    fn tell(&self, answer: &Answer) {
        let waiting = self.flights.0.lock().remove(&self.digest).unwrap_or_default();
        for waiter in waiting {
            // Whoever hung up does not want to know.
            drop(waiter.send(answer.clone()));
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed {
            self.tell(&Err(Error::internal("the look-up of the key failed")));
        }
    }
}
