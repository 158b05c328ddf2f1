//! A stream for a client.
//!
//! Blocks of this format follow each other, never interleave. Parts of a foreign stream may: then a text or a thought
//! ends where another part begins (and goes on in a block of its own), and a tool call waits until the one before it
//! has ended. `message_start` is written with the first event behind [`Event::Start`], because a usage report that
//! follows at once belongs into it.

use std::collections::VecDeque;

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Finish, UsageReport};
use llm_types::stream::{Delta, Event, PartStart, Start};
use llm_types::{Error, Format, RawJson};

use super::object::Object;
use super::response_encode::{is_native, message_id, stop};
use super::stream_write::{block_start, block_stop, close_event, delta_head, open_event};
use super::{FORMAT, error, usage};
use crate::codec::{ReplyContext, StreamEncoder};
use crate::gemini::split_call_id;
use crate::tool_names::original;
use crate::top::write_str;

/// The part whose block is open.
#[derive(Debug)]
struct Open {
    part: u32,
    /// The number of its block; none while nothing was written of it.
    index: Option<u32>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Other,
}

/// A part that has to wait.
#[derive(Debug)]
struct Held {
    part: u32,
    kind: PartStart<'static>,
    deltas: Vec<Delta<'static>>,
    ended: bool,
}

/// Writes one stream.
#[derive(Debug)]
pub(super) struct Encoder {
    ctx: ReplyContext,
    start: Option<Box<Start>>,
    begun: bool,
    done: bool,
    next_index: u32,
    open: Option<Open>,
    waiting: VecDeque<Held>,
    finish: Option<Finish>,
    usage: Option<Box<UsageReport>>,
    /// Fields of `message_delta` that only this format knows.
    unknown: Vec<(String, RawJson)>,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if self.done {
            return;
        }
        match event {
            Event::Start(start) => return self.start = Some(start.clone()),
            Event::Usage(report) => {
                self.usage = Some(report.clone());
                return self.message_start(out);
            }
            Event::Error(err) => return self.fail(err, out),
            _ => self.message_start(out),
        }
        match event {
            Event::PartStart { choice: 0, part, kind } => self.part_start(*part, kind, out),
            Event::Delta { choice: 0, part, delta } => self.delta(*part, delta, out),
            Event::PartEnd { choice: 0, part } => self.part_end(*part, out),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Opaque { choice: 0, format: FORMAT, key, json } => {
                self.unknown.extend(RawJson::parse(&**json).ok().map(|json| (key.to_string(), json)));
            }
            Event::Ping if self.begun => out.put_slice(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"),
            Event::End => self.end(out),
            _ => {} // other alternatives, logprobs, fields of other formats: this format has none
        }
    }
}

impl Encoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            ctx: ctx.clone(),
            start: None,
            begun: false,
            done: false,
            next_index: 0,
            open: None,
            waiting: VecDeque::new(),
            finish: None,
            usage: None,
            unknown: Vec::new(),
        }
    }

    fn message_start(&mut self, out: &mut BytesMut) {
        let Some(start) = self.start.take().filter(|_| !self.begun) else { return };
        self.begun = true;
        open_event("message_start", out);
        let mut event = Object::open(out);
        event.str("type", "message_start");
        let mut o = Object::open(event.key("message"));
        o.str("id", message_id(&start.id, &self.ctx));
        o.str("type", "message");
        o.str("role", "assistant");
        o.str("model", self.ctx.model.as_deref().unwrap_or(&start.model));
        o.raw("content", "[]");
        o.raw("stop_reason", "null");
        o.raw("stop_sequence", "null");
        for (key, value) in start.extra.fields_for(FORMAT) {
            o.raw(key, value.get());
        }
        match &self.usage {
            Some(report) => usage::write(Some(report), o.key("usage")),
            None => usage::write_estimate(self.ctx.prompt_tokens_estimate, o.key("usage")),
        }
        o.close();
        event.close();
        close_event(out);
    }

    fn part_start(&mut self, part: u32, kind: &PartStart<'_>, out: &mut BytesMut) {
        match &self.open {
            Some(open) if open.kind == Kind::Other => {
                self.waiting.push_back(Held { part, kind: owned_start(kind), deltas: Vec::new(), ended: false });
            }
            Some(_) => {
                self.close_block(out);
                self.begin(part, kind, out);
            }
            None => self.begin(part, kind, out),
        }
    }

    fn delta(&mut self, part: u32, delta: &Delta<'_>, out: &mut BytesMut) {
        if self.open.as_ref().is_some_and(|o| o.part == part) {
            return self.write_delta(delta, out);
        }
        if let Some(held) = self.waiting.iter_mut().rfind(|h| h.part == part) {
            return held.deltas.push(owned_delta(delta));
        }
        // its block was ended early: it goes on in a new one
        let kind = match delta {
            Delta::Text(_) | Delta::Refusal(_) => PartStart::Text,
            Delta::Thinking(_) | Delta::Signature(_) => PartStart::Thinking,
            _ => return, // of a part that this format has no block for
        };
        self.part_start(part, &kind, out);
        if self.open.as_ref().is_some_and(|o| o.part == part) {
            self.write_delta(delta, out);
        } else if let Some(held) = self.waiting.back_mut() {
            held.deltas.push(owned_delta(delta));
        }
    }

    fn part_end(&mut self, part: u32, out: &mut BytesMut) {
        if self.open.as_ref().is_some_and(|o| o.part == part) {
            self.close_block(out);
            self.promote(out);
        } else if let Some(held) = self.waiting.iter_mut().rfind(|h| h.part == part) {
            held.ended = true;
        }
    }

    /// Opens the blocks of parts that waited.
    fn promote(&mut self, out: &mut BytesMut) {
        while self.open.is_none()
            && let Some(held) = self.waiting.pop_front()
        {
            self.begin(held.part, &held.kind, out);
            held.deltas.iter().for_each(|d| self.write_delta(d, out));
            let text = self.open.as_ref().is_some_and(|o| o.kind != Kind::Other);
            if held.ended || (text && !self.waiting.is_empty()) {
                self.close_block(out);
            }
        }
    }

    /// Opens a block, or, for text of a foreign stream, only gets ready to: an empty one is never written.
    fn begin(&mut self, part: u32, kind: &PartStart<'_>, out: &mut BytesMut) {
        let native = is_native(&self.ctx);
        let of = match kind {
            PartStart::Text | PartStart::Refusal => Kind::Text,
            PartStart::Thinking => Kind::Thinking,
            PartStart::HostedCall { format, .. } | PartStart::Opaque { format, .. } if *format != FORMAT => return,
            _ => Kind::Other,
        };
        self.open = Some(Open { part, index: None, kind: of });
        if of == Kind::Other || native {
            self.write_start(kind, out);
        }
    }

    fn write_start(&mut self, kind: &PartStart<'_>, out: &mut BytesMut) {
        let index = self.next_index;
        self.next_index += 1;
        if let Some(open) = &mut self.open {
            open.index = Some(index);
        }
        match kind {
            PartStart::ToolCall { id, name } => {
                let name = original(&self.ctx.hints.tool_names, name).into();
                let call = PartStart::ToolCall { id: id.as_ref().into(), name };
                block_start(index, &call, split_call_id(id).1, out);
            }
            kind => block_start(index, kind, None, out),
        }
    }

    fn write_delta(&mut self, delta: &Delta<'_>, out: &mut BytesMut) {
        let (head, text): (&[u8], &str) = match delta {
            Delta::Text(t) | Delta::Refusal(t) => (br#"{"type":"text_delta","text":"#, t),
            Delta::Thinking(t) => (br#"{"type":"thinking_delta","thinking":"#, t),
            Delta::Signature(t) => (br#"{"type":"signature_delta","signature":"#, t),
            Delta::Arguments(t) => (br#"{"type":"input_json_delta","partial_json":"#, t),
            Delta::Citation { format: FORMAT, json } => {
                return self.write_raw_delta(br#"{"type":"citations_delta","citation":"#, json, b"}", out);
            }
            Delta::Opaque { format: FORMAT, json } => return self.write_raw_delta(b"", json, b"", out),
            Delta::Citation { .. } | Delta::Opaque { .. } => return, // of another format
        };
        if text.is_empty() {
            return;
        }
        if let Some(index) = self.index(out) {
            delta_head(index, out);
            out.put_slice(head);
            write_str(text, out);
            out.put_slice(b"}}");
            close_event(out);
        }
    }

    fn write_raw_delta(&mut self, head: &[u8], json: &str, tail: &[u8], out: &mut BytesMut) {
        if let Some(index) = self.index(out) {
            delta_head(index, out);
            out.put_slice(head);
            out.put_slice(json.as_bytes());
            out.put_slice(tail);
            out.put_u8(b'}');
            close_event(out);
        }
    }

    /// The number of the open block, which is opened now if it was not.
    fn index(&mut self, out: &mut BytesMut) -> Option<u32> {
        let open = self.open.as_ref()?;
        if open.index.is_none() {
            let kind = if open.kind == Kind::Thinking { PartStart::Thinking } else { PartStart::Text };
            self.write_start(&kind, out);
        }
        self.open.as_ref()?.index
    }

    fn close_block(&mut self, out: &mut BytesMut) {
        if let Some(Open { index: Some(index), .. }) = self.open.take() {
            block_stop(index, out);
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.done = true;
        if !self.begun {
            return;
        }
        self.close_block(out);
        self.waiting.iter_mut().for_each(|h| h.ended = true);
        self.promote(out);
        if self.next_index == 0 && !matches!(self.ctx.upstream, Some(FORMAT | Format::OpenAiResponses)) {
            // A message without a block has an empty text, as LiteLLM tells it.
            block_start(0, &PartStart::Text, None, out);
            block_stop(0, out);
        }
        self.message_delta(out);
        open_event("message_stop", out);
        out.put_slice(b"{\"type\":\"message_stop\"}");
        close_event(out);
    }

    fn message_delta(&self, out: &mut BytesMut) {
        open_event("message_delta", out);
        let mut event = Object::open(out);
        event.str("type", "message_delta");
        let mut delta = Object::open(event.key("delta"));
        stop(self.finish.as_ref(), &mut delta);
        let inside = |key: &str| key == "container" || key == "stop_details";
        for (key, json) in self.unknown.iter().filter(|(k, _)| inside(k)) {
            delta.raw(key, json.get());
        }
        delta.close();
        match &self.usage {
            Some(report) => usage::write(Some(report), event.key("usage")),
            None => usage::write_estimate(self.ctx.prompt_tokens_estimate, event.key("usage")),
        }
        for (key, json) in self.unknown.iter().filter(|(k, _)| !inside(k)) {
            event.raw(key, json.get());
        }
        event.close();
        close_event(out);
    }

    fn fail(&mut self, err: &Error, out: &mut BytesMut) {
        self.done = true;
        open_event("error", out);
        error::encode(err, out);
        close_event(out);
    }
}

fn owned_start(kind: &PartStart<'_>) -> PartStart<'static> {
    match (Event::PartStart { choice: 0, part: 0, kind: kind.clone() }).into_owned() {
        Event::PartStart { kind, .. } => kind,
        _ => PartStart::Text,
    }
}

fn owned_delta(delta: &Delta<'_>) -> Delta<'static> {
    match (Event::Delta { choice: 0, part: 0, delta: delta.clone() }).into_owned() {
        Event::Delta { delta, .. } => delta,
        _ => Delta::Text("".into()),
    }
}
