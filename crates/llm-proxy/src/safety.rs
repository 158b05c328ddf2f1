//! What a client's body may not do: steer credentials and addresses, inject faults, mock answers.

use llm_accounts::Identity;
use llm_client::Controls;
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
pub fn body(snapshot: &Snapshot, top: &Top<'_>, _who: &Identity, group: &str) -> Result<()> {
    beside(top)?;
    let own_credentials = snapshot.settings.allow_client_side_credentials;
    for (name, raw) in top.iter().filter(|_| !own_credentials) {
        if BANNED.contains(&name) && raw != "null" && !brought(snapshot, top, group, name) {
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
    if let Some(Json::Array(items)) =
        top.get("fallbacks").filter(|f| f.contains('{')).and_then(|_| top.read::<Json>("fallbacks"))
    {
        let inside = || items.iter().filter_map(Json::as_object).flatten();
        if let Some((name, _)) = inside().find(|(n, _)| BANNED.contains(&n.as_str()) && !own_credentials) {
            return Err(refused(name));
        }
        let unjudged = inside().find(|(name, _)| is_one_of(WORDS, name));
        if let Some((name, _)) = unjudged.filter(|(name, _)| name == "extra_body" || !snapshot.guardrails.is_empty()) {
            let why = format!("{name} of a fallback would go past the guardrails");
            return Err(Error::bad_request(why).with_param("fallbacks"));
        }
    }
    Ok(())
}

/// An address that a client may bring along.
fn brought(snapshot: &Snapshot, top: &Top<'_>, group: &str, name: &str) -> bool {
    let address = matches!(name, "api_base" | "base_url");
    address && top.str(name).is_some_and(|value| crate::own::may(snapshot, group, "api_base", &value))
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
    "previousresponseid",
    "prompt",
    "stream",
    "system",
    "systeminstruction",
    "tools",
    "user",
];

/// What carries words past guardrails in a fallback of the client's own.
const WORDS: &[&str] =
    &["contents", "extrabody", "input", "messages", "prompt", "system", "systeminstruction", "tools"];

fn is_one_of(list: &[&str], name: &str) -> bool {
    let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    list.contains(&plain.as_str())
}

/// Refuses fields in `extra_body` that would go past guardrails, limits and budgets; whoever reads a doubled one takes which it
/// likes, so each is judged.
fn beside(top: &Top<'_>) -> Result<()> {
    for (_, raw) in top.iter().filter(|(name, raw)| *name == "extra_body" && raw.starts_with('{')) {
        let inner = Top::parse(raw.as_bytes())
            .map_err(|_| Error::bad_request("extra_body must be an object").with_param("extra_body"))?;
        if let Some((name, _)) = inner.iter().find(|(name, value)| is_one_of(JUDGED, name) && *value != "null") {
            let why = format!("{name} belongs into the body itself: extra_body is for what the gateway does not know");
            return Err(Error::bad_request(why).with_param("extra_body"));
        }
    }
    Ok(())
}

/// Checks a field that comes when the body was checked already.
///
/// # Errors
/// As [`body`].
pub fn field(snapshot: &Snapshot, name: &str) -> Result<()> {
    let banned = BANNED.contains(&name) && !snapshot.settings.allow_client_side_credentials;
    if banned { Err(refused(name)) } else { Ok(()) }
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
