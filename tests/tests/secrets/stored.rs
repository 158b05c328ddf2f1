//! A secret manager that the database names.

use super::*;

#[tokio::test]
async fn the_database_may_name_another_vault() {
    let sim = simulator().await;
    let vault = Vault::start(&[("THE_KEY", UPSTREAM_KEY)]).await;
    let yaml = Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).general("store_audit_logs: true");
    let yaml = with_reference(&yaml.litellm("store_audit_logs: true"), "THE_KEY");
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let path = "/config_overrides/hashicorp_vault";
    let shown = format!("Bearer {UPSTREAM_KEY}");
    let last = async |gateway: &Gateway| {
        gateway.ask(CHAT, &say()).await.unwrap();
        calls(&sim).pop().and_then(|call| Some(call.headers.get("authorization")?.to_str().ok()?.to_owned()))
    };
    let gateway = Gateway::start_with(&yaml, &options).await.unwrap();
    let none = gateway.ask(&format!("{path}/test_connection"), &json!({})).await.unwrap();
    assert_eq!(none.status, 400, "{}", none.text());
    for (body, why) in [
        (json!({"vault_token": TOKEN}), "Vault Address is required"),
        (json!({"vault_addr": vault.server.base_url()}), "At least one authentication method"),
        (json!({"vault_addr": vault.server.base_url(), "approle_role_id": "r"}), "At least one authentication method"),
        (json!({"vault_addr": vault.server.base_url(), "vault_token": "wrong"}), "permission denied"),
        (json!({"vault_addr": "http://127.0.0.1:9", "vault_token": TOKEN}), "cannot be reached"),
    ] {
        let refused = gateway.ask(path, &body).await.unwrap();
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
    let set = gateway.ask(path, &json!({"vault_addr": vault.server.base_url(), "vault_token": TOKEN})).await.unwrap();
    assert_eq!(set.json()["status"], json!("success"), "{}", set.text());
    assert_eq!(last(&gateway).await, Some(shown.clone()));
    let there = gateway.get(path, MASTER_KEY).await.unwrap();
    assert_eq!(there.json()["values"]["vault_addr"], json!(vault.server.base_url()));
    assert_eq!(there.json()["field_schema"]["properties"]["vault_token"]["type"], json!("string"));
    assert!(!there.text().contains(TOKEN) && there.json()["values"]["vault_mount_name"].is_null(), "{}", there.text());
    let tried = gateway.ask(&format!("{path}/test_connection"), &json!({})).await.unwrap();
    assert!(tried.status == 200 && tried.text().contains(&vault.server.base_url()), "{}", tried.text());
    // What a form sends back as it was shown stays, and so does what it leaves out.
    let again = json!({"vault_token": there.json()["values"]["vault_token"], "vault_cert_role": "unused"});
    assert_eq!(gateway.ask(path, &again).await.unwrap().status, 200);
    let key = key(&gateway, &json!({})).await;
    assert_eq!(gateway.post(path, &again, &key).await.unwrap().status, 401);
    drop(gateway);

    let gateway = Gateway::start_with(&yaml, &options).await.unwrap();
    assert_eq!(last(&gateway).await, Some(shown), "it counts after a new start");
    let audit = gateway.get("/audit?table_name=LiteLLM_ConfigOverrides", MASTER_KEY).await.unwrap();
    assert_eq!(audit.json()["total"], json!(2), "{}", audit.text());
    assert!(!audit.text().contains(TOKEN) && audit.text().contains("vault_token"), "{}", audit.text());
    for _ in 0..2 {
        let headers = [("authorization", format!("Bearer {MASTER_KEY}"))];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let gone = gateway.send(http::Method::DELETE, path, &headers, "".into()).await.unwrap();
        assert_eq!(gone.status, 200, "{}", gone.text());
    }
    assert!(!works(&gateway, MASTER_KEY).await, "what the vault said is not used any more");
    assert_eq!(gateway.get("/config_overrides/cyberark", MASTER_KEY).await.unwrap().status, 200);
}
