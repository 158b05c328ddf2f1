//! How long an attempt may take.

use std::time::Duration;

use llm_client::Call;
use llm_simulator::{Fault, Gate, Match, Running, Script};
use llm_types::{Format, Kind, Side};
use serde_json::json;

use crate::support::{answer, ask, deployment, engine, hear, refused, sim};

const SHORT: Duration = Duration::from_millis(150);

fn openai(sim: &Running) -> llm_client::Engine {
    let params = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    engine(vec![deployment("a", "smart", &params)])
}

fn never() -> Script {
    Script { delay_ms: Some(600_000), ..Script::fault(Fault::Slow) }
}

fn hasty(stream: bool) -> Call {
    let mut call = ask(Format::OpenAiChat, "hi", stream);
    call.controls.timeout = Some(SHORT);
    call
}

#[tokio::test]
async fn no_head_in_time_is_408() {
    let sim = sim().await;
    sim.script(Match::any(), never());
    for stream in [false, true] {
        let error = refused(&openai(&sim), &hasty(stream)).await;
        assert_eq!((error.kind, error.status(), error.side), (Kind::Timeout, 408, Side::Upstream));
        assert!(error.message.starts_with("litellm.Timeout: "), "{error}");
    }
}

#[tokio::test]
async fn a_whole_answer_must_be_complete_in_time() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Stall));
    let error = refused(&openai(&sim), &hasty(false)).await;
    assert_eq!((error.kind, error.status()), (Kind::Timeout, 408));
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_an_error_event() {
    let sim = sim().await;
    let gate = Gate::new();
    sim.script(Match::any(), Script::text("one two three").gate(&gate));
    gate.release(2);
    let mut call = ask(Format::OpenAiChat, "hi", true);
    (call.controls.timeout, call.controls.stream_timeout) = (Some(Duration::from_secs(600)), Some(SHORT));
    let got = answer(&openai(&sim), &call).await.unwrap();
    let heard = hear(Format::OpenAiChat, &got.text());
    assert_eq!((heard.text.as_str(), heard.finish), ("one two ", None));
    assert!(heard.error.unwrap()["message"].as_str().unwrap().contains("litellm.Timeout"));
    let error = got.report.error.unwrap();
    assert_eq!((error.kind, error.status()), (Kind::Timeout, 408));
    assert!(!got.report.usage.is_empty() && got.report.estimated);
    assert_eq!(got.head.timeout, Some(SHORT.as_secs_f64()));
}

#[tokio::test]
async fn a_slow_client_is_not_a_slow_upstream() {
    let sim = sim().await;
    let engine = openai(&sim);
    let http = crate::support::http();
    let (mut body, reports) = crate::support::open(&engine, &http, &hasty(true)).await;
    tokio::time::sleep(SHORT * 3).await; // nobody waits for the next piece meanwhile
    while crate::support::piece(&mut body).await.is_some() {}
    drop(body);
    let report = reports.recv().unwrap();
    assert!(report.error.is_none() && !report.interrupted, "{:?}", report.error);
}

#[tokio::test]
async fn the_deployments_limit_holds_where_the_client_says_nothing() {
    let sim = sim().await;
    sim.script(Match::any(), never());
    let params = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    let mut own = deployment("a", "smart", &params);
    own.timeout = Some(SHORT);
    let error = refused(&engine(vec![own]), &ask(Format::OpenAiChat, "hi", false)).await;
    assert_eq!(error.kind, Kind::Timeout);
}

#[tokio::test]
async fn a_mocked_timeout_takes_the_time_of_the_limit() {
    let sim = sim().await;
    let mut call = hasty(false);
    call.controls.mock_timeout = true;
    let error = refused(&openai(&sim), &call).await;
    assert_eq!(error.kind, Kind::Timeout);
    assert!(sim.requests().is_empty(), "nothing is sent");
}

/// A deployment with a limit of one phase.
fn limited(base: &str, phases: llm_router::Phases) -> llm_client::Engine {
    let mut own = deployment("a", "smart", &json!({ "model": "openai/gpt-4o", "api_base": base }));
    own.phases = phases;
    engine(vec![own])
}

#[tokio::test]
async fn every_phase_has_a_limit_of_its_own() {
    use llm_router::{Phases, Seconds};
    let sim = sim().await;
    let base = format!("{}/v1", sim.base_url());
    let short = Some(Seconds(SHORT));
    let late = Script { first_ms: Some(600_000), ..Script::text("one") };
    let slow = Script { gap_ms: Some(60), ..Script::text("word ".repeat(100)) };
    let halting = Script { gap_ms: Some(600_000), ..Script::text("one two three") };
    // the limit, what the upstream does, streamed, whether something came before
    for (phases, script, stream, begun) in [
        (Phases { first_byte: short, ..Phases::default() }, never(), false, false),
        (Phases { first_byte: short, ..Phases::default() }, never(), true, false),
        (Phases { first_token: short, ..Phases::default() }, late.clone(), true, false),
        (Phases { idle: short, ..Phases::default() }, halting, true, true),
        (Phases { total: short, ..Phases::default() }, slow, true, true),
        (Phases { total: short, ..Phases::default() }, Script::fault(Fault::Stall), false, false),
    ] {
        sim.reset();
        sim.script(Match::any(), script);
        let engine = limited(&base, phases);
        let call = ask(Format::OpenAiChat, "hi", stream);
        let error = if begun {
            answer(&engine, &call).await.unwrap().report.error.unwrap()
        } else {
            refused(&engine, &call).await
        };
        assert_eq!((error.kind, error.status()), (Kind::Timeout, 408), "{phases:?} {error}");
        assert!(error.message.starts_with("litellm.Timeout: "), "{phases:?} {error}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_has_a_limit_too() {
    use llm_router::{Phases, Seconds};
    // takes connections and says nothing: the client waits for its handshake
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}/v1", deaf.local_addr().unwrap());
    for phases in [
        Phases { tls: Some(Seconds(SHORT)), ..Phases::default() },
        Phases { connect: Some(Seconds(SHORT)), ..Phases::default() },
    ] {
        let error = refused(&limited(&base, phases), &ask(Format::OpenAiChat, "hi", false)).await;
        assert_eq!((error.kind, error.status()), (Kind::Timeout, 408), "{phases:?} {error}");
    }
}
