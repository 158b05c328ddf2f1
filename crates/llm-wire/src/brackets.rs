//! Brackets for streams of formats that have none: one alternative whose parts begin when something is said and end
//! when something else is.

use std::borrow::Cow;

use llm_types::Error;
use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Delta, Event, EventSink, PartStart, Start};

/// What the open part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
}

/// Writes the events of one alternative in the order of the grammar.
#[derive(Debug, Default)]
pub(crate) struct Brackets {
    started: bool,
    over: bool,
    open: Option<Open>,
    /// Parts so far; the open one is the last.
    parts: u32,
    calls: u32,
    finish: Option<Finish>,
}

impl Brackets {
    /// The answer begins; said again, it means nothing.
    pub(crate) fn start(&mut self, start: impl FnOnce() -> Start, sink: &mut dyn EventSink) {
        if !std::mem::replace(&mut self.started, true) {
            sink.event(Event::Start(Box::new(start())));
        }
    }

    pub(crate) const fn over(&self) -> bool {
        self.over
    }

    /// Tool calls so far.
    pub(crate) const fn calls(&self) -> u32 {
        self.calls
    }

    /// Visible text. Empty text opens nothing.
    pub(crate) fn text(&mut self, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if !text.is_empty() {
            let part = self.within(Open::Text, PartStart::Text, sink);
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Text(text) });
        }
    }

    /// Thoughts. Empty ones open nothing.
    pub(crate) fn thinking(&mut self, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if !text.is_empty() {
            let part = self.within(Open::Thinking, PartStart::Thinking, sink);
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Thinking(text) });
        }
    }

    /// A tool call begins; its arguments follow.
    pub(crate) fn call(&mut self, id: &str, name: &str, sink: &mut dyn EventSink) {
        self.close(sink);
        self.calls += 1;
        self.begin(Open::Call, PartStart::ToolCall { id: Cow::Borrowed(id), name: Cow::Borrowed(name) }, sink);
    }

    /// A piece of the open call's arguments; without an open call it belongs to none.
    pub(crate) fn arguments(&mut self, json: Cow<'_, str>, sink: &mut dyn EventSink) {
        if self.open == Some(Open::Call) && !json.is_empty() {
            let part = self.parts.saturating_sub(1);
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Arguments(json) });
        }
    }

    /// Ends the open part.
    pub(crate) fn close(&mut self, sink: &mut dyn EventSink) {
        if self.open.take().is_some() {
            sink.event(Event::PartEnd { choice: 0, part: self.parts.saturating_sub(1) });
        }
    }

    /// Remembers why the answer ended; it is told with the end.
    pub(crate) fn ends(&mut self, finish: Finish) {
        self.finish = Some(finish);
    }

    /// The answer is complete. A plain end after tool calls waits for their results.
    pub(crate) fn complete(&mut self, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.start(Start::default, sink);
        self.close(sink);
        let mut finish = self.finish.take().unwrap_or(Finish::new(FinishReason::Stop));
        if finish.reason == FinishReason::Stop && self.calls > 0 {
            finish.reason = FinishReason::ToolCalls;
        }
        sink.event(Event::Finish { choice: 0, finish });
        sink.event(Event::End);
    }

    /// The answer failed.
    pub(crate) fn fail(&mut self, error: Error, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.close(sink);
        sink.event(Event::Error(Box::new(error)));
        sink.event(Event::End);
    }

    fn within(&mut self, kind: Open, start: PartStart<'_>, sink: &mut dyn EventSink) -> u32 {
        if self.open != Some(kind) {
            self.close(sink);
            self.begin(kind, start, sink);
        }
        self.parts.saturating_sub(1)
    }

    fn begin(&mut self, kind: Open, start: PartStart<'_>, sink: &mut dyn EventSink) {
        sink.event(Event::PartStart { choice: 0, part: self.parts, kind: start });
        self.open = Some(kind);
        self.parts += 1;
    }
}
