//! Retries and fallbacks, as the client sees them.

use llm_client::{Engine, Gate};
use llm_router::{Admit, RequestFallbacks};
use llm_simulator::{Fault, Match, Running, Script};
use llm_types::{Error, Format, Kind};
use serde_json::{Value, json};

use crate::support::{answer, answer_at, ask, deployment, hear, routed, sim};

/// Deployments `group/path`: the path tells in the simulator's log who was called.
fn house(sim: &Running, places: &[(&str, &str)], settings: &Value) -> Engine {
    let deployments = places.iter().map(|(group, path)| {
        let base = format!("{}/{path}/v1", sim.base_url());
        deployment(path, group, &json!({ "model": "openai/gpt-4o", "api_base": base }))
    });
    routed(deployments.collect(), settings)
}

fn called(sim: &Running) -> Vec<String> {
    sim.requests().iter().map(|r| r.path.split('/').nth(1).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_failure_is_tried_again_elsewhere() {
    for stream in [false, true] {
        let sim = sim().await;
        sim.queue(&Match::any(), [Script::fault(Fault::Status(503))]);
        let engine = house(&sim, &[("smart", "east"), ("smart", "west")], &json!({ "num_retries": 2 }));
        let got = answer(&engine, &ask(Format::OpenAiChat, "hi", stream)).await.unwrap();
        assert_eq!((got.head.retries, got.head.max_retries, got.head.fallbacks), (1, 2, 0));
        let mut places = called(&sim);
        assert_eq!(places.last().unwrap().as_str(), &*got.head.deployment.id);
        places.sort();
        assert_eq!(places, ["east", "west"]);
    }
}

#[tokio::test]
async fn an_only_deployment_is_tried_again_after_a_pause() {
    let sim = sim().await;
    let busy = Script { retry_after: Some(String::new()), ..Script::fault(Fault::Status(503)) };
    sim.queue(&Match::any(), [busy]);
    let engine = house(&sim, &[("smart", "east")], &json!({ "num_retries": 1 }));
    let got = answer(&engine, &ask(Format::OpenAiChat, "hi", false)).await.unwrap();
    assert_eq!((got.head.retries, sim.requests().len()), (1, 2));
}

#[tokio::test]
async fn an_error_before_the_first_content_is_retried_one_behind_it_is_not() {
    for (after, retried) in [(0, true), (1, false)] {
        let sim = sim().await;
        sim.queue(&Match::any(), [Script::fault(Fault::ErrorEvent).after(after)]);
        let engine = engine_of_claudes(&sim);
        let got = answer(&engine, &ask(Format::OpenAiChat, "hi", true)).await.unwrap();
        let heard = hear(Format::OpenAiChat, &got.text());
        assert_eq!(heard.error.is_none(), retried, "{heard:?}");
        assert_eq!((got.head.retries == 1, got.report.error.is_none()), (retried, retried));
        assert_eq!(sim.requests().len(), if retried { 2 } else { 1 });
    }
}

fn engine_of_claudes(sim: &Running) -> Engine {
    let at = |id: &str| {
        deployment(id, "smart", &json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": sim.base_url() }))
    };
    routed(vec![at("a"), at("b")], &json!({ "num_retries": 1 }))
}

#[tokio::test]
async fn a_group_falls_back_to_another() {
    for stream in [false, true] {
        let sim = sim().await;
        sim.script(Match::path("/east/"), Script::fault(Fault::Status(500)));
        let settings = json!({ "num_retries": 0, "fallbacks": [{ "smart": ["spare"] }] });
        let engine = house(&sim, &[("smart", "east"), ("spare", "south")], &settings);
        let got = answer(&engine, &ask(Format::OpenAiChat, "hi", stream)).await.unwrap();
        assert_eq!((got.head.fallbacks, &*got.head.deployment.id), (1, "south"));
        assert_eq!(called(&sim), ["east", "south"]);
    }
}

#[tokio::test]
async fn a_fallback_may_replace_fields_of_the_request() {
    let sim = sim().await;
    sim.script(Match::path("/east/"), Script::fault(Fault::Status(500)));
    let engine = house(&sim, &[("smart", "east"), ("spare", "south")], &json!({ "num_retries": 0 }));
    let mut call = ask(Format::OpenAiChat, "hi", false);
    let targets = r#"[{"model":"spare","temperature":0.25,"messages":[{"role":"user","content":"instead"}]}]"#;
    call.controls.fallbacks = Some(RequestFallbacks::parse(targets).unwrap());
    let got = answer(&engine, &call).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "You said: instead");
    let sent: Vec<Value> = sim.requests().iter().map(llm_simulator::Recorded::json).collect();
    assert_eq!((&sent[0]["temperature"], &sent[1]["temperature"]), (&Value::Null, &json!(0.25)));
    assert_eq!(sent[1]["model"], "gpt-4o");
}

#[tokio::test]
async fn when_all_fail_the_first_error_is_told() {
    let sim = sim().await;
    sim.script(
        Match::path("/east/"),
        Script { message: Some("east is closed".into()), ..Script::fault(Fault::Status(400)) },
    );
    sim.script(Match::path("/south/"), Script::fault(Fault::Status(503)));
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "smart": ["spare"] }] });
    let engine = house(&sim, &[("smart", "east"), ("spare", "south")], &settings);
    let failure = answer(&engine, &ask(Format::OpenAiChat, "hi", false)).await.unwrap_err();
    assert_eq!((failure.error.kind, failure.error.status()), (Kind::BadRequest, 400));
    for part in ["east is closed", "model group 'smart' failed", "The fallback 'spare' was attempted and failed too."] {
        assert!(failure.error.message.contains(part), "{}", failure.error);
    }
    let last = failure.last.unwrap();
    assert_eq!((&*last.deployment.id, last.sent, last.provider), ("south", true, "openai"));
    assert_eq!(called(&sim), ["east", "south"]);
}

#[tokio::test]
async fn nobody_listening_is_a_connection_error_that_sent_nothing() {
    let sim = sim().await;
    sim.pause().await;
    let engine = house(&sim, &[("smart", "east")], &json!({ "num_retries": 0 }));
    for stream in [false, true] {
        let failure = answer(&engine, &ask(Format::OpenAiChat, "hi", stream)).await.unwrap_err();
        assert_eq!((failure.error.kind, failure.error.status()), (Kind::Connection, 500));
        assert!(!failure.last.unwrap().sent);
    }
    sim.resume().await.unwrap();
    answer(&engine, &ask(Format::OpenAiChat, "hi", false)).await.unwrap();
}

struct Admits(Admit);

impl Gate for Admits {
    fn admit(&self) -> Option<Admit> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn a_fallback_that_the_caller_may_not_use_is_not_used() {
    let sim = sim().await;
    sim.script(Match::path("/east/"), Script::fault(Fault::Status(500)));
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "smart": ["spare", "poor"] }] });
    let engine = house(&sim, &[("smart", "east"), ("spare", "south"), ("poor", "north")], &settings);
    let call = ask(Format::OpenAiChat, "hi", false);
    let got = answer_at(&engine, &call, &Admits(Admit::new(|group| group != "spare"))).await.unwrap();
    assert_eq!(&*got.head.deployment.id, "north");
    let failure = answer_at(&engine, &call, &Admits(Admit::new(|_| false))).await.unwrap_err();
    assert_eq!(failure.error.status(), 500);
    assert_eq!(called(&sim), ["east", "north", "east"]);
}

#[tokio::test]
async fn an_injected_error_hits_the_requested_group_only() {
    let sim = sim().await;
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "smart": ["spare"] }] });
    let engine = house(&sim, &[("smart", "east"), ("spare", "south")], &settings);
    let mut call = ask(Format::OpenAiChat, "hi", false);
    call.controls.mock_error = Some(Error::new(Kind::RateLimit, "as you wish"));
    assert_eq!(&*answer(&engine, &call).await.unwrap().head.deployment.id, "south");
    call.controls.disable_fallbacks = true;
    assert_eq!(answer(&engine, &call).await.unwrap_err().error.message, "as you wish");
    assert_eq!(called(&sim), ["south"]);
}

#[tokio::test]
async fn a_model_that_nobody_serves_is_refused_without_an_attempt() {
    let sim = sim().await;
    let engine = house(&sim, &[("smart", "east")], &json!({}));
    let mut call = ask(Format::OpenAiChat, "hi", false);
    call.model = "smrt".into();
    let failure = answer(&engine, &call).await.unwrap_err();
    assert_eq!((failure.error.status(), failure.error.param.as_deref()), (400, None));
    assert!(failure.last.is_none() && sim.requests().is_empty());
}

#[tokio::test]
async fn retries_wished_by_the_client_are_made() {
    let sim = sim().await;
    sim.script(Match::any(), Script::fault(Fault::Status(503)));
    let engine = house(&sim, &[("smart", "east"), ("smart", "west"), ("smart", "mid"), ("smart", "far")], &json!({}));
    let mut call = ask(Format::OpenAiChat, "hi", false);
    call.controls.num_retries = Some(3);
    answer(&engine, &call).await.unwrap_err();
    let mut places = called(&sim);
    places.sort();
    assert_eq!(places, ["east", "far", "mid", "west"], "each once before any twice");
}
