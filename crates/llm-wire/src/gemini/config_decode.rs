//! `generationConfig`.

use llm_types::generate::{GenerateRequest, OutputFormat};
use llm_types::{Json, Result};
use serde_json::Number;

use super::FORMAT;
use super::request_decode::{get, is, raw_json, read, str};
use super::schema;
use crate::top::Top;

/// What stands before fields of the configuration among the extra fields of a request.
pub(super) const PREFIX: &str = "generationConfig.";

/// Reads the configuration. Fields that other formats know only in part are kept as they came as well.
pub(super) fn decode(raw: &str, req: &mut GenerateRequest) -> Result<()> {
    let top: Top<'_> = read(raw, "generationConfig")?;
    for (key, value) in top.iter().filter(|(_, v)| *v != "null") {
        let path = format!("{PREFIX}{key}");
        let number = || read::<Number>(value, &path).map(Some);
        let s = &mut req.sampling;
        match () {
            () if is(key, "temperature") => s.temperature = number()?,
            () if is(key, "topP") => s.top_p = number()?,
            () if is(key, "topK") => s.top_k = number()?,
            () if is(key, "candidateCount") => s.n = Some(read(value, &path)?),
            () if is(key, "maxOutputTokens") => req.max_output_tokens = number()?,
            () if is(key, "stopSequences") => req.stop = read(value, &path)?,
            () if is(key, "presencePenalty") => s.presence_penalty = number()?,
            () if is(key, "frequencyPenalty") => s.frequency_penalty = number()?,
            () if is(key, "seed") => s.seed = number()?,
            () if is(key, "responseLogprobs") => s.logprobs = Some(raw_json(value)),
            () if is(key, "logprobs") => s.top_logprobs = number()?,
            () => req.extra.push(FORMAT, path, raw_json(value)),
        }
    }
    thinking(&top, req);
    req.output = output(&top);
    Ok(())
}

/// `thinkingConfig` in the words of the other formats.
fn thinking(top: &Top<'_>, req: &mut GenerateRequest) {
    let Some(config) = get(top, "thinkingConfig").and_then(|raw| serde_json::from_str::<Top<'_>>(raw).ok()) else {
        return;
    };
    if let Some(level) = str(&config, "thinkingLevel") {
        req.reasoning.effort = Some(level.to_ascii_lowercase());
        return;
    }
    let budget: Option<i64> = get(&config, "thinkingBudget").and_then(|b| b.parse().ok());
    let kind = |kind: &str| Json::object([("type", Json::from(kind))]);
    let thinking = match budget {
        Some(0) => kind("disabled"),
        Some(n @ 1..) => {
            let mut enabled = kind("enabled");
            enabled.set("budget_tokens", n);
            enabled
        }
        // the model decides how much
        Some(_) => return req.reasoning.effort = Some("medium".to_owned()),
        None => return,
    };
    req.reasoning.thinking = Some(thinking.to_raw());
}

fn output(top: &Top<'_>) -> Option<OutputFormat> {
    let raw = get(top, "responseJsonSchema").map(raw_json);
    let schema = raw.or_else(|| get(top, "responseSchema").map(|s| schema::to_json_schema(&raw_json(s))));
    match (schema, str(top, "responseMimeType").as_deref()) {
        (Some(schema), _) => {
            // Google's schemas leave open what OpenAI's strict ones must close
            let name = Some("response".to_owned());
            Some(OutputFormat::JsonSchema { name, description: None, schema, strict: None })
        }
        (None, Some("application/json")) => Some(OutputFormat::JsonObject),
        (None, Some("text/plain")) => Some(OutputFormat::Text),
        (None, _) => None,
    }
}
