//! Answers that break off behind their first content.

use super::*;

fn group() -> Vec<Deployment> {
    let spare = Deployment::new("spare", "spare", "openai/spare");
    vec![deployment("a", |_| ()), deployment("b", |_| ()), spare]
}

fn success() -> Outcome<'static> {
    Outcome::Success { latency: Duration::from_millis(5), usage: None, ttft: None, cost: 0.0 }
}

fn lost() -> Error {
    Error::new(Kind::MidStream, "the upstream ended its stream before the answer was complete")
}

fn begun(router: &Arc<Router>, stream: bool, now: Instant) -> (Attempts, llm_router::Attempt) {
    let request = RouteRequest { seed: Some(1), stream, ..RouteRequest::new("m") };
    let mut attempts = Attempts::new(Arc::clone(router), request);
    let Step::Try(attempt) = attempts.next(now) else { panic!() };
    attempts.report(success(), now);
    attempts.write_down();
    (attempts, attempt)
}

#[test]
fn it_counts_as_a_failure_and_the_group_is_left() {
    let now = Instant::now();
    let settings = serde_json::from_str(r#"{"fallbacks":[{"m":["spare"]}]}"#).unwrap();
    let router = Arc::new(Router::new(group(), settings));
    let (mut attempts, attempt) = begun(&router, true, now);
    assert!(attempt.continuable && attempts.may_be_continued());
    attempts.broke(&lost(), now);
    let state = router.state().deployment(&attempt.deployment.id);
    assert_eq!(state.results(router.state().minute(now)), (0, 1));
    let Step::Try(next) = attempts.next(now) else { panic!() };
    assert_eq!((&*next.deployment.id, next.fallbacks), ("spare", 1));
    assert!(!next.continuable, "behind it there is nobody");
    attempts.report(success(), now);
    let id = attempts.decision_id();
    drop(attempts);
    let decision = router.state().decision(id).unwrap();
    let chosen: Vec<_> = decision.choices.iter().map(|c| (&*c.group, c.outcome)).collect();
    assert_eq!(chosen, [("m", "MidStreamFallbackError"), ("spare", "ok")]);
}

#[test]
fn without_fallbacks_the_client_is_told_and_the_deployment_rests() {
    let now = Instant::now();
    let settings = serde_json::from_str(r#"{"allowed_fails":0}"#).unwrap();
    let router = Arc::new(Router::new(group(), settings));
    let (mut attempts, attempt) = begun(&router, true, now);
    assert!(!attempt.continuable && !attempts.may_be_continued());
    let cooled = attempts.broke(&lost(), now).unwrap();
    assert_eq!(cooled.deployment.id, attempt.deployment.id);
    let Step::GiveUp(error) = attempts.next(now) else { panic!() };
    assert_eq!(error.kind, Kind::MidStream);
}

#[test]
fn whole_answers_are_not_kept_for_others() {
    let settings = serde_json::from_str(r#"{"fallbacks":[{"*":["spare"]}]}"#).unwrap();
    let router = Arc::new(Router::new(group(), settings));
    assert!(!begun(&router, false, Instant::now()).1.continuable);
}
