//! The guardrails of one call.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use llm_types::generate::{GenerateRequest, GenerateResponse};
use llm_types::stream::EventFilter;
use llm_types::{Error, Json, Kind, OperationKind, RawJson, Result};

use crate::fields::Targets;
use crate::guardrail::{Direction, Guardrail, GuardrailSession, Mode};
use crate::json;
use crate::line::Line;
use crate::open::{Open, Sheet};
use crate::places::Placed;
use crate::record::{GuardLog, GuardrailRecord};
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

/// The guardrails that one call runs. Cheap when there are none.
#[derive(Debug, Default)]
pub struct Guards {
    pub(crate) open: Vec<Open>,
    /// Those that run one after the other, before the others.
    pub(crate) lines: Vec<Line>,
    scope: Scope,
    records: GuardLog,
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

    /// Runs the guardrails of mode `pre_call` on the body of an operation that is no conversation, which they may edit.
    ///
    /// # Errors
    /// Kind `Guardrail`, when one stops the request (400) or fails (500).
    pub async fn before_task(&self, operation: OperationKind, body: &mut Json) -> Result<Outcome> {
        self.task(Mode::PreCall, Direction::Request, operation, body).await
    }

    /// Runs the guardrails of mode `during_call` on it; poll it beside the call. Masks are not applied.
    ///
    /// # Errors
    /// As [`Guards::before_task`].
    pub async fn during_task(&self, operation: OperationKind, body: &Json) -> Result<Outcome> {
        self.task(Mode::DuringCall, Direction::Request, operation, &mut body.clone()).await
    }

    /// Runs the guardrails of mode `post_call` on its answer, which they may edit: an object, or a bare text. What says a
    /// text again in pieces is left out of an answer of which something was masked. Subtitles are judged as one text as well.
    ///
    /// # Errors
    /// As [`Guards::before_task`]; 502 when words that go over several subtitles would have to be masked.
    pub async fn after_task(&self, operation: OperationKind, body: &mut Json) -> Result<Outcome> {
        let outcome = self.task(Mode::PostCall, Direction::Response, operation, body).await?;
        if outcome.changed {
            crate::places::drop_repeats(operation, body);
        }
        if let Some(said) = crate::places::said_in_cues(operation, body) {
            let over_several = self.task(Mode::PostCall, Direction::Response, operation, &mut Json::from(said)).await?;
            if over_several.changed {
                let why = "The answer is withheld: what would be masked goes over several subtitles";
                return Err(Error::new(Kind::Guardrail, why).with_status(502));
            }
        }
        Ok(outcome)
    }

    async fn task(
        &self,
        mode: Mode,
        direction: Direction,
        operation: OperationKind,
        body: &mut Json,
    ) -> Result<Outcome> {
        let Some(mut placed) = Placed::new(operation, direction, body) else { return Ok(Outcome::default()) };
        self.edit(mode, direction, &mut placed).await
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

    /// True when the answer is this caller's alone. Ask when the request was judged.
    #[must_use]
    pub fn personal(&self) -> bool {
        let of_lines = self.lines.iter().flat_map(Line::open);
        self.open.iter().chain(of_lines).any(|open| open.session.personal())
    }

    /// True when a guardrail judges answers, and does more than to put words back into them.
    #[must_use]
    pub fn judges_answers(&self) -> bool {
        self.lines.iter().any(|line| line.mode() == Mode::PostCall)
            || self.of(Mode::PostCall).any(|open| !open.session.only_restores())
    }

    /// True when a guardrail can only judge whole answers: the answer has to be complete before it is streamed.
    #[must_use]
    pub fn needs_whole(&self) -> bool {
        let lines = self.lines.iter().filter(|line| line.mode() == Mode::PostCall);
        self.of(Mode::PostCall).chain(lines.flat_map(Line::blocking)).any(|o| o.session.gate().is_none())
    }

    /// Those of mode `logging_only` in this call, and those that look at answers, which may put words back, with the sessions that
    /// they have: for logs that are written when the call and its guardrails are over. Nothing when there are none.
    #[must_use]
    pub fn of_logs(&self) -> Option<Self> {
        let of_lines = self.lines.iter().flat_map(Line::open);
        let for_logs =
            |open: &&Open| [Mode::LoggingOnly, Mode::PostCall].iter().any(|m| open.guardrail.modes().has(*m));
        let open: Vec<_> = self.open.iter().chain(of_lines).filter(for_logs).cloned().collect();
        (!open.is_empty()).then(|| Self { open, lines: Vec::new(), scope: self.scope, records: GuardLog::default() })
    }

    /// What may be logged of messages or an answer: what was put back into it is taken out again, and the guardrails of mode `logging_only` mask its strings. Content
    /// that one of them would stop, or fails on, is withheld as a whole, and so is what one cannot judge at once: a record
    /// is written when its call ends, and waits for nobody.
    #[must_use]
    pub fn for_log(&self, direction: Direction, content: &RawJson) -> RawJson {
        let hidden = self.hidden(content);
        let content = hidden.as_ref().unwrap_or(content);
        if !self.has(Mode::LoggingOnly) {
            return content.clone();
        }
        let Ok(mut tree) = content.read::<Json>() else { return RawJson::string(WITHHELD) };
        let mut texts = Vec::new();
        json::strings_mut(&mut tree, &mut |t| texts.push((None, t.clone())));
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

    /// Content without what guardrails put back into it; nothing when there is none of that in it.
    fn hidden(&self, content: &RawJson) -> Option<RawJson> {
        self.open.iter().any(|open| open.session.personal()).then_some(())?;
        let mut tree = content.read::<Json>().ok()?;
        let mut changed = false;
        json::strings_mut(&mut tree, &mut |text| {
            for open in &self.open {
                if let Some(new) = open.session.hidden(text) {
                    *text = new;
                    changed = true;
                }
            }
        });
        changed.then(|| tree.to_raw())
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
    pub(crate) async fn relay(
        &self,
        mode: Mode,
        direction: Direction,
        body: &mut Json,
        targets: &Targets,
    ) -> Result<Outcome> {
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
        let verdict = open.session.check(sheet.content()).await;
        record.took = begun.elapsed();
        let name = record.name.clone();
        let outcome = open.rule(verdict, mode, sheet, &mut record);
        self.records.add([record]);
        outcome.map(|()| name)
    }
}
