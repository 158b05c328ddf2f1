mod read;

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Seen, Server, World, dead_url};

fn opened(kind: VaultKind, world: &World, settings: &VaultSettings) -> Result<Arc<dyn Vault>> {
    open(kind, settings, world.ambient.clone(), |_| Arc::new(world.http.clone()))
}

async fn text(vault: &dyn Vault, name: &str) -> Option<String> {
    vault.read(name).await.unwrap().map(|secret| secret.expose().to_owned())
}

/// What the stand-ins keep.
type Kept = Mutex<HashMap<String, String>>;

/// A Vault: AppRole at `roles`, secrets in `team/kv` below `llm`. The second token is good, the first was called back.
fn hashicorp(kept: &Kept, logins: &Mutex<u32>, seen: &Seen) -> (u16, String) {
    if seen.path == "/v1/auth/roles/login" {
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        if body != json!({"role_id": "r-1", "secret_id": "s-1"}) || seen.header("x-vault-namespace") != "people" {
            return (400, json!({"errors": ["invalid role or secret ID"]}).to_string());
        }
        *logins.lock() += 1;
        let token = format!("hvs.{}", logins.lock());
        return (200, json!({"auth": {"client_token": token, "lease_duration": 3600}}).to_string());
    }
    if seen.header("x-vault-token") != "hvs.2" {
        return (403, json!({"errors": ["permission denied"]}).to_string());
    }
    let name = seen.path.strip_prefix("/v1/team/kv/data/llm/").unwrap().to_owned();
    match seen.method.as_str() {
        "POST" => {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            kept.lock().insert(name, body["data"].to_string());
            (200, json!({"data": {"version": 1}}).to_string())
        }
        "DELETE" => (kept.lock().remove(&name).map_or(404, |_| 204), String::new()),
        _ => match kept.lock().get(&name) {
            Some(held) => {
                let held: Value = serde_json::from_str(held).unwrap();
                (200, json!({"data": {"data": held, "metadata": {"version": 1}}}).to_string())
            }
            None => (404, json!({"errors": []}).to_string()),
        },
    }
}

#[tokio::test]
async fn hashicorp_by_role_reads_writes_and_forgets() {
    let (kept, logins) = (Kept::default(), Mutex::new(0));
    let server = Server::start(move |seen| hashicorp(&kept, &logins, seen)).await;
    let world = World::new([
        ("HCP_VAULT_ADDR", server.url.as_str()),
        ("HCP_VAULT_APPROLE_ROLE_ID", "r-1"),
        ("HCP_VAULT_APPROLE_SECRET_ID", "s-1"),
        ("HCP_VAULT_APPROLE_MOUNT_PATH", "roles"),
        ("HCP_VAULT_NAMESPACE", "team"),
        ("HCP_VAULT_LOGIN_NAMESPACE", "people"),
        ("HCP_VAULT_MOUNT_NAME", "/kv/"),
        ("HCP_VAULT_PATH_PREFIX", "llm"),
        ("HCP_VAULT_TOKEN", "not-this-one"),
    ]);
    let settings = VaultSettings { description: Some("of ours".to_owned()), ..VaultSettings::default() };
    let vault = opened(VaultKind::Hashicorp, &world, &settings).unwrap();
    assert_eq!(text(&*vault, "OPENAI_API_KEY").await, None);
    vault.keep("litellm/my key?", &Secret::new("sk-1")).await.unwrap();
    assert_eq!(server.last().path, "/v1/team/kv/data/llm/litellm/my%20key%3F");
    assert_eq!(server.last().body, r#"{"data":{"key":"sk-1","description":"of ours"}}"#);
    assert_eq!(text(&*vault, "litellm/my key?").await.as_deref(), Some("sk-1"));
    vault.forget("litellm/my key?").await.unwrap();
    vault.forget("litellm/my key?").await.unwrap();
    assert_eq!(text(&*vault, "litellm/my key?").await, None);
    let logins = server.seen().iter().filter(|seen| seen.path.ends_with("/login")).count();
    assert_eq!(logins, 2, "the token that was called back is exchanged once, the good one is kept");
    let before = server.count();
    for name in ["", "../sys/seal", "a/../b", "a//b", "a/.", "a\nb"] {
        assert!(vault.read(name).await.is_err(), "{name:?}");
        assert!(vault.forget(name).await.is_err(), "{name:?}");
    }
    assert_eq!(server.count(), before, "such names never leave");
}

#[tokio::test]
async fn hashicorp_says_what_is_wrong_and_nothing_secret() {
    let error = opened(VaultKind::Hashicorp, &World::empty(), &VaultSettings::default()).unwrap_err();
    assert!(error.message.contains("HCP_VAULT_TOKEN"), "{}", error.message);
    let refuse = |_: &Seen| (403, json!({"errors": ["1 error occurred: permission denied"]}).to_string());
    let server = Server::start(refuse).await;
    let world = World::new([("HCP_VAULT_ADDR", server.url.as_str()), ("HCP_VAULT_TOKEN", "hvs.secret")]);
    let vault = opened(VaultKind::Hashicorp, &world, &VaultSettings::default()).unwrap();
    let error = vault.read("A").await.unwrap_err();
    let expected = "HashiCorp Vault answered with status 403: 1 error occurred: permission denied";
    assert_eq!(error.message, expected);
    assert!(!format!("{vault:?}").contains("hvs.secret"), "{vault:?}");
    let away = dead_url().await;
    let world = World::new([("HCP_VAULT_ADDR", away.as_str()), ("HCP_VAULT_TOKEN", "t")]);
    let source = Asked(opened(VaultKind::Hashicorp, &world, &VaultSettings::default()).unwrap());
    let error = source.get("A").await.unwrap_err().to_string();
    assert!(
        error.starts_with("secret source hashicorp_vault: HashiCorp Vault (127.0.0.1) cannot be reached"),
        "{error}"
    );
    assert!(source.get("HCP_VAULT_TOKEN").await.unwrap().is_none(), "what leads to the vault is not asked of it");
    let odd = Server::start(|_: &Seen| (200, r#"{"data":{"data":{"other":"x"}}}"#.to_owned())).await;
    let world = World::new([("HCP_VAULT_ADDR", odd.url.as_str()), ("HCP_VAULT_TOKEN", "t")]);
    let vault = opened(VaultKind::Hashicorp, &world, &VaultSettings::default()).unwrap();
    assert_eq!(text(&*vault, "A").await, None, "another field is not the value");
}

#[tokio::test]
async fn hashicorp_by_certificate_wants_it_on_the_way_out() {
    let answer = |seen: &Seen| match seen.path.as_str() {
        "/v1/auth/cert/login" => {
            assert_eq!(seen.body, r#"{"name":"web"}"#);
            (200, r#"{"auth":{"client_token":"t","lease_duration":0}}"#.to_owned())
        }
        _ => (200, r#"{"data":{"data":{"key":"v"}}}"#.to_owned()),
    };
    let server = Server::start(answer).await;
    let world = World::new([
        ("HCP_VAULT_ADDR", server.url.as_str()),
        ("HCP_VAULT_CLIENT_CERT", "/c.pem"),
        ("HCP_VAULT_CLIENT_KEY", "/k.pem"),
        ("HCP_VAULT_CERT_ROLE", "web"),
    ]);
    let mut asked = WireNeeds::default();
    let vault = open(VaultKind::Hashicorp, &VaultSettings::default(), world.ambient.clone(), |needs| {
        asked = needs.clone();
        Arc::new(world.http.clone())
    })
    .unwrap();
    assert_eq!(asked, WireNeeds { identity: Some(("/c.pem".into(), "/k.pem".into())), unchecked: false });
    assert_eq!(text(&*vault, "A").await.as_deref(), Some("v"));
}

/// Conjur: a variable has to be declared before it has a value; the first change of the policy meets another one.
fn conjur(kept: &Kept, busy: &Mutex<bool>, seen: &Seen) -> (u16, String) {
    if seen.path == "/authn/acme/host%2Fllm/authenticate" {
        return if seen.body == "api-key" { (200, r#"{"protected":"x"}"#.to_owned()) } else { (401, String::new()) };
    }
    if seen.header("authorization") != r#"Token token="eyJwcm90ZWN0ZWQiOiJ4In0=""# {
        return (401, String::new());
    }
    if seen.path == "/policies/acme/policy/root" {
        if std::mem::take(&mut *busy.lock()) {
            return (409, r#"{"error":{"code":"policy_conflict","message":"try again"}}"#.to_owned());
        }
        let name: String = serde_json::from_str(seen.body.split("!variable ").nth(1).unwrap().trim()).unwrap();
        match seen.method.as_str() {
            "POST" => drop(kept.lock().entry(name).or_default()),
            _ => assert!(kept.lock().remove(&name).is_some()),
        }
        return (201, "{}".to_owned());
    }
    let name = seen.path.strip_prefix("/secrets/acme/variable/").unwrap().replace("%2F", "/");
    match (seen.method.as_str(), kept.lock().get_mut(&name)) {
        ("POST", Some(value)) => {
            value.clone_from(&seen.body);
            (201, String::new())
        }
        ("GET", Some(value)) if !value.is_empty() => (200, value.clone()),
        _ => {
            (404, r#"{"error":{"code":"not_found","message":"CONJ00076E Variable is empty or not found."}}"#.to_owned())
        }
    }
}

#[tokio::test]
async fn conjur_declares_writes_reads_and_forgets() {
    let (kept, busy) = (Kept::default(), Mutex::new(true));
    let server = Server::start(move |seen| conjur(&kept, &busy, seen)).await;
    let env = [
        ("CYBERARK_API_BASE", server.url.as_str()),
        ("CYBERARK_ACCOUNT", "acme"),
        ("CYBERARK_USERNAME", "host/llm"),
        ("CYBERARK_API_KEY", "api-key"),
    ];
    let vault = opened(VaultKind::Conjur, &World::new(env), &VaultSettings::default()).unwrap();
    assert_eq!(text(&*vault, "litellm/a").await, None);
    vault.keep("litellm/a", &Secret::new("sk-1")).await.unwrap();
    vault.keep("litellm/a", &Secret::new("sk-2")).await.unwrap();
    assert_eq!(text(&*vault, "litellm/a").await.as_deref(), Some("sk-2"));
    vault.forget("litellm/a").await.unwrap();
    assert_eq!(server.last().body, "- !delete\n  record: !variable \"litellm/a\"\n");
    assert_eq!(server.last().header("content-type"), "application/x-yaml");
    assert_eq!(text(&*vault, "litellm/a").await, None);
    let error = opened(VaultKind::Conjur, &World::empty(), &VaultSettings::default()).unwrap_err();
    assert!(error.message.contains("CYBERARK_API_KEY"), "{}", error.message);
}

/// Secrets Manager. `gone` is on its way out.
fn secrets_manager(kept: &Kept, seen: &Seen) -> (u16, String) {
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    let operation = seen.header("x-amz-target").strip_prefix("secretsmanager.").unwrap();
    let name = body["SecretId"].as_str().or(body["Name"].as_str()).unwrap().to_owned();
    let refuse = |kind: &str| (400, json!({"__type": kind, "Message": "no"}).to_string());
    let mut kept = kept.lock();
    let leaving = kept.get(&name).is_some_and(|value| value.starts_with("gone:"));
    match operation {
        "CreateSecret" if leaving => refuse("com.amazonaws.secretsmanager#InvalidRequestException"),
        "CreateSecret" if kept.contains_key(&name) => refuse("ResourceExistsException"),
        "CreateSecret" => {
            kept.insert(name, body["SecretString"].as_str().unwrap().to_owned());
            (200, "{}".to_owned())
        }
        "RestoreSecret" => {
            let back = kept[&name].trim_start_matches("gone:").to_owned();
            kept.insert(name, back);
            (200, "{}".to_owned())
        }
        _ if leaving => refuse("InvalidRequestException"),
        _ if !kept.contains_key(&name) => refuse("ResourceNotFoundException"),
        "PutSecretValue" | "UpdateSecret" => {
            kept.insert(name, body["SecretString"].as_str().unwrap().to_owned());
            (200, "{}".to_owned())
        }
        "DeleteSecret" => {
            let leaves = format!("gone:{}", kept[&name]);
            kept.insert(name, leaves);
            (200, "{}".to_owned())
        }
        "GetSecretValue" => (200, json!({"Name": name, "SecretString": kept[&name]}).to_string()),
        "ReplicateSecretToRegions" => (500, "no".to_owned()),
        "TagResource" => (200, "{}".to_owned()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn aws_secrets_are_made_changed_deleted_and_brought_back() {
    let kept = Kept::default();
    let server = Server::start(move |seen| secrets_manager(&kept, seen)).await;
    let world = World::new([
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "wJalr"),
    ]);
    let settings = VaultSettings {
        description: Some("of ours".to_owned()),
        tags: vec![("team".to_owned(), "a".to_owned())],
        aws: llm_types::auth::AwsAuth { region: "eu-west-1".to_owned(), ..Default::default() },
        kms_key_id: Some("alias/k".to_owned()),
        replica_regions: vec!["us-east-1".to_owned()],
    };
    let vault = opened(VaultKind::AwsSecrets, &world, &settings).unwrap();
    let operations = || -> Vec<String> {
        let all = server.seen();
        all.iter().map(|seen| seen.header("x-amz-target").trim_start_matches("secretsmanager.").to_owned()).collect()
    };
    assert_eq!(text(&*vault, "litellm/a").await, None);
    vault.keep("litellm/a", &Secret::new("sk-1")).await.unwrap();
    let made: Value = serde_json::from_str(&server.seen()[1].body).unwrap();
    assert_eq!((&made["Name"], &made["KmsKeyId"]), (&json!("litellm/a"), &json!("alias/k")));
    assert_eq!((&made["Tags"][0]["Key"], &made["Description"]), (&json!("team"), &json!("of ours")));
    assert!(server.last().header("authorization").contains("/eu-west-1/secretsmanager/aws4_request"));
    assert_eq!(server.last().header("content-type"), "application/x-amz-json-1.1");
    vault.keep("litellm/a", &Secret::new("sk-2")).await.unwrap();
    assert_eq!(text(&*vault, "litellm/a").await.as_deref(), Some("sk-2"));
    vault.forget("litellm/a").await.unwrap();
    assert_eq!(text(&*vault, "litellm/a").await, None);
    vault.keep("litellm/a", &Secret::new("sk-3")).await.unwrap();
    assert_eq!(text(&*vault, "litellm/a").await.as_deref(), Some("sk-3"));
    let expected = "GetSecretValue CreateSecret ReplicateSecretToRegions CreateSecret PutSecretValue GetSecretValue \
                    DeleteSecret GetSecretValue CreateSecret RestoreSecret UpdateSecret TagResource GetSecretValue";
    assert_eq!(operations().join(" "), expected);
    vault.forget("never-there").await.unwrap();
}

#[tokio::test]
async fn one_secret_of_aws_holds_many() {
    let kept = Kept::default();
    kept.lock().insert("all".to_owned(), r#"{"A":"1","B":2,"C":{"no":"text"}}"#.to_owned());
    kept.lock().insert("text".to_owned(), "no json".to_owned());
    let server = Server::start(move |seen| secrets_manager(&kept, seen)).await;
    let env =
        [("AWS_ENDPOINT_URL", server.url.as_str()), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "wJalr")];
    let vault = opened(VaultKind::AwsSecrets, &World::new(env), &VaultSettings::default()).unwrap();
    let of = |primary: &str| {
        Primary::new(crate::Cached::new(Asked(Arc::clone(&vault)), crate::cached::DEFAULT_LIFETIME), primary)
    };
    let all = of("all");
    for (name, value) in [("A", Some("1")), ("B", Some("2")), ("C", None), ("D", None)] {
        let found = all.get(name).await.unwrap();
        assert_eq!(found.as_ref().map(Secret::expose), value, "{name}");
    }
    assert_eq!(server.count(), 1, "it is asked for once");
    let error = of("text").get("A").await.unwrap_err().to_string();
    assert_eq!(error, "secret source primary_secret_name: the secret text is no JSON");
    assert!(of("missing").get("A").await.unwrap_err().to_string().ends_with("the secret missing is not there"));
}

#[test]
fn kinds_and_how_long_they_are_believed() {
    for name in VaultKind::names() {
        assert_eq!(VaultKind::parse(name).unwrap().name(), name);
    }
    assert_eq!(VaultKind::parse("infisical"), None);
    let seconds =
        |kind: VaultKind, env: &[(&str, &str)]| kind.lifetime(&World::new(env.iter().copied()).ambient).as_secs();
    assert_eq!(seconds(VaultKind::Hashicorp, &[]), 86_400);
    assert_eq!(seconds(VaultKind::Hashicorp, &[("SECRET_MANAGER_REFRESH_INTERVAL", "60")]), 60);
    assert_eq!(
        seconds(
            VaultKind::Hashicorp,
            &[("SECRET_MANAGER_REFRESH_INTERVAL", "60"), ("HCP_VAULT_REFRESH_INTERVAL", "5")]
        ),
        5
    );
    assert_eq!(seconds(VaultKind::Conjur, &[("SECRET_MANAGER_REFRESH_INTERVAL", "60")]), 300);
    assert_eq!(seconds(VaultKind::GoogleSecrets, &[("GOOGLE_SECRET_MANAGER_ALWAYS_READ_SECRET_MANAGER", "true")]), 0);
    assert!(VaultKind::Conjur.wire(&World::new([("CYBERARK_SSL_VERIFY", "False")]).ambient).unchecked);
}
