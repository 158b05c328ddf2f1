use std::collections::BTreeMap;

use base64::Engine as _;
use llm_types::{Error, Kind};
use serde_json::{Value, json};

use super::*;
use crate::rsa::claims;
use crate::testing::{RSA_PKCS8, START, Seen, Server, World, after, dead_url, service_account};

fn token_answer(_: &Seen) -> (u16, String) {
    (200, r#"{"access_token":"ya29.t","expires_in":3599,"token_type":"Bearer"}"#.to_owned())
}

fn need(credentials: impl ToString) -> GoogleAuth {
    GoogleAuth { credentials: Some(Secret::new(credentials.to_string())), ..GoogleAuth::default() }
}

async fn refused(world: &World, need: &GoogleAuth) -> Error {
    let error = fetch(world.flow(), need).await.unwrap_err();
    assert!(!format!("{error:?}").contains("PRIVATE"), "{error:?}");
    error
}

#[tokio::test]
async fn a_service_account_signs_for_itself() {
    let (server, world) = (Server::start(token_answer).await, World::empty());
    let url = format!("{}/__token", server.url);
    let issued = fetch(world.flow(), &need(service_account(&url))).await.unwrap();
    assert_eq!((issued.value.expose(), issued.expires), ("ya29.t", Some(after(3599))));
    let seen = server.last();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/__token"));
    assert_eq!(seen.field("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let assertion = seen.field("assertion");
    let found: BTreeMap<String, Value> = claims(&assertion).unwrap();
    assert_eq!(found["iss"], "me@my-project.iam.gserviceaccount.com");
    assert_eq!(found["aud"], url);
    assert_eq!(found["scope"], CLOUD_PLATFORM);
    assert_eq!((found["iat"].as_u64(), found["exp"].as_u64()), (Some(START), Some(START + 3600)));
    let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    assert_eq!(String::from_utf8(head).unwrap(), r#"{"alg":"RS256","typ":"JWT","kid":"key-1"}"#);

    let scoped = GoogleAuth { scopes: vec!["a".into(), "b".into()], ..need(service_account(&url)) };
    fetch(world.flow(), &scoped).await.unwrap();
    let found: BTreeMap<String, Value> = claims(&server.last().field("assertion")).unwrap();
    assert_eq!(found["scope"], "a b");
}

#[tokio::test]
async fn refusals_are_told_and_never_with_the_key() {
    let refuse =
        |_: &Seen| (400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#.to_owned());
    let (server, world) = (Server::start(refuse).await, World::empty());
    let error = refused(&world, &need(service_account(&server.url))).await;
    assert_eq!(error.kind, Kind::Authentication);
    assert_eq!(
        error.message,
        "Google's token endpoint answered with status 400: invalid_grant: Invalid JWT Signature."
    );
    let error = refused(&world, &need(service_account(&dead_url().await))).await;
    assert!(error.retryable());
    for (text, why) in [
        (r#"{"type":"service_account"}"#.to_owned(), "they lack a field"),
        (format!("{{ {RSA_PKCS8}"), "they are not JSON"),
        (r#"{"type":"gdch_service_account"}"#.to_owned(), "of a type that is not supported"),
        ("/no/such/file.json".to_owned(), "the file of the Google credentials cannot be read"),
        (RSA_PKCS8.to_owned(), "cannot be read"),
    ] {
        let error = refused(&world, &need(text)).await;
        assert_eq!(error.kind, Kind::Authentication);
        assert!(error.message.contains(why), "{}", error.message);
    }
}

#[tokio::test]
async fn default_credentials_in_their_order() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/computeMetadata/v1/project/project-id" => (200, "machine-project".to_owned()),
        _ => token_answer(seen),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let host = server.url.replace("http://", "");
    let metadata = World::new([("HOME", text(folder.path())), ("GCE_METADATA_HOST", host.clone())]);
    let none = GoogleAuth::default();
    fetch(metadata.flow(), &none).await.unwrap();
    assert_eq!(
        server.last().path,
        format!("/computeMetadata/v1/instance/service-accounts/default/token?scopes={CLOUD_PLATFORM}")
    );
    assert_eq!(server.last().header("metadata-flavor"), "Google");
    assert_eq!(project(metadata.flow(), &none).await.unwrap().as_deref(), Some("machine-project"));

    let gcloud = folder.path().join(".config/gcloud");
    std::fs::create_dir_all(&gcloud).unwrap();
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{}/user", server.url), "quota_project_id": "user-project"});
    std::fs::write(gcloud.join("application_default_credentials.json"), user.to_string()).unwrap();
    fetch(metadata.flow(), &none).await.unwrap();
    assert_eq!(server.last().body, "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r");
    assert_eq!(project(metadata.flow(), &none).await.unwrap().as_deref(), Some("user-project"));

    let file = folder.path().join("account.json");
    std::fs::write(&file, service_account(&format!("{}/account", server.url))).unwrap();
    let named = World::new([("HOME", text(folder.path())), ("GOOGLE_APPLICATION_CREDENTIALS", text(&file))]);
    fetch(named.flow(), &none).await.unwrap();
    assert_eq!(server.last().path, "/account");
    fetch(metadata.flow(), &need(text(&file))).await.unwrap();
    assert_eq!(server.last().path, "/account");
    let nothing = World::new([("NO_GCE_CHECK", "true")]);
    assert!(refused(&nothing, &none).await.message.contains("there are no Google credentials"));
}

fn external(server: &Server, source: Value) -> Value {
    json!({"type": "external_account", "audience": "//iam.googleapis.com/pool", "token_url": format!("{}/sts", server.url),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": source})
}

#[tokio::test]
async fn federation_by_file_and_url() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/subject" => (200, r#"{"tok":"from the url"}"#.to_owned()),
        "/impersonate" => (200, r#"{"accessToken":"account-token","expireTime":"2026-01-02T04:04:05Z"}"#.to_owned()),
        _ => token_answer(seen),
    })
    .await;
    let world = World::empty();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from the file\n").unwrap();
    let by_file = external(&server, json!({"file": file.path()}));
    assert_eq!(fetch(world.flow(), &need(&by_file)).await.unwrap().value.expose(), "ya29.t");
    let fields = server.last().fields();
    assert_eq!(fields["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(fields["audience"], "//iam.googleapis.com/pool");
    assert_eq!(fields["subject_token"], "from the file");
    assert_eq!(fields["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!(fields["requested_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(fields["scope"], CLOUD_PLATFORM);

    let source = json!({"url": format!("{}/subject", server.url), "headers": {"X-Who": "me"},
        "format": {"type": "json", "subject_token_field_name": "tok"}});
    let mut by_url = external(&server, source);
    by_url["service_account_impersonation_url"] = json!(format!("{}/impersonate", server.url));
    by_url["service_account_impersonation"] = json!({"token_lifetime_seconds": 2800});
    by_url["workforce_pool_user_project"] = json!("payer");
    let issued = fetch(world.flow(), &need(&by_url)).await.unwrap();
    assert_eq!((issued.value.expose(), issued.expires), ("account-token", Some(after(3600))));
    let seen = server.seen();
    let [.., subject, exchange, impersonate] = seen.as_slice() else { panic!("too few requests") };
    assert_eq!(subject.header("x-who"), "me");
    assert_eq!(exchange.field("subject_token"), "from the url");
    assert_eq!(exchange.field("options"), r#"{"userProject":"payer"}"#);
    assert_eq!(impersonate.header("authorization"), "Bearer ya29.t");
    assert_eq!(impersonate.body, format!(r#"{{"delegates":[],"scope":["{CLOUD_PLATFORM}"],"lifetime":"2800s"}}"#));
}

#[tokio::test]
async fn what_would_run_a_program_is_refused_by_name() {
    let (server, world) = (Server::start(token_answer).await, World::empty());
    let runs = external(&server, json!({"executable": {"command": "/bin/evil", "timeout_millis": 5000}}));
    let error = refused(&world, &need(runs)).await;
    assert!(error.message.contains("credential_source.executable"), "{}", error.message);
    let error = refused(&world, &need(external(&server, json!({"certificate": {}})))).await;
    assert!(error.message.contains("certificate"), "{}", error.message);
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn aws_vouches_with_a_signed_request() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/session" => (200, "session-token".to_owned()),
        "/zone" => (200, "eu-west-1b".to_owned()),
        "/role" => (200, "my-role".to_owned()),
        "/role/my-role" => {
            (200, r#"{"AccessKeyId":"ASIA","SecretAccessKey":"x","Token":"tok","Code":"Success"}"#.to_owned())
        }
        _ => token_answer(seen),
    })
    .await;
    let source = json!({"environment_id": "aws1", "region_url": format!("{}/zone", server.url),
        "url": format!("{}/role", server.url), "imdsv2_session_token_url": format!("{}/session", server.url),
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"});
    let need = need(external(&server, source));
    let subject = async |world: &World| {
        fetch(world.flow(), &need).await.unwrap();
        let encoded = server.last().field("subject_token");
        let text: String =
            url::form_urlencoded::parse(format!("t={encoded}").as_bytes()).next().unwrap().1.into_owned();
        let token: Value = serde_json::from_str(&text).unwrap();
        let pairs = token["headers"].as_array().unwrap().iter();
        let headers: BTreeMap<_, _> =
            pairs.map(|p| (p["key"].as_str().unwrap().to_owned(), p["value"].as_str().unwrap().to_owned())).collect();
        (token["url"].as_str().unwrap().to_owned(), headers)
    };
    let (url, headers) = subject(&World::empty()).await;
    assert_eq!(url, "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(headers["host"], "sts.eu-west-1.amazonaws.com");
    assert_eq!(headers["x-goog-cloud-target-resource"], "//iam.googleapis.com/pool");
    assert_eq!(headers["x-amz-security-token"], "tok");
    let signed = "SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource";
    assert!(headers["authorization"].contains("Credential=ASIA/20260102/eu-west-1/sts/aws4_request"));
    assert!(headers["authorization"].contains(signed), "{headers:?}");
    assert!(server.seen().iter().any(|s| s.path == "/zone" && s.header("x-aws-ec2-metadata-token") == "session-token"));

    let before = server.count();
    let environment =
        World::new([("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "us-east-2")]);
    let (url, headers) = subject(&environment).await;
    assert!(url.contains("us-east-2") && headers["authorization"].contains("Credential=ENV/"));
    assert_eq!(server.count(), before + 1, "only the exchange");
}

#[tokio::test]
async fn one_account_speaks_for_another() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/impersonate" => (200, r#"{"accessToken":"theirs","expireTime":"2026-01-02T03:34:05Z"}"#.to_owned()),
        _ => token_answer(seen),
    })
    .await;
    let source: Value = serde_json::from_str(&service_account(&server.url)).unwrap();
    let credentials = json!({"type": "impersonated_service_account", "delegates": ["d"], "source_credentials": source,
        "service_account_impersonation_url": format!("{}/impersonate", server.url)});
    let world = World::empty();
    let issued = fetch(world.flow(), &need(&credentials)).await.unwrap();
    assert_eq!((issued.value.expose(), issued.expires), ("theirs", Some(after(1800))));
    assert!(server.last().body.starts_with(r#"{"delegates":["d"],"#));
    assert_eq!(project(world.flow(), &need(&credentials)).await.unwrap().as_deref(), Some("my-project"));

    let user = json!({"type": "external_account_authorized_user", "audience": "a", "client_id": "c", "client_secret": "s",
        "refresh_token": "r", "token_url": format!("{}/pool", server.url)});
    fetch(world.flow(), &need(user)).await.unwrap();
    assert_eq!(server.last().header("authorization"), "Basic Yzpz");
    assert_eq!(server.last().body, "grant_type=refresh_token&refresh_token=r");
}
