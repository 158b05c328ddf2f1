//! A2A agents: rows and their rules, calls through the gateway, limits of agents and of their sessions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "agents/bridge.rs"]
mod bridge;
#[path = "agents/limits.rs"]
mod limits;

use bytes::Bytes;
use http::Method;
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Options, Reply, Said, eventually};
use serde_json::{Value, json};

/// An agent that answers in JSON, or as a stream.
fn agent(asked: &Asked) -> Said {
    let (id, method) = (&asked.json["id"], asked.json["method"].as_str().unwrap_or_default());
    if asked.path.starts_with("/stop") {
        return (202, "text/plain", "stopped".to_owned());
    }
    if asked.path.starts_with("/.well-known/agent.json") {
        return (200, "application/json", json!({"name": "found", "url": "http://inside:1/"}).to_string());
    }
    let text = asked.json["params"]["message"]["parts"][0]["text"].as_str().unwrap_or_default();
    let parts = json!([{"kind": "text", "text": format!("heard: {text}")}]);
    let answer = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    match method {
        "message/send" => {
            let message = json!({"kind": "message", "messageId": "m", "role": "agent", "parts": parts});
            (200, "application/json", answer(message))
        }
        "message/stream" => {
            let update = json!({"kind": "artifact-update", "artifact": {"parts": parts}});
            let end = json!({"kind": "status-update", "status": {"state": "completed"}, "final": true});
            (200, "text/event-stream", format!("data: {}\n\ndata: {}\n\n", answer(update), answer(end)))
        }
        "agent/getAuthenticatedExtendedCard" | "GetExtendedAgentCard" => (
            200,
            "application/json",
            answer(json!({"name": "n", "url": "http://inside:1/", "additionalInterfaces": []})),
        ),
        _ => (404, "text/plain", String::new()),
    }
}

fn says(text: &str, stream: bool) -> Value {
    let method = if stream { "message/stream" } else { "message/send" };
    let message =
        json!({"kind": "message", "messageId": "1", "role": "user", "parts": [{"kind": "text", "text": text}]});
    json!({"jsonrpc": "2.0", "id": "q-1", "method": method, "params": {"message": message}})
}

async fn post(gateway: &Gateway, path: &str, key: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    all.extend(headers);
    gateway.send(Method::POST, path, &all, Bytes::from(body.to_string())).await.unwrap()
}

async fn manage(gateway: &Gateway, method: Method, path: &str, body: &Value) -> Reply {
    gateway.call(method, path, body, MASTER_KEY).await.unwrap()
}

async fn ok(gateway: &Gateway, method: Method, path: &str, body: Value) -> Value {
    let reply = manage(gateway, method.clone(), path, &body).await;
    assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
    reply.json()
}

fn described(name: &str, url: &str) -> Value {
    json!({
        "agent_name": name,
        "agent_card_params": {
            "name": format!("{name} for people"), "url": url, "protocolVersion": "0.3.0",
            "capabilities": {"streaming": true, "pushNotifications": true},
            "additionalInterfaces": [{"url": "http://inside:2"}],
        },
        "litellm_params": {"cost_per_query": 0.25, "api_key": "sk-of-the-agent"},
        "static_headers": {"x-own": "fixed"}, "extra_headers": ["x-tenant", "authorization"],
        "kill_switch": {"url": format!("{url}stop?a=b"), "auth": {"type": "bearer", "token": "s3cret"}},
    })
}

async fn house() -> (Canned, Gateway) {
    let there = Canned::start(agent).await.unwrap();
    let config = json!({
        "agents": [{"agent_name": "filed", "agent_card_params": {"name": "filed", "url": format!("{}/", there.base_url())}}],
        "guardrails": [{"guardrail_name": "words", "litellm_params": {
            "guardrail": "litellm_content_filter", "mode": ["pre_call", "post_call"],
            "blocked_words": [{"keyword": "forbidden", "action": "BLOCK"}],
        }}],
        "general_settings": {"master_key": MASTER_KEY, "proxy_batch_write_at": 1, "store_audit_logs": true},
        "litellm_settings": {"store_audit_logs": true},
    });
    let env = [("LITELLM_SALT_KEY", "sk-salt-0123456789"), ("STORE_MODEL_IN_DB", "True")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let gateway = Gateway::start_with(&config.to_string(), &Options { env, ..Options::default() }).await.unwrap();
    (there, gateway)
}

#[tokio::test]
async fn agents_are_rows_and_are_called() {
    let (there, gateway) = house().await;
    let base = format!("{}/", there.base_url());
    let made = ok(&gateway, Method::POST, "/v1/agents", described("first", &base)).await;
    let id = made["agent_id"].as_str().unwrap().to_owned();
    rows(&gateway, &made, &id, &base).await;
    calls(&there, &gateway, &id).await;
    billed(&gateway, &id).await;
    cards(&gateway, &id).await;
    switched_off(&there, &gateway, &id).await;
    who_may_what(&gateway, &id).await;
    let gone = ok(&gateway, Method::DELETE, &format!("/v1/agents/{id}"), Value::Null).await;
    assert_eq!(gone["message"], format!("Agent {id} deleted successfully"));
    let after = post(&gateway, &format!("/a2a/{id}"), MASTER_KEY, &[], &says("hi", false)).await;
    assert_eq!((after.status, after.json()["error"]["code"].as_i64()), (404, Some(-32000)));
}

async fn rows(gateway: &Gateway, made: &Value, id: &str, base: &str) {
    assert_eq!(made["litellm_params"]["api_key"], "REDACTED_BY_LITELM");
    assert_eq!(made["kill_switch"]["auth"]["token"], "REDACTED_BY_LITELM");
    let card = &made["agent_card_params"];
    assert_eq!((&card["protocolVersion"], &card["url"]), (&json!("0.3"), &json!(base)));
    assert_eq!((&card["capabilities"], card.get("additionalInterfaces")), (&json!({"streaming": true}), None));
    for (method, path, body, status) in [
        (Method::POST, "/v1/agents", described("first", base), 400),
        (Method::POST, "/v1/agents", described("filed", base), 400),
        (Method::POST, "/v1/agents", json!({"agent_name": "x"}), 422),
        (Method::POST, "/v1/agents", described("second", "file:///etc/passwd"), 400),
        (Method::POST, "/v1/agents", json!({"agent_name": "x", "agent_card_params": {"protocolVersion": "9"}}), 400),
        (Method::PUT, "/v1/agents/none", described("y", base), 404),
        (Method::DELETE, "/v1/agents/none", Value::Null, 404),
        (Method::GET, "/v1/agents/none", Value::Null, 404),
        (Method::GET, "/v1/agents?query=translate", Value::Null, 400),
        (Method::POST, "/v1/agents/make_public", json!({"agent_ids": ["none"]}), 404),
    ] {
        let reply = manage(gateway, method.clone(), path, &body).await;
        assert_eq!(reply.status, status, "{method} {path} {body}: {}", reply.text());
    }
    let path = format!("/v1/agents/{id}");
    let patched = json!({"rpm_limit": 100, "litellm_params": {"cost_per_query": 0.5, "api_key": "REDACTED_BY_LITELM"}});
    let changed = ok(gateway, Method::PATCH, &path, patched).await;
    assert_eq!((&changed["rpm_limit"], &changed["litellm_params"]["cost_per_query"]), (&json!(100), &json!(0.5)));
    assert_eq!(changed["kill_switch"]["auth"]["token"], "REDACTED_BY_LITELM", "what is not given stays");
    let shown = ok(gateway, Method::GET, "/v1/agents", Value::Null).await;
    let names: Vec<&str> = shown.as_array().unwrap().iter().map(|a| a["agent_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "filed"]);
    let healthy = ok(gateway, Method::GET, "/v1/agents?health_check=true", Value::Null).await;
    assert_eq!(healthy.as_array().unwrap().len(), 2, "{healthy}");
}

async fn calls(there: &Canned, gateway: &Gateway, id: &str) {
    let key = gateway.new_key(&json!({"user_id": "ann"})).await.unwrap().0;
    let headers = [
        ("x-tenant", "t-1"),
        ("x-litellm-trace-id", "trace-1"),
        ("x-a2a-first-x-more", "more"),
        ("x-a2a-first-x-litellm-user-id", "somebody-else"),
        ("x-a2a-first-x-own", "mine"),
        ("cookie", "c=1"),
    ];
    for path in [format!("/a2a/{id}"), "/a2a/first/message/send".to_owned(), format!("/v1/a2a/{id}/message/send")] {
        let reply = post(gateway, &path, &key, &headers, &says("hi", false)).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.json()["result"]["parts"][0]["text"], "heard: hi");
    }
    let asked = there.seen().into_iter().rfind(|asked| asked.json["method"] == "message/send").unwrap();
    let told = ["x-tenant", "x-litellm-trace-id", "x-more", "x-own", "x-litellm-user-id", "cookie", "authorization"];
    let told: Vec<&str> = told.into_iter().map(|name| asked.header(name)).collect();
    assert_eq!(told, ["t-1", "trace-1", "more", "fixed", "ann", "", ""], "the gateway's key stays here");
    let stream = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("hi", true)).await;
    let events: Vec<Value> = stream.events().iter().map(llm_tests::Event::json).collect();
    assert_eq!((events.len(), &events[1]["result"]["final"]), (2, &json!(true)), "{}", stream.text());
    let filed = post(gateway, "/a2a/filed", &key, &[], &says("hi", false)).await;
    assert_eq!(filed.status, 200, "{}", filed.text());

    let bad = |edit: &dyn Fn(&mut Value)| {
        let mut body = says("hi", false);
        edit(&mut body);
        body
    };
    for (body, status, code) in [
        (bad(&|b| b["jsonrpc"] = json!("1.0")), 400, -32600),
        (bad(&|b| b["method"] = json!("tasks/explode")), 400, -32601),
        (bad(&|b| b["params"]["configuration"] = json!({"pushNotificationConfig": {"url": "http://h"}})), 400, -32602),
        (
            bad(&|b| b["params"]["configuration"] = json!({"pushNotificationConfig": {"url": "https://127.0.0.1"}})),
            400,
            -32602,
        ),
    ] {
        let reply = post(gateway, &format!("/a2a/{id}"), &key, &[], &body).await;
        assert_eq!((reply.status, reply.json()["error"]["code"].as_i64()), (status, Some(code)), "{}", reply.text());
        assert_eq!(reply.json()["id"], "q-1");
    }
    let stopped = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("say forbidden things", false)).await;
    assert_eq!(stopped.status, 200, "guardrails run where somebody asks for them: {}", stopped.text());
    ok(
        gateway,
        Method::PATCH,
        &format!("/v1/agents/{id}"),
        json!({"litellm_params": {"cost_per_query": 0.5, "guardrails": ["words"]}}),
    )
    .await;
    let before = there.seen().len();
    let stopped = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("say forbidden things", false)).await;
    assert_eq!(stopped.status, 400, "{}", stopped.text());
    assert_eq!(there.seen().len(), before, "the agent hears nothing of it");
    let fine = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("say nice things", false)).await;
    assert_eq!(fine.json()["result"]["parts"][0]["text"], "heard: say nice things", "{}", fine.text());
    let unknown = json!({"litellm_params": {"guardrails": ["none"]}});
    ok(gateway, Method::PATCH, &format!("/v1/agents/{id}"), unknown).await;
    let failed = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("hi", false)).await;
    assert_eq!(failed.status, 500, "a guardrail that is not there lets nothing pass: {}", failed.text());
    ok(gateway, Method::PATCH, &format!("/v1/agents/{id}"), json!({"litellm_params": {"cost_per_query": 0.5}})).await;
}

async fn billed(gateway: &Gateway, id: &str) {
    let (key, token) = gateway.new_key(&json!({"max_budget": 0.4})).await.unwrap();
    for status in [200, 422] {
        let reply = post(gateway, &format!("/a2a/{id}"), &key, &[], &says("hi", false)).await;
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    let rows = gateway.spend_rows(&token, 1).await.unwrap();
    let row = rows.iter().find(|row| row["status"] == "success").unwrap();
    assert_eq!((&row["agent_id"], &row["model"], &row["spend"]), (&json!(id), &json!("a2a_agent/first"), &json!(0.5)));
    assert_eq!((&row["call_type"], &row["custom_llm_provider"]), (&json!("asend_message"), &json!("a2a_agent")));
    eventually("the agent's spend", async || {
        let agent = ok(gateway, Method::GET, &format!("/v1/agents/{id}"), Value::Null).await;
        agent["spend"].as_f64().filter(|spend| *spend > 0.4)
    })
    .await;
}

async fn cards(gateway: &Gateway, id: &str) {
    for path in [format!("/a2a/{id}/.well-known/agent-card.json"), format!("/a2a/{id}/.well-known/agent.json")] {
        let card = gateway.get(&path, MASTER_KEY).await.unwrap().json();
        assert_eq!(card["url"], format!("{}/a2a/{id}", gateway.url()), "{card}");
        assert_eq!(card["supportedInterfaces"][0]["url"], card["url"]);
    }
    let extended = json!({"jsonrpc": "2.0", "id": 1, "method": "GetExtendedAgentCard"});
    let card = post(gateway, &format!("/a2a/{id}"), MASTER_KEY, &[], &extended).await.json();
    assert!(!card.to_string().contains("inside") && card["result"]["name"] == "n", "{card}");
    assert_eq!(gateway.get("/public/agent_hub", "").await.unwrap().json(), json!([]));
    let public = ok(gateway, Method::POST, &format!("/v1/agents/{id}/make_public"), Value::Null).await;
    assert_eq!(public["public_agent_groups"], json!([id]));
    let again = manage(gateway, Method::POST, &format!("/v1/agents/{id}/make_public"), &Value::Null).await;
    assert_eq!(again.status, 400, "{}", again.text());
    let hub = gateway.get("/public/agent_hub", "").await.unwrap().json();
    assert_eq!((hub.as_array().unwrap().len(), &hub[0]["name"]), (1, &json!("first for people")));
    assert_eq!(hub[0]["url"], format!("{}/a2a/{id}", gateway.url()), "{hub}");
    let listed = ok(gateway, Method::GET, "/v1/agents", Value::Null).await;
    assert_eq!(listed[0]["litellm_params"]["is_public"], true);
    ok(gateway, Method::POST, "/v1/agents/make_public", json!({"agent_ids": []})).await;
    assert_eq!(gateway.get("/public/agent_hub", "").await.unwrap().json(), json!([]));
    // The guard lets nobody look at what is inside.
    let inside = manage(gateway, Method::POST, "/v1/a2a/discover", &json!({"url": "http://127.0.0.1:1"})).await;
    assert!(inside.status == 400 && inside.text().contains("not allowed"), "{}", inside.text());
}

async fn switched_off(there: &Canned, gateway: &Gateway, id: &str) {
    let fired = ok(gateway, Method::POST, &format!("/v1/agents/{id}/kill_switch"), Value::Null).await;
    let told = (&fired["status_code"], &fired["response_body"], &fired["method"]);
    assert_eq!(told, (&json!(202), &json!("stopped"), &json!("POST")));
    assert!(!fired["url"].as_str().unwrap().contains("a=b"), "{fired}");
    let asked = there.seen().into_iter().rfind(|asked| asked.path == "/stop?a=b").unwrap();
    assert_eq!(asked.header("authorization"), "Bearer s3cret");
    let trail = ok(gateway, Method::GET, "/audit?action=kill_switch_fired", Value::Null).await;
    assert_eq!(trail["audit_logs"][0]["updated_values"]["status_code"], 202, "{trail}");
    ok(gateway, Method::PATCH, &format!("/v1/agents/{id}"), json!({"kill_switch": {"url": "http://127.0.0.1:1/"}}))
        .await;
    let failed = manage(gateway, Method::POST, &format!("/v1/agents/{id}/kill_switch"), &Value::Null).await;
    assert_eq!(failed.status, 502, "{}", failed.text());
    ok(gateway, Method::PATCH, &format!("/v1/agents/{id}"), json!({"kill_switch": null})).await;
    let none = manage(gateway, Method::POST, &format!("/v1/agents/{id}/kill_switch"), &Value::Null).await;
    assert_eq!(none.status, 400, "{}", none.text());
}

/// Lists of keys, teams and groups.
async fn who_may_what(gateway: &Gateway, id: &str) {
    let grouped = ok(gateway, Method::POST, "/v1/agents", json!({
        "agent_name": "grouped", "agent_card_params": {"url": "http://127.0.0.1:1/"}, "agent_access_groups": ["staff"],
    }))
    .await["agent_id"]
        .clone();
    let grouped = grouped.as_str().unwrap();
    ok(gateway, Method::POST, "/team/new", json!({"team_id": "t", "object_permission": {"agents": [id]}})).await;
    ok(gateway, Method::POST, "/v1/access_group", json!({"access_group_name": "g", "access_agent_ids": [grouped]}))
        .await;
    let groups = ok(gateway, Method::GET, "/v1/access_group", Value::Null).await;
    let group = &groups.as_array().unwrap()[0]["access_group_id"];
    for (what, fields, first, second) in [
        ("no list", json!({}), true, true),
        ("one agent", json!({"object_permission": {"agents": [id]}}), true, false),
        ("a group of agents", json!({"object_permission": {"agent_access_groups": ["staff"]}}), false, true),
        ("a group that is empty", json!({"object_permission": {"agent_access_groups": ["none"]}}), false, false),
        ("an access group", json!({"access_group_ids": [group]}), false, true),
        ("the team's list", json!({"team_id": "t"}), true, false),
        ("both lists", json!({"team_id": "t", "object_permission": {"agents": [grouped]}}), false, false),
    ] {
        let key = gateway.new_key(&fields).await.unwrap().0;
        for (agent, may) in [(id, first), (grouped, second)] {
            let reply = gateway.get(&format!("/a2a/{agent}/.well-known/agent-card.json"), &key).await.unwrap();
            assert_eq!(reply.status == 200, may, "{what}: {}", reply.text());
            let call = post(gateway, &format!("/a2a/{agent}"), &key, &[], &says("hi", false)).await;
            assert_eq!(call.status != 403, may, "{what}: {}", call.text());
            let row = gateway.get(&format!("/v1/agents/{agent}"), &key).await.unwrap();
            assert_eq!(row.status == 200, may, "{what}: {}", row.text());
            assert!(row.status != 200 || row.json()["static_headers"].is_null(), "{what}");
        }
        let listed = gateway.get("/v1/agents", &key).await.unwrap().json();
        let listed: Vec<&Value> = listed.as_array().unwrap().iter().map(|agent| &agent["agent_id"]).collect();
        let mut wanted: Vec<Value> = Vec::new();
        if what != "no list" {
            wanted
                .extend([(grouped, second), (id, first)].into_iter().filter(|(_, may)| *may).map(|(id, _)| json!(id)));
        }
        assert_eq!(listed, wanted.iter().collect::<Vec<_>>(), "{what}");
        assert_eq!(gateway.post("/v1/agents", &json!({}), &key).await.unwrap().status / 100, 4, "{what}");
    }
}
