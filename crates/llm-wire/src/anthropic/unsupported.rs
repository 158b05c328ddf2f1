//! Parameters of other formats that this one cannot say.

use std::collections::HashSet;

use llm_types::generate::{GenerateRequest, ToolKind};
use llm_types::{Error, Field, FieldSet, Kind, RawJson, Result};

use super::object::Object;
use crate::codec::EncodeContext;

/// Chat parameters without a counterpart here.
const NEVER: FieldSet = FieldSet::of(&[
    Field::Functions,
    Field::FunctionCall,
    Field::N,
    Field::Modalities,
    Field::Prediction,
    Field::Audio,
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::LogitBias,
    Field::Seed,
    Field::Logprobs,
    Field::TopLogprobs,
    Field::Verbosity,
    Field::IncludeServerSideToolInvocations,
    Field::ServiceTier,
    Field::SafetyIdentifier,
    Field::PromptCacheKey,
    Field::PromptCacheRetention,
    Field::Store,
]);

/// The fields of the request that must not be written. Refuses the request when there are any and nothing may be
/// dropped; fields that the deployment allows by name are not among them.
pub(super) fn check(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) -> Result<FieldSet> {
    let mut set = req.fields();
    if req.sampling.n == Some(1) {
        set.remove(Field::N); // some clients always send the default
    }
    if set.has(Field::Functions) && set.has(Field::ToolChoice) && legacy_only(req) {
        set.insert(Field::FunctionCall);
    }
    let mut refused = set.intersection(NEVER);
    if ctx.caps.known && !ctx.caps.reasoning {
        refused = refused.union(set.intersection(FieldSet::of(&[Field::Thinking, Field::ReasoningEffort])));
    }
    if ctx.caps.known && !ctx.caps.speed && set.has(Field::Speed) {
        refused.insert(Field::Speed);
    }
    if ctx.caps.known && !ctx.caps.sampling_params {
        refused = refused.union(sampling(req));
    }
    let refused = refused.minus(ctx.allowed);
    let names: Vec<&str> = refused.iter().map(Field::name).collect();
    if !names.is_empty() && !ctx.drop_params {
        return Err(error(ctx, &names));
    }
    names.into_iter().for_each(|n| lose(ctx, n));
    Ok(refused)
}

/// The error that names the parameters and the ways out.
pub(crate) fn error(ctx: &EncodeContext<'_>, names: &[&str]) -> Error {
    let list = names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "litellm.UnsupportedParamsError: {} does not support parameters: [{list}], for model={}. To drop these, set \
         `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to use \
         these params dynamically send allowed_openai_params=[{list}] in your request.",
        ctx.provider, ctx.model
    );
    Error::new(Kind::UnsupportedParams, message)
}

/// Reports a field that was left out or bent.
pub(crate) fn lose(ctx: &mut EncodeContext<'_>, name: &str) {
    if !ctx.lost.iter().any(|l| l == name) {
        ctx.lost.push(name.to_owned());
    }
}

/// Reports fields that were left out, of which there may be as many as a body has.
pub(crate) fn lose_all(ctx: &mut EncodeContext<'_>, names: &[&str]) {
    let mut known: HashSet<String> = if names.is_empty() { HashSet::new() } else { ctx.lost.iter().cloned().collect() };
    ctx.lost.extend(names.iter().filter(|name| known.insert((**name).to_owned())).map(|name| (*name).to_owned()));
}

/// Writes the typed fields that the deployment allows by name although the format does not know them.
pub(super) fn write_allowed(req: &GenerateRequest, allowed: FieldSet, body: &mut Object<'_>) {
    let s = &req.sampling;
    let of = |field: Field| match field {
        Field::N => s.n.and_then(|n| RawJson::of(&n).ok()),
        Field::PresencePenalty => s.presence_penalty.as_ref().and_then(|n| RawJson::of(n).ok()),
        Field::FrequencyPenalty => s.frequency_penalty.as_ref().and_then(|n| RawJson::of(n).ok()),
        Field::Seed => s.seed.as_ref().and_then(|n| RawJson::of(n).ok()),
        Field::TopLogprobs => s.top_logprobs.as_ref().and_then(|n| RawJson::of(n).ok()),
        Field::LogitBias => s.logit_bias.clone(),
        Field::Logprobs => s.logprobs.clone(),
        Field::ServiceTier => req.service_tier.as_deref().map(RawJson::string),
        _ => req.extra.get(field.name()).cloned(),
    };
    for field in NEVER.intersection(allowed).iter() {
        if let Some(json) = of(field) {
            body.raw(field.name(), json.get());
        }
    }
}

/// True for a field that [`check`] and [`write_allowed`] look after.
pub(super) const fn is_checked(field: Field) -> bool {
    NEVER.has(field)
}

fn legacy_only(req: &GenerateRequest) -> bool {
    req.tools.iter().all(|t| matches!(&t.kind, ToolKind::Function(f) if f.legacy))
}

fn sampling(req: &GenerateRequest) -> FieldSet {
    let s = &req.sampling;
    let mut set = FieldSet::EMPTY;
    if s.temperature.as_ref().is_some_and(|t| t.as_f64() != Some(1.0)) {
        set.insert(Field::Temperature);
    }
    if s.top_p.is_some() {
        set.insert(Field::TopP);
    }
    if s.top_k.is_some() {
        set.insert(Field::TopK);
    }
    set
}
