//! A message to everybody who looks at the pages.

use llm_store::defaults::new_id;
use llm_types::Json;

use crate::Accounts;
use crate::keys::{Actor, bad};
use crate::request::{Outcome, body};

const ROW: &str = "user_banner";

/// Characters of a message.
const LONGEST: usize = 4000;

const SEVERITIES: [&str; 3] = ["info", "warning", "error"];

body! {
    /// `PATCH /update/user_banner`.
    struct BannerBody {
        enabled: bool,
        message: String,
        severity: String,
    }
}

fn banner(enabled: bool, message: &str, severity: &str, revision: &str) -> Json {
    Json::object([
        ("enabled", Json::from(enabled)),
        ("message", Json::from(message)),
        ("severity", Json::from(severity)),
        ("revision", Json::from(revision)),
    ])
}

impl Accounts {
    /// `GET /get/user_banner`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn user_banner(&self) -> Outcome<Json> {
        let there = self.stored_ui(ROW).await?;
        let enabled = there.get("enabled").and_then(Json::as_bool).unwrap_or_default();
        let text = |name: &str, usual| there.text(name).unwrap_or(usual).to_owned();
        Ok(banner(enabled, &text("message", ""), &text("severity", "info"), &text("revision", "")))
    }

    /// `PATCH /update/user_banner`: publishes a message, or takes it back. Each has a revision of its own, so that people who
    /// put one away see the next.
    ///
    /// # Errors
    /// 400 for an empty or too long message and for unknown severities.
    pub async fn set_user_banner(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = BannerBody::read(body)?;
        let enabled = asked.enabled.flatten().unwrap_or_default();
        let message = asked.message.flatten().unwrap_or_default();
        let severity = asked.severity.flatten().unwrap_or_else(|| "info".to_owned());
        if enabled && message.trim().is_empty() {
            return Err(bad("message must be non-empty when the banner is enabled").with_param("message").into());
        }
        if message.chars().count() > LONGEST {
            return Err(bad(format!("message: at most {LONGEST} characters")).with_param("message").into());
        }
        if !SEVERITIES.contains(&severity.as_str()) {
            let why = format!("severity: one of {}", SEVERITIES.join(", "));
            return Err(bad(why).with_param("severity").into());
        }
        let banner = banner(enabled, &message, &severity, &new_id().replace('-', ""));
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write_ui(&mut tx, actor, ROW, &banner).await?;
        tx.commit().await?;
        Ok(Json::object([("message", Json::from("User banner updated successfully")), ("banner", banner)]))
    }
}
