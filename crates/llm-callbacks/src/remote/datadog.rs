//! Datadog: a log for each call.
//!
//! Facts: Datadog's intake, `POST /api/v2/logs`, at most 1,000 logs and 5 MB; names and tags as LiteLLM writes them.

use std::sync::Arc;

use llm_types::record::Status;
use llm_types::{Json, LogRecord};

use super::endpoint::Fields;
use crate::payload;
use crate::redact::Redaction;

/// The body for these records.
pub(super) fn body(batch: &[Arc<LogRecord>], redaction: &Redaction, fields: &Fields) -> Vec<u8> {
    let log = |record: &Arc<LogRecord>| {
        Json::object([
            ("ddsource", Json::from(fields.get("DD_SOURCE"))),
            ("ddtags", Json::from(tags(record, redaction, fields))),
            ("hostname", Json::from(fields.get("HOSTNAME"))),
            ("message", Json::from(payload::payload(record, redaction))),
            ("service", Json::from(fields.get("DD_SERVICE"))),
            ("status", Json::from(if record.status == Status::Success { "info" } else { "error" })),
        ])
    };
    Json::Array(batch.iter().map(log).collect()).to_string().into_bytes()
}

fn tags(record: &LogRecord, redaction: &Redaction, fields: &Fields) -> String {
    let own = [
        ("env", "DD_ENV"),
        ("service", "DD_SERVICE"),
        ("version", "DD_VERSION"),
        ("HOSTNAME", "HOSTNAME"),
        ("POD_NAME", "POD_NAME"),
    ];
    let own = own.into_iter().map(|(name, variable)| format!("{name}:{}", fields.get(variable)));
    let of_call = record.tags.iter().map(|tag| format!("request_tag:{}", plain(tag)));
    let caller = &record.caller;
    let team = caller.team_alias.as_deref().or(caller.team_id.as_deref()).filter(|_| !redaction.caller);
    let team = team.map(|team| format!("team:{}", plain(team)));
    own.chain(of_call).chain(team).collect::<Vec<_>>().join(",")
}

/// A tag of Datadog's: commas would begin another one.
fn plain(text: &str) -> String {
    let fine = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '/') { c } else { '_' };
    text.chars().take(200).map(fine).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_the_payload_and_tags_that_are_one_each() {
        let mut record = crate::testing::answered(1);
        record.tags = vec!["a,b:1".to_owned()];
        record.caller.team_alias = Some("Red Team".into());
        let fields = Fields::of(&[("DD_SOURCE", "litellm"), ("DD_SERVICE", "s"), ("DD_ENV", "prod")]);
        let logs: Json = serde_json::from_slice(&body(&[Arc::new(record)], &Redaction::default(), &fields)).unwrap();
        let log = logs.as_array().unwrap()[0].clone();
        assert_eq!(
            (log.text("ddsource"), log.text("status"), log.text("service")),
            (Some("litellm"), Some("info"), Some("s"))
        );
        let wanted = "env:prod,service:s,version:,HOSTNAME:,POD_NAME:,request_tag:a_b:1,team:red_team";
        assert_eq!(log.text("ddtags"), Some(wanted));
        let told: Json = serde_json::from_str(log.text("message").unwrap()).unwrap();
        assert_eq!(told.text("status"), Some("success"));
    }
}
