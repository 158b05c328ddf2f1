//! E-mail to people: invitations, keys, budgets. Taken without waiting, sent one by one; what cannot be sent is logged and
//! counted. Nobody waits for a mail server.

mod letters;
mod services;
mod smtp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use llm_http::Transport;
use llm_types::Secret;
use llm_types::alert::BudgetAlert;
use llm_types::letter::Letter;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::desk::Desk;
use crate::callback::SinkError;
pub use smtp::Smtp;

/// Letters that may wait.
const CAPACITY: usize = 1000;
/// How often a letter is tried.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt; later ones are longer.
const PAUSE: Duration = Duration::from_millis(500);

/// How letters leave the house, and what they look like.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The way out.
    pub way: MailWay,
    /// The sender, `a@x.org` or `Name <a@x.org>`.
    pub from: String,
    /// Where people find the gateway (`PROXY_BASE_URL`), without a slash at the end.
    pub base_url: Option<String>,
    /// A picture above the text (`EMAIL_LOGO_URL`).
    pub logo: Option<String>,
    /// Whom to ask (`EMAIL_SUPPORT_CONTACT`).
    pub support: Option<String>,
    /// What stands at the end (`EMAIL_SIGNATURE`), plain text.
    pub signature: Option<String>,
    /// The subject of invitations (`EMAIL_SUBJECT_INVITATION`).
    pub subject_invitation: Option<String>,
    /// The subject of letters about new keys (`EMAIL_SUBJECT_KEY_CREATED`).
    pub subject_key_created: Option<String>,
    /// Keys stand in the letters about them (`EMAIL_INCLUDE_API_KEY`).
    pub include_key: bool,
}

/// The way out.
#[derive(Debug, Clone)]
pub enum MailWay {
    /// A mail server.
    Smtp(Smtp),
    /// Resend, at this address of its API.
    Resend {
        /// Its key.
        key: Secret,
        /// `https://api.resend.com`.
        base: String,
    },
    /// SendGrid, at this address of its API.
    SendGrid {
        /// Its key.
        key: Secret,
        /// `https://api.sendgrid.com`.
        base: String,
    },
}

/// A letter, written.
#[derive(Debug, Clone)]
struct Mail {
    to: String,
    subject: String,
    text: String,
    html: String,
}

/// What sends letters.
struct Carrier {
    settings: MailSettings,
    http: Arc<dyn Transport>,
}

impl Carrier {
    async fn send(&self, mail: &Mail) -> Result<(), SinkError> {
        let from = &self.settings.from;
        match &self.settings.way {
            MailWay::Smtp(smtp) => smtp.send(from, mail).await,
            MailWay::Resend { key, base } => services::resend(&*self.http, (base, key), from, mail).await,
            MailWay::SendGrid { key, base } => services::sendgrid(&*self.http, (base, key), from, mail).await,
        }
    }

    /// Sends until it is taken, a few times; false when it never was.
    async fn deliver(&self, mail: &Mail) -> bool {
        for attempt in 1..=ATTEMPTS {
            let Err(error) = self.send(mail).await else { return true };
            if !error.retryable || attempt == ATTEMPTS {
                tracing::error!(subject = mail.subject, problem = error.message, "an e-mail could not be sent");
                return false;
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        false
    }
}

/// Takes letters and sends them, in the order in which they came.
pub(super) struct Mailer {
    desk: Desk<Mail>,
    carrier: Arc<Carrier>,
    sent: Arc<AtomicU64>,
}

impl Mailer {
    /// Whether keys stand in letters.
    pub(super) fn shows_keys(&self) -> bool {
        self.carrier.settings.include_key
    }

    /// Starts the task that sends letters, on `background`.
    pub(super) fn start(settings: MailSettings, http: Arc<dyn Transport>, background: &Handle) -> Self {
        let carrier = Arc::new(Carrier { settings, http });
        let sent = Arc::<AtomicU64>::default();
        let (sender, count) = (Arc::clone(&carrier), Arc::clone(&sent));
        let desk = Desk::start(CAPACITY, background, |letters, lost| run(sender, letters, lost, count));
        Self { desk, carrier, sent }
    }

    /// Takes a letter about an account.
    pub(super) fn write(&self, letter: &Letter) {
        self.desk.take(letters::of_account(letter, &self.carrier.settings));
    }

    /// Takes the letters about a budget, one for each who has to hear of it.
    pub(super) fn tell(&self, alert: &BudgetAlert, at: DateTime<Utc>) {
        for to in &alert.people {
            self.desk.take(letters::of_budget(alert, to, at, &self.carrier.settings));
        }
    }

    /// Sends a letter that says nothing, now, once.
    ///
    /// # Errors
    /// Why it was not sent.
    pub(super) async fn try_out(&self, to: &str) -> Result<(), String> {
        let mail = letters::trial(to, &self.carrier.settings);
        self.carrier.send(&mail).await.map_err(|error| error.message)
    }

    /// Letters that were sent, and those that were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.desk.lost())
    }

    pub(super) async fn shutdown(&self, deadline: Duration) {
        self.desk.shutdown(deadline, "e-mails").await;
    }
}

async fn run(carrier: Arc<Carrier>, mut letters: mpsc::Receiver<Mail>, lost: Arc<AtomicU64>, sent: Arc<AtomicU64>) {
    while let Some(mail) = letters.recv().await {
        let count = if carrier.deliver(&mail).await { &sent } else { &lost };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
