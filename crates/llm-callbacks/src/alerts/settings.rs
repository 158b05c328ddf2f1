//! Who is told, and of what.

use std::time::Duration;

use llm_types::Secret;
use llm_types::alert::AlertType;

use super::{CallAlerts, DutySettings, MailSettings};

/// How long notices wait for their like.
const GATHER: Duration = Duration::from_secs(10);

/// Who is told. Addresses of webhooks are secrets: whoever knows one may write there.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// The types that are told.
    pub types: Vec<AlertType>,
    /// Slack-format webhooks (`SLACK_WEBHOOK_URL`).
    pub slack: Vec<Secret>,
    /// Those for one type, in place of the others (`alert_to_webhook_url`).
    pub slack_of: Vec<(AlertType, Vec<Secret>)>,
    /// The webhook of Microsoft Teams (`MS_TEAMS_WEBHOOK_URL`).
    pub teams: Option<Secret>,
    /// Types of which one digest is told in so long (`alert_type_config`).
    pub digests: Vec<(AlertType, Duration)>,
    /// Who is paged (`PAGERDUTY_API_KEY`).
    pub duty: Option<DutySettings>,
    /// When calls are worth an alert.
    pub calls: CallAlerts,
    /// When spend is.
    pub spend: SpendAlerts,
    /// How long notices wait for their like.
    pub gather: Duration,
    /// The JSON webhook (`WEBHOOK_URL`).
    pub webhook: Option<Secret>,
    /// How people get letters.
    pub mail: Option<MailSettings>,
    /// The process's own log (`log_to_console`).
    pub log: bool,
    /// Where people find the gateway (`PROXY_BASE_URL`), for messages.
    pub proxy_url: Option<String>,
    /// How long the same event of the same budget stays silent after an alert (`budget_alert_ttl`).
    pub silence: Duration,
}

/// When spend is worth an alert (`spend_report_frequency`, `alerting_args`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpendAlerts {
    /// Days of a report, and between reports.
    pub report_days: u32,
    /// US dollars of a user on one day.
    pub daily_of_user: Option<f64>,
    /// The same in one month.
    pub monthly_of_user: Option<f64>,
    /// So many times what a user spends on a usual day.
    pub unusual: f64,
    /// Days that say what is usual.
    pub usual_days: u32,
    /// US dollars of a day that are worth looking at.
    pub unusual_least: f64,
    /// How often users are looked at.
    pub every: Duration,
}

impl Default for SpendAlerts {
    fn default() -> Self {
        let every = Duration::from_secs(3600);
        let (daily_of_user, monthly_of_user) = (None, None);
        Self { report_days: 7, daily_of_user, monthly_of_user, unusual: 3.0, usual_days: 7, unusual_least: 10.0, every }
    }
}

impl Default for AlertSettings {
    /// Nobody is told; a day of silence, as in LiteLLM.
    fn default() -> Self {
        let silence = Duration::from_secs(86_400);
        Self {
            types: AlertType::all().filter(|kind| kind.by_default()).collect(),
            slack: Vec::new(),
            slack_of: Vec::new(),
            teams: None,
            digests: Vec::new(),
            duty: None,
            calls: CallAlerts::default(),
            spend: SpendAlerts::default(),
            gather: GATHER,
            webhook: None,
            mail: None,
            log: false,
            proxy_url: None,
            silence,
        }
    }
}

impl AlertSettings {
    /// True when somebody is told; who is paged is none of them.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let slack = !self.slack.is_empty() || !self.slack_of.is_empty();
        slack || self.teams.is_some() || self.webhook.is_some() || self.mail.is_some() || self.log
    }

    /// How long a digest of this type takes; none where each alert is told.
    pub(super) fn digest_of(&self, kind: AlertType) -> Option<Duration> {
        self.digests.iter().find(|(known, _)| *known == kind).map(|(_, every)| *every)
    }

    /// The Slack-format webhooks of a type.
    pub(super) fn slack_for(&self, kind: AlertType) -> &[Secret] {
        let own = self.slack_of.iter().find(|(known, _)| *known == kind);
        own.map_or(&self.slack, |(_, urls)| urls)
    }

    /// True when this type is told, and there is somebody to tell. `alert_types` says nothing about letters.
    pub(super) fn wants(&self, kind: AlertType) -> bool {
        let budgets = kind == AlertType::BudgetAlerts;
        let all = self.log || self.teams.is_some();
        let heard = all || !self.slack_for(kind).is_empty() || budgets && self.webhook.is_some();
        self.types.contains(&kind) && heard || budgets && self.mail.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_wanted_where_somebody_hears_of_it() {
        let url = || vec![Secret::new("http://x")];
        let wants = |settings: &AlertSettings| {
            [AlertType::BudgetAlerts, AlertType::LlmExceptions, AlertType::TeamDeleted].map(|kind| settings.wants(kind))
        };
        let none = AlertSettings::default();
        assert_eq!(wants(&none), [false; 3]);
        let webhook = AlertSettings { webhook: url().pop(), ..AlertSettings::default() };
        assert_eq!(wants(&webhook), [true, false, false], "the JSON webhook hears of budgets");
        let slack = AlertSettings { slack: url(), ..AlertSettings::default() };
        assert_eq!(wants(&slack), [true, true, false]);
        let teams = AlertSettings { teams: url().pop(), ..AlertSettings::default() };
        assert_eq!(wants(&teams), [true, true, false]);
        let own = AlertSettings {
            types: vec![AlertType::TeamDeleted],
            slack_of: vec![(AlertType::TeamDeleted, url()), (AlertType::LlmExceptions, url())],
            ..AlertSettings::default()
        };
        assert_eq!(wants(&own), [false, false, true]);
        let muted = AlertSettings { slack_of: vec![(AlertType::LlmExceptions, Vec::new())], ..slack };
        assert_eq!(wants(&muted), [true, false, false]);
    }
}
