//! Waiting in line, the retry budget, hedging, and decisions that are read back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_router::{Attempts, Deployment, Outcome, RouteRequest, Router, Step};
use llm_types::{Error, Kind};

use super::deployment;
use super::strategies::{answered, router, settings, wrote};

fn tried(step: Step) -> llm_router::Attempt {
    match step {
        Step::Try(attempt) => attempt,
        other => panic!("no attempt: {other:?}"),
    }
}

fn with_priority(priority: i64) -> RouteRequest {
    RouteRequest { priority: Some(priority), ..RouteRequest::new("m") }
}

#[test]
fn while_nobody_is_healthy_requests_go_on_one_by_one() {
    let now = Instant::now();
    let s = settings(r#"{"num_retries":1,"retry_after":1}"#);
    let r = router(vec![deployment("a", |d| d.max_parallel_requests = Some(1))], s);
    let begin = |priority| Attempts::new(Arc::clone(&r), with_priority(priority));
    let held = tried(begin(0).next(now)); // the only place is taken
    let mut waits = begin(5);
    assert!(matches!(waits.next(now), Step::Wait(_)));
    r.state().cool_down(&"a".into(), Duration::from_secs(60), now);
    // Nobody is healthy any more. Whoever stands first goes on, and hears that there is nobody.
    let Step::GiveUp(error) = begin(9).next(now) else { panic!("alone in line") };
    assert_eq!(error.kind, Kind::NoDeployments);
    drop(held);
}

#[test]
fn a_place_goes_to_the_lowest_priority_and_nobody_jumps_the_line() {
    let now = Instant::now();
    let r = router(vec![deployment("a", |d| d.max_parallel_requests = Some(1))], settings("{}"));
    let begin = |priority| Attempts::new(Arc::clone(&r), with_priority(priority));
    let held = tried(begin(0).next(now));
    let (mut late, mut early) = (begin(9), begin(1));
    assert!(matches!(late.next(now), Step::Wait(_)) && matches!(early.next(now), Step::Wait(_)));
    drop(held);
    assert!(matches!(late.next(now), Step::Wait(_)), "the other one goes first");
    assert!(matches!(begin(50).next(now), Step::Wait(_)), "a newcomer does not take the place");
    let attempt = tried(early.next(now));
    assert!(matches!(late.next(now), Step::Wait(_)), "it is taken");
    drop(attempt);
    drop(tried(late.next(now)));
    let _taken = tried(begin(0).next(now));
    let mut patient =
        Attempts::new(Arc::clone(&r), RouteRequest { timeout: Some(Duration::from_secs(1)), ..with_priority(1) });
    assert!(matches!(patient.next(now), Step::Wait(_)));
    let Step::GiveUp(error) = patient.next(now + Duration::from_secs(1)) else { panic!("it waits too long") };
    assert_eq!(error.status(), 408);
}

#[test]
fn a_retry_budget_ends_the_retries_of_an_outage() {
    let now = Instant::now();
    let calls = |budget: &str| {
        let s = settings(&format!("{{\"num_retries\":3,\"disable_cooldowns\":true{budget}}}"));
        let r = router(vec![deployment("a", |_| ()), deployment("b", |_| ())], s);
        let down = Error::new(Kind::Internal, "down");
        let mut calls = 0;
        for _ in 0..1000 {
            let mut attempts = Attempts::new(Arc::clone(&r), RouteRequest::new("m"));
            loop {
                match attempts.next(now) {
                    Step::Try(_) => {
                        calls += 1;
                        attempts.report(Outcome::Failure(&down), now);
                    }
                    Step::GiveUp(_) => break,
                    Step::Wait(_) => {}
                }
            }
        }
        calls
    };
    assert_eq!(calls(""), 4000);
    // Requests are counted as they come: 200 of 1000 and ten per second.
    assert_eq!(calls(r#","retry_budget":{"ratio":0.2,"min_per_second":1}"#), 1210);
}

fn hedged() -> Arc<Router> {
    let s = settings(r#"{"routing_strategy":"least-busy","hedging":{"delay":0.5},"num_retries":0}"#);
    router(vec![deployment("a", |_| ()), deployment("b", |_| ()), deployment("c", |_| ())], s)
}

#[test]
fn the_second_call_goes_elsewhere_and_may_win() {
    let now = Instant::now();
    let r = hedged();
    let mut attempts = Attempts::new(Arc::clone(&r), RouteRequest::new("m"));
    let first = tried(attempts.next(now));
    assert_eq!(attempts.hedge_after(), Some(Duration::from_millis(500)));
    let second = attempts.hedge(now).unwrap();
    assert_ne!(first.deployment.id, second.deployment.id);
    attempts.hedge_won();
    let usage = wrote(1, 1);
    attempts.report(answered(Duration::from_secs(1), &usage), now);
    let minute = r.state().minute(now);
    let results = |a: &llm_router::Attempt| r.state().deployment(&a.deployment.id).results(minute);
    assert_eq!((results(&first), results(&second)), ((0, 0), (1, 0)));
    let never = Router::new(vec![deployment("a", |_| ()), deployment("b", |_| ())], settings("{}"));
    let mut attempts = Attempts::new(Arc::new(never), RouteRequest::new("m"));
    let _first = tried(attempts.next(now));
    assert!(attempts.hedge_after().is_none() && attempts.hedge(now).is_none(), "it is off");
}

#[test]
fn either_of_two_calls_may_fail_alone() {
    let now = Instant::now();
    let down = Error::new(Kind::Authentication, "down");
    for first_fails in [true, false] {
        let r = hedged();
        let mut attempts = Attempts::new(Arc::clone(&r), RouteRequest::new("m"));
        let (first, second) = (tried(attempts.next(now)), attempts.hedge(now).unwrap());
        let (failed, good) = if first_fails { (&first, &second) } else { (&second, &first) };
        match first_fails {
            true => attempts.first_failed(&down, now),
            false => attempts.hedge_failed(&down, now),
        }
        let usage = wrote(1, 1);
        attempts.report(answered(Duration::from_secs(1), &usage), now);
        let ids: Vec<_> = r.state().cooling(now).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [Arc::clone(&failed.deployment.id)]);
        assert_eq!(r.state().deployment(&good.deployment.id).results(r.state().minute(now)), (1, 0));
    }
}

#[test]
fn second_calls_are_few() {
    let now = Instant::now();
    let r = hedged();
    let mut second = 0;
    for _ in 0..1000 {
        let mut attempts = Attempts::new(Arc::clone(&r), RouteRequest::new("m"));
        let _first = tried(attempts.next(now));
        second += usize::from(attempts.hedge(now).is_some());
    }
    assert_eq!(second, 51, "5 of 100, and one in ten seconds");
}

#[test]
fn a_decision_is_read_back_by_its_id() {
    let now = Instant::now();
    let s = settings(r#"{"num_retries":0,"fallbacks":[{"m":["z"]}],"routing_strategy":"least-busy"}"#);
    let paused = deployment("paused", |d| d.blocked = true);
    let r = router(vec![deployment("a", |_| ()), paused, Deployment::new("z1", "z", "openai/z")], s);
    let mut attempts = Attempts::new(Arc::clone(&r), RouteRequest::new("m"));
    let id = attempts.decision_id();
    let _first = tried(attempts.next(now));
    attempts.report(Outcome::Failure(&Error::new(Kind::Internal, "down")), now);
    let _second = tried(attempts.next(now));
    let usage = wrote(1, 1);
    attempts.report(answered(Duration::ZERO, &usage), now);
    assert!(r.state().decision(id).is_none(), "it is not over");
    drop(attempts);
    let told = r.state().decision(id).unwrap();
    assert_eq!((&*told.model, told.choices.len(), told.error), ("m", 2, None));
    let (first, second) = (&told.choices[0], &told.choices[1]);
    assert_eq!(
        (first.chosen.as_deref(), first.outcome, first.strategy),
        (Some("a"), "InternalServerError", "least-busy")
    );
    assert_eq!(first.dropped, [(Arc::from("paused"), llm_router::Dropped::Paused)]);
    assert_eq!(first.scores, [(Arc::from("a"), 0.0)]);
    assert_eq!((&*second.group, second.chosen.as_deref(), second.outcome), ("z", Some("z1"), "ok"));
    assert_eq!(id.to_string().parse(), Ok(id));
    let state = Arc::clone(r.state());
    drop((r, _first, _second));
    let told = state.decision(id).unwrap();
    assert_eq!((told.choices[0].chosen.as_deref(), told.choices[0].dropped.len()), (Some("a"), 0), "after a reload");
    assert_eq!(state.latest_decisions(5).len(), 1);
}
