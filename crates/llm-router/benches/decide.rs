//! How long a decision takes: from a request to the deployment to call, for groups of several sizes and every strategy.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark may fail loudly")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use llm_router::{AffinityKey, Attempts, Deployment, Outcome, RouteRequest, Router, RouterSettings, Step};

/// Deployments with everything that a strategy looks at.
fn router(size: usize, strategy: &str, weighted: bool) -> Arc<Router> {
    let deployment = |i: usize| Deployment {
        weight: weighted.then_some(1.0),
        input_price: Some(1e-6 * (1 + i % 7) as f64),
        output_price: Some(4e-6),
        tpm: Some(u64::MAX / 4),
        max_parallel_requests: Some(u32::MAX),
        ..Deployment::new(format!("id-{i}"), "gpt-4o", format!("openai/gpt-4o-{i}"))
    };
    let settings = RouterSettings { routing_strategy: Some(strategy.to_owned()), ..RouterSettings::default() };
    Arc::new(Router::new((0..size).map(deployment).collect(), settings))
}

fn decide(c: &mut Criterion) {
    let now = Instant::now();
    let strategies = llm_router::names().filter(|n| *n != "provider-budget-routing");
    for (name, weighted) in strategies.map(|n| (n, false)).chain([("simple-shuffle", true)]) {
        let mut group = c.benchmark_group(format!("decide/{name}{}", if weighted { "-weighted" } else { "" }));
        for size in [1, 10, 100, 1000] {
            let router = router(size, name, weighted);
            let request = RouteRequest { prefix: Some(AffinityKey(7)), ..RouteRequest::new("gpt-4o") };
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| {
                    let mut attempts = Attempts::new(Arc::clone(&router), request.clone());
                    let Step::Try(attempt) = attempts.next(black_box(now)) else { panic!("no deployment") };
                    let latency = Duration::from_millis(1);
                    attempts.report(Outcome::Success { latency, usage: None, ttft: None, cost: 0.0 }, now);
                    attempt
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
