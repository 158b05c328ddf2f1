//! Items of a stream that are open.

use bytes::BytesMut;
use llm_types::RawJson;
use llm_types::generate::{Part, PartKind};

use super::output_encode::{content, item_id};
use super::stream_encode::Style;
use super::stream_write::Writer;
use super::{client_tools, reasoning};
use crate::codec::ClientTool;
use crate::openai::object::{Arr, Obj};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Thoughts,
    /// The call that is this part.
    Call(u32),
}

/// A piece of a message or of thoughts.
#[derive(Debug)]
pub(super) struct Piece {
    /// The part it holds; none before the first text of a message that was open from the start.
    part: Option<u32>,
    kind: &'static str,
    text: String,
    open: bool,
}

/// An open item.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) index: u64,
    pub(super) id: String,
    pub(super) pieces: Vec<Piece>,
    pub(super) call_id: String,
    pub(super) name: String,
    arguments: String,
    /// The client's tool, where a function stood for it.
    tool: Option<ClientTool>,
}

/// What the answer says so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) style: Style,
    pub(super) parts: &'a [Part],
    /// Sources of the text that stand beside the answer's parts.
    pub(super) sources: &'a [RawJson],
}

impl Open {
    pub(super) fn new(kind: Kind, index: u64, seed: &str, number: u64) -> Self {
        let prefix = match kind {
            Kind::Message => "msg",
            Kind::Thoughts => "rs",
            Kind::Call(_) => "fc",
        };
        let id = item_id(prefix, seed, usize::try_from(number).unwrap_or_default());
        let (call_id, name, arguments) = (String::new(), String::new(), String::new());
        Self { kind, index, id, pieces: Vec::new(), call_id, name, arguments, tool: None }
    }

    /// A call of a function, which may stand for another tool of the client.
    pub(super) fn call(part: u32, index: u64, seed: &str, number: u64, tool: Option<ClientTool>) -> Self {
        let id = item_id(client_tools::prefix(tool.as_ref()), seed, usize::try_from(number).unwrap_or_default());
        Self { id, tool, ..Self::new(Kind::Call(part), index, seed, number) }
    }

    /// Tells that the item begins.
    pub(super) fn announce(&self, native: bool, writer: &mut Writer, out: &mut BytesMut) {
        let mut event = writer.event("response.output_item.added", out);
        event.u64("output_index", self.index);
        let mut item = event.obj("item");
        item.str("id", &self.id);
        match self.kind {
            Kind::Message => {
                item.str("type", "message");
                item.str("role", "assistant");
                item.str("status", "in_progress");
                item.text("content", "[]");
            }
            Kind::Thoughts => {
                item.str("type", "reasoning");
                item.str("status", "in_progress");
                if native {
                    item.text("summary", "[]");
                }
            }
            Kind::Call(_) => self.write_call(&mut item, "in_progress"),
        }
        drop(item);
        drop(event);
        Writer::close(out);
    }

    fn write_call(&self, item: &mut Obj<'_>, status: &str) {
        client_tools::write(self.tool.as_ref(), &self.call_id, &self.name, &self.arguments, item);
        item.str("status", status);
    }

    /// The input of the tool is free text: it is known when the arguments are whole.
    fn is_custom(&self) -> bool {
        self.tool.as_ref().is_some_and(|tool| tool.custom)
    }

    /// Opens an event about a piece of the item.
    fn event<'b>(&self, kind: &str, at: Option<usize>, writer: &mut Writer, out: &'b mut BytesMut) -> Obj<'b> {
        let mut event = writer.event(kind, out);
        event.str("item_id", &self.id);
        event.u64("output_index", self.index);
        if let Some(at) = at {
            event.u64(if self.kind == Kind::Thoughts { "summary_index" } else { "content_index" }, at as u64);
        }
        event
    }

    /// Begins a piece and tells so.
    pub(super) fn begin_piece(
        &mut self,
        part: Option<u32>,
        kind: &'static str,
        writer: &mut Writer,
        out: &mut BytesMut,
    ) {
        let at = self.pieces.len();
        self.pieces.push(Piece { part, kind, text: String::new(), open: true });
        let name = match self.kind {
            Kind::Thoughts => "response.reasoning_summary_part.added",
            _ => "response.content_part.added",
        };
        let mut event = self.event(name, Some(at), writer, out);
        write_piece(kind, "", &mut event.obj("part"));
        drop(event);
        Writer::close(out);
    }

    /// The piece of a part: the open one, or a new one.
    fn piece(&mut self, part: u32, kind: &'static str, joins: bool, writer: &mut Writer, out: &mut BytesMut) -> usize {
        let found = self
            .pieces
            .iter_mut()
            .enumerate()
            .rfind(|(_, p)| p.kind == kind && (p.part == Some(part) || p.part.is_none() || joins));
        if let Some((at, piece)) = found {
            piece.part = Some(part);
            return at;
        }
        self.close_pieces(writer, out);
        self.begin_piece(Some(part), kind, writer, out);
        self.pieces.len().saturating_sub(1)
    }

    /// Text of a message. `joins`: all text is one piece.
    pub(super) fn text(
        &mut self,
        part: u32,
        text: &str,
        refusal: bool,
        joins: bool,
        writer: &mut Writer,
        out: &mut BytesMut,
    ) {
        let kind = if refusal { "refusal" } else { "output_text" };
        let at = self.piece(part, kind, joins, writer, out);
        let name = if refusal { "response.refusal.delta" } else { "response.output_text.delta" };
        let mut event = self.event(name, Some(at), writer, out);
        event.str("delta", text);
        writer.write_logprobs(&mut event);
        drop(event);
        Writer::close(out);
        if let Some(piece) = self.pieces.get_mut(at) {
            piece.text.push_str(text);
        }
    }

    /// Thoughts of a reasoning item. Only OpenAI announces each summary.
    pub(super) fn thought(&mut self, part: u32, text: &str, native: bool, writer: &mut Writer, out: &mut BytesMut) {
        let at = if native {
            self.piece(part, "summary_text", false, writer, out)
        } else {
            if self.pieces.is_empty() {
                self.pieces.push(Piece { part: None, kind: "summary_text", text: String::new(), open: true });
            }
            0
        };
        let mut event = self.event("response.reasoning_summary_text.delta", Some(at), writer, out);
        event.str("delta", text);
        drop(event);
        Writer::close(out);
        if let Some(piece) = self.pieces.get_mut(at) {
            piece.text.push_str(text);
        }
    }

    /// Thoughts beside a message, as LiteLLM tells those of chat upstreams.
    pub(super) fn beside(&self, text: &str, writer: &mut Writer, out: &mut BytesMut) {
        let mut event = self.event("response.reasoning_summary_text.delta", None, writer, out);
        event.u64("summary_index", 0);
        event.str("delta", text);
        drop(event);
        Writer::close(out);
    }

    /// A piece of the arguments.
    pub(super) fn arguments(&mut self, json: &str, writer: &mut Writer, out: &mut BytesMut) {
        if json.is_empty() {
            return;
        }
        self.arguments.push_str(json);
        if self.is_custom() {
            return;
        }
        let mut event = self.event("response.function_call_arguments.delta", None, writer, out);
        event.str("delta", json);
        drop(event);
        Writer::close(out);
    }

    /// A source of the text.
    pub(super) fn annotation(&mut self, part: u32, json: &str, writer: &mut Writer, out: &mut BytesMut) {
        let at = self.piece(part, "output_text", false, writer, out);
        let mut event = self.event("response.output_text.annotation.added", Some(at), writer, out);
        event.text("annotation", json);
        drop(event);
        Writer::close(out);
    }

    /// A source of all the text of a message.
    pub(super) fn source(&self, number: u64, json: &str, writer: &mut Writer, out: &mut BytesMut) {
        let mut event = self.event("response.output_text.annotation.added", Some(0), writer, out);
        event.u64("annotation_index", number);
        event.text("annotation", json);
        drop(event);
        Writer::close(out);
    }

    /// The end of a call's arguments, or the whole input of a custom tool.
    fn end_call(&self, writer: &mut Writer, out: &mut BytesMut) {
        let input = client_tools::input_of(&self.arguments);
        let told: &[(&str, &'static str, &str)] = match self.is_custom() {
            true => &[
                ("response.custom_tool_call_input.delta", "delta", &input),
                ("response.custom_tool_call_input.done", "input", &input),
            ],
            false => &[("response.function_call_arguments.done", "arguments", &self.arguments)],
        };
        for (kind, key, text) in told {
            let mut event = self.event(kind, None, writer, out);
            event.str(key, text);
            drop(event);
            Writer::close(out);
        }
    }

    fn close_pieces(&mut self, writer: &mut Writer, out: &mut BytesMut) {
        for at in 0..self.pieces.len() {
            let Some(piece) = self.pieces.get_mut(at).filter(|p| p.open) else { continue };
            piece.open = false;
            let (kind, text) = (piece.kind, std::mem::take(&mut piece.text));
            let (done, part_done) = match (self.kind, kind) {
                (Kind::Thoughts, _) => ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done"),
                (_, "refusal") => ("response.refusal.done", "response.content_part.done"),
                _ => ("response.output_text.done", "response.content_part.done"),
            };
            let mut event = self.event(done, Some(at), writer, out);
            event.str(if kind == "refusal" { "refusal" } else { "text" }, &text);
            drop(event);
            Writer::close(out);
            let mut event = self.event(part_done, Some(at), writer, out);
            write_piece(kind, &text, &mut event.obj("part"));
            drop(event);
            Writer::close(out);
            if let Some(piece) = self.pieces.get_mut(at) {
                piece.text = text;
            }
        }
    }

    /// Tells that the item is complete. `parts` are those of the answer.
    pub(super) fn close(&mut self, answer: &Said<'_>, writer: &mut Writer, out: &mut BytesMut) {
        if let Kind::Call(_) = self.kind {
            self.end_call(writer, out);
        } else {
            self.close_pieces(writer, out);
        }
        let mut event = writer.event("response.output_item.done", out);
        event.u64("output_index", self.index);
        match self.kind {
            Kind::Call(_) => {
                let mut item = event.obj("item");
                item.str("id", &self.id);
                self.write_call(&mut item, "completed");
            }
            Kind::Thoughts => self.thoughts(answer.style, answer.parts, &mut event),
            Kind::Message => self.message(answer, &mut event.obj("item")),
        }
        drop(event);
        Writer::close(out);
    }

    fn message(&self, answer: &Said<'_>, item: &mut Obj<'_>) {
        let (style, parts) = (answer.style, answer.parts);
        item.str("id", &self.id);
        item.str("type", "message");
        item.str("role", "assistant");
        item.str("status", "completed");
        let of = |p: &Piece| p.part.and_then(|n| parts.get(n as usize));
        let mut said: Vec<&Part> = self.pieces.iter().filter_map(of).collect();
        let text = self.pieces.first().map(|p| p.text.clone()).unwrap_or_default();
        let joined = Part::new(PartKind::Text { text, citations: answer.sources.to_vec() });
        let whole = |p: &&Part| p.as_text().is_none_or(|t| self.pieces.iter().any(|piece| piece.text == t));
        if said.is_empty() || !said.iter().all(whole) || !answer.sources.is_empty() {
            said = vec![&joined];
        }
        content(&said, style == Style::Native || !answer.sources.is_empty(), item);
    }

    fn thoughts(&self, style: Style, parts: &[Part], event: &mut Obj<'_>) {
        if style == Style::Native {
            let of = |p: &Piece| p.part.and_then(|n| parts.get(n as usize));
            let said: Vec<&Part> = self.pieces.iter().filter_map(of).collect();
            let mut one = BytesMut::new();
            reasoning::encode_output(&said, &self.id, &mut Arr::open(&mut one));
            let json = std::str::from_utf8(&one).ok().and_then(|t| t.strip_prefix('[')?.strip_suffix(']'));
            return event.text("item", json.unwrap_or("null"));
        }
        let mut item = event.obj("item");
        item.str("id", &self.id);
        item.str("type", "reasoning");
        let mut list = item.arr("summary");
        for piece in &self.pieces {
            write_piece("summary_text", &piece.text, &mut list.obj());
        }
    }
}

fn write_piece(kind: &str, text: &str, part: &mut Obj<'_>) {
    part.str("type", kind);
    part.str(if kind == "refusal" { "refusal" } else { "text" }, text);
    if kind == "output_text" {
        part.text("annotations", "[]");
    }
}
