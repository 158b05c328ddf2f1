//! Payloads as files: `fixtures/payload/<case>.json`. `UPDATE=1` rewrites them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use llm_callbacks::Redaction;
use llm_callbacks::payload::payload;
use llm_callbacks::testing::{answered, failed};
use llm_types::{LogRecord, RawJson};

fn cases() -> Vec<(&'static str, LogRecord, Redaction)> {
    let mut cached = answered(3);
    (cached.cache_hit, cached.cache_key) = (Some(true), Some("key".to_owned()));
    cached.usage_raw = RawJson::parse(r#"{"total_tokens":35,"prompt_tokens":15}"#).ok();
    cached.guardrails = vec!["words".to_owned()];
    let mut stopped = failed(4);
    stopped.error.as_mut().unwrap().class = "GuardrailRaisedException";
    let all = Redaction {
        messages: true,
        errors: true,
        caller: true,
        excluded: vec!["hidden_params".to_owned()],
        ..Redaction::default()
    };
    vec![
        ("answered", answered(1), Redaction::default()),
        ("failed", failed(2), Redaction::default()),
        ("cached", cached, Redaction::default()),
        ("stopped", stopped, Redaction::default()),
        ("answered-redacted", answered(1), all.clone()),
        ("failed-redacted", failed(2), all),
    ]
}

#[test]
fn payloads_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/payload");
    for (name, record, redaction) in cases() {
        let text = payload(&record, &redaction);
        assert!(!text.contains('\n'), "{name}: one line");
        let tree: llm_types::Json = serde_json::from_str(&text).unwrap();
        let pretty = serde_json::to_string_pretty(&tree).unwrap() + "\n";
        let path = folder.join(format!("{name}.json"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &pretty).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), pretty, "{name}");
    }
}

#[test]
fn redaction_leaves_no_trace_of_content_and_caller() {
    for (name, record, redaction) in cases().into_iter().filter(|(name, ..)| name.ends_with("redacted")) {
        let text = payload(&record, &redaction);
        for word in ["secret words", "\"hash\"", "al\\\"ias", "hidden_params"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
        assert!(text.contains("redacted-by-litellm"));
    }
}

/// Fields that LiteLLM's integrations read.
#[test]
fn the_fields_of_litellm_are_there() {
    let tree: llm_types::Json = serde_json::from_str(&payload(&answered(1), &Redaction::default())).unwrap();
    let known = "id trace_id session_id litellm_call_id call_type stream response_cost cost_breakdown \
        response_cost_failure_debug_info status status_fields custom_llm_provider total_tokens prompt_tokens \
        completion_tokens startTime endTime completionStartTime response_time model_map_information model model_id \
        model_group api_base metadata cache_hit cache_key saved_cache_cost request_tags end_user requester_ip_address \
        user_agent messages model_parameters response error_str error_information hidden_params guardrail_information";
    for field in known.split_whitespace() {
        assert!(tree.get(field).is_some(), "{field}");
    }
}
