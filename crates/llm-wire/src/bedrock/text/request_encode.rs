//! Requests: the prompt, and a few numbers by the family's names for them.

use bytes::{BufMut, BytesMut};
use llm_types::generate::{GenerateRequest, Role, Turn};
use llm_types::{Field, Format};
use serde_json::Number;

use super::{THOUGHTS, prompts};
use crate::anthropic::{lose, lose_all};
use crate::bedrock::model::Family;
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::prompt;

/// Tokens of an answer of the first Claude models when nobody says: they demand a number.
const CLAUDE_TOKENS: u64 = 256;

/// What a family calls its parameters; nothing where it does not have one.
struct Names {
    prompt: &'static str,
    max: &'static str,
    temperature: &'static str,
    top_p: &'static str,
    top_k: Option<&'static str>,
    stop: Option<&'static str>,
}

const LLAMA: Names =
    Names { prompt: "prompt", max: "max_gen_len", temperature: "temperature", top_p: "top_p", top_k: None, stop: None };

impl Names {
    const fn of(family: Family) -> Self {
        match family {
            Family::Titan => Self {
                prompt: "inputText",
                max: "maxTokenCount",
                temperature: "temperature",
                top_p: "topP",
                stop: Some("stopSequences"),
                ..LLAMA
            },
            Family::Claude => {
                Self { max: "max_tokens_to_sample", top_k: Some("top_k"), stop: Some("stop_sequences"), ..LLAMA }
            }
            Family::Mistral => Self { max: "max_tokens", top_k: Some("top_k"), stop: Some("stop"), ..LLAMA },
            Family::Command | Family::CommandR => {
                Self { max: "max_tokens", top_p: "p", top_k: Some("k"), stop: Some("stop_sequences"), ..LLAMA }
            }
            Family::Jurassic => Self { max: "maxTokens", top_p: "topP", ..LLAMA },
            Family::Qwen => Self { top_k: Some("top_k"), stop: Some("stop"), ..LLAMA },
            _ => LLAMA,
        }
    }
}

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let family = Family::of(ctx.model);
    let names = Names::of(family);
    let mut body = Obj::open(out);
    match family {
        Family::CommandR => conversation(&req.turns, &mut body),
        _ => body.str(names.prompt, &prompts::of(req, family, ctx.model)),
    }
    if family == Family::Titan {
        parameters(req, family, &names, ctx, &mut body.obj("textGenerationConfig"));
    } else {
        parameters(req, family, &names, ctx, &mut body);
    }
    if family == Family::Command && req.stream {
        body.bool("stream", true);
    }
    if family == Family::Claude {
        body.str("anthropic_version", "bedrock-2023-05-31");
    }
    if family == Family::DeepSeekR1 {
        // the prompt has begun the thoughts, so that the answer does not
        ctx.hints.prefix = Some(THOUGHTS.to_owned());
    }
}

fn parameters(req: &GenerateRequest, family: Family, names: &Names, ctx: &mut EncodeContext<'_>, body: &mut Obj<'_>) {
    let s = &req.sampling;
    body.number(names.temperature, s.temperature.as_ref());
    body.number(names.top_p, s.top_p.as_ref());
    match names.top_k {
        Some(name) => body.number(name, s.top_k.as_ref()),
        None if s.top_k.is_some() => lose(ctx, "top_k"),
        None => {}
    }
    match names.stop {
        Some(name) if !req.stop.is_empty() => {
            let mut list = body.arr(name);
            req.stop.iter().for_each(|s| list.str(s));
        }
        None if !req.stop.is_empty() => lose(ctx, "stop"),
        _ => {}
    }
    let claude = Number::from(CLAUDE_TOKENS);
    let least = (family == Family::Claude).then_some(&claude);
    body.number(names.max, req.max_output_tokens.as_ref().or(least));
    let chat = matches!(req.extra.format(), None | Some(Format::OpenAiChat | Format::OpenAiCompletions));
    let mut left = Vec::new();
    for (key, value) in req.extra.all() {
        let known =
            Field::from_name(key).is_some() || prompt::FIELDS.contains(&key) || key.starts_with("stream_options.");
        if matches!(key, "model_id" | "guardrailConfig") {
            continue; // stand in the path and in headers
        }
        if key == "extra_headers" || chat && !known {
            body.any_key(key).put_slice(value.get().as_bytes());
        } else if !prompt::FIELDS.contains(&key) {
            left.push(key);
        }
    }
    lose_all(ctx, &left);
    unsaid(req, ctx);
}

/// What a text cannot say.
fn unsaid(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) {
    let s = &req.sampling;
    for (name, set) in [
        ("tools", !req.tools.is_empty()),
        ("tool_choice", req.tool_choice.is_some()),
        ("response_format", req.output.is_some()),
        ("reasoning_effort", req.reasoning.effort.is_some()),
        ("thinking", req.reasoning.thinking.is_some()),
        ("n", s.n.is_some_and(|n| n != 1)),
        ("seed", s.seed.is_some()),
        ("presence_penalty", s.presence_penalty.is_some()),
        ("frequency_penalty", s.frequency_penalty.is_some()),
        ("logit_bias", s.logit_bias.is_some()),
        ("logprobs", s.logprobs.is_some()),
    ] {
        if set {
            lose(ctx, name);
        }
    }
    let said = |turn: &Turn| turn.parts.iter().all(|p| p.as_text().is_some() || turn.role == Role::Tool);
    if !req.turns.iter().all(said) {
        lose(ctx, "content");
    }
}

/// Command R: the last message, and those before it.
fn conversation(turns: &[Turn], body: &mut Obj<'_>) {
    let (last, before) = turns.split_last().map_or((None, turns), |(last, before)| (Some(last), before));
    body.str("message", &last.map(prompt::said).unwrap_or_default());
    if before.is_empty() {
        return;
    }
    let mut list = body.arr("chat_history");
    for turn in before {
        let mut item = list.obj();
        item.str(
            "role",
            match turn.role {
                Role::Assistant => "CHATBOT",
                Role::System | Role::Developer => "SYSTEM",
                Role::User | Role::Tool => "USER",
            },
        );
        item.str("message", &prompt::said(turn));
    }
}
