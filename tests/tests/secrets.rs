//! Secret managers: values that a configuration refers to, virtual keys that are stored there as well, keys that are rotated
//! by themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "secrets/gone.rs"]
mod gone;
#[path = "secrets/kept.rs"]
mod kept;
#[path = "secrets/places.rs"]
mod places;
#[path = "secrets/stored.rs"]
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Config, Gateway, MASTER_KEY, Options, Said, UPSTREAM_KEY, calls, eventually};
use parking_lot::Mutex;
use serde_json::{Value, json};

const TOKEN: &str = "hvs.the-token-of-the-test";
const CHAT: &str = "/v1/chat/completions";

/// A HashiCorp Vault: KV version 2 at `secret`, values below `key`.
struct Vault {
    server: Canned,
    kept: Arc<Mutex<BTreeMap<String, Value>>>,
    /// Writes are refused.
    shut: Arc<Mutex<bool>>,
}

impl Vault {
    async fn start(secrets: &[(&str, &str)]) -> Self {
        let kept: BTreeMap<String, Value> =
            secrets.iter().map(|(name, value)| ((*name).to_owned(), json!({"key": value}))).collect();
        let (kept, shut) = (Arc::new(Mutex::new(kept)), Arc::new(Mutex::new(false)));
        let (store, closed) = (Arc::clone(&kept), Arc::clone(&shut));
        let server = Canned::start(move |asked| answer(&store, *closed.lock(), asked)).await.unwrap();
        Vault { server, kept, shut }
    }

    fn held(&self, name: &str) -> Option<String> {
        Some(self.kept.lock().get(name)?["key"].as_str().unwrap().to_owned())
    }

    fn names(&self) -> Vec<String> {
        self.kept.lock().keys().cloned().collect()
    }

    fn read(&self, name: &str) -> usize {
        let path = format!("/v1/secret/data/{name}");
        self.server.seen().iter().filter(|asked| asked.method == "GET" && asked.path == path).count()
    }

    fn options(&self, more: &[(&str, &str)]) -> Options {
        let base = self.server.base_url();
        let env = [("HCP_VAULT_ADDR", base.as_str()), ("HCP_VAULT_TOKEN", TOKEN)];
        let env = env.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { env, ..Options::default() }
    }
}

fn answer(kept: &Mutex<BTreeMap<String, Value>>, shut: bool, asked: &Asked) -> Said {
    let said = |status, body: Value| (status, "application/json", body.to_string());
    if asked.header("x-vault-token") != TOKEN || shut && asked.method != "GET" {
        return said(403, json!({"errors": ["permission denied"]}));
    }
    if asked.path.ends_with("/FORBIDDEN") {
        return said(403, json!({"errors": ["not yours"]}));
    }
    if asked.path == "/v1/auth/token/lookup-self" {
        return said(200, json!({"data": {"policies": ["gateway"]}}));
    }
    let name = asked.path.strip_prefix("/v1/secret/data/").unwrap().to_owned();
    let mut kept = kept.lock();
    match asked.method.as_str() {
        "GET" => match kept.get(&name) {
            Some(held) => said(200, json!({"data": {"data": held, "metadata": {"version": 1}}})),
            None => said(404, json!({"errors": []})),
        },
        "POST" => {
            kept.insert(name, asked.json["data"].clone());
            said(200, json!({"data": {"version": 1}}))
        }
        _ => said(if kept.remove(&name).is_some() { 204 } else { 404 }, Value::Null),
    }
}

async fn simulator() -> Running {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

fn say() -> Value {
    json!({"model": "gpt", "messages": [{"role": "user", "content": "hello"}]})
}

async fn key(gateway: &Gateway, fields: &Value) -> String {
    gateway.new_key(fields).await.unwrap().0
}

async fn works(gateway: &Gateway, key: &str) -> bool {
    gateway.post(CHAT, &say(), key).await.unwrap().status == 200
}

/// A configuration whose key of the upstream is a secret.
fn referring(sim: &Running, name: &str) -> Config {
    Config::empty(sim)
        .model("gpt", "openai/gpt-4o", &[])
        .general("key_management_system: hashicorp_vault")
        .litellm(name)
}

fn with_reference(config: &Config, name: &str) -> String {
    config.yaml().replace(&format!("api_key: '{UPSTREAM_KEY}'"), &format!("api_key: os.environ/{name}"))
}

#[tokio::test]
async fn references_are_read_from_the_vault_then_from_the_environment() {
    let sim = simulator().await;
    let vault = Vault::start(&[("THE_KEY", UPSTREAM_KEY), ("THE_TRUTH", "True")]).await;
    let config = referring(&sim, "drop_params: os.environ/THE_TRUTH").general("max_request_size_mb: os.environ/A_SIZE");
    let env = [("THE_KEY", "the one of the environment"), ("A_SIZE", "3")];
    let gateway = Gateway::start_with(&with_reference(&config, "THE_KEY"), &vault.options(&env)).await.unwrap();
    let reply = gateway.ask(CHAT, &say()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let call = calls(&sim).pop().unwrap();
    assert_eq!(call.headers["authorization"], format!("Bearer {UPSTREAM_KEY}"), "the vault's comes first");
    assert!(!gateway.logs().contains("A_SIZE is not set"), "{}", gateway.logs());
    assert_eq!((vault.read("THE_KEY"), vault.read("HCP_VAULT_TOKEN")), (1, 0));

    // A model of the database may refer to another one, which is asked for then.
    vault.kept.lock().insert("LATER".to_owned(), json!({"key": "sk-later"}));
    let params =
        json!({"model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()), "api_key": "os.environ/LATER"});
    let made = gateway.ask("/model/new", &json!({"model_name": "later", "litellm_params": params})).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    gateway.ask(CHAT, &json!({"model": "later", "messages": [{"role": "user", "content": "hi"}]})).await.unwrap();
    assert_eq!(calls(&sim).pop().unwrap().headers["authorization"], "Bearer sk-later");
    assert_eq!(vault.read("THE_KEY"), 1, "what is known is not asked for again");
}

#[tokio::test]
async fn a_secret_is_read_anew_when_it_is_old() {
    let sim = simulator().await;
    let vault = Vault::start(&[("THE_KEY", "sk-old")]).await;
    let yaml = with_reference(&referring(&sim, "drop_params: true"), "THE_KEY");
    let gateway = Gateway::start_with(&yaml, &vault.options(&[("HCP_VAULT_REFRESH_INTERVAL", "1")])).await.unwrap();
    vault.kept.lock().insert("THE_KEY".to_owned(), json!({"key": UPSTREAM_KEY}));
    let shown = async || {
        gateway.ask(CHAT, &say()).await.unwrap();
        calls(&sim).pop().unwrap().headers["authorization"].clone()
    };
    let fresh = format!("Bearer {UPSTREAM_KEY}");
    eventually("the new secret is shown", async || (shown().await == fresh).then_some(())).await;
}

#[tokio::test]
async fn hosted_keys_and_one_secret_for_all() {
    let sim = simulator().await;
    let all = json!({"OPENAI_API_KEY": UPSTREAM_KEY, "OTHER": "of the vault"}).to_string();
    let vault = Vault::start(&[("all", &all)]).await;
    let config = Config::empty(&sim)
        .model("gpt", "openai/gpt-4o", &[])
        .general("key_management_system: os.environ/WHICH")
        .general("key_management_settings: {hosted_keys: [OPENAI_API_KEY], primary_secret_name: all}")
        .general("user_header_name: os.environ/OTHER");
    // No reference at all: the provider looks for its variable.
    let yaml = config.yaml().replace(&format!("      api_key: '{UPSTREAM_KEY}'\n"), "");
    let env = [("WHICH", "hashicorp_vault"), ("OTHER", "x-of-the-environment"), ("OPENAI_API_KEY", "sk-wrong")];
    let gateway = Gateway::start_with(&yaml, &vault.options(&env)).await.unwrap();
    assert!(works(&gateway, MASTER_KEY).await, "{}", gateway.logs());
    assert_eq!(calls(&sim).pop().unwrap().headers["authorization"], format!("Bearer {UPSTREAM_KEY}"));
    assert_eq!(vault.server.seen().len(), 1, "one secret, asked for once");
}

/// What the command says, and its code.
async fn check(yaml: &str, env: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, yaml).unwrap();
    Gateway::command(&["check", file.to_str().unwrap()], env).await.unwrap()
}

#[tokio::test]
async fn a_vault_that_cannot_be_asked_keeps_the_gateway_from_starting() {
    let sim = simulator().await;
    let vault = Vault::start(&[]).await;
    let config = referring(&sim, "drop_params: true");
    let yaml = with_reference(&config, "THE_KEY");
    let base = vault.server.base_url();
    for (env, why) in [
        (vec![("HCP_VAULT_ADDR", base.as_str()), ("HCP_VAULT_TOKEN", "wrong-token")], "status 403: permission denied"),
        (vec![("HCP_VAULT_ADDR", "http://127.0.0.1:9"), ("HCP_VAULT_TOKEN", TOKEN)], "cannot be reached"),
        (vec![("HCP_VAULT_ADDR", base.as_str())], "set HCP_VAULT_TOKEN"),
    ] {
        let (code, said) = check(&yaml, &env).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("general_settings.key_management_system") && said.contains(why), "{said}");
        assert!(!said.contains("wrong-token"), "{said}");
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let started = Gateway::start_with(&yaml, &Options { env, ..Options::default() }).await;
        let error = format!("{:#}", started.expect_err("it does not start"));
        assert!(error.contains(why), "{error}");
    }
    // Only written to: nothing is asked.
    let written = config.general("key_management_settings: {access_mode: write_only}");
    let (code, said) = check(&with_reference(&written, "PATH"), &[("HCP_VAULT_TOKEN", TOKEN)]).await;
    assert_eq!(code, Some(0), "{said}");
    for (line, why) in [
        ("key_management_system: infisical", "is no secret manager"),
        ("key_management_system: custom", "Python code"),
        ("key_management_settings: {access_mode: sometimes}", "expected read_only, write_only or read_and_write"),
        ("key_management_settings: {acess_mode: read_only}", "access_mode"),
    ] {
        let name = if line.starts_with("key_management_system") { "" } else { "key_management_system: aws_kms" };
        let yaml = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).general(line);
        let yaml = if name.is_empty() { yaml } else { yaml.general(name) };
        let (_, said) = check(&yaml.yaml(), &[]).await;
        assert!(said.contains(why), "{line}: {said}");
    }
    let read = Config::empty(&sim)
        .model("gpt", "openai/gpt-4o", &[])
        .general("key_management_system: azure_key_vault")
        .general("key_management_settings: {store_virtual_keys: true}");
    let (code, said) = check(&read.yaml(), &[("AZURE_KEY_VAULT_URI", "https://v.example")]).await;
    assert!(code == Some(1) && said.contains("azure_key_vault is only read here"), "{said}");
}

fn storing(sim: &Running, settings: &str) -> String {
    let settings = format!("key_management_settings: {{store_virtual_keys: true, {settings}}}");
    Config::empty(sim)
        .model("gpt", "openai/gpt-4o", &[])
        .general("key_management_system: hashicorp_vault")
        .general(&settings)
        .general("store_audit_logs: true")
        .litellm("store_audit_logs: true")
        .yaml()
}

#[tokio::test]
async fn virtual_keys_are_stored_renamed_rotated_and_deleted() {
    let sim = simulator().await;
    let vault = Vault::start(&[]).await;
    let yaml =
        storing(&sim, "access_mode: write_only, prefix_for_stored_virtual_keys: 'gate/keys/', description: ours");
    let gateway = Gateway::start_with(&yaml, &vault.options(&[])).await.unwrap();
    let first = key(&gateway, &json!({"key_alias": "billing"})).await;
    assert_eq!(vault.held("gate/keys/billing"), Some(first.clone()));
    assert_eq!(vault.kept.lock()["gate/keys/billing"]["description"], json!("ours"));

    let renamed = gateway.ask("/key/update", &json!({"key": first, "key_alias": "invoices"})).await.unwrap();
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    assert_eq!((vault.held("gate/keys/billing"), vault.held("gate/keys/invoices")), (None, Some(first.clone())));

    let rotated = gateway.ask("/key/regenerate", &json!({"key": first})).await.unwrap().json();
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert_eq!(vault.held("gate/keys/invoices"), Some(second.clone()));
    assert!(works(&gateway, &second).await && !works(&gateway, &first).await);

    let nameless = key(&gateway, &json!({})).await;
    let held = vault.names().into_iter().find(|name| name.starts_with("gate/keys/virtual-key-")).unwrap();
    assert_eq!(vault.held(&held), Some(nameless.clone()));
    let gone = gateway.ask("/key/delete", &json!({"keys": [second, nameless]})).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(vault.names(), Vec::<String>::new());

    gone::keys_go_with_those_they_belong_to(&gateway, &vault).await;
    places::teams_have_places_of_their_own(&gateway, &vault).await;

    // An alias leads nowhere else, and a vault that is shut does not unmake a key.
    let before = vault.server.seen().len();
    let climbing = key(&gateway, &json!({"key_alias": "../../sys/policy"})).await;
    assert_eq!(vault.server.seen().len(), before);
    *vault.shut.lock() = true;
    let unkept = key(&gateway, &json!({"key_alias": "unkept"})).await;
    assert!(works(&gateway, &climbing).await && works(&gateway, &unkept).await);
    let logs =
        eventually("the log", async || Some(gateway.logs()).filter(|logs| logs.contains("gate/keys/unkept"))).await;
    assert!(logs.contains("was not told of a change to a virtual key") && !logs.contains(&unkept), "{logs}");
}

#[tokio::test]
async fn keys_that_are_due_are_rotated_and_their_secrets_kept() {
    let sim = simulator().await;
    let vault = Vault::start(&[]).await;
    let rotating = [
        ("LITELLM_KEY_ROTATION_ENABLED", "true"),
        ("LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS", "1"),
        ("LITELLM_KEY_ROTATION_GRACE_PERIOD", "1h"),
    ];
    let gateway =
        Gateway::start_with(&storing(&sim, "access_mode: write_only"), &vault.options(&rotating)).await.unwrap();
    let due = json!({"key_alias": "due", "auto_rotate": true, "rotation_interval": "2s", "max_budget": 5});
    let first = key(&gateway, &due).await;
    let later = key(&gateway, &json!({"key_alias": "later", "auto_rotate": true, "rotation_interval": "90d"})).await;
    let never = key(&gateway, &json!({"key_alias": "never", "rotation_interval": "1s"})).await;
    let second =
        eventually("the key is rotated", async || vault.held("litellm/due").filter(|held| *held != first)).await;
    assert!(works(&gateway, &second).await, "the vault has the key that counts");
    assert!(works(&gateway, &first).await, "the old one works for a while");
    let list = gateway.get("/key/list?key_alias=due&return_full_object=true", MASTER_KEY).await.unwrap().json();
    let info = &list["keys"][0];
    assert!(info["rotation_count"].as_i64() >= Some(1) && !info["last_rotation_at"].is_null(), "{info}");
    assert_eq!((&info["max_budget"], &info["key_alias"]), (&json!(5.0), &json!("due")));
    assert_eq!((vault.held("litellm/later"), vault.held("litellm/never")), (Some(later), Some(never)));
    let told = gateway.get("/audit?action=rotated&changed_by=litellm_internal_jobs", MASTER_KEY).await.unwrap();
    assert_eq!(told.json()["audit_logs"][0]["table_name"], json!("LiteLLM_VerificationToken"), "{}", told.text());
    assert!(!told.text().contains(&second), "no secret in the trail");

    // A vault that does not take the new secret: the key keeps its old one.
    *vault.shut.lock() = true;
    let held = vault.held("litellm/due").unwrap();
    eventually("a rotation fails", async || gateway.logs().contains("could not be rotated").then_some(())).await;
    assert!(works(&gateway, &held).await && vault.held("litellm/due") == Some(held.clone()));
}

#[tokio::test]
async fn a_key_whose_secret_nobody_would_be_told_keeps_it() {
    let sim = simulator().await;
    let env = [("LITELLM_KEY_ROTATION_ENABLED", "true"), ("LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS", "1")];
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let yaml = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).yaml();
    let gateway = Gateway::start_with(&yaml, &Options { env, ..Options::default() }).await.unwrap();
    let first = key(&gateway, &json!({"auto_rotate": true, "rotation_interval": "1s"})).await;
    eventually("the log says so", async || gateway.logs().contains("nobody would be told").then_some(())).await;
    assert!(works(&gateway, &first).await);
}

#[tokio::test]
async fn where_secrets_come_from_is_not_for_the_database_to_say() {
    let sim = simulator().await;
    let gateway = Gateway::start(&Config::standard(&sim).yaml()).await.unwrap();
    let body = json!({"general_settings": {"key_management_system": "hashicorp_vault"}});
    let reply = gateway.ask("/config/update", &body).await.unwrap();
    assert_eq!(reply.status, 400, "{}", reply.text());
}
