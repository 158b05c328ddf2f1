//! Callers without keys: tokens of an identity provider, an authorization server, a proxy, a hook.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use llm_idp::testing::{Asked, Issuer, Pair, Server, now};
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options};
use llm_types::Json;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn say(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

async fn sim() -> Running {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

fn environment(of: &[(&str, &str)]) -> Options {
    let env = of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options { env, ..Options::default() }
}

const JWT: &str = r#"litellm_jwtauth: {"user_id_jwt_field":"sub","team_ids_jwt_field":"groups","user_id_upsert":true,
    "user_email_jwt_field":"email","end_user_id_jwt_field":"customer","virtual_key_claim_field":"azp"}"#;

#[tokio::test]
async fn tokens_of_an_identity_provider() {
    let (sim, issuer) = (sim().await, Issuer::start().await);
    let oauth = Server::start(|asked: &Asked, _: &str| {
        let fine = asked.headers.get("authorization").is_some_and(|v| v == "Bearer opaque-token");
        if fine { (200, r#"{"sub":"oauth-user"}"#.to_owned()) } else { (401, String::new()) }
    })
    .await;
    let config = Config::standard(&sim)
        .model("film", "openai/sora-2", &[])
        .general("proxy_batch_write_at: 1")
        .general("enable_jwt_auth: true")
        .general(JWT)
        .general("enable_oauth2_auth: true")
        .general("enable_oauth2_proxy_auth: true")
        .general("oauth2_config_mappings: {user_id: x-forwarded-user}")
        .general("trusted_proxy_ranges: ['127.0.0.0/8']")
        .general("public_routes: ['/v1/models']")
        .general("admin_only_routes: ['/spend/tags']");
    let options = environment(&[
        ("JWT_PUBLIC_KEY_URL", &issuer.jwks()),
        ("JWT_ISSUER", issuer.url()),
        ("JWT_AUDIENCE", "gateway"),
        ("OAUTH_TOKEN_INFO_ENDPOINT", &oauth.url),
    ]);
    let gateway = Gateway::start_with(&config.yaml(), &options).await.unwrap();
    async fn made(future: impl Future<Output = anyhow::Result<llm_tests::Reply>>) {
        let reply = future.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    made(gateway.ask("/team/new", &json!({"team_id": "a", "models": ["gpt"]}))).await;
    made(gateway.ask("/team/new", &json!({"team_id": "b", "models": ["claude", "film"]}))).await;

    let token =
        issuer.token(r#"{"sub":"ann","aud":"gateway","email":"ann@example.com","groups":["a","b"],"customer":"c-1"}"#);
    for (path, body, status) in [
        (CHAT, say("gpt"), 200),
        (CHAT, say("claude"), 200),
        (CHAT, say("embed"), 403),
        (CHAT, json!({"model": "gpt", "stream": true, "messages": [{"role": "user", "content": "hi"}]}), 200),
        (
            "/v1/messages",
            json!({"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}),
            200,
        ),
        ("/v1/responses", json!({"model": "gpt", "input": "hi"}), 200),
        ("/key/generate", json!({"key_alias": "ann's", "models": ["gpt"]}), 200),
        ("/team/new", json!({"team_id": "mine"}), 401),
        ("/user/new", json!({"user_id": "x"}), 401),
        ("/spend/tags", json!({}), 405),
    ] {
        let reply = gateway.post(path, &body, &token).await.unwrap();
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text());
    }
    assert_eq!(
        gateway.get("/user/info", &token).await.unwrap().json()["user_info"]["user_email"],
        json!("ann@example.com")
    );
    assert_eq!(gateway.get("/spend/tags", &token).await.unwrap().status, 403, "for administrators only");
    let headers = [("authorization", &*format!("Bearer {token}")), ("x-litellm-team-id", "b")];
    let reply = gateway.send(Method::POST, CHAT, &headers, Bytes::from(say("gpt").to_string())).await.unwrap();
    assert_eq!(reply.status, 403, "team b has no gpt: {}", reply.text());

    let film = gateway.post("/v1/videos", &json!({"model": "film", "prompt": "a cat"}), &token).await.unwrap();
    let film = format!("/v1/videos/{}", film.json()["id"].as_str().unwrap());
    let back = gateway.get(&film, &token).await.unwrap();
    assert_eq!(back.status, 200, "the second team made it: {}", back.text());

    let spend = async || {
        for _ in 0..100 {
            let rows = gateway.get("/spend/logs?user_id=ann&summarize=false", MASTER_KEY).await.unwrap().json();
            let rows = rows.as_array().cloned().unwrap_or_default();
            if rows.iter().filter(|row| row["status"] == "success").count() >= 5 {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no rows of ann: {}", gateway.logs())
    };
    let rows = spend().await;
    let of = |model: &str| {
        rows.iter().find(|row| row["model_group"] == json!(model) && row["status"] == "success").unwrap().clone()
    };
    for (model, team) in [("gpt", "a"), ("claude", "b")] {
        let row = of(model);
        assert_eq!((&row["team_id"], &row["end_user"]), (&json!(team), &json!("c-1")), "{row}");
        assert!(row["api_key"].as_str().unwrap().starts_with("hashed-jwt-"), "{row}");
    }

    // Whom the other ways bring in, and whom nothing does.
    let admin = issuer.token(r#"{"aud":"gateway","scope":"litellm_proxy_admin"}"#);
    let stranger = Pair::p256().token("first", &{
        let mut claims: Json = Json::object([("iss", issuer.url()), ("sub", "ann"), ("aud", "gateway")]);
        claims.set("exp", now() + 60);
        claims
    });
    let bearer = |key: &str| vec![("authorization".to_owned(), format!("Bearer {key}"))];
    let user = |name: &str| vec![("x-forwarded-user".to_owned(), name.to_owned())];
    for (what, method, path, headers, status) in [
        ("an administrator", Method::GET, "/user/list", bearer(&admin), 200),
        ("an administrator calls a model", Method::POST, CHAT, bearer(&admin), 403),
        ("another's key", Method::POST, CHAT, bearer(&stranger), 401),
        ("another audience", Method::POST, CHAT, bearer(&issuer.token(r#"{"sub":"ann","aud":"x"}"#)), 401),
        ("ended", Method::POST, CHAT, bearer(&issuer.token(r#"{"sub":"ann","aud":"gateway","exp":1}"#)), 401),
        (
            "a team that is not there",
            Method::POST,
            CHAT,
            bearer(&issuer.token(r#"{"sub":"u","aud":"gateway","groups":["z"]}"#)),
            403,
        ),
        ("an opaque token", Method::POST, CHAT, bearer("opaque-token"), 200),
        ("another opaque token", Method::POST, CHAT, bearer("opaque-other"), 401),
        ("the master key", Method::POST, CHAT, bearer(MASTER_KEY), 200),
        ("a header of the proxy", Method::POST, CHAT, user("bob"), 200),
        ("nothing", Method::POST, CHAT, Vec::new(), 401),
        ("nothing, on a public route", Method::GET, "/v1/models", Vec::new(), 200),
        ("nothing, on a management route", Method::GET, "/user/list", Vec::new(), 401),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = if method == Method::POST { say("gpt").to_string() } else { String::new() };
        let reply = gateway.send(method, path, &headers, Bytes::from(body)).await.unwrap();
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
    }

    // A claim that stands for a key: made over the API.
    let key = gateway.ask("/key/generate", &json!({"user_id": "machine-owner"})).await.unwrap().json();
    let mapping = json!({"jwt_claim_name": "azp", "jwt_claim_value": "machine", "key": key["key"]});
    let reply = gateway.ask("/jwt/key/mapping/new", &mapping).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let machine = issuer.token(r#"{"aud":"gateway","azp":"machine"}"#);
    assert_eq!(gateway.post(CHAT, &say("gpt"), &machine).await.unwrap().status, 200);
    assert_eq!(gateway.ask("/key/block", &json!({"key": key["key"]})).await.unwrap().status, 200);
    assert_eq!(gateway.post(CHAT, &say("gpt"), &machine).await.unwrap().status, 401);
    let logs = gateway.logs();
    for secret in [&*token, &*admin, "opaque-token"] {
        assert!(!logs.contains(secret), "a credential stands in the log");
    }
}

#[tokio::test]
async fn a_hook_decides_and_addresses_are_a_wall() {
    let sim = sim().await;
    let hook = Server::start(|asked: &Asked, _: &str| {
        let question: Value = serde_json::from_str(&asked.body).unwrap();
        match question["api_key"].as_str() {
            Some("password-of-ann") => (200, json!({"user_id": "ann", "models": ["gpt"]}).to_string()),
            Some("away") => (500, String::new()),
            Some(key) if key.starts_with("sk-") => (200, json!({"continue": true}).to_string()),
            _ => (401, json!({"message": "who are you?"}).to_string()),
        }
    })
    .await;
    let config = Config::standard(&sim)
        .general(&format!("custom_auth_url: '{}/check'", hook.url))
        .general("custom_auth_mode: auto")
        .general("allowed_ips: ['127.0.0.1', '198.51.100.7']")
        .general("use_x_forwarded_for: true")
        .general("trusted_proxy_ranges: ['127.0.0.1']");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    for (key, model, status) in [
        ("password-of-ann", "gpt", 200),
        ("password-of-ann", "claude", 403),
        ("away", "gpt", 503),
        ("other", "gpt", 401),
        (MASTER_KEY, "claude", 200),
        ("sk-unknown-0123456789", "gpt", 401),
        ("", "gpt", 401),
    ] {
        let reply = gateway.post(CHAT, &say(model), key).await.unwrap();
        assert_eq!(reply.status, status, "{key} {model}: {}", reply.text());
    }
    for (forwarded, path, status) in [
        ("198.51.100.7", "/v1/models", 200),
        ("198.51.100.8", "/v1/models", 403),
        ("198.51.100.7, 203.0.113.1", "/user/list", 403),
        ("203.0.113.1", "/health/liveliness", 200),
    ] {
        let bearer = format!("Bearer {MASTER_KEY}");
        let headers = [("authorization", &*bearer), ("x-forwarded-for", forwarded)];
        let reply = gateway.send(Method::GET, path, &headers, Bytes::new()).await.unwrap();
        assert_eq!(reply.status, status, "{forwarded} {path}: {}", reply.text());
    }

    // Another configuration: no hook any more, another wall.
    let config = Config::standard(&sim).general("allowed_ips: ['127.0.0.1']").general("public_routes: ['/v1/models']");
    gateway.rewrite(&config.yaml()).unwrap();
    assert_eq!(gateway.ask("/config/reload", &json!({})).await.unwrap().status, 200);
    let asked = hook.count();
    for (key, model, status) in [("password-of-ann", "gpt", 401), (MASTER_KEY, "claude", 200)] {
        assert_eq!(gateway.post(CHAT, &say(model), key).await.unwrap().status, status, "{key} {model}");
    }
    assert_eq!(gateway.get("/v1/models", "").await.unwrap().status, 200, "public by now");
    assert_eq!(hook.count(), asked, "nobody asks it any more");
    gateway.rewrite(&Config::standard(&sim).general("allowed_ips: ['192.0.2.1']").yaml()).unwrap();
    assert_eq!(gateway.ask("/config/reload", &json!({})).await.unwrap().status, 200);
    assert_eq!(gateway.get("/v1/models", MASTER_KEY).await.unwrap().status, 403);
}

/// Routes that ask nobody who calls.
const OPEN: &str = "get /
get /claude-code/marketplace.json
get /config/yaml
get /docs
get /fallback/login
get /get/ui_theme_settings
get /get_favicon
get /get_image
get /get_logo_url
get /health/drain
get /health/liveliness
get /health/liveness
get /health/readiness
get /litellm/.well-known/litellm-ui-config
get /.well-known/litellm-ui-config
get /.well-known/oauth-authorization-server
get /.well-known/oauth-protected-resource
get /onboarding/get_token
get /openapi.json
get /redoc
get /robots.txt
get /routes
get /session
get /sso/callback
get /sso/cli/poll/{key_id}
get /sso/key/generate
get /sso/saml/login
get /sso/saml/metadata
get /test
post /api/event_logging/batch
post /login
post /onboarding/claim_token
post /session/logout
post /sso/cli/complete/{login_id}
post /sso/cli/start
post /sso/saml/callback
post /v2/login
post /v3/login
post /v3/login/exchange";

/// Every route of the document, whichever crate serves it, with every identity that is none.
#[tokio::test]
async fn every_route_refuses_every_wrong_identity() {
    let sim = sim().await;
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let made = async |fields: Value| {
        let reply = gateway.ask("/key/generate", &fields).await.unwrap().json();
        reply["key"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    };
    let blocked = made(json!({})).await;
    assert_eq!(gateway.ask("/key/block", &json!({"key": blocked})).await.unwrap().status, 200);
    let narrow = made(json!({"allowed_routes": ["/nothing/at/all"]})).await;
    let expired = made(json!({"duration": "1s"})).await;
    let document = gateway.get("/openapi.json", "").await.unwrap().json();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut wrong = Vec::new();
    let mut open = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if OPEN.lines().any(|line| line == format!("{method} {path}")) || path.starts_with("/public/") {
                open += 1;
                continue;
            }
            let filled = path.split('/').map(filled).collect::<Vec<_>>().join("/");
            // What cannot be understood may be refused for that before the key's list of routes is looked at.
            for (who, key, refusals) in [
                ("nobody", "", 401..402),
                ("a stranger", "sk-unknown-0123456789", 401..402),
                ("a blocked key", &blocked, 401..402),
                ("an expired key", &expired, 401..402),
                ("a key of other routes", &narrow, 400..500),
            ] {
                let bearer = format!("Bearer {key}");
                let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
                let headers = if key.is_empty() { &headers[1..] } else { &headers[..] };
                let named = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let reply = gateway.send(named, &filled, headers, Bytes::from_static(b"{}")).await.unwrap();
                if !refusals.contains(&reply.status) {
                    wrong.push(format!("{method} {path} as {who}: {}", reply.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert!(open >= OPEN.lines().count(), "a route of the list is none any more");
    assert!(llm_tests::calls(&sim).is_empty(), "nothing reached a provider");
}

/// A segment with something in it.
fn filled(segment: &str) -> String {
    match (segment.find('{'), segment.find('}')) {
        (Some(from), Some(to)) => format!("{}x{}", &segment[..from], &segment[to + 1..]),
        _ => segment.to_owned(),
    }
}
