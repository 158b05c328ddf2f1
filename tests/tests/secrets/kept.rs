//! What is in use goes on being used: a row, a broken file or another address do not change where secrets come from or go.

use super::*;
use llm_tests::{MailRules, Mailbox};

#[tokio::test]
async fn a_row_does_not_keep_the_gateway_from_starting() {
    let sim = simulator().await;
    let vault = Vault::start(&[("THE_KEY", UPSTREAM_KEY)]).await;
    let yaml = with_reference(&referring(&sim, "drop_params: true"), "THE_KEY");
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { state_dir: Some(folder.path().to_owned()), ..vault.options(&[]) };
    let gateway = Gateway::start_with(&yaml, &options()).await.unwrap();
    for (name, secret) in [("refused", "FORBIDDEN"), ("climbing", "../../sys/policy")] {
        let params = json!({"model": "openai/gpt-4o", "api_key": format!("os.environ/{secret}"),
            "api_base": format!("{}/v1", sim.base_url())});
        let made = gateway.ask("/model/new", &json!({"model_name": name, "litellm_params": params})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
    }
    drop(gateway);
    let gateway = Gateway::start_with(&yaml, &options()).await.unwrap();
    assert!(works(&gateway, MASTER_KEY).await, "{}", gateway.logs());
    let logs = gateway.logs();
    assert!(logs.contains("it is left out") && logs.contains("FORBIDDEN"), "{logs}");
    assert!(vault.server.seen().iter().all(|asked| !asked.path.contains("policy")), "no name of a secret");
    // The same name in the file has to be read.
    let (code, said) = {
        let base = vault.server.base_url();
        let env = [("HCP_VAULT_ADDR", base.as_str()), ("HCP_VAULT_TOKEN", TOKEN)];
        check(&with_reference(&referring(&sim, "drop_params: true"), "FORBIDDEN"), &env).await
    };
    assert!(code == Some(1) && said.contains("FORBIDDEN cannot be read"), "{said}");
}

#[tokio::test]
async fn a_configuration_that_is_refused_leaves_the_vault_in_place() {
    let sim = simulator().await;
    let vault = Vault::start(&[]).await;
    let yaml = storing(&sim, "access_mode: write_only");
    let gateway = Gateway::start_with(&yaml, &vault.options(&[])).await.unwrap();
    let elsewhere =
        yaml.replace("access_mode: write_only", "access_mode: write_only, prefix_for_stored_virtual_keys: x/");
    let broken = ["general_settings: [".to_owned(), format!("{elsewhere}\nrouter_settings: {{num_retries: many}}\n")];
    for (at, broken) in broken.iter().enumerate() {
        gateway.rewrite(broken).unwrap();
        let told = async || (gateway.logs().matches("CONFIGURATION IS NOT SERVED").count() > at).then_some(());
        eventually("the file is refused", told).await;
        let alias = format!("after-{at}");
        let made = key(&gateway, &json!({"key_alias": alias})).await;
        assert_eq!(vault.held(&format!("litellm/{alias}")), Some(made), "{:?} {}", vault.names(), gateway.logs());
    }
}

#[tokio::test]
async fn secrets_of_one_vault_are_not_shown_to_another() {
    let sim = simulator().await;
    let (vault, other) = (Vault::start(&[]).await, Vault::start(&[]).await);
    let yaml = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).yaml();
    // The environment leads to one vault; its token is not for the address of a call.
    let gateway = Gateway::start_with(&yaml, &vault.options(&[])).await.unwrap();
    let path = "/config_overrides/hashicorp_vault";
    let moved = json!({"vault_addr": other.server.base_url()});
    let refused = gateway.ask(path, &moved).await.unwrap();
    assert!(refused.status == 400 && refused.text().contains("At least one"), "{}", refused.text());
    let set = json!({"vault_addr": vault.server.base_url(), "vault_token": TOKEN});
    assert_eq!(gateway.ask(path, &set).await.unwrap().status, 200);
    let shown = gateway.get(path, MASTER_KEY).await.unwrap().json()["values"]["vault_token"].clone();
    for body in [moved.clone(), json!({"vault_addr": other.server.base_url(), "vault_token": shown})] {
        let refused = gateway.ask(path, &body).await.unwrap();
        assert!(refused.status == 400 && refused.text().contains("Give vault_token anew"), "{}", refused.text());
    }
    assert!(other.server.seen().is_empty(), "nothing was asked there");
    let both = json!({"vault_addr": other.server.base_url(), "vault_token": TOKEN});
    assert_eq!(gateway.ask(path, &both).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_letter_that_tells_no_key_or_tells_it_too_late_does_not_rotate_one() {
    let mailbox = Mailbox::start(MailRules::default()).await.unwrap();
    let sim = simulator().await;
    let yaml = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).general("alerting: [email]").yaml();
    let rotated = async |more: &[(&str, &str)]| {
        let mut env = mailbox.env();
        let on = [("LITELLM_KEY_ROTATION_ENABLED", "true"), ("LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS", "1")];
        env.extend(on.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let gateway = Gateway::start_with(&yaml, &Options { env, ..Options::default() }).await.unwrap();
        let user = json!({"user_id": "u", "user_email": "u@x.org", "auto_create_key": false});
        assert_eq!(gateway.ask("/user/new", &user).await.unwrap().status, 200);
        let alias = json!({"user_id": "u", "key_alias": "due", "auto_rotate": true, "rotation_interval": "1s"});
        key(&gateway, &alias).await;
        let done = async || {
            let list = gateway.get("/key/list?key_alias=due&return_full_object=true", MASTER_KEY).await.unwrap().json();
            let count = list["keys"][0]["rotation_count"].as_i64().unwrap_or_default();
            let kept = gateway.logs().contains("nobody would be told");
            (count > 0 || kept).then_some(count > 0)
        };
        eventually("it is decided", done).await
    };
    let grace = ("LITELLM_KEY_ROTATION_GRACE_PERIOD", "1h");
    assert!(!rotated(&[]).await, "without a grace period");
    assert!(!rotated(&[grace, ("EMAIL_INCLUDE_API_KEY", "false")]).await, "a letter without the key");
    assert!(rotated(&[grace]).await);
    let letter = eventually("the letter", async || mailbox.letters().pop()).await;
    assert_eq!(letter.to, "u@x.org");
}
