//! One alternative of a streamed answer: invents the brackets that chat lacks.

use std::borrow::Cow;

use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Delta, Event, EventSink, PartStart};

use super::message_view::{ThinkingView, ToolCallView};
use super::response_decode::call_id;

/// State of an alternative.
#[derive(Debug)]
pub(crate) struct ChoiceState {
    pub(crate) index: u32,
    next_part: u32,
    /// The open part that is not a tool call.
    open: Option<(Kind, u32)>,
    calls: Vec<Call>,
    finish: Option<Finish>,
    /// Something was said.
    spoke: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Thinking,
    /// Thinking whose proof has arrived: more thoughts are another part.
    Proven,
    Refusal,
}

/// A tool call in the making.
#[derive(Debug)]
struct Call {
    /// Its number on the wire; nothing for the legacy function call.
    wire_index: Option<u64>,
    id: String,
    state: CallState,
    /// Follows the arguments to know when they are a whole JSON object.
    scan: Scan,
}

#[derive(Debug)]
enum CallState {
    /// The name has not come yet; arguments that came early wait here.
    Nameless(String),
    Open(u32),
    Closed,
}

impl ChoiceState {
    pub(crate) const fn new(index: u32) -> Self {
        Self { index, next_part: 0, open: None, calls: Vec::new(), finish: None, spoke: false }
    }

    /// Text of a kind. Empty text opens nothing.
    pub(crate) fn say(&mut self, kind: Kind, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if text.is_empty() {
            return;
        }
        let part = match self.open {
            Some((open, part)) if open == kind => part,
            _ => self.open(kind, sink),
        };
        let delta = match kind {
            Kind::Text => Delta::Text(text),
            Kind::Thinking | Kind::Proven => Delta::Thinking(text),
            Kind::Refusal => Delta::Refusal(text),
        };
        sink.event(Event::Delta { choice: self.index, part, delta });
    }

    /// The thought that was just said, as LiteLLM's block with a proof.
    pub(crate) fn tell_again(&self, text: &str, proof: &str, sink: &mut dyn EventSink) {
        let Some((_, part)) = self.open else { return };
        let mut json = bytes::BytesMut::new();
        {
            let mut block = crate::openai::object::Obj::open(&mut json);
            block.str("type", "thinking");
            block.str("thinking", text);
            block.str("signature", proof);
        }
        let json = Cow::Owned(String::from_utf8_lossy(&json).into_owned());
        let delta = Delta::Opaque { format: super::FORMAT, json };
        sink.event(Event::Delta { choice: self.index, part, delta });
    }

    fn open(&mut self, kind: Kind, sink: &mut dyn EventSink) -> u32 {
        self.close_open(sink);
        self.close_whole_calls(sink);
        let part = self.number();
        self.open = Some((kind, part));
        let start = match kind {
            Kind::Text => PartStart::Text,
            Kind::Thinking | Kind::Proven => PartStart::Thinking,
            Kind::Refusal => PartStart::Refusal,
        };
        sink.event(Event::PartStart { choice: self.index, part, kind: start });
        part
    }

    fn number(&mut self) -> u32 {
        self.spoke = true;
        self.next_part += 1;
        self.next_part - 1
    }

    /// A thinking block, or a piece of one.
    pub(crate) fn thought(&mut self, block: &ThinkingView<'_>, sink: &mut dyn EventSink) {
        if let Some(data) = block.data.filled() {
            self.close_open(sink);
            let part = self.number();
            let kind = PartStart::RedactedThinking { data: Cow::Borrowed(data) };
            sink.event(Event::PartStart { choice: self.index, part, kind });
            sink.event(Event::PartEnd { choice: self.index, part });
            return;
        }
        let proof = block.signature.filled();
        let text = super::content_decode::joined(&block.thinking);
        // LiteLLM repeats the whole text beside Anthropic's proof: it was said already
        let repeated = proof.is_some() && matches!(self.open, Some((Kind::Thinking, _)));
        if !repeated {
            self.say(Kind::Thinking, Cow::Owned(text), sink);
        }
        if let Some(proof) = proof {
            let part = match self.open {
                Some((Kind::Thinking, part)) => part,
                _ => self.open(Kind::Thinking, sink),
            };
            let delta = Delta::Signature(Cow::Borrowed(proof));
            sink.event(Event::Delta { choice: self.index, part, delta });
            self.open = Some((Kind::Proven, part));
        }
    }

    /// A piece of a tool call.
    pub(crate) fn call(&mut self, view: &ToolCallView<'_>, seed: &str, sink: &mut dyn EventSink) {
        let name = view.function.name.filled().or(view.custom.name.filled());
        let at = self.find_call(view, name.is_some());
        let at = at.unwrap_or_else(|| {
            let count = self.calls.len();
            let id = view.id.filled().map_or_else(|| call_id(seed, count), str::to_owned);
            self.begin(Some(view.index.0.unwrap_or(count as u64)), id)
        });
        self.grow(at, name, view.function.arguments.text(), sink);
    }

    /// A piece of the legacy function call.
    pub(crate) fn function(&mut self, name: Option<&str>, arguments: Cow<'_, str>, sink: &mut dyn EventSink) {
        let at = self.calls.iter().position(|c| c.wire_index.is_none());
        let at = at.unwrap_or_else(|| self.begin(None, String::new()));
        self.grow(at, name, arguments, sink);
    }

    /// The call that a piece belongs to, by its number. Providers that give every call the number 0, or none, are
    /// told by a new id and name after a whole call.
    fn find_call(&self, view: &ToolCallView<'_>, named: bool) -> Option<usize> {
        let at = match view.index.0 {
            Some(index) => self.calls.iter().rposition(|c| c.wire_index == Some(index))?,
            None if named && view.id.filled().is_some() => {
                self.calls.iter().position(|c| view.id.filled() == Some(c.id.as_str()))?
            }
            None => self.calls.len().checked_sub(1)?,
        };
        let known = self.calls.get(at)?;
        let other = view.id.filled().is_some_and(|id| id != known.id);
        if other && named && known.scan.whole() { None } else { Some(at) }
    }

    fn begin(&mut self, wire_index: Option<u64>, id: String) -> usize {
        self.calls.push(Call { wire_index, id, state: CallState::Nameless(String::new()), scan: Scan::default() });
        self.calls.len() - 1
    }

    fn grow(&mut self, at: usize, name: Option<&str>, arguments: Cow<'_, str>, sink: &mut dyn EventSink) {
        let nameless = self.calls.get(at).is_some_and(|c| matches!(c.state, CallState::Nameless(_)));
        if let (true, Some(name)) = (nameless, name) {
            self.start_call(at, name, sink);
        }
        let choice = self.index;
        let Some(call) = self.calls.get_mut(at) else { return };
        if arguments.is_empty() {
            return;
        }
        match &mut call.state {
            CallState::Nameless(waiting) => waiting.push_str(&arguments),
            CallState::Open(part) => {
                call.scan.see(&arguments);
                let delta = Delta::Arguments(arguments);
                sink.event(Event::Delta { choice, part: *part, delta });
            }
            CallState::Closed => {} // a repetition of a whole call, or white space after it
        }
    }

    fn start_call(&mut self, at: usize, name: &str, sink: &mut dyn EventSink) {
        self.close_open(sink);
        self.close_whole_calls(sink);
        let (choice, part) = (self.index, self.number());
        let Some(call) = self.calls.get_mut(at) else { return };
        let kind = PartStart::ToolCall { id: Cow::Borrowed(&call.id), name: Cow::Borrowed(name) };
        sink.event(Event::PartStart { choice, part, kind });
        if let CallState::Nameless(waiting) = std::mem::replace(&mut call.state, CallState::Open(part))
            && !waiting.is_empty()
        {
            call.scan.see(&waiting);
            sink.event(Event::Delta { choice, part, delta: Delta::Arguments(Cow::Owned(waiting)) });
        }
    }

    fn close_open(&mut self, sink: &mut dyn EventSink) {
        if let Some((_, part)) = self.open.take() {
            sink.event(Event::PartEnd { choice: self.index, part });
        }
    }

    /// Calls end when their arguments are a whole object and something else begins. Others may still grow.
    fn close_whole_calls(&mut self, sink: &mut dyn EventSink) {
        for call in self.calls.iter_mut().filter(|c| c.scan.whole()) {
            if let CallState::Open(part) = call.state {
                call.state = CallState::Closed;
                sink.event(Event::PartEnd { choice: self.index, part });
            }
        }
    }

    /// Remembers why it ended; it is told at the end, because some providers go on talking.
    pub(crate) fn ends(&mut self, finish: Finish) {
        self.finish = Some(finish);
    }

    pub(crate) const fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    /// The provider gave up without a word.
    pub(crate) fn failed_silently(&self) -> bool {
        let word = self.finish.as_ref().and_then(|f| f.raw.as_ref()).map(|(_, w)| w.as_str());
        word == Some("error")
    }

    /// Closes what is open.
    pub(crate) fn close(&mut self, sink: &mut dyn EventSink) {
        for at in 0..self.calls.len() {
            let lost = self.calls.get(at).is_some_and(|c| matches!(&c.state, CallState::Nameless(w) if !w.is_empty()));
            if lost {
                self.start_call(at, "", sink);
            }
        }
        self.close_open(sink);
        for call in &mut self.calls {
            if let CallState::Open(part) = std::mem::replace(&mut call.state, CallState::Closed) {
                sink.event(Event::PartEnd { choice: self.index, part });
            }
        }
    }

    /// Closes what is open and tells why it ended. Some providers say `stop`, or nothing, after tool calls.
    pub(crate) fn finish(&mut self, sink: &mut dyn EventSink) {
        self.close(sink);
        let mut finish = self.finish.take().unwrap_or_else(|| Finish::new(FinishReason::Stop));
        if finish.reason == FinishReason::Stop && self.calls.iter().any(|c| c.wire_index.is_some()) {
            finish.reason = FinishReason::ToolCalls;
        }
        sink.event(Event::Finish { choice: self.index, finish });
    }
}

/// Follows JSON text to know when its first object is whole, without keeping it.
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    escaped: bool,
    seen: bool,
}

impl Scan {
    fn see(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.depth += 1;
                    self.seen = true;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn whole(&self) -> bool {
        self.seen && self.depth == 0 && !self.in_string
    }
}
