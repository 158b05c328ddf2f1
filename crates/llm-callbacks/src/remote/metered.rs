//! Services that bill by what is used: an event for each call that was answered and belongs to somebody.
//!
//! Facts: Lago's `POST /api/v1/events/batch`, OpenMeter's `POST /api/v1/events` (CloudEvents); fields as LiteLLM fills them. An event
//! has the call's id, so that one that is sent twice counts once.

use std::sync::Arc;

use chrono::DateTime;
use llm_types::record::Status;
use llm_types::{Json, LogRecord};

use super::endpoint::Fields;

/// Lago's body: whose call it was says `LAGO_API_CHARGE_BY`.
pub(super) fn lago(batch: &[Arc<LogRecord>], fields: &Fields) -> Option<Vec<u8>> {
    let event = |record: &Arc<LogRecord>| {
        let caller = &record.caller;
        let whose = match fields.get("LAGO_API_CHARGE_BY") {
            "team_id" => caller.team_id.as_deref(),
            "user_id" => caller.user_id.as_deref(),
            _ => caller.end_user.as_deref(),
        };
        let properties = figures("response_cost", record);
        Some(Json::object([
            ("transaction_id", Json::from(once(record))),
            ("external_subscription_id", Json::from(of(record, whose)?)),
            ("code", Json::from(fields.get("LAGO_API_EVENT_CODE"))),
            ("timestamp", Json::from(record.end_us.div_euclid(1_000_000))),
            ("properties", properties),
        ]))
    };
    let events: Vec<Json> = batch.iter().filter_map(event).collect();
    (!events.is_empty()).then(|| Json::object([("events", Json::Array(events))]).to_string().into_bytes())
}

/// OpenMeter's body: the user that the client names, else the key's.
pub(super) fn openmeter(batch: &[Arc<LogRecord>], fields: &Fields) -> Option<Vec<u8>> {
    let trusted = !fields.get("OPENMETER_TRUST_REQUEST_USER").eq_ignore_ascii_case("false");
    let event = |record: &Arc<LogRecord>| {
        let caller = &record.caller;
        let named = caller.end_user.as_deref().filter(|_| trusted);
        let at = DateTime::from_timestamp_micros(record.end_us).unwrap_or_default();
        Some(Json::object([
            ("specversion", Json::from("1.0")),
            ("type", Json::from(fields.get("OPENMETER_EVENT_TYPE"))),
            ("id", Json::from(once(record))),
            ("time", Json::from(at.to_rfc3339())),
            ("subject", Json::from(of(record, named.or(caller.user_id.as_deref()))?)),
            ("source", Json::from("litellm-proxy")),
            ("data", figures("cost", record)),
        ]))
    };
    let events: Vec<Json> = batch.iter().filter_map(event).collect();
    (!events.is_empty()).then(|| Json::Array(events).to_string().into_bytes())
}

/// An id of the event that stays the same when it is sent again, and that no client can give to two calls.
fn once(record: &LogRecord) -> String {
    format!("{}-{}-{}", record.call_id, record.start_us, record.end_us)
}

/// Somebody whose call was answered.
fn of<'t>(record: &LogRecord, whose: Option<&'t str>) -> Option<&'t str> {
    whose.filter(|whose| !whose.is_empty() && record.status == Status::Success)
}

fn figures(cost: &'static str, record: &LogRecord) -> Json {
    Json::object([
        ("model", Json::from(&*record.model)),
        (cost, Json::from(record.cost.total)),
        ("prompt_tokens", Json::from(record.usage.total_input())),
        ("completion_tokens", Json::from(record.usage.total_output())),
        ("total_tokens", Json::from(record.usage.total_tokens())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_nobody_and_calls_that_failed_are_not_billed() {
        let mut own = crate::testing::answered(1);
        (own.caller.end_user, own.caller.user_id) = (Some("customer".into()), Some("user".into()));
        let mut nobody = crate::testing::answered(2);
        (nobody.caller.end_user, nobody.caller.user_id) = (None, None);
        let mut failed = crate::testing::failed(3);
        failed.caller.end_user = Some("customer".into());
        let batch = [own, nobody, failed].map(Arc::new);
        let fields = Fields::of(&[("LAGO_API_EVENT_CODE", "tokens"), ("LAGO_API_CHARGE_BY", "end_user_id")]);
        let body: Json = serde_json::from_slice(&lago(&batch, &fields).unwrap()).unwrap();
        let events = body.get("events").and_then(Json::as_array).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].text("external_subscription_id"), Some("customer"));
        assert!(lago(&batch[1..], &fields).is_none());
        let subject = |trust| {
            let fields = Fields::of(&[("OPENMETER_TRUST_REQUEST_USER", trust)]);
            let events: Json = serde_json::from_slice(&openmeter(&batch, &fields).unwrap()).unwrap();
            events.as_array().unwrap()[0].text("subject").unwrap().to_owned()
        };
        assert_eq!((subject("true"), subject("false")), ("customer".to_owned(), "user".to_owned()));
    }
}
