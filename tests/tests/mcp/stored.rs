//! Servers that administrators keep in the database.

use bytes::Bytes;
use http::Method;
use llm_tests::MASTER_KEY;
use serde_json::{Value, json};

use super::House;

pub(super) async fn servers_of_the_database(house: &House) {
    let gateway = &house.gateway;
    let new = json!({
        "server_name": "extra", "url": format!("{}/mcp", house.git.base_url()), "transport": "http",
        "auth_type": "api_key", "credentials": {"auth_value": "extra-s3cret"}, "static_headers": {"x-s": "other-s3cret"},
        "mcp_access_groups": ["later"],
    });
    let (key, _) = house.key(json!({"object_permission": {"mcp_access_groups": ["later"]}})).await;
    assert_eq!(gateway.post("/v1/mcp/server", &new, &key).await.unwrap().status, 401, "for administrators");
    let with = |field: &str, value: Value| {
        let mut body = new.clone();
        body[field] = value;
        body
    };
    let marker = std::env::temp_dir().join(format!("mcp-{}", std::process::id()));
    let touch = json!(["-c", format!("touch {}", marker.display())]);
    for wrong in [
        with("command", json!("/bin/sh")),
        with("args", touch.clone()),
        json!({"server_name": "x", "transport": "stdio", "command": "/bin/sh", "args": touch}),
        with("url", json!("file:///etc/passwd")),
        with("server_name", json!("git")),
        with("server_name", json!("with-separator")),
        with("auth_type", json!("oauth2_id_jag")),
        with("spec_path", json!("/etc/passwd")),
    ] {
        let reply = gateway.ask("/v1/mcp/server", &wrong).await.unwrap();
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text());
        for path in ["/mcp-rest/test/connection", "/mcp-rest/test/tools/list"] {
            let tried = gateway.ask(path, &wrong).await.unwrap();
            assert!(tried.status == 400 || tried.json()["status"] == "ok" || tried.json()["tools"].is_array());
        }
    }
    assert!(!marker.exists(), "a program ran");
    assert_eq!(gateway.ask("/mcp-rest/test/connection", &new).await.unwrap().json(), json!({"status": "ok"}));

    let made = gateway.ask("/v1/mcp/server", &new).await.unwrap();
    assert!(made.status == 200 && !made.text().contains("s3cret"), "{}", made.text());
    let id = made.json()["server_id"].as_str().unwrap().to_owned();
    assert_eq!(house.tools(&key, "/mcp/extra").await, ["log", "push", "bad"]);
    house.call(&key, "/mcp/extra", "log").await;
    let seen = house.git.seen().last().unwrap().clone();
    assert_eq!((seen.header("x-api-key"), seen.header("x-s")), ("extra-s3cret", "other-s3cret"));

    let all = gateway.get("/v1/mcp/server", MASTER_KEY).await.unwrap();
    assert!(all.json().as_array().unwrap().len() == 4 && !all.text().contains("s3cret"), "{}", all.text());
    let own = gateway.get("/v1/mcp/server", &key).await.unwrap().json();
    let names: Vec<&str> = own.as_array().unwrap().iter().map(|s| s["server_name"].as_str().unwrap()).collect();
    assert_eq!((names, &own[1]["url"]), (vec!["own", "extra"], &Value::Null));
    assert_eq!(gateway.get(&format!("/v1/mcp/server/{id}"), &key).await.unwrap().json()["server_name"], "extra");
    assert_eq!(gateway.get("/v1/mcp/server/git-1", &key).await.unwrap().status, 404);
    let health = gateway.get(&format!("/v1/mcp/server/health?server_ids={id}"), &key).await.unwrap().json();
    assert_eq!((&health[0]["status"], health.as_array().unwrap().len()), (&json!("healthy"), 1), "{health}");
    let groups = gateway.get("/v1/mcp/access_groups", MASTER_KEY).await.unwrap().json();
    assert_eq!(groups["access_groups"], json!(["dev", "later"]));

    let public = async || gateway.get("/public/mcp_hub", "").await.unwrap().json();
    let publish = async |ids: Value, key: &str| {
        gateway.post("/v1/mcp/make_public", &json!({"mcp_server_ids": ids}), key).await.unwrap().status
    };
    assert_eq!(public().await, json!([]));
    assert_eq!(publish(json!([id]), &key).await, 401);
    assert_eq!(publish(json!([id, "nobody"]), MASTER_KEY).await, 404);
    assert_eq!(publish(json!([id]), MASTER_KEY).await, 202);
    let hub = public().await;
    assert_eq!((&hub[0]["server_id"], &hub[0]["auth_type"]), (&json!(id), &json!("api_key")), "{hub}");
    assert!(hub.as_array().unwrap().len() == 1 && !hub.to_string().contains(&house.git.base_url()), "{hub}");
    assert_eq!(publish(json!([]), MASTER_KEY).await, 202);
    assert_eq!(public().await, json!([]));

    let change = json!({"server_id": id, "allowed_tools": ["log"]}).to_string();
    let headers = [("authorization", &*format!("Bearer {MASTER_KEY}")), ("content-type", "application/json")];
    let changed = gateway.send(Method::PUT, "/v1/mcp/server", &headers, Bytes::from(change)).await.unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(house.tools(&key, "/mcp/extra").await, ["log"]);
    let path = format!("/v1/mcp/server/{id}");
    assert_eq!(gateway.send(Method::DELETE, &path, &headers, Bytes::new()).await.unwrap().status, 200);
    assert_eq!(gateway.send(Method::DELETE, &path, &headers, Bytes::new()).await.unwrap().status, 404);
    assert_eq!(house.tools(&key, "/mcp").await, ["env"]);
}
