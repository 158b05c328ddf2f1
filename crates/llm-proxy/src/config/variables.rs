//! Variables of the environment that LiteLLM reads beside its configuration: those that are settings by another name, and
//! those that have no effect here, which are told.

use super::env::Environment;
use super::node::{Entry, Node, Value, set};
use super::problem::{Mark, Problems};

/// A variable, and the setting that it stands for where the configuration has none.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("REQUEST_TIMEOUT", "litellm_settings", "request_timeout"),
    ("DEFAULT_ALLOWED_FAILS", "litellm_settings", "allowed_fails"),
    ("ROUTER_MAX_FALLBACKS", "litellm_settings", "max_fallbacks"),
    ("DEFAULT_COOLDOWN_TIME_SECONDS", "router_settings", "cooldown_time"),
    ("DEFAULT_HEALTH_CHECK_INTERVAL", "general_settings", "health_check_interval"),
    ("PROXY_CONFIG_RELOAD_INTERVAL_SECONDS", "general_settings", "proxy_config_reload_interval_seconds"),
];

/// Variables whose effect somebody would miss. Those that tune Python processes, libraries and queues are left out, and so are
/// those of callbacks and guardrails that are not served: they are told where they are asked for.
const UNREAD: &[&str] = &[
    "DEFAULT_ANTHROPIC_CHAT_MAX_TOKENS",
    "DEFAULT_HEALTH_CHECK_PROMPT",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_REASONING_EFFORT_HIGH_THINKING_BUDGET",
    "DEFAULT_REASONING_EFFORT_LOW_THINKING_BUDGET",
    "DEFAULT_REASONING_EFFORT_MEDIUM_THINKING_BUDGET",
    "DEFAULT_REASONING_EFFORT_MINIMAL_THINKING_BUDGET",
    "DEFAULT_SLACK_ALERTING_THRESHOLD",
    "DEFAULT_SOFT_BUDGET",
    "DISABLE_SCHEMA_UPDATE",
    "DOCS_DESCRIPTION",
    "DOCS_TITLE",
    "DOCS_URL",
    "EMAIL_BUDGET_ALERT_MAX_SPEND_ALERT_PERCENTAGE",
    "EMAIL_BUDGET_ALERT_TTL",
    "EXPERIMENTAL_UI_LOGIN",
    "GENERIC_CLIENT_STATE",
    "GENERIC_SSO_HEADERS",
    "GENERIC_USER_EXTRA_ATTRIBUTES",
    "GENERIC_USER_ROLE_MAPPINGS",
    "HEALTH_CHECK_TIMEOUT_SECONDS",
    "IAM_TOKEN_DB_AUTH",
    "INITIAL_RETRY_DELAY",
    "LENGTH_OF_LITELLM_GENERATED_KEY",
    "LITELLM_LOG_FILE",
    "LITELLM_MCP_CLIENT_TIMEOUT",
    "LITELLM_MCP_HEALTH_CHECK_TIMEOUT",
    "LITELLM_MCP_TOOL_LISTING_TIMEOUT",
    "LITELLM_REASONING_AUTO_SUMMARY",
    "LITELLM_ROUTE_ALL_CHAT_OPENAI_TO_RESPONSES",
    "LITELLM_USER_AGENT",
    "LITELLM_USE_CHAT_COMPLETIONS_URL_FOR_ANTHROPIC_MESSAGES",
    "MAX_RETRY_DELAY",
    "MAX_STRING_LENGTH_PROMPT_IN_DB",
    "MICROSOFT_USERINFO_ENDPOINT",
    "MICROSOFT_USER_DISPLAY_NAME_ATTRIBUTE",
    "MICROSOFT_USER_EMAIL_ATTRIBUTE",
    "MICROSOFT_USER_FIRST_NAME_ATTRIBUTE",
    "MICROSOFT_USER_ID_ATTRIBUTE",
    "MICROSOFT_USER_LAST_NAME_ATTRIBUTE",
    "MINIMUM_CUSTOM_KEY_LENGTH",
    "NO_DOCS",
    "NO_OPENAPI",
    "NO_REDOC",
    "OPENAPI_URL",
    "PROMETHEUS_METRICS_PORT",
    "PROXY_BATCH_POLLING_INTERVAL",
    "PROXY_BATCH_WRITE_AT",
    "PROXY_BUDGET_RESCHEDULER_MAX_TIME",
    "PROXY_BUDGET_RESCHEDULER_MIN_TIME",
    "REDIS_GCP_SERVICE_ACCOUNT",
    "REDOC_URL",
    "ROOT_REDIRECT_URL",
    "SEPARATE_HEALTH_APP",
    "SEPARATE_HEALTH_PORT",
    "SLACK_DAILY_REPORT_FREQUENCY",
    "SPEND_LOG_CLEANUP_BATCH_SIZE",
    "SSL_ECDH_CURVE",
    "SSL_SECURITY_LEVEL",
];

/// Puts what variables say below what is written, and tells of those that have no effect.
pub(super) fn lay_under(root: &mut Node, env: &Environment, problems: &Problems) {
    let mark = Mark::whole("environment");
    for name in UNREAD.iter().filter(|name| env.filled(name).is_some()) {
        problems.warn(&mark, *name, "LiteLLM reads this variable; it has no effect here");
    }
    for (variable, section, key) in SETTINGS {
        let Some(value) = env.filled(variable) else { continue };
        let Value::Map(sections) = &mut root.value else { return };
        if !sections.iter().any(|entry| entry.key == *section) {
            let empty = Node::new(Value::Map(Vec::new()), mark.clone());
            drop(set(sections, Entry { key: (*section).to_owned(), mark: mark.clone(), node: empty }));
        }
        let Some(section) = sections.iter_mut().find(|entry| entry.key == *section) else { continue };
        if section.node.is_null() {
            section.node.value = Value::Map(Vec::new());
        }
        let Value::Map(settings) = &mut section.node.value else { continue };
        if settings.iter().any(|entry| entry.key == *key && !entry.node.is_null()) {
            continue;
        }
        let node = Node { value: Value::Text(value), mark: Mark::whole(format!("variable {variable}")), secret: false };
        drop(set(settings, Entry { key: (*key).to_owned(), mark: mark.clone(), node }));
    }
}
