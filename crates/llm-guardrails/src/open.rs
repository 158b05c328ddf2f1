//! A guardrail with its session of a call, and the texts that it looks at.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use llm_types::generate::Role;
use llm_types::{Error, Kind, Result};

use crate::guardrail::{Content, Direction, Guardrail, GuardrailSession, Mode, Stop, Verdict};
use crate::record::{GuardrailRecord, RunStatus};
use crate::texts::{Scope, Texts};

/// A guardrail with its session of the call.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) guardrail: Arc<dyn Guardrail>,
    pub(crate) session: Arc<dyn GuardrailSession>,
    /// Asked for, or on by default. Otherwise it only looks at logs.
    pub(crate) asked: bool,
}

/// Whole texts under the eyes of several guardrails.
pub(crate) struct Sheet {
    pub(crate) direction: Direction,
    pub(crate) texts: Vec<String>,
    roles: Vec<Option<Role>>,
    changed: Vec<bool>,
}

impl Open {
    /// A record of a run that begins now.
    pub(crate) fn record(&self, mode: Mode) -> GuardrailRecord {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        GuardrailRecord {
            name: self.guardrail.name().to_owned(),
            provider: self.guardrail.provider().to_owned(),
            mode,
            status: RunStatus::Success,
            reason: None,
            start_us: i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            took: std::time::Duration::ZERO,
            masked: Vec::new(),
        }
    }

    pub(crate) fn rule(
        &self,
        verdict: Result<Verdict>,
        mode: Mode,
        sheet: &mut Sheet,
        record: &mut GuardrailRecord,
    ) -> Result<()> {
        match verdict {
            Ok(Verdict::Pass) => Ok(()),
            Ok(Verdict::Replace { texts, masked }) => {
                record.status = RunStatus::GuardrailIntervened;
                record.add_masked(masked);
                if mode.edits() {
                    texts.into_iter().for_each(|(at, text)| sheet.set(at, text));
                }
                Ok(())
            }
            Ok(Verdict::Stop(stop)) => {
                record.status = RunStatus::GuardrailIntervened;
                record.reason = Some(stop.message.clone());
                Err(self.told(stop, mode).into())
            }
            Err(e) => {
                record.status = RunStatus::GuardrailFailedToRespond;
                record.reason = Some(e.message.clone());
                let (guardrail, open) = (self.guardrail.name(), self.guardrail.fail_open(&e));
                tracing::error!(guardrail, passes = open, error = %e.message, "a guardrail failed");
                if open { Ok(()) } else { Err(failed(guardrail)) }
            }
        }
    }
}

impl Open {
    /// A stop with what LiteLLM adds to those that have details.
    pub(crate) fn told(&self, mut stop: Stop, mode: Mode) -> Stop {
        if let Some(detail) = &mut stop.detail {
            detail.set("guardrail_name", self.guardrail.name());
            detail.set("guardrail_mode", mode.name());
        }
        stop
    }
}

/// A guardrail failed itself. Its own words may name its address or credential: clients are told that it failed.
pub(crate) fn failed(name: &str) -> Error {
    let message = format!("the guardrail {name} failed to respond");
    Error::new(Kind::Guardrail, message).with_status(500).with_type("internal_server_error")
}

impl Sheet {
    pub(crate) fn new(texts: Vec<(Option<Role>, String)>, direction: Direction) -> Self {
        let changed = vec![false; texts.len()];
        let (roles, texts) = texts.into_iter().unzip();
        Self { direction, texts, roles, changed }
    }

    pub(crate) fn of<T: Texts>(content: &mut T, direction: Direction, scope: Scope) -> Self {
        let mut texts = Vec::new();
        content.visit(scope, &mut |role, t| texts.push((role, t.clone())));
        Self::new(texts, direction)
    }

    pub(crate) fn content(&self) -> Content<'_> {
        Content { direction: self.direction, texts: &self.texts, roles: &self.roles }
    }

    pub(crate) fn set(&mut self, at: usize, text: String) {
        if let (Some(old), Some(changed)) = (self.texts.get_mut(at), self.changed.get_mut(at)) {
            *changed |= *old != text;
            *old = text;
        }
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.changed.contains(&true)
    }

    pub(crate) fn write_back<T: Texts>(self, content: &mut T, scope: Scope) {
        let mut new = self.texts.into_iter().zip(self.changed);
        content.visit(scope, &mut |_, t| {
            if let Some((text, true)) = new.next() {
                *t = text;
            }
        });
    }
}
