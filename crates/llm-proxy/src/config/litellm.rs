//! `litellm_settings` → the engine, the cache, callbacks, outbound HTTP.

use std::path::PathBuf;
use std::sync::Arc;

use llm_accounts::{AccountsSettings, Priorities, Share};
use llm_client::{Adjustments, EngineSettings};
use llm_http::{HttpConfig, Roots};
use llm_router::RouterSettings;
use llm_types::Json;

use super::env::Environment;
use super::known;
use super::node::{Node, Value};
use super::section::{Section, number};
use super::settings::{Logging, Settings};
use super::{Context, Loaded, Source};

/// Reads the section into the settings of everyone.
pub(crate) fn read(section: Option<&Section<'_>>, ctx: &Context<'_>, out: &mut Loaded) {
    let (source, env) = (ctx.source, ctx.env);
    out.engine.drop_params = env.is_true("LITELLM_DROP_PARAMS");
    out.engine.modify_params = env.is_true("LITELLM_MODIFY_PARAMS");
    logging(section, env, &mut out.logging);
    out.accounts.exports = super::exports::plan(env);
    let Some(s) = section else { return };
    super::router::read_litellm(s, &mut out.router);
    engine(s, &out.router, &mut out.engine);
    out.router.drop_params = Some(out.engine.drop_params);
    if s.flag("enable_azure_ad_token_refresh") == Some(true) {
        // Whoever looks for keys of Azure sees variables, not these settings.
        let variable = ("ENABLE_AZURE_AD_TOKEN_REFRESH".to_owned(), "true".to_owned());
        let over = out.environment.over().iter().cloned().chain([variable]).collect();
        out.environment = out.environment.with(over);
    }
    accounts(s, &mut out.accounts);
    http(s, &mut out.http);
    settings(s, &mut out.settings);
    protections(s, source, &mut out.settings);
    out.cache = super::cache::read(s, ctx);
    super::callbacks::read(s, ctx, &mut out.callbacks, &mut out.accounts.exports);
    out.settings.redact = out.callbacks.redaction.messages;
    out.accounts.priorities = priorities(s, out.callbacks.priorities);
    if let Some(list) = s.node("guardrails").filter(|n| !n.is_off()) {
        super::guardrails::old_form(list, s, source);
    }
    if s.node("custom_provider_map").is_some_and(|n| !n.is_off()) {
        super::callbacks::python(
            s,
            "custom_provider_map",
            "a provider written in Python",
            "serve it behind an OpenAI-compatible address and use `providers:`",
            source,
        );
    }
    if s.node("post_call_rules").is_some_and(|n| !n.is_off()) {
        super::callbacks::python(s, "post_call_rules", "rules written in Python", "use a guardrail", source);
    }
    s.accept(known::LITELLM_HARMLESS);
    s.not_served(known::LITELLM);
    s.finish();
}

fn engine(s: &Section<'_>, router: &RouterSettings, out: &mut EngineSettings) {
    if let Some(on) = s.flag("drop_params") {
        out.drop_params = on;
    }
    if let Some(on) = s.flag("modify_params") {
        out.modify_params = on;
    }
    out.disable_stop_sequence_limit = s.flag("disable_stop_sequence_limit").unwrap_or_default();
    if let Some(limit) = router.request_timeout {
        out.request_timeout = Some(limit.0);
    }
    let mut adjustments = Adjustments::default();
    if let Some(discounts) = s.section("cost_discount_config") {
        for entry in discounts.entries() {
            match number(&entry.node).filter(|n| (0.0..=1.0).contains(n)) {
                Some(share) => adjustments.discounts.push((entry.key.clone(), share)),
                None => {
                    s.problems().error(&entry.node.mark, discounts.path(&entry.key), "expected a share between 0 and 1")
                }
            }
        }
    }
    if let Some(margins) = s.section("cost_margin_config") {
        for entry in margins.entries() {
            match (&entry.node.value, number(&entry.node)) {
                (_, Some(share)) => adjustments.margins.push((entry.key.clone(), (share, 0.0))),
                (Value::Map(_), _) => {
                    if let Some(m) = Section::open(&entry.node, margins.path(&entry.key), s.problems()) {
                        let part = |name| m.number(name).unwrap_or_default();
                        let margin = (part("percentage"), part("fixed_amount"));
                        adjustments.margins.push((entry.key.clone(), margin));
                        m.finish();
                    }
                }
                _ => s.problems().error(
                    &entry.node.mark,
                    margins.path(&entry.key),
                    "expected a share, or a map with percentage and fixed_amount",
                ),
            }
        }
    }
    out.adjustments = Arc::new(adjustments);
}

fn accounts(s: &Section<'_>, out: &mut AccountsSettings) {
    if let Some(status) = s.whole("budget_exceeded_status_code") {
        match u16::try_from(status).ok().filter(|s| (400..=599).contains(s)) {
            Some(status) => out.budget_exceeded_status_code = status,
            None => s.error("budget_exceeded_status_code", "expected a status between 400 and 599"),
        }
    }
    out.max_budget = s.number("max_budget").unwrap_or(out.max_budget);
    out.budget_duration = s.text("budget_duration").or(out.budget_duration.take());
    out.max_end_user_budget = s.number("max_end_user_budget");
    out.max_end_user_budget_id = s.text("max_end_user_budget_id");
    out.budget_exceeded_throttle = s.number("budget_exceeded_throttle_percentage");
    if out.budget_exceeded_throttle.is_some_and(|part| !(part > 0.0 && part <= 1.0)) {
        s.error("budget_exceeded_throttle_percentage", "expected a part: more than 0, and 1 at the most");
    }
    out.default_soft_budget = s.number("default_soft_budget").filter(|soft| *soft >= 0.0);
    out.default_key_max_budget_alert_emails = s.map("default_key_max_budget_alert_emails");
    out.disable_agent_tags = s.flag("disable_add_user_agent_to_request_tags").unwrap_or_default();
    out.store_audit_logs = s.flag("store_audit_logs").unwrap_or_default();
    out.timezone = s.text("timezone");
    out.budget_reset_time = s.text("budget_reset_time");
    out.budget_rollover = s.flag("budget_rollover").unwrap_or_default();
    out.login.session_budget = s.number("max_ui_session_budget").or(out.login.session_budget);
    out.login.newcomers_budget = s.number("max_internal_user_budget");
    out.login.newcomers_budget_duration = s.text("internal_user_budget_duration");
    out.scim_upsert_user = s.flag("scim_upsert_user").unwrap_or(true);
    out.scim_admin_group = s.text("scim_admin_group");
    super::keys::read(s, out);
    out.default_internal_user_params = s.map("default_internal_user_params");
    out.default_team_params = s.map("default_team_params");
    out.default_key_generate_params = s.map("default_key_generate_params");
    out.upperbound_key_generate_params = s.map("upperbound_key_generate_params");
}

/// `priority_reservation`: how the capacity of models is shared, when the hook that does it is `on`.
fn priorities(s: &Section<'_>, on: bool) -> Option<Priorities> {
    let mut out = Priorities::default();
    if let Some(list) = s.section("priority_reservation") {
        for entry in list.entries() {
            match entry.node.json().to_raw().read::<Share>() {
                Ok(share) => out.shares.push((entry.key.clone(), share)),
                Err(_) => {
                    let wanted = "expected a part between 0 and 1, or a map with type (percent, rpm, tpm) and value";
                    s.problems().error(&entry.node.mark, list.path(&entry.key), wanted);
                }
            }
        }
        if !on {
            s.warn("priority_reservation", "has no effect without callbacks: [dynamic_rate_limiter_v3]");
        }
    }
    if let Some(settings) = s.section("priority_reservation_settings") {
        out.default_part = settings.number("default_priority").unwrap_or(out.default_part).max(0.0);
        out.saturation = settings.number("saturation_threshold").unwrap_or(out.saturation).clamp(0.0, 1.0);
        settings.not_served("saturation_policy tracking_only_models");
        settings.accept("saturation_check_cache_ttl");
        settings.finish();
    }
    on.then_some(out)
}

fn http(s: &Section<'_>, out: &mut HttpConfig) {
    if let Some(node) = s.node("ssl_verify") {
        verify(node, out);
    }
    if let Some(path) = s.text("ssl_certificate") {
        out.tls.client_cert = Some(PathBuf::from(path));
    }
}

/// `ssl_verify` and `SSL_VERIFY`: false trusts everybody, a path names authorities to trust instead of the usual ones.
pub(crate) fn verify(node: &Node, out: &mut HttpConfig) {
    match &node.value {
        Value::Bool(false) => out.tls.insecure_hosts = vec!["*".into()],
        Value::Text(text) if text.eq_ignore_ascii_case("false") => out.tls.insecure_hosts = vec!["*".into()],
        Value::Text(text) if !text.is_empty() && !text.eq_ignore_ascii_case("true") => {
            out.tls.roots = Roots::File(PathBuf::from(text));
        }
        _ => {}
    }
}

fn settings(s: &Section<'_>, out: &mut Settings) {
    out.price_map = s.text("model_cost_map_url");
    out.only_priced = s.flag("block_requests_for_models_without_pricing").unwrap_or_default();
    out.public_groups = s.texts("public_model_groups").unwrap_or_default();
    out.public_agents = s.texts("public_agent_groups").unwrap_or_default();
    out.marks_prompts = s.flag("enable_anthropic_prompt_caching").unwrap_or_default();
    match s.text("anthropic_prompt_caching_ttl").as_deref() {
        None => {}
        Some(ttl @ ("5m" | "1h")) => out.cache_mark = Arc::new(Json::object([("type", "ephemeral"), ("ttl", ttl)])),
        Some(_) => s.error("anthropic_prompt_caching_ttl", "expected 5m or 1h"),
    }
    out.public_servers = s.texts("public_mcp_servers").unwrap_or_default();
    out.public_links = s.node("public_model_groups_links").filter(|node| !node.is_off()).map(Node::json);
    out.metrics_need_key = s.flag("require_auth_for_metrics_endpoint").unwrap_or(true);
    out.tag_headers = s.texts("extra_spend_tag_headers").unwrap_or_default();
    out.tell_user = s.flag("add_user_information_to_llm_headers").unwrap_or_default();
    out.forget_end_users = s.flag("disable_end_user_cost_tracking").unwrap_or_default();
    out.callbacks_may_be_disabled = s.flag("allow_dynamic_callback_disabling").unwrap_or(true);
    if let Some(groups) = s.section("model_group_settings") {
        out.header_groups = groups.texts("forward_client_headers_to_llm_api").unwrap_or_default();
        groups.finish();
    }
}

/// Lists of what may not call, and of what may not be said. Each is a list, or a file with a line for each.
fn protections(s: &Section<'_>, source: &Source, out: &mut Settings) {
    if let Some(list) = s.texts("blocked_user_list") {
        let file = s.node("blocked_user_list").and_then(Node::text).map(ToOwned::to_owned);
        let lines = |text: String| text.lines().map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        match file.as_deref().map(std::fs::read_to_string) {
            Some(Ok(text)) => out.blocked_users = lines(text),
            Some(Err(why)) => s.error("blocked_user_list", format!("the file cannot be read: {why}")),
            None => out.blocked_users = list.into_iter().collect(),
        }
    }
    if let Some(node) = s.node("banned_keywords_list").filter(|node| !node.is_off()) {
        let message = "banned_keywords_list is not served".to_owned();
        let hint = "use a guardrail: litellm_content_filter with blocked_words; or start with --ignore-unserved";
        super::callbacks::refuse(s, &node.mark, s.path("banned_keywords_list"), message, hint, source.ignore_unserved);
    }
}

fn logging(section: Option<&Section<'_>>, env: &Environment, out: &mut Logging) {
    out.json = env.is_true("JSON_LOGS");
    out.level = match env.get("LITELLM_LOG").unwrap_or_default().to_ascii_uppercase().as_str() {
        "DEBUG" => Some("debug"),
        "INFO" => Some("info"),
        "WARNING" | "WARN" => Some("warn"),
        "ERROR" | "CRITICAL" => Some("error"),
        _ => None,
    };
    let Some(s) = section else { return };
    out.json = s.flag("json_logs").unwrap_or(out.json);
    if s.flag("set_verbose") == Some(true) && out.level.is_none() {
        out.level = Some("debug");
    }
}
