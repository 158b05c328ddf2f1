//! Every fault of the simulator, whole and streamed, relayed and translated, for clients of both formats.
//!
//! Laws: a call ends as a complete answer or as an error in the client's own format, never silently; a stream that was
//! begun is settled exactly once, and not for nothing. What exactly each fault becomes stands in
//! `fixtures/faults.txt`; `UPDATE=1` writes it anew.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::future::join_all;
use llm_client::engine::Open;
use llm_client::{Answer, Engine, Failure};
use llm_simulator::Running;
use llm_types::{Error, Format};
use serde_json::{Value, json};

use crate::support::{Heard, ask, deployment, drain, hear, http, routed, sim, within};

const FAULTS: &[&str] = &[
    "fault=400",
    "fault=401",
    "fault=403",
    "fault=404",
    "fault=408",
    "fault=413",
    "fault=422",
    "fault=429",
    "fault=500",
    "fault=502",
    "fault=503",
    "fault=504",
    "fault=529",
    "fault=context",
    "fault=policy",
    "fault=quota",
    "fault=empty",
    "fault=html",
    "fault=slow delay_ms=60000",
    "fault=close",
    "fault=reset",
    "fault=reset after=1",
    "fault=garbage",
    "fault=gzip",
    "fault=wrong-type",
    "fault=malformed",
    "fault=malformed after=0",
    "fault=error-event",
    "fault=error-event after=0",
    "fault=cut",
    "fault=cut after=0",
    "fault=half-close",
    "fault=half-close after=0",
    "fault=stall",
    "fault=stall after=0",
    "fault=end-early",
    "fault=end-early after=0",
    "fault=no-end",
    "fault=double-end",
    "fault=oversized-line size=100000",
    "no_usage=true",
];

/// Faults that end by our patience only.
fn waits(fault: &str) -> bool {
    fault.contains("slow") || fault.contains("stall")
}

struct Case {
    client: Format,
    provider: &'static str,
    lane: &'static str,
}

const CASES: [Case; 4] = [
    Case { client: Format::OpenAiChat, provider: "openai/gpt-4o", lane: "chat relayed" },
    Case { client: Format::OpenAiChat, provider: "anthropic/claude-sonnet-4-5", lane: "chat translated" },
    Case { client: Format::AnthropicMessages, provider: "anthropic/claude-sonnet-4-5", lane: "messages relayed" },
    Case { client: Format::AnthropicMessages, provider: "openai_like/gpt-4o", lane: "messages translated" },
];

fn towards(sim: &Running, provider: &str) -> Engine {
    let v1 = if provider.starts_with("anthropic/") { "" } else { "/v1" };
    let params = json!({ "model": provider, "api_base": format!("{}{v1}", sim.base_url()) });
    routed(vec![deployment("a", "smart", &params)], &json!({ "num_retries": 0, "disable_cooldowns": true }))
}

async fn outcome(engine: &Engine, format: Format, fault: &str, stream: bool) -> String {
    let mut call = ask(format, &format!("one two three [[sim {fault}]]"), stream);
    if waits(fault) {
        call.controls.timeout = Some(Duration::from_millis(400));
    }
    let http = http();
    match within(engine.answer(&http, &call, &Open)).await {
        Err(Failure { error, last, .. }) => {
            assert!(last.is_some(), "an attempt was made");
            refusal(format, &error)
        }
        Ok(Answer::Bytes { .. }) => panic!("bytes for a conversation"),
        Ok(Answer::Whole { body, report, .. }) => {
            let text = whole_text(format, &body);
            assert!(!report.usage.is_empty() && !report.interrupted && report.error.is_none());
            format!("whole {:?}{}", shown(&text), estimated(report.estimated))
        }
        Ok(Answer::Stream { body, .. }) => {
            let (bytes, reports) = drain(body).await;
            let [report] = reports.as_slice() else { panic!("{fault}: {} reports", reports.len()) };
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let heard = hear(format, &text);
            assert!(!report.interrupted, "{fault}: the client read to the end");
            assert!(
                heard.text.is_empty() || !report.usage.is_empty(),
                "{fault}: something was written, nothing is billed"
            );
            let end = stream_end(format, &heard, report.error.as_ref(), &text);
            format!("stream {:?} {end}{}", shown(&heard.text), estimated(report.estimated))
        }
    }
}

/// How the stream ended for the client, which must be what the report says.
fn stream_end(format: Format, heard: &Heard, error: Option<&Error>, text: &str) -> String {
    let bad = if heard.unreadable > 0 { format!(" ({} unreadable)", heard.unreadable) } else { String::new() };
    match (&heard.error, error) {
        (None, None) => {
            assert!(heard.finish.is_some() && heard.ends > 0, "a silent end: {text}");
            let twice = if heard.ends > 1 { " twice" } else { "" };
            format!("complete{twice}{bad}")
        }
        (Some(shown), Some(error)) => {
            assert!(shown["message"].as_str().is_some_and(|m| !m.is_empty()), "{text}");
            assert!(shown.get("type").is_some(), "{text}"); // null where LiteLLM says null
            assert_eq!(heard.finish, None, "an error behind a finished answer: {text}");
            let last = crate::support::events(text).pop().unwrap();
            assert!(last.data.contains("\"error\"") || last.data == "[DONE]", "something follows the error: {text}");
            assert!(format == Format::OpenAiChat || heard.ends == 0, "message_stop behind an error: {text}");
            format!("then {} {:?}{bad}", error.status(), error.kind)
        }
        (heard, error) => panic!("the client heard {heard:?}, the report says {error:?}: {text}"),
    }
}

/// An error in the client's own words.
fn refusal(format: Format, error: &Error) -> String {
    let codec = llm_wire::registry::client_generate(format).unwrap();
    let mut out = BytesMut::new();
    codec.encode_error(error, &mut out);
    let body: Value = serde_json::from_slice(&out).unwrap();
    assert!(body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{body}");
    assert!(body["error"].get("type").is_some(), "{body}"); // null where LiteLLM says null
    assert_eq!(format == Format::AnthropicMessages, body["type"] == "error", "{body}");
    assert!(error.status() >= 400);
    format!("refused {} {:?}", error.status(), error.kind)
}

fn whole_text(format: Format, body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap();
    let text = match format {
        Format::OpenAiChat => &json["choices"][0]["message"]["content"],
        _ => &json["content"][0]["text"],
    };
    text.as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

/// Long texts by their length.
fn shown(text: &str) -> String {
    if text.len() > 200 { format!("{} bytes", text.len()) } else { text.to_owned() }
}

fn estimated(yes: bool) -> &'static str {
    if yes { " (usage estimated)" } else { "" }
}

#[tokio::test]
async fn every_fault_ends_as_the_table_says() {
    let sim = sim().await;
    let mut table = String::new();
    for case in CASES {
        let engine = &towards(&sim, case.provider);
        for stream in [false, true] {
            writeln!(table, "# {}, {}", case.lane, if stream { "streamed" } else { "whole" }).unwrap();
            let ends = join_all(FAULTS.iter().map(|fault| outcome(engine, case.client, fault, stream))).await;
            for (fault, end) in FAULTS.iter().zip(ends) {
                writeln!(table, "{:<30} {end}", fault.trim_start_matches("fault=")).unwrap();
            }
            table.push('\n');
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/faults.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    for (now, then) in table.lines().zip(known.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(table.lines().count(), known.lines().count());
}
