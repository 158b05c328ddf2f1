//! The registry of tools: those that were called, and who may not call them.

use http::Method;
use llm_tests::{MASTER_KEY, eventually};
use serde_json::{Value, json};

use super::House;

async fn send(house: &House, method: Method, path: &str, body: Value, wanted: u16) -> Value {
    let reply = house.gateway.call(method, path, &body, MASTER_KEY).await.unwrap();
    assert_eq!(reply.status, wanted, "{path} {body}: {}", reply.text());
    reply.json()
}

pub(super) async fn tools_that_were_called(house: &House) {
    let (key, hash) = house.key(json!({"object_permission": {"mcp_servers": ["git-1"]}})).await;
    assert!(house.call(&key, "/mcp", "git-log").await["result"].is_object());
    let none = json!({});
    let tool = eventually("the tool in the registry", async || {
        let list = send(house, Method::GET, "/v1/tool/list", json!({}), 200).await;
        let found = list["tools"].as_array().unwrap().iter().find(|tool| tool["tool_name"] == "git/log").cloned();
        found.filter(|tool| tool["call_count"].as_u64() > Some(0))
    })
    .await;
    assert_eq!((&tool["origin"], &tool["input_policy"]), (&json!("git"), &json!("untrusted")), "{tool}");
    let one = send(house, Method::GET, "/v1/tool/git/log", none.clone(), 200).await;
    assert_eq!(one["tool_id"], tool["tool_id"]);
    let logs = send(house, Method::GET, "/v1/tool/git/log/logs?page_size=1", none.clone(), 200).await;
    assert_eq!((logs["logs"].as_array().unwrap().len(), logs["total"].as_u64() > Some(0)), (1, true), "{logs}");
    send(house, Method::GET, "/v1/tool/git/nothing", none.clone(), 404).await;
    let page = send(house, Method::GET, "/v1/tool/list?page_size=1&page=2", none.clone(), 200).await;
    assert_eq!((page["tools"].as_array().unwrap().len(), page["total"].as_u64() > Some(1)), (1, true), "{page}");
    send(house, Method::GET, "/v1/tool/list?input_policy=odd", none.clone(), 422).await;

    // For everybody, whether it was called before or not.
    let policy = "/v1/tool/policy";
    for (wrong, status) in [
        (json!({"input_policy": "blocked"}), 422),
        (json!({"tool_name": "git/log"}), 400),
        (json!({"tool_name": "git/log", "input_policy": "odd"}), 422),
        (json!({"tool_name": "git/log", "input_policy": "trusted"}), 400),
        (json!({"tool_name": "git/log", "input_policy": "blocked", "team_id": "nobody"}), 404),
        (json!({"tool_name": "git/log", "input_policy": "blocked", "team_id": "a", "key_hash": "b"}), 400),
        (json!({"tool_name": "git/log", "key_hash": hash}), 400),
        (json!({"tool_name": "git/log", "output_policy": "untrusted", "key_hash": hash}), 400),
    ] {
        send(house, Method::POST, policy, wrong, status).await;
    }
    let block = |name: &str, input: &str| json!({"tool_name": name, "input_policy": input});
    send(house, Method::POST, policy, block("git/log", "blocked"), 200).await;
    for key in [key.as_str(), MASTER_KEY] {
        assert!(!house.tools(key, "/mcp").await.contains(&"git-log".to_owned()));
        assert_eq!(house.call(key, "/mcp", "git-log").await["error"]["code"], -32602);
    }
    let listed = send(house, Method::GET, "/v1/tool/list?input_policy=blocked", none.clone(), 200).await;
    assert_eq!((&listed["total"], &listed["tools"][0]["tool_name"]), (&json!(1), &json!("git/log")), "{listed}");
    send(house, Method::POST, policy, block("git/log", "untrusted"), 200).await;
    assert!(house.call(&key, "/mcp", "git-log").await["result"].is_object());

    // For one key.
    let own = json!({"tool_name": "git/log", "input_policy": "blocked", "key_hash": hash});
    send(house, Method::POST, policy, own, 200).await;
    assert_eq!(house.call(&key, "/mcp", "git-log").await["error"]["code"], -32602);
    assert!(house.call(MASTER_KEY, "/mcp", "git-log").await["result"].is_object());
    let detail = send(house, Method::GET, "/v1/tool/git/log/detail", none.clone(), 200).await;
    assert_eq!((&detail["overrides"][0]["key_hash"], &detail["tool"]["tool_name"]), (&json!(hash), &json!("git/log")));
    let overrides = "/v1/tool/git/log/overrides";
    send(house, Method::DELETE, overrides, none.clone(), 400).await;
    send(house, Method::DELETE, &format!("{overrides}?key_hash={hash}"), none.clone(), 200).await;
    send(house, Method::DELETE, &format!("{overrides}?key_hash={hash}"), none.clone(), 404).await;
    assert!(house.call(&key, "/mcp", "git-log").await["result"].is_object());
    // The name of a tool may end as the paths of another one do.
    send(house, Method::POST, policy, block("git/logs", "untrusted"), 200).await;
    let named = send(house, Method::GET, "/v1/tool/git/logs", none.clone(), 200).await;
    assert_eq!(named["tool_name"], "git/logs", "{named}");
    let logs = send(house, Method::GET, "/v1/tool/git/logs/logs", none.clone(), 200).await;
    assert_eq!(logs["total"], 0, "{logs}");

    // Clients make up names: some servers answer them with a result.
    for made_up in ["git-made-up", "git-bad", "git-log"] {
        house.call(&key, "/mcp", made_up).await;
    }
    // It reads what was called until now.
    send(house, Method::GET, "/v1/tool/git/log/logs", none.clone(), 200).await;
    let list = send(house, Method::GET, "/v1/tool/list", none.clone(), 200).await;
    let of = |name: &str| list["tools"].as_array().unwrap().iter().find(|tool| tool["tool_name"] == name);
    assert!(of("git/log").unwrap()["call_count"].as_u64() > tool["call_count"].as_u64(), "{list}");
    assert!(of("git/made-up").is_none() && of("git/bad").is_none(), "{list}");
    let refused = house.gateway.post(policy, &block("git/log", "blocked"), &key).await.unwrap();
    assert_eq!(refused.status, 401, "{}", refused.text());
}
