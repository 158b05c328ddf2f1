//! People: an identity provider makes and disables them, they log in and out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use bytes::Bytes;
use http::Method;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, Reply};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const PASSWORD: &str = "Correct-horse7";

async fn scim(gateway: &Gateway, method: Method, path: &str, key: &str, body: Value) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    gateway.send(method, path, &headers, Bytes::from(body.to_string())).await.unwrap()
}

async fn status(gateway: &Gateway, key: &str) -> u16 {
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}]});
    gateway.post(CHAT, &body, key).await.unwrap().status
}

#[tokio::test]
async fn people_come_and_go() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::standard(&sim).litellm("default_internal_user_params: {user_role: internal_user}").yaml();
    let env =
        vec![("UI_USERNAME".to_owned(), "root".to_owned()), ("UI_PASSWORD".to_owned(), "Operator-horse7".to_owned())];
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();

    let wrong = json!({"username": "root", "password": MASTER_KEY});
    assert_eq!(gateway.post("/v2/login", &wrong, "").await.unwrap().status, 401, "UI_PASSWORD takes its place");
    let form = Bytes::from_static(b"username=root&password=Operator-horse7");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let entered = gateway.send(Method::POST, "/login", &kind, form).await.unwrap();
    assert_eq!((entered.status, entered.header("location")), (303, &*format!("{}/ui/?login=success", gateway.url())));
    let cookie = entered.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = [("cookie", cookie.as_str()), ("x-requested-with", "page")];
    let session = gateway.send(Method::GET, "/session", &page, Bytes::new()).await.unwrap().json();
    let admin = session["key"].as_str().unwrap_or_else(|| panic!("{session}")).to_owned();

    // An identity provider that is named while it runs.
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let sso = json!({"generic_client_id": "gateway", "generic_client_secret": "a-long-client-secret",
        "generic_authorization_endpoint": "https://idp.example/authorize", "generic_token_endpoint": "https://idp.example/token",
        "generic_userinfo_endpoint": "https://idp.example/userinfo"});
    let body = Bytes::from(sso.to_string());
    let reply = gateway.send(Method::PATCH, "/update/sso_settings", &headers, body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let left = gateway.send(Method::GET, "/sso/key/generate", &[], Bytes::new()).await.unwrap();
    assert!(left.header("location").starts_with("https://idp.example/authorize?"), "{} {}", left.status, left.text());
    assert!(!gateway.logs().contains("a-long-client-secret"));
    let reply = gateway.send(Method::PATCH, "/update/sso_settings", &headers, Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let left = gateway.send(Method::GET, "/sso/key/generate", &[], Bytes::new()).await.unwrap();
    assert_eq!((left.status, left.header("location")), (200, ""), "the form again");

    let made = gateway.post("/key/generate", &json!({"allowed_routes": ["/scim/*"]}), &admin).await.unwrap().json();
    // A key of the operator's session belongs to the operator: they provision themselves.
    let provider = made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let ann = json!({"userName": "ann@example.org", "externalId": "0b1c", "name": {"givenName": "Ann"},
        "emails": [{"type": "work", "primary": true, "value": "ann@example.org"}]});
    let reply = scim(&gateway, Method::POST, "/scim/v2/Users", &provider, ann).await;
    assert_eq!((reply.status, reply.header("content-type")), (201, "application/scim+json"), "{}", reply.text());
    assert_eq!(reply.header("location"), "/scim/v2/Users/ann@example.org");
    let group = json!({"displayName": "Lab", "externalId": "lab", "members": [{"value": "ann@example.org"}]});
    assert_eq!(scim(&gateway, Method::POST, "/scim/v2/Groups", &provider, group).await.status, 201);

    let invited = gateway.post("/invitation/new", &json!({"user_id": "ann@example.org"}), &admin).await.unwrap().json();
    let link = invited["id"].as_str().unwrap_or_else(|| panic!("{invited}"));
    let opened = gateway.get(&format!("/onboarding/get_token?invite_link={link}"), "").await.unwrap().json();
    assert!(opened["login_url"].as_str().unwrap().contains("/ui/onboarding?token="), "{opened}");
    let set = json!({"user_id": "ann@example.org", "password": PASSWORD});
    assert_eq!(gateway.ask("/user/update", &set).await.unwrap().status, 200);
    let credentials = json!({"username": "ANN@example.org", "password": PASSWORD});
    assert_eq!(gateway.post("/v2/login", &credentials, "").await.unwrap().status, 200);
    let key =
        gateway.ask("/key/generate", &json!({"user_id": "ann@example.org", "team_id": "lab"})).await.unwrap().json();
    let key = key["key"].as_str().unwrap_or_else(|| panic!("{key}")).to_owned();
    assert_eq!(status(&gateway, &key).await, 200);

    let active = |value: &str| json!({"Operations": [{"op": "Replace", "path": "active", "value": value}]});
    let path = "/scim/v2/Users/ann@example.org";
    assert_eq!(scim(&gateway, Method::PATCH, path, &provider, active("False")).await.status, 200);
    assert_eq!(status(&gateway, &key).await, 401, "disabled");
    assert_eq!(gateway.post("/v2/login", &credentials, "").await.unwrap().status, 401);
    assert_eq!(scim(&gateway, Method::PATCH, path, &provider, active("True")).await.status, 200);
    assert_eq!(status(&gateway, &key).await, 200);
    assert_eq!(scim(&gateway, Method::DELETE, path, &provider, Value::Null).await.status, 204);
    assert_eq!(status(&gateway, &key).await, 401, "deleted");

    assert_eq!(gateway.send(Method::POST, "/session/logout", &page, Bytes::new()).await.unwrap().status, 200);
    assert_eq!(gateway.get("/user/list", &admin).await.unwrap().status, 401);
    let log = gateway.logs();
    assert!(!log.contains(PASSWORD) && !log.contains("Operator-horse7") && !log.contains(&admin), "{log}");
}
