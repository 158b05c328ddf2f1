//! Vaults that are only read.

use super::*;
use crate::testing::{RSA_PKCS8, service_account};

#[tokio::test]
async fn google_and_azure_are_read() {
    let answer = |seen: &Seen| match seen.path.as_str() {
        "/token" => (200, r#"{"access_token":"ya29","expires_in":3599}"#.to_owned()),
        "/t/oauth2/v2.0/token" => {
            assert_eq!(seen.field("scope"), "https://vault.azure.net/.default");
            (200, r#"{"access_token":"eyJ","expires_in":3599}"#.to_owned())
        }
        "/v1/projects/p-1/secrets/OPENAI_API_KEY/versions/latest:access" => {
            assert_eq!(seen.header("authorization"), "Bearer ya29");
            (200, r#"{"name":"n","payload":{"data":"c2stMQ=="}}"#.to_owned())
        }
        "/secrets/OPENAI-API-KEY?api-version=7.4" => {
            assert_eq!(seen.header("authorization"), "Bearer eyJ");
            (200, r#"{"value":"sk-2","id":"i"}"#.to_owned())
        }
        _ => (404, r#"{"error":{"code":404,"status":"NOT_FOUND","message":"not found"}}"#.to_owned()),
    };
    let server = Server::start(answer).await;
    let account = service_account(&format!("{}/token", server.url));
    let world = World::new([
        ("GOOGLE_SECRET_MANAGER_PROJECT_ID", "p-1"),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", server.url.as_str()),
        ("GCS_PATH_SERVICE_ACCOUNT", &account),
        ("AZURE_KEY_VAULT_URI", &format!("{}/", server.url)),
        ("AZURE_AUTHORITY_HOST", &server.url),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_CLIENT_SECRET", "s"),
    ]);
    let settings = VaultSettings::default();
    let google = opened(VaultKind::GoogleSecrets, &world, &settings).unwrap();
    assert_eq!(text(&*google, "OPENAI_API_KEY").await.as_deref(), Some("sk-1"));
    assert_eq!(text(&*google, "OTHER").await, None);
    assert_eq!(text(&*google, "a/b").await, None);
    let azure = opened(VaultKind::Azure, &world, &settings).unwrap();
    assert_eq!(text(&*azure, "OPENAI-API-KEY").await.as_deref(), Some("sk-2"));
    assert_eq!(text(&*azure, "OTHER").await, None);
    let before = server.count();
    assert_eq!(text(&*azure, "OPENAI_API_KEY").await, None, "no name of a secret there");
    assert_eq!(server.count(), before);
    for vault in [google, azure] {
        let error = vault.keep("A", &Secret::new("v")).await.unwrap_err();
        assert!(error.message.ends_with("is only read here") && vault.forget("A").await.is_err());
    }
    for kind in [VaultKind::GoogleSecrets, VaultKind::Azure, VaultKind::GoogleKms] {
        assert!(opened(kind, &World::empty(), &settings).unwrap_err().message.ends_with("is not set"));
    }
}

#[tokio::test]
async fn sealed_values_of_the_environment_are_opened() {
    let answer = |seen: &Seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        match (seen.path.as_str(), body["CiphertextBlob"].as_str().or(body["ciphertext"].as_str())) {
            ("/token", _) => (200, r#"{"access_token":"ya29","expires_in":3599}"#.to_owned()),
            ("/", Some("c2VhbGVk")) => (200, r#"{"KeyId":"k","Plaintext":"c2stMSAK"}"#.to_owned()),
            ("/", Some("ZGVuaWVk")) => (400, r#"{"__type":"AccessDeniedException","Message":"no"}"#.to_owned()),
            ("/", _) => (400, r#"{"__type":"InvalidCiphertextException"}"#.to_owned()),
            ("/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k:decrypt", Some("c2VhbGVk")) => {
                (200, r#"{"plaintext":"c2stMg=="}"#.to_owned())
            }
            _ => {
                (400, r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Decryption failed"}}"#.to_owned())
            }
        }
    };
    let server = Server::start(answer).await;
    let folder = tempfile::tempdir().unwrap();
    let account = folder.path().join("account.json");
    std::fs::write(&account, service_account(&format!("{}/token", server.url))).unwrap();
    let world = World::new([
        ("AWS_ENDPOINT_URL_KMS", server.url.as_str()),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", &server.url),
        ("GOOGLE_KMS_RESOURCE_NAME", "projects/p/locations/l/keyRings/r/cryptoKeys/k"),
        ("GOOGLE_APPLICATION_CREDENTIALS", account.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
        ("SEALED", "c2VhbGVk"),
        ("MARKED", "aws_kms/c2VhbGVk"),
        ("LITELLM_SECRET_AWS_KMS_OLD", "c2VhbGVk"),
        ("PLAIN", "sk-plain"),
        ("LOOKS_SEALED", "dGVzdA=="),
        ("DENIED", "ZGVuaWVk"),
        ("WRONG", "aws_kms/dGVzdA=="),
    ]);
    let aws = opened(VaultKind::AwsKms, &world, &VaultSettings::default()).unwrap();
    for (name, value) in [
        ("SEALED", Some("sk-1")),
        ("MARKED", Some("sk-1")),
        ("OLD", Some("sk-1")),
        ("PLAIN", None),
        ("LOOKS_SEALED", None),
        ("NONE", None),
    ] {
        assert_eq!(text(&*aws, name).await.as_deref(), value, "{name}");
    }
    assert!(aws.read("DENIED").await.unwrap_err().message.contains("AccessDeniedException"));
    assert!(aws.read("WRONG").await.unwrap_err().message.contains("not sealed with a key that we may use"));
    let google = opened(VaultKind::GoogleKms, &world, &VaultSettings::default()).unwrap();
    assert_eq!(text(&*google, "SEALED").await.as_deref(), Some("sk-2"));
    assert_eq!(text(&*google, "PLAIN").await, None);
    assert!(!format!("{google:?}").contains(&RSA_PKCS8[60..100]));
}
