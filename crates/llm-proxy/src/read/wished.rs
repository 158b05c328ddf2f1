//! What a call wishes: its model and its controls, as its top level and its headers say it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use llm_accounts::Identity;
use llm_client::Controls;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::top::Top;

use crate::flow::Context;
use crate::kept;
use crate::safety;
use crate::steering::Steering;
use crate::wish::Wish;

/// Reads what a call wishes.
///
/// # Errors
/// `BadRequest` without a model, and for fields of a wrong shape that nothing can be done about.
pub fn wish(ctx: &Context, top: &Top<'_>, path_model: Option<String>, who: &Identity) -> Result<Wish> {
    let field = if ctx.operation == OperationKind::Search { "search_tool_name" } else { "model" };
    let named = match top.get(field) {
        None | Some("null") => None,
        Some(raw) => Some(
            llm_types::json::raw_str(raw)
                .ok_or_else(|| Error::bad_request(format!("{field} must be a string")).with_param(field))?,
        ),
    };
    required(ctx, top)?;
    let from_path = named.is_none();
    let default = default_model(ctx);
    let model: Arc<str> = match (named, path_model, default) {
        (_, None, Some((m, true))) => Arc::from(m),
        (Some(m), ..) if !m.is_empty() => Arc::from(m.as_ref()),
        (_, Some(m), _) => Arc::from(m),
        (_, _, Some((m, _))) => Arc::from(m),
        _ => {
            let path = ctx.route;
            let why = format!(
                "{path}: Invalid model name passed in model=None. Call `/v1/models` to view available models for your key."
            );
            return Err(Error::bad_request(why));
        }
    };
    let group = who
        .alias(&model, |name| ctx.snapshot.engine.router.has_group(name))
        .map_or_else(|| Arc::clone(&model), Arc::from);
    let mut controls = Controls::from_top(top);
    controls_from_headers(&mut controls, &ctx.steering);
    controls.disable_fallbacks |= who.refuses_fallbacks();
    let settings = &ctx.snapshot.settings;
    controls.cache_mark = (settings.marks_prompts || who.marks_prompts()).then(|| Arc::clone(&settings.cache_mark));
    let mut tags = tags(top, &ctx.steering, &controls);
    controls.tags = tags.iter().map(|t| Arc::from(t.as_str())).collect();
    // Of money only: nobody is routed by them.
    kept::header_tags(ctx, &mut tags);
    let fallback_models = fallback_models(top);
    for (name, length) in [
        ("tags", tags.len()),
        ("fallbacks", fallback_models.len()),
        ("additional_drop_params", controls.additional_drop_params.len()),
        ("allowed_openai_params", controls.allowed_openai_params.len()),
    ] {
        few(name, length)?;
    }
    crate::scope::fill(&mut controls, ctx, top, who);
    safety::fault_injection(&ctx.snapshot, top, who, &mut controls)?;
    let stream = ctx.streams || stream(top)?;
    let include_usage =
        top.get("stream_options").is_some_and(|o| Top::parse(o.as_bytes()).is_ok_and(|o| o.is_true("include_usage")));
    Ok(Wish {
        stream: stream && ctx.operation == OperationKind::Generate,
        include_usage: include_usage || ctx.snapshot.settings.always_include_stream_usage,
        fallback_models,
        // What a token says of its end user, nobody can say otherwise.
        end_user: who.end_user().map(str::to_owned).or_else(|| end_user(ctx, top)),
        tags,
        max_output_tokens: max_output(top),
        choices: top.read("n").or_else(|| google_config(top, "candidateCount")).unwrap_or(1).max(1),
        price: ctx.snapshot.price_bound(&group),
        cache: top.get("cache").map(str::to_owned),
        metadata: kept::with_spend_metadata(metadata(top)?, &ctx.steering),
        guardrails: top.get("guardrails").map(str::to_owned),
        policies: top.get("policies").map(str::to_owned),
        no_log: top.is_true("no-log"),
        redact: redact(top),
        controls,
        from_path,
        model,
        group,
    })
}

/// The model that the operator chose for calls of this kind, and whether it is taken whatever the client names.
fn default_model(ctx: &Context) -> Option<(&str, bool)> {
    let settings = &ctx.snapshot.settings;
    let forced = match ctx.operation {
        OperationKind::Moderate => &settings.moderation_model,
        OperationKind::Image | OperationKind::ImageEdit => &settings.image_model,
        _ => &None,
    };
    let usual = || match ctx.operation {
        // What OpenAI's own API takes, where it is served.
        OperationKind::Moderate => MODERATION
            .into_iter()
            .find(|name| ctx.snapshot.engine.router.resolve(name, &llm_router::Scope::default()).is_ok()),
        _ => settings.default_model.as_deref(),
    };
    forced.as_deref().map(|model| (model, true)).or_else(|| usual().map(|model| (model, false)))
}

/// Models of moderations, the newest first.
const MODERATION: [&str; 2] = ["omni-moderation-latest", "text-moderation-latest"];

/// `turn_off_message_logging`, also as a text.
fn redact(top: &Top<'_>) -> Option<bool> {
    match top.get("turn_off_message_logging")?.trim_matches('"') {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

/// Where the input of a response may come from beside `input`.
const ELSEWHERE: [&str; 3] = ["prompt", "conversation", "previous_response_id"];

/// The field without which a call of this kind makes no sense.
fn required(ctx: &Context, top: &Top<'_>) -> Result<()> {
    let field = match ctx.format {
        Format::OpenAiChat | Format::AnthropicMessages => "messages",
        Format::OpenAiCompletions => "prompt",
        Format::OpenAiEmbeddings => "input",
        Format::GeminiGenerate => "contents",
        // A prompt of OpenAI's, or a conversation that goes on, may need no more words.
        Format::OpenAiResponses if !ELSEWHERE.iter().any(|name| top.get(name).is_some()) => "input",
        _ => return Ok(()),
    };
    let why = match top.get(field) {
        None | Some("null") => format!("{}: missing required parameter: '{field}'", ctx.route),
        Some(raw) if field == "messages" && !raw.starts_with('[') => format!("{}: '{field}' must be a list", ctx.route),
        Some(_) => return Ok(()),
    };
    Err(Error::bad_request(why).with_param(field))
}

fn stream(top: &Top<'_>) -> Result<bool> {
    match top.get("stream") {
        None | Some("null" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::bad_request("stream must be true or false").with_param("stream")),
    }
}

fn max_output(top: &Top<'_>) -> Option<u64> {
    let number = |key| top.read::<f64>(key).filter(|n| *n > 0.0).map(|n| n as u64);
    number("max_completion_tokens")
        .or_else(|| number("max_tokens"))
        .or_else(|| number("max_output_tokens"))
        .or_else(|| google_config(top, "maxOutputTokens"))
}

/// A number of Gemini's `generationConfig`.
fn google_config(top: &Top<'_>, key: &str) -> Option<u64> {
    let config = top.get("generationConfig").or_else(|| top.get("generation_config"))?;
    Top::parse(config.as_bytes()).ok()?.read::<f64>(key).filter(|n| *n > 0.0).map(|n| n as u64)
}

fn metadata(top: &Top<'_>) -> Result<Option<String>> {
    for key in ["litellm_metadata", "metadata"] {
        match top.get(key) {
            None | Some("null") => {}
            Some(object) if object.starts_with('{') => return Ok(Some(object.to_owned())),
            Some(text) => {
                // A JSON object written as a string is accepted; any other string counts as an empty object.
                let text = llm_types::json::raw_str(text).map(Cow::into_owned);
                match text {
                    Some(t) if Top::parse(t.as_bytes()).is_ok() => return Ok(Some(t)),
                    Some(_) => return Ok(None),
                    None => {
                        return Err(Error::bad_request(format!("{key} must be an object"))
                            .with_param(key)
                            .with_type("bad_request_error"));
                    }
                }
            }
        }
    }
    Ok(None)
}

fn end_user(ctx: &Context, top: &Top<'_>) -> Option<String> {
    let header = |name: &str| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let text = |key: &str| top.str(key).map(Cow::into_owned).filter(|t| !t.is_empty());
    let inside = |object: &str, key: &str| {
        let inner = Top::parse(top.get(object)?.as_bytes()).ok()?;
        inner.str(key).map(Cow::into_owned)
    };
    let own = |name: &str| ctx.steering.get(name).map(str::to_owned);
    own("x-litellm-customer-id")
        .or_else(|| own("x-litellm-end-user-id"))
        .or_else(|| ctx.snapshot.settings.user_header_name.as_deref().and_then(header))
        .or_else(|| text("user"))
        .or_else(|| inside("litellm_metadata", "user"))
        .or_else(|| inside("metadata", "user_id"))
        .or_else(|| text("safety_identifier"))
}

fn tags(top: &Top<'_>, steering: &Steering, controls: &Controls) -> Vec<String> {
    let mut tags: Vec<String> = controls.tags.iter().map(|t| t.to_string()).collect();
    if tags.is_empty()
        && let Some(list) = steering.get("x-litellm-tags")
    {
        tags.extend(list.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()));
    }
    let inner = top.get("metadata").and_then(|m| Top::parse(m.as_bytes()).ok());
    if let Some(more) = inner.and_then(|m| m.read::<Vec<String>>("tags")) {
        let mut known: HashSet<String> = tags.iter().cloned().collect();
        tags.extend(more.into_iter().filter(|tag| known.insert(tag.clone())));
    }
    tags
}

/// Entries that a list may have which steers a call: they are compared with each other, or have a row each.
const MOST_ENTRIES: usize = 256;

/// Refuses lists that only an attacker sends.
///
/// # Errors
/// 400.
pub(crate) fn few(name: &str, length: usize) -> Result<()> {
    if length > MOST_ENTRIES {
        let why = format!("{name} may have {MOST_ENTRIES} entries at the most, not {length}");
        return Err(Error::bad_request(why).with_param(name));
    }
    Ok(())
}

fn fallback_models(top: &Top<'_>) -> Vec<String> {
    let Some(Json::Array(items)) = top.read::<Json>("fallbacks") else { return Vec::new() };
    items
        .iter()
        .flat_map(|item| match item {
            Json::String(name) => vec![name.clone()],
            Json::Object(_) if item.get("model").is_some() => {
                item.text("model").map(str::to_owned).into_iter().collect()
            }
            Json::Object(lists) => lists
                .iter()
                .flat_map(|(_, list)| list.as_array().unwrap_or_default())
                .filter_map(|m| m.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        })
        .collect()
}

/// The controls of a request whose body is not ours to read: what headers, caller and `litellm_metadata` say.
pub(crate) fn controls_of_relay(ctx: &Context, tags: &[String], metadata: Option<&str>) -> Controls {
    let mut controls = Controls { tags: tags.iter().map(|t| Arc::from(t.as_str())).collect(), ..Controls::default() };
    controls_from_headers(&mut controls, &ctx.steering);
    let ours = format!("{{\"litellm_metadata\":{}}}", metadata.unwrap_or("null"));
    if let (Some(who), Ok(top)) = (&ctx.who, Top::parse(ours.as_bytes())) {
        crate::scope::fill(&mut controls, ctx, &top, who);
    }
    controls
}

/// Retries that a client may ask for: each is a call that its limits do not count.
const MOST_RETRIES: u32 = 10;

fn controls_from_headers(controls: &mut Controls, steering: &Steering) {
    let text = |name: &str| steering.get(name);
    let seconds = |name: &str| text(name)?.parse::<f64>().ok().and_then(llm_client::target::seconds);
    controls.timeout = controls.timeout.or_else(|| seconds("x-litellm-timeout"));
    controls.stream_timeout = controls.stream_timeout.or_else(|| seconds("x-litellm-stream-timeout"));
    let retries = controls.num_retries.or_else(|| text("x-litellm-num-retries")?.parse().ok());
    controls.num_retries = retries.map(|wanted| wanted.min(MOST_RETRIES));
    controls.min_quality_tier =
        text("x-litellm-min-quality-tier").and_then(|t| t.parse().ok()).or(controls.min_quality_tier);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallback_models_of_every_shape() {
        let top = br#"{"fallbacks":["a",{"model":"b","temperature":1},{"x":["c","d"]}]}"#;
        assert_eq!(fallback_models(&Top::parse(top).unwrap()), ["a", "b", "c", "d"]);
    }
}
