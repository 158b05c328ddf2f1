//! What a call wishes: its model and its controls, as its top level and its headers say it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter::once;
use std::sync::Arc;

use llm_accounts::{Identity, PriceBound};
use llm_client::Controls;
use llm_router::{Fallback, FallbackLists, RequestFallbacks};
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::top::Top;

use crate::extras;
use crate::flow::Context;
use crate::kept;
use crate::safety;
use crate::scope;
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
    let default = default_model(ctx, who);
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
    let group = scope::group(&ctx.snapshot.engine.router, who, &model);
    let group = if *group == *model { Arc::clone(&model) } else { Arc::from(group) };
    let mut controls = Controls::from_top(top);
    controls_from_headers(&mut controls, &ctx.steering);
    controls.disable_fallbacks |= who.refuses_fallbacks();
    let settings = &ctx.snapshot.settings;
    controls.cache_mark = (settings.marks_prompts || who.marks_prompts()).then(|| Arc::clone(&settings.cache_mark));
    let mut tags = tags(top, &ctx.steering, &controls);
    controls.tags = tags.iter().map(|t| Arc::from(t.as_str())).collect();
    // Of money only: nobody is routed by them.
    kept::header_tags(ctx, &mut tags);
    let fallback_models = fallback_models(&controls);
    for (name, length) in [
        ("tags", tags.len()),
        ("fallbacks", fallback_models.len()),
        ("additional_drop_params", controls.additional_drop_params.len()),
        ("allowed_openai_params", controls.allowed_openai_params.len()),
    ] {
        few(name, length)?;
    }
    scope::fill(&mut controls, ctx, top, who);
    safety::fault_injection(&ctx.snapshot, top, who, &mut controls)?;
    let bound = |group: &str| ctx.snapshot.price_bound(group, &scope::of(who));
    let dearer = PriceBound::or_dearer;
    let stream = ctx.streams || stream(top)?;
    let include_usage =
        top.get("stream_options").is_some_and(|o| Top::parse(o.as_bytes()).is_ok_and(|o| o.is_true("include_usage")));
    Ok(Wish {
        stream: stream && ctx.operation == OperationKind::Generate,
        include_usage: include_usage || ctx.snapshot.settings.always_include_stream_usage,
        // Whoever may answer in its place has to be paid for as well.
        price: once(&*group).chain(fallback_models.iter().map(String::as_str)).filter_map(bound).reduce(dearer),
        extras: extras::of_body(top),
        fallback_models,
        // What a token says of its end user, nobody can say otherwise.
        end_user: who.end_user().map(str::to_owned).or_else(|| end_user(ctx, top)),
        tags,
        max_output_tokens: max_output(ctx.format, top),
        choices: choices(ctx.format, top),
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
fn default_model<'c>(ctx: &'c Context, who: &Identity) -> Option<(&'c str, bool)> {
    let settings = &ctx.snapshot.settings;
    let forced = match ctx.operation {
        OperationKind::Moderate => &settings.moderation_model,
        OperationKind::Image | OperationKind::ImageEdit => &settings.image_model,
        _ => &None,
    };
    let usual = || match ctx.operation {
        // What OpenAI's own API takes, where it is served.
        OperationKind::Moderate => {
            MODERATION.into_iter().find(|name| ctx.snapshot.engine.router.resolve(name, &scope::of(who)).is_ok())
        }
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

/// The limit that its format knows: another one bounds no answer. Of two the larger, for nobody knows which a host takes.
fn max_output(format: Format, top: &Top<'_>) -> Option<u64> {
    let number = |key: &&str| top.read::<f64>(key).filter(|n| *n > 0.0).map(|n| n as u64);
    match format {
        Format::OpenAiChat => ["max_completion_tokens", "max_tokens"].iter().filter_map(number).max(),
        Format::OpenAiResponses => number(&"max_output_tokens"),
        Format::GeminiGenerate => google_config(top, "maxOutputTokens"),
        _ => number(&"max_tokens"),
    }
}

/// Answers that are made: of completions also those that nobody sees.
fn choices(format: Format, top: &Top<'_>) -> u64 {
    let number = |key: &&str| top.read::<f64>(key).map(|n| n as u64);
    let all = ["n", "best_of"].iter().filter_map(number).max();
    let google = || google_config(top, "candidateCount").filter(|_| format == Format::GeminiGenerate);
    all.or_else(google).unwrap_or(1).max(1)
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

/// Models that the client lets answer in place of its own, whatever for, as whoever falls back reads them.
fn fallback_models(controls: &Controls) -> Vec<String> {
    let mut models: Vec<String> = Vec::new();
    let mut add = |targets: &[Fallback]| models.extend(targets.iter().map(|target| target.model.to_string()));
    if let Some(RequestFallbacks::Targets(targets)) = &controls.fallbacks {
        add(targets);
    }
    let named = match &controls.fallbacks {
        Some(RequestFallbacks::Lists(lists)) => Some(lists),
        _ => None,
    };
    let all = [named, controls.context_window_fallbacks.as_ref(), controls.content_policy_fallbacks.as_ref()];
    all.into_iter().flatten().flat_map(FallbackLists::iter).for_each(|(_, targets)| add(targets));
    models
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
        let of = |body: &str| fallback_models(&Controls::from_top(&Top::parse(body.as_bytes()).unwrap()));
        assert_eq!(of(r#"{"fallbacks":["a",{"model":"b","temperature":1}]}"#), ["a", "b"]);
        assert_eq!(of(r#"{"fallbacks":[{"x":["c",{"model":"d"}]},{"*":"e"}]}"#), ["c", "d", "e"]);
        let others =
            r#"{"context_window_fallbacks":[{"x":["f"]}],"content_policy_fallbacks":[{"x":["g",{"model":"h"}]}]}"#;
        assert_eq!(of(others), ["f", "g", "h"]);
    }

    #[test]
    fn only_the_limit_of_the_format_bounds_an_answer() {
        let of = |format, body: &str| max_output(format, &Top::parse(body.as_bytes()).unwrap());
        let chat = r#"{"max_tokens":9,"max_completion_tokens":5,"max_output_tokens":1,"generationConfig":{"maxOutputTokens":1}}"#;
        assert_eq!(of(Format::OpenAiChat, chat), Some(9));
        assert_eq!(of(Format::OpenAiChat, r#"{"max_output_tokens":1}"#), None);
        assert_eq!(of(Format::OpenAiResponses, r#"{"max_tokens":1,"max_output_tokens":7}"#), Some(7));
        assert_eq!(of(Format::AnthropicMessages, r#"{"max_completion_tokens":1,"max_tokens":7}"#), Some(7));
        assert_eq!(of(Format::GeminiGenerate, r#"{"max_tokens":1,"generationConfig":{"maxOutputTokens":7}}"#), Some(7));
        let many = |body: &str| choices(Format::OpenAiCompletions, &Top::parse(body.as_bytes()).unwrap());
        assert_eq!((many(r#"{"n":2,"best_of":20}"#), many(r#"{"n":3.0}"#), many(r#"{"n":-1}"#)), (20, 3, 1));
    }
}
