//! `general_settings.alerting` and its like → who is told of what.

use std::time::Duration;

use llm_callbacks::AlertSettings;
use llm_types::Secret;
use llm_types::alert::AlertType;

use super::env::Environment;
use super::section::Section;

/// LiteLLM's types of alerts that are not told yet.
const LATER: &[&str] = &[
    "llm_requests_hanging",
    "spend_reports",
    "user_spend_thresholds",
    "user_spend_anomalies",
    "db_exceptions",
    "cooldown_deployment",
    "model_deprecation_warnings",
    "region_outage_alerts",
    "fallback_reports",
];

/// `alerting_args` of alerts that are not told.
const ARGS: &str = "report_check_interval region_outage_alert_ttl max_outage_alert_list_size
    daily_spend_per_user_threshold monthly_spend_per_user_threshold spend_anomaly_multiplier spend_anomaly_baseline_days
    spend_anomaly_min_spend user_spend_check_interval";

pub(crate) fn read(s: &Section<'_>, env: &Environment) -> AlertSettings {
    let mut out = AlertSettings::default();
    let channels = s.texts("alerting").unwrap_or_default();
    if let Some(types) = types(s) {
        out.types = types;
    }
    let own = own_addresses(s);
    // LiteLLM's proxy takes 600 seconds where its class takes 300.
    out.calls.slow_after = s.seconds("alerting_threshold").unwrap_or(Duration::from_secs(600));
    if let Some(args) = s.section("alerting_args") {
        out.silence = args.seconds("budget_alert_ttl").unwrap_or(out.silence);
        out.log = args.flag("log_to_console").unwrap_or_default() && !channels.is_empty();
        let calls = &mut out.calls;
        calls.report_every = args.seconds("daily_report_frequency").unwrap_or(calls.report_every);
        calls.outage_window = args.seconds("outage_alert_ttl").unwrap_or(calls.outage_window);
        let errors = |name, default| args.number(name).map_or(default, |errors| errors.clamp(1.0, 1e6) as u32);
        calls.outage = (
            errors("minor_outage_alert_threshold", calls.outage.0),
            errors("major_outage_alert_threshold", calls.outage.1),
        );
        args.not_served(ARGS);
        args.finish();
    }
    for channel in &channels {
        match channel.as_str() {
            "slack" => {
                let variable = ["SLACK_WEBHOOK_URL", "ALERTING_WEBHOOK_URL"].iter().find_map(|name| env.filled(name));
                out.slack = addresses(s, variable);
                out.slack_of = own.iter().map(|(kind, urls)| (*kind, addresses(s, urls.iter().cloned()))).collect();
                let unheard = |kind: &&AlertType| !out.slack_of.iter().any(|(known, _)| known == *kind);
                if let Some(kind) = out.types.iter().find(unheard).filter(|_| out.slack.is_empty()) {
                    let name = kind.name();
                    let why = format!("slack has no address: set SLACK_WEBHOOK_URL or alert_to_webhook_url.{name}");
                    s.warn("alerting", why);
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
    if out.types.is_empty() || !out.is_on() {
        return AlertSettings::default();
    }
    out.proxy_url = env.filled("PROXY_BASE_URL");
    out
}

/// The types that are named, as far as they are told.
fn types(s: &Section<'_>) -> Option<Vec<AlertType>> {
    let names = s.texts("alert_types")?;
    let told = |name: &String| {
        let kind = AlertType::parse(name);
        if kind.is_none() && LATER.contains(&name.as_str()) {
            s.warn("alert_types", format!("{name} is not served yet"));
        } else if kind.is_none() {
            s.error("alert_types", format!("`{name}` is no type of alert"));
        }
        kind
    };
    Some(names.iter().filter_map(told).collect())
}

/// `alert_to_webhook_url`: addresses of Slack's kind for one type of alerts; a text or a list.
fn own_addresses(s: &Section<'_>) -> Vec<(AlertType, Vec<String>)> {
    let Some(map) = s.section("alert_to_webhook_url") else { return Vec::new() };
    for entry in map.entries().iter().filter(|entry| AlertType::parse(&entry.key).is_none()) {
        let later = LATER.contains(&entry.key.as_str());
        map.warn(
            &entry.key,
            format!("{} {}", entry.key, if later { "is not served yet" } else { "is no type of alert" }),
        );
    }
    AlertType::all().filter_map(|kind| Some((kind, map.texts(kind.name())?))).collect()
}

fn addresses(s: &Section<'_>, urls: impl IntoIterator<Item = String>) -> Vec<Secret> {
    urls.into_iter().filter(|url| addressed(s, url)).map(Secret::new).collect()
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
