//! Cases of LiteLLM's documentation of policies, and what its engine does in corners.

use llm_types::Json;

use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn policies(list: &[(&str, &str)], attachments: &[&str]) -> Policies {
    let mut out = Policies::default();
    for (name, policy) in list {
        out.put(name, Policy::read(&json(policy)).unwrap());
    }
    for attachment in attachments {
        out.attach(Attachment::read(&json(attachment)).unwrap());
    }
    out
}

fn base() -> Vec<(&'static str, &'static str)> {
    vec![
        ("base", r#"{"guardrails":{"add":["pii","phi"]}}"#),
        ("health", r#"{"inherit":"base","guardrails":{"add":["audit"],"remove":["phi"]}}"#),
        ("gpt", r#"{"inherit":"base","guardrails":{"add":["toxic"]},"condition":{"model":"gpt-4.*"}}"#),
        ("two", r#"{"guardrails":["old"],"condition":{"model":["a","b(1"]}}"#),
    ]
}

fn run(policies: &Policies, context: &PolicyContext<'_>) -> (String, String) {
    let applied = policies.applied(context, [], []);
    let policies = applied.policies.iter().map(|(name, via)| format!("{name}={}", via.as_deref().unwrap_or("-")));
    (applied.guardrails.join(" "), policies.collect::<Vec<_>>().join(" "))
}

fn call<'a>(team: &'a str, key: &'a str, models: &'a [&'a str], tags: &'a [&'a str]) -> PolicyContext<'a> {
    let some = |name: &'a str| Some(name).filter(|name| !name.is_empty());
    PolicyContext { team: some(team), key: some(key), models, tags }
}

#[test]
fn guardrails_are_handed_down() {
    let all = policies(&base(), &[]);
    assert_eq!(all.guardrails("health"), ["pii", "audit"]);
    assert_eq!(all.chain("health"), ["base", "health"]);
    assert_eq!((all.guardrails("nobody").len(), all.chain("nobody").len()), (0, 0));
    let circle = policies(
        &[
            ("a", r#"{"inherit":"b","guardrails":{"add":["x"]}}"#),
            ("b", r#"{"inherit":"a","guardrails":{"add":["y"]}}"#),
        ],
        &[],
    );
    assert_eq!(circle.guardrails("a"), ["y", "x"]);
}

#[test]
fn conditions_are_names_or_patterns_over_the_whole_name() {
    let all = policies(&base(), &[r#"{"policy":"gpt","scope":"*"}"#, r#"{"policy":"two","scope":"*"}"#]);
    let of = |models: &[&str]| run(&all, &call("", "", models, &[])).0;
    assert_eq!(of(&["gpt-4o"]), "pii phi toxic");
    // What it stands on has no condition.
    assert_eq!(of(&["my-gpt-4o"]), "pii phi");
    assert_eq!(of(&["alias", "gpt-4"]), "pii phi toxic", "an alias is no way round");
    assert_eq!(of(&["b(1"]), "pii phi old", "a name that is no pattern");
    assert_eq!(of(&[]), "pii phi");
}

#[test]
fn attachments_fit_when_all_that_they_name_does() {
    let all = policies(
        &base(),
        &[
            r#"{"policy":"base","teams":["health-*"]}"#,
            r#"{"policy":"health","teams":["health-*"],"keys":["dev"],"models":["gpt-*"]}"#,
            r#"{"policy":"gpt","tags":["prod-*"]}"#,
        ],
    );
    for (context, guardrails, found) in [
        (call("", "", &["gpt-4"], &[]), "", ""),
        (call("health-a", "", &["gpt-4"], &[]), "pii phi", "base=team:health-a"),
        (call("health-a", "dev", &["claude"], &[]), "pii phi", "base=team:health-a"),
        (
            call("health-a", "dev", &["gpt-4"], &[]),
            "pii phi audit",
            "base=team:health-a health=team:health-a+key:dev+model:gpt-4",
        ),
        (call("other", "dev", &["gpt-4"], &["x", "prod-1"]), "pii phi toxic", "gpt=tag:prod-1"),
    ] {
        assert_eq!(run(&all, &context), (guardrails.to_owned(), found.to_owned()), "{context:?}");
    }
    let star = policies(&base(), &[r#"{"policy":"base","teams":["*"]}"#]);
    assert_eq!(run(&star, &call("", "", &[], &[])).0, "pii phi", "calls without a team too");
}

#[test]
fn defaults_step_back_and_priorities_order() {
    let attached = [
        r#"{"policy":"base","default":true,"scope":"*"}"#,
        r#"{"policy":"health","models":["gpt-*"]}"#,
        r#"{"policy":"two","scope":"*","priority":7}"#,
        r#"{"policy":"nobody","scope":"*"}"#,
        r#"{"policy":"health","scope":"*","teams":["x"]}"#,
    ];
    let all = policies(&base(), &attached);
    assert_eq!(run(&all, &call("", "", &["a"], &[])).1, "two=scope:* health=scope:*");
    let all = policies(&base(), &attached[..2]);
    assert_eq!(run(&all, &call("", "", &["gpt-4"], &[])).1, "health=model:gpt-4");
    assert_eq!(run(&all, &call("", "", &["claude"], &[])).1, "base=default:scope:*");
}

#[test]
fn names_of_keys_and_bodies_come_on_top() {
    let mut all = policies(&base(), &[r#"{"policy":"health","scope":"*"}"#]);
    all.put_version("7", "health", Policy::read(&json(r#"{"guardrails":{"add":["new"]}}"#)).unwrap());
    let context = call("", "", &["a"], &[]);
    let applied = all.applied(&context, ["base", "nobody"], ["policy_7", "policy_8", "two"]);
    assert_eq!(applied.guardrails.join(" "), "pii audit new old phi", "a version takes the place of none");
    let names: Vec<_> = applied.policies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["health", "two", "base"]);
    let other = all.applied(&call("", "", &["c"], &[]), [], ["two"]);
    assert_eq!(other.policies.len(), 1, "its condition does not hold");
}

#[test]
fn what_cannot_be_read_is_told() {
    for (wrong, field) in [
        ("[]", ""),
        (r#"{"guardrails":"pii"}"#, "guardrails"),
        (r#"{"guardrails":{"add":"pii"}}"#, "guardrails.add"),
        (r#"{"guardrails":{"remove":[1]}}"#, "guardrails.remove"),
        (r#"{"condition":"gpt"}"#, "condition"),
        (r#"{"condition":{"model":7}}"#, "condition.model"),
        (r#"{"inherit":["a"]}"#, "inherit"),
    ] {
        assert_eq!(Policy::read(&json(wrong)).unwrap_err().0, field, "{wrong}");
    }
    for (wrong, field) in [
        ("{}", "policy"),
        (r#"{"policy":"a","scope":"all"}"#, "scope"),
        (r#"{"policy":"a","teams":"red"}"#, "teams"),
        (r#"{"policy":"a","priority":"high"}"#, "priority"),
        (r#"{"policy":"a","default":"yes"}"#, "default"),
    ] {
        assert_eq!(Attachment::read(&json(wrong)).unwrap_err().0, field, "{wrong}");
    }
}
