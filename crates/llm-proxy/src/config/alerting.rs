//! `general_settings.alerting` and its like → who is told of what.

use std::time::Duration;

use llm_callbacks::{AlertSettings, DutySettings, Often, SpendAlerts};
use llm_types::Secret;
use llm_types::alert::AlertType;

use super::env::Environment;
use super::mail;
use super::section::Section;

/// `alerting_args` that change nothing here: nothing grows, and reports come when they are due.
const ARGS: &str = "report_check_interval max_outage_alert_list_size";

/// `alerting_args` of PagerDuty.
const DUTY: &str =
    "failure_threshold failure_threshold_window_seconds hanging_threshold_seconds hanging_threshold_fails
    hanging_threshold_window_seconds";

/// `paged`: the callback `pagerduty` is named, which says the same as the channel.
pub(crate) fn read(s: &Section<'_>, env: &Environment, paged: bool) -> AlertSettings {
    let mut out = AlertSettings::default();
    let channels = s.texts("alerting").unwrap_or_default();
    let paged = paged || channels.iter().any(|channel| channel == "pagerduty");
    if let Some(types) = types(s) {
        out.types = types;
    }
    // LiteLLM's proxy takes 600 seconds where its class takes 300.
    out.calls.slow_after = s.seconds("alerting_threshold").unwrap_or(Duration::from_secs(600));
    if let Some(days) = report_days(s) {
        out.spend.report_days = days;
        out.calls.fallbacks_every = Duration::from_secs(u64::from(days) * 86_400);
    }
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
        calls.region_window = args.seconds("region_outage_alert_ttl").unwrap_or(calls.region_window);
        spend(&args, &mut out.spend);
        args.accept(ARGS);
        args.accept(DUTY);
        args.finish();
    }
    out.digests = digests(s);
    channels_told(s, env, &channels, &mut out);
    let duty =
        paged.then(|| duty(s.section("alerting_args").as_ref(), env).map_err(|why| s.warn("alerting", why)).ok());
    let duty = duty.flatten();
    if out.types.is_empty() && out.mail.is_none() || !out.is_on() {
        return AlertSettings { duty, ..AlertSettings::default() };
    }
    out.duty = duty;
    out.proxy_url = env.filled("PROXY_BASE_URL");
    out
}

/// Where the channels that are named tell their alerts.
fn channels_told(s: &Section<'_>, env: &Environment, channels: &[String], out: &mut AlertSettings) {
    let own = own_addresses(s);
    for channel in channels {
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
            "email" => match mail::read(env, mail::Named::Any) {
                Ok(mail) => {
                    if mail.base_url.is_none() {
                        s.warn("alerting", "PROXY_BASE_URL is not set: links in e-mails lead nowhere");
                    }
                    out.mail = Some(mail);
                }
                Err(why) => s.warn("alerting", format!("email is not sent: {why}")),
            },
            "ms_teams" => {
                out.teams = env.filled("MS_TEAMS_WEBHOOK_URL").filter(|url| addressed(s, url)).map(Secret::new);
                if out.teams.is_none() {
                    s.warn("alerting", "ms_teams has no address: set MS_TEAMS_WEBHOOK_URL");
                }
            }
            "pagerduty" => {}
            other => {
                let why = format!("`{other}` is no channel: expected slack, ms_teams, pagerduty, webhook or email");
                s.error("alerting", why);
            }
        }
    }
}

/// When whoever is on call is paged. LiteLLM's figures where nothing is said; `PAGERDUTY_API_BASE` is ours, for accounts of
/// PagerDuty's European region.
///
/// # Errors
/// What is missing or wrong, for people.
pub(crate) fn duty(args: Option<&Section<'_>>, env: &Environment) -> Result<DutySettings, String> {
    let key = env.filled("PAGERDUTY_API_KEY").ok_or("nobody is paged: set PAGERDUTY_API_KEY")?;
    let base = env.filled("PAGERDUTY_API_BASE").unwrap_or_else(|| "https://events.pagerduty.com".to_owned());
    if !is_address(&base) {
        return Err("nobody is paged: PAGERDUTY_API_BASE is not an http or https URL".to_owned());
    }
    let times = |name| args.and_then(|args| args.number(name)).map_or(60, |n| n.clamp(1.0, 10_000.0) as u32);
    let seconds = |name, usual| args.and_then(|args| args.seconds(name)).unwrap_or(Duration::from_secs(usual));
    Ok(DutySettings {
        key: Secret::new(key),
        url: Secret::new(format!("{}/v2/enqueue", base.trim_end_matches('/'))),
        failing: Often { times: times("failure_threshold"), within: seconds("failure_threshold_window_seconds", 60) },
        hanging_after: seconds("hanging_threshold_seconds", 60),
        hanging: Often {
            times: times("hanging_threshold_fails"),
            within: seconds("hanging_threshold_window_seconds", 600),
        },
    })
}

/// `alert_type_config`: types of which one digest is told now and then.
fn digests(s: &Section<'_>) -> Vec<(AlertType, Duration)> {
    let Some(map) = s.section("alert_type_config") else { return Vec::new() };
    for entry in map.entries().iter().filter(|entry| AlertType::parse(&entry.key).is_none()) {
        map.warn(&entry.key, format!("{} is no type of alert", entry.key));
    }
    let one = |kind: AlertType| {
        let of = map.section(kind.name())?;
        let every = of.seconds("digest_interval").unwrap_or(Duration::from_secs(86_400));
        let on = of.flag("digest").unwrap_or_default();
        of.finish();
        on.then_some((kind, every))
    };
    AlertType::all().filter_map(one).collect()
}

/// `spend_report_frequency`: `7d`.
fn report_days(s: &Section<'_>) -> Option<u32> {
    let text = s.text("spend_report_frequency")?;
    let days = text.strip_suffix(['d', 'D']).and_then(|days| days.parse::<u32>().ok()).filter(|days| *days > 0);
    if days.is_none() {
        s.error("spend_report_frequency", format!("`{text}` is no number of days, such as 7d"));
    }
    days
}

/// When users' spend is told.
fn spend(args: &Section<'_>, out: &mut SpendAlerts) {
    let positive = |name: &'static str| {
        let number = args.number(name)?;
        if number.is_finite() && number > 0.0 {
            return Some(number);
        }
        args.error(name, format!("{name} has to be more than 0"));
        None
    };
    out.daily_of_user = positive("daily_spend_per_user_threshold");
    out.monthly_of_user = positive("monthly_spend_per_user_threshold");
    out.unusual = positive("spend_anomaly_multiplier").unwrap_or(out.unusual);
    out.unusual_least = positive("spend_anomaly_min_spend").unwrap_or(out.unusual_least);
    out.usual_days =
        positive("spend_anomaly_baseline_days").map_or(out.usual_days, |days| days.clamp(1.0, 366.0) as u32);
    out.every = args.seconds("user_spend_check_interval").map_or(out.every, |every| every.max(Duration::from_secs(60)));
}

/// The types that are named, as far as they are told.
fn types(s: &Section<'_>) -> Option<Vec<AlertType>> {
    let names = s.texts("alert_types")?;
    let told = |name: &String| {
        let kind = AlertType::parse(name);
        if kind.is_none() {
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
        map.warn(&entry.key, format!("{} is no type of alert", entry.key));
    }
    AlertType::all().filter_map(|kind| Some((kind, map.texts(kind.name())?))).collect()
}

fn addresses(s: &Section<'_>, urls: impl IntoIterator<Item = String>) -> Vec<Secret> {
    urls.into_iter().filter(|url| addressed(s, url)).map(Secret::new).collect()
}

/// Tells of an address that cannot be one; the address itself is a secret.
fn addressed(s: &Section<'_>, url: &str) -> bool {
    let fine = is_address(url);
    if !fine {
        s.error("alerting", "the address of a webhook is not an http or https URL");
    }
    fine
}

fn is_address(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| {
        uri.host().is_some_and(|host| !host.is_empty()) && matches!(uri.scheme_str(), Some("http" | "https"))
    })
}
