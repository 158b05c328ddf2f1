//! Settings that decide who gets in: those of single sign-on have a row of their own, the others are the file's.

use llm_store::{ConfigRow, SsoConfigRow};

use crate::models::served;
use crate::support::{MASTER, USER, at, text};

const SETTINGS: &str = "/update/sso_settings";

#[tokio::test]
async fn single_sign_on_lives_in_the_database() {
    let (gateway, _) = served().await;
    let patch = async |body: &str| gateway.call(Some(MASTER), "PATCH", SETTINGS, body).await;
    let before = r#"{"environment_variables":{"GENERIC_X":"1"}}"#;
    assert_eq!(gateway.post(MASTER, "/config/update", before).await.0, 400, "who gets in is not said there");
    for (wrong, status) in [
        (r#"{"generic_client_id":5}"#, 422),
        ("[]", 422),
        (r#"{"generic_token_endpoint":"file:///etc/passwd"}"#, 400),
        (r#"{"generic_client_secret":"os.environ/LITELLM_MASTER_KEY"}"#, 400),
        (r#"{"saml_idp_metadata_url":"file:///etc/passwd"}"#, 400),
        (r#"{"role_mappings":{"group_claim":"groups","roles":{"emperor":["a"]}}}"#, 400),
        (r#"{"role_mappings":"all"}"#, 422),
    ] {
        assert_eq!(patch(wrong).await.0, status, "{wrong}");
    }
    let store = gateway.accounts.store().unwrap();
    let row = async || store.table::<SsoConfigRow>().get(["sso_config"]).await.unwrap();
    assert!(row().await.is_none(), "refused, so nothing is there");

    let body = r#"{"generic_client_id":"gateway","generic_client_secret":"a-long-client-secret","ui_access_mode":"admin_only",
        "generic_token_endpoint":"https://idp.example/token","role_mappings":{"provider":"generic","group_claim":"groups",
        "default_role":"internal_user","roles":{"proxy_admin":["ops"]}},"team_mappings":{"team_ids_jwt_field":"teams"}}"#;
    let (status, done) = patch(body).await;
    assert_eq!((status, text(&done, "settings.generic_client_secret")), (200, "****cret"), "{done}");
    let kept = row().await.unwrap().sso_settings.get().to_owned();
    assert!(!kept.contains("a-long-client-secret") && !kept.contains("idp.example"), "sealed: {kept}");
    let (_, shown) = gateway.get(MASTER, "/get/sso_settings").await;
    for (path, wanted) in [
        ("values.generic_client_id", "gateway"),
        ("values.generic_client_secret", "****cret"),
        ("values.generic_scope", "openid"),
        ("provenance.generic_client_id", "db"),
        ("provenance.generic_scope", "env"),
        ("provenance.google_client_id", "default"),
        ("values.role_mappings.group_claim", "groups"),
        ("field_schema.properties.ui_access_mode.type", "object"),
    ] {
        assert_eq!(text(&shown, path), wanted, "{path}: {shown}");
    }

    // What comes back masked stays; what is not given goes.
    let (status, _) = patch(r#"{"generic_client_id":"other","generic_client_secret":"****cret"}"#).await;
    assert_eq!(status, 200);
    let stored = gateway.accounts.stored().await.unwrap();
    assert_eq!(text(&stored.sso, "generic_client_secret"), "a-long-client-secret");
    assert_eq!(at(&stored.sso, "generic_token_endpoint"), &llm_types::Json::Null);
    let sections = llm_accounts::sso_sections(&stored.sso);
    assert_eq!(text(&sections[0].1, "GENERIC_CLIENT_ID"), "other");
    let trail = gateway.get(MASTER, "/audit?table_name=LiteLLM_SSOConfig").await.1.to_string();
    assert!(trail.contains("****cret") && !trail.contains("a-long-client-secret"), "{trail}");
    for (method, path) in [("PATCH", SETTINGS), ("GET", "/get/sso_settings")] {
        assert_eq!(gateway.call(Some(USER), method, path, "{}").await.0, 401);
    }
}

#[tokio::test]
async fn the_database_does_not_say_who_gets_in() {
    let (gateway, server) = served().await;
    for section in [
        r#""general_settings":{"public_routes":["/key/*"]}"#,
        r#""general_settings":{"custom_auth_url":"https://evil.example"}"#,
        r#""general_settings":{"completion_model":"m","allow_requests_on_db_unavailable":true}"#,
        r#""general_settings":{"auth_settings_in_db":true}"#,
        r#""general_settings":{"master_key":"sk-mine"}"#,
        r#""environment_variables":{"UI_PASSWORD":"mine"}"#,
        r#""environment_variables":{"OAUTH_TOKEN_INFO_ENDPOINT":"https://evil.example"}"#,
    ] {
        let (status, body) = gateway.post(MASTER, "/config/update", &format!("{{{section}}}")).await;
        assert_eq!(status, 400, "{section}: {body}");
        assert!(text(&body, "error.message").contains("cannot be set here"), "{body}");
    }
    let field = r#"{"field_name":"public_routes","field_value":["/key/*"]}"#;
    assert_eq!(gateway.post(MASTER, "/config/field/update", field).await.0, 400);
    let rows = gateway.accounts.store().unwrap().table::<ConfigRow>().find(llm_store::Filter::new()).await.unwrap();
    assert!(rows.is_empty() && server.reloads() == 0, "nothing was written, nothing taken over");
}
