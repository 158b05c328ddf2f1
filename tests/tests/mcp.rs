//! The MCP gateway in front of simulated MCP servers: one answers JSON, one events, one is a program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "mcp/held.rs"]
mod held;
#[path = "mcp/inside.rs"]
mod inside;
#[path = "mcp/logged.rs"]
mod logged;
#[path = "mcp/openapi.rs"]
mod openapi;
#[path = "mcp/proofs.rs"]
mod proofs;
#[path = "mcp/registered.rs"]
mod registered;
#[path = "mcp/stored.rs"]
mod stored;
#[path = "mcp/toolsets.rs"]
mod toolsets;

use bytes::Bytes;
use http::Method;
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Reply, Said};
use serde_json::{Value, json};

/// A server's answer to a message. What it can: the tools `log` and `push`, which echo their arguments; `bad` fails.
fn said(asked: &Asked) -> Said {
    let (id, params) = (&asked.json["id"], &asked.json["params"]);
    let tool = |name: &str| json!({"name": name, "description": name, "inputSchema": {"type": "object"}});
    let result = match asked.json["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}})
        }
        "tools/list" if params["cursor"].is_null() => json!({"tools": [tool("log"), tool("push")], "nextCursor": "2"}),
        "tools/list" => json!({"tools": [tool("bad")]}),
        "tools/call" if params["name"] == "made-up" => {
            json!({"content": [{"type": "text", "text": "Unknown tool: made-up"}], "isError": true})
        }
        "tools/call" if params["name"] == "bad" => return (500, "text/plain", "broken".to_owned()),
        "tools/call" => json!({"content": [{"type": "text", "text": params.to_string()}]}),
        "resources/list" => json!({"resources": [{"uri": "s://one", "name": "one"}]}),
        "resources/read" => json!({"contents": [{"uri": params["uri"], "text": "read"}]}),
        method if method.starts_with("notifications/") => return (202, "text/plain", String::new()),
        _ => {
            let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}});
            return (200, "application/json", error.to_string());
        }
    };
    (200, "application/json", json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
}

/// The same as events, with a notification and a ping of its own before the answer.
fn said_as_events(asked: &Asked) -> Said {
    match said(asked) {
        (200, "application/json", body) => {
            let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
            let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
            let events = format!("id: 1\ndata: \n\nevent: message\ndata: {note}\n\ndata: {ping}\n\ndata: {body}\n\n");
            (200, "text/event-stream", events)
        }
        other => other,
    }
}

const PROGRAM: &str = r#"
while read -r line; do
    id=${line#*\"id\":}; id=${id%%,*}
    case "$line" in
    *initialize\"*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}" ;;
    *tools/list*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"tools\":[{\"name\":\"env\",\"inputSchema\":{}}]}}" ;;
    *tools/call*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"$OWN/$LITELLM_SALT_KEY\"}]}}" ;;
    *\"id\"*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}" ;;
    esac
done"#;

struct House {
    gateway: Gateway,
    git: Canned,
    mail: Canned,
    model: Canned,
}

async fn started() -> House {
    let (git, mail) = (Canned::start(said).await.unwrap(), Canned::start(said_as_events).await.unwrap());
    let model = Canned::start(inside::model).await.unwrap();
    let there =
        json!({"model": "deepseek/deepseek-chat", "api_base": format!("{}/v1", model.base_url()), "api_key": "sk-up"});
    let config = json!({
        "model_list": [{"model_name": "tools", "litellm_params": there}],
        "mcp_servers": {
            "git": {
                "url": format!("{}/mcp", git.base_url()), "transport": "http", "server_id": "git-1",
                "auth_type": "bearer_token", "auth_value": "os.environ/GIT_TOKEN", "access_groups": ["dev"],
                "extra_headers": ["x-tenant"], "disallowed_tools": ["git-push"],
                "mcp_info": {"mcp_server_cost_info": {"tool_name_to_cost_per_query": {"log": 0.25}}},
            },
            "mail": {"url": format!("{}/mcp", mail.base_url()), "transport": "http", "alias": "post"},
            "own": {
                "transport": "stdio", "command": "/bin/sh", "args": ["-c", PROGRAM], "env": {"OWN": "mine"},
                "allow_all_keys": true,
            },
        },
        "general_settings": {"master_key": MASTER_KEY, "proxy_batch_write_at": 1},
    });
    let env = [("GIT_TOKEN", "git-s3cret"), ("LITELLM_SALT_KEY", "sk-salt-0123456789")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = llm_tests::Options { env, ..Default::default() };
    House { gateway: Gateway::start_with(&config.to_string(), &options).await.unwrap(), git, mail, model }
}

impl House {
    async fn post(&self, path: &str, message: &Value, headers: &[(&str, &str)]) -> Reply {
        let mut all = vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        all.extend(headers);
        self.gateway.send(Method::POST, path, &all, Bytes::from(message.to_string())).await.unwrap()
    }

    /// A request with a key: its answer.
    async fn ask(&self, key: &str, path: &str, method: &str, params: Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let reply = self.post(path, &message, &[("authorization", &format!("Bearer {key}"))]).await;
        let answer = reply.json();
        assert_eq!(answer["id"], 7, "{}", reply.text());
        answer
    }

    async fn tools(&self, key: &str, path: &str) -> Vec<String> {
        let answer = self.ask(key, path, "tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn call(&self, key: &str, path: &str, name: &str) -> Value {
        self.ask(key, path, "tools/call", json!({"name": name, "arguments": {"a": 1}})).await
    }

    async fn key(&self, fields: Value) -> (String, String) {
        let made = self.gateway.ask("/key/generate", &fields).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
        let text = |field: &str| made.json()[field].as_str().unwrap().to_owned();
        (text("key"), text("token"))
    }
}

#[tokio::test]
async fn one_server_in_front_of_many() {
    let house = started().await;
    the_protocol(&house).await;
    nobody_without_a_key(&house).await;
    names_and_credentials(&house).await;
    keys_use_what_they_are_granted(&house).await;
    calls_are_billed(&house).await;
    rest(&house).await;
    toolsets::sets_of_tools(&house).await;
    registered::tools_that_were_called(&house).await;
    inside::models_use_tools(&house, &house.model).await;
    inside::tools_are_for_those_who_may_use_them(&house, &house.model).await;
    stored::servers_of_the_database(&house).await;
    assert!(!house.gateway.logs().contains("s3cret"), "a credential is in the log");
}

async fn the_protocol(house: &House) {
    let hello = |version: &str| json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {}});
    for (asked, agreed) in [("2025-03-26", "2025-03-26"), ("2025-11-25", "2025-11-25"), ("1.0", "2025-11-25")] {
        let answer = house.ask(MASTER_KEY, "/mcp", "initialize", hello(asked)).await;
        assert_eq!(answer["result"]["protocolVersion"], agreed, "{answer}");
        assert!(
            answer["result"]["capabilities"]["tools"].is_object() && answer["result"]["serverInfo"]["name"].is_string()
        );
    }
    assert_eq!(house.ask(MASTER_KEY, "/mcp/", "ping", json!({})).await["result"], json!({}));
    assert_eq!(house.ask(MASTER_KEY, "/mcp", "no/such", json!({})).await["error"]["code"], -32601);
    assert_eq!(house.ask(MASTER_KEY, "/mcp", "tools/call", json!({})).await["error"]["code"], -32602);
    assert_eq!(house.call(MASTER_KEY, "/mcp", "nowhere").await["error"]["code"], -32602);

    let key = format!("Bearer {MASTER_KEY}");
    let auth = ("authorization", key.as_str());
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let accepted = house.post("/mcp", &note, &[auth]).await;
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    let ping = json!({"jsonrpc": "2.0", "id": "a", "method": "ping"});
    let only = [auth, ("content-type", "application/json"), ("accept", "text/event-stream")];
    let events = house.gateway.send(Method::POST, "/mcp", &only, Bytes::from(ping.to_string())).await.unwrap();
    assert_eq!(events.header("content-type"), "text/event-stream");
    assert_eq!(events.text(), "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\n\n");
    for (body, code) in [(json!([ping]), -32600), (json!("x"), -32600), (json!({"jsonrpc": "2.0", "id": 1}), -32600)] {
        let reply = house.post("/mcp", &body, &[auth]).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(code)), "{}", reply.text());
    }
    let other = house.post("/mcp", &ping, &[auth, ("mcp-protocol-version", "2026-07-28")]).await;
    assert_eq!((other.status, &other.json()["error"]["code"]), (400, &json!(-32022)), "{}", other.text());
    for (method, kind, status) in [
        (Method::GET, "application/json", 405),
        (Method::DELETE, "application/json", 405),
        (Method::POST, "text/plain", 415),
    ] {
        let (headers, body) = ([auth, ("content-type", kind)], Bytes::from(ping.to_string()));
        assert_eq!(house.gateway.send(method, "/mcp", &headers, body).await.unwrap().status, status);
    }
}

async fn nobody_without_a_key(house: &House) {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    for headers in [
        &[][..],
        &[("authorization", "Bearer sk-wrong-0123456789")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic x"), ("x-mcp-auth", "y")],
        &[("x-litellm-api-key", "sk-wrong-0123456789"), ("authorization", "Bearer sk-e2e-master-6f1c0a9b")],
        &[("x-mcp-git-authorization", "Bearer mine")],
    ] {
        for path in ["/mcp", "/mcp/own", "/own/mcp", "/mcp-rest/tools/call"] {
            let reply = house.post(path, &list, headers).await;
            assert_eq!(reply.status, 401, "{path} {headers:?}: {}", reply.text());
            let challenge = reply.header("www-authenticate");
            let place = format!(
                "/.well-known/oauth-protected-resource{}\"",
                if path == "/mcp-rest/tools/call" { "/mcp" } else { path }
            );
            assert!(challenge.starts_with("Bearer ") && challenge.ends_with(&place), "{challenge}");
        }
    }
    assert_eq!(house.gateway.get("/mcp-rest/tools/list", "").await.unwrap().status, 401);
    assert_eq!(house.gateway.get("/v1/mcp/server", "").await.unwrap().status, 401);
}

async fn names_and_credentials(house: &House) {
    assert_eq!(
        house.tools(MASTER_KEY, "/mcp").await,
        ["git-log", "git-bad", "post-log", "post-push", "post-bad", "own-env"]
    );
    assert_eq!(house.tools(MASTER_KEY, "/mcp/git").await, ["log", "bad"]);
    assert_eq!(house.tools(MASTER_KEY, "/dev/mcp").await, ["log", "bad"]);
    let answer = house.call(MASTER_KEY, "/mcp", "post-push").await;
    assert_eq!(answer["result"]["content"][0]["text"], r#"{"arguments":{"a":1},"name":"push"}"#, "{answer}");
    let answer = house.call(MASTER_KEY, "/mcp", "own-env").await;
    assert_eq!(answer["result"]["content"][0]["text"], "mine/", "the program has the gateway's secrets: {answer}");
    assert_eq!(house.call(MASTER_KEY, "/mcp", "git-push").await["error"]["code"], -32602, "disallowed");
    let answer = house.call(MASTER_KEY, "/mcp", "git-bad").await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let answer = house.ask(MASTER_KEY, "/mcp", "resources/read", json!({"uri": "s://one"})).await;
    assert_eq!(answer["result"]["contents"][0]["text"], "read", "{answer}");

    let key = format!("Bearer {MASTER_KEY}");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "git-log"}});
    let last = |servers: &Canned| servers.seen().last().unwrap().clone();
    let tenant = ("x-tenant", "t-1");
    house.post("/mcp", &call, &[("authorization", &key), tenant, ("x-other", "o")]).await;
    let seen = last(&house.git);
    assert_eq!((seen.header("authorization"), seen.header("x-tenant")), ("Bearer git-s3cret", "t-1"));
    assert_eq!((seen.header("x-other"), seen.header("mcp-protocol-version")), ("", "2025-03-26"));
    let own = ("x-mcp-git-authorization", "Bearer mine");
    house.post("/mcp", &call, &[("x-litellm-api-key", MASTER_KEY), ("authorization", "Bearer other"), own]).await;
    assert_eq!(last(&house.git).header("authorization"), "Bearer mine");
    let master = |asked: &Asked| asked.headers.values().any(|v| v.to_str().is_ok_and(|v| v.contains(MASTER_KEY)));
    for servers in [&house.git, &house.mail] {
        assert!(!servers.seen().iter().any(master), "the gateway's key went on");
    }
}

async fn keys_use_what_they_are_granted(house: &House) {
    let (none, _) = house.key(json!({})).await;
    assert_eq!(house.tools(&none, "/mcp").await, ["env"]);
    let before = house.git.seen().len();
    // Where one server is seen, every name is one of its own: what it makes of it is its affair.
    house.call(&none, "/mcp", "git-log").await;
    assert_eq!(house.git.seen().len(), before, "another's server was asked");
    let refused = house.post("/mcp/git", &json!({}), &[("authorization", &format!("Bearer {none}"))]).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let unknown = house.post("/mcp/nothing", &json!({}), &[("authorization", &format!("Bearer {none}"))]).await;
    assert_eq!(refused.text().replace("git", "*"), unknown.text().replace("nothing", "*"));

    let grants = json!({"mcp_servers": ["git-1"], "mcp_tool_permissions": {"git": ["log"]}});
    let (some, _) = house.key(json!({"object_permission": grants})).await;
    assert_eq!(house.tools(&some, "/mcp").await, ["git-log", "own-env"]);
    assert!(house.call(&some, "/mcp", "git-log").await["result"].is_object());
    assert_eq!(house.call(&some, "/mcp", "git-bad").await["error"]["code"], -32602);
    assert_eq!(house.call(&some, "/mcp", "post-log").await["error"]["code"], -32602);
    let blocked = json!({"mcp_servers": ["git-1"], "blocked_tools": ["git-log"]});
    let (less, _) = house.key(json!({"object_permission": blocked})).await;
    assert_eq!(house.tools(&less, "/mcp").await, ["git-bad", "own-env"]);
    assert_eq!(house.call(&less, "/mcp", "git-log").await["error"]["code"], -32602);
    let (group, _) = house.key(json!({"object_permission": {"mcp_access_groups": ["dev"]}})).await;
    assert_eq!(house.tools(&group, "/mcp").await, ["git-log", "git-bad", "own-env"]);
    let (models, _) = house.key(json!({"allowed_routes": ["/v1/chat/completions"]})).await;
    let reply = house.post("/mcp", &json!({}), &[("authorization", &format!("Bearer {models}"))]).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
}

async fn calls_are_billed(house: &House) {
    let grants = json!({"mcp_servers": ["git"]});
    let (key, token) = house.key(json!({"max_budget": 0.2, "object_permission": grants})).await;
    assert!(house.call(&key, "/mcp", "git-log").await["result"].is_object());
    let refused = house.call(&key, "/mcp", "git-log").await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("udget"), "{refused}");
    let (narrow, _) = house.key(json!({"rpm_limit": 1, "object_permission": grants})).await;
    house.call(&narrow, "/mcp", "git-log").await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "git-log"}});
    let limited = house.post("/mcp", &call, &[("authorization", &format!("Bearer {narrow}"))]).await;
    assert_eq!((limited.status, &limited.json()["id"]), (429, &json!(1)), "{}", limited.text());
    // A limit of one server is none of the others.
    let (few, _) = house.key(json!({"mcp_rpm_limit": {"git": 1}, "object_permission": grants})).await;
    assert!(house.call(&few, "/mcp", "git-log").await["result"].is_object());
    let limited = house.post("/mcp", &call, &[("authorization", &format!("Bearer {few}"))]).await;
    assert_eq!(limited.status, 429, "{}", limited.text());
    let message = limited.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Rate limit exceeded for mcp_per_key: ") && message.contains(":git."), "{message}");
    for _ in 0..2 {
        assert!(house.call(&few, "/mcp", "own-env").await["result"].is_object());
    }
    let rows = house.gateway.spend_rows(&token, 2).await.unwrap();
    let row = rows.iter().find(|row| row["status"] == "success").unwrap();
    assert_eq!((&row["call_type"], &row["spend"]), (&json!("call_mcp_tool"), &json!(0.25)), "{row}");
    assert_eq!(row["mcp_namespaced_tool_name"], "git/log", "{row}");
    assert_eq!(row["model"], "MCP: git-log", "{row}");
}

async fn rest(house: &House) {
    let listed = house.gateway.get("/mcp-rest/tools/list", MASTER_KEY).await.unwrap().json();
    assert_eq!((&listed["error"], listed["tools"].as_array().unwrap().len()), (&Value::Null, 6), "{listed}");
    assert_eq!(listed["tools"][0]["name"], "log", "{listed}");
    assert_eq!(listed["tools"][0]["mcp_info"], json!({"server_id": "git-1", "server_name": "git"}), "{listed}");
    let one = house.gateway.get("/mcp-rest/tools/list?server_id=git-1", MASTER_KEY).await.unwrap().json();
    assert_eq!(one["tools"].as_array().unwrap().len(), 2, "{one}");
    let call = json!({"server_id": "git-1", "name": "log", "arguments": {"b": 2}});
    let called = house.gateway.ask("/mcp-rest/tools/call", &call).await.unwrap();
    assert_eq!(called.json()["content"][0]["text"], r#"{"arguments":{"b":2},"name":"log"}"#, "{}", called.text());
    for (body, status) in [
        (json!({"name": "log"}), 400),
        (json!({"server_id": "git-1"}), 400),
        (json!({"server_id": "nothing", "name": "log"}), 403),
        (json!({"server_id": "git-1", "name": "push"}), 400),
    ] {
        assert_eq!(house.gateway.ask("/mcp-rest/tools/call", &body).await.unwrap().status, status, "{body}");
    }
}
