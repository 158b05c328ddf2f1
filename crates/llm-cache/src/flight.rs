//! Identical requests at the same time: one asks, the others wait for its answer.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

type Answer = Option<Bytes>;
type Running = Arc<Mutex<HashMap<String, watch::Receiver<Answer>>>>;

/// Requests that are being answered, by key.
#[derive(Debug, Clone, Default)]
pub struct Flights(Running);

/// What a request is to do.
#[derive(Debug)]
pub enum Seat {
    /// Ask, and tell the others.
    Lead(Lead),
    /// Wait for the answer of another.
    Follow(Follow),
}

/// The request that asks. Dropped without an answer, it sends the others off to ask themselves.
#[derive(Debug)]
pub struct Lead {
    key: String,
    running: Running,
    tell: watch::Sender<Answer>,
}

/// A request that waits.
#[derive(Debug)]
pub struct Follow(watch::Receiver<Answer>);

impl Flights {
    /// Takes a seat: the first one leads.
    #[must_use]
    pub fn board(&self, key: &str) -> Seat {
        let mut running = self.0.lock();
        if let Some(other) = running.get(key) {
            return Seat::Follow(Follow(other.clone()));
        }
        let (tell, hear) = watch::channel(None);
        running.insert(key.to_owned(), hear);
        Seat::Lead(Lead { key: key.to_owned(), running: Arc::clone(&self.0), tell })
    }

    /// How many requests are being answered.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.lock().len()
    }
}

impl Lead {
    /// The answer, for everyone who waits.
    pub fn answered(self, body: &Bytes) {
        self.tell.send_replace(Some(body.clone()));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // The receivers see the end of the channel once `tell` is gone.
        self.running.lock().remove(&self.key);
    }
}

impl Follow {
    /// The answer; nothing when the other request got none.
    pub async fn answer(mut self) -> Option<Bytes> {
        let answer = self.0.wait_for(Option::is_some).await;
        answer.ok().and_then(|answer| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_asks_and_the_others_hear() {
        let flights = Flights::default();
        let Seat::Lead(lead) = flights.board("a") else { panic!("the first one leads") };
        let Seat::Follow(early) = flights.board("a") else { panic!("the second one follows") };
        let Seat::Follow(late) = flights.board("a") else { panic!("so does the third") };
        assert!(matches!(flights.board("b"), Seat::Lead(_)), "another question is another flight");
        let waiting = tokio::spawn(early.answer());
        lead.answered(&Bytes::from_static(b"yes"));
        assert_eq!(waiting.await.unwrap().as_deref(), Some(&b"yes"[..]));
        assert_eq!(late.answer().await.as_deref(), Some(&b"yes"[..]), "also who asks after it was told");
        assert_eq!(flights.running(), 0);
    }

    #[tokio::test]
    async fn a_lead_that_fails_lets_another_one_try() {
        let flights = Flights::default();
        let Seat::Lead(lead) = flights.board("a") else { panic!("the first one leads") };
        let Seat::Follow(follow) = flights.board("a") else { panic!("the second one follows") };
        drop(lead);
        assert_eq!(follow.answer().await, None);
        assert!(matches!(flights.board("a"), Seat::Lead(_)));
    }
}
