//! Telling: budgets at once, notices when they have waited for their like.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Request;
use http::header::CONTENT_TYPE;
use llm_http::{Body, Timeouts, Transport};
use llm_types::Secret;
use llm_types::alert::{AlertType, BudgetAlert, Notice};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{AlertSettings, News, text};

/// How long one address may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Different notices that wait at the most.
const GATHERED: usize = 100;
/// How often an address is tried.
const ATTEMPTS: u32 = 3;

/// A notice that waits for its like, how many there were, and until when.
struct Waiting {
    at: DateTime<Utc>,
    due: Instant,
    notice: Notice,
    count: u32,
}

/// Tells what comes: budgets at once, notices when they have waited.
pub(super) async fn run(
    settings: Arc<AlertSettings>,
    http: Arc<dyn Transport>,
    mut outlet: mpsc::Receiver<(DateTime<Utc>, News)>,
    lost: Arc<AtomicU64>,
) {
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut over = false;
    while !over {
        let due = waiting.iter().map(|waiting| waiting.due).min();
        let next = match due {
            None => outlet.recv().await.map(Some),
            Some(due) => timeout_at(due, outlet.recv()).await.map_or(Some(None), |came| came.map(Some)),
        };
        match next {
            Some(Some((at, News::Budget(alert)))) => {
                lost.fetch_add(told(&settings, &*http, at, &alert).await, Ordering::Relaxed);
            }
            Some(Some((at, News::Notice(notice)))) => {
                if !gathered(&settings, &mut waiting, at, notice) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            Some(None) => {}
            None => over = true,
        }
        let now = Instant::now();
        for Waiting { at, notice, count, .. } in waiting.extract_if(.., |one| over || one.due <= now) {
            lost.fetch_add(noted(&settings, &*http, at, &notice, count).await, Ordering::Relaxed);
        }
    }
}

/// Puts a notice beside its like; false when too many others wait.
fn gathered(settings: &AlertSettings, waiting: &mut Vec<Waiting>, at: DateTime<Utc>, notice: Notice) -> bool {
    let digest = settings.digest_of(notice.kind);
    let same = |known: &&mut Waiting| match digest {
        Some(_) => text::akin(&known.notice, &notice),
        None => text::alike(&known.notice, &notice),
    };
    if let Some(known) = waiting.iter_mut().find(same) {
        known.count += 1;
    } else if waiting.len() >= GATHERED {
        return false;
    } else {
        let due = Instant::now() + digest.unwrap_or(settings.gather);
        waiting.push(Waiting { at, due, notice, count: 1 });
    }
    true
}

/// Tells everyone of a notice that came `count` times; how many could not be told.
async fn noted(settings: &AlertSettings, http: &dyn Transport, at: DateTime<Utc>, notice: &Notice, count: u32) -> u64 {
    if settings.log {
        tracing::warn!(kind = notice.kind.name(), count, facts = ?notice.facts, "{}", notice.title);
    }
    let text = text::notice(notice, at, count, settings.proxy_url.as_deref());
    say(settings, http, notice.kind, &text).await
}

/// Tells everyone; how many could not be told.
async fn told(settings: &AlertSettings, http: &dyn Transport, at: DateTime<Utc>, alert: &BudgetAlert) -> u64 {
    if settings.log {
        tracing::warn!(group = alert.group, id = %alert.id, event = alert.event.name(), "{}", text::sentence(alert));
    }
    let text = text::budget(alert, at, settings.proxy_url.as_deref());
    let mut lost = say(settings, http, AlertType::BudgetAlerts, &text).await;
    if let Some(url) = &settings.webhook {
        lost += u64::from(!post(http, "webhook", url, &text::event(alert)).await);
    }
    lost
}

/// Posts a text to those who hear of a type; how many did not take it.
async fn say(settings: &AlertSettings, http: &dyn Transport, kind: AlertType, text: &str) -> u64 {
    let mut lost = 0;
    for url in settings.slack_for(kind) {
        lost += u64::from(!post(http, "slack", url, &text::slack(text)).await);
    }
    if let Some(url) = &settings.teams {
        lost += u64::from(!post(http, "ms_teams", url, &text::card(text)).await);
    }
    lost
}

/// Posts until it is taken, a few times; false when it never was. The address is not told to the log.
pub(super) async fn post(http: &dyn Transport, channel: &str, url: &Secret, body: &str) -> bool {
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
