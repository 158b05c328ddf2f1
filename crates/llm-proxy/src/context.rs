//! A call under way, and how one ends that nobody answers.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::request::Parts;
use llm_accounts::{Identity, Reservation};
use llm_client::{Failure, Upload};
use llm_guardrails::{GuardLog, Guards, Wire};
use llm_types::{Error, Format, OperationKind};

use crate::core::Core;
use crate::kept::Words;
use crate::responses::{Book, Turn};
use crate::snapshot::Snapshot;
use crate::steering::Steering;
use crate::wish::Wish;

/// What is known of a call while it runs.
#[derive(Debug)]
pub struct Context {
    /// The snapshot of the configuration it runs under.
    pub snapshot: Arc<Snapshot>,
    /// The response cache, when there is one.
    pub cache: Option<Arc<llm_cache::Cache>>,
    /// The way to services of guardrails.
    pub wire: Arc<dyn Wire>,
    /// The route's canonical path.
    pub route: &'static str,
    /// The kind of call.
    pub operation: OperationKind,
    /// The client's format.
    pub format: Format,
    /// Our id of the call.
    pub id: Arc<str>,
    /// When it came.
    pub started: Instant,
    /// The same, microseconds since 1970.
    pub started_us: i64,
    /// Address of the client.
    pub peer: SocketAddr,
    /// Head of the request.
    pub parts: Parts,
    /// Who calls, once known.
    pub who: Option<Arc<Identity>>,
    /// What is wished, once read.
    pub wish: Option<Wish>,
    /// Names of guardrails that ran.
    pub guardrails: Vec<String>,
    /// What they did; made when the first is opened.
    pub guard_log: OnceLock<GuardLog>,
    /// Policies of the call, and by what they came.
    pub policies: Vec<(String, Option<String>)>,
    /// Guardrails that mask what is logged of it, if there are any.
    pub log_guards: Option<Arc<Guards>>,
    /// The path asks for a stream.
    pub streams: bool,
    /// The turn of a Responses conversation.
    pub turn: Option<Turn>,
    /// The headers by which the client steers the gateway.
    pub steering: Steering,
    /// Answers that live as long as the client's connection.
    pub book: Option<Arc<Book>>,
    /// What is still to come of the client's form.
    pub upload: Option<Upload>,
    /// Answers name the provider's model, whatever the client asked for.
    pub own_names: bool,
    /// The client wants nothing kept of what is said (`no-log`).
    pub no_log: bool,
    /// From its arrival until it was admitted, in microseconds.
    pub queued_us: Option<u64>,
    /// The response cache was asked.
    pub cache_asked: bool,
}

impl Context {
    /// Notes which guardrails ran, each once.
    pub fn ran(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.guardrails.contains(&name) {
                self.guardrails.push(name);
            }
        }
    }

    /// What is said may be kept, and somebody reads it: callbacks of the configuration, the caller's own, or rows.
    #[must_use]
    pub fn wants_content(&self) -> bool {
        Words::of(self).are_told()
    }

    /// The client's `User-Agent`.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.parts.headers.get(http::header::USER_AGENT)?.to_str().ok()
    }

    /// The context of a call that has just come.
    #[must_use]
    pub fn new(
        core: &Core,
        route: &'static str,
        operation: OperationKind,
        format: Format,
        parts: Parts,
        peer: SocketAddr,
    ) -> Self {
        let steering = Steering::of(&parts.headers);
        let given = steering.get("x-litellm-call-id").filter(|v| !v.is_empty() && v.len() <= 128);
        let started_us = crate::tail::now_us();
        let id = match given {
            Some(id) => Arc::from(id),
            None => {
                let mut buffer = uuid::Uuid::encode_buffer();
                Arc::from(&*call_id(started_us).hyphenated().encode_lower(&mut buffer))
            }
        };
        Self {
            snapshot: core.app.snapshot.load_full(),
            cache: core.app.cache.load_full(),
            wire: Arc::clone(&core.wire),
            route,
            operation,
            format,
            id,
            started: Instant::now(),
            started_us,
            peer,
            parts,
            who: None,
            wish: None,
            guardrails: Vec::new(),
            guard_log: OnceLock::new(),
            policies: Vec::new(),
            log_guards: None,
            streams: false,
            own_names: false,
            no_log: false,
            queued_us: None,
            cache_asked: false,
            turn: None,
            upload: None,
            steering,
            book: None,
        }
    }

    /// The context of a further call of the same request, under an id of its own.
    #[must_use]
    pub fn beside(&self, own_names: bool) -> Self {
        let started_us = crate::tail::now_us();
        let mut buffer = uuid::Uuid::encode_buffer();
        Self {
            snapshot: Arc::clone(&self.snapshot),
            cache: self.cache.clone(),
            wire: Arc::clone(&self.wire),
            id: Arc::from(&*call_id(started_us).hyphenated().encode_lower(&mut buffer)),
            started: Instant::now(),
            started_us,
            parts: self.parts.clone(),
            steering: self.steering.clone(),
            who: self.who.clone(),
            wish: None,
            guardrails: Vec::new(),
            guard_log: OnceLock::new(),
            policies: Vec::new(),
            log_guards: self.log_guards.clone(),
            own_names,
            turn: None,
            upload: None,
            book: None,
            queued_us: None,
            cache_asked: false,
            ..*self
        }
    }
}

/// A random id that begins with the time: rows with ids in order are written several times faster than scattered ones.
fn call_id(now_us: i64) -> uuid::Uuid {
    let now_us = u64::try_from(now_us).unwrap_or_default();
    let nanos = u32::try_from(now_us % 1_000_000 * 1000).unwrap_or_default();
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, now_us / 1_000_000, nanos))
}

/// A call that ended in an error: with what was reserved, which settles when it is dropped.
#[derive(Debug)]
pub struct Refused {
    /// What the client is told.
    pub error: Error,
    /// What was reserved until then.
    pub reservation: Option<Reservation>,
    /// The last attempt, if one was made.
    pub made: Option<Box<Failure>>,
    /// The call was made, and its record is written: nobody is told of it again.
    pub booked: bool,
}

impl Refused {
    /// A call that nobody answered.
    pub(crate) fn of(failure: Failure, reservation: Reservation) -> Self {
        let error = failure.error.clone();
        Self { error, reservation: Some(reservation), made: Some(Box::new(failure)), booked: false }
    }

    /// A call that was refused after this was set aside for it.
    pub(crate) const fn after(error: Error, reservation: Reservation) -> Self {
        Self { error, reservation: Some(reservation), made: None, booked: false }
    }

    /// A call that was answered, and whose answer the client does not get: its record says so.
    pub(crate) const fn booked(error: Error) -> Self {
        Self { error, reservation: None, made: None, booked: true }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, reservation: None, made: None, booked: false }
    }
}
