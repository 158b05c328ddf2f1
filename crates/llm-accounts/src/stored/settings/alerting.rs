//! What can be said about alerts (`alerting_args`).

use llm_types::Json;

use super::GENERAL;
use crate::Accounts;
use crate::request::Outcome;

/// Name, type, meaning, what holds where nothing is said.
const FIELDS: &[(&str, &str, &str, f64)] = &[
    ("daily_report_frequency", "Integer", "Seconds between reports on deployments", 43_200.0),
    ("budget_alert_ttl", "Integer", "Seconds of silence after an alert of a budget", 86_400.0),
    ("outage_alert_ttl", "Integer", "Seconds within which failures of a deployment are counted", 60.0),
    ("minor_outage_alert_threshold", "Integer", "Failures within that time that are told", 5.0),
    ("major_outage_alert_threshold", "Integer", "Failures within that time that are told as an outage", 10.0),
];

impl Accounts {
    /// `GET /alerting/settings`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn alerting_settings(&self) -> Outcome<Json> {
        let stored = self.section_row(self.store_or_refuse()?.table(), GENERAL).await?;
        let stored = stored.get("alerting_args").cloned().unwrap_or_default();
        let general = self.serving()?.in_force(GENERAL);
        let told = general.get("alerting_args").cloned().unwrap_or_default();
        let slack = Json::from(general.texts("alerting").any(|channel| channel == "slack"));
        let switch = [
            ("field_name", Json::from("slack_alerting")),
            ("field_type", Json::from("Boolean")),
            ("field_description", Json::from("Alerts are told to Slack")),
            ("field_value", slack),
            ("field_default_value", Json::from(false)),
            ("premium_field", Json::from(false)),
            ("stored_in_db", Json::from(false)),
        ];
        let field = |(name, kind, what, usual): &(&str, &str, &str, f64)| {
            Json::object([
                ("field_name", Json::from(*name)),
                ("field_type", Json::from(*kind)),
                ("field_description", Json::from(*what)),
                ("field_value", told.get(name).cloned().unwrap_or_default()),
                ("field_default_value", Json::from(*usual)),
                ("premium_field", Json::from(false)),
                ("stored_in_db", Json::from(stored.get(name).is_some())),
            ])
        };
        Ok(Json::Array(std::iter::once(Json::object(switch)).chain(FIELDS.iter().map(field)).collect()))
    }
}
