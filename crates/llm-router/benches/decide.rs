//! How long a decision takes: from a request to the deployment to call, for groups of several sizes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark may fail loudly")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use llm_router::{Attempts, Deployment, Outcome, RouteRequest, Router, RouterSettings, Step};

fn router(size: usize, weighted: bool) -> Arc<Router> {
    let deployment = |i: usize| Deployment {
        weight: weighted.then_some(1.0),
        ..Deployment::new(format!("id-{i}"), "gpt-4o", format!("openai/gpt-4o-{i}"))
    };
    Arc::new(Router::new((0..size).map(deployment).collect(), RouterSettings::default()))
}

fn decide(c: &mut Criterion) {
    let now = Instant::now();
    for weighted in [false, true] {
        let mut group = c.benchmark_group(if weighted { "decide/weighted" } else { "decide/uniform" });
        for size in [1, 10, 100, 1000] {
            let router = router(size, weighted);
            let request = RouteRequest::new("gpt-4o");
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
