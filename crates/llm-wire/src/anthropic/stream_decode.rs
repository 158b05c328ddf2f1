//! A stream of the upstream.
//!
//! `message_start, (content_block_start, content_block_delta*, content_block_stop)*, message_delta, message_stop`, with
//! `ping` and `error` anywhere. Names of events are read from the JSON: some hosts leave the `event` line out.
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use std::borrow::Cow;

use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Delta, Event, EventSink, PartStart, Start};
use llm_types::{Error, Extra, Kind, RawJson, UpstreamDetail, UsageSource};
use serde_json::value::RawValue;

use super::block_decode::{is_hosted, raw_json};
use super::stream_line::{DeltaIn, Line, Text};
use super::{FORMAT, JSON_TOOL, error, response_decode, usage};
use crate::codec::{Hints, ReplyContext, StreamDecoder};
use crate::sse::Frame;
use crate::tool_names::original;
use crate::top::Top;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    Text,
    Thinking,
    Tool,
    /// The tool that stands for a JSON schema: its arguments are the text of the answer.
    JsonTool,
    Hosted,
    Whole,
}

#[derive(Debug)]
struct Block {
    /// The upstream's number.
    index: u32,
    /// Ours.
    part: u32,
    kind: BlockKind,
    /// Arguments were streamed.
    grew: bool,
}

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    hints: Hints,
    provider: String,
    started: bool,
    ended: bool,
    finished: bool,
    next_part: u32,
    open: Vec<Block>,
    usage: Option<RawJson>,
    /// The JSON tool was called; another one was.
    json_called: bool,
    tool_called: bool,
    prefix: Option<String>,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        // Bedrock tells errors by the frames around this format's events.
        if let Some(error) = crate::bedrock::error::in_stream(frame, &self.provider) {
            return self.fail(error, sink);
        }
        if frame.data.trim_ascii().is_empty() || frame.is_done() {
            return;
        }
        match serde_json::from_slice::<Line<'_>>(&frame.data) {
            Ok(line) => self.line(&line, &frame.data, sink),
            Err(e) => {
                let text = format!("litellm.APIConnectionError: the upstream sent an event that is not JSON: {e}");
                self.fail(Error::upstream(Kind::InvalidReply, text, UpstreamDetail::default()), sink);
            }
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        if self.finished {
            self.finish_stream(sink);
        } else {
            let text = "litellm.MidStreamFallbackError: the upstream closed the stream before message_stop";
            self.fail(Error::upstream(Kind::MidStream, text, UpstreamDetail::default()), sink);
        }
    }
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            prefix: ctx.hints.prefix.clone(),
            hints: ctx.hints.clone(),
            provider: ctx.provider.clone(),
            started: false,
            ended: false,
            finished: false,
            next_part: 0,
            open: Vec::with_capacity(2),
            usage: None,
            json_called: false,
            tool_called: false,
        }
    }

    fn line(&mut self, line: &Line<'_>, data: &[u8], sink: &mut dyn EventSink) {
        match (&*line.kind.0, line.error) {
            ("error", error) => self.fail(error::decode_event(error.map_or("{}", RawValue::get)), sink),
            ("", Some(error)) => self.fail(error::decode_event(error.get()), sink),
            ("ping", _) => sink.event(Event::Ping),
            ("message_start", _) => self.message_start(line.message.map_or("{}", RawValue::get), sink),
            // What comes behind the stop reason is not part of the answer.
            ("content_block_start" | "content_block_delta", _) if self.finished => {}
            ("content_block_start", _) => {
                self.start_if_needed(sink);
                if let Some(block) = line.content_block {
                    self.block_start(line.index, block.get(), sink);
                }
            }
            ("content_block_delta", _) => {
                if let Some(delta) = &line.delta {
                    self.start_if_needed(sink);
                    self.block_delta(line.index, delta, data, sink);
                }
            }
            ("content_block_stop", _) => self.block_stop(line.index, sink),
            ("message_delta", _) => {
                self.start_if_needed(sink);
                self.message_delta(line, data, sink);
            }
            ("message_stop", _) => self.finish_stream(sink),
            _ => {} // the documentation asks to ignore events that are new
        }
    }

    fn message_start(&mut self, message: &str, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let top: Top<'_> = serde_json::from_str(message).unwrap_or_default();
        const KNOWN: [&str; 8] = ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"];
        let mut extra = Extra::new(FORMAT);
        top.iter().filter(|(k, _)| !KNOWN.contains(k)).for_each(|(k, v)| extra.push(FORMAT, k, raw_json(v)));
        sink.event(Event::Start(Box::new(Start {
            silent: false,
            id: top.str("id").unwrap_or_default().into_owned(),
            model: top.str("model").unwrap_or_default().into_owned(),
            created: None,
            service_tier: None,
            extra,
        })));
        if let Some(raw) = top.get("usage").filter(|u| u.starts_with('{')) {
            self.usage = Some(raw_json(raw));
            sink.event(Event::Usage(Box::new(usage::report(raw, UsageSource::Partial))));
        }
    }

    fn start_if_needed(&mut self, sink: &mut dyn EventSink) {
        if !self.started {
            self.message_start("{}", sink);
        }
    }

    fn begin(&mut self, index: u32, kind: BlockKind, start: PartStart<'_>, sink: &mut dyn EventSink) {
        let part = self.next_part;
        self.next_part += 1;
        self.open.push(Block { index, part, kind, grew: false });
        sink.event(Event::PartStart { choice: 0, part, kind: start });
    }

    fn block_start(&mut self, index: u32, block: &str, sink: &mut dyn EventSink) {
        let top: Top<'_> = serde_json::from_str(block).unwrap_or_default();
        let text = |key: &str| top.str(key).unwrap_or_default();
        match &*text("type") {
            "text" => {
                self.begin(index, BlockKind::Text, PartStart::Text, sink);
                self.text(index, text("text"), sink);
                for citation in top.read::<Vec<&RawValue>>("citations").unwrap_or_default() {
                    self.tell(index, Delta::Citation { format: FORMAT, json: citation.get().into() }, sink);
                }
            }
            "thinking" => {
                self.begin(index, BlockKind::Thinking, PartStart::Thinking, sink);
                if !text("thinking").is_empty() {
                    self.tell(index, Delta::Thinking(text("thinking")), sink);
                }
                if !text("signature").is_empty() {
                    self.tell(index, Delta::Signature(text("signature")), sink);
                }
            }
            "redacted_thinking" => {
                self.begin(index, BlockKind::Whole, PartStart::RedactedThinking { data: text("data") }, sink);
            }
            "tool_use" if self.hints.json_tool && text("name") == JSON_TOOL => {
                self.json_called = true;
                self.begin(index, BlockKind::JsonTool, PartStart::Text, sink);
                self.first_input(index, &top, sink);
            }
            "tool_use" => {
                self.tool_called = true;
                let name = original(&self.hints.tool_names, &text("name")).to_owned();
                let start = PartStart::ToolCall { id: text("id"), name: name.into() };
                self.begin(index, BlockKind::Tool, start, sink);
                self.first_input(index, &top, sink);
            }
            kind if kind.ends_with("_tool_use") && is_hosted(kind) => {
                let start = PartStart::HostedCall { format: FORMAT, json: block.into() };
                self.begin(index, BlockKind::Hosted, start, sink);
            }
            _ => {
                let start = PartStart::Opaque { format: FORMAT, json: block.into() };
                self.begin(index, BlockKind::Whole, start, sink);
            }
        }
    }

    /// Some hosts send a tool's whole input with the start of its block.
    fn first_input(&mut self, index: u32, top: &Top<'_>, sink: &mut dyn EventSink) {
        let input = top.get("input").filter(|i| i.starts_with('{') && i.len() > 2);
        if let Some(input) = input {
            self.arguments(index, input.into(), sink);
        }
    }

    fn block_delta(&mut self, index: u32, delta: &DeltaIn<'_>, data: &[u8], sink: &mut dyn EventSink) {
        let known = self.open.iter().any(|b| b.index == index);
        match &*delta.kind.0 {
            "text_delta" => {
                if !known {
                    self.begin(index, BlockKind::Text, PartStart::Text, sink);
                }
                if let Some(Text(text)) = &delta.text {
                    self.text(index, Cow::Borrowed(text), sink);
                }
            }
            "input_json_delta" => {
                if let Some(Text(json)) = delta.partial_json.as_ref().filter(|t| !t.0.is_empty()) {
                    self.arguments(index, Cow::Borrowed(json), sink);
                }
            }
            "thinking_delta" => {
                if !known {
                    self.begin(index, BlockKind::Thinking, PartStart::Thinking, sink);
                }
                if let Some(Text(text)) = &delta.thinking {
                    self.tell(index, Delta::Thinking(Cow::Borrowed(text)), sink);
                }
            }
            "signature_delta" => {
                if let Some(Text(signature)) = &delta.signature {
                    self.tell(index, Delta::Signature(Cow::Borrowed(signature)), sink);
                }
            }
            "citations_delta" => {
                if let Some(citation) = delta.citation {
                    self.tell(index, Delta::Citation { format: FORMAT, json: citation.get().into() }, sink);
                }
            }
            _ => {
                let raw = serde_json::from_slice::<Top<'_>>(data).ok();
                if let Some(json) = raw.as_ref().and_then(|t| t.get("delta")) {
                    self.tell(index, Delta::Opaque { format: FORMAT, json: json.into() }, sink);
                }
            }
        }
    }

    fn text(&mut self, index: u32, text: Cow<'_, str>, sink: &mut dyn EventSink) {
        if text.is_empty() {
            return;
        }
        if let Some(prefix) = self.prefix.take()
            && !text.starts_with(prefix.as_str())
            && !prefix.starts_with(&*text)
        {
            self.tell(index, Delta::Text(prefix.into()), sink);
        }
        self.tell(index, Delta::Text(text), sink);
    }

    fn arguments(&mut self, index: u32, json: Cow<'_, str>, sink: &mut dyn EventSink) {
        let Some(block) = self.open.iter_mut().find(|b| b.index == index) else { return };
        block.grew = true;
        match block.kind {
            BlockKind::Tool | BlockKind::Hosted => self.tell(index, Delta::Arguments(json), sink),
            BlockKind::JsonTool => self.tell(index, Delta::Text(json), sink),
            _ => {} // a block without arguments
        }
    }

    fn tell(&self, index: u32, delta: Delta<'_>, sink: &mut dyn EventSink) {
        if let Some(block) = self.open.iter().find(|b| b.index == index) {
            sink.event(Event::Delta { choice: 0, part: block.part, delta });
        }
    }

    fn block_stop(&mut self, index: u32, sink: &mut dyn EventSink) {
        let Some(at) = self.open.iter().position(|b| b.index == index) else { return };
        let block = self.open.remove(at);
        Self::close(&block, sink);
    }

    fn close(block: &Block, sink: &mut dyn EventSink) {
        let part = block.part;
        if block.kind == BlockKind::Tool && !block.grew {
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Arguments("{}".into()) });
        }
        sink.event(Event::PartEnd { choice: 0, part });
    }

    fn message_delta(&mut self, line: &Line<'_>, data: &[u8], sink: &mut dyn EventSink) {
        self.open.drain(..).for_each(|b| Self::close(&b, sink));
        if let Some(raw) = line.usage.filter(|u| usage::is_there(u)) {
            let merged = usage::merged(self.usage.as_ref(), raw.get());
            let report = usage::report(merged.get(), UsageSource::Reported);
            self.usage = Some(merged);
            sink.event(Event::Usage(Box::new(report)));
        }
        self.unknown_fields(data, sink);
        let delta = line.delta.as_ref();
        let Some(Text(reason)) = delta.and_then(|d| d.stop_reason.as_ref()) else { return };
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let finish = if self.json_called && !self.tool_called {
            Finish::new(FinishReason::Stop)
        } else {
            let sequence = delta.and_then(|d| d.stop_sequence.as_ref()).map(|t| &*t.0);
            response_decode::finish(reason, sequence)
        };
        sink.event(Event::Finish { choice: 0, finish });
    }

    /// Fields beside the stop reason (`container`, `context_management`): once per stream, so read in a second pass.
    fn unknown_fields(&self, data: &[u8], sink: &mut dyn EventSink) {
        let top: Top<'_> = serde_json::from_slice(data).unwrap_or_default();
        let delta = top.read::<Top<'_>>("delta").unwrap_or_default();
        let beside = top.iter().filter(|(k, _)| !matches!(*k, "type" | "delta" | "usage"));
        let inside = delta.iter().filter(|(k, _)| !matches!(*k, "type" | "stop_reason" | "stop_sequence"));
        for (key, json) in beside.chain(inside).filter(|(_, v)| *v != "null") {
            sink.event(Event::Opaque { choice: 0, format: FORMAT, key: key.into(), json: json.into() });
        }
    }

    fn finish_stream(&mut self, sink: &mut dyn EventSink) {
        self.start_if_needed(sink);
        self.open.drain(..).for_each(|b| Self::close(&b, sink));
        if !std::mem::replace(&mut self.finished, true) {
            sink.event(Event::Finish { choice: 0, finish: Finish::new(FinishReason::Stop) });
        }
        self.ended = true;
        sink.event(Event::End);
    }

    fn fail(&mut self, err: Error, sink: &mut dyn EventSink) {
        self.ended = true;
        sink.event(Event::Error(Box::new(err)));
        sink.event(Event::End);
    }
}
