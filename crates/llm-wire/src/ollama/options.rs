//! What steers a model: `options`, `format`, `think`, `keep_alive`.

use bytes::BufMut;
use llm_types::generate::{GenerateRequest, OutputFormat, Reasoning};
use llm_types::{Field, FieldSet, Format, Json, RawJson};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::object::Obj;

/// Parameters that have a place of their own; others that were let through are options under chat's names.
const NAMED: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Temperature,
    Field::TopP,
    Field::TopK,
    Field::Seed,
    Field::Stop,
    Field::FrequencyPenalty,
    Field::ResponseFormat,
    Field::ReasoningEffort,
    Field::Thinking,
]);

/// Fields of the request itself, for the client to set beside chat's.
const BESIDE: [&str; 5] = ["keep_alive", "think", "format", "extra_body", "extra_headers"];

/// Writes `options`: `penalty` is the name of the frequency penalty. Fields that nobody here knows are options, too.
pub(super) fn write(req: &GenerateRequest, penalty: &'static str, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    {
        let s = &req.sampling;
        let mut options = obj.obj("options");
        options.number("temperature", s.temperature.as_ref());
        options.number("top_p", s.top_p.as_ref());
        options.number("top_k", s.top_k.as_ref());
        chat::write_stop(req, "stop", &mut options);
        options.number("num_predict", req.max_output_tokens.as_ref());
        options.number(penalty, s.frequency_penalty.as_ref());
        options.number("seed", s.seed.as_ref());
        chat::write_others(req, NAMED, &mut options);
        chat::write_extras(req, |key| !BESIDE.contains(&key), &mut options);
    }
    obj.bool("stream", req.stream);
    chat::write_extras(req, |key| BESIDE.contains(&key), obj);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if req.tool_choice.is_some() {
        ctx.lost.push("tool_choice".to_owned());
    }
}

/// Writes `format`: `"json"`, or the schema.
pub(super) fn format(req: &GenerateRequest, obj: &mut Obj<'_>) {
    match &req.output {
        Some(OutputFormat::JsonObject) => obj.str("format", "json"),
        Some(OutputFormat::JsonSchema { schema, .. }) => obj.text("format", schema.get()),
        Some(OutputFormat::Other(raw)) => {
            if let Some(format) = other(raw) {
                obj.key("format").put_slice(format.to_string().as_bytes());
            }
        }
        Some(OutputFormat::Text) | None => {}
    }
}

fn other(raw: &RawJson) -> Option<Json> {
    let tree: Json = raw.read().ok()?;
    match tree.text("type")? {
        "json_object" => Some(Json::from("json")),
        "json_schema" => tree.get("json_schema")?.get("schema").cloned(),
        _ => None,
    }
}

/// Writes `think`: yes or no; models of one family take the effort itself.
pub(super) fn think(reasoning: &Reasoning, model: &str, obj: &mut Obj<'_>) {
    let derived = || reasoning.thinking.as_ref().and_then(|t| chat::effort_of(t.get()));
    let effort = reasoning.effort.as_deref().or(reasoning.output_effort.as_deref()).or_else(derived);
    match effort {
        Some(effort) if model.starts_with("gpt-oss") => obj.str("think", effort),
        Some(effort) => obj.bool("think", matches!(effort, "low" | "medium" | "high")),
        None => {}
    }
}
