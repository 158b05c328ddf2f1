//! The guardrails of one call.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt as _;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventFilter;
use llm_types::{Error, Json, Kind, RawJson, Result};

use crate::fields::Targets;
use crate::guardrail::{Content, Direction, Guardrail, GuardrailSession, Mode, Verdict};
use crate::json;
use crate::line::Line;
use crate::record::{GuardLog, GuardrailRecord, RunStatus};
use crate::stream::StreamFilter;
use crate::texts::{Scope, Texts, ToolOutcome};

/// What stands in a log where a guardrail would have stopped the content.
const WITHHELD: &str = "redacted-by-litellm";

/// What the guardrails of a mode did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Content was edited: the request or answer has to be written anew.
    pub changed: bool,
    /// Names of the guardrails that ran.
    pub ran: Vec<String>,
}

/// A guardrail with its session of the call.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) guardrail: Arc<dyn Guardrail>,
    pub(crate) session: Arc<dyn GuardrailSession>,
    /// Asked for, or on by default. Otherwise it only looks at logs.
    pub(crate) asked: bool,
}

/// The guardrails that one call runs. Cheap when there are none.
#[derive(Debug, Default)]
pub struct Guards {
    open: Vec<Open>,
    /// Those that run one after the other, before the others.
    lines: Vec<Line>,
    scope: Scope,
    records: GuardLog,
}

/// Whole texts under the eyes of several guardrails.
pub(crate) struct Sheet {
    pub(crate) direction: Direction,
    pub(crate) texts: Vec<String>,
    changed: Vec<bool>,
}

impl Guards {
    pub(crate) fn new(
        open: impl Iterator<Item = (Arc<dyn Guardrail>, Arc<dyn GuardrailSession>, bool)>,
        lines: Vec<Line>,
        scope: Scope,
    ) -> Self {
        let open = open.map(|(guardrail, session, asked)| Open { guardrail, session, asked }).collect();
        Self { open, lines, scope, records: GuardLog::default() }
    }

    /// The same, writing down what they do in this log.
    #[must_use]
    pub fn log_into(self, log: GuardLog) -> Self {
        Self { records: log, ..self }
    }

    /// True when no guardrail runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.lines.is_empty()
    }

    /// True when a guardrail runs in this mode.
    #[must_use]
    pub fn has(&self, mode: Mode) -> bool {
        self.of(mode).next().is_some() || self.lines.iter().any(|line| line.mode() == mode)
    }

    /// Those of a mode that no line of the same mode runs.
    fn beside(&self, mode: Mode) -> impl Iterator<Item = &Open> {
        let managed = move |open: &&Open| {
            let name = open.guardrail.name();
            let here = |line: &&Line| line.mode() == mode && line.replaces();
            self.lines.iter().filter(here).any(|line| line.names().any(|known| known == name))
        };
        self.of(mode).filter(move |open| !managed(open))
    }

    fn of(&self, mode: Mode) -> impl Iterator<Item = &Open> {
        let asked = move |o: &&Open| o.asked || mode == Mode::LoggingOnly;
        self.open.iter().filter(move |o| o.guardrail.modes().has(mode)).filter(asked)
    }

    /// Runs the guardrails of mode `pre_call`, which may edit the request.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the request (400) or fails (500).
    pub async fn before(&self, request: &mut GenerateRequest) -> Result<Outcome> {
        self.edit(Mode::PreCall, Direction::Request, request).await
    }

    /// Runs the guardrails of mode `during_call` on the request; poll it beside the call. Masks are not applied.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the call (400) or fails (500).
    pub async fn during(&self, request: &GenerateRequest) -> Result<Outcome> {
        if !self.has(Mode::DuringCall) {
            return Ok(Outcome::default());
        }
        let mut sheet = Sheet::of(&mut request.clone(), Direction::Request, self.scope);
        let ran = self.judge(Mode::DuringCall, &mut sheet).await?;
        Ok(Outcome { changed: false, ran })
    }

    /// Runs the guardrails of mode `post_call` on a whole answer, which they may edit.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the answer (400) or fails (500).
    pub async fn after(&self, response: &mut GenerateResponse) -> Result<Outcome> {
        self.edit(Mode::PostCall, Direction::Response, response).await
    }

    /// Runs the guardrails of mode `pre_mcp_call` on the arguments of a tool, which they may edit.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the call (400) or fails (500).
    pub async fn before_tool(&self, arguments: &mut RawJson) -> Result<Outcome> {
        self.edit(Mode::PreMcpCall, Direction::Request, arguments).await
    }

    /// Runs the guardrails of mode `during_mcp_call` on the arguments of a tool; poll it beside the call.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the call (400) or fails (500).
    pub async fn during_tool(&self, arguments: &RawJson) -> Result<Outcome> {
        self.edit(Mode::DuringMcpCall, Direction::Request, &mut arguments.clone()).await
    }

    /// Runs the guardrails of mode `post_mcp_call` on the result of a tool, which they may edit.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the result (400) or fails (500).
    pub async fn after_tool(&self, result: &mut ToolOutcome) -> Result<Outcome> {
        self.edit(Mode::PostMcpCall, Direction::Response, result).await
    }

    /// Runs the guardrails of mode `pre_call` on a body that is only relayed, which they may edit.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the request (400) or fails (500).
    pub async fn before_relay(&self, body: &mut Json, targets: &Targets) -> Result<Outcome> {
        self.relay(Mode::PreCall, Direction::Request, body, targets).await
    }

    /// Runs the guardrails of mode `during_call` on it. Masks are not applied.
    ///
    /// # Errors
    /// As [`Guards::before_relay`].
    pub async fn during_relay(&self, body: &Json, targets: &Targets) -> Result<Outcome> {
        if !self.has(Mode::DuringCall) {
            return Ok(Outcome::default());
        }
        self.relay(Mode::DuringCall, Direction::Request, &mut body.clone(), targets).await
    }

    /// Runs the guardrails of mode `post_call` on the answer, which they may edit.
    ///
    /// # Errors
    /// As [`Guards::before_relay`].
    pub async fn after_relay(&self, body: &mut Json, targets: &Targets) -> Result<Outcome> {
        self.relay(Mode::PostCall, Direction::Response, body, targets).await
    }

    /// What stands between a streamed answer and the client: the guardrails of mode `post_call`. Nothing when none
    /// runs. Text is held back as long as a guardrail may still object to it; masked text is replaced; a stop ends
    /// the stream with an error event. A guardrail that cannot judge streams stops it at its first text: ask
    /// [`Self::needs_whole`] before.
    #[must_use]
    pub fn stream_filter(&self) -> Option<Box<dyn EventFilter>> {
        // A stream is not held back to its end: what a line would run step by step looks at it side by side.
        let lines = self.lines.iter().filter(|line| line.mode() == Mode::PostCall);
        let of_lines = lines.flat_map(Line::blocking);
        // What masks in a step masks here as well.
        let mut open: Vec<Open> = self.of(Mode::PostCall).cloned().collect();
        for one in of_lines {
            if !open.iter().any(|known| known.guardrail.name() == one.guardrail.name()) {
                open.push(one.clone());
            }
        }
        if open.is_empty() {
            return None;
        }
        Some(Box::new(StreamFilter::new(open, self.records.clone())))
    }

    /// True when a guardrail can only judge whole answers: the answer has to be complete before it is streamed.
    #[must_use]
    pub fn needs_whole(&self) -> bool {
        self.of(Mode::PostCall).any(|o| o.session.gate().is_none())
    }

    /// Those of mode `logging_only` in this call, with the sessions that they have: for logs that are written when the call and
    /// its guardrails are over. Nothing when there are none.
    #[must_use]
    pub fn of_logs(&self) -> Option<Self> {
        let open: Vec<_> = self.of(Mode::LoggingOnly).cloned().collect();
        (!open.is_empty()).then(|| Self { open, lines: Vec::new(), scope: self.scope, records: GuardLog::default() })
    }

    /// What may be logged of messages or an answer: the guardrails of mode `logging_only` mask its strings. Content
    /// that one of them would stop, or fails on, is withheld as a whole, and so is what one cannot judge at once: a record
    /// is written when its call ends, and waits for nobody.
    #[must_use]
    pub fn for_log(&self, direction: Direction, content: &RawJson) -> RawJson {
        if !self.has(Mode::LoggingOnly) {
            return content.clone();
        }
        let Ok(mut tree) = content.read::<Json>() else { return RawJson::string(WITHHELD) };
        let mut texts = Vec::new();
        json::strings_mut(&mut tree, &mut |t| texts.push(t.clone()));
        let mut sheet = Sheet::new(texts, direction);
        if !matches!(self.judge(Mode::LoggingOnly, &mut sheet).now_or_never(), Some(Ok(_))) {
            return RawJson::string(WITHHELD);
        }
        if !sheet.is_changed() {
            return content.clone();
        }
        let mut new = sheet.texts.into_iter();
        json::strings_mut(&mut tree, &mut |t| *t = new.next().unwrap_or_default());
        tree.to_raw()
    }

    /// What the guardrails did so far, streams included.
    #[must_use]
    pub fn records(&self) -> Vec<GuardrailRecord> {
        self.records.records()
    }

    async fn edit<T: Texts>(&self, mode: Mode, direction: Direction, content: &mut T) -> Result<Outcome> {
        if !self.has(mode) {
            return Ok(Outcome::default());
        }
        let mut sheet = Sheet::of(content, direction, self.scope);
        let mut ran = Vec::new();
        for line in self.lines.iter().filter(|line| line.mode() == mode) {
            line.run(&mut sheet, &self.records, &mut ran).await?;
        }
        ran.extend(self.judge(mode, &mut sheet).await?);
        let changed = sheet.is_changed();
        if changed {
            sheet.write_back(content, self.scope);
        }
        Ok(Outcome { changed, ran })
    }

    /// Runs the guardrails of a mode on a body that is only relayed, each on its own fields.
    async fn relay(&self, mode: Mode, direction: Direction, body: &mut Json, targets: &Targets) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        // A body that passes is judged side by side, whatever order a policy wants.
        let mut open: Vec<&Open> = self.of(mode).collect();
        for one in self.lines.iter().filter(|line| line.mode() == mode).flat_map(Line::blocking) {
            if !open.iter().any(|known| known.guardrail.name() == one.guardrail.name()) {
                open.push(one);
            }
        }
        for open in open {
            let mut part = targets.part(open.guardrail.name(), direction, body);
            let mut sheet = Sheet::of(&mut part, direction, Scope::default());
            outcome.ran.push(self.run(open, mode, &mut sheet).await?);
            if sheet.is_changed() {
                outcome.changed = true;
                sheet.write_back(&mut part, Scope::default());
            }
        }
        Ok(outcome)
    }

    async fn judge(&self, mode: Mode, sheet: &mut Sheet) -> Result<Vec<String>> {
        let mut ran = Vec::new();
        for open in self.beside(mode) {
            ran.push(self.run(open, mode, sheet).await?);
        }
        Ok(ran)
    }

    /// Runs one of them; its name.
    async fn run(&self, open: &Open, mode: Mode, sheet: &mut Sheet) -> Result<String> {
        let mut record = open.record(mode);
        let begun = Instant::now();
        let verdict = open.session.check(Content { direction: sheet.direction, texts: &sheet.texts }).await;
        record.took = begun.elapsed();
        let name = record.name.clone();
        let outcome = open.rule(verdict, mode, sheet, &mut record);
        self.records.add([record]);
        outcome.map(|()| name)
    }
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

    fn rule(
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
                Err(stop.into())
            }
            Err(e) => {
                record.status = RunStatus::GuardrailFailedToRespond;
                record.reason = Some(e.message.clone());
                if self.guardrail.fail_open() {
                    return Ok(());
                }
                Err(failed(self.guardrail.name()))
            }
        }
    }
}

/// A guardrail failed itself. Its own words may name its address or credential: clients are told that it failed.
pub(crate) fn failed(name: &str) -> Error {
    let message = format!("the guardrail {name} failed to respond");
    Error::new(Kind::Guardrail, message).with_status(500).with_type("internal_server_error")
}

impl Sheet {
    fn new(texts: Vec<String>, direction: Direction) -> Self {
        let changed = vec![false; texts.len()];
        Self { direction, texts, changed }
    }

    fn of<T: Texts>(content: &mut T, direction: Direction, scope: Scope) -> Self {
        let mut texts = Vec::new();
        content.visit(scope, &mut |t| texts.push(t.clone()));
        Self::new(texts, direction)
    }

    pub(crate) fn set(&mut self, at: usize, text: String) {
        if let (Some(old), Some(changed)) = (self.texts.get_mut(at), self.changed.get_mut(at)) {
            *changed |= *old != text;
            *old = text;
        }
    }

    fn is_changed(&self) -> bool {
        self.changed.contains(&true)
    }

    fn write_back<T: Texts>(self, content: &mut T, scope: Scope) {
        let mut new = self.texts.into_iter().zip(self.changed);
        content.visit(scope, &mut |t| {
            if let Some((text, true)) = new.next() {
                *t = text;
            }
        });
    }
}
