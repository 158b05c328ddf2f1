//! An API that speaks no MCP: the operations of its OpenAPI document are tools.

use http::Method;
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Said};
use serde_json::{Value, json};

use super::{House, said};

fn document() -> Value {
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    json!({"openapi": "3.0.3", "servers": [{"url": "/v1"}], "paths": {
        "/pets/{id}": {
            "get": {"operationId": "getPet", "summary": "One pet", "parameters": [
                id, {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
            ]},
            "delete": {"operationId": "deletePet", "parameters": [id]},
        },
        "/pets": {"post": {"operationId": "addPet", "requestBody": {"required": true, "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}}},
        "/huge": {"get": {"operationId": "huge"}},
        "/down": {"get": {"operationId": "down"}},
    }, "components": {"schemas": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}}}})
}

fn api(asked: &Asked) -> Said {
    match asked.path.split('?').next().unwrap_or_default() {
        "/openapi.json" => (200, "application/json", document().to_string()),
        "/v1/pets/none" => (404, "application/json", json!({"why": "no such pet"}).to_string()),
        "/v1/huge" => (200, "text/plain", "x".repeat(5 << 20)),
        "/v1/down" => (500, "text/plain", "a stack trace".to_owned()),
        path => (200, "application/json", json!({"did": format!("{} {path}", asked.method)}).to_string()),
    }
}

#[tokio::test]
async fn operations_of_an_api_are_tools() {
    let server = Canned::start(api).await.unwrap();
    let url = format!("{}/openapi.json", server.base_url());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document().to_string()).unwrap();
    let config = json!({
        "model_list": [],
        "mcp_servers": {
            "pets": {
                "spec_path": url, "auth_type": "bearer_token", "auth_value": "pets-s3cret", "disallowed_tools": ["deletepet"],
                "static_headers": {"x-tenant": "t-1"}, "server_id": "pets-1",
                "mcp_info": {"mcp_server_cost_info": {"tool_name_to_cost_per_query": {"getpet": 0.125}}},
            },
            "filed": {
                "spec_path": file.path(), "url": format!("{}/other", server.base_url()), "auth_type": "api_key",
                "auth_value": "filed-s3cret", "allowed_tools": ["getpet"],
            },
        },
        "general_settings": {"master_key": MASTER_KEY, "proxy_batch_write_at": 1},
    });
    let env = vec![("LITELLM_SALT_KEY".to_owned(), "sk-salt-0123456789".to_owned())];
    let options = llm_tests::Options { env, ..Default::default() };
    let gateway = Gateway::start_with(&config.to_string(), &options).await.unwrap();
    let house = House {
        gateway,
        git: server,
        mail: Canned::start(said).await.unwrap(),
        model: Canned::start(said).await.unwrap(),
    };
    operations_are_called(&house).await;
    answers_are_bounded(&house).await;
    calls_have_their_price(&house).await;
    documents_of_the_database_are_public(&house).await;
    assert!(!house.gateway.logs().contains("s3cret"), "a credential is in the log");
}

async fn call(house: &House, path: &str, name: &str, arguments: Value) -> Value {
    house.ask(MASTER_KEY, path, "tools/call", json!({"name": name, "arguments": arguments})).await
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

async fn operations_are_called(house: &House) {
    let all = ["filed-getpet", "pets-down", "pets-huge", "pets-addpet", "pets-getpet"];
    assert_eq!(house.tools(MASTER_KEY, "/mcp").await, all);
    let listed = house.ask(MASTER_KEY, "/mcp/pets", "tools/list", json!({})).await;
    let add = &listed["result"]["tools"][2]["inputSchema"];
    assert_eq!(add["properties"]["body"]["properties"]["name"]["type"], "string", "{listed}");
    assert_eq!(house.ask(MASTER_KEY, "/mcp/pets", "resources/list", json!({})).await["result"]["resources"], json!([]));

    let arguments = json!({"id": "a b", "fields": ["x", "y&z"], "X-Trace": "7"});
    assert_eq!(text(&call(house, "/mcp", "pets-getpet", arguments).await), r#"{"did":"GET /v1/pets/a%20b"}"#);
    let seen = house.git.seen().last().unwrap().clone();
    assert_eq!(seen.path, "/v1/pets/a%20b?fields=x&fields=y%26z");
    assert_eq!((seen.header("authorization"), seen.header("x-tenant")), ("Bearer pets-s3cret", "t-1"));
    assert_eq!((seen.header("x-trace"), seen.body.len()), ("7", 0));
    call(house, "/mcp/pets", "addpet", json!({"body": {"name": "Rex", "weight": 1.5}})).await;
    let seen = house.git.seen().last().unwrap().clone();
    assert_eq!(
        (seen.text().as_str(), seen.header("content-type")),
        (r#"{"name":"Rex","weight":1.5}"#, "application/json")
    );
    call(house, "/mcp/filed", "getpet", json!({"id": 7})).await;
    let seen = house.git.seen().last().unwrap().clone();
    assert_eq!((seen.path.as_str(), seen.header("authorization")), ("/other/pets/7", "ApiKey filed-s3cret"));

    let documents = house.git.seen().iter().filter(|asked| asked.path == "/openapi.json").cloned().collect::<Vec<_>>();
    assert_eq!(documents.len(), 1, "it is remembered");
    assert_eq!(documents[0].header("authorization"), "", "credentials are for the API");
}

async fn answers_are_bounded(house: &House) {
    let before = house.git.seen().len();
    for (name, arguments) in [
        ("pets-getpet", json!({"id": "../admin"})),
        ("pets-getpet", json!({})),
        ("pets-addpet", json!({})),
        ("pets-deletepet", json!({"id": "1"})),
        ("pets-unknown", json!({})),
    ] {
        let refused = call(house, "/mcp", name, arguments).await;
        assert_eq!(refused["error"]["code"], -32602, "{name}: {refused}");
    }
    assert_eq!(house.git.seen().len(), before, "something was sent");
    let missing = call(house, "/mcp", "pets-getpet", json!({"id": "none"})).await;
    assert!(missing["result"]["isError"] == true && text(&missing).contains("no such pet"), "{missing}");
    let huge = call(house, "/mcp", "pets-huge", json!({})).await;
    assert!(huge["result"]["isError"] == true && text(&huge).len() < 200, "{huge}");
    let down = call(house, "/mcp", "pets-down", json!({})).await;
    assert!(down["result"]["isError"] == true && text(&down).contains("500"), "{down}");
    assert!(!down.to_string().contains("stack trace"), "{down}");
}

async fn calls_have_their_price(house: &House) {
    let (key, token) = house.key(json!({"object_permission": {"mcp_servers": ["pets-1"]}})).await;
    let params = json!({"name": "getpet", "arguments": {"id": "1"}});
    assert!(house.ask(&key, "/mcp", "tools/call", params).await["result"].is_object());
    let rows = house.gateway.spend_rows(&token, 1).await.unwrap();
    assert_eq!((&rows[0]["spend"], &rows[0]["mcp_namespaced_tool_name"]), (&json!(0.125), &json!("pets/getpet")));
}

/// Whoever may write to the database names no address within the network, and no file.
async fn documents_of_the_database_are_public(house: &House) {
    let new = |path: &str| json!({"server_name": "inner", "spec_path": path, "transport": "http"});
    let before = house.git.seen().len();
    let inner = new(&format!("{}/openapi.json", house.git.base_url()));
    let tried = house.gateway.ask("/mcp-rest/test/tools/list", &inner).await.unwrap().json();
    assert_eq!((&tried["tools"], &tried["error"]), (&json!([]), &json!("connection_error")), "{tried}");
    for path in ["/etc/passwd", "file:///etc/passwd", "openapi.json"] {
        for at in ["/v1/mcp/server", "/mcp-rest/test/tools/list"] {
            let refused = house.gateway.ask(at, &new(path)).await.unwrap();
            assert_eq!(refused.status, 400, "{path}: {}", refused.text());
        }
    }
    let made = house.gateway.ask("/v1/mcp/server", &inner).await.unwrap();
    assert_eq!((made.status, &made.json()["spec_path"]), (200, &inner["spec_path"]), "{}", made.text());
    let tools = house.ask(MASTER_KEY, "/mcp/inner", "tools/list", json!({})).await;
    assert!(tools["error"]["message"].as_str().unwrap().contains("cannot be reached"), "{tools}");
    assert_eq!(house.git.seen().len(), before, "the address was reached");
    let id = made.json()["server_id"].as_str().unwrap().to_owned();
    let auth = format!("Bearer {MASTER_KEY}");
    let path = format!("/v1/mcp/server/{id}");
    let gone =
        house.gateway.send(Method::DELETE, &path, &[("authorization", &auth)], bytes::Bytes::new()).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
}
