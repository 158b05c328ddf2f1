//! Each strategy as arithmetic: what it says of given figures, by LiteLLM's rules.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_router::{AffinityKey, Attempts, Consumed, Deployment, Dropped, Outcome, RouteRequest, Router, RouterSettings};
use llm_router::{RoutingGroup, Step, by_name};
use llm_types::{Error, Kind, Usage};

use super::deployment;

pub(super) fn settings(json: &str) -> RouterSettings {
    serde_json::from_str(json).unwrap()
}

pub(super) fn strategy(name: &str) -> RouterSettings {
    RouterSettings { routing_strategy: Some(name.into()), num_retries: Some(0), ..RouterSettings::default() }
}

pub(super) fn router(deployments: Vec<Deployment>, settings: RouterSettings) -> Arc<Router> {
    Arc::new(Router::new(deployments, settings))
}

/// The ids in the order in which they would be tried.
pub(super) fn order(router: &Router, request: &RouteRequest, now: Instant) -> Vec<String> {
    let explained = router.explain(request, now).unwrap();
    let mut places: Vec<_> =
        explained.verdicts.iter().filter_map(|v| Some((v.place?, v.deployment.id.to_string()))).collect();
    places.sort();
    places.into_iter().map(|(_, id)| id).collect()
}

/// Calls the deployment that the router chooses; it must be `id`.
pub(super) fn call(router: &Arc<Router>, request: &RouteRequest, outcome: Outcome<'_>, now: Instant) -> String {
    let mut attempts = Attempts::new(Arc::clone(router), request.clone());
    let Step::Try(attempt) = attempts.next(now) else { panic!("nobody was chosen") };
    attempts.report(outcome, now);
    attempt.deployment.id.to_string()
}

/// Calls one deployment by its id.
pub(super) fn call_one(router: &Arc<Router>, id: &str, outcome: Outcome<'_>, now: Instant) {
    assert_eq!(call(router, &RouteRequest::new(id), outcome, now), id);
}

pub(super) fn answered(latency: Duration, usage: &Usage) -> Outcome<'_> {
    Outcome::Success { latency, usage: Some(usage), ttft: None, cost: 0.0 }
}

pub(super) fn wrote(input_text: u64, output_text: u64) -> Usage {
    Usage { input_text, output_text, ..Usage::default() }
}

pub(super) fn three(change: impl Fn(&mut Deployment)) -> Vec<Deployment> {
    ["a", "b", "c"].map(|id| deployment(id, &change)).into()
}

#[test]
fn every_name_of_litellm_is_known() {
    for name in llm_router::names() {
        assert!(by_name(name).is_some());
    }
    assert_eq!(by_name("least-busy").unwrap().name(), "least-busy");
    assert!(by_name("roulette").is_none());
}

#[test]
fn least_busy_takes_the_fewest_calls_the_first_on_a_tie() {
    let now = Instant::now();
    let router = router(three(|_| ()), strategy("least-busy"));
    let request = RouteRequest::new("m");
    let mut held = Vec::new();
    for expected in ["a", "b", "c", "a", "b"] {
        let mut attempts = Attempts::new(Arc::clone(&router), request.clone());
        let Step::Try(attempt) = attempts.next(now) else { panic!() };
        assert_eq!(&*attempt.deployment.id, expected);
        held.push(attempt);
    }
    assert_eq!(order(&router, &request, now), ["c", "a", "b"]);
    held.remove(1); // b's first call ends
    assert_eq!(order(&router, &request, now), ["b", "c", "a"]);
    let scores: Vec<_> = router.explain(&request, now).unwrap().verdicts.iter().map(|v| v.score).collect();
    assert_eq!(scores, [Some(2.0), Some(1.0), Some(1.0)]);
}

#[test]
fn latency_is_seconds_per_written_token_and_an_unused_deployment_comes_first() {
    let now = Instant::now();
    let router = router(three(|_| ()), strategy("latency-based-routing"));
    let (ms, request) = (Duration::from_millis, RouteRequest { seed: Some(1), ..RouteRequest::new("m") });
    call_one(&router, "a", answered(ms(1000), &wrote(5, 100)), now); // 0.01
    call_one(&router, "b", answered(ms(400), &wrote(5, 4)), now); // 0.1
    assert_eq!(order(&router, &request, now), ["c", "a", "b"]);
    call_one(&router, "c", answered(ms(500), &wrote(5, 0)), now); // nothing written: seconds
    assert_eq!(order(&router, &request, now), ["a", "b", "c"]);
    let scores: Vec<_> = router.explain(&request, now).unwrap().verdicts.iter().filter_map(|v| v.score).collect();
    assert_eq!(scores, [0.01, 0.1, 0.5]);
    let timeout = Error::new(Kind::Timeout, "too slow");
    call_one(&router, "a", Outcome::Failure(&timeout), now);
    let score = router.explain(&request, now).unwrap().verdicts[0].score.unwrap();
    assert!((score - 500.005).abs() < 1e-9, "a timeout counts as 1000 s: {score}");
    let later = now + Duration::from_secs(3601);
    assert!(router.explain(&request, later).unwrap().verdicts.iter().all(|v| v.score == Some(0.0)), "forgotten");
}

#[test]
fn streams_are_compared_by_their_first_content() {
    let now = Instant::now();
    let router = router(three(|_| ()), strategy("latency-based-routing"));
    for (id, first, whole) in [("a", 900, 1000), ("b", 100, 9000), ("c", 500, 5000)] {
        let mut attempts = Attempts::new(Arc::clone(&router), RouteRequest { stream: true, ..RouteRequest::new(id) });
        let Step::Try(attempt) = attempts.next(now) else { panic!() };
        let ttft = Some(Duration::from_millis(first));
        attempts.report(Outcome::Success { latency: Duration::ZERO, usage: None, ttft, cost: 0.0 }, now);
        let end = now + Duration::from_millis(whole);
        attempt.in_flight.finish(Consumed { tokens: 20, output_tokens: 10, cost: 0.0 }, end);
    }
    let end = now + Duration::from_secs(10);
    let stream = RouteRequest { stream: true, ..RouteRequest::new("m") };
    assert_eq!(order(&router, &stream, end), ["b", "c", "a"]);
    assert_eq!(order(&router, &RouteRequest::new("m"), end), ["a", "c", "b"]);
    assert_eq!(router.explain(&stream, end).unwrap().verdicts[1].score, Some(0.01));
}

#[test]
fn latencies_within_the_buffer_are_as_good_as_the_lowest() {
    let now = Instant::now();
    let args = r#"{"routing_strategy":"latency-based-routing","routing_strategy_args":{"lowest_latency_buffer":0.5}}"#;
    let router = router(three(|_| ()), settings(args));
    for (id, ms) in [("a", 1000), ("b", 1500), ("c", 1501)] {
        call_one(&router, id, answered(Duration::from_millis(ms), &wrote(1, 1)), now);
    }
    let firsts: BTreeSet<String> = (0..200)
        .map(|seed| order(&router, &RouteRequest { seed: Some(seed), ..RouteRequest::new("m") }, now).remove(0))
        .collect();
    assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn cost_takes_the_lowest_sum_of_both_prices() {
    let now = Instant::now();
    let priced = |id: &str, input, output| deployment(id, |d| (d.input_price, d.output_price) = (input, output));
    let deployments = vec![
        priced("unknown", None, None),
        priced("half-known", Some(1e-6), None),
        priced("dear", Some(1e-5), Some(3e-5)),
        priced("cheap", Some(2e-6), Some(1e-6)),
        priced("cheap-too", Some(1e-6), Some(2e-6)),
        deployment("full", |d| (d.input_price, d.output_price, d.rpm) = (Some(0.0), Some(0.0), Some(1))),
    ];
    let router = router(deployments, strategy("cost-based-routing"));
    let request = RouteRequest::new("m");
    call_one(&router, "full", answered(Duration::ZERO, &wrote(1, 1)), now);
    assert_eq!(order(&router, &request, now), ["cheap", "cheap-too", "dear", "half-known", "unknown"]);
    assert_eq!(router.explain(&request, now).unwrap().verdicts[5].dropped, Some(Dropped::RateLimited));
}

#[test]
fn usage_takes_the_fewest_tokens_of_the_minute_and_leaves_the_last_request_free() {
    let now = Instant::now();
    for (name, first_on_tie) in [("usage-based-routing", true), ("usage-based-routing-v2", false)] {
        let router = router(
            vec![deployment("a", |d| d.tpm = Some(100)), deployment("b", |d| d.rpm = Some(3)), deployment("c", |_| ())],
            strategy(name),
        );
        let request =
            |tokens, seed| RouteRequest { estimated_tokens: tokens, seed: Some(seed), ..RouteRequest::new("m") };
        let firsts: BTreeSet<String> = (0..100).map(|seed| order(&router, &request(1, seed), now).remove(0)).collect();
        assert_eq!(firsts.len(), if first_on_tie { 1 } else { 3 }, "{name}");
        call_one(&router, "a", answered(Duration::ZERO, &wrote(60, 0)), now);
        call_one(&router, "b", answered(Duration::ZERO, &wrote(10, 0)), now);
        call_one(&router, "c", answered(Duration::ZERO, &wrote(20, 0)), now);
        assert_eq!(order(&router, &request(40, 1), now), ["b", "c", "a"], "{name}: 60 and 40 are 100");
        assert_eq!(order(&router, &request(41, 1), now), ["b", "c"], "{name}");
        call_one(&router, "b", answered(Duration::ZERO, &wrote(0, 0)), now);
        let explained = router.explain(&request(40, 1), now).unwrap();
        assert_eq!(explained.verdicts[1].dropped, Some(Dropped::RateLimited), "{name}: 2 and 1 reach 3");
        assert_eq!(order(&router, &request(40, 1), now + Duration::from_secs(60)).len(), 3, "{name}: the next minute");
    }
}

#[test]
fn a_prefix_stays_where_it_is_until_its_deployment_is_too_busy() {
    let now = Instant::now();
    let ids: Vec<_> = (0..8).map(|i| deployment(&format!("d{i}"), |_| ())).collect();
    let whole = router(ids.clone(), strategy("prefix-affinity"));
    let request = |n: u64| RouteRequest { prefix: Some(AffinityKey(n * 7919)), ..RouteRequest::new("m") };
    let homes: Vec<_> = (0..200).map(|n| order(&whole, &request(n), now)).collect();
    assert_eq!(homes, (0..200).map(|n| order(&whole, &request(n), now)).collect::<Vec<_>>(), "stable");
    let used: std::collections::BTreeSet<_> = homes.iter().map(|h| h[0].clone()).collect();
    assert_eq!(used.len(), 8, "spread");
    let smaller = router(ids.into_iter().filter(|d| &*d.id != "d3").collect(), strategy("prefix-affinity"));
    for (n, home) in homes.iter().enumerate() {
        let expected: Vec<_> = home.iter().filter(|id| *id != "d3").collect();
        assert_eq!(order(&smaller, &request(n as u64), now).iter().collect::<Vec<_>>(), expected, "others stay");
    }
    let mut held = Vec::new();
    for calls in 0..16 {
        let mut attempts = Attempts::new(Arc::clone(&whole), request(1));
        let Step::Try(attempt) = attempts.next(now) else { panic!() };
        held.push(attempt);
        let most = f64::ceil(1.25 * f64::from(calls + 1) / 8.0);
        let busiest = whole.deployments().iter().map(|d| whole.state().deployment(&d.id).in_flight()).max().unwrap();
        assert!(f64::from(busiest) <= most, "{busiest} of {} calls", calls + 1);
    }
}

#[test]
fn key_and_routing_group_have_strategies_of_their_own() {
    let now = Instant::now();
    let json = r#"{"routing_strategy":"cost-based-routing","routing_groups":[
        {"group_name":"g","models":["other"],"routing_strategy":"least-busy"}]}"#;
    let router = router(vec![deployment("a", |_| ()), Deployment::new("o", "other", "openai/o")], settings(json));
    let name = |request: &RouteRequest| router.explain(request, now).unwrap().strategy;
    assert_eq!(name(&RouteRequest::new("m")), "cost-based-routing");
    assert_eq!(name(&RouteRequest::new("other")), "least-busy");
    let told = router.explain(&RouteRequest::new("g"), now).unwrap();
    assert_eq!((told.strategy, told.verdicts.len()), ("least-busy", 1), "a routing group is called by its name");
    let own = Some(Arc::new(strategy("latency-based-routing")));
    assert_eq!(name(&RouteRequest { settings: own, ..RouteRequest::new("other") }), "latency-based-routing");
}

#[test]
fn priorities_order_the_models_of_a_routing_group_only_there() {
    let at = |id: &str, group: &str| Deployment { group: group.into(), ..deployment(id, |_| ()) };
    let group = |strategy: &str| RoutingGroup {
        group_name: "ranked".into(),
        models: vec!["a".into(), "b".into()],
        routing_strategy: Some(strategy.into()),
        model_priorities: Some([("a".to_owned(), 2), ("b".to_owned(), 1)].into()),
        ..RoutingGroup::default()
    };
    let router = |strategy| {
        let settings = RouterSettings { routing_groups: Some(vec![group(strategy)]), ..RouterSettings::default() };
        Arc::new(Router::new(vec![at("a1", "a"), at("b1", "b"), at("b2", "b")], settings))
    };
    let first = |router: &Arc<Router>, model: &str| -> BTreeSet<String> {
        let ids = (0..64).map(|seed| {
            let request = RouteRequest { seed: Some(seed), ..RouteRequest::new(model) };
            let Step::Try(attempt) = Attempts::new(Arc::clone(router), request).next(Instant::now()) else { panic!() };
            attempt.deployment.id.to_string()
        });
        ids.collect()
    };
    let ranked = router("priority");
    assert_eq!(first(&ranked, "ranked"), ["b1", "b2"].map(str::to_owned).into());
    assert_eq!(first(&ranked, "a"), ["a1".to_owned()].into(), "by its own name it is itself");
    assert_eq!(first(&router("simple-shuffle"), "ranked").len(), 3, "other strategies do not look at them");

    // when all of the lowest fail, the next priority is tried
    let mut attempts = Attempts::new(ranked, RouteRequest { num_retries: Some(1), ..RouteRequest::new("ranked") });
    let mut tried = Vec::new();
    while let Step::Try(attempt) = attempts.next(Instant::now()) {
        tried.push(attempt.deployment.id.to_string());
        attempts.report(Outcome::Failure(&Error::new(Kind::Internal, "no")), Instant::now());
    }
    assert!(tried[..2].iter().all(|id| id.starts_with('b')) && tried.last().unwrap() == "a1", "{tried:?}");
}
