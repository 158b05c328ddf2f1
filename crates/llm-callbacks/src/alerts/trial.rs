//! Trying out whether alerts arrive.

use chrono::Utc;
use llm_types::alert::{AlertType, BudgetAlert, BudgetEvent, Notice};
use llm_types::record::Caller;

use super::tell::post;
use super::{Alerts, text};

/// Where alerts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Slack-format webhooks.
    Slack,
    /// The webhook of Microsoft Teams.
    Teams,
    /// The JSON webhook.
    Webhook,
    /// Letters.
    Email,
}

/// Names of channels, as `GET /health/services` has them.
const NAMES: [(&str, Channel); 5] = [
    ("slack", Channel::Slack),
    ("slack_budget_alerts", Channel::Slack),
    ("ms_teams", Channel::Teams),
    ("webhook", Channel::Webhook),
    ("email", Channel::Email),
];

/// What is said of an address that took nothing.
const REFUSED: &str = "the webhook did not take it, see the log";

impl Channel {
    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The channel of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, channel)| *channel)
    }
}

impl Alerts {
    /// Sends an alert that means nothing, now; a letter to `to`. `None`: the channel is not in use.
    ///
    /// # Errors
    /// What did not take it, for people.
    pub async fn try_out(&self, channel: Channel, to: Option<&str>) -> Option<Result<(), String>> {
        match channel {
            Channel::Slack => self.try_slack().await,
            Channel::Teams => {
                let url = self.settings.teams.as_ref()?;
                let text = self.trial_text(AlertType::BudgetAlerts, "MS Teams");
                let taken = post(&*self.http, "ms_teams", url, &text::card(&text)).await;
                Some(if taken { Ok(()) } else { Err(REFUSED.to_owned()) })
            }
            Channel::Webhook => {
                let url = self.settings.webhook.as_ref()?;
                let taken = post(&*self.http, "webhook", url, &text::event(&trial())).await;
                Some(if taken { Ok(()) } else { Err(REFUSED.to_owned()) })
            }
            Channel::Email => {
                let mailer = self.mailer.as_ref()?;
                Some(match to {
                    Some(to) => mailer.try_out(to).await,
                    None => Err("TEST_EMAIL_ADDRESS is not set, and the caller has no address".to_owned()),
                })
            }
        }
    }

    fn trial_text(&self, kind: AlertType, channel: &str) -> String {
        let title = format!("This is a test {channel} alert message ({})", kind.name());
        text::notice(&Notice { kind, title, facts: Vec::new() }, Utc::now(), 1, self.settings.proxy_url.as_deref())
    }

    /// One message to each address: of the types that are told, or of all.
    async fn try_slack(&self) -> Option<Result<(), String>> {
        let settings = &self.settings;
        if settings.slack.is_empty() && settings.slack_of.is_empty() {
            return None;
        }
        let own = settings.slack_of.iter().filter(|(kind, _)| settings.types.contains(kind));
        let own = own.map(|(kind, urls)| (*kind, urls));
        let (mut tried, mut failed) = (0, 0);
        for (kind, urls) in own.chain([(AlertType::BudgetAlerts, &settings.slack)]) {
            let body = text::slack(&self.trial_text(kind, "slack"));
            for url in urls {
                tried += 1;
                failed += u32::from(!post(&*self.http, "slack", url, &body).await);
            }
        }
        Some(match failed {
            0 => Ok(()),
            failed => Err(format!("{failed} of {tried} addresses did not take it, see the log")),
        })
    }
}

/// The budget of nobody.
fn trial() -> BudgetAlert {
    BudgetAlert {
        event: BudgetEvent::Crossed,
        group: "user",
        id: "litellm:/health/services".to_owned(),
        caller: Caller { user_id: Some("litellm:/health/services".into()), ..Caller::default() },
        spend: 1.0,
        max_budget: Some(0.0),
        soft_budget: None,
        emails: Vec::new(),
        people: Vec::new(),
    }
}
