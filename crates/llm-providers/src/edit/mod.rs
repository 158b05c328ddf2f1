//! A body in OpenAI's language, made acceptable to a row: control fields and foreign parameters out, names and values
//! changed as the row's quirks say. Fields that nothing names keep their text and their place.
//!
//! A body that needs no change is not copied. Messages and tools are parsed one by one, and only when a scan of their
//! bytes says that something may have to change.

mod bridge;
mod chat;
mod client_headers;
mod draft;
mod history;
mod messages;
pub mod model;
mod native;
mod paths;
mod responses;
mod scan;
mod schema_tool;
mod thinking;
mod tools;

pub use bridge::Bridge;
use bytes::Bytes;
pub use client_headers::may_be_said;
use llm_types::generate::GenerateRequest;
use llm_types::{Field, Format, Json, Result};
use llm_wire::ModelCaps;
use llm_wire::codec::Hints;
use llm_wire::top::Top;
pub use native::betas;

use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::Quirk;
use crate::rules::{self, Policy};
use draft::Draft;

/// A changed body.
#[derive(Debug, Clone, Default)]
pub struct Edited {
    /// The body.
    pub body: Bytes,
    /// Parameters that were left out, for the response header and the log.
    pub lost: Vec<String>,
    /// Headers that the client asked for in the body (`extra_headers`).
    pub headers: Vec<(String, String)>,
}

/// Fields of the body that steer the gateway and never go on to a provider.
const CONTROL: &[&str] = &[
    "additional_drop_params",
    "allowed_model_region",
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_version",
    "assistant_continue_message",
    "auto_router_config",
    "azure_ad_token_provider",
    "azure_password",
    "azure_scope",
    "azure_username",
    "base_model",
    "base_url",
    "bos_token",
    "budget_duration",
    "cache",
    "cache_key",
    "caching",
    "caching_groups",
    "callbacks",
    "client",
    "client_id",
    "client_secret",
    "complete_response",
    "content_policy_fallbacks",
    "context_window_fallback_dict",
    "context_window_fallbacks",
    "cooldown_time",
    "custom_llm_provider",
    "custom_prompt_dict",
    "disable_add_transform_inline_image_block",
    "disable_fallbacks",
    "disable_global_guardrails",
    "drop_params",
    "enable_json_schema_validation",
    "ensure_alternating_roles",
    "eos_token",
    "fallback_depth",
    "fallbacks",
    "fastest_response",
    "final_prompt_value",
    "force_timeout",
    "guardrails",
    "headers",
    "hf_model_name",
    "include_fallback_errors",
    "litellm_call_id",
    "litellm_credential_name",
    "litellm_disabled_callbacks",
    "litellm_logging_obj",
    "litellm_metadata",
    "litellm_request_debug",
    "litellm_session_id",
    "litellm_system_prompt",
    "litellm_trace_id",
    "logger_fn",
    "max_agentic_loops",
    "max_budget",
    "max_fallbacks",
    "max_parallel_requests",
    "max_retries",
    "merge_reasoning_content_in_choices",
    "mock_response",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_fallbacks",
    "mock_testing_rate_limit_error",
    "mock_timeout",
    "mock_tool_calls",
    "model_config",
    "model_info",
    "model_list",
    "modify_params",
    "no-log",
    "num_retries",
    "organization",
    "policies",
    "preset_cache_key",
    "priority",
    "prompt_id",
    "prompt_label",
    "prompt_variables",
    "prompt_version",
    "provider_specific_header",
    "proxy_server_request",
    "region_name",
    "request_timeout",
    "retry_policy",
    "retry_strategy",
    "roles",
    "routing_strategy",
    "rpm",
    "s3_bucket_name",
    "s3_endpoint_url",
    "secret_fields",
    "service_callback",
    "shared_session",
    "specific_deployment",
    "ssl_verify",
    "standard_logging_object",
    "stream_timeout",
    "supports_system_message",
    "tag_regex",
    "tags",
    "tenant_id",
    "timeout",
    "tpm",
    "ttl",
    "turn_off_message_logging",
    "use_client",
    "use_in_pass_through",
    "use_litellm_proxy",
    "user_api_key",
    "user_api_key_auth",
    "user_config",
    "user_continue_message",
    "weights",
];

/// What the names of prices begin with.
const PRICES: [&str; 4] = ["input_cost_per_", "output_cost_per_", "cache_creation_input_", "cache_read_input_"];

/// How many texts `stop` has at the most, as OpenAI's reference says. LiteLLM holds to it for every host that it reaches
/// through chat; requests in a host's own language (Messages, Gemini) keep all of theirs.
const STOPS: usize = 4;

/// True for fields of the body that steer the gateway.
#[must_use]
pub fn is_control(name: &str) -> bool {
    let price = || PRICES.iter().any(|prefix| name.starts_with(prefix));
    CONTROL.binary_search(&name).is_ok() || price()
}

/// Takes out of a request that is to be translated what steers the gateway, and what the policy always leaves out by
/// its name. Paths are followed in the translated body, see [`generate`].
pub fn clear(request: &mut GenerateRequest, policy: &Policy) {
    request.extra.retain(|name| !is_control(name));
    if !policy.disable_stop_sequence_limit {
        request.stop.truncate(STOPS);
    }
    for name in &policy.additional_drop_params {
        match Field::from_name(name) {
            Some(field) => request.drop_field(field),
            None => drop(request.extra.remove(name)),
        }
    }
}

/// Edits the body of a generation request in the provider's language `upstream`. `None`: nothing to change but the
/// model, which is not touched here.
///
/// # Errors
/// `UnsupportedParams` for parameters that the provider does not take; `BadRequest` for values that make no sense.
#[allow(clippy::too_many_arguments, reason = "what a request is judged by; each is owned by another layer")]
pub fn generate(
    provider: &dyn Provider,
    upstream: Format,
    model: &str,
    params: &Params,
    caps: &ModelCaps,
    top: &Top<'_>,
    policy: &Policy,
    hints: &mut Hints,
) -> Result<Option<Edited>> {
    let mut draft = Draft::new(top);
    if matches!(upstream, Format::OpenAiChat | Format::OpenAiCompletions) && !policy.disable_stop_sequence_limit {
        few_stops(&mut draft);
    }
    common(&mut draft, policy)?;
    match upstream {
        Format::OpenAiChat => chat::Chat { provider, model, params, caps, policy }.edit(&mut draft, hints)?,
        Format::OpenAiCompletions => completions(provider, model, params, caps, policy, &mut draft)?,
        Format::OpenAiResponses => {
            draft.drop_null_metadata();
            responses::edit(provider, model, params, caps, policy, &mut draft)?;
        }
        // What LiteLLM's bridges ask Cohere says nothing of streams, where none is wanted.
        Format::CohereChatV2
            if !draft.is_true("stream")
                && matches!(policy.client, Some(Format::OpenAiResponses | Format::OpenAiCompletions)) =>
        {
            draft.remove("stream");
        }
        Format::AnthropicMessages if policy.client == Some(upstream) => {
            native::edit(&mut draft, provider.row(), provider.quirks(model, params), caps)?;
            // A request in the host's own language goes on with every choice written out.
            if draft.get("stream").is_none() {
                draft.set("stream", "false");
            }
        }
        _ => {}
    }
    Ok(draft.finish())
}

/// Edits the body of an embedding request. `None`: nothing to change but the model.
///
/// # Errors
/// As [`generate`].
pub fn embeddings(
    provider: &dyn Provider,
    model: &str,
    params: &Params,
    _caps: &ModelCaps,
    top: &Top<'_>,
    policy: &Policy,
) -> Result<Option<Edited>> {
    let mut draft = Draft::new(top);
    common(&mut draft, policy)?;
    draft.remove("metadata");
    draft.drop_nulls();
    let dropped = rules::check_embeddings(provider, model, draft.known(), &draft, policy)?;
    dropped.iter().for_each(|f| draft.lose(f.name()));
    let row = provider.row();
    rename(row, policy, &mut draft);
    let quirks = provider.quirks(model, params);
    if quirks.has(Quirk::EmbedInputList)
        && let Some(input) = draft.get("input").filter(|i| i.starts_with('"'))
    {
        let list = format!("[{input}]");
        draft.set("input", list);
    }
    #[cfg(feature = "tokenizer")]
    if !quirks.has(Quirk::EmbedTokens) {
        detokenize(&mut draft);
    }
    if quirks.has(Quirk::EmbedBase64) && draft.get("encoding_format").is_none() {
        draft.set("encoding_format", "\"base64\"");
    }
    Ok(draft.finish())
}

fn completions(
    provider: &dyn Provider,
    model: &str,
    params: &Params,
    caps: &ModelCaps,
    policy: &Policy,
    draft: &mut Draft<'_>,
) -> Result<()> {
    draft.remove("metadata");
    draft.remove("max_retries");
    draft.drop_nulls();
    let dropped = rules::check(provider, model, params, caps, draft.known(), draft, policy)?;
    dropped.iter().for_each(|f| draft.lose(f.name()));
    rename(provider.row(), policy, draft);
    let quirks = provider.quirks(model, params);
    // Only conversations are asked for with every choice written out, prompts go on as they came.
    let bridged = policy.client != Some(Format::OpenAiCompletions);
    if quirks.has(Quirk::ExplicitStream) && bridged && draft.get("stream").is_none() {
        draft.set("stream", "false");
    }
    let prompts = draft.get("prompt").and_then(|p| serde_json::from_str::<Vec<String>>(p).ok());
    let one = prompts.and_then(|prompts| match prompts.as_slice() {
        [only] => Some(only.clone()), // a list of one is no list
        [] => None,
        _ if quirks.has(Quirk::JoinPrompts) => Some(prompts.concat()),
        _ if quirks.has(Quirk::SpacePrompts) => Some(prompts.join(" ")),
        _ => None,
    });
    if let Some(prompt) = one {
        draft.set("prompt", llm_types::RawJson::string(&prompt).get().to_owned());
    }
    Ok(())
}

/// Leaves the first texts of a list of `stop`. What `extra_body` says is not touched.
fn few_stops(draft: &mut Draft<'_>) {
    let Some(Json::Array(mut stops)) =
        draft.get("stop").filter(|s| s.starts_with('[')).and_then(|_| draft.json("stop"))
    else {
        return;
    };
    if stops.len() > STOPS {
        stops.truncate(STOPS);
        draft.set("stop", Json::Array(stops).to_string());
    }
}

/// What holds for every language: control fields, `extra_body`, `extra_headers`, `additional_drop_params`.
fn common(draft: &mut Draft<'_>, policy: &Policy) -> Result<()> {
    draft.remove_where(is_control);
    draft.take_headers()?;
    draft.merge_extra_body()?;
    policy.additional_drop_params.iter().try_for_each(|path| paths::drop_path(draft, path))
}

/// Calls parameters by the row's names. A parameter that the row's name is taken by already gives way; one that is let
/// through goes by both names.
fn rename(row: &crate::ProviderRow, policy: &Policy, draft: &mut Draft<'_>) {
    for (from, to) in row.renames {
        let allowed = policy.allowed_openai_params.iter().any(|name| name == from.name());
        let kept = draft.get(from.name()).filter(|_| allowed).map(str::to_owned);
        if *from == Field::MaxCompletionTokens && draft.get(from.name()).is_some() {
            draft.remove(to); // of both the newer word counts
        }
        draft.rename(from.name(), to);
        if let Some(value) = kept {
            draft.set(from.name(), value);
        }
    }
}

#[cfg(feature = "tokenizer")]
/// Token lists as texts. Lists that cannot be read stay as they are: the provider's refusal names them.
fn detokenize(draft: &mut Draft<'_>) {
    let Some(input) = draft.get("input") else { return };
    let lists = match serde_json::from_str::<Vec<Vec<u32>>>(input) {
        Ok(lists) => lists,
        Err(_) => match serde_json::from_str::<Vec<u32>>(input) {
            Ok(list) => vec![list],
            Err(_) => return,
        },
    };
    let encoding = llm_catalog::tokens::Encoding::Cl100k; // the one that such lists are made with, LiteLLM says
    let texts: Option<Vec<String>> = lists.iter().map(|tokens| encoding.decode(tokens)).collect();
    if let Some(texts) = texts
        && let Ok(text) = serde_json::to_string(&texts)
    {
        draft.set("input", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_fields_are_sorted_for_the_search() {
        assert!(CONTROL.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(is_control("no-log") && !is_control("temperature"));
    }

    #[test]
    fn what_needs_no_change_is_not_copied() {
        let provider = crate::by_id("openai").unwrap();
        let body = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"temperature":0.5,"own":1}"#;
        let top = Top::parse(body).unwrap();
        let caps = rules::caps(llm_catalog::Catalog::builtin(), "openai", "gpt-4o");
        let (params, mut hints) = (Params::without_env::<String>([]), Hints::default());
        let policy = Policy::default();
        let edited = generate(provider, Format::OpenAiChat, "gpt-4o", &params, &caps, &top, &policy, &mut hints);
        assert!(edited.unwrap().is_none());
    }
}
