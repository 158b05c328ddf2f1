//! Runs `fixtures/attempts/*.json`: deployments, settings and requests with the outcomes of their attempts. What the state
//! machine did is compared with the `.steps` file beside it; `UPDATE=1` rewrites that file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use llm_router::{
    Admit, AllowedFailsPolicy, Attempts, Consumed, Deployment, FallbackLists, Outcome, RequestFallbacks, RouteRequest,
    Router, RouterSettings, RouterState, Scope, Step,
};
use llm_types::{Error, Json, Kind};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[allow(dead_code, reason = "for readers")]
    about: String,
    #[serde(default)]
    settings: RouterSettings,
    deployments: Vec<Entry>,
    script: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    group: String,
    model: Option<String>,
    weight: Option<f64>,
    order: Option<i64>,
    rpm: Option<u64>,
    tpm: Option<u64>,
    max_parallel_requests: Option<u32>,
    max_input_tokens: Option<u64>,
    cooldown_time: Option<f64>,
    allowed_fails: Option<u32>,
    allowed_fails_policy: Option<AllowedFailsPolicy>,
    num_retries: Option<u32>,
    team_id: Option<String>,
    team_public_model_name: Option<String>,
    #[serde(default)]
    access_groups: Vec<String>,
    #[serde(default)]
    blocked: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Sleep { sleep: f64 },
    Ask(Box<Ask>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    ask: String,
    /// `ok`, `cancel`, `hold` (a success whose answer is never read to its end), or an error class with `key=value`s.
    outcomes: Vec<String>,
    num_retries: Option<u32>,
    max_fallbacks: Option<u32>,
    timeout: Option<f64>,
    fallbacks: Option<Json>,
    context_window_fallbacks: Option<FallbackLists>,
    #[serde(default)]
    disable_fallbacks: bool,
    #[serde(default)]
    names_resource: bool,
    #[serde(default)]
    stream: bool,
    team: Option<String>,
    access_groups: Option<Vec<String>>,
    denied: Option<Vec<String>>,
    #[serde(default)]
    tokens: u64,
    seed: Option<u64>,
    settings: Option<RouterSettings>,
    #[serde(default = "once")]
    times: usize,
}

const fn once() -> usize {
    1
}

fn deployment(e: Entry) -> Deployment {
    let model = e.model.unwrap_or_else(|| format!("openai/{}", e.group));
    Deployment {
        weight: e.weight,
        order: e.order,
        rpm: e.rpm,
        tpm: e.tpm,
        max_parallel_requests: e.max_parallel_requests,
        max_input_tokens: e.max_input_tokens,
        cooldown_time: e.cooldown_time.map(Duration::from_secs_f64),
        allowed_fails: e.allowed_fails,
        allowed_fails_policy: e.allowed_fails_policy,
        num_retries: e.num_retries,
        team_id: e.team_id.map(Into::into),
        team_public_model_name: e.team_public_model_name.map(Into::into),
        access_groups: e.access_groups.into_iter().map(Into::into).collect(),
        blocked: e.blocked,
        ..Deployment::new(e.id, e.group, model)
    }
}

fn request(a: &Ask) -> RouteRequest {
    let denied = a.denied.clone();
    RouteRequest {
        route: "/chat/completions",
        who: Scope {
            team_id: a.team.as_deref().map(Into::into),
            access_groups: a.access_groups.as_ref().map(|g| g.iter().map(|n| n.as_str().into()).collect()),
            admit: denied.map(|names| Admit::new(move |group| !names.iter().any(|n| n == group))),
        },
        stream: a.stream,
        num_retries: a.num_retries,
        max_fallbacks: a.max_fallbacks,
        timeout: a.timeout.map(Duration::from_secs_f64),
        fallbacks: a.fallbacks.as_ref().map(|f| RequestFallbacks::parse(&f.to_string()).unwrap()),
        context_window_fallbacks: a.context_window_fallbacks.clone(),
        disable_fallbacks: a.disable_fallbacks,
        names_resource: a.names_resource,
        estimated_tokens: a.tokens,
        settings: a.settings.clone().map(Arc::new),
        seed: Some(a.seed.unwrap_or(1)),
        ..RouteRequest::new(a.ask.as_str())
    }
}

fn error(text: &str) -> Error {
    let mut words = text.split(' ');
    let class = words.next().unwrap();
    let kind = Kind::from_class(class).unwrap_or_else(|| panic!("no error class {class}"));
    let mut error = Error::new(kind, format!("litellm.{class}: upstream said no"));
    for word in words {
        match word.split_once('=').unwrap() {
            ("retry_after", n) => error.retry_after = Some(Duration::from_secs_f64(n.parse().unwrap())),
            ("status", n) => error.status = Some(n.parse().unwrap()),
            (other, _) => panic!("no property {other}"),
        }
    }
    error
}

fn play(router: &Arc<Router>, ask: &Ask, now: &mut Instant, held: &mut Vec<llm_router::InFlight>, out: &mut String) {
    let mut attempts = Attempts::new(Arc::clone(router), request(ask));
    let mut outcomes = ask.outcomes.iter();
    for _ in 0..200 {
        match attempts.next(*now) {
            Step::Wait(time) => {
                writeln!(out, "  wait {} ms", time.as_millis()).unwrap();
                *now += time;
            }
            Step::GiveUp(e) => {
                let after = e.retry_after.map_or(String::new(), |t| format!(" retry-after={}", t.as_secs()));
                writeln!(out, "  give up {} {}{after}: {:?}", e.status(), e.openai_type(), e.message).unwrap();
                assert_eq!(outcomes.next(), None, "an outcome was not used");
                return;
            }
            Step::Try(a) => {
                let over: String = a.overrides.iter().map(|(k, v)| format!(" {k}={}", v.get())).collect();
                let what = outcomes.next().unwrap_or_else(|| panic!("no outcome left for {}\n{out}", a.deployment.id));
                writeln!(
                    out,
                    "  try {} of {} as {}, retry {}, fallback {}, call {}{over}: {what}",
                    a.deployment.id, a.group, a.model, a.retry, a.fallbacks, a.number
                )
                .unwrap();
                let done = Outcome::Success { latency: Duration::from_millis(5), usage: None, ttft: None, cost: 0.0 };
                match what.as_str() {
                    "ok" | "hold" => {
                        assert!(attempts.report(done, *now).is_none());
                        a.in_flight.finish(Consumed { tokens: 100, ..Consumed::default() }, *now);
                        if what == "hold" {
                            held.push(a.in_flight);
                        }
                        assert_eq!(outcomes.next(), None, "an outcome was not used");
                        return;
                    }
                    "cancel" => assert!(attempts.report(Outcome::Cancelled, *now).is_none()),
                    failure => {
                        if let Some(cooled) = attempts.report(Outcome::Failure(&error(failure)), *now) {
                            writeln!(out, "  {} rests {} s", cooled.deployment.id, cooled.rest.as_secs_f64()).unwrap();
                        }
                    }
                }
            }
        }
    }
    panic!("no end after 200 steps\n{out}");
}

fn run(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let case: Case = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut now = Instant::now();
    let state = RouterState::new(now, UNIX_EPOCH + Duration::from_secs(6000));
    let deployments = case.deployments.into_iter().map(deployment).collect();
    let router = Arc::new(Router::with_state(deployments, case.settings, state));
    let (mut out, mut held) = (String::new(), Vec::new());
    for line in &case.script {
        match line {
            Line::Sleep { sleep } => {
                now += Duration::from_secs_f64(*sleep);
                writeln!(out, "sleep {sleep} s").unwrap();
            }
            Line::Ask(ask) => {
                for time in 0..ask.times {
                    // Repetitions show the last one only.
                    let mut lines = format!("ask {}\n", ask.ask);
                    play(&router, ask, &mut now, &mut held, &mut lines);
                    if time + 1 == ask.times {
                        out.push_str(&lines);
                    }
                }
            }
        }
    }
    out
}

#[test]
fn fixtures() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attempts");
    let mut cases: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    cases.retain(|p| p.extension().is_some_and(|e| e == "json"));
    cases.sort();
    assert!(cases.len() >= 20, "the fixtures are gone");
    let mut wrong = Vec::new();
    for case in cases {
        let steps = case.with_extension("steps");
        let got = run(&case);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&steps, &got).unwrap();
        } else if std::fs::read_to_string(&steps).unwrap_or_default() != got {
            wrong.push(format!("{} now gives\n{got}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
