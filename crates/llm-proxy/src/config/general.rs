//! `general_settings` → settings of the data plane and of accounts.

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::{AccountsSettings, KeyDigest, KeyRotation, Period};
use llm_types::Secret;
use llm_wire::form::FileNames;

use super::env::Environment;
use super::known;
use super::node::Value;
use super::problem::Mark;
use super::section::Section;
use super::settings::{BatchSettings, DrainSettings, Settings};
use super::{Context, Loaded, callbacks};
use crate::cors::Cors;
use crate::plane::Plane;

/// Reads the section.
pub(crate) fn read(section: Option<&Section<'_>>, ctx: &Context<'_>, out: &mut Loaded) {
    let (source, env) = (ctx.source, ctx.env);
    out.settings.default_model = source.model.as_ref().map(|m| m.name().to_owned());
    out.settings.root_path = root_path(env);
    out.settings.pre_stop =
        env.filled("LLM_PROXY_PRE_STOP_SECONDS").and_then(|t| t.parse().ok()).map(Duration::from_secs);
    accounts_env(env, &mut out.accounts);
    grace(ctx, &mut out.accounts.rotation);
    if env.get("STORE_MODEL_IN_DB").is_some() {
        out.accounts.store_model_in_db = env.is_true("STORE_MODEL_IN_DB");
    }
    out.database = super::database::read(section, ctx);
    super::master::read(section, ctx, out);
    super::login::read(section, ctx, out);
    out.settings.plane = Plane {
        no_management: env.is_true("DISABLE_ADMIN_ENDPOINTS"),
        no_calls: env.is_true("DISABLE_LLM_API_ENDPOINTS"),
    };
    out.settings.cors = cors(env, out.accounts.master_key.is_some());
    let Some(s) = section else { return };
    data_plane(s, &mut out.settings);
    out.settings.drain = drain(s, env);
    if let Some(bytes) = s.megabytes("max_response_size_mb") {
        out.engine.max_reply_bytes = bytes;
    }
    super::health::general(s, &mut out.settings.health, &mut out.router);
    super::relays::general(s, ctx, &mut out.relays);
    // Asked before, so that the values are there: here it is only judged.
    drop(super::secrets::read(s, ctx));
    accounts(s, out);
    out.accounts.entry = super::entry::read(s, env);
    out.alerts = super::alerting::read(s, env, out.callbacks.paged);
    for entry in s.switched_on(known::GENERAL_PYTHON) {
        let value = entry.node.text().unwrap_or_default();
        let what = format!("{} names Python code ({value})", entry.key);
        let hint = match entry.key.as_str() {
            "custom_auth" => "ask over HTTP: custom_auth_url",
            "custom_sso" | "custom_ui_sso_sign_in_handler" => "put the sign-in in front of the gateway",
            _ => "do the check where the management API is called",
        };
        callbacks::python(s, &entry.key, &what, hint, source);
    }
    s.accept(known::GENERAL_PYTHON);
    s.accept(known::GENERAL_HARMLESS);
    s.not_served(known::GENERAL);
    s.finish();
}

/// Pages of every origin may call, since they need a key for it; without keys, only those that are named.
fn cors(env: &Environment, needs_key: bool) -> Cors {
    let named = env.filled("LITELLM_CORS_ORIGINS");
    let named = named.as_deref().unwrap_or(if needs_key { "*" } else { "" });
    let origins: Vec<String> =
        named.split(',').map(|origin| origin.trim().to_owned()).filter(|origin| !origin.is_empty()).collect();
    let every = origins.iter().any(|origin| origin == "*");
    let credentials = match env.filled("LITELLM_CORS_ALLOW_CREDENTIALS") {
        Some(said) => said.trim().eq_ignore_ascii_case("true"),
        None => !every && !origins.is_empty(),
    };
    Cors { origins, credentials }
}

/// `/llm` of `/llm/` or `llm`.
pub(crate) fn root_path(env: &Environment) -> Option<String> {
    let path = env.filled("SERVER_ROOT_PATH")?;
    let path = path.trim_matches('/');
    (!path.is_empty()).then(|| format!("/{path}"))
}

fn accounts_env(env: &Environment, out: &mut AccountsSettings) {
    out.salt_key = env.filled("LITELLM_SALT_KEY").map(Secret::new);
    if let Some(window) = env.filled("LITELLM_RATE_LIMIT_WINDOW_SIZE").and_then(|w| w.trim().parse::<f64>().ok()) {
        out.rate_limit_window = window.max(1.0);
    }
    out.rotation = rotation(env);
    for (name, ttl) in [
        ("LITELLM_MAX_ITERATIONS_TTL", &mut out.session_iterations_ttl),
        ("LITELLM_MAX_BUDGET_PER_SESSION_TTL", &mut out.session_budget_ttl),
    ] {
        if let Some(seconds) = env.filled(name).and_then(|text| text.trim().parse::<u32>().ok()) {
            *ttl = seconds.max(1);
        }
    }
    if env.filled("LITELLM_TPM_TOKEN_RESERVATION_ENABLED").is_some_and(|v| v.eq_ignore_ascii_case("false")) {
        out.token_reservation = false;
    }
}

/// When keys are rotated by themselves.
fn rotation(env: &Environment) -> KeyRotation {
    let number = |name: &str| env.filled(name)?.trim().parse::<u32>().ok();
    let usual = KeyRotation::default();
    KeyRotation {
        on: env.is_true("LITELLM_KEY_ROTATION_ENABLED"),
        interval: number("LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS").map_or(usual.interval, f64::from),
        grace: usual.grace,
        lease: number("LITELLM_KEY_ROTATION_LOCK_TTL_SECONDS").map_or(usual.lease, u64::from),
    }
}

/// For how long the old secret of a rotated key goes on working.
fn grace(ctx: &Context<'_>, rotation: &mut KeyRotation) {
    const NAME: &str = "LITELLM_KEY_ROTATION_GRACE_PERIOD";
    let Some(text) = ctx.env.filled(NAME).filter(|_| rotation.on) else { return };
    rotation.grace = Period::parse(text.trim());
    if rotation.grace.is_none() {
        let why = format!("`{text}` is not a length of time, such as 24h");
        ctx.problems.error(&Mark::whole("environment"), NAME, why);
    }
}

fn data_plane(s: &Section<'_>, out: &mut Settings) {
    if let Some(bytes) = s.megabytes("max_request_size_mb") {
        (out.max_request_bytes, out.max_upload_bytes) = (bytes, bytes);
    }
    if let Some(bytes) = s.megabytes("max_file_size_mb") {
        out.max_upload_bytes = bytes;
    }
    // Read by whoever shows forms of teams, and by whoever writes letters.
    s.accept("team_metadata_schema email_settings");
    batches(s, &mut out.batches);
    // LiteLLM lets the configuration's model win over the command line's.
    out.default_model = s.text("completion_model").or(out.default_model.take());
    out.moderation_model = s.text("moderation_model").filter(|m| !m.is_empty());
    out.image_model = s.text("image_generation_model").filter(|m| !m.is_empty());
    let (allowed, blocked) = (s.texts("allowed_file_extensions"), s.texts("blocked_file_extensions"));
    out.file_names = Arc::new(FileNames::new(allowed.as_deref(), &blocked.unwrap_or_default()));
    out.user_header_name = s.text("user_header_name").or_else(|| mapped_header(s)).map(|n| n.to_ascii_lowercase());
    out.key_header_name = s.text("litellm_key_header_name").map(|n| n.to_ascii_lowercase());
    out.mcp_auth_header = s.text("mcp_client_side_auth_header_name").map(|n| n.to_ascii_lowercase());
    for (key, slot) in [
        ("allow_client_side_credentials", &mut out.allow_client_side_credentials),
        ("dangerously_allow_mock_testing_request_params", &mut out.allow_mock_testing),
        ("always_include_stream_usage", &mut out.always_include_stream_usage),
        ("forward_client_headers_to_llm_api", &mut out.forward_client_headers),
        ("store_prompts_in_spend_logs", &mut out.store_prompts),
        ("allow_unmanaged_response_ids", &mut out.unmanaged_response_ids),
        ("watch_config", &mut out.watch_config),
        ("cancel_on_disconnect", &mut out.cancel_on_disconnect),
        ("model_list_healthy_only", &mut out.only_healthy),
        ("allow_public_health_readiness_details", &mut out.public_readiness),
        ("require_auth_for_public_ai_hub", &mut out.hub_needs_key),
    ] {
        *slot = s.flag(key).unwrap_or(*slot);
    }
    out.response_id_security = !s.flag("disable_responses_id_security").unwrap_or(false);
    out.public_routes = s.texts("public_routes").unwrap_or_default();
    out.allowed_routes = s.texts("allowed_routes").unwrap_or_default();
    out.enforced_params = s.texts("enforced_params").unwrap_or_default();
    if let Some(service) = s.section("service_account_settings") {
        out.service_account_params = service.texts("enforced_params").unwrap_or_default();
        service.finish();
    }
}

/// Whether, and on what token, the gateway takes itself out of service.
fn drain(s: &Section<'_>, env: &Environment) -> Option<DrainSettings> {
    let token = s.secret("drain_endpoint_token").or_else(|| env.filled("DRAIN_ENDPOINT_TOKEN").map(Secret::new));
    if !s.flag("enable_drain_endpoint").unwrap_or_default() {
        return None;
    }
    if token.is_none() {
        let why = "without drain_endpoint_token anybody who reaches the gateway takes it out of service";
        s.warn("enable_drain_endpoint", why);
    }
    let patience = env.filled("GRACEFUL_SHUTDOWN_TIMEOUT").and_then(|text| text.trim().parse().ok());
    let patience = patience.and_then(llm_client::target::seconds).unwrap_or(Duration::from_secs(30));
    Some(DrainSettings { token: token.map(|token| KeyDigest::of(token.expose())), patience })
}

/// How files of batches count against limits.
fn batches(s: &Section<'_>, out: &mut BatchSettings) {
    out.uncounted = s.flag("disable_batch_input_file_rate_limiting").unwrap_or_default();
    out.uncounted_models = s.texts("skip_batch_input_file_rate_limiting_for_models").unwrap_or_default();
    out.uncounted_providers = s.texts("skip_batch_input_file_rate_limiting_for_providers").unwrap_or_default();
    if let Some(bytes) = s.megabytes("max_batch_file_size_mb") {
        out.max_file_bytes = bytes;
    }
}

/// `user_header_mappings`: the header whose role is `customer` names the end user.
fn mapped_header(s: &Section<'_>) -> Option<String> {
    let node = s.node("user_header_mappings")?;
    let one = std::slice::from_ref(node);
    let items = if matches!(node.value, Value::Map(_)) { one } else { node.items() };
    let mut found = None;
    for (at, item) in items.iter().enumerate() {
        let Some(mapping) = Section::open(item, format!("{}[{at}]", s.path("user_header_mappings")), s.problems())
        else {
            continue;
        };
        let (name, role) = (mapping.text("header_name"), mapping.text("litellm_user_role"));
        mapping.finish();
        match role.as_deref() {
            Some("customer") => found = found.or(name),
            Some("internal_user") => mapping.warn("litellm_user_role", "internal_user has no effect here yet"),
            _ => mapping.error("litellm_user_role", "expected customer or internal_user"),
        }
    }
    found
}

fn accounts(s: &Section<'_>, loaded: &mut Loaded) {
    let out = &mut loaded.accounts;
    for (key, slot) in [
        ("disable_budget_reservation", &mut out.disable_budget_reservation),
        ("apply_user_budget_to_team_keys", &mut out.apply_user_budget_to_team_keys),
        ("disable_spend_logs", &mut out.disable_spend_logs),
        ("disable_error_logs", &mut out.disable_error_logs),
        ("disable_spend_updates", &mut out.disable_spend_updates),
        ("disable_custom_api_keys", &mut out.disable_custom_api_keys),
        ("store_model_in_db", &mut out.store_model_in_db),
        ("auth_settings_in_db", &mut out.auth_settings_in_db),
        ("allow_requests_on_db_unavailable", &mut out.allow_requests_on_db_unavailable),
        ("fail_closed_budget_enforcement", &mut out.fail_closed_budget_enforcement),
        ("enforce_user_param", &mut out.enforce_user_param),
        ("reject_clientside_metadata_tags", &mut out.reject_clientside_metadata_tags),
        ("disable_model_add_for_internal_users", &mut out.page_rules.admins_alone_add_models),
        ("disable_team_admin_delete_team_user", &mut out.page_rules.managers_keep_members),
        ("disable_key_generate_for_org_admin", &mut out.page_rules.org_admins_make_no_keys),
    ] {
        *slot = s.flag(key).unwrap_or(*slot);
    }
    for (key, slot) in [
        ("user_api_key_cache_ttl", &mut out.user_api_key_cache_ttl),
        ("proxy_batch_write_at", &mut out.proxy_batch_write_at),
        ("alerting_threshold", &mut out.alerting_threshold),
    ] {
        *slot = s.seconds(key).map_or(*slot, |t| t.as_secs_f64());
    }
    retention(s, &mut out.retention);
    if let Some(size) = s.whole("user_api_key_cache_max_size") {
        out.user_api_key_cache_size = usize::try_from(size).unwrap_or(usize::MAX).max(1);
    }
    if let Some(format) = s.read("encryption_algorithm") {
        out.encryption_algorithm = format;
    }
    if let Some(pause) = s.seconds("proxy_config_reload_interval_seconds") {
        out.config_reload_seconds = pause.as_secs_f64();
    }
    if let Some(kind) = s.read("token_rate_limit_type") {
        out.token_rate_limit_type = kind;
    }
    out.page_rules.managers_may_change = s.texts("team_admin_editable_team_fields");
    out.admin_only_routes = s.texts("admin_only_routes").unwrap_or_default();
    out.allowed_routes.clone_from(&loaded.settings.allowed_routes);
    out.store_prompts_in_spend_logs = loaded.settings.store_prompts;
}

/// How long rows of calls stay. Lengths are `30d` or seconds.
fn retention(s: &Section<'_>, out: &mut llm_accounts::Retention) {
    let length = |key| {
        let text = s.text(key)?;
        let seconds = llm_accounts::seconds_of(&text);
        if seconds.is_none() {
            s.error(key, format!("`{text}` is not a length of time, such as 30d"));
        }
        seconds.map(|seconds| (text, seconds))
    };
    out.period = length("maximum_spend_logs_retention_period").map(|(text, _)| text);
    for (key, slot) in [
        ("maximum_spend_logs_retention_interval", &mut out.interval),
        ("maximum_spend_logs_cleanup_run_budget", &mut out.budget),
    ] {
        *slot = length(key).map_or(*slot, |(_, seconds)| seconds);
    }
    for (key, slot) in [
        ("maximum_spend_logs_cleanup_batch_size", &mut out.batch),
        ("maximum_spend_logs_cleanup_max_batches", &mut out.batches),
    ] {
        *slot = s.small(key).unwrap_or(*slot);
    }
}
