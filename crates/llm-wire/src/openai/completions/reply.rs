//! Answers to clients of text completions.

use bytes::{BufMut, BytesMut};
use llm_types::Format;
use llm_types::generate::{Choice, GenerateResponse, Part, UsageReport};
use llm_types::stream::{Delta, Event, PartStart, Start};

use crate::codec::{ReplyContext, StreamEncoder};
use crate::openai::chat::{answer_id, shape};
use crate::openai::object::{Arr, Obj};
use crate::openai::{errors, finish, usage};

/// Writes an answer.
pub(super) fn encode(resp: &GenerateResponse, ctx: &ReplyContext, out: &mut BytesMut) {
    let mut obj = Obj::open(out);
    obj.str("id", answer_id(&resp.id, ctx));
    obj.str("object", "text_completion");
    obj.u64("created", resp.created.unwrap_or(ctx.created));
    obj.str("model", ctx.model.as_deref().unwrap_or(&resp.model));
    let mut choices = obj.arr("choices");
    resp.choices.iter().for_each(|c| write_choice(c, &mut choices));
    drop(choices);
    if let Some(report) = &resp.usage {
        usage::encode(report, shape(resp), obj.key("usage"));
    }
    if ctx.upstream != Some(Format::OpenAiChat) {
        obj.extra(&resp.extra, Format::OpenAiChat, |_| true);
    }
}

fn write_choice(choice: &Choice, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("text", &choice.parts.iter().filter_map(Part::as_text).collect::<String>());
    obj.u64("index", choice.index.into());
    match &choice.logprobs {
        Some(json) => obj.text("logprobs", json.get()),
        None => obj.text("logprobs", "null"),
    }
    if let Some(finish) = &choice.finish {
        obj.str("finish_reason", finish::encode(finish.reason));
    }
}

/// Writes chunks. Thoughts and tool calls cannot be said in this format.
#[derive(Debug)]
pub(super) struct TextStreamEncoder {
    ctx: ReplyContext,
    head: Vec<u8>,
    logprobs: Option<(u32, String)>,
    usage: Option<UsageReport>,
    failed: bool,
    tool_calls: bool,
}

impl TextStreamEncoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        let mut new =
            Self { ctx: ctx.clone(), head: Vec::new(), logprobs: None, usage: None, failed: false, tool_calls: false };
        new.start(&Start::default());
        new
    }

    fn start(&mut self, start: &Start) {
        let mut head = BytesMut::with_capacity(256);
        head.put_slice(b"data: ");
        {
            let mut obj = Obj::open(&mut head);
            obj.str("id", answer_id(&start.id, &self.ctx));
            obj.str("object", "text_completion");
            obj.u64("created", start.created.unwrap_or(self.ctx.created));
            obj.str("model", self.ctx.model.as_deref().unwrap_or(&start.model));
        }
        head.truncate(head.len().saturating_sub(1));
        head.put_slice(b",\"choices\":[");
        self.head = head.to_vec();
    }

    fn chunk(&mut self, index: u32, text: &str, finish: Option<&str>, out: &mut BytesMut) {
        out.put_slice(&self.head);
        {
            let mut choice = Obj::open(out);
            choice.u64("index", index.into());
            choice.str("text", text);
            if let Some((_, json)) = self.logprobs.take_if(|(of, _)| *of == index) {
                choice.text("logprobs", &json);
            }
            choice.opt_str("finish_reason", finish);
        }
        out.put_slice(b"]}\n\n");
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.failed {
            return;
        }
        if let Some(report) = self.usage.take().filter(|_| self.ctx.include_usage) {
            let shape = usage::Shape { stream: true, tool_calls: self.tool_calls, ..usage::Shape::default() };
            out.put_slice(&self.head);
            out.put_slice(b"{\"index\":0,\"text\":\"\"}],\"usage\":");
            usage::encode(&report, shape, out);
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}

impl StreamEncoder for TextStreamEncoder {
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.start(start),
            Event::Delta { choice, delta: Delta::Text(text), .. } => self.chunk(*choice, text, None, out),
            Event::PartStart { kind: PartStart::ToolCall { .. }, .. } => self.tool_calls = true,
            Event::Logprobs { choice, json } => self.logprobs = Some((*choice, json.clone().into_owned())),
            Event::Finish { choice, finish } => self.chunk(*choice, "", Some(finish::encode(finish.reason)), out),
            Event::Usage(report) => self.usage = Some((**report).clone()),
            Event::Error(error) => {
                self.failed = true;
                out.put_slice(b"data: ");
                errors::encode(error, out);
                out.put_slice(b"\n\n");
            }
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::End => self.end(out),
            Event::PartStart { .. } | Event::Delta { .. } | Event::PartEnd { .. } | Event::Opaque { .. } => {}
        }
    }
}
