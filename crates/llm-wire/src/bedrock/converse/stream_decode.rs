//! A stream of the upstream.
//!
//! `messageStart, (contentBlockStart?, contentBlockDelta*, contentBlockStop)*, messageStop, metadata`. Blocks begin
//! with their first delta where they have no start. Some hosts write the name of the event around its payload.

use std::borrow::Cow;

use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Delta, Event, EventSink, PartStart};
use llm_types::{Error, Format, Kind, UpstreamDetail};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FORMAT, JSON_TOOL, response_decode, usage};
use crate::bedrock::error;
use crate::codec::{Hints, ReplyContext, StreamDecoder};
use crate::sse::Frame;
use crate::tool_names::original;
use crate::top::Top;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Text,
    Thinking,
    Redacted,
    Tool,
    /// The tool that stands for a JSON schema: its arguments are the text of the answer.
    JsonTool,
}

#[derive(Debug)]
struct Block {
    /// The upstream's number.
    index: u64,
    /// Ours.
    part: u32,
    kind: Kinds,
    /// Arguments were streamed.
    grew: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Line<'a> {
    content_block_index: u64,
    #[serde(borrow)]
    start: Option<StartIn<'a>>,
    #[serde(borrow)]
    delta: Option<DeltaIn<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StartIn<'a> {
    #[serde(borrow)]
    tool_use: Option<ToolStart<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ToolStart<'a> {
    #[serde(borrow)]
    tool_use_id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DeltaIn<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_use: Option<Input<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<ThoughtIn<'a>>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Input<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ThoughtIn<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    redacted_content: Option<Cow<'a, str>>,
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
    /// The JSON tool was called; another one was.
    json_called: bool,
    tool_called: bool,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        if let Some(error) = error::in_stream(frame, &self.provider) {
            return self.fail(error, sink);
        }
        let data = std::str::from_utf8(&frame.data).unwrap_or_default();
        match frame.event.as_deref() {
            Some(name) if name != "chunk" => self.named(name, data, sink),
            // the name stands around the payload
            _ => match serde_json::from_str::<Top<'_>>(data) {
                Ok(top) => top.iter().for_each(|(name, payload)| self.named(name, payload, sink)),
                Err(_) if frame.data.trim_ascii().is_empty() => {}
                Err(e) => self.fail(unreadable(&e), sink),
            },
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        if self.finished {
            self.ended = true;
            sink.event(Event::End);
        } else {
            let text = "litellm.MidStreamFallbackError: the upstream closed the stream before messageStop";
            self.fail(Error::upstream(Kind::MidStream, text, UpstreamDetail::default()), sink);
        }
    }
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            hints: ctx.hints.clone(),
            provider: ctx.provider.clone(),
            started: false,
            ended: false,
            finished: false,
            next_part: 0,
            open: Vec::with_capacity(2),
            json_called: false,
            tool_called: false,
        }
    }

    fn named(&mut self, name: &str, payload: &str, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        match name {
            "messageStart" => self.start(sink),
            "contentBlockStart" | "contentBlockDelta" | "contentBlockStop" | "messageStop" => {
                match serde_json::from_str::<Line<'_>>(payload) {
                    Ok(line) => self.line(name, &line, sink),
                    Err(e) => self.fail(unreadable(&e), sink),
                }
            }
            "metadata" => match serde_json::from_str::<Top<'_>>(payload) {
                Ok(top) => self.metadata(&top, sink),
                Err(e) => self.fail(unreadable(&e), sink),
            },
            _ => {} // what is new, and the metrics of InvokeModel
        }
    }

    fn line(&mut self, name: &str, line: &Line<'_>, sink: &mut dyn EventSink) {
        self.start(sink);
        if self.finished {
            return; // behind the end of the message nothing belongs to it
        }
        let index = line.content_block_index;
        match name {
            "contentBlockStart" => {
                if let Some(tool) = line.start.as_ref().and_then(|s| s.tool_use.as_ref()) {
                    self.tool_start(index, tool, sink);
                }
            }
            "contentBlockDelta" => {
                if let Some(delta) = &line.delta {
                    self.delta(index, delta, sink);
                }
            }
            "contentBlockStop" => self.stop(index, sink),
            _ => {
                self.open.drain(..).for_each(|b| close(&b, sink));
                self.finished = true;
                let word = line.stop_reason.as_deref().unwrap_or_default();
                let finish = match self.json_called && !self.tool_called {
                    true => Finish::new(FinishReason::Stop),
                    false => response_decode::finish(word),
                };
                sink.event(Event::Finish { choice: 0, finish });
            }
        }
    }

    fn start(&mut self, sink: &mut dyn EventSink) {
        if !std::mem::replace(&mut self.started, true) {
            sink.event(Event::Start(Box::default()));
        }
    }

    /// The part of a block, begun if the block is not open or was something else.
    fn part(&mut self, index: u64, kind: Kinds, start: PartStart<'_>, sink: &mut dyn EventSink) -> u32 {
        if let Some(block) = self.open.iter().find(|b| b.index == index && b.kind == kind) {
            return block.part;
        }
        self.stop(index, sink);
        let part = self.next_part;
        self.next_part += 1;
        self.open.push(Block { index, part, kind, grew: false });
        sink.event(Event::PartStart { choice: 0, part, kind: start });
        part
    }

    fn tool_start(&mut self, index: u64, tool: &ToolStart<'_>, sink: &mut dyn EventSink) {
        if self.hints.json_tool && tool.name == JSON_TOOL {
            self.json_called = true;
            self.part(index, Kinds::JsonTool, PartStart::Text, sink);
            return;
        }
        self.tool_called = true;
        let name = original(&self.hints.tool_names, &tool.name).to_owned();
        let start = PartStart::ToolCall { id: Cow::Borrowed(&tool.tool_use_id), name: name.into() };
        self.part(index, Kinds::Tool, start, sink);
    }

    fn delta(&mut self, index: u64, delta: &DeltaIn<'_>, sink: &mut dyn EventSink) {
        let mut tell = |part, delta| sink.event(Event::Delta { choice: 0, part, delta });
        if let Some(text) = delta.text.as_deref() {
            let part = self.part(index, Kinds::Text, PartStart::Text, sink);
            if !text.is_empty() {
                sink.event(Event::Delta { choice: 0, part, delta: Delta::Text(text.into()) });
            }
        } else if let Some(Input { input }) = &delta.tool_use {
            let Some(block) = self.open.iter_mut().find(|b| b.index == index).filter(|_| !input.is_empty()) else {
                return;
            };
            block.grew = true;
            let input = Cow::Borrowed(&**input);
            match block.kind {
                Kinds::Tool => tell(block.part, Delta::Arguments(input)),
                Kinds::JsonTool => tell(block.part, Delta::Text(input)),
                _ => {} // arguments without a call
            }
        } else if let Some(thought) = &delta.reasoning_content {
            self.thought(index, thought, sink);
        } else if let Some(citation) = delta.citation {
            let part = self.part(index, Kinds::Text, PartStart::Text, sink);
            let json = citation.get().into();
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Citation { format: FORMAT, json } });
        }
    }

    fn thought(&mut self, index: u64, thought: &ThoughtIn<'_>, sink: &mut dyn EventSink) {
        if let Some(data) = thought.redacted_content.as_deref() {
            let start = PartStart::RedactedThinking { data: data.into() };
            self.part(index, Kinds::Redacted, start, sink);
            return;
        }
        let part = self.part(index, Kinds::Thinking, PartStart::Thinking, sink);
        if let Some(text) = thought.text.as_deref().filter(|t| !t.is_empty()) {
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Thinking(text.into()) });
        }
        if let Some(signature) = thought.signature.as_deref().filter(|s| !s.is_empty()) {
            sink.event(Event::Delta { choice: 0, part, delta: Delta::Signature(signature.into()) });
        }
    }

    fn stop(&mut self, index: u64, sink: &mut dyn EventSink) {
        if let Some(at) = self.open.iter().position(|b| b.index == index) {
            close(&self.open.remove(at), sink);
        }
    }

    fn metadata(&mut self, top: &Top<'_>, sink: &mut dyn EventSink) {
        self.start(sink);
        if let Some(raw) = top.get("usage").filter(|u| u.starts_with('{')) {
            sink.event(Event::Usage(Box::new(usage::report(raw, None))));
        }
        if let Some(trace) = top.get("trace").filter(|t| t.starts_with('{')) {
            let json = format!("{{\"trace\":{trace}}}").into();
            let key = "provider_specific_fields".into();
            sink.event(Event::Opaque { choice: 0, format: Format::OpenAiChat, key, json });
        }
    }

    fn fail(&mut self, err: Error, sink: &mut dyn EventSink) {
        self.ended = true;
        sink.event(Event::Error(Box::new(err)));
        sink.event(Event::End);
    }
}

fn close(block: &Block, sink: &mut dyn EventSink) {
    let part = block.part;
    if block.kind == Kinds::Tool && !block.grew {
        sink.event(Event::Delta { choice: 0, part, delta: Delta::Arguments("{}".into()) });
    }
    sink.event(Event::PartEnd { choice: 0, part });
}

fn unreadable(e: &serde_json::Error) -> Error {
    let text = format!("litellm.APIConnectionError: the upstream sent an event that cannot be read: {e}");
    Error::upstream(Kind::InvalidReply, text, UpstreamDetail::default())
}
