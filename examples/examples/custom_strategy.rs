//! A routing strategy of your own, through the public trait: deployments take turns, and one that failed sits out a round.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use llm_router::{
    Attempts, Choice, Deployment, DeploymentView, Outcome, Ranking, RouteRequest, Router, RouterSettings,
};
use llm_router::{Step, Strategy};
use llm_types::{Error, error::Kind};

/// Round robin with a memory for failures.
#[derive(Debug, Default)]
struct Turns {
    next: AtomicUsize,
    sits_out: Mutex<HashMap<Arc<str>, usize>>,
}

impl Strategy for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }

    fn rank(&self, deployments: &[DeploymentView<'_>], _: &Choice<'_>, out: &mut Ranking) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let sits_out = self.sits_out.lock().map(|map| map.clone()).unwrap_or_default();
        let rests = |at: &usize| {
            let id = deployments.get(*at).map(|d| &d.deployment.id);
            id.and_then(|id| sits_out.get(id)).is_some_and(|until| turn < *until)
        };
        let places = (0..deployments.len()).map(|n| (turn + n) % deployments.len());
        let (late, ready): (Vec<_>, Vec<_>) = places.partition(rests);
        ready.into_iter().chain(late).for_each(|at| out.push(at));
    }

    fn observe(&self, deployment: &Arc<Deployment>, outcome: &Outcome<'_>, _: Instant) {
        if let (Outcome::Failure(_), Ok(mut map)) = (outcome, self.sits_out.lock()) {
            map.insert(Arc::clone(&deployment.id), self.next.load(Ordering::Relaxed) + 3);
        }
    }
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let deployments = ["a", "b", "c"].map(|id| Deployment::new(id, "chat", "openai/gpt-4o")).into();
    let settings = RouterSettings { num_retries: Some(0), disable_cooldowns: Some(true), ..RouterSettings::default() };
    let router = Arc::new(Router::new(deployments, settings).with_strategy(Arc::new(Turns::default())));
    let now = Instant::now();
    for n in 0..8 {
        let mut attempts = Attempts::new(Arc::clone(&router), RouteRequest::new("chat"));
        let Step::Try(attempt) = attempts.next(now) else { continue };
        let down = Error::new(Kind::Internal, "down");
        let good = Outcome::Success { latency: Duration::from_millis(9), usage: None, ttft: None, cost: 0.0 };
        let outcome = if n == 1 { Outcome::Failure(&down) } else { good };
        attempts.report(outcome, now);
        let how = if n == 1 { "failed" } else { "answered" };
        writeln!(out, "{} {how}", attempt.deployment.id)?;
    }
    Ok(())
}
