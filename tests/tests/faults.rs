//! The fault table: whatever a provider does, the client gets a complete answer or a proper error; a stream never ends
//! silently, and nothing hangs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "faults/continued.rs"]
mod continued;
#[path = "faults/table.rs"]
mod table;

use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Event, Gateway, Reply, joined_text};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models";

/// What a client may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// An HTTP error before any content, with a body in the format of the route.
    HttpError(u16),
    /// Status 200 and everything to the end marker (or a whole body).
    Complete,
    /// Status 200, then an error event as the last one.
    ErrorEvent,
    /// Status 200 with a whole body that is an error object: a provider's own, forwarded.
    ErrorBody,
}

/// Reads a reply and checks the law: it is one of [`Seen`], or the test fails.
fn classify(reply: &Reply, stream: bool, what: &str) -> Seen {
    assert!(reply.complete, "{what}: the connection broke instead of telling; body: {}", reply.text());
    if reply.status != 200 {
        let body = reply.json();
        assert!(body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{what}: {}", reply.text());
        return Seen::HttpError(reply.status);
    }
    if !stream {
        let body = reply.json();
        assert!(body.is_object(), "{what}: a broken 200: {}", reply.text());
        return if body.get("error").is_some_and(|e| !e.is_null()) { Seen::ErrorBody } else { Seen::Complete };
    }
    let events = reply.events();
    let first_end = events.iter().position(|e| e.is_error() || e.is_end());
    let first_end = first_end.unwrap_or_else(|| panic!("{what}: ended silently: {}", reply.text()));
    let failed = events[first_end].is_error();
    // a provider's doubled end marker may be forwarded; nothing else follows an end, and nothing at all an error,
    // but for the end marker behind a response that failed
    let rest = &events[first_end + 1..];
    let may_follow = !failed || events[first_end].name.as_deref() == Some("response.failed");
    assert!(rest.iter().all(|e| e.is_end() && may_follow), "{what}: it went on after its end: {}", reply.text());
    for event in events.iter().filter(|e| e.data != "[DONE]") {
        assert!(event.json().is_object(), "{what}: not JSON: {}", event.data);
    }
    if failed { Seen::ErrorEvent } else { Seen::Complete }
}

fn assert_error_event(event: &Event, path: &str, what: &str) {
    let json = event.json();
    assert!(event.error()["message"].as_str().is_some_and(|m| !m.is_empty()), "{what}: {json}");
    if path == GEMINI {
        assert!(json["error"]["code"].is_u64() && json["error"]["status"].is_string(), "{what}: {json}");
    } else if path == RESPONSES && json["type"] == "response.failed" {
        assert_eq!(json["response"]["status"], "failed", "{what}: {json}");
        assert!(json["response"]["error"]["code"].is_string(), "{what}: {json}");
    } else if path == MESSAGES || path == RESPONSES {
        assert_eq!((event.name.as_deref(), &json["type"]), (Some("error"), &json!("error")), "{what}: {json}");
    } else {
        assert!(json["error"]["code"].is_string(), "{what}: {json}");
    }
}

/// The deployments of the table: `openai/...`, `anthropic/...` and `azure/...` with short timeouts.
async fn started() -> (Running, Gateway) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let short = ["timeout: 3", "stream_timeout: 3"];
    let config = Config::empty(&sim)
        .model("openai/*", "openai/*", &short)
        .model("anthropic/*", "anthropic/*", &short)
        .model("cerebras/*", "cerebras/*", &short)
        .model("azure/*", "azure/*", &["timeout: 3", "stream_timeout: 3", "api_version: '2024-10-21'"])
        .router("disable_cooldowns: true");
    (sim, Gateway::start(&config.yaml()).await.unwrap())
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 1000,
           "messages": [{"role": "user", "content": "count to eight"}]})
}

/// The same wish in the words of the path's clients, and the path.
fn put(path: &str, model: &str, stream: bool) -> (String, Value) {
    let text = "count to eight";
    match path {
        RESPONSES => {
            (path.to_owned(), json!({"model": model, "stream": stream, "max_output_tokens": 1000, "input": text}))
        }
        GEMINI => {
            let verb = if stream { "streamGenerateContent" } else { "generateContent" };
            let contents = json!([{"role": "user", "parts": [{"text": text}]}]);
            (
                format!("{path}/{model}:{verb}"),
                json!({"contents": contents, "generationConfig": {"maxOutputTokens": 1000}}),
            )
        }
        _ => (path.to_owned(), ask(model, stream)),
    }
}

/// Plays one fault over providers and client formats.
async fn play(
    (sim, gateway): &(Running, Gateway),
    fault: &str,
    after: Option<usize>,
    stream: bool,
    check: impl Fn(Seen, &Reply, &str),
) {
    for (models, path) in [
        (["openai/gpt-4o", "anthropic/claude-sonnet-4-5"], CHAT),
        (["azure/gpt", "anthropic/claude-sonnet-4-5"], MESSAGES),
        (["cerebras/llama-4", "anthropic/claude-sonnet-4-5"], RESPONSES),
        (["openai/gpt-4o", "anthropic/claude-sonnet-4-5"], GEMINI),
    ] {
        for model in models {
            sim.reset();
            let parsed = fault.parse::<Fault>().unwrap();
            // a late head is later than every timeout here
            let delay_ms = if parsed == Fault::Slow { Some(10_000) } else { None };
            // with a gap, what was sent before a break has arrived before it
            let script = Script { chunks: Some(8), gap_ms: Some(15), after, delay_ms, ..Script::fault(parsed) };
            sim.script(Match::any(), script);
            let what = format!("{fault} after {after:?} from {model} on {path}, stream={stream}");
            let (place, body) = put(path, model, stream);
            let reply = gateway.ask(&place, &body).await.unwrap_or_else(|e| panic!("{what}: {e:#}"));
            let seen = classify(&reply, stream, &what);
            if seen == Seen::ErrorEvent {
                assert_error_event(reply.events().iter().find(|e| e.is_error()).unwrap(), path, &what);
            }
            check(seen, &reply, &what);
        }
    }
    // the gateway itself took no harm
    sim.reset();
    let reply = gateway.ask(CHAT, &ask("openai/gpt-4o", stream)).await.unwrap();
    assert_eq!(classify(&reply, stream, "after the faults"), Seen::Complete);
}

#[tokio::test]
async fn statuses_stay_statuses() {
    let pair = started().await;
    for (fault, statuses) in [
        ("401", &[401][..]),
        ("404", &[404]),
        ("429", &[429]),
        ("500", &[500]),
        // Anthropic's overload is an internal error of the provider for LiteLLM, whatever its status
        ("503", &[500, 503]),
        ("529", &[500, 529]),
        ("context", &[400]),
        ("empty", &[500]),
        ("html", &[502]),
    ] {
        for stream in [false, true] {
            play(&pair, fault, None, stream, |seen, reply, what| match seen {
                Seen::HttpError(status) => assert!(statuses.contains(&status), "{what}: {}", reply.text()),
                other => panic!("{what}: {other:?}"),
            })
            .await;
        }
    }
}

#[tokio::test]
async fn no_usable_response_is_a_server_error() {
    let pair = started().await;
    for fault in ["close", "reset", "garbage", "gzip", "wrong-type"] {
        for stream in [false, true] {
            play(&pair, fault, None, stream, |seen, reply, what| match seen {
                Seen::HttpError(status) => assert!(status >= 500, "{what}: {status} {}", reply.text()),
                // with the head already sent, an error event says it as well
                Seen::ErrorEvent => {}
                other => panic!("{what}: nothing was received, yet {other:?}: {}", reply.text()),
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_server_error() {
    let (sim, gateway) = started().await;
    sim.pause().await;
    for stream in [false, true] {
        let reply = gateway.ask(CHAT, &ask("openai/gpt-4o", stream)).await.unwrap();
        let seen = classify(&reply, stream, "refused");
        assert!(matches!(seen, Seen::HttpError(500..)), "{seen:?}: {}", reply.text());
    }
    sim.resume().await.unwrap();
    let reply = gateway.ask(CHAT, &ask("openai/gpt-4o", false)).await.unwrap();
    assert_eq!(classify(&reply, false, "after the pause"), Seen::Complete);
}

#[tokio::test]
async fn broken_whole_bodies_are_errors() {
    let pair = started().await;
    for (fault, after) in
        [("malformed", None), ("error-event", None), ("cut", None), ("half-close", None), ("reset", Some(1))]
    {
        play(&pair, fault, after, false, |seen, reply, what| {
            let forwarded = seen == Seen::ErrorBody && what.starts_with("error-event");
            assert!(forwarded || matches!(seen, Seen::HttpError(_)), "{what}: {seen:?} {}", reply.text());
        })
        .await;
    }
}

#[tokio::test]
async fn silence_is_a_timeout() {
    // each call waits for its limit, so the kinds of silence go side by side, each at a gateway of its own
    let unanswered = async |fault, stream| {
        play(&started().await, fault, None, stream, |seen, reply, what| match seen {
            Seen::HttpError(status) => assert!([408, 504].contains(&status), "{what}: {status} {}", reply.text()),
            other => panic!("{what}: {other:?} {}", reply.text()),
        })
        .await;
    };
    let broken_off = async {
        play(&started().await, "stall", Some(3), true, |seen, reply, what| {
            assert_eq!(seen, Seen::ErrorEvent, "{what}: {}", reply.text());
            assert!(!joined_text(&reply.events()).is_empty(), "{what}: what came before is delivered");
        })
        .await;
    };
    tokio::join!(unanswered("slow", false), unanswered("slow", true), unanswered("stall", false), broken_off);
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_event() {
    let pair = started().await;
    for fault in ["cut", "reset", "half-close", "error-event"] {
        for after in [1, 3, 7] {
            play(&pair, fault, Some(after), true, |seen, reply, what| {
                // a gateway that looks at the first chunks before it commits may still give a status
                let early = after == 1 && matches!(seen, Seen::HttpError(500..));
                assert!(early || seen == Seen::ErrorEvent, "{what}: {seen:?} {}", reply.text());
                let words = joined_text(&reply.events()).split_whitespace().count();
                assert!(words <= after, "{what}: {words} words");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_error_before_content_is_an_http_error() {
    let pair = started().await;
    play(&pair, "error-event", Some(0), true, |seen, reply, what| {
        assert!(matches!(seen, Seen::HttpError(_) | Seen::ErrorEvent), "{what}: {seen:?} {}", reply.text());
    })
    .await;
}

#[tokio::test]
async fn odd_ends_are_complete_or_an_error() {
    let pair = started().await;
    for fault in ["double-end", "no-end", "end-early", "malformed"] {
        play(&pair, fault, Some(3), true, |seen, reply, what| {
            let text = joined_text(&reply.events());
            match seen {
                // everything was sent but the marker: a gateway may take it as complete, then with the whole text
                Seen::Complete if fault.ends_with("-end") => assert!(text.ends_with("word3"), "{what}: {text}"),
                Seen::Complete => assert!(text.starts_with("You said:"), "{what}: {text}"),
                Seen::ErrorEvent => assert_ne!(fault, "double-end", "{what}: nothing was missing"),
                other => panic!("{what}: {other:?} {}", reply.text()),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_very_long_line_passes_or_is_refused_loudly() {
    let pair = started().await;
    play(&pair, "oversized-line", Some(2), true, |seen, reply, what| {
        let longest = joined_text(&reply.events()).len();
        assert!(seen == Seen::ErrorEvent || longest > 2 << 20, "{what}: {seen:?} with {longest} bytes");
    })
    .await;
}
