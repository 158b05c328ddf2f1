//! A stream for a client. Every event is a whole answer that holds what is new. Calls are written when their arguments
//! are whole; finish reasons and the usage stand in the last event. There is no end marker.

use bytes::{BufMut, BytesMut};
use llm_types::RawJson;
use llm_types::generate::{Finish, Part, PartKind, ToolCall, UsageReport};
use llm_types::stream::{Delta, Event, PartStart, Start};

use super::response_decode::FEEDBACK;
use super::wire::{is_invented, split_call_id};
use super::{FORMAT, error, finish, logprobs, native_encode, usage};
use crate::codec::{ReplyContext, StreamEncoder};
use crate::openai::object::{Arr, Obj};

/// A call whose arguments are still growing.
#[derive(Debug)]
struct Growing {
    choice: u32,
    part: u32,
    call: ToolCall,
    /// Fields that only this format knows, as an object.
    fields: Option<String>,
}

/// Writes one stream.
#[derive(Debug)]
pub(super) struct Encoder {
    ctx: ReplyContext,
    id: String,
    model: String,
    growing: Vec<Growing>,
    finishes: Vec<(u32, Finish)>,
    usage: Option<UsageReport>,
    logprobs: Option<(u32, String)>,
    /// Fields of candidates for the last event.
    unknown: Vec<(u32, String, RawJson)>,
    failed: bool,
}

impl StreamEncoder for Encoder {
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.start(start),
            Event::PartStart { choice, part, kind } => self.part_start(*choice, *part, kind, out),
            Event::Delta { choice, part, delta } => self.delta(*choice, *part, delta, out),
            Event::PartEnd { choice, part } => self.part_end(*choice, *part, out),
            Event::Logprobs { choice, json } => self.logprobs = Some((*choice, json.clone().into_owned())),
            Event::Opaque { choice, format: FORMAT, key, json } => {
                let json = RawJson::parse(&**json).ok();
                self.unknown.extend(json.map(|json| (*choice, key.clone().into_owned(), json)));
            }
            Event::Usage(report) => self.usage = Some((**report).clone()),
            Event::Finish { choice, finish } => self.finishes.push((*choice, finish.clone())),
            Event::Error(err) => {
                self.failed = true;
                out.put_slice(b"data: ");
                error::encode(err, out);
                out.put_slice(b"\n\n");
            }
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::End if !self.failed => self.end(out),
            Event::Opaque { .. } | Event::End => {}
        }
    }
}

impl Encoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            ctx: ctx.clone(),
            id: ctx.fallback_id.clone(),
            model: ctx.model.clone().unwrap_or_default(),
            growing: Vec::new(),
            finishes: Vec::new(),
            usage: None,
            logprobs: None,
            unknown: Vec::new(),
            failed: false,
        }
    }

    fn start(&mut self, start: &Start) {
        if !start.id.is_empty() {
            start.id.clone_into(&mut self.id);
        }
        if self.ctx.model.is_none() {
            start.model.clone_into(&mut self.model);
        }
    }

    /// Writes an event: `candidates` and what belongs to the whole answer.
    fn chunk(&self, out: &mut BytesMut, fill: impl FnOnce(&mut Obj<'_>)) {
        out.put_slice(b"data: ");
        let start = out.len();
        {
            let mut obj = Obj::open(out);
            fill(&mut obj);
            obj.str("modelVersion", &self.model);
            obj.str("responseId", &self.id);
        }
        // raw JSON may have stood on several lines; inside of strings there are none
        let written = out.get_mut(start..).unwrap_or_default();
        written.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
        out.put_slice(b"\n\n");
    }

    /// Writes an event with parts of one candidate.
    fn parts(&mut self, choice: u32, out: &mut BytesMut, write: impl FnOnce(&mut Arr<'_>)) {
        let tokens = self.logprobs.take_if(|(of, _)| *of == choice);
        self.chunk(out, |obj| {
            let mut list = obj.arr("candidates");
            let mut candidate = list.obj();
            let mut content = candidate.obj("content");
            write(&mut content.arr("parts"));
            content.str("role", "model");
            drop(content);
            candidate.u64("index", choice.into());
            if let Some((_, json)) = tokens {
                logprobs::encode(&json, &mut candidate);
            }
        });
    }

    fn part_start(&mut self, choice: u32, part: u32, kind: &PartStart<'_>, out: &mut BytesMut) {
        match kind {
            PartStart::ToolCall { id, name } => {
                let call = ToolCall { id: id.to_string(), name: name.to_string(), arguments: String::new() };
                self.growing.push(Growing { choice, part, call, fields: None });
            }
            PartStart::Opaque { format: FORMAT, json } | PartStart::HostedCall { format: FORMAT, json } => {
                self.parts(choice, out, |list| list.text(json));
            }
            _ => {} // text begins with its first piece; blocks of other formats cannot be said
        }
    }

    fn delta(&mut self, choice: u32, part: u32, delta: &Delta<'_>, out: &mut BytesMut) {
        let growing = self.growing.iter_mut().find(|g| g.choice == choice && g.part == part);
        match (delta, growing) {
            (Delta::Arguments(json), Some(growing)) => growing.call.arguments.push_str(json),
            (Delta::Opaque { format: FORMAT, json }, Some(growing)) => growing.fields = Some(json.to_string()),
            (Delta::Text(text) | Delta::Refusal(text), _) => {
                self.parts(choice, out, |list| list.obj().str("text", text));
            }
            (Delta::Thinking(text), _) => self.thought(choice, text, None, out),
            (Delta::Signature(proof), _) => self.thought(choice, "", Some(proof), out),
            (Delta::Opaque { format: FORMAT, json }, None) => {
                let fields = json.strip_prefix('{').unwrap_or("}");
                self.parts(choice, out, |list| list.text(&format!("{{\"text\":\"\",{fields}")));
            }
            (Delta::Arguments(_) | Delta::Citation { .. } | Delta::Opaque { .. }, _) => {}
        }
    }

    fn thought(&mut self, choice: u32, text: &str, proof: Option<&str>, out: &mut BytesMut) {
        self.parts(choice, out, |list| {
            let mut obj = list.obj();
            obj.str("text", text);
            obj.bool("thought", true);
            obj.opt_str("thoughtSignature", proof);
        });
    }

    fn part_end(&mut self, choice: u32, part: u32, out: &mut BytesMut) {
        let Some(at) = self.growing.iter().position(|g| g.choice == choice && g.part == part) else { return };
        let Growing { call, fields, .. } = self.growing.remove(at);
        let native = self.ctx.upstream == Some(FORMAT);
        let mut part = Part::new(PartKind::ToolCall(call));
        if let (PartKind::ToolCall(call), true) = (&part.kind, native) {
            let (id, _) = split_call_id(&call.id);
            if !is_invented(id, &self.id) {
                part.extra.push(FORMAT, "functionCall.id", RawJson::string(id));
            }
        }
        let top: crate::top::Top<'_> = fields.as_deref().and_then(|f| serde_json::from_str(f).ok()).unwrap_or_default();
        for (key, value) in top.iter() {
            part.extra.push(FORMAT, key, RawJson::parse(value).unwrap_or_default());
        }
        self.parts(choice, out, |list| native_encode::part(&part, native, list));
    }

    /// The last event: why each candidate ended, and what it all consumed.
    fn end(&mut self, out: &mut BytesMut) {
        let mut finishes = std::mem::take(&mut self.finishes);
        finishes.sort_by_key(|(choice, _)| *choice);
        let unknown = std::mem::take(&mut self.unknown);
        let feedback = unknown.iter().find(|(_, key, _)| key == FEEDBACK);
        // a refused prompt has no candidates
        finishes.retain(|(_, finish)| feedback.is_none() || finish.raw.is_some());
        self.chunk(out, |obj| {
            if !finishes.is_empty() {
                let mut list = obj.arr("candidates");
                for (choice, finish) in &finishes {
                    let mut candidate = list.obj();
                    candidate.obj("content").str("role", "model");
                    candidate.str("finishReason", finish::encode(finish));
                    candidate.u64("index", (*choice).into());
                    for (_, key, json) in unknown.iter().filter(|(of, key, _)| of == choice && key != FEEDBACK) {
                        candidate.any_key(key).put_slice(json.get().as_bytes());
                    }
                }
            }
            if let Some((_, _, json)) = feedback {
                obj.text(FEEDBACK, json.get());
            }
            if let Some(report) = &self.usage {
                usage::write(report, obj);
            }
        });
    }
}
