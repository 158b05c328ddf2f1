//! A pure routing decision, with `llm-router` alone: two deployments behind one name, a fallback behind another. The
//! router says what to do next, its owner does it (here: pretends to) and reports. No sockets, no clock of its own.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use llm_router::{Attempts, Deployment, Outcome, RouteRequest, Router, Step};
use llm_types::{Error, error::Kind};

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let deployments = vec![
        Deployment { weight: Some(9.0), ..Deployment::new("east", "chat", "openai/gpt-4o") },
        Deployment { weight: Some(1.0), ..Deployment::new("west", "chat", "azure/gpt-4o") },
        Deployment::new("spare", "chat-backup", "anthropic/claude-sonnet-4-5"),
    ];
    // the same names as in LiteLLM's router_settings
    let settings = serde_json::from_str(r#"{"num_retries": 1, "fallbacks": [{"chat": ["chat-backup"]}]}"#)?;
    let router = Arc::new(Router::new(deployments, settings));

    let mut now = Instant::now();
    let mut attempts = Attempts::new(Arc::clone(&router), RouteRequest { seed: Some(7), ..RouteRequest::new("chat") });
    loop {
        match attempts.next(now) {
            Step::Wait(pause) => {
                writeln!(out, "wait {pause:?}")?;
                now += pause;
            }
            Step::Try(attempt) => {
                let id = &attempt.deployment.id;
                writeln!(out, "try {id} as {} (fallbacks {})", attempt.model, attempt.fallbacks)?;
                let down = Error::new(Kind::RateLimit, "too many requests");
                let answered =
                    Outcome::Success { latency: Duration::from_millis(300), usage: None, ttft: None, cost: 0.0 };
                let outcome = if &**id == "spare" { answered } else { Outcome::Failure(&down) };
                if let Some(cooled) = attempts.report(outcome, now) {
                    writeln!(out, "{} rests for {:?}", cooled.deployment.id, cooled.rest)?;
                }
                if matches!(outcome, Outcome::Success { .. }) {
                    break;
                }
            }
            Step::GiveUp(error) => {
                writeln!(out, "give up: {}", error.message)?;
                break;
            }
        }
    }
    for verdict in router.explain(&RouteRequest::new("chat"), now)?.verdicts {
        writeln!(out, "{}: {:?}", verdict.deployment.id, verdict.dropped)?;
    }
    Ok(())
}
