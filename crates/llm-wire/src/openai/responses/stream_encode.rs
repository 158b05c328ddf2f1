//! Streams to Responses clients.
//!
//! Every item is announced, grows and is closed with all it holds; the last event repeats the whole answer. The order
//! is OpenAI's where the upstream speaks this format. Elsewhere it is LiteLLM's: behind a chat upstream one message is
//! open from the start, thoughts are told beside it and calls behind it.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{Finish, PartKind};
use llm_types::stream::{Assembler, Delta, Event, EventSink, PartStart, Start};
use llm_types::{Format, RawJson};

use super::FORMAT;
use super::client_tools;
use super::content_encode::flat_source;
use super::response_encode::{is_native, response_id};
use super::stream_items::{Kind, Open, Said};
use super::stream_write::Writer;
use crate::codec::{ReplyContext, StreamEncoder};
use crate::openai::chat;
use crate::openai::object::Obj;

/// How the upstream's stream becomes items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The upstream speaks this format.
    Native,
    /// One message from the start.
    Chat,
    /// Thoughts, then one message, then calls.
    Blocks,
}

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct ResponsesStreamEncoder {
    pub(super) ctx: ReplyContext,
    pub(super) style: Style,
    pub(super) writer: Writer,
    /// The answer so far: what is told in pieces is repeated whole.
    pub(super) whole: Assembler,
    open: Vec<Open>,
    next_index: u64,
    seed: String,
    pub(super) finish: Option<Finish>,
    /// Where an upstream of another format has its text from.
    pub(super) sources: Vec<RawJson>,
    pub(super) begun: bool,
    pub(super) done: bool,
}

impl ResponsesStreamEncoder {
    pub(crate) fn new(ctx: &ReplyContext) -> Self {
        let style = match ctx.upstream {
            _ if is_native(ctx) => Style::Native,
            None | Some(Format::OpenAiChat | Format::OpenAiCompletions) => Style::Chat,
            Some(_) => Style::Blocks,
        };
        Self {
            ctx: ctx.clone(),
            style,
            writer: Writer::new(ctx.model.as_deref()),
            whole: Assembler::default(),
            open: Vec::new(),
            next_index: 0,
            seed: String::new(),
            finish: None,
            sources: Vec::new(),
            begun: false,
            done: false,
        }
    }

    fn start(&mut self, start: &Start, out: &mut BytesMut) {
        self.begun = true;
        if self.style == Style::Chat && !start.silent {
            self.style = Style::Blocks; // LiteLLM opens what the first chunk speaks of
        }
        let id = response_id(&start.id, &self.ctx);
        self.seed = if start.id.is_empty() { self.ctx.fallback_id.clone() } else { start.id.clone() };
        for kind in ["response.created", "response.in_progress"] {
            let mut event = self.writer.event(kind, out);
            let mut obj = event.obj("response");
            obj.str("id", &id);
            obj.str("object", "response");
            obj.u64("created_at", start.created.unwrap_or(self.ctx.created));
            obj.str("status", "in_progress");
            obj.str("model", self.ctx.upstream_model.as_deref().unwrap_or(&start.model));
            obj.text("output", "[]");
            if self.style == Style::Native {
                obj.extra(&start.extra, FORMAT, |_| true);
            } else {
                obj.text("parallel_tool_calls", "true");
                obj.text("tool_choice", "\"auto\"");
                obj.text("tools", "[]");
            }
            drop(obj);
            drop(event);
            Writer::close(out);
        }
        if self.style == Style::Chat {
            self.empty_message(out);
        }
    }

    /// The open item of a kind that takes pieces; a new one where there is none.
    fn item(&mut self, kind: Kind, out: &mut BytesMut) -> usize {
        if let Some(at) = self.open.iter().position(|o| o.kind == kind) {
            return at;
        }
        self.close_all_but_calls(out);
        let index = self.next_index;
        self.next_index += 1;
        let native = self.style == Style::Native;
        let open = Open::new(kind, index, &self.seed, if native { index } else { 0 });
        open.announce(native, &mut self.writer, out);
        self.open.push(open);
        self.open.len() - 1
    }

    /// Nothing was announced yet.
    pub(super) const fn is_silent(&self) -> bool {
        self.next_index == 0
    }

    /// A message that says nothing yet.
    pub(super) fn empty_message(&mut self, out: &mut BytesMut) {
        let at = self.item(Kind::Message, out);
        if let Some(open) = self.open.get_mut(at).filter(|o| o.pieces.is_empty()) {
            open.begin_piece(None, "output_text", &mut self.writer, out);
        }
    }

    /// The message, open from the start behind chat upstreams.
    fn message(&mut self, out: &mut BytesMut) -> usize {
        if self.style == Style::Chat {
            self.empty_message(out);
        }
        self.item(Kind::Message, out)
    }

    fn call(&mut self, part: u32, id: &str, name: &str, out: &mut BytesMut) {
        if self.style != Style::Chat {
            self.close_all_but_calls(out);
        }
        let tool = client_tools::find(&self.ctx.hints, name).cloned();
        let number = self.open.iter().filter(|o| matches!(o.kind, Kind::Call(_))).count() as u64;
        let index = self.next_index;
        self.next_index += 1;
        let number = if self.style == Style::Native { index } else { number };
        let mut open = Open::call(part, index, &self.seed, number, tool);
        (open.call_id, open.name) = (id.to_owned(), name.to_owned());
        open.announce(true, &mut self.writer, out);
        self.open.push(open);
    }

    fn delta(&mut self, part: u32, delta: &Delta<'_>, out: &mut BytesMut) {
        match delta {
            Delta::Text(text) | Delta::Refusal(text) => {
                let refusal = matches!(delta, Delta::Refusal(_));
                let at = self.message(out);
                let Some(open) = self.open.get_mut(at) else { return };
                open.text(part, text, refusal, self.style == Style::Chat, &mut self.writer, out);
            }
            Delta::Thinking(text) if self.style == Style::Chat => {
                let at = self.message(out);
                if let Some(open) = self.open.get(at) {
                    open.beside(text, &mut self.writer, out);
                }
            }
            Delta::Thinking(text) => {
                let at = self.item(Kind::Thoughts, out);
                if let Some(open) = self.open.get_mut(at) {
                    open.thought(part, text, self.style == Style::Native, &mut self.writer, out);
                }
            }
            Delta::Arguments(json) => {
                if let Some(open) = self.open.iter_mut().find(|o| o.kind == Kind::Call(part)) {
                    open.arguments(json, &mut self.writer, out);
                }
            }
            Delta::Citation { format: FORMAT, json } => {
                let at = self.message(out);
                if let Some(open) = self.open.get_mut(at) {
                    open.annotation(part, json, &mut self.writer, out);
                }
            }
            // the signature comes with the end of its item
            Delta::Signature(_) | Delta::Citation { .. } | Delta::Opaque { .. } => {}
        }
    }

    /// Where the text is from, as an upstream of another format tells it.
    fn told_sources(&mut self, format: Format, key: &str, json: &str, out: &mut BytesMut) {
        for source in chat::sources_of_field(format, key, json) {
            let source = flat_source(&source);
            let at = self.message(out);
            if let Some(open) = self.open.get_mut(at) {
                open.source(self.sources.len() as u64, source.get(), &mut self.writer, out);
            }
            self.sources.push(source);
        }
    }

    /// An item that comes at once.
    fn whole_item(&mut self, json: &[u8], out: &mut BytesMut) {
        self.close_all_but_calls(out);
        let index = self.next_index;
        self.next_index += 1;
        for kind in ["response.output_item.added", "response.output_item.done"] {
            let mut event = self.writer.event(kind, out);
            event.u64("output_index", index);
            event.key("item").put_slice(json);
            drop(event);
            Writer::close(out);
        }
    }

    fn part_start(&mut self, part: u32, kind: &PartStart<'_>, out: &mut BytesMut) {
        match kind {
            PartStart::ToolCall { id, name } => self.call(part, id, name, out),
            PartStart::HostedCall { format: FORMAT, json } => self.whole_item(json.as_bytes(), out),
            PartStart::RedactedThinking { data } if self.style == Style::Native => {
                let mut json = BytesMut::new();
                {
                    let mut obj = Obj::open(&mut json);
                    obj.str("id", &super::output_encode::item_id("rs", &self.seed, self.next_index as usize));
                    obj.str("type", "reasoning");
                    obj.text("summary", "[]");
                    obj.str("encrypted_content", data);
                }
                self.whole_item(&json, out);
            }
            _ => {} // announced with what it holds first
        }
    }

    fn part_end(&mut self, part: u32, out: &mut BytesMut) {
        let signed = self.whole.response().choices.first().and_then(|c| c.parts.get(part as usize));
        let signed = signed.is_some_and(|p| matches!(&p.kind, PartKind::Thinking { signature: Some(_), .. }));
        if signed && self.style == Style::Native {
            return self.close(|o| o.kind == Kind::Thoughts, out);
        }
        self.close(|o| o.kind == Kind::Call(part), out);
    }

    fn close_all_but_calls(&mut self, out: &mut BytesMut) {
        if self.style != Style::Chat {
            self.close(|o| !matches!(o.kind, Kind::Call(_)), out);
        }
    }

    pub(super) fn close(&mut self, which: impl Fn(&Open) -> bool, out: &mut BytesMut) {
        let (mut gone, kept): (Vec<Open>, Vec<Open>) = std::mem::take(&mut self.open).into_iter().partition(which);
        self.open = kept;
        let parts = self.whole.response().choices.first().map(|c| c.parts.as_slice()).unwrap_or_default();
        let answer = Said { style: self.style, parts, sources: &self.sources };
        gone.iter_mut().for_each(|open| open.close(&answer, &mut self.writer, out));
    }
}

impl StreamEncoder for ResponsesStreamEncoder {
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if self.done {
            return;
        }
        if !matches!(event, Event::End | Event::Error(_)) {
            self.whole.event(event.clone());
        }
        match event {
            Event::Start(start) => self.start(start, out),
            Event::PartStart { choice: 0, part, kind } => self.part_start(*part, kind, out),
            Event::Delta { choice: 0, part, delta } => self.delta(*part, delta, out),
            Event::PartEnd { choice: 0, part } => self.part_end(*part, out),
            Event::Logprobs { choice: 0, json } => self.writer.logprobs(json),
            Event::Finish { choice: 0, finish } => self.finish = Some(finish.clone()),
            Event::Opaque { choice: 0, format, key, json } if self.style != Style::Native => {
                self.told_sources(*format, key, json, out);
            }
            Event::Error(error) => self.fail(error, out),
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::End => self.end(out),
            _ => {} // other alternatives, usage (the last event tells it), fields of other formats
        }
    }
}
