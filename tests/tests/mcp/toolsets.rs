//! Named sets of tools: what a key may hold of several servers, and an endpoint of its own.

use http::Method;
use llm_tests::{MASTER_KEY, Reply};
use serde_json::{Value, json};

use super::House;

async fn send(house: &House, method: Method, path: &str, body: Value) -> Reply {
    house.gateway.call(method, path, &body, MASTER_KEY).await.unwrap()
}

pub(super) async fn sets_of_tools(house: &House) {
    let gateway = &house.gateway;
    let tool = |server: &str, name: &str| json!({"server_id": server, "tool_name": name});
    let new =
        json!({"toolset_name": "daily", "tools": [tool("git-1", "log"), tool("mail", "push"), tool("gone", "x")]});
    let made = gateway.ask("/v1/mcp/toolset", &new).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    let id = made.json()["toolset_id"].as_str().unwrap().to_owned();
    assert_eq!(gateway.ask("/v1/mcp/toolset", &new).await.unwrap().status, 409);
    let wrong = json!({"toolset_name": "x", "tools": [{"server_id": "git-1"}]});
    assert_eq!(gateway.ask("/v1/mcp/toolset", &wrong).await.unwrap().status, 400);

    let (key, _) = house.key(json!({"object_permission": {"mcp_toolsets": [id]}})).await;
    let (other, _) = house.key(json!({"object_permission": {"mcp_servers": ["git-1"]}})).await;
    assert_eq!(gateway.post("/v1/mcp/toolset", &new, &key).await.unwrap().status, 401, "for administrators");
    assert_eq!(house.tools(&key, "/mcp").await, ["git-log", "post-push", "own-env"]);
    for path in ["/toolset/daily/mcp", "/daily/mcp", "/mcp/daily"] {
        assert_eq!(house.tools(&key, path).await, ["git-log", "post-push"], "{path}");
        assert_eq!(house.tools(MASTER_KEY, path).await, ["git-log", "post-push"], "{path}");
        assert!(house.call(&key, path, "git-log").await["result"].is_object());
        for not in ["git-bad", "post-log", "own-env"] {
            assert_eq!(house.call(&key, path, not).await["error"]["code"], -32602, "{not}");
            assert_eq!(house.call(MASTER_KEY, path, not).await["error"]["code"], -32602, "{not}");
        }
        let auth = format!("Bearer {other}");
        let refused = house.post(path, &json!({}), &[("authorization", &auth)]).await;
        let unknown = house.post("/toolset/nothing/mcp", &json!({}), &[("authorization", &auth)]).await;
        assert_eq!((refused.status, unknown.status), (403, 403), "{}", refused.text());
        assert_eq!(refused.text().replace("daily", "*"), unknown.text().replace("nothing", "*"));
    }
    let listed = gateway.get("/mcp-rest/tools/list?toolset_name=daily", &key).await.unwrap().json();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 2, "{listed}");
    let ids = async |key: &str| {
        let all = gateway.get("/v1/mcp/toolset", key).await.unwrap().json();
        all.as_array()
            .unwrap_or_else(|| panic!("{all}"))
            .iter()
            .map(|set| set["toolset_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&key).await, [json!(id)]);
    assert_eq!(ids(&other).await.len(), 0);
    assert_eq!(ids(MASTER_KEY).await.len(), 1);
    let path = format!("/v1/mcp/toolset/{id}");
    assert_eq!(gateway.get(&path, &key).await.unwrap().json()["toolset_name"], "daily");
    assert_eq!(gateway.get(&path, &other).await.unwrap().status, 403);

    let narrower = json!({"toolset_id": id, "tools": [tool("git-1", "log")], "toolset_name": null});
    let changed = send(house, Method::PUT, "/v1/mcp/toolset", narrower).await;
    assert_eq!(changed.json()["toolset_name"], "daily", "{}", changed.text());
    assert_eq!(house.tools(&key, "/daily/mcp").await, ["log"]);
    assert_eq!(send(house, Method::DELETE, &path, Value::Null).await.status, 200);
    assert_eq!(send(house, Method::DELETE, &path, Value::Null).await.status, 404);
    assert_eq!(house.tools(&key, "/mcp").await, ["env"], "what is gone grants nothing");
}
