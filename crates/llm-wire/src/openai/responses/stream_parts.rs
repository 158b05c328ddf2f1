//! The parts of a streamed answer: which is open, and what each was told.

use std::borrow::Cow;

use llm_types::stream::{Delta, Event, EventSink, PartStart};

use super::FORMAT;
use super::response_decode::Kinds;
use super::stream_view::ItemHead;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Refusal,
    /// A summary of thoughts.
    Summary,
    /// Thoughts in full.
    Thoughts,
    Call,
}

/// Where a part stands: number of its item, and of the piece within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) item: u64,
    pub(crate) piece: u64,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
struct Part {
    place: Place,
    number: u32,
    open: bool,
    /// Something was told of it.
    said: bool,
}

/// All parts so far.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    next: u32,
    pub(crate) kinds: Kinds,
}

impl Parts {
    /// Nothing was told yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// Text, a refusal or thoughts. Empty text opens nothing.
    pub(crate) fn say(&mut self, place: Place, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if text.is_empty() {
            return;
        }
        let part = self.opened(place, sink);
        let delta = match place.kind {
            Kind::Text => Delta::Text(text),
            Kind::Refusal => Delta::Refusal(text),
            Kind::Summary | Kind::Thoughts => Delta::Thinking(text),
            Kind::Call => Delta::Arguments(text),
        };
        sink.event(Event::Delta { choice: 0, part, delta });
    }

    /// The whole text of a part, for hosts that do not send it in pieces.
    pub(crate) fn whole(&mut self, place: Place, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if !self.parts.iter().any(|p| p.place == place && p.said) {
            self.say(place, text, sink);
        }
    }

    /// A source of the text at this place.
    pub(crate) fn cite(&mut self, place: Place, json: &str, sink: &mut dyn EventSink) {
        let part = self.opened(place, sink);
        let delta = Delta::Citation { format: FORMAT, json: Cow::Borrowed(json) };
        sink.event(Event::Delta { choice: 0, part, delta });
    }

    /// A function is called.
    pub(crate) fn call(&mut self, item: u64, head: &ItemHead<'_>, sink: &mut dyn EventSink) {
        if self.parts.iter().any(|p| p.place.item == item && p.place.kind == Kind::Call) {
            return;
        }
        self.close_texts(sink);
        let id = head.call_id.filled().or(head.id.filled()).unwrap_or_default();
        let name = head.name.filled().unwrap_or_default();
        let kind = PartStart::ToolCall { id: Cow::Borrowed(id), name: Cow::Borrowed(name) };
        self.begin(Place { item, piece: 0, kind: Kind::Call }, kind, sink);
        self.kinds.calls = true;
    }

    /// A piece of a call's arguments. Pieces of a call that nobody announced wait for its end.
    pub(crate) fn arguments(&mut self, item: u64, json: Cow<'_, str>, sink: &mut dyn EventSink) {
        let place = Place { item, piece: 0, kind: Kind::Call };
        if self.parts.iter().any(|p| p.place == place && p.open) {
            self.say(place, json, sink);
        }
    }

    /// All of a call's arguments.
    pub(crate) fn all_arguments(&mut self, item: u64, json: Cow<'_, str>, sink: &mut dyn EventSink) {
        let place = Place { item, piece: 0, kind: Kind::Call };
        if self.parts.iter().any(|p| p.place == place && p.open && !p.said) {
            self.say(place, json, sink);
        }
    }

    /// The thoughts of an item are complete; `sealed` is what OpenAI alone can read. Thoughts that were not told in
    /// pieces go as a block of this format: LiteLLM's Messages clients do not see them.
    pub(crate) fn seal(&mut self, item: u64, sealed: Option<&str>, json: &str, sink: &mut dyn EventSink) {
        let of_item = |p: &&Part| p.place.item == item && p.place.kind != Kind::Call;
        match (self.parts.iter().rfind(of_item), sealed) {
            (Some(part), Some(sealed)) if part.open => {
                let delta = Delta::Signature(Cow::Borrowed(sealed));
                sink.event(Event::Delta { choice: 0, part: part.number, delta });
            }
            (Some(_), _) => {}
            (None, Some(sealed)) => {
                self.whole_block(PartStart::RedactedThinking { data: Cow::Borrowed(sealed) }, sink);
            }
            (None, None) => {
                self.whole_block(PartStart::HostedCall { format: FORMAT, json: Cow::Borrowed(json) }, sink);
            }
        }
    }

    /// A part that comes at once.
    pub(crate) fn whole_block(&mut self, kind: PartStart<'_>, sink: &mut dyn EventSink) {
        self.close_texts(sink);
        let part = self.number();
        sink.event(Event::PartStart { choice: 0, part, kind });
        sink.event(Event::PartEnd { choice: 0, part });
    }

    /// An item is complete.
    pub(crate) fn close_item(&mut self, item: u64, sink: &mut dyn EventSink) {
        self.close(sink, |p| p.place.item == item);
    }

    /// The answer is over.
    pub(crate) fn close_all(&mut self, sink: &mut dyn EventSink) {
        self.close(sink, |_| true);
    }

    fn opened(&mut self, place: Place, sink: &mut dyn EventSink) -> u32 {
        if let Some(part) = self.parts.iter_mut().rfind(|p| p.place == place && p.open) {
            part.said = true;
            return part.number;
        }
        self.close_texts(sink);
        self.kinds.refusal |= place.kind == Kind::Refusal;
        let start = match place.kind {
            Kind::Refusal => PartStart::Refusal,
            Kind::Summary | Kind::Thoughts => PartStart::Thinking,
            Kind::Text | Kind::Call => PartStart::Text,
        };
        let number = self.begin(place, start, sink);
        if let Some(part) = self.parts.last_mut() {
            part.said = true;
        }
        number
    }

    fn begin(&mut self, place: Place, kind: PartStart<'_>, sink: &mut dyn EventSink) -> u32 {
        let part = self.number();
        self.parts.push(Part { place, number: part, open: true, said: false });
        sink.event(Event::PartStart { choice: 0, part, kind });
        part
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Texts end where something else begins: only calls run beside each other.
    fn close_texts(&mut self, sink: &mut dyn EventSink) {
        self.close(sink, |p| p.place.kind != Kind::Call);
    }

    fn close(&mut self, sink: &mut dyn EventSink, which: impl Fn(&Part) -> bool) {
        for part in self.parts.iter_mut().filter(|p| p.open && which(p)) {
            part.open = false;
            sink.event(Event::PartEnd { choice: 0, part: part.number });
        }
    }
}
