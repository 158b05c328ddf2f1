//! Alerts for operators: taken without waiting, told one by one to a Slack-format webhook, to a JSON webhook, to the log; of
//! budgets also people hear, by e-mail (`mail`).
//!
//! Slack, and what understands its format (Discord, Microsoft Teams), gets `{"text": ...}`; the other webhook gets LiteLLM's
//! `WebhookEvent` of budgets, and nothing else, as there. What is not about budgets waits a few seconds, and the same told
//! several times becomes one.

mod calls;
mod desk;
mod mail;
mod regions;
mod text;
mod trial;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Request;
use http::header::CONTENT_TYPE;
use llm_http::{Body, Timeouts, Transport};
use llm_types::Secret;
use llm_types::alert::{AlertSink, AlertType, BudgetAlert, Notice};
use llm_types::letter::Letter;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

pub use calls::{CallAlerts, CallWatch};
use desk::Desk;
use mail::Mailer;
pub use mail::{MailSettings, MailWay, Smtp};
pub use regions::RegionOf;
pub use trial::Channel;

/// How bad so many errors are, between what is told as minor and what as major; nothing for fewer.
fn level(errors: u32, (minor, major): (u32, u32)) -> Option<(u8, &'static str)> {
    match errors {
        errors if errors >= major => Some((2, "Major")),
        errors if errors >= minor => Some((1, "Minor")),
        _ => None,
    }
}

/// Alerts that may wait; each budget speaks once a day, so more of them are a flood.
const CAPACITY: usize = 1000;
/// How long one address may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long notices wait for their like.
const GATHER: Duration = Duration::from_secs(10);
/// Different notices that wait at the most.
const GATHERED: usize = 100;
/// How often an address is tried.
const ATTEMPTS: u32 = 3;

/// Who is told. Addresses of webhooks are secrets: whoever knows one may write there.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// The types that are told.
    pub types: Vec<AlertType>,
    /// Slack-format webhooks (`SLACK_WEBHOOK_URL`).
    pub slack: Vec<Secret>,
    /// Those for one type, in place of the others (`alert_to_webhook_url`).
    pub slack_of: Vec<(AlertType, Vec<Secret>)>,
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
    /// True when somebody is told.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.slack.is_empty() || !self.slack_of.is_empty() || self.webhook.is_some() || self.mail.is_some() || self.log
    }

    /// The Slack-format webhooks of a type.
    fn slack_for(&self, kind: AlertType) -> &[Secret] {
        let own = self.slack_of.iter().find(|(known, _)| *known == kind);
        own.map_or(&self.slack, |(_, urls)| urls)
    }

    /// True when this type is told, and there is somebody to tell. `alert_types` says nothing about letters.
    fn wants(&self, kind: AlertType) -> bool {
        let budgets = kind == AlertType::BudgetAlerts;
        let heard = self.log || !self.slack_for(kind).is_empty() || budgets && self.webhook.is_some();
        self.types.contains(&kind) && heard || budgets && self.mail.is_some()
    }
}

/// Takes alerts and tells them, in the order in which they came.
pub struct Alerts {
    desk: Desk<(DateTime<Utc>, News)>,
    wanted: Vec<AlertType>,
    mailer: Option<Mailer>,
    settings: Arc<AlertSettings>,
    http: Arc<dyn Transport>,
}

/// What is to be told.
enum News {
    Budget(Box<BudgetAlert>),
    Notice(Notice),
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl Alerts {
    /// Starts the task that tells alerts, and the one that sends letters, on `background`.
    #[must_use]
    pub fn start(mut settings: AlertSettings, http: Arc<dyn Transport>, background: &Handle) -> Self {
        let wanted = AlertType::all().filter(|kind| settings.wants(*kind)).collect();
        let mailer = settings.mail.take().map(|mail| Mailer::start(mail, Arc::clone(&http), background));
        let settings = Arc::new(settings);
        let (told, way) = (Arc::clone(&settings), Arc::clone(&http));
        let desk = Desk::start(CAPACITY, background, |outlet, lost| run(told, way, outlet, lost));
        Self { desk, wanted, mailer, settings, http }
    }

    /// Alerts that an address did not take, and those that found too many others waiting.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.desk.lost()
    }

    /// Letters that were sent, and those that could not be; nothing where none are written.
    #[must_use]
    pub fn letters(&self) -> Option<(u64, u64)> {
        self.mailer.as_ref().map(Mailer::counts)
    }

    /// Takes no more, and tells what waits, until `deadline`.
    pub async fn shutdown(&self, deadline: Duration) {
        let letters = async {
            if let Some(mailer) = &self.mailer {
                mailer.shutdown(deadline).await;
            }
        };
        tokio::join!(self.desk.shutdown(deadline, "alerts"), letters);
    }
}

impl AlertSink for Alerts {
    fn tell(&self, alert: BudgetAlert) {
        let now = Utc::now();
        if let Some(mailer) = &self.mailer {
            mailer.tell(&alert, now);
        }
        // Otherwise a letter is all that was wanted.
        if self.settings.types.contains(&AlertType::BudgetAlerts) {
            self.desk.take((now, News::Budget(Box::new(alert))));
        }
    }

    fn note(&self, notice: Notice) {
        if self.wants(notice.kind) {
            self.desk.take((Utc::now(), News::Notice(notice)));
        }
    }

    fn wants(&self, kind: AlertType) -> bool {
        self.wanted.contains(&kind)
    }

    fn writes(&self) -> bool {
        self.mailer.is_some()
    }

    fn write(&self, letter: Letter) {
        if let Some(mailer) = &self.mailer {
            mailer.write(&letter);
        }
    }
}

/// A notice that waits for its like, and how many there were.
struct Waiting {
    at: DateTime<Utc>,
    notice: Notice,
    count: u32,
}

/// Tells what comes: budgets at once, notices when they have waited.
async fn run(
    settings: Arc<AlertSettings>,
    http: Arc<dyn Transport>,
    mut outlet: mpsc::Receiver<(DateTime<Utc>, News)>,
    lost: Arc<AtomicU64>,
) {
    let mut waiting: Vec<Waiting> = Vec::new();
    let (mut due, mut over) = (Instant::now(), false);
    loop {
        let next = if waiting.is_empty() {
            outlet.recv().await.map(Some)
        } else {
            timeout_at(due, outlet.recv()).await.map_or(Some(None), |came| came.map(Some))
        };
        match next {
            Some(Some((at, News::Budget(alert)))) => {
                lost.fetch_add(told(&settings, &*http, at, &alert).await, Ordering::Relaxed);
            }
            Some(Some((at, News::Notice(notice)))) => {
                if waiting.is_empty() {
                    due = Instant::now() + settings.gather;
                }
                let full = waiting.len() >= GATHERED;
                match waiting.iter_mut().find(|known| text::alike(&known.notice, &notice)) {
                    Some(known) => known.count += 1,
                    None if full => drop(lost.fetch_add(1, Ordering::Relaxed)),
                    None => waiting.push(Waiting { at, notice, count: 1 }),
                }
            }
            Some(None) => {}
            None => over = true,
        }
        if over || Instant::now() >= due {
            for Waiting { at, notice, count } in waiting.drain(..) {
                lost.fetch_add(noted(&settings, &*http, at, &notice, count).await, Ordering::Relaxed);
            }
        }
        if over {
            return;
        }
    }
}

/// Tells everyone of a notice that came `count` times; how many could not be told.
async fn noted(settings: &AlertSettings, http: &dyn Transport, at: DateTime<Utc>, notice: &Notice, count: u32) -> u64 {
    if settings.log {
        tracing::warn!(kind = notice.kind.name(), count, facts = ?notice.facts, "{}", notice.title);
    }
    let body = text::notice(notice, at, count, settings.proxy_url.as_deref());
    let mut lost = 0;
    for url in settings.slack_for(notice.kind) {
        lost += u64::from(!post(http, "slack", url, &body).await);
    }
    lost
}

/// Tells everyone; how many could not be told.
async fn told(settings: &AlertSettings, http: &dyn Transport, at: DateTime<Utc>, alert: &BudgetAlert) -> u64 {
    if settings.log {
        tracing::warn!(group = alert.group, id = %alert.id, event = alert.event.name(), "{}", text::sentence(alert));
    }
    let mut lost = 0;
    let slack = text::slack(alert, at, settings.proxy_url.as_deref());
    for (url, body) in settings.slack_for(AlertType::BudgetAlerts).iter().map(|url| (url, &slack)) {
        lost += u64::from(!post(http, "slack", url, body).await);
    }
    if let Some(url) = &settings.webhook {
        lost += u64::from(!post(http, "webhook", url, &text::event(alert)).await);
    }
    lost
}

/// Posts until it is taken, a few times; false when it never was. The address is not told to the log.
async fn post(http: &dyn Transport, channel: &str, url: &Secret, body: &str) -> bool {
    let mut problem = String::new();
    for attempt in 1..=ATTEMPTS {
        let request = Request::post(url.expose()).header(CONTENT_TYPE, "application/json");
        let Ok(request) = request.body(Body::from(body.to_owned())) else {
            tracing::error!(channel, "the address of an alert webhook cannot be used");
            return false;
        };
        let timeouts = Timeouts { first_byte: Some(PATIENCE), total: Some(PATIENCE), ..Timeouts::default() };
        match http.send(request, timeouts).await {
            Ok(reply) if reply.status().is_success() => return true,
            // What was wrong once is wrong again, but for these.
            Ok(reply) if !matches!(reply.status().as_u16(), 408 | 429 | 500..) => {
                tracing::error!(channel, status = reply.status().as_u16(), "an alert was refused");
                return false;
            }
            Ok(reply) => problem = format!("status {}", reply.status().as_u16()),
            Err(error) => problem = format!("{:?}: {:?}", error.phase(), error.kind()),
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(Duration::from_millis(500) * attempt).await;
        }
    }
    tracing::error!(channel, problem, "an alert could not be told");
    false
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
