//! 100,000 simulated requests per strategy, against what the rule expects of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_router::{AffinityKey, Attempts, Consumed, Deployment, InFlight, Outcome, RouteRequest, Router, Step};

use super::deployment;
use super::strategies::{router, settings, strategy};

const REQUESTS: u32 = 100_000;

/// A deployment of the simulation.
struct Host {
    id: &'static str,
    /// Time per answer.
    ms: u64,
    price: f64,
}

const HOSTS: [Host; 4] = [
    Host { id: "slow", ms: 400, price: 1e-6 },
    Host { id: "quick", ms: 100, price: 4e-6 },
    Host { id: "middle", ms: 200, price: 3e-6 },
    Host { id: "dear", ms: 300, price: 9e-6 },
];

fn hosts() -> Vec<Deployment> {
    HOSTS
        .iter()
        .map(|h| deployment(h.id, |d| (d.input_price, d.output_price) = (Some(h.price), Some(h.price))))
        .collect()
}

/// Percent of the requests that each deployment got. A request comes every 10 ms and takes as long as its host.
fn run(router: &Arc<Router>, request: &dyn Fn(u32) -> RouteRequest) -> BTreeMap<String, f64> {
    let start = Instant::now();
    let mut running: VecDeque<(Instant, InFlight)> = VecDeque::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..REQUESTS {
        let now = start + Duration::from_millis(u64::from(n) * 10);
        while let Some((_, flight)) = running.iter().position(|(end, _)| *end <= now).and_then(|at| running.remove(at))
        {
            flight.finish(Consumed { tokens: 100, output_tokens: 10, cost: 0.0 }, now);
        }
        let mut attempts = Attempts::new(Arc::clone(router), RouteRequest { seed: Some(u64::from(n)), ..request(n) });
        let Step::Try(attempt) = attempts.next(now) else { panic!("nobody was chosen for {n}") };
        attempts.report(Outcome::Success { latency: Duration::ZERO, usage: None, ttft: None, cost: 0.0 }, now);
        let ms = HOSTS.iter().find(|h| *h.id == *attempt.deployment.id).map_or(100, |h| h.ms);
        *counts.entry(attempt.deployment.id.to_string()).or_default() += 1;
        running.push_back((now + Duration::from_millis(ms), attempt.in_flight));
    }
    counts.into_iter().map(|(id, n)| (id, f64::from(n) * 100.0 / f64::from(REQUESTS))).collect()
}

fn close(got: &BTreeMap<String, f64>, want: &[(&str, f64)], within: f64) {
    for (id, share) in want {
        let got_share = got.get(*id).copied().unwrap_or_default();
        assert!((got_share - share).abs() <= within, "{id}: {share} % expected, {got:?}");
    }
}

fn plain(_: u32) -> RouteRequest {
    RouteRequest::new("m")
}

#[test]
fn shuffle_follows_the_weights() {
    let weighted = HOSTS.iter().zip([1.0, 2.0, 3.0, 4.0]).map(|(h, w)| deployment(h.id, |d| d.weight = Some(w)));
    let got = run(&router(weighted.collect(), strategy("simple-shuffle")), &plain);
    close(&got, &[("slow", 10.0), ("quick", 20.0), ("middle", 30.0), ("dear", 40.0)], 0.5);
}

#[test]
fn least_busy_gives_each_what_it_can_finish() {
    let got = run(&router(hosts(), strategy("least-busy")), &plain);
    // With as many calls at each, shares are as the speeds: 1/400 : 1/100 : 1/200 : 1/300 = 3 : 12 : 6 : 4 of 25. Numbers of calls
    // are whole and the first wins ties, so not to the percent.
    close(&got, &[("slow", 12.0), ("quick", 48.0), ("middle", 24.0), ("dear", 16.0)], 4.0);
    assert!(got["quick"] > got["middle"] && got["middle"] > got["dear"] && got["dear"] > got["slow"], "{got:?}");
}

#[test]
fn latency_ends_at_the_quickest() {
    let got = run(&router(hosts(), strategy("latency-based-routing")), &plain);
    assert!(got["quick"] > 99.0, "{got:?}");
    let half = r#"{"routing_strategy":"latency-based-routing","routing_strategy_args":{"lowest_latency_buffer":1.0}}"#;
    let got = run(&router(hosts(), settings(half)), &plain);
    // 200 ms are within twice 100 ms, 300 ms are not.
    close(&got, &[("quick", 50.0), ("middle", 50.0)], 1.0);
}

#[test]
fn cost_goes_to_the_cheapest_until_it_is_full() {
    let got = run(&router(hosts(), strategy("cost-based-routing")), &plain);
    assert_eq!(got.get("slow"), Some(&100.0), "{got:?}");
    let limited = hosts().into_iter().map(|d| if &*d.id == "slow" { Deployment { rpm: Some(600), ..d } } else { d });
    let got = run(&router(limited.collect(), strategy("cost-based-routing")), &plain);
    // 6,000 requests come in a minute, the cheapest takes 600 of them, the next one the rest.
    close(&got, &[("slow", 10.0), ("middle", 90.0)], 1.0); // the first and the last minute are cut off
}

#[test]
fn usage_spreads_tokens_evenly_within_the_limits() {
    let got = run(&router(hosts(), strategy("usage-based-routing")), &plain);
    close(&got, &[("slow", 25.0), ("quick", 25.0), ("middle", 25.0), ("dear", 25.0)], 1.5);
    {
        let name = "usage-based-routing-v2";
        let limited =
            hosts().into_iter().map(|d| if &*d.id == "slow" { Deployment { rpm: Some(601), ..d } } else { d });
        let got = run(&router(limited.collect(), strategy(name)), &plain);
        close(&got, &[("slow", 10.0), ("quick", 30.0), ("middle", 30.0), ("dear", 30.0)], 1.5);
    }
}

#[test]
fn prefixes_find_their_cache_and_nobody_is_overrun() {
    // 2,000 conversations take turns.
    let turn = |n: u32| RouteRequest {
        prefix: Some(AffinityKey::of([(n.wrapping_mul(2_654_435_761) % 2000).to_le_bytes().as_slice()])),
        ..RouteRequest::new("m")
    };
    let router = router(hosts(), strategy("prefix-affinity"));
    let mut homes: BTreeMap<u64, String> = BTreeMap::new();
    let (mut hits, mut again) = (0_u32, 0_u32);
    let start = Instant::now();
    let mut running: VecDeque<InFlight> = VecDeque::new();
    for n in 0..REQUESTS {
        let request = turn(n);
        let key = request.prefix.unwrap().0;
        let mut attempts = Attempts::new(Arc::clone(&router), request);
        let Step::Try(attempt) = attempts.next(start) else { panic!("nobody") };
        let id = attempt.deployment.id.to_string();
        running.push_back(attempt.in_flight);
        if running.len() > 200 {
            running.pop_front();
        }
        let busiest = HOSTS.iter().map(|h| router.state().deployment(&h.id.into()).in_flight()).max().unwrap();
        assert!(f64::from(busiest) <= (1.25 * 201.0 / 4.0_f64).ceil(), "{busiest} calls at one of four");
        match homes.get(&key) {
            Some(home) => {
                again += 1;
                hits += u32::from(*home == id);
            }
            None => drop(homes.insert(key, id)),
        }
    }
    let share = f64::from(hits) * 100.0 / f64::from(again);
    assert!(share >= 90.0, "only {share} % of the turns found their cache");
}

#[test]
fn budgets_share_the_money() {
    let priced = HOSTS.iter().map(|h| deployment(h.id, |d| d.provider = Some(h.id.into())));
    let s = settings(
        r#"{"routing_strategy":"provider-budget-routing","provider_budget_config":{"slow":{"max_budget":100,"budget_duration":"30d"}}}"#,
    );
    let router = router(priced.collect(), s);
    let now = Instant::now();
    let usage = llm_types::Usage { output_text: 1, ..llm_types::Usage::default() };
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..REQUESTS {
        let mut attempts = Attempts::new(Arc::clone(&router), RouteRequest { seed: Some(u64::from(n)), ..plain(n) });
        let Step::Try(attempt) = attempts.next(now) else { panic!("nobody") };
        attempts.report(Outcome::Success { latency: Duration::ZERO, usage: Some(&usage), ttft: None, cost: 0.01 }, now);
        *counts.entry(attempt.deployment.id.to_string()).or_default() += 1;
    }
    assert_eq!(counts["slow"], 10_000, "100 dollars at one cent each");
    assert!(counts.values().filter(|n| **n != 10_000).all(|n| (28_000..32_000).contains(n)), "{counts:?}");
}
