//! Guardrails that ask a service over HTTP.
//!
//! | file | what |
//! |---|---|
//! | `wire` | [`Wire`]: how a request gets to a service; `Talk`: one service's address and credentials |
//! | `settings` | what a configuration says of a service, and what is wrong with it |
//! | `shape` | the table of the services: address, key, parameters, what is asked and what answers mean |
//! | `aporia`, `azure`, `bedrock`, `generic`, `lakera`, `openai` | `ask` and `read` of each |
//! | `presidio`, `names` | two requests per text; names for what was masked, which are put back into answers |
//!
//! What fails stops the call, unless `unreachable_fallback` or `fail_on_error` says otherwise.

mod aporia;
mod azure;
mod bedrock;
mod generic;
mod lakera;
mod names;
mod openai;
mod presidio;
mod settings;
mod shape;
mod spans;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use llm_types::{Error, Json, Kind, Result};

use crate::guardrail::{CallContext, Content, Direction, Guardrail, GuardrailSession, Mode, Modes, TextGate, Verdict};
use crate::sessions::SessionRules;
use settings::Settings;
use shape::{Facts, Heard, Said};
use wire::Talk;

pub(crate) use settings::read;
pub(crate) use shape::is_served;
pub use shape::{defaults, kinds};
pub use wire::Wire;

/// A guardrail that asks a service.
pub(crate) struct Service {
    settings: Arc<Settings>,
    modes: Modes,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Guardrail for Service {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn provider(&self) -> &str {
        self.settings.shape.kind
    }

    fn modes(&self) -> Modes {
        self.modes
    }

    fn default_on(&self) -> bool {
        self.settings.default_on
    }

    fn session_rules(&self) -> SessionRules {
        self.settings.sessions.clone()
    }

    fn fail_open(&self, error: &Error) -> bool {
        let unreachable = matches!(error.kind, Kind::Connection | Kind::Timeout | Kind::Unavailable);
        !self.settings.fail_on_error || (unreachable && self.settings.open_when_unreachable)
    }

    fn open(&self, call: &CallContext<'_>) -> Arc<dyn GuardrailSession> {
        Arc::new(Session {
            settings: Arc::clone(&self.settings),
            wire: call.wire.cloned(),
            facts: Facts::of(call),
            memory: names::Memory::default(),
            answers: self.modes.has(Mode::PostCall),
            edited: AtomicBool::new(false),
        })
    }
}

/// A service's work on one call.
#[derive(Debug)]
struct Session {
    settings: Arc<Settings>,
    wire: Option<Arc<dyn Wire>>,
    facts: Facts,
    memory: names::Memory,
    /// It looks at answers.
    answers: bool,
    /// It edited the request.
    edited: AtomicBool,
}

impl Session {
    async fn judge(&self, content: Content<'_>) -> Result<Verdict> {
        let settings = &*self.settings;
        let heard = Heard::new(&content, &settings.only);
        if heard.texts.is_empty() {
            return Ok(Verdict::Pass);
        }
        let wire = self.wire.as_deref().ok_or_else(|| Error::internal("there is no way to the service here"))?;
        let talk = Talk { settings, wire };
        let said = match &settings.presidio {
            Some(presidio) => presidio.judge(&talk, &heard, &self.facts, &self.memory).await?,
            None => self.ask(&talk, &heard).await?,
        };
        Ok(match said {
            Said::Fine => Verdict::Pass,
            Said::Edited { texts, masked } => {
                self.edited.fetch_or(content.direction == Direction::Request, Ordering::Relaxed);
                Verdict::Replace { texts, masked }
            }
            Said::Parts { .. } => return Err(Error::internal("parts of texts that were not put together")),
            Said::Stop(mut stop) => {
                if let Some(template) = &settings.message {
                    stop.message = template.replace("{default_message}", &stop.message);
                }
                Verdict::Stop(stop)
            }
        })
    }

    /// Asks one thing after the other, as the table says; what stops the content ends it.
    async fn ask(&self, talk: &Talk<'_>, heard: &Heard<'_>) -> Result<Said> {
        let settings = talk.settings;
        let (mut all, mut counts) = (BTreeMap::<usize, String>::new(), Vec::new());
        for ask in (settings.shape.ask)(settings, heard, &self.facts) {
            let answer: Json = talk.post(&settings.base, &settings.path, &ask.body).await?;
            match (settings.shape.read)(settings, heard, &ask, &answer)? {
                Said::Fine => {}
                Said::Edited { texts, masked } => {
                    all.extend(texts);
                    counts.extend(masked);
                }
                Said::Parts { parts, masked } => {
                    for (at, part) in parts {
                        all.entry(at).or_default().push_str(&part);
                    }
                    counts.extend(masked);
                }
                stop @ Said::Stop(_) => return Ok(stop),
            }
        }
        for text in &heard.texts {
            // Put together from parts that are as they were.
            if all.get(&text.at).is_some_and(|new| new == text.text) {
                all.remove(&text.at);
            }
        }
        let texts: Vec<_> = all.into_iter().collect();
        Ok(if texts.is_empty() { Said::Fine } else { Said::Edited { texts, masked: counts } })
    }
}

impl GuardrailSession for Session {
    fn check<'a>(&'a self, content: Content<'a>) -> BoxFuture<'a, Result<Verdict>> {
        self.judge(content).boxed()
    }

    fn personal(&self) -> bool {
        self.answers && self.edited.load(Ordering::Relaxed)
    }

    fn only_restores(&self) -> bool {
        self.settings.presidio.as_ref().is_some_and(presidio::Presidio::only_restores)
    }

    fn hidden(&self, text: &str) -> Option<String> {
        self.memory.hide(text)
    }

    fn gate(&self) -> Option<Box<dyn TextGate>> {
        self.settings.presidio.as_ref()?.gate(&self.memory)
    }
}

#[cfg(test)]
mod tests;
