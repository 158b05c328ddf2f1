use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use llm_types::{Error, Kind};
use serde_json::Value;

use super::*;
use crate::rsa::claims;
use crate::testing::{CERTIFICATE, RSA_PKCS8, Seen, Server, World, after, dead_url};

const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

async fn entra() -> Server {
    let answer = |_: &Seen| {
        (200, r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ.t"}"#.to_owned())
    };
    Server::start(answer).await
}

fn need(server: &Server) -> AzureAuth {
    AzureAuth {
        authority: Some(server.url.clone()),
        tenant_id: Some("my-tenant".into()),
        client_id: Some("my-app".into()),
        ..AzureAuth::default()
    }
}

async fn fields(server: &Server, world: &World, need: &AzureAuth) -> std::collections::HashMap<String, String> {
    let issued = fetch(world.flow(), need).await.unwrap();
    assert_eq!((issued.value.expose(), issued.expires), ("eyJ.t", Some(after(3599))));
    server.last().fields()
}

async fn refused(world: &World, need: &AzureAuth) -> Error {
    fetch(world.flow(), need).await.unwrap_err()
}

#[tokio::test]
async fn a_client_secret() {
    let (server, world) = (entra().await, World::empty());
    let need = AzureAuth { client_secret: Some(Secret::new("s3cr3t")), ..need(&server) };
    fetch(world.flow(), &need).await.unwrap();
    let seen = server.last();
    assert_eq!(seen.path, "/my-tenant/oauth2/v2.0/token");
    assert_eq!(
        seen.body,
        "client_id=my-app&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default\
         &grant_type=client_credentials&client_secret=s3cr3t"
    );
}

#[tokio::test]
async fn everything_from_the_environment() {
    let server = entra().await;
    let world = World::new([
        ("AZURE_AUTHORITY_HOST", format!("{}/", server.url)),
        ("AZURE_TENANT_ID", "env-tenant".to_owned()),
        ("AZURE_CLIENT_ID", "env-app".to_owned()),
        ("AZURE_CLIENT_SECRET", "env-secret".to_owned()),
        ("AZURE_SCOPE", "https://other/.default".to_owned()),
    ]);
    let sent = fields(&server, &world, &AzureAuth::default()).await;
    assert_eq!(server.last().path, "/env-tenant/oauth2/v2.0/token");
    assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), ("env-app", "env-secret"));
    assert_eq!(sent["scope"], "https://other/.default");
    let own = AzureAuth { client_secret: Some(Secret::new("own")), scope: "s".into(), ..need(&server) };
    let sent = fields(&server, &world, &own).await;
    assert_eq!(
        (sent["client_id"].as_str(), sent["client_secret"].as_str(), sent["scope"].as_str()),
        ("my-app", "own", "s")
    );
}

#[tokio::test]
async fn a_person_needs_no_tenant() {
    let (server, world) = (entra().await, World::empty());
    let need = AzureAuth {
        tenant_id: None,
        username: Some("me@x".into()),
        password: Some(Secret::new("p&w")),
        ..need(&server)
    };
    let sent = fields(&server, &world, &need).await;
    assert_eq!(server.last().path, "/organizations/oauth2/v2.0/token");
    assert_eq!(
        (sent["grant_type"].as_str(), sent["username"].as_str(), sent["password"].as_str()),
        ("password", "me@x", "p&w")
    );
}

#[tokio::test]
async fn a_certificate_signs() {
    let (server, world) = (entra().await, World::empty());
    let file = tempfile::NamedTempFile::with_suffix(".pem").unwrap();
    std::fs::write(file.path(), format!("{CERTIFICATE}{RSA_PKCS8}")).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let need = AzureAuth { certificate: Some(path), ..need(&server) };
    let sent = fields(&server, &world, &need).await;
    assert_eq!(sent["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let assertion = &sent["client_assertion"];
    let head = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    let head: BTreeMap<String, String> = serde_json::from_slice(&head).unwrap();
    assert_eq!((head["alg"].as_str(), head["typ"].as_str()), ("PS256", "JWT"));
    // `openssl x509 -outform DER | openssl dgst -sha256 -binary | base64`, made safe for URLs.
    assert_eq!(head["x5t#S256"], "rgcpQvpY84o52UOP_DY_7YCoHcFepSy-fGmirZRW6mU");
    let found: BTreeMap<String, Value> = claims(assertion).unwrap();
    assert_eq!((found["iss"].as_str(), found["sub"].as_str()), (Some("my-app"), Some("my-app")));
    assert_eq!(found["aud"], format!("{}/my-tenant/oauth2/v2.0/token", server.url));
    let pfx = AzureAuth { certificate: Some("/x/y.pfx".into()), ..need };
    assert!(refused(&world, &pfx).await.message.contains("PKCS 12"));
}

#[tokio::test]
async fn somebody_elses_word() {
    let server = entra().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pod-token\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let world = World::new([
        ("AZURE_AUTHORITY_HOST", server.url.clone()),
        ("AZURE_TENANT_ID", "t".to_owned()),
        ("AZURE_CLIENT_ID", "c".to_owned()),
        ("AZURE_FEDERATED_TOKEN_FILE", path),
        ("WORD", "from-variable".to_owned()),
    ]);
    let sent = fields(&server, &world, &AzureAuth::default()).await;
    assert_eq!((sent["client_assertion"].as_str(), sent["grant_type"].as_str()), ("pod-token", "client_credentials"));
    let by_reference = AzureAuth { assertion: Some(Secret::new("oidc/env/WORD")), ..AzureAuth::default() };
    assert_eq!(fields(&server, &world, &by_reference).await["client_assertion"], "from-variable");
    let literal = AzureAuth { assertion: Some(Secret::new("eyJ.a.b")), ..AzureAuth::default() };
    assert_eq!(fields(&server, &world, &literal).await["client_assertion"], "eyJ.a.b");
}

#[tokio::test]
async fn identities_of_machines() {
    let answer = |_: &Seen| (200, r#"{"access_token":"eyJ.t","expires_on":"1767326644","resource":"r"}"#.to_owned());
    let server = Server::start(answer).await;
    let machine = AzureAuth { managed_identity: true, ..AzureAuth::default() };
    let resource = "resource=https%3A%2F%2Fcognitiveservices.azure.com";
    let app = World::new([("IDENTITY_ENDPOINT", format!("{}/msi", server.url)), ("IDENTITY_HEADER", "h".to_owned())]);
    fields(&server, &app, &machine).await;
    assert_eq!(server.last().path, format!("/msi?api-version=2019-08-01&{resource}"));
    assert_eq!(server.last().header("x-identity-header"), "h");

    let vm = World::new([
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url.clone()),
        ("AZURE_CLIENT_SECRET", "not looked at".to_owned()),
    ]);
    let user_assigned = AzureAuth { client_id: Some("id".into()), ..machine.clone() };
    fields(&server, &vm, &user_assigned).await;
    assert_eq!(
        server.last().path,
        format!("/metadata/identity/oauth2/token?api-version=2018-02-01&{resource}&client_id=id")
    );
    assert_eq!(server.last().header("metadata"), "true");

    let ml = World::new([("MSI_ENDPOINT", format!("{}/ml", server.url)), ("MSI_SECRET", "s".to_owned())]);
    fields(&server, &ml, &user_assigned).await;
    assert_eq!(server.last().path, format!("/ml?api-version=2017-09-01&{resource}&clientid=id"));
    assert_eq!(server.last().header("secret"), "s");

    let shell = World::new([("MSI_ENDPOINT", format!("{}/shell", server.url))]);
    fields(&server, &shell, &machine).await;
    assert_eq!((server.last().path.as_str(), server.last().body.as_str()), ("/shell", resource));

    let nobody = World::new([("AZURE_POD_IDENTITY_AUTHORITY_HOST", dead_url().await)]);
    assert!(refused(&nobody, &AzureAuth::default()).await.message.starts_with("there are no Azure credentials"));
}

#[tokio::test]
async fn refusals_and_what_is_missing() {
    let refuse = |_: &Seen| {
        (401, r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret s3cr3t provided.\r\nTrace ID: x"}"#.to_owned())
    };
    let (server, world) = (Server::start(refuse).await, World::empty());
    let good = AzureAuth { client_secret: Some(Secret::new("s3cr3t")), ..need(&server) };
    let error = refused(&world, &good).await;
    assert_eq!(error.kind, Kind::Authentication);
    assert_eq!(
        error.message,
        "Microsoft Entra answered with status 401: invalid_client: AADSTS7000215: Invalid client secret *** provided. Trace ID: x"
    );
    for (need, why) in [
        (AzureAuth { client_id: None, ..good.clone() }, "need a client_id"),
        (AzureAuth { tenant_id: None, ..good.clone() }, "need a tenant_id"),
        (AzureAuth { tenant_id: Some("../x?y".into()), ..good.clone() }, "characters"),
    ] {
        let error = refused(&world, &need).await;
        assert!(error.message.contains(why), "{}", error.message);
    }
    assert!(refused(&world, &AzureAuth { authority: Some(dead_url().await), ..good }).await.retryable());
    assert_eq!(SCOPE, Facts::of(world.flow().ambient, &need(&server)).unwrap().scope);
}
