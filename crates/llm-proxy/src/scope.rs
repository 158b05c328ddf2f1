//! What a call inherits from its caller, for the router: tags, settings, session, key.

use std::sync::Arc;

use http::HeaderMap;
use llm_accounts::Identity;
use llm_client::Controls;
use llm_router::{Router, RouterSettings, Scope};
use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use crate::flow::Context;
use crate::steering::Steering;

/// `router_settings` that a key or a team may have, as in LiteLLM; the others are the operator's alone.
const OWN: &[&str] = &[
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "num_retries",
    "timeout",
    "model_group_retry_policy",
    "routing_strategy",
    "routing_strategy_args",
    "enable_tag_filtering",
    "model_group_alias",
    "weights",
];

/// The caller as the router sees it.
pub(crate) fn of(who: &Identity) -> Scope {
    Scope { team_id: who.team_id().map(Arc::from), ..Scope::default() }
}

/// The group that a name stands for in the caller's mouth: aliases of its team and its key.
pub(crate) fn group<'n>(router: &Router, who: &'n Identity, name: &'n str) -> &'n str {
    who.alias(name, |name| router.has_group(name)).unwrap_or(name)
}

/// Fills in what the caller brings along.
pub(crate) fn fill(controls: &mut Controls, ctx: &Context, top: &Top<'_>, who: &Identity) {
    controls.team = who.team_id().map(Arc::from);
    controls.key_hash = who.key_hash().map(Arc::from);
    controls.user_agent = ctx.user_agent().map(Arc::from);
    controls.session = session(&ctx.parts.headers, &ctx.steering, top).map(Arc::from);
    controls.settings = who.router_settings(settings);
    let inherited = who.tags();
    if !inherited.is_empty() {
        controls.inherited_tags = inherited.iter().map(|t| Arc::from(t.as_str())).collect();
        let more = controls.inherited_tags.iter().filter(|t| !controls.tags.contains(t));
        controls.tags = controls.tags.iter().chain(more).cloned().collect();
    }
}

/// The session that a request names. The order is LiteLLM's.
fn session(headers: &HeaderMap, steering: &Steering, top: &Top<'_>) -> Option<String> {
    let filled = |text: &str| Some(text.trim()).filter(|t| !t.is_empty()).map(str::to_owned);
    let header = |name: &str| filled(headers.get(name)?.to_str().ok()?);
    let field = |name: &str| filled(&top.str(name)?);
    let metadata = |name: &str| {
        let inner = Top::parse(top.get("metadata").or_else(|| top.get("litellm_metadata"))?.as_bytes()).ok()?;
        filled(&inner.str(name)?)
    };
    let vendor = || {
        let named = headers.iter().find(|(n, _)| n.as_str().starts_with("x-") && n.as_str().ends_with("-session-id"));
        filled(named?.1.to_str().ok()?)
    };
    // Claude Code: user_..._account_..._session_ID
    let anthropic = || metadata("user_id")?.split_once("_session_").and_then(|(_, id)| filled(id));
    let own = |name: &str| filled(steering.get(name)?);
    own("x-litellm-trace-id")
        .or_else(|| own("x-litellm-session-id"))
        .or_else(|| field("litellm_trace_id"))
        .or_else(|| field("litellm_session_id"))
        .or_else(|| metadata("session_id"))
        .or_else(vendor)
        .or_else(|| header("session-id"))
        .or_else(|| header("x-session-id"))
        .or_else(anthropic)
}

/// The settings of key and team, the key's first. Values of a wrong shape are left out: the call goes on without them.
fn settings(key: Option<&RawJson>, team: Option<&RawJson>) -> Option<RouterSettings> {
    let mut fields: Vec<(String, Json)> = Vec::new();
    for raw in [key, team].into_iter().flatten() {
        let Ok(Json::Object(own)) = raw.read::<Json>() else { continue };
        for (name, value) in own {
            let alone = || Json::Object(vec![(name.clone(), value.clone())]).to_raw().read::<RouterSettings>();
            if !OWN.contains(&name.as_str()) || value == Json::Null || fields.iter().any(|(n, _)| *n == name) {
                continue;
            }
            match alone() {
                Ok(_) => fields.push((name, value)),
                Err(error) => {
                    tracing::warn!(setting = %name, %error, "router_settings of a key or team cannot be read")
                }
            }
        }
    }
    if fields.is_empty() {
        return None;
    }
    Json::Object(fields).to_raw().read().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_settings_win_and_wrong_ones_are_left_out() {
        let raw = |text: &str| RawJson::parse(text).unwrap();
        let key = raw(r#"{"num_retries":7,"fallbacks":"nonsense","disable_cooldowns":true}"#);
        let team = raw(r#"{"num_retries":1,"routing_strategy":"least-busy"}"#);
        let all = settings(Some(&key), Some(&team)).unwrap();
        assert_eq!((all.num_retries, all.routing_strategy.as_deref()), (Some(7), Some("least-busy")));
        assert!(all.fallbacks.is_none() && all.disable_cooldowns.is_none());
        assert!(settings(Some(&raw("{}")), None).is_none());
    }

    #[test]
    fn sessions_are_found_in_litellms_order() {
        let of = |headers: &[(&'static str, &str)], body: &str| {
            let mut map = HeaderMap::new();
            headers.iter().for_each(|(n, v)| drop(map.insert(*n, v.parse().unwrap())));
            session(&map, &Steering::of(&map), &Top::parse(body.as_bytes()).unwrap())
        };
        assert_eq!(of(&[], "{}"), None);
        assert_eq!(of(&[("x-acme-session-id", "v")], "{}").as_deref(), Some("v"));
        assert_eq!(of(&[("x-litellm-session-id", "s"), ("x-acme-session-id", "v")], "{}").as_deref(), Some("s"));
        assert_eq!(of(&[], r#"{"metadata":{"user_id":"user_1_session_abc"}}"#).as_deref(), Some("abc"));
        assert_eq!(of(&[], r#"{"litellm_session_id":"b"}"#).as_deref(), Some("b"));
    }
}
