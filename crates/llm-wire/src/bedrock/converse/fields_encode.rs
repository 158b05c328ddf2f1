//! What the language itself cannot say: `additionalModelRequestFields`, and fields of the request that chat clients
//! name as the language does.

use std::collections::HashMap;

use bytes::BufMut;
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Field, Format, Json, RawJson, Result};

use crate::anthropic::{lose, lose_all};
use crate::bedrock::model::Family;
use crate::codec::EncodeContext;
use crate::openai::object::Obj;

/// Fields that a client may name as the language does.
const OWN: [&str; 3] = ["guardrailConfig", "performanceConfig", "additionalModelResponseFieldPaths"];

/// Extras that concern others than the model, or that are written elsewhere.
const NOT_CARRIED: [&str; 13] = [
    "model_id",
    "max_tokens",
    "web_search_options",
    "output_config",
    "output_format",
    "metadata",
    "extra_headers",
    "max_retries",
    "stream_options",
    "user",
    "cache_control_injection_points",
    "requestMetadata",
    "serviceTier",
];

/// Fields of the model's own, in order; later values replace earlier ones.
#[derive(Debug, Default)]
pub(super) struct More {
    fields: Vec<(String, String)>,
    /// Where each of them is.
    places: HashMap<String, usize>,
    /// The answer shall say how many tokens were thoughts.
    pub tells_thinking_tokens: bool,
}

impl More {
    /// Sets a field to JSON text.
    pub(super) fn set(&mut self, name: &str, json: &str) {
        match self.places.get(name).and_then(|at| self.fields.get_mut(*at)) {
            Some((_, value)) => json.clone_into(value),
            None => {
                self.places.insert(name.to_owned(), self.fields.len());
                self.fields.push((name.to_owned(), json.to_owned()));
            }
        }
    }

    /// Writes the fields, when there are any.
    pub(super) fn write(&self, body: &mut Obj<'_>) {
        if !self.fields.is_empty() {
            let mut more = body.obj("additionalModelRequestFields");
            for (name, json) in &self.fields {
                more.any_key(name).put_slice(json.as_bytes());
            }
        }
        if self.tells_thinking_tokens {
            body.arr("additionalModelResponseFieldPaths").str("/usage/output_tokens_details");
        }
    }
}

/// Collects what the model alone knows: sampling, parallel calls, fields that the deployment allows by name, and fields
/// that nobody here knows, which chat clients send for the model behind.
pub(super) fn collect(req: &GenerateRequest, family: Family, more: &mut More, ctx: &mut EncodeContext<'_>) {
    if let Some(k) = &req.sampling.top_k {
        match family {
            Family::Claude => more.set("top_k", &k.to_string()),
            Family::Nova | Family::Nova2 => {
                more.set("inferenceConfig", &Json::object([("topK", Json::Number(k.clone()))]).to_string());
            }
            _ => lose(ctx, "top_k"),
        }
    }
    allowed(req, more, ctx);
    let chat = matches!(req.extra.format(), None | Some(Format::OpenAiChat | Format::OpenAiCompletions));
    let mut left = Vec::new();
    for (key, value) in req.extra.all() {
        if NOT_CARRIED.contains(&key) || OWN.contains(&key) || key.starts_with("stream_options.") {
            continue;
        }
        let carried = match Field::from_name(key) {
            Some(Field::ContextManagement | Field::Speed) => family == Family::Claude,
            Some(known) => ctx.allowed.has(known),
            None => chat,
        };
        if carried {
            more.set(key, value.get());
        } else {
            left.push(key);
        }
    }
    lose_all(ctx, &left);
}

/// Typed fields without a counterpart here.
fn allowed(req: &GenerateRequest, more: &mut More, ctx: &mut EncodeContext<'_>) {
    let s = &req.sampling;
    let number = |n: &Option<serde_json::Number>| n.as_ref().map(ToString::to_string);
    let raw = |j: &Option<RawJson>| j.as_ref().map(|j| j.get().to_owned());
    let n = s.n.filter(|n| *n != 1).map(|n| n.to_string());
    for (field, value) in [
        (Field::N, n),
        (Field::Seed, number(&s.seed)),
        (Field::PresencePenalty, number(&s.presence_penalty)),
        (Field::FrequencyPenalty, number(&s.frequency_penalty)),
        (Field::Logprobs, raw(&s.logprobs)),
        (Field::TopLogprobs, number(&s.top_logprobs)),
        (Field::LogitBias, raw(&s.logit_bias)),
    ] {
        match value {
            Some(json) if ctx.allowed.has(field) => more.set(field.name(), &json),
            Some(_) => lose(ctx, field.name()),
            None => {}
        }
    }
}

/// Writes the fields that a client names as the language does.
///
/// # Errors
/// `BadRequest` for metadata that the upstream would refuse.
pub(super) fn write_own(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, body: &mut Obj<'_>) -> Result<()> {
    for key in OWN {
        if let Some(value) = req.extra.get(key) {
            body.any_key(key).put_slice(value.get().as_bytes());
        }
    }
    if let Some(metadata) = req.extra.get("requestMetadata").filter(|m| !m.is_null()) {
        check_metadata(metadata)?;
        body.raw("requestMetadata", Some(metadata));
    }
    match (req.service_tier.as_deref(), req.extra.get("serviceTier").filter(|t| t.get().starts_with('{'))) {
        (_, Some(tier)) => body.raw("serviceTier", Some(tier)),
        (Some("auto" | "default"), None) => body.obj("serviceTier").str("type", "default"),
        (Some(tier @ ("flex" | "priority" | "reserved")), None) => body.obj("serviceTier").str("type", tier),
        (Some(_), None) => lose(ctx, "service_tier"),
        (None, None) => {}
    }
    // taken out again and sent as headers by those who know the provider
    if let Some(headers) = req.extra.get("extra_headers") {
        body.raw("extra_headers", Some(headers));
    }
    Ok(())
}

fn check_metadata(metadata: &RawJson) -> Result<()> {
    let bad = |why: &str| Error::bad_request(format!("requestMetadata: {why}")).with_param("requestMetadata");
    let legal =
        |t: &str| t.chars().all(|c| c.is_ascii_alphanumeric() || c.is_whitespace() || ":_@$#=/+,.-".contains(c));
    let tree: Json = metadata.read().unwrap_or_default();
    let fields = tree.as_object().ok_or_else(|| bad("must be an object"))?;
    if fields.len() > 16 {
        return Err(bad("has more than 16 fields"));
    }
    for (key, value) in fields {
        let value = value.as_str().ok_or_else(|| bad("values must be strings"))?;
        if key.is_empty() || key.len() > 256 || value.len() > 256 {
            return Err(bad("keys have 1 to 256 characters, values up to 256"));
        }
        if !legal(key) || !legal(value) {
            return Err(bad("keys and values are letters, digits, spaces and :_@$#=/+,.-"));
        }
    }
    Ok(())
}
