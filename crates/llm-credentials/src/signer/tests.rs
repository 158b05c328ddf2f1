use llm_types::auth::{AwsAuth, IbmAuth};
use llm_types::{Kind, OAuthClient};

use super::*;
use crate::testing::{Server, World, dead_url, request, shown};

fn signer(world: &World) -> Signer {
    Signer::new(world.ambient.clone())
}

async fn issuer() -> Server {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        (200, format!(r#"{{"access_token":"t-{count}","expires_in":3600}}"#))
    })
    .await
}

fn client(url: &str) -> AuthNeed {
    AuthNeed::OAuth(Box::new(OAuthClient {
        token_url: url.to_owned(),
        client_id: "me".into(),
        client_secret: Secret::new("s3cr3t"),
        ..OAuthClient::default()
    }))
}

async fn shows(signer: &Signer, world: &World, need: &AuthNeed) -> String {
    let mut request = request("https://host/x");
    signer.apply(&world.http, need, &mut request).await.unwrap();
    assert!(request.headers()["authorization"].is_sensitive());
    shown(&request, "authorization")
}

#[tokio::test]
async fn one_token_for_many_requests_and_a_new_one_ahead_of_its_end() {
    let (server, world) = (issuer().await, World::empty());
    let (signer, need) = (signer(&world), client(&server.url));
    let all = futures_util::future::join_all((0..20).map(|_| shows(&signer, &world, &need))).await;
    assert!(all.iter().all(|shown| shown == "Bearer t-1"), "{all:?}");
    world.pass(3200);
    assert_eq!(shows(&signer, &world, &need).await, "Bearer t-1");
    world.pass(200);
    assert_eq!(shows(&signer, &world, &need).await, "Bearer t-2");
    world.pass(7200);
    assert_eq!(shows(&signer, &world, &need).await, "Bearer t-3");
    signer.forget(&need);
    assert_eq!(shows(&signer, &world, &need).await, "Bearer t-4");
    assert_eq!(signer.token(&world.http, &need).await.unwrap().expose(), "t-4");
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn different_secrets_do_not_share() {
    let (server, world) = (issuer().await, World::empty());
    let signer = signer(&world);
    let ibm = |key: &str| AuthNeed::Ibm(Box::new(IbmAuth { api_key: Secret::new(key), url: Some(server.url.clone()) }));
    assert_eq!(shows(&signer, &world, &ibm("a-key")).await, "Bearer t-1");
    assert_eq!(shows(&signer, &world, &ibm("b-key")).await, "Bearer t-2");
    assert_eq!(shows(&signer, &world, &ibm("a-key")).await, "Bearer t-1");
}

#[tokio::test]
async fn an_issuer_that_is_down_may_be_tried_again() {
    let world = World::empty();
    let (signer, need) = (signer(&world), client(&dead_url().await));
    let error = signer.apply(&world.http, &need, &mut request("https://host/x")).await.unwrap_err();
    assert!(error.retryable() && error.kind == Kind::Connection, "{error:?}");
    let server = Server::start(|_| (503, "<html>".to_owned())).await;
    let error = signer.apply(&world.http, &client(&server.url), &mut request("https://host/x")).await.unwrap_err();
    assert!(error.retryable() && error.kind == Kind::Unavailable, "{error:?}");
    assert!(!format!("{error:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn static_keys_ask_nobody_and_a_bearer_signs_nothing() {
    let world = World::new([("AWS_ACCESS_KEY_ID", "ENVID"), ("AWS_SECRET_ACCESS_KEY", "envsecret")]);
    let signer = signer(&world);
    let need = AwsAuth { service: "bedrock".into(), region: "eu-west-1".into(), ..AwsAuth::default() };
    let shown = shows(&signer, &world, &AuthNeed::Aws(Box::new(need.clone()))).await;
    assert!(shown.starts_with("AWS4-HMAC-SHA256 Credential=ENVID/20260102/eu-west-1/bedrock/aws4_request"), "{shown}");
    let given = AwsAuth {
        access_key_id: Some(Secret::new("GIVEN")),
        secret_access_key: Some(Secret::new("given")),
        ..need.clone()
    };
    let shown = shows(&signer, &world, &AuthNeed::Aws(Box::new(given))).await;
    assert!(shown.contains("Credential=GIVEN/"), "{shown}");
    let bearer = AwsAuth { bearer: Some(Secret::new("bedrock-key")), ..need };
    assert_eq!(shows(&signer, &world, &AuthNeed::Aws(Box::new(bearer))).await, "Bearer bedrock-key");
}

#[tokio::test]
async fn the_project_of_the_credentials_goes_into_the_path() {
    let server = issuer().await;
    let world = World::empty();
    let (signer, credentials) = (signer(&world), crate::testing::service_account(&server.url));
    let google = GoogleAuth { credentials: Some(Secret::new(credentials)), ..GoogleAuth::default() };
    assert_eq!(signer.google_project(&world.http, &google).await.unwrap().as_deref(), Some("my-project"));
    let need = AuthNeed::Google(Box::new(google));
    let mut request =
        request("https://h/v1/projects/{project}/locations/l/publishers/google/models/m:generateContent?alt=sse");
    signer.apply(&world.http, &need, &mut request).await.unwrap();
    assert_eq!(request.uri().path(), "/v1/projects/my-project/locations/l/publishers/google/models/m:generateContent");
    assert_eq!(request.uri().query(), Some("alt=sse"));
    assert_eq!(shown(&request, "authorization"), "Bearer t-1");
}
