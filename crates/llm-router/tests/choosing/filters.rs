//! Filters between the healthy deployments and the strategy: tags, budgets, ties, fields.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_router::{Attempts, Deployment, Dropped, Outcome, Period, RouteRequest, Router, Step, TagPattern};
use llm_types::{Field, FieldSet, Kind, Usage};

use super::deployment;
use super::strategies::{answered, call_one, router, settings, wrote};

fn tagged(id: &str, tags: &[&str]) -> Deployment {
    deployment(id, |d| d.tags = tags.iter().map(|t| Arc::from(*t)).collect())
}

/// The candidates, sorted; or the status of the refusal.
fn left(router: &Router, request: &RouteRequest) -> Result<Vec<String>, u16> {
    let explained = router.explain(request, Instant::now()).unwrap();
    let mut ids: Vec<_> =
        explained.verdicts.iter().filter(|v| v.place.is_some()).map(|v| v.deployment.id.to_string()).collect();
    ids.sort();
    explained.error.map_or(Ok(ids), |e| Err(e.status()))
}

fn with_tags(tags: &[&str]) -> RouteRequest {
    RouteRequest { tags: tags.iter().map(|t| Arc::from(*t)).collect(), ..RouteRequest::new("m") }
}

#[test]
fn tags_choose_and_refuse_as_in_litellm() {
    let pool = || {
        vec![
            tagged("free", &["free", "eu"]),
            tagged("paid", &["paid", "eu"]),
            tagged("both", &["free", "paid"]),
            tagged("none", &[]),
        ]
    };
    let cases: &[(&[&str], &str, Result<&[&str], u16>)] = &[
        (&["free"], "{}", Ok(&["both", "free"])),
        (&["free", "paid"], "{}", Ok(&["both", "free", "paid"])),
        (&["free", "paid"], r#"{"tag_filtering_match_any":false}"#, Ok(&["both"])),
        (&["free", "eu"], r#"{"tag_filtering_match_any":false}"#, Ok(&["free"])),
        (&[], "{}", Ok(&["both", "free", "none", "paid"])),
        (&["gold"], "{}", Err(401)),
        (&["!eu"], "{}", Ok(&["both", "none"])),
        (&["free", "!eu"], "{}", Ok(&["both"])),
        (&["&eu"], "{}", Ok(&["free", "paid"])),
        (&["&eu", "&free"], "{}", Ok(&["free"])),
        (&["&eu", "!free", "!paid"], "{}", Err(401)),
        (&["route:free"], r#"{"tag_routing_prefix":"route:"}"#, Ok(&["both", "free"])),
    ];
    for (tags, more, expected) in cases {
        let mut s = settings(more);
        s.enable_tag_filtering = Some(true);
        let expected = expected.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(left(&Router::new(pool(), s), &with_tags(tags)), expected, "{tags:?} {more}");
    }
    let off = Router::new(pool(), settings("{}"));
    assert_eq!(left(&off, &with_tags(&["gold"])).unwrap().len(), 4, "switched off");
    let own =
        RouteRequest { settings: Some(Arc::new(settings(r#"{"enable_tag_filtering":true}"#))), ..with_tags(&["gold"]) };
    assert_eq!(left(&off, &own), Err(401), "key or team switch it on");
    assert!(off.explain(&own, Instant::now()).unwrap().verdicts.iter().all(|v| v.dropped == Some(Dropped::Tags)));
}

#[test]
fn the_default_pool_takes_what_nobody_is_tagged_for() {
    let on = r#"{"enable_tag_filtering":true}"#;
    let pool = vec![tagged("d", &["default"]), tagged("t", &["teamA"]), tagged("n", &[])];
    let r = Router::new(pool.clone(), settings(on));
    assert_eq!(left(&r, &with_tags(&[])).unwrap(), ["d"]);
    assert_eq!(left(&r, &with_tags(&["unheard-of"])).unwrap(), ["d"]);
    assert_eq!(left(&r, &with_tags(&["teamA"])).unwrap(), ["t"]);
    r.state().cool_down(&"t".into(), Duration::from_secs(60), Instant::now());
    assert_eq!(left(&r, &with_tags(&["teamA"])), Err(401), "its deployments rest: no other pool steps in");
    let open: Vec<_> = pool.into_iter().map(|d| Deployment { allow_fail_open: true, ..d }).collect();
    let r = Router::new(open, settings(on));
    assert_eq!(left(&r, &with_tags(&["&gone"])).unwrap(), ["d"]);
    let policy = RouteRequest { inherited_tags: vec![Arc::from("&gone")].into(), ..with_tags(&["&gone"]) };
    assert_eq!(left(&r, &policy), Err(401), "what policy asks is not given up");
}

#[test]
fn patterns_look_at_the_user_agent() {
    let mut by_agent = tagged("code", &[]);
    by_agent.tag_regex = vec![TagPattern::parse("^User-Agent: claude-code/").unwrap()];
    let r = Router::new(vec![by_agent, tagged("d", &["default"])], settings(r#"{"enable_tag_filtering":true}"#));
    let agent = |name: &str| RouteRequest { user_agent: Some(name.into()), ..RouteRequest::new("m") };
    assert_eq!(left(&r, &agent("claude-code/1.2")).unwrap(), ["code"]);
    assert_eq!(left(&r, &agent("curl/8")).unwrap(), ["d"]);
    assert!(TagPattern::parse("(").is_err());
}

fn budget(usd: f64) -> Option<llm_router::BudgetConfig> {
    Some(llm_router::BudgetConfig { max_budget: Some(usd), budget_duration: Period::parse("60s").ok() })
}

#[test]
fn whoever_has_spent_his_budget_is_left_out_until_the_window_ends() {
    let now = Instant::now();
    let s = settings(
        r#"{"provider_budget_config":{"openai":{"budget_limit":2,"time_period":"60s"}},
        "tag_budget_config":{"trial":{"max_budget":0.5,"budget_duration":"60s"}}}"#,
    );
    let of = |id: &str, provider: &str| deployment(id, |d| d.provider = Some(provider.into()));
    let small = Deployment { budget: budget(1.0), ..of("small", "azure") };
    let r = router(vec![of("o1", "openai"), of("o2", "openai"), small], s);
    let usage = wrote(1, 1);
    let costs = |cost| Outcome::Success { latency: Duration::ZERO, usage: Some(&usage), ttft: None, cost };
    let ids = |request: &RouteRequest| left(&r, request);
    call_one(&r, "o1", costs(1.9), now);
    assert_eq!(ids(&with_tags(&[])).unwrap().len(), 3);
    call_one(&r, "o2", costs(0.1), now);
    assert_eq!(ids(&with_tags(&[])).unwrap(), ["small"], "the provider's budget is common");
    let mut attempts = Attempts::new(Arc::clone(&r), with_tags(&["trial"]));
    let Step::Try(attempt) = attempts.next(now) else { panic!() };
    attempts
        .report(Outcome::Success { latency: Duration::ZERO, usage: None, ttft: Some(Duration::ZERO), cost: 0.0 }, now);
    attempt.in_flight.finish(llm_router::Consumed { cost: 0.6, ..Default::default() }, now); // the bill of a stream
    assert_eq!(ids(&with_tags(&[])).unwrap(), ["small"]);
    assert_eq!(ids(&with_tags(&["trial"])), Err(429));
    call_one(&r, "small", costs(0.4), now);
    let refused = r.explain(&with_tags(&[]), now).unwrap().error.unwrap();
    assert!(refused.message.starts_with("No deployments available - crossed budget"), "{}", refused.message);
    assert_eq!(r.budgets(now).len(), 3);
    // The router was made a moment after `now`: the window may end a millisecond after the minute.
    let later = r.explain(&with_tags(&["trial"]), now + Duration::from_secs(61)).unwrap();
    assert!(later.error.is_none() && later.verdicts.iter().all(|v| v.dropped.is_none()));
}

#[test]
fn callers_sessions_and_cached_prompts_stay_where_they_were() {
    let now = Instant::now();
    let ten = || (0..10).map(|i| deployment(&format!("d{i}"), |_| ())).collect::<Vec<_>>();
    let who = |key: &str, session: Option<&str>, seed| RouteRequest {
        key_hash: Some(key.into()),
        session: session.map(Into::into),
        seed: Some(seed),
        ..RouteRequest::new("m")
    };
    let firsts = |r: &Arc<Router>, request: &dyn Fn(u64) -> RouteRequest| -> std::collections::BTreeSet<String> {
        (0..50)
            .map(|seed| super::strategies::call(r, &request(seed), answered(Duration::ZERO, &Usage::default()), now))
            .collect()
    };
    let with = |checks: &str| router(ten(), settings(&format!("{{\"optional_pre_call_checks\":[{checks}]}}")));
    assert!(firsts(&with(""), &|seed| who("k", Some("s"), seed)).len() > 5, "nothing is switched on");
    assert_eq!(firsts(&with("\"deployment_affinity\""), &|seed| who("k", None, seed)).len(), 1);
    let sessions = with("\"session_affinity\"");
    assert_eq!(firsts(&sessions, &|seed| who("k", Some("s"), seed)).len(), 1);
    assert!(firsts(&sessions, &|seed| who("k", None, seed)).len() > 5, "no session");
    let cached = with("\"prompt_caching\"");
    let prompt =
        |seed| RouteRequest { cached_prompts: vec![llm_router::AffinityKey(9)].into(), ..who("k", None, seed) };
    let home = firsts(&cached, &prompt).into_iter().next().unwrap();
    assert_eq!(firsts(&cached, &prompt).len(), 1);
    cached.state().cool_down(&home.as_str().into(), Duration::from_secs(9), now);
    let others = left(&cached, &prompt(1)).unwrap();
    assert!(!others.contains(&home) && others.len() == 9, "one that rests holds nobody: {others:?}");
    let encrypted = with("\"encrypted_content_affinity\"");
    let key = llm_router::encrypted_key(b"gAAAA");
    encrypted.state().tie(key, &"d7".into(), Duration::from_secs(9), now);
    let request = |seed| RouteRequest { encrypted: vec![key].into(), ..who("k", None, seed) };
    assert_eq!(firsts(&encrypted, &request).into_iter().collect::<Vec<_>>(), ["d7"]);
}

#[test]
fn fields_that_a_model_lacks_count_only_when_they_are_not_left_out() {
    let lacking =
        |drop| deployment("lacks", |d| (d.lacks, d.drop_params) = (FieldSet::of(&[Field::ResponseFormat]), drop));
    let request = RouteRequest { fields: FieldSet::of(&[Field::ResponseFormat]), ..RouteRequest::new("m") };
    let checked = r#"{"enable_pre_call_checks":true}"#;
    let ids = |drop, s: &str| {
        left(&Router::new(vec![lacking(drop), deployment("has", |_| ())], settings(s)), &request).unwrap()
    };
    assert_eq!(ids(None, checked), ["has"]);
    assert_eq!(ids(Some(true), checked), ["has", "lacks"]);
    assert_eq!(ids(None, "{}"), ["has", "lacks"]);
}

#[test]
fn health_checks_count_as_long_as_somebody_passes() {
    let r = Router::new(
        vec![deployment("a", |_| ()), deployment("b", |_| ())],
        settings(r#"{"enable_health_check_routing":true}"#),
    );
    r.state().set_health(&"a".into(), false);
    assert_eq!(left(&r, &RouteRequest::new("m")).unwrap(), ["b"]);
    r.state().set_health(&"b".into(), false);
    assert_eq!(left(&r, &RouteRequest::new("m")).unwrap(), ["a", "b"]);
}

#[test]
fn rpm_is_a_hard_limit_where_it_is_guarded() {
    let now = Instant::now();
    let s = settings(r#"{"optional_pre_call_checks":["enforce_model_rate_limits"],"num_retries":0}"#);
    let r = router(vec![deployment("a", |d| d.rpm = Some(2))], s);
    let mut got = Vec::new();
    for _ in 0..3 {
        match Attempts::new(Arc::clone(&r), RouteRequest::new("m")).next(now) {
            Step::Try(_) => got.push(200),
            Step::GiveUp(e) => {
                assert_eq!(e.kind, Kind::RateLimit);
                got.push(e.status());
            }
            Step::Wait(_) => panic!("nothing to wait for"),
        }
    }
    assert_eq!(got, [200, 200, 429]);
}

#[test]
fn who_is_bound_to_a_region_gets_what_runs_there() {
    let regions =
        ["eu", "eu-central-1", "europe-west4", "swedencentral", "us", "us-east-1", "eastus2", "australiaeast"];
    let mut all: Vec<_> = regions.iter().map(|name| deployment(name, |d| d.region = Some((*name).into()))).collect();
    all.push(deployment("nowhere", |_| ()));
    let router = router(all, settings("{}"));
    let of = |region: &str| left(&router, &RouteRequest { region: Some(region.into()), ..RouteRequest::new("m") });
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(
        of("eu").map(sorted),
        Ok(["eu", "eu-central-1", "europe-west4", "swedencentral"].map(String::from).to_vec())
    );
    assert_eq!(of("us").map(sorted), Ok(["eastus2", "us", "us-east-1"].map(String::from).to_vec()));
    assert_eq!(of("australiaeast").map(|names| names.len()), Ok(1));
    assert!(of("moon").is_err(), "whose place nobody knows is nowhere");
}
