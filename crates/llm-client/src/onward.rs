//! Going on where a stream broke off: another model gets the conversation and what the client has of the answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::BytesMut;
use llm_catalog::Capability;
use llm_http::Transport;
use llm_router::{Attempt, Attempts, Outcome, Step};
use llm_types::generate::{Role, Turn};
use llm_types::stream::{Event, EventFilter, EventSink};
use llm_types::{Error, Format, RawJson, Result};
use llm_wire::codec::EncodeContext;

use crate::StreamBody;
use crate::answer::Answer;
use crate::attempt::attempt;
use crate::call::Call;
use crate::engine::{Engine, Gate};
use crate::rehearsed::Rehearsed;
use crate::target::Target;

/// What the other model is told.
const INSTRUCTION: &str = "Your answer was interrupted. The last assistant message is the part that was already \
    delivered. Go on exactly where it stops, without repeating any of it and without a remark on the interruption.";

/// Filters of a streamed answer.
type Filters = Vec<Box<dyn EventFilter>>;

/// What is needed to go on with a call.
pub(crate) struct Onward {
    engine: Engine,
    http: Arc<dyn Transport>,
    call: Call,
    /// Filters of the gate for one continuation; nothing when they are used up.
    filters: Option<Filters>,
    pub(crate) attempts: Box<Attempts>,
}

/// A continuation that began: its body has to be read so that its events are heard. The bytes are for nobody.
pub(crate) struct Continuation {
    pub(crate) body: Box<StreamBody>,
    pub(crate) heard: Heard,
    /// Hops from group to group behind the first content.
    pub(crate) hops: u32,
}

impl Onward {
    /// Nothing when the transport cannot be held on to.
    pub(crate) fn new(
        engine: &Engine,
        http: &dyn Transport,
        call: &Call,
        gate: &dyn Gate,
        attempts: Box<Attempts>,
    ) -> std::result::Result<Box<Self>, Box<Attempts>> {
        let Some(http) = http.share() else { return Err(attempts) };
        let (engine, filters) = (engine.clone(), Some(gate.filters()));
        Ok(Box::new(Self { engine, http, call: call.clone(), filters, attempts }))
    }

    /// True when an answer that ends like this may be continued: not when the request itself is at fault, or when
    /// somebody stopped it.
    pub(crate) fn allows(&self, error: &Error) -> bool {
        let own = matches!(error.status(), 400..=499) && !matches!(error.status(), 408 | 429);
        !own && self.filters.is_some() && self.attempts.may_be_continued()
    }

    /// Asks one deployment after the other to go on, until one does.
    ///
    /// # Errors
    /// What the client is told when nobody can: the error that broke the answer off.
    pub(crate) async fn go_on(&mut self, partial: &str) -> Result<Continuation> {
        let mut filters = self.filters.take().unwrap_or_default();
        let guarded = !filters.is_empty();
        if guarded {
            // They judge the answer as the client reads it, not a part of it.
            filters = vec![Box::new(Rehearsed::new(filters, partial))];
        } else {
            self.filters = Some(Filters::new());
        }
        let filters = Mutex::new(Some(filters));
        loop {
            match self.attempts.next(Instant::now()) {
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::GiveUp(error) => return Err(error),
                Step::Try(at) => {
                    let hops = at.fallbacks;
                    let call = self.continued(&at, partial)?;
                    let ear = Ear { heard: Heard::default(), filters: &filters };
                    let started = Instant::now();
                    match attempt(&self.engine, &*self.http, &call, at, &ear).await {
                        Ok(Answer::Stream { body, .. }) => {
                            let latency = started.elapsed();
                            let outcome = Outcome::Success { latency, usage: None, ttft: Some(latency), cost: 0.0 };
                            self.attempts.report(outcome, Instant::now());
                            return Ok(Continuation { body, heard: ear.heard, hops });
                        }
                        Ok(_) => return Err(Error::internal("a continuation that is no stream")),
                        Err(failed) => {
                            self.attempts.report(Outcome::Failure(&failed.error), Instant::now());
                            if guarded {
                                return Err(failed.error); // its guardrails went with it
                            }
                        }
                    }
                }
            }
        }
    }

    /// The call with what the client has of the answer.
    fn continued(&self, at: &Attempt, partial: &str) -> Result<Call> {
        let mut call =
            if at.overrides.is_empty() { self.call.clone() } else { self.call.with_fields(&at.overrides)? };
        if partial.is_empty() {
            return Ok(call);
        }
        let mut request = call.decoded()?.clone();
        let mut said = Turn::text(Role::Assistant, partial);
        if self.prefills(at) {
            if let Ok(yes) = RawJson::parse("true") {
                said.extra.push(Format::OpenAiChat, "prefix", yes);
            }
            // With the other instructions: some languages have a place for them at the beginning only.
            let instructions = request.split_instructions().0.len();
            request.turns.insert(instructions, Turn::text(Role::System, INSTRUCTION));
            request.turns.push(said);
        } else {
            request.turns.push(said);
            request.turns.push(Turn::text(Role::User, INSTRUCTION));
        }
        let codec = llm_wire::registry::upstream_generate(call.format)
            .ok_or_else(|| Error::internal(format!("the format {} cannot be written anew", call.format)))?;
        let mut context = EncodeContext::for_model(&request.model);
        let mut out = BytesMut::with_capacity(call.body.len() + partial.len() + 256);
        codec.encode_request(&request, &mut context, &mut out)?;
        call.replace_body(out.freeze());
        Ok(call)
    }

    /// The model goes on with a last turn that is its own.
    fn prefills(&self, at: &Attempt) -> bool {
        let target = at.deployment.payload::<Target>();
        let entry = target.and_then(|t| t.price(&self.engine.prices, &t.model_of(&at.model)));
        entry.is_some_and(|e| e.supports(Capability::AssistantPrefill))
    }
}

/// The events of a continuation, as they come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Event<'static>>>>);

impl Heard {
    /// What came since the last time.
    pub(crate) fn take(&self) -> Vec<Event<'static>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventFilter for Heard {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone().into_owned());
        next.event(event);
    }
}

/// The gate of a continuation: listens behind the call's own filters.
struct Ear<'a> {
    heard: Heard,
    filters: &'a Mutex<Option<Filters>>,
}

impl Gate for Ear<'_> {
    fn filters(&self) -> Filters {
        let own = self.filters.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut all = own.unwrap_or_default();
        all.push(Box::new(self.heard.clone()));
        all
    }
}
