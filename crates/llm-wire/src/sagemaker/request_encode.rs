//! Requests: a prompt, and parameters beside it.

use bytes::{BufMut, BytesMut};
use llm_types::generate::GenerateRequest;
use llm_types::{Field, Format};
use serde_json::Number;

use super::OF_DEPLOYMENT;
use crate::anthropic::{lose, lose_all};
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::prompt;

/// The container takes no temperature of zero.
const COLDEST: f64 = 0.01;

/// Writes a request.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) {
    let model = req.extra.get("hf_model_name").and_then(|m| m.as_str());
    let prompt = prompt::of(req, model.as_deref().unwrap_or(ctx.model));
    if prompt.contains("<s>") {
        // some endpoints repeat the prompt in front of the answer
        ctx.hints.prefix = Some(prompt.clone());
    }
    let mut body = Obj::open(out);
    parameters(req, ctx, &mut body.obj("parameters"));
    body.str("inputs", &prompt);
    if req.stream {
        body.bool("stream", true);
    }
    if let Some(headers) = req.extra.get("extra_headers") {
        body.raw("extra_headers", Some(headers));
    }
}

fn parameters(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, params: &mut Obj<'_>) {
    let s = &req.sampling;
    let zero = s.temperature.as_ref().is_some_and(|t| t.as_f64() == Some(0.0));
    let coldest = Number::from_f64(COLDEST);
    params.number("temperature", if zero { coldest.as_ref() } else { s.temperature.as_ref() });
    params.number("top_p", s.top_p.as_ref());
    params.number("top_k", s.top_k.as_ref());
    if let Some(n) = s.n {
        params.u64("best_of", n);
        params.bool("do_sample", true);
    }
    if !req.stop.is_empty() {
        let mut list = params.arr("stop");
        req.stop.iter().for_each(|s| list.str(s));
    }
    let none = req.max_output_tokens.as_ref().is_some_and(|n| n.as_f64() == Some(0.0));
    let one = Number::from(1);
    params.number("max_new_tokens", if none { Some(&one) } else { req.max_output_tokens.as_ref() });
    let chat = matches!(req.extra.format(), None | Some(Format::OpenAiChat | Format::OpenAiCompletions));
    let mut left = Vec::new();
    for (key, value) in req.extra.all() {
        let silent = OF_DEPLOYMENT.contains(&key) || prompt::FIELDS.contains(&key) || key == "extra_headers";
        if chat && !silent && Field::from_name(key).is_none() && !key.starts_with("stream_options.") {
            params.any_key(key).put_slice(value.get().as_bytes());
        } else if !silent {
            left.push(key);
        }
    }
    lose_all(ctx, &left);
    for (name, set) in [
        ("tools", !req.tools.is_empty()),
        ("tool_choice", req.tool_choice.is_some()),
        ("response_format", req.output.is_some()),
        ("reasoning_effort", req.reasoning.effort.is_some()),
        ("thinking", req.reasoning.thinking.is_some()),
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
}
