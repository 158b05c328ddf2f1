//! What a client's body may not do: steer credentials and addresses, inject faults, mock answers.

use llm_accounts::Identity;
use llm_client::Controls;
use llm_router::{Fallback, FallbackLists, RequestFallbacks};
use llm_types::{Error, Json, Kind, Result};
use llm_wire::top::Top;

use crate::snapshot::Snapshot;

/// Fields that would redirect a call or spend somebody else's credential. Also looked for inside metadata.
const BANNED: &[&str] = &[
    "model_list",
    "api_base",
    "base_url",
    "user_config",
    "azure_ad_token",
    "vertex_credentials",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_profile_name",
    "aws_role_name",
    "aws_session_name",
    "aws_web_identity_token",
    "aws_sts_endpoint",
    "aws_bedrock_runtime_endpoint",
    "aws_external_id",
    "bedrock_tags",
    "langfuse_public_key",
    "langfuse_secret",
    "langfuse_secret_key",
    "langfuse_host",
    "langsmith_api_key",
    "langsmith_base_url",
    "wandb_api_key",
    "posthog_api_key",
    "posthog_api_url",
    "gcs_path_service_account",
    "arize_api_key",
    "phoenix_collector_endpoint",
];

/// Where banned fields are looked for besides the top level.
const NESTED: &[&str] = &["metadata", "litellm_metadata", "litellm_params", "litellm_embedding_config"];

/// Checks a body. `group`: the model group that is asked, whose deployments may let clients bring an address along.
///
/// # Errors
/// 401 `auth_error`, as LiteLLM answers.
pub fn body(snapshot: &Snapshot, top: &Top<'_>, who: &Identity, group: &str) -> Result<()> {
    beside(top)?;
    let own_credentials = snapshot.settings.allow_client_side_credentials;
    for (name, raw) in top.iter().filter(|_| !own_credentials) {
        if BANNED.contains(&name) && raw != "null" && !brought(snapshot, top, (who, group), name) {
            return Err(refused(name));
        }
        if NESTED.contains(&name)
            && raw.starts_with('{')
            && let Ok(inner) = Top::parse(raw.as_bytes())
            && let Some((name, _)) = inner.iter().find(|(n, v)| BANNED.contains(n) && *v != "null")
        {
            return Err(refused(name));
        }
    }
    for list in FALLBACKS {
        overrides(snapshot, top, list)?;
    }
    Ok(())
}

/// Checks what fallbacks of the client's own would set.
fn overrides(snapshot: &Snapshot, top: &Top<'_>, list: &'static str) -> Result<()> {
    let Some(raw) = top.get(list).filter(|raw| raw.contains('{')) else { return Ok(()) };
    // Read as whoever falls back reads it: what cannot be read does nothing.
    let targets: Vec<Fallback> = match (list, RequestFallbacks::parse(raw)) {
        ("fallbacks", Ok(RequestFallbacks::Targets(targets))) => targets.to_vec(),
        ("fallbacks", Ok(RequestFallbacks::Lists(lists))) => of_groups(&lists),
        _ => of_groups(&top.read(list).unwrap_or_default()),
    };
    for (name, _) in targets.iter().flat_map(|target| &*target.overrides) {
        if BANNED.contains(&name.as_str()) && !snapshot.settings.allow_client_side_credentials {
            return Err(refused(name));
        }
        let unjudged = !snapshot.guardrails.is_empty() && !SETTINGS.contains(&name.as_str());
        if unjudged || is_one_of(&["extrabody"], name) {
            let why = format!("{name} of a fallback would go past the guardrails");
            return Err(Error::bad_request(why).with_param(list));
        }
    }
    Ok(())
}

fn of_groups(lists: &FallbackLists) -> Vec<Fallback> {
    lists.iter().flat_map(|(_, targets)| targets).cloned().collect()
}

/// An address that a client may bring along.
fn brought(snapshot: &Snapshot, top: &Top<'_>, (who, group): (&Identity, &str), name: &str) -> bool {
    let address = matches!(name, "api_base" | "base_url");
    let may = |value: &str| crate::own::may(snapshot, &crate::scope::of(who), group, "api_base", value);
    address && top.str(name).is_some_and(|value| may(&value))
}

/// Fields that are judged, counted or set aside for where they stand in the body, in small letters and without `_`:
/// `extra_body` may not name them, however it writes them.
const JUDGED: &[&str] = &[
    "background",
    "bestof",
    "contents",
    "conversation",
    "extrabody",
    "functioncall",
    "functions",
    "generationconfig",
    "input",
    "instructions",
    "maxcompletiontokens",
    "maxoutputtokens",
    "maxtokens",
    "messages",
    "model",
    "n",
    "prediction",
    "previousresponseid",
    "prompt",
    "stream",
    "suffix",
    "system",
    "systeminstruction",
    "tools",
    "user",
];

/// Where clients name fallbacks of their own.
pub(crate) const FALLBACKS: [&str; 3] = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];

/// What a fallback of the client's own may set where there are guardrails: no words, and nothing that changes how it answers.
/// The list names what may be, for which fields carry words differs by operation and host.
const SETTINGS: &[&str] = &[
    "dimensions",
    "encoding_format",
    "frequency_penalty",
    "language",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "presence_penalty",
    "quality",
    "reasoning_effort",
    "seed",
    "service_tier",
    "size",
    "speed",
    "temperature",
    "thinking",
    "top_k",
    "top_n",
    "top_p",
    "voice",
];

fn is_one_of(list: &[&str], name: &str) -> bool {
    let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    list.contains(&plain.as_str())
}

/// Refuses fields in `extra_body` that would go past guardrails, limits and budgets; whoever reads a doubled one takes which it
/// likes, so each is judged.
///
/// # Errors
/// 400 for such a field.
pub fn beside(top: &Top<'_>) -> Result<()> {
    for (_, raw) in top.iter().filter(|(name, raw)| *name == "extra_body" && raw.starts_with('{')) {
        let inner = Top::parse(raw.as_bytes())
            .map_err(|_| Error::bad_request("extra_body must be an object").with_param("extra_body"))?;
        within(inner.iter().filter(|(_, value)| *value != "null").map(|(name, _)| name))?;
    }
    Ok(())
}

/// Checks the names in `extra_body` that have a value.
fn within<'n>(mut names: impl Iterator<Item = &'n str>) -> Result<()> {
    let Some(name) = names.find(|name| is_one_of(JUDGED, name)) else { return Ok(()) };
    let why = format!("{name} belongs into the body itself: extra_body is for what the gateway does not know");
    Err(Error::bad_request(why).with_param("extra_body"))
}

/// Checks a field that comes when the body was checked already.
///
/// # Errors
/// As [`body`].
pub fn field(snapshot: &Snapshot, name: &str, value: &Json) -> Result<()> {
    if BANNED.contains(&name) && !snapshot.settings.allow_client_side_credentials {
        return Err(refused(name));
    }
    match value.as_object().filter(|_| name == "extra_body") {
        Some(inner) => within(inner.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())),
        None => Ok(()),
    }
}

fn refused(name: &str) -> Error {
    let mut e = Error::new(
        Kind::Authentication,
        format!(
            "Authentication Error, Rejected Request: {name} is not allowed in request body. Enable with `general_settings::allow_client_side_credentials` on proxy config.yaml."
        ),
    )
    .with_type("auth_error");
    e.param = Some(name.to_owned());
    e
}

/// Fault injection and mocked answers: refused or dropped unless an administrator allowed them.
///
/// # Errors
/// 400 for `mock_testing_*` without the setting.
pub fn fault_injection(snapshot: &Snapshot, top: &Top<'_>, who: &Identity, controls: &mut Controls) -> Result<()> {
    let allowed = snapshot.settings.allow_mock_testing;
    let asked = top
        .iter()
        .find(|(n, v)| (n.starts_with("mock_testing_") || *n == "mock_timeout") && *v != "null" && *v != "false");
    if let Some((name, _)) = asked
        && !allowed
    {
        return Err(Error::bad_request(format!(
            "{name} is only allowed with general_settings.dangerously_allow_mock_testing_request_params: true"
        ))
        .with_param(name));
    }
    if allowed {
        controls.mock_timeout = top.is_true("mock_timeout");
        controls.mock_error = [
            ("mock_testing_fallbacks", Kind::Internal),
            ("mock_testing_context_fallbacks", Kind::ContextWindow),
            ("mock_testing_content_policy_fallbacks", Kind::ContentPolicy),
            ("mock_testing_rate_limit_error", Kind::RateLimit),
        ]
        .into_iter()
        .find(|(name, _)| top.is_true(name))
        .map(|(name, kind)| {
            let class = kind.facts().class;
            Error::new(
                kind,
                format!(
                    "litellm.{class}: This is a mock exception for model={}, to trigger a fallback. {name}",
                    top.str("model").unwrap_or_default()
                ),
            )
        });
    }
    if who.may_mock() {
        controls.mock_response = top.read::<Json>("mock_response").filter(|m| !m.is_null());
    }
    Ok(())
}
