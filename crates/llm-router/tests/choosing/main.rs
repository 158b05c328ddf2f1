//! Odds of simple-shuffle, explanations, rates, reloads.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod broken;
mod filters;
mod simulated;
mod strategies;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use llm_router::{
    Attempts, Deployment, Dropped, Outcome, RouteRequest, Router, RouterSettings, RouterState, Scope, Step,
};
use llm_types::{Error, Kind, Usage};

fn deployment(id: &str, change: impl FnOnce(&mut Deployment)) -> Deployment {
    let mut d = Deployment::new(id, "m", "openai/m");
    change(&mut d);
    d
}

/// How often each of the deployments is chosen in 20,000 requests, in percent.
fn shares(deployments: Vec<Deployment>, settings: RouterSettings) -> BTreeMap<String, f64> {
    const DRAWS: u32 = 20_000;
    let router = Arc::new(Router::new(deployments, settings));
    let mut counts = BTreeMap::new();
    for seed in 0..DRAWS {
        let request = RouteRequest { seed: Some(u64::from(seed)), ..RouteRequest::new("m") };
        let Step::Try(attempt) = Attempts::new(Arc::clone(&router), request).next(Instant::now()) else { panic!() };
        *counts.entry(attempt.deployment.id.to_string()).or_insert(0_u32) += 1;
    }
    counts.into_iter().map(|(id, n)| (id, f64::from(n) * 100.0 / f64::from(DRAWS))).collect()
}

#[test]
fn simple_shuffle_follows_the_first_metric_that_anybody_has() {
    let close = |got: &BTreeMap<String, f64>, want: &[(&str, f64)]| {
        assert_eq!(got.len(), want.len(), "{got:?}");
        for (id, share) in want {
            assert!((got[*id] - share).abs() < 1.5, "{id}: {got:?}");
        }
    };
    let plain = |id| deployment(id, |_| ());
    close(
        &shares(vec![plain("a"), plain("b"), plain("c"), plain("d")], RouterSettings::default()),
        &[("a", 25.0), ("b", 25.0), ("c", 25.0), ("d", 25.0)],
    );
    let weighted = vec![
        deployment("a", |d| (d.weight, d.rpm) = (Some(3.0), Some(1))),
        deployment("b", |d| (d.weight, d.rpm) = (Some(1.0), Some(1000))),
        deployment("c", |d| d.rpm = Some(9)),
    ];
    close(&shares(weighted.clone(), RouterSettings::default()), &[("a", 75.0), ("b", 25.0)]);
    let by_rpm = vec![deployment("a", |d| d.rpm = Some(10)), deployment("b", |d| d.rpm = Some(90)), plain("c")];
    close(&shares(by_rpm, RouterSettings::default()), &[("a", 10.0), ("b", 90.0)]);
    let by_tpm = vec![deployment("a", |d| d.tpm = Some(1000)), deployment("b", |d| d.tpm = Some(1000)), plain("c")];
    close(&shares(by_tpm, RouterSettings::default()), &[("a", 50.0), ("b", 50.0)]);
    let scoped = serde_json::from_str(r#"{"weights":{"m":{"b":1,"c":1}}}"#).unwrap();
    close(&shares(weighted, scoped), &[("b", 50.0), ("c", 50.0)]);
}

#[test]
fn an_explanation_names_a_reason_for_each_that_is_out() {
    let now = Instant::now();
    let deployments = vec![
        deployment("paused", |d| d.blocked = true),
        deployment("other-team", |d| d.team_id = Some("t2".into())),
        deployment("resting", |d| d.order = Some(1)),
        deployment("short", |d| (d.order, d.max_input_tokens) = (Some(1), Some(10))),
        deployment("first", |d| d.order = Some(1)),
        deployment("second", |d| d.order = Some(2)),
        deployment("no-order", |_| ()),
    ];
    let settings = RouterSettings { enable_pre_call_checks: Some(true), ..RouterSettings::default() };
    let router = Router::new(deployments, settings);
    router.state().cool_down(&"resting".into(), Duration::from_secs(7), now);
    let request = RouteRequest {
        who: Scope { team_id: Some("t1".into()), ..Scope::default() },
        estimated_tokens: 11,
        ..RouteRequest::new("m")
    };
    let explained = router.explain(&request, now).unwrap();
    let reasons: Vec<_> = explained.verdicts.iter().map(|v| (v.deployment.id.as_ref(), v.dropped)).collect();
    assert_eq!(
        reasons,
        [
            ("paused", Some(Dropped::Paused)),
            ("other-team", Some(Dropped::OtherTeam)),
            ("resting", Some(Dropped::Cooling(Duration::from_secs(7)))),
            ("short", Some(Dropped::ContextWindow)),
            ("first", None),
            ("second", Some(Dropped::Order)),
            ("no-order", Some(Dropped::Order)),
        ]
    );
    assert_eq!(explained.strategy, "simple-shuffle");
    assert_eq!(explained.verdicts.iter().filter_map(|v| v.place).collect::<Vec<_>>(), [0]);
    assert!(explained.error.is_none());
    assert_eq!(router.explain(&RouteRequest::new("nowhere"), now).unwrap_err().status(), 400);
}

#[test]
fn rates_are_those_of_the_calendar_minute() {
    let now = Instant::now();
    let state = RouterState::new(now, UNIX_EPOCH + Duration::from_secs(60 * 1000 + 50));
    let limited = |id| deployment(id, |d| (d.tpm, d.rpm) = (Some(1000), Some(10)));
    let router = Arc::new(Router::with_state(vec![limited("a"), limited("b")], RouterSettings::default(), state));
    let usage = Usage { input_text: 30, output_text: 12, ..Usage::default() };
    for _ in 0..3 {
        let mut attempts = Attempts::new(Arc::clone(&router), RouteRequest::new("m"));
        let Step::Try(_attempt) = attempts.next(now) else { panic!() };
        attempts.report(Outcome::Success { latency: Duration::ZERO, usage: Some(&usage), ttft: None, cost: 0.0 }, now);
    }
    let group = router.resolve("m", &Scope::default()).unwrap().group;
    let rates = router.rates(&group, now);
    assert_eq!((rates.tpm, rates.remaining_tokens()), (Some(2000), Some(2000 - 3 * 42)));
    assert_eq!((rates.rpm, rates.remaining_requests()), (Some(20), Some(17)));
    assert_eq!(router.rates(&group, now + Duration::from_secs(10)).used_requests, 0);
}

#[test]
fn a_reload_keeps_cooldowns_and_calls_in_flight() {
    let now = Instant::now();
    let old = Arc::new(Router::new(vec![deployment("a", |_| ())], RouterSettings::default()));
    let mut attempts = Attempts::new(Arc::clone(&old), RouteRequest::new("m"));
    let Step::Try(attempt) = attempts.next(now) else { panic!() };
    let cooled = attempts.report(Outcome::Failure(&Error::new(Kind::Authentication, "no")), now).unwrap();
    assert_eq!((cooled.rest, cooled.status, cooled.class), (Duration::from_secs(5), 401, "AuthenticationError"));
    let new = Router::with_state(
        old.deployments().iter().map(|d| Deployment::clone(d)).collect(),
        RouterSettings::default(),
        Arc::clone(old.state()),
    );
    assert_eq!(new.state().deployment(&"a".into()).in_flight(), 1);
    drop(attempt);
    assert_eq!(new.state().deployment(&"a".into()).in_flight(), 0);
    let error = new.explain(&RouteRequest::new("m"), now).unwrap().error.unwrap();
    assert_eq!((error.kind, error.retry_after), (Kind::NoDeployments, Some(Duration::from_secs(5))));
}

#[test]
fn a_stream_that_breaks_after_its_success_goes_on_elsewhere() {
    let now = Instant::now();
    let settings = serde_json::from_str(r#"{"num_retries":0,"fallbacks":[{"m":["z"]}]}"#).unwrap();
    let router = Arc::new(Router::new(vec![deployment("a", |_| ()), Deployment::new("z1", "z", "openai/z")], settings));
    let mut attempts = Attempts::new(router, RouteRequest::new("m"));
    let Step::Try(_) = attempts.next(now) else { panic!() };
    attempts.report(Outcome::Success { latency: Duration::ZERO, usage: None, ttft: None, cost: 0.0 }, now);
    attempts.report(Outcome::Failure(&Error::new(Kind::MidStream, "cut")), now);
    let Step::Try(attempt) = attempts.next(now) else { panic!() };
    assert_eq!((attempt.deployment.id.as_ref(), attempt.fallbacks), ("z1", 1));
    assert_eq!(attempts.failures().len(), 1);
}

#[test]
fn a_name_without_its_provider_finds_the_wildcard_of_the_provider() {
    let router = Router::new(vec![Deployment::new("w", "openai/*", "openai/*")], RouterSettings::default());
    assert!(router.resolve("gpt-4o", &Scope::default()).is_err());
    let knows = |name: &str| name.starts_with("gpt").then_some("openai");
    let router = router.infer_providers(llm_router::ProviderOf::new(knows));
    let found = router.resolve("gpt-4o", &Scope::default()).unwrap();
    assert_eq!(found.provider_model(&router.deployments()[0]).as_ref(), "openai/gpt-4o");
    assert_eq!(found.asked.as_ref(), "gpt-4o");
}

#[test]
fn an_unknown_strategy_is_reported() {
    let settings = |name: &str| RouterSettings { routing_strategy: Some(name.into()), ..RouterSettings::default() };
    assert!(Router::new(Vec::new(), settings("simple-shuffle")).warnings().is_empty());
    assert_eq!(Router::new(Vec::new(), settings("roulette")).warnings().len(), 1);
}
