//! One candidate of a streamed answer: invents the brackets that this format lacks.

use std::borrow::Cow;

use bytes::BytesMut;
use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Delta, Event, EventSink, PartStart};
use llm_types::{Extra, RawJson};

use super::response_decode::unknown;
use super::wire::{CallIn, PartIn, call_id, invented_id, spaced};
use super::{FORMAT, finish};
use crate::openai::object::Obj;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    /// Thinking whose proof has arrived: more thoughts are another part.
    Proven,
}

/// State of a candidate.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) index: u32,
    next_part: u32,
    open: Option<(Kind, u32)>,
    called: bool,
    finish: Option<String>,
}

impl Candidate {
    pub(super) const fn new(index: u32) -> Self {
        Self { index, next_part: 0, open: None, called: false, finish: None }
    }

    pub(super) const fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// Remembers why it ended: grounding may follow, so it is told at the end.
    pub(super) fn ends(&mut self, word: &str) {
        self.finish = Some(word.to_owned());
    }

    /// Tells what a part holds.
    pub(super) fn part(&mut self, view: PartIn<'_>, seed: &str, calls: &mut usize, sink: &mut dyn EventSink) {
        let mut fields = unknown(&view.rest);
        let signature = view.signature.filled();
        let thought = view.is_thought();
        if let (Some(signature), false) = (signature, thought && view.text.0.is_some()) {
            fields.push(FORMAT, "thoughtSignature", RawJson::string(signature));
        }
        if let Some(call) = &view.call {
            self.call(call, signature, seed, *calls, &fields, sink);
            *calls += 1;
        } else if let Some(inline) = &view.inline {
            let json = inline_part(inline.kind.0.as_deref(), inline.data.0.as_deref().unwrap_or_default(), &fields);
            self.whole(&json, sink);
        } else if let Some(text) = &view.text.0 {
            let kind = if thought { Kind::Thinking } else { Kind::Text };
            self.text(kind, text, signature.filter(|_| thought), &fields, sink);
        } else if !fields.is_empty() {
            let json = written(|obj| obj.extra(&fields, FORMAT, |_| true));
            self.whole(&json, sink);
        }
    }

    fn text(&mut self, kind: Kind, text: &str, proof: Option<&str>, fields: &Extra, sink: &mut dyn EventSink) {
        if text.is_empty() && proof.is_none() && fields.is_empty() {
            return;
        }
        let choice = self.index;
        let part = match self.open {
            Some((open, part)) if open == kind => part,
            _ => self.open(kind, sink),
        };
        if !text.is_empty() {
            let text = Cow::Borrowed(text);
            let delta = if kind == Kind::Text { Delta::Text(text) } else { Delta::Thinking(text) };
            sink.event(Event::Delta { choice, part, delta });
        }
        if let Some(proof) = proof {
            sink.event(Event::Delta { choice, part, delta: Delta::Signature(Cow::Borrowed(proof)) });
            self.open = Some((Kind::Proven, part));
        }
        self.fields(part, fields, sink);
    }

    /// Fields of a part that only this format knows.
    fn fields(&self, part: u32, fields: &Extra, sink: &mut dyn EventSink) {
        if !fields.is_empty() {
            let json = Cow::Owned(written(|obj| obj.extra(fields, FORMAT, |_| true)));
            let delta = Delta::Opaque { format: FORMAT, json };
            sink.event(Event::Delta { choice: self.index, part, delta });
        }
    }

    fn open(&mut self, kind: Kind, sink: &mut dyn EventSink) -> u32 {
        self.close(sink);
        let part = self.number();
        self.open = Some((kind, part));
        let start = if kind == Kind::Text { PartStart::Text } else { PartStart::Thinking };
        sink.event(Event::PartStart { choice: self.index, part, kind: start });
        part
    }

    fn number(&mut self) -> u32 {
        self.next_part += 1;
        self.next_part - 1
    }

    /// A call comes whole.
    fn call(
        &mut self,
        call: &CallIn<'_>,
        signature: Option<&str>,
        seed: &str,
        at: usize,
        fields: &Extra,
        sink: &mut dyn EventSink,
    ) {
        self.close(sink);
        self.called = true;
        let (choice, part) = (self.index, self.number());
        let id = call.id.filled().map_or_else(|| Cow::Owned(invented_id(seed, at)), Cow::Borrowed);
        let name = Cow::Borrowed(call.name.0.as_deref().unwrap_or_default());
        let kind = PartStart::ToolCall { id: call_id(id, signature), name };
        sink.event(Event::PartStart { choice, part, kind });
        let arguments = Cow::Owned(spaced(call.args.map_or("{}", |a| a.get())));
        sink.event(Event::Delta { choice, part, delta: Delta::Arguments(arguments) });
        self.fields(part, fields, sink);
        sink.event(Event::PartEnd { choice, part });
    }

    /// A part of a kind that only this format knows.
    fn whole(&mut self, json: &str, sink: &mut dyn EventSink) {
        self.close(sink);
        let (choice, part) = (self.index, self.number());
        let kind = PartStart::Opaque { format: FORMAT, json: Cow::Borrowed(json) };
        sink.event(Event::PartStart { choice, part, kind });
        sink.event(Event::PartEnd { choice, part });
    }

    /// Closes what is open.
    pub(super) fn close(&mut self, sink: &mut dyn EventSink) {
        if let Some((_, part)) = self.open.take() {
            sink.event(Event::PartEnd { choice: self.index, part });
        }
    }

    /// Closes what is open and tells why it ended.
    pub(super) fn finish(&mut self, sink: &mut dyn EventSink) {
        self.close(sink);
        let finish = match self.finish.take() {
            Some(word) => finish::decode(&word, self.called),
            None if self.called => Finish::new(FinishReason::ToolCalls),
            None => Finish::new(FinishReason::Stop),
        };
        sink.event(Event::Finish { choice: self.index, finish });
    }
}

/// A part of inline data, in Google's own spelling.
fn inline_part(kind: Option<&str>, data: &str, fields: &Extra) -> String {
    written(|obj| {
        let mut inline = obj.obj("inlineData");
        inline.opt_str("mimeType", kind);
        inline.str("data", data);
        drop(inline);
        obj.extra(fields, FORMAT, |_| true);
    })
}

fn written(write: impl FnOnce(&mut Obj<'_>)) -> String {
    let mut out = BytesMut::new();
    write(&mut Obj::open(&mut out));
    String::from_utf8_lossy(&out).into_owned()
}
