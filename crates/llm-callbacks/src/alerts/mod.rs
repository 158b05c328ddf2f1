//! Alerts for operators: taken without waiting, told one by one to a Slack-format webhook, to Microsoft Teams, to a JSON webhook,
//! to the log; of budgets also people hear, by e-mail (`mail`). Whoever is on call is paged (`duty`).
//!
//! Slack, and what understands its format (Discord), gets `{"text": ...}`, Teams the same text as a card; the other webhook gets LiteLLM's
//! `WebhookEvent` of budgets, and nothing else, as there. What is not about budgets waits a few seconds, and the same told
//! several times becomes one.

mod calls;
mod desk;
mod duty;
mod mail;
mod regions;
mod settings;
mod tell;
mod text;
mod trial;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use llm_http::Transport;
use llm_types::alert::{AlertSink, AlertType, BudgetAlert, Notice};
use llm_types::letter::Letter;
use tokio::runtime::Handle;

pub use calls::{CallAlerts, CallWatch};
use desk::Desk;
pub use duty::{Duty, DutySettings, Often};
use mail::Mailer;
pub use mail::{MailSettings, MailWay, Smtp};
pub use regions::RegionOf;
pub use settings::{AlertSettings, SpendAlerts};
use tell::run;
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

    fn writes_keys(&self) -> bool {
        self.mailer.as_ref().is_some_and(Mailer::shows_keys)
    }

    fn write(&self, letter: Letter) {
        if let Some(mailer) = &self.mailer {
            mailer.write(&letter);
        }
    }
}
