//! Alerts for operators: taken without waiting, told one by one to a Slack-format webhook, to a JSON webhook, to the log.
//!
//! Slack, and what understands its format (Discord, Microsoft Teams), gets `{"text": ...}`; the other webhook gets LiteLLM's
//! `WebhookEvent`.

mod text;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Request;
use http::header::CONTENT_TYPE;
use llm_http::{Body, Timeouts, Transport};
use llm_types::Secret;
use llm_types::alert::{AlertSink, BudgetAlert};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Alerts that may wait; each budget speaks once a day, so more of them are a flood.
const CAPACITY: usize = 1000;
/// How long one address may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often an address is tried.
const ATTEMPTS: u32 = 3;

/// Who is told. Addresses of webhooks are secrets: whoever knows one may write there.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Slack-format webhooks (`SLACK_WEBHOOK_URL`, `alert_to_webhook_url`).
    pub slack: Vec<Secret>,
    /// The JSON webhook (`WEBHOOK_URL`).
    pub webhook: Option<Secret>,
    /// The process's own log (`log_to_console`).
    pub log: bool,
    /// Where people find the gateway (`PROXY_BASE_URL`), for messages.
    pub proxy_url: Option<String>,
    /// How long the same event of the same budget stays silent after an alert (`budget_alert_ttl`).
    pub silence: Duration,
}

impl Default for AlertSettings {
    /// Nobody is told; a day of silence, as in LiteLLM.
    fn default() -> Self {
        let silence = Duration::from_secs(86_400);
        Self { slack: Vec::new(), webhook: None, log: false, proxy_url: None, silence }
    }
}

impl AlertSettings {
    /// True when somebody is told.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.slack.is_empty() || self.webhook.is_some() || self.log
    }
}

/// Takes alerts and tells them, in the order in which they came.
pub struct Alerts {
    intake: Mutex<Option<mpsc::Sender<(DateTime<Utc>, BudgetAlert)>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    lost: Arc<AtomicU64>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl Alerts {
    /// Starts the task that tells alerts, on `background`.
    #[must_use]
    pub fn start(settings: AlertSettings, http: Arc<dyn Transport>, background: &Handle) -> Self {
        let (intake, mut outlet) = mpsc::channel(CAPACITY);
        let lost = Arc::<AtomicU64>::default();
        let count = Arc::clone(&lost);
        let task = background.spawn(async move {
            while let Some((at, alert)) = outlet.recv().await {
                count.fetch_add(told(&settings, &*http, at, &alert).await, Ordering::Relaxed);
            }
        });
        Self { intake: Mutex::new(Some(intake)), task: Mutex::new(Some(task)), lost }
    }

    /// Alerts that an address did not take, and those that found too many others waiting.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Takes no more, and tells what waits, until `deadline`.
    pub async fn shutdown(&self, deadline: Duration) {
        drop(self.intake.lock().take());
        let task = self.task.lock().take();
        if let Some(mut task) = task
            && tokio::time::timeout(deadline, &mut task).await.is_err()
        {
            task.abort();
            tracing::warn!("some alerts could not be told before the end");
        }
    }
}

impl AlertSink for Alerts {
    fn tell(&self, alert: BudgetAlert) {
        let taken = self.intake.lock().as_ref().is_some_and(|intake| intake.try_send((Utc::now(), alert)).is_ok());
        if !taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Tells everyone; how many could not be told.
async fn told(settings: &AlertSettings, http: &dyn Transport, at: DateTime<Utc>, alert: &BudgetAlert) -> u64 {
    if settings.log {
        tracing::warn!(group = alert.group, id = %alert.id, event = alert.event.name(), "{}", text::sentence(alert));
    }
    let mut lost = 0;
    let slack = text::slack(alert, at, settings.proxy_url.as_deref());
    for (url, body) in settings.slack.iter().map(|url| (url, &slack)) {
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
