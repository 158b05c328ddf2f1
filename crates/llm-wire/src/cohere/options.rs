//! Parameters: the same names in both languages of chat.

use llm_types::generate::GenerateRequest;
use llm_types::{Field, FieldSet, Format};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::Obj;

/// Parameters that Cohere has a name for.
const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::N,
    Field::Stop,
    Field::FrequencyPenalty,
    Field::PresencePenalty,
    Field::Seed,
]);

/// Writes the parameters; what has no name here but was let through stands under its own.
pub(super) fn write(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    let s = &req.sampling;
    obj.number("temperature", s.temperature.as_ref());
    obj.number("p", s.top_p.as_ref());
    obj.number("k", s.top_k.as_ref());
    s.n.into_iter().for_each(|n| obj.u64("num_generations", n));
    if req.stream || req.extra.format() != Some(Format::AnthropicMessages) {
        obj.bool("stream", req.stream);
    }
    chat::write_stop(req, "stop_sequences", obj);
    obj.number("max_tokens", req.max_output_tokens.as_ref());
    obj.number("presence_penalty", s.presence_penalty.as_ref());
    obj.number("frequency_penalty", s.frequency_penalty.as_ref());
    obj.number("seed", s.seed.as_ref());
    chat::write_others(req, NAMED, obj);
    chat::write_extras(req, |_| true, obj);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if req.tool_choice.is_some() {
        ctx.lost.push("tool_choice".to_owned());
    }
}
