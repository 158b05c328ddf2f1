//! Policies: which guardrails run for whom.

use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Gateway, MASTER_KEY, calls};
use serde_json::{Value, json};

use super::{chat, config, key, on_both_engines, send};

const FILE: &str = "
guardrails:
  - guardrail_name: birds
    litellm_params: {guardrail: litellm_content_filter, mode: pre_call, blocked_words: [{keyword: albatross, action: BLOCK}]}
  - guardrail_name: fish
    litellm_params: {guardrail: litellm_content_filter, mode: pre_call, blocked_words: [{keyword: salmon, action: BLOCK}]}
policies:
  base: {description: for everybody in red teams, guardrails: {add: [birds]}}
  strict: {inherit: base, guardrails: {add: [fish]}, condition: {model: 'gp.*'}}
policy_attachments:
  - {policy: base, teams: ['red*']}
  - {policy: strict, tags: ['prod-*']}
";

/// Words that a call with this key may not say, of those that guardrails look for; and the policies that the answer names.
async fn stopped(gateway: &Gateway, key: &str, more: &Value) -> (String, String) {
    let mut out = Vec::new();
    for word in ["albatross", "salmon", "oak"] {
        let mut body = json!({"model": "gpt", "messages": [{"role": "user", "content": format!("a {word}")}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = gateway.post("/v1/chat/completions", &body, key).await.unwrap();
        match reply.status {
            200 => {}
            400 => out.push(word),
            other => panic!("{word}: {other} {}", reply.text()),
        }
    }
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hello"}]});
    let mut body = body.as_object().unwrap().clone();
    body.extend(more.as_object().unwrap().clone());
    let reply = gateway.post("/v1/chat/completions", &Value::Object(body), key).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let header = |name: &str| reply.header(name).to_owned();
    let told = format!("{} {}", header("x-litellm-applied-policies"), header("x-litellm-policy-sources"));
    (out.join(" "), told.trim().to_owned())
}

async fn master(gateway: &Gateway, method: Method, path: &str, body: Value, wanted: u16) -> Value {
    let (status, answer) = send(gateway, MASTER_KEY, method, path, &body).await;
    assert_eq!(status, wanted, "{path} {body}: {answer}");
    answer
}

fn told(words: &str, policies: &str) -> (String, String) {
    (words.to_owned(), policies.to_owned())
}

async fn policies_of_the_file(gateway: &Gateway, sim: &Running) {
    for (id, alias) in [("r", "reds"), ("b", "blues")] {
        master(gateway, Method::POST, "/team/new", json!({"team_id": id, "team_alias": alias}), 200).await;
    }
    let red = key(gateway, json!({"team_id": "r"})).await;
    let blue = key(gateway, json!({"team_id": "b"})).await;
    let none = json!({});
    assert_eq!(stopped(gateway, &red, &none).await, told("albatross", "base base=team:reds"));
    assert_eq!(stopped(gateway, &blue, &none).await, told("", ""));
    let tagged = json!({"tags": ["x", "prod-1"]});
    assert_eq!(stopped(gateway, &blue, &tagged).await, told("albatross salmon", "strict strict=tag:prod-1"));
    let of_tag = key(gateway, json!({"tags": ["prod-key"]})).await;
    assert_eq!(stopped(gateway, &of_tag, &none).await, told("albatross salmon", "strict strict=tag:prod-key"));

    // Named by the client, the key, the team and the user.
    let asked = json!({"policies": ["strict", "nobody"]});
    assert_eq!(stopped(gateway, &blue, &asked).await, told("albatross salmon", "strict"));
    assert!(calls(sim).last().unwrap().json().get("policies").is_none(), "it steers the gateway alone");
    let wrong = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}], "policies": "strict"});
    assert_eq!(gateway.post("/v1/chat/completions", &wrong, &blue).await.unwrap().status, 400);
    let user = json!({"user_id": "ann", "user_role": "internal_user", "policies": ["base"], "auto_create_key": false});
    master(gateway, Method::POST, "/user/new", user, 200).await;
    let own = key(gateway, json!({"user_id": "ann", "key_alias": "own"})).await;
    assert_eq!(stopped(gateway, &own, &none).await, told("albatross", "base"));
    let named = key(gateway, json!({"user_id": "ann", "policies": ["strict"]})).await;
    assert_eq!(stopped(gateway, &named, &none).await, told("albatross salmon", "strict,base"));
    let older = key(gateway, json!({"metadata": {"policies": ["strict"]}})).await;
    assert_eq!(stopped(gateway, &older, &none).await, told("albatross salmon", "strict"));
    master(gateway, Method::POST, "/team/update", json!({"team_id": "b", "policies": ["base"]}), 200).await;
    assert_eq!(stopped(gateway, &blue, &none).await, told("albatross", "base"));

    // Its owner does not lift a key's policies.
    for (body, status) in [
        (json!({"key": named, "policies": []}), 403),
        (json!({"key": named, "policies": ["strict", "base"]}), 200),
        (json!({"key": own, "policies": ["strict"]}), 200),
    ] {
        let told = gateway.post("/key/update", &body, &own).await.unwrap();
        assert_eq!(told.status, status, "{body}: {}", told.text());
    }
    let refused = send(gateway, &own, Method::POST, "/policies", &json!({"policy_name": "x"})).await;
    assert_eq!(refused.0, 401, "{}", refused.1);
    let refused = send(gateway, &own, Method::GET, "/policies/list", &json!({})).await;
    assert_eq!(refused.0, 401, "{}", refused.1);
}

async fn policies_of_the_database(gateway: &Gateway) -> String {
    let params = json!({"guardrail": "litellm_content_filter", "mode": "pre_call", "blocked_words": [{"keyword": "oak", "action": "BLOCK"}]});
    let trees = json!({"guardrail": {"guardrail_name": "trees", "litellm_params": params}});
    let trees = master(gateway, Method::POST, "/guardrails", trees, 200).await;
    let dev = key(gateway, json!({"key_alias": "dev-1"})).await;
    for (wrong, status) in [
        (json!({}), 422),
        (json!({"policy_name": "p", "guardrails_add": "birds"}), 422),
        (json!({"policy_name": ""}), 400),
        (json!({"policy_name": "p", "guardrails_add": ["nobody"]}), 400),
        (json!({"policy_name": "p", "inherit": "nobody"}), 400),
        (json!({"policy_name": "p", "inherit": "p"}), 400),
        (json!({"policy_name": "p", "condition": {"model": "gpt-(4"}}), 400),
        (
            json!({"policy_name": "p", "pipeline": {"mode": "pre_call", "steps": [{"guardrail": "birds", "on_fail": "modify_response"}]}}),
            400,
        ),
        (json!({"policy_name": "p", "pipeline": {"mode": "pre_call", "steps": [{"guardrail": "nobody"}]}}), 400),
    ] {
        master(gateway, Method::POST, "/policies", wrong, status).await;
    }
    let plants = json!({"policy_name": "plants", "inherit": "strict", "guardrails_add": ["trees"], "guardrails_remove": ["fish"]});
    let made = master(gateway, Method::POST, "/policies", plants.clone(), 200).await;
    assert_eq!((&made["version_number"], &made["version_status"]), (&json!(1), &json!("production")), "{made}");
    master(gateway, Method::POST, "/policies", plants, 400).await;
    assert_eq!(stopped(gateway, &dev, &json!({})).await, told("", ""), "not attached yet");

    for (wrong, status) in [
        (json!({"policy_name": "nobody", "scope": "*"}), 404),
        (json!({"policy_name": "plants", "scope": "all"}), 400),
        (json!({"policy_name": "plants", "teams": ["greens"]}), 400),
        (json!({"policy_name": "plants", "keys": ["dev-2"]}), 400),
        (json!({"policy_name": "plants", "models": ["gpt-9"]}), 400),
        (json!({"policy_name": "plants", "priority": 3_000_000_000_i64}), 400),
        (json!({"policy_name": "plants", "keys": "dev-1"}), 422),
    ] {
        master(gateway, Method::POST, "/policies/attachments", wrong, status).await;
    }
    let to = json!({"policy_name": "plants", "keys": ["dev-*"], "models": ["gpt"]});
    let impact = master(gateway, Method::POST, "/policies/attachments/estimate-impact", to.clone(), 200).await;
    assert_eq!((&impact["affected_keys_count"], &impact["sample_keys"]), (&json!(1), &json!(["dev-1"])), "{impact}");
    let team = json!({"policy_name": "plants", "teams": ["red*"]});
    let impact = master(gateway, Method::POST, "/policies/attachments/estimate-impact", team, 200).await;
    assert_eq!((&impact["sample_teams"], &impact["unnamed_keys_count"]), (&json!(["reds"]), &json!(1)), "{impact}");
    let attached = master(gateway, Method::POST, "/policies/attachments", to, 200).await;
    assert_eq!((&attached["default"], &attached["definition_location"]), (&json!(false), &json!("db")), "{attached}");
    let plants = told("albatross oak", "plants plants=key:dev-1+model:gpt");
    assert_eq!(stopped(gateway, &dev, &json!({})).await, plants);

    // What would run, and what there is.
    let call = json!({"key_alias": "dev-9", "model": "gpt"});
    let resolved = master(gateway, Method::POST, "/policies/resolve?force_sync=true", call.clone(), 200).await;
    assert_eq!(resolved["effective_guardrails"], json!(["birds", "trees"]), "{resolved}");
    assert_eq!(resolved["matched_policies"][0]["matched_via"], "key:dev-9+model:gpt", "{resolved}");
    let tested = master(gateway, Method::POST, "/policy/test", call, 200).await;
    assert_eq!(tested["matching_policies"], json!(["plants"]), "{tested}");
    let path = format!("/policies/{}", made["policy_id"].as_str().unwrap());
    let resolved = master(gateway, Method::GET, &format!("{path}/resolved-guardrails"), json!({}), 200).await;
    assert_eq!(resolved["resolved_guardrails"], json!(["birds", "trees"]), "{resolved}");
    let info = master(gateway, Method::GET, "/policy/info/plants", json!({}), 200).await;
    assert_eq!(info["inheritance_chain"], json!(["base", "strict", "plants"]), "{info}");
    let list = master(gateway, Method::GET, "/policies/list", json!({}), 200).await;
    assert_eq!(list["total_count"], 3, "{list}");
    assert_eq!(list["policies"][1]["definition_location"], "config", "{list}");
    assert_eq!(master(gateway, Method::GET, "/policy/list", json!({}), 200).await["total_count"], 3);
    let list = master(gateway, Method::GET, "/policies/attachments/list", json!({}), 200).await;
    let ids: Vec<_> = list["attachments"].as_array().unwrap().iter().map(|a| a["attachment_id"].clone()).collect();
    assert_eq!(ids, [attached["attachment_id"].clone(), json!("config-0"), json!("config-1")], "{list}");
    let wrong = json!({"policies": {"a": {"guardrails": {"add": ["nobody"]}}, "b": {"inherit": "c"}}});
    let validated = master(gateway, Method::POST, "/policy/validate", wrong, 200).await;
    let kinds: Vec<_> = validated["errors"].as_array().unwrap().iter().map(|e| e["error_type"].clone()).collect();
    assert_eq!(kinds, [json!("invalid_guardrail"), json!("invalid_inheritance")], "{validated}");

    versions(gateway, &dev, made["policy_id"].as_str().unwrap()).await;
    let attachment = format!("/policies/attachments/{}", attached["attachment_id"].as_str().unwrap());
    master(gateway, Method::GET, &attachment, json!({}), 200).await;
    master(gateway, Method::DELETE, &attachment, json!({}), 200).await;
    master(gateway, Method::GET, &attachment, json!({}), 404).await;
    assert_eq!(stopped(gateway, &dev, &json!({})).await, told("", ""));
    format!("/guardrails/{}", trees["guardrail_id"].as_str().unwrap())
}

/// A draft is tried out, published, put into production in the place of the other one.
async fn versions(gateway: &Gateway, dev: &str, first: &str) {
    let versions = "/policies/name/plants/versions";
    let status = |id: &str| format!("/policies/{id}/status");
    master(gateway, Method::POST, "/policies/name/nobody/versions", json!({}), 404).await;
    let draft = master(gateway, Method::POST, versions, json!({}), 200).await;
    assert_eq!((&draft["version_number"], &draft["parent_version_id"]), (&json!(2), &json!(first)), "{draft}");
    let id = draft["policy_id"].as_str().unwrap();
    let path = format!("/policies/{id}");
    master(gateway, Method::PUT, &format!("/policies/{first}"), json!({"description": "x"}), 400).await;
    master(gateway, Method::PUT, &path, json!({"inherit": "plants", "guardrails_add": []}), 400).await;
    let changed = json!({"guardrails_remove": [], "guardrails_add": [], "description": "all but trees"});
    master(gateway, Method::PUT, &path, changed, 200).await;
    let asked = json!({"policies": [format!("policy_{id}")]});
    let both = stopped(gateway, dev, &asked).await.0;
    assert_eq!(both, "albatross salmon oak", "a version that is asked for takes the place of none");
    for (status_of, to, wanted) in [
        (id, "production", 400),
        (id, "draft", 400),
        (first, "published", 400),
        (id, "published", 200),
        (id, "production", 200),
    ] {
        master(gateway, Method::PUT, &status(status_of), json!({"version_status": to}), wanted).await;
    }
    assert_eq!(stopped(gateway, dev, &json!({})).await.0, "albatross salmon");
    let before = master(gateway, Method::GET, &format!("/policies/{first}"), json!({}), 200).await;
    assert_eq!((&before["version_status"], &before["is_latest"]), (&json!("published"), &json!(false)), "{before}");
    let compared = format!("/policies/compare?version_a={first}&version_b={id}");
    let compared = master(gateway, Method::GET, &compared, json!({}), 200).await;
    let differ: Vec<_> = compared["field_diffs"].as_object().unwrap().keys().collect();
    assert_eq!(differ, ["description", "guardrails_add", "guardrails_remove"], "{compared}");
    master(gateway, Method::PUT, &status(first), json!({"version_status": "production"}), 200).await;
    assert_eq!(stopped(gateway, dev, &json!({})).await.0, "albatross oak");
    let gone = master(gateway, Method::DELETE, &format!("/policies/{first}"), json!({}), 200).await;
    assert!(gone["warning"].as_str().unwrap().contains("No other version"), "{gone}");
    assert_eq!(stopped(gateway, dev, &json!({})).await.0, "");
    assert_eq!(master(gateway, Method::GET, versions, json!({}), 200).await["total_count"], 1);
    master(gateway, Method::DELETE, "/policies/name/plants/all-versions", json!({}), 200).await;
    master(gateway, Method::GET, &path, json!({}), 404).await;
}

#[tokio::test]
async fn policies_say_which_guardrails_run() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let (gateways, _server) = on_both_engines(&config(&sim, FILE)).await;
    for gateway in &gateways {
        policies_of_the_file(gateway, &sim).await;
        let trees = policies_of_the_database(gateway).await;
        // Over the file's policy of the same name; a guardrail that goes away does not stop the gateway.
        let over = json!({"policy_name": "base", "guardrails_add": ["trees"]});
        let over = master(gateway, Method::POST, "/policies", over, 200).await;
        let red = key(gateway, json!({"team_id": "r"})).await;
        assert_eq!(stopped(gateway, &red, &json!({})).await.0, "oak");
        master(gateway, Method::DELETE, &trees, json!({}), 200).await;
        assert_eq!(stopped(gateway, &red, &json!({})).await.0, "");
        let path = format!("/policies/{}", over["policy_id"].as_str().unwrap());
        let gone = master(gateway, Method::DELETE, &path, json!({}), 200).await;
        assert!(gone["warning"].as_str().unwrap().contains("config-defined"), "{gone}");
        assert_eq!(stopped(gateway, &red, &json!({})).await.0, "albatross");
        assert_eq!(chat(gateway, &red, "a sparrow").await.0, 200);
    }
}

#[tokio::test]
async fn a_policy_that_does_nothing_stops_the_start() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    for (from, to, told) in [
        ("add: [fish]", "add: [fishes]", "policies.strict.guardrails.add"),
        ("inherit: base", "inherit: nobody", "policies.strict.inherit"),
        ("'gp.*'", "'gp('", "policies.strict.condition.model"),
        ("policy: base,", "policy: basis,", "policy_attachments[0].policy"),
        ("tags: ['prod-*']", "tags: prod", "policy_attachments[1].tags"),
    ] {
        let file = FILE.replace(from, to);
        assert_ne!(file, FILE);
        let error = Gateway::start(&config(&sim, &file)).await.unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
}
