//! Single fields of a request, as chat spells them: for languages that take some of them under chat's names.

use llm_types::generate::{GenerateRequest, OutputFormat};
use llm_types::{Field, FieldSet, Format};

use super::FORMAT;
use super::request_encode::{output_format, write_stop};
use crate::openai::object::Obj;

/// Options with a place of their own in the canonical form.
const TYPED: FieldSet = FieldSet::of(&[
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::N,
    Field::Stop,
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::LogitBias,
    Field::Seed,
    Field::Logprobs,
    Field::TopLogprobs,
    Field::ResponseFormat,
    Field::ReasoningEffort,
    Field::Thinking,
    Field::ParallelToolCalls,
    Field::User,
    Field::ServiceTier,
]);

/// What LiteLLM's translation of Messages leaves out.
const NOT_OF_MESSAGES: FieldSet = FieldSet::of(&[Field::ParallelToolCalls, Field::ServiceTier]);

/// Writes the options that are set and not among `said`, under chat's names.
pub(crate) fn write_others(req: &GenerateRequest, said: FieldSet, obj: &mut Obj<'_>) {
    let mut others = req.fields().intersection(TYPED).minus(said);
    if req.extra.format() == Some(Format::AnthropicMessages) {
        others = others.minus(NOT_OF_MESSAGES);
    }
    others.iter().for_each(|field| write_field(req, field, obj));
}

fn write_field(req: &GenerateRequest, field: Field, obj: &mut Obj<'_>) {
    let s = &req.sampling;
    match field {
        Field::Temperature => obj.number("temperature", s.temperature.as_ref()),
        Field::TopP => obj.number("top_p", s.top_p.as_ref()),
        Field::TopK => obj.number("top_k", s.top_k.as_ref()),
        Field::N => s.n.into_iter().for_each(|n| obj.u64("n", n)),
        Field::Stop => write_stop(req, "stop", obj),
        Field::MaxTokens => obj.number("max_tokens", req.max_output_tokens.as_ref()),
        Field::MaxCompletionTokens => obj.number("max_completion_tokens", req.max_output_tokens.as_ref()),
        Field::PresencePenalty => obj.number("presence_penalty", s.presence_penalty.as_ref()),
        Field::FrequencyPenalty => obj.number("frequency_penalty", s.frequency_penalty.as_ref()),
        Field::LogitBias => obj.raw("logit_bias", s.logit_bias.as_ref()),
        Field::Seed => obj.number("seed", s.seed.as_ref()),
        Field::Logprobs => obj.raw("logprobs", s.logprobs.as_ref()),
        Field::TopLogprobs => obj.number("top_logprobs", s.top_logprobs.as_ref()),
        Field::ResponseFormat => req.output.iter().for_each(|o: &OutputFormat| output_format(o, obj)),
        Field::ReasoningEffort => obj.opt_str("reasoning_effort", req.reasoning.effort.as_deref()),
        Field::Thinking => obj.raw("thinking", req.reasoning.thinking.as_ref()),
        Field::ParallelToolCalls => obj.opt_bool("parallel_tool_calls", req.parallel_tool_calls),
        Field::User => obj.opt_str("user", req.user.as_deref()),
        Field::ServiceTier => obj.opt_str("service_tier", req.service_tier.as_deref()),
        _ => {}
    }
}

/// Fields that stand beside everything else in every body: the gateway takes them out again.
pub(crate) fn is_apart(key: &str) -> bool {
    matches!(key, "extra_body" | "extra_headers")
}

/// Writes the fields that chat does not know itself, as they came from a chat client, but for those that concern the
/// stream only. `pick` says which.
pub(crate) fn write_extras(req: &GenerateRequest, pick: impl Fn(&str) -> bool, obj: &mut Obj<'_>) {
    obj.extra(&req.extra, FORMAT, |key| !key.starts_with("stream_options.") && key != "function_call" && pick(key));
}
