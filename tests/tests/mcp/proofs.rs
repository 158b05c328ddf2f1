//! Servers that want tokens which nobody brings ready: the gateway's own, one for the caller's, a signature.

use std::sync::atomic::{AtomicUsize, Ordering};

use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Said};
use serde_json::{Value, json};

use super::{House, said};

/// Issues `t-1`, `t-2` ...; for a caller `for-` and its token.
fn issuer(asked: &Asked) -> Said {
    static ISSUED: AtomicUsize = AtomicUsize::new(1);
    let form = asked.text();
    let field = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned);
    let token = match field("subject_token") {
        Some(token) if token == "stranger" => {
            return (400, "application/json", json!({"error": "invalid_grant"}).to_string());
        }
        Some(token) => format!("for-{token}"),
        None => format!("t-{}", ISSUED.fetch_add(1, Ordering::Relaxed)),
    };
    (200, "application/json", json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}).to_string())
}

/// Lets in who shows one of these: a token of the gateway's but the first, which was revoked; a caller's; a signature.
fn guarded(asked: &Asked) -> Said {
    let shown = asked.header("authorization");
    let good = ["Bearer t-2", "Bearer for-ann", "AWS4-HMAC-SHA256 Credential=AKIATEST/"];
    if good.iter().any(|good| shown.starts_with(good)) { said(asked) } else { (401, "text/plain", String::new()) }
}

#[tokio::test]
async fn tokens_are_had_for_servers_that_want_them() {
    let (issuer, server) = (Canned::start(issuer).await.unwrap(), Canned::start(guarded).await.unwrap());
    let url = format!("{}/mcp", server.base_url());
    let with = |fields: Value| {
        let mut all = json!({"url": url, "transport": "http", "allow_all_keys": true});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    let token_url = format!("{}/token", issuer.base_url());
    let config = json!({
        "model_list": [],
        "mcp_servers": {
            "callers": with(json!({
                "auth_type": "oauth2_token_exchange", "client_id": "gate", "client_secret": "gate-s3cret",
                "token_exchange_endpoint": token_url, "audience": "api://x", "scopes": ["a", "b"],
            })),
            "signed": with(json!({
                "auth_type": "aws_sigv4", "aws_access_key_id": "AKIATEST", "aws_secret_access_key": "aws-s3cret",
                "aws_region_name": "eu-west-1",
            })),
        },
        "guardrails": [
            guardrail("before", "pre_mcp_call", "stopword", "BLOCK"), guardrail("hide", "pre_mcp_call", "hidden", "MASK"),
            guardrail("during", "during_mcp_call", "toolate", "BLOCK"), guardrail("after", "post_mcp_call", "secretword", "MASK"),
            guardrail("never", "post_mcp_call", "unspeakable", "BLOCK"), guardrail("models", "pre_call", "log", "BLOCK"),
        ],
        "general_settings": {"master_key": MASTER_KEY},
    });
    let env = vec![("LITELLM_SALT_KEY".to_owned(), "sk-salt-0123456789".to_owned())];
    let options = llm_tests::Options { env, ..Default::default() };
    let gateway = Gateway::start_with(&config.to_string(), &options).await.unwrap();
    let new = with(json!({
        "server_name": "own", "auth_type": "oauth2", "oauth2_flow": "client_credentials", "token_url": token_url,
        "credentials": {"client_id": "gate", "client_secret": "gate-s3cret", "scopes": ["a"]},
    }));
    let made = gateway.ask("/v1/mcp/server", &new).await.unwrap();
    assert!(made.status == 200 && !made.text().contains("s3cret"), "{}", made.text());
    let mut incomplete = new.clone();
    incomplete["credentials"]["client_secret"] = Value::Null;
    incomplete["server_name"] = json!("other");
    let refused = gateway.ask("/v1/mcp/server", &incomplete).await.unwrap();
    assert!(refused.status == 400 && refused.text().contains("client_secret"), "{}", refused.text());

    let house = House { gateway, git: server, mail: issuer, model: Canned::start(said).await.unwrap() };
    own_tokens(&house).await;
    callers_tokens(&house).await;
    signatures(&house).await;
    judged(&house).await;
    assert!(!house.gateway.logs().contains("s3cret"), "a credential is in the log");
}

fn guardrail(name: &str, mode: &str, word: &str, action: &str) -> Value {
    let words = json!([{"keyword": word, "action": action}]);
    let params =
        json!({"guardrail": "litellm_content_filter", "mode": mode, "default_on": true, "blocked_words": words});
    json!({"guardrail_name": name, "litellm_params": params})
}

/// Arguments and results of tools are judged by the guardrails of MCP's modes, and by no others.
async fn judged(house: &House) {
    let call = async |arguments: Value| {
        let params = json!({"name": "log", "arguments": arguments});
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
        let key = format!("Bearer {MASTER_KEY}");
        house.post("/mcp/own", &message, &[("authorization", &key)]).await
    };
    let calls = || house.git.seen().iter().filter(|a| a.json["method"] == "tools/call").count();
    let text = |answer: &Value| answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();

    let before = calls();
    for arguments in [json!({"a": ["a stopword"]}), json!({"stopword": 1})] {
        let stopped = call(arguments).await.json();
        assert_eq!((&stopped["result"]["isError"], calls()), (&json!(true), before), "{stopped}");
    }
    let masked = call(json!({"a": "a hidden one", "n": 1.50})).await.json();
    let sent = house.git.seen().iter().rfind(|a| a.json["method"] == "tools/call").unwrap().text();
    assert!(!sent.contains("hidden") && sent.contains("1.5"), "{sent}");
    assert!(!text(&masked).contains("hidden"), "{masked}");

    let masked = call(json!({"a": "a secretword"})).await.json();
    assert!(text(&masked).contains("\"a\"") && !text(&masked).contains("secretword"), "{masked}");
    for word in ["toolate", "unspeakable"] {
        let before = calls();
        let stopped = call(json!({"a": word})).await.json();
        assert_eq!((&stopped["result"]["isError"], calls()), (&json!(true), before + 1), "{stopped}");
        assert!(!stopped["result"].to_string().contains("\"name\""), "{stopped}");
    }
}

/// The first token is refused, a new one is asked for; then it is remembered.
async fn own_tokens(house: &House) {
    assert_eq!(house.tools(MASTER_KEY, "/mcp/own").await, ["log", "push", "bad"]);
    house.call(MASTER_KEY, "/mcp/own", "log").await;
    let asked: Vec<String> = house.mail.seen().iter().map(Asked::text).collect();
    let form = "grant_type=client_credentials&client_id=gate&client_secret=gate-s3cret&scope=a";
    assert_eq!(asked, [form, form]);
}

async fn callers_tokens(house: &House) {
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "log", "arguments": {}}});
    let shown = |token: &'static str| [("x-litellm-api-key", MASTER_KEY), ("authorization", token)];
    let told = async |token: &'static str| house.post("/mcp/callers", &call, &shown(token)).await.json();
    let anns = told("Bearer ann").await;
    assert_eq!(anns["result"]["content"][0]["type"], "text", "{anns}");
    let form = house.mail.seen().last().unwrap().text();
    for pair in ["subject_token=ann", "audience=api%3A%2F%2Fx", "scope=a+b", "client_id=gate"] {
        assert!(form.split('&').any(|p| p == pair), "{form}");
    }
    // Nobody is served with another's token: whoever cannot be exchanged for is refused.
    let strangers = told("Bearer stranger").await;
    assert_eq!(strangers["result"]["isError"], true, "{strangers}");
    assert!(!strangers.to_string().contains("127.0.0.1"), "{strangers}");
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"});
    let key = format!("Bearer {MASTER_KEY}");
    let nobody = house.post("/mcp/callers", &message, &[("authorization", &key)]).await.json();
    let why = nobody["error"]["message"].as_str().unwrap_or_default();
    assert!(why.contains("x-litellm-api-key"), "{nobody}");
    assert!(!house.mail.seen().iter().any(|asked| asked.text().contains(MASTER_KEY)), "the gateway's key went out");
}

async fn signatures(house: &House) {
    assert_eq!(house.tools(MASTER_KEY, "/mcp/signed").await, ["log", "push", "bad"]);
    let seen = house.git.seen().last().unwrap().clone();
    let scope = "/eu-west-1/bedrock-agentcore/aws4_request";
    assert!(seen.header("authorization").contains(scope), "{}", seen.header("authorization"));
}
