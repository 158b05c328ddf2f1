//! Streams to chat clients, as LiteLLM writes them: the role stands in an alternative's first chunk, the finish reason
//! in a chunk of its own, the usage in the last one when it was asked for, then `[DONE]`.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use llm_types::Format;
use llm_types::generate::UsageReport;
use llm_types::stream::{Delta, Event, PartStart, Start};

use super::call_delta::{begin_call, grow_call};
use super::response_encode::answer_id;
use super::{FORMAT, foreign_blocks, gemini};
use crate::codec::{ReplyContext, StreamEncoder};
use crate::openai::object::Obj;
use crate::openai::{errors, finish, usage};

/// Writes chunks.
#[derive(Debug)]
pub(crate) struct ChatStreamEncoder {
    ctx: ReplyContext,
    /// Everything before the choices, and everything after them: the same in every chunk.
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Fields of the provider's own, for the first chunk.
    first_only: Vec<u8>,
    choices: Vec<ChoiceState>,
    usage: Option<UsageReport>,
    failed: bool,
    tool_calls: bool,
    redacted: bool,
    thought: bool,
    /// Pictures so far.
    pictures: u64,
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u32,
    has_role: bool,
    /// By part number: the number of the tool call, and whether it is the legacy kind.
    calls: Vec<(u32, u64, bool)>,
    /// The thoughts so far, where the proof must repeat them.
    thoughts: String,
    logprobs: Option<String>,
}

impl ChatStreamEncoder {
    pub(crate) fn new(ctx: &ReplyContext) -> Self {
        let mut new = Self {
            ctx: ctx.clone(),
            head: Vec::new(),
            tail: Vec::new(),
            first_only: Vec::new(),
            choices: Vec::new(),
            usage: None,
            failed: false,
            tool_calls: false,
            redacted: false,
            thought: false,
            pictures: 0,
        };
        new.start(&Start::default());
        new
    }

    fn start(&mut self, start: &Start) {
        let ctx = &self.ctx;
        let mut head = BytesMut::with_capacity(256);
        {
            let mut obj = Obj::open(&mut head);
            obj.str("id", answer_id(&start.id, ctx));
            obj.str("object", "chat.completion.chunk");
            obj.u64("created", start.created.unwrap_or(ctx.created));
            obj.str("model", ctx.model.as_deref().unwrap_or(&start.model));
        }
        head.truncate(head.len().saturating_sub(1));
        self.head = head.to_vec();
        let fields = |pick: &dyn Fn(&str) -> bool, tier: Option<&str>| {
            let mut out = BytesMut::new();
            {
                let mut obj = Obj::open(&mut out);
                obj.opt_str("service_tier", tier);
                obj.extra(&start.extra, FORMAT, pick);
            }
            match out.len() {
                ..=2 => b"}\n\n".to_vec(),
                _ => [b",", out.get(1..).unwrap_or_default(), b"\n\n"].concat(),
            }
        };
        let every = |key: &str| key == "system_fingerprint";
        self.tail = fields(&every, start.service_tier.as_deref());
        self.first_only = fields(&|_| true, start.service_tier.as_deref());
    }

    fn at(&mut self, index: u32) -> usize {
        self.choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        })
    }

    /// Writes a chunk of one choice: `delta` fills its delta, `more` the choice.
    fn chunk(
        &mut self,
        index: u32,
        out: &mut BytesMut,
        delta: impl FnOnce(&mut Obj<'_>),
        more: impl FnOnce(&mut Obj<'_>),
    ) {
        let at = self.at(index);
        out.put_slice(b"data: ");
        out.put_slice(&self.head);
        out.put_slice(b",\"choices\":[");
        {
            let mut choice = Obj::open(out);
            choice.u64("index", index.into());
            let mut inner = choice.obj("delta");
            let state = self.choices.get_mut(at);
            if state.is_some_and(|s| !std::mem::replace(&mut s.has_role, true)) {
                inner.str("role", "assistant");
            }
            delta(&mut inner);
            drop(inner);
            if let Some(json) = self.choices.get_mut(at).and_then(|s| s.logprobs.take()) {
                choice.text("logprobs", &json);
            }
            more(&mut choice);
        }
        out.put_u8(b']');
        if self.first_only.is_empty() {
            out.put_slice(&self.tail);
        } else {
            out.put_slice(&std::mem::take(&mut self.first_only));
        }
    }

    fn part_start(&mut self, choice: u32, part: u32, kind: &PartStart<'_>, out: &mut BytesMut) {
        match kind {
            PartStart::ToolCall { id, name } => {
                let at = self.at(choice);
                let legacy = id.is_empty();
                self.tool_calls |= !legacy;
                let Some(state) = self.choices.get_mut(at) else { return };
                let index = state.calls.iter().filter(|c| !c.2).count() as u64;
                state.calls.push((part, index, legacy));
                self.chunk(choice, out, |d| begin_call(d, index, id, name, legacy), |_| {});
            }
            PartStart::RedactedThinking { data } => {
                self.redacted = true;
                let anthropic = self.ctx.upstream == Some(Format::AnthropicMessages);
                let block = |obj: &mut Obj<'_>| {
                    let mut list = obj.arr("thinking_blocks");
                    let mut block = list.obj();
                    block.str("type", "redacted_thinking");
                    block.str("data", data);
                };
                self.chunk(
                    choice,
                    out,
                    |d| {
                        block(d);
                        if anthropic {
                            block(&mut d.obj("provider_specific_fields"));
                        }
                        d.str("content", "");
                    },
                    |_| {},
                );
            }
            PartStart::Opaque { format: Format::GeminiGenerate, json } => {
                let (mut pictures, created) = (self.pictures, self.ctx.created);
                let mut fields = BytesMut::new();
                if gemini::opaque_part(json, &mut pictures, created, &mut Obj::open(&mut fields)) {
                    let inner = String::from_utf8_lossy(&fields).into_owned();
                    self.chunk(choice, out, |d| d.spread(&inner), |_| {});
                }
                self.pictures = pictures;
            }
            // chat has no brackets; blocks of other formats cannot be said
            PartStart::Text
            | PartStart::Thinking
            | PartStart::Refusal
            | PartStart::HostedCall { .. }
            | PartStart::Opaque { .. } => {}
        }
    }

    fn delta(&mut self, choice: u32, part: u32, delta: &Delta<'_>, out: &mut BytesMut) {
        match delta {
            Delta::Text(text) => self.chunk(choice, out, |d| d.str("content", text), |_| {}),
            // where LiteLLM has it in whole answers; its streams lose refusals
            Delta::Refusal(text) => {
                self.chunk(choice, out, |d| d.obj("provider_specific_fields").str("refusal", text), |_| {});
            }
            Delta::Thinking(text) => self.thinking(choice, text, None, out),
            Delta::Signature(proof) => self.thinking(choice, "", Some(proof), out),
            Delta::Arguments(json) => {
                let at = self.at(choice);
                let call = self.choices.get(at).and_then(|s| s.calls.iter().find(|c| c.0 == part).copied());
                if let Some((_, index, legacy)) = call {
                    self.chunk(choice, out, |d| grow_call(d, index, json, legacy), |_| {});
                }
            }
            Delta::Citation { json, .. } => self.chunk(
                choice,
                out,
                |d| {
                    d.obj("provider_specific_fields").text("citation", json);
                    d.str("content", "");
                },
                |_| {},
            ),
            // a thought's block, told again
            Delta::Opaque { format, json } if *format == FORMAT => {
                self.chunk(choice, out, |d| d.arr("thinking_blocks").text(json), |_| {});
            }
            Delta::Opaque { format: Format::GeminiGenerate, json } => {
                self.chunk(choice, out, |d| gemini::part_fields(json, d), |_| {});
            }
            Delta::Opaque { .. } => {}
        }
    }

    /// A field of a candidate of Gemini, as LiteLLM tells it.
    fn candidate(&mut self, choice: u32, key: &str, json: &str, out: &mut BytesMut) {
        if key == "groundingMetadata" {
            self.chunk(choice, out, |d| gemini::annotations(json, d), |_| {});
        }
        if let Some(name) = gemini::list_name(key) {
            self.opaque(choice, &format!("chunk.{name}"), &format!("[{json}]"), out);
        }
    }

    /// Thoughts. Foreign upstreams' are written as blocks too, and Anthropic's proof repeats the whole text.
    fn thinking(&mut self, choice: u32, text: &str, proof: Option<&str>, out: &mut BytesMut) {
        self.thought = true;
        // Gemini's are blocks in whole answers only
        let blocks = (foreign_blocks(&self.ctx) && !gemini::is_upstream(&self.ctx)) || proof.is_some();
        let anthropic = self.ctx.upstream == Some(Format::AnthropicMessages);
        let converse = self.ctx.upstream == Some(Format::BedrockConverse);
        let mut said = Cow::Borrowed(text);
        let at = self.at(choice);
        if let Some(state) = self.choices.get_mut(at).filter(|_| anthropic) {
            match proof {
                Some(_) => said = Cow::Owned(std::mem::take(&mut state.thoughts)),
                None => state.thoughts.push_str(text),
            }
        }
        let block = |obj: &mut Obj<'_>| {
            let mut list = obj.arr("thinking_blocks");
            let mut block = list.obj();
            block.str("type", "thinking");
            block.str("thinking", &said);
            block.opt_str("signature", proof);
        };
        self.chunk(
            choice,
            out,
            |d| {
                d.str("reasoning_content", text);
                if blocks {
                    block(d);
                    d.str("content", "");
                }
                if anthropic {
                    block(&mut d.obj("provider_specific_fields"));
                } else if converse {
                    let mut fields = d.obj("provider_specific_fields");
                    let mut thought = fields.obj("reasoningContent");
                    match proof {
                        Some(proof) => thought.str("signature", proof),
                        None => thought.str("text", text),
                    }
                }
            },
            |_| {},
        );
    }

    fn opaque(&mut self, choice: u32, key: &str, json: &str, out: &mut BytesMut) {
        if let Some(key) = key.strip_prefix("choice.") {
            self.chunk(
                choice,
                out,
                |_| {},
                |c| c.obj("provider_specific_fields").any_key(key).put_slice(json.as_bytes()),
            );
        } else if let Some(key) = key.strip_prefix("chunk.") {
            out.put_slice(b"data: ");
            out.put_slice(&self.head);
            out.put_slice(b",\"choices\":[],");
            crate::top::write_str(key, out);
            out.put_u8(b':');
            out.put_slice(json.as_bytes());
            out.put_slice(&self.tail);
        } else {
            self.chunk(choice, out, |d| d.any_key(key).put_slice(json.as_bytes()), |_| {});
        }
    }

    /// LiteLLM names the role with the first content; hosts that have no role of their own may end without any.
    fn end_without_role(&mut self, choice: u32) {
        let own = !matches!(
            self.ctx.upstream,
            Some(
                Format::OllamaChat
                    | Format::OllamaGenerate
                    | Format::CohereChat
                    | Format::CohereChatV2
                    | Format::GeminiGenerate
                    | Format::AnthropicMessages
            )
        );
        let at = self.at(choice);
        if let Some(state) = self.choices.get_mut(at).filter(|_| !own) {
            state.has_role = true;
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.failed {
            return;
        }
        if let Some(report) = self.usage.take().filter(|_| self.ctx.include_usage) {
            let shape = usage::Shape {
                hidden_thoughts: self.redacted && !self.thought,
                stream: true,
                tool_calls: self.tool_calls,
                thoughts: self.thought,
                taken_back: false,
            };
            out.put_slice(b"data: ");
            out.put_slice(&self.head);
            out.put_slice(b",\"choices\":[{\"index\":0,\"delta\":{}}],\"usage\":");
            usage::encode(&report, shape, out);
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}

impl StreamEncoder for ChatStreamEncoder {
    fn event(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match event {
            Event::Start(start) => self.start(start),
            Event::PartStart { choice, part, kind } => self.part_start(*choice, *part, kind, out),
            Event::Delta { choice, part, delta } => self.delta(*choice, *part, delta, out),
            Event::Logprobs { choice, json } => {
                let at = self.at(*choice);
                if let Some(state) = self.choices.get_mut(at) {
                    state.logprobs = Some(json.clone().into_owned());
                }
            }
            Event::Opaque { choice, format, key, json } if *format == FORMAT => self.opaque(*choice, key, json, out),
            Event::Opaque { choice, format: Format::GeminiGenerate, key, json } => {
                self.candidate(*choice, key, json, out);
            }
            Event::Finish { choice, finish } => {
                let reason = finish::encode(finish.reason);
                self.end_without_role(*choice);
                self.chunk(*choice, out, |_| {}, |c| c.str("finish_reason", reason));
            }
            Event::Usage(report) => self.usage = Some((**report).clone()),
            Event::Error(error) => {
                self.failed = true;
                out.put_slice(b"data: ");
                errors::encode(error, out);
                out.put_slice(b"\n\n");
            }
            Event::Ping => out.put_slice(b": ping\n\n"),
            Event::End => self.end(out),
            Event::PartEnd { .. } | Event::Opaque { .. } => {}
        }
    }
}
