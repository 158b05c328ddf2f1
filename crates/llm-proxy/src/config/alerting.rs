//! `general_settings.alerting` and its like → who is told of budgets that run out.

use llm_callbacks::AlertSettings;
use llm_types::Secret;

use super::env::Environment;
use super::section::Section;

/// The type of alert that is served.
const SERVED: &str = "budget_alerts";

/// LiteLLM's other types of alerts.
const TYPES: &[&str] = &[
    "llm_exceptions",
    "llm_too_slow",
    "llm_requests_hanging",
    "spend_reports",
    "failed_tracking_spend",
    "user_spend_thresholds",
    "user_spend_anomalies",
    "db_exceptions",
    "daily_reports",
    "cooldown_deployment",
    "new_model_added",
    "model_deprecation_warnings",
    "outage_alerts",
    "region_outage_alerts",
    "fallback_reports",
    "new_virtual_key_created",
    "virtual_key_updated",
    "virtual_key_deleted",
    "new_team_created",
    "team_updated",
    "team_deleted",
    "new_internal_user_created",
    "internal_user_updated",
    "internal_user_deleted",
];

/// `alerting_args` of alerts that are not served.
const ARGS: &str = "daily_report_frequency report_check_interval outage_alert_ttl region_outage_alert_ttl
    minor_outage_alert_threshold major_outage_alert_threshold max_outage_alert_list_size";

pub(crate) fn read(s: &Section<'_>, env: &Environment) -> AlertSettings {
    let mut out = AlertSettings::default();
    let channels = s.texts("alerting").unwrap_or_default();
    let wanted = types(s);
    let own = own_addresses(s);
    if let Some(args) = s.section("alerting_args") {
        out.silence = args.seconds("budget_alert_ttl").unwrap_or(out.silence);
        out.log = args.flag("log_to_console").unwrap_or_default() && !channels.is_empty();
        args.not_served(ARGS);
        args.finish();
    }
    for channel in &channels {
        match channel.as_str() {
            "slack" => {
                let variable = ["SLACK_WEBHOOK_URL", "ALERTING_WEBHOOK_URL"].iter().find_map(|name| env.filled(name));
                out.slack = if own.is_empty() { variable.into_iter().collect() } else { own.clone() }
                    .into_iter()
                    .filter(|url| addressed(s, url))
                    .map(Secret::new)
                    .collect();
                if out.slack.is_empty() {
                    s.warn(
                        "alerting",
                        "slack has no address: set SLACK_WEBHOOK_URL or alert_to_webhook_url.budget_alerts",
                    );
                }
            }
            "webhook" => {
                out.webhook = env.filled("WEBHOOK_URL").filter(|url| addressed(s, url)).map(Secret::new);
                if out.webhook.is_none() {
                    s.warn("alerting", "webhook has no address: set WEBHOOK_URL");
                }
            }
            "email" | "pagerduty" | "ms_teams" => {
                s.warn("alerting", format!("{channel} is not served yet; slack and webhook are"));
            }
            other => s.error("alerting", format!("`{other}` is no channel: expected slack or webhook")),
        }
    }
    if !wanted || !out.is_on() {
        return AlertSettings::default();
    }
    out.proxy_url = env.filled("PROXY_BASE_URL");
    out
}

/// True when the types that are wanted (all, when none is named) have those of budgets among them.
fn types(s: &Section<'_>) -> bool {
    let Some(names) = s.texts("alert_types") else { return true };
    for name in names.iter().filter(|name| *name != SERVED) {
        if TYPES.contains(&name.as_str()) {
            s.warn("alert_types", format!("{name} is not served yet; {SERVED} is"));
        } else {
            s.error("alert_types", format!("`{name}` is no type of alert"));
        }
    }
    names.iter().any(|name| name == SERVED)
}

/// `alert_to_webhook_url`: addresses of Slack's kind for one type of alerts; a text or a list.
fn own_addresses(s: &Section<'_>) -> Vec<String> {
    let Some(map) = s.section("alert_to_webhook_url") else { return Vec::new() };
    let own = map.texts(SERVED).unwrap_or_default();
    for entry in map.entries().iter().filter(|entry| entry.key != SERVED) {
        let problem = if TYPES.contains(&entry.key.as_str()) { "is not served yet" } else { "is no type of alert" };
        map.warn(&entry.key, format!("{} {problem}", entry.key));
    }
    own
}

/// Tells of an address that cannot be one; the address itself is a secret.
fn addressed(s: &Section<'_>, url: &str) -> bool {
    let fine = url.parse::<http::Uri>().is_ok_and(|uri| {
        uri.host().is_some_and(|host| !host.is_empty()) && matches!(uri.scheme_str(), Some("http" | "https"))
    });
    if !fine {
        s.error("alerting", "the address of a webhook is not an http or https URL");
    }
    fine
}
