//! Settings of pages: what holds where, what is refused, logos, the banner, the cache.

use llm_accounts::{Accounts, AccountsSettings, PageRules, Seal, SealFormat};
use llm_store::{BudgetRow, CacheConfigRow, CredentialRow, Filter, McpUserCredentialRow, UiSettingsRow};
use llm_types::Json;

use crate::models::served;
use crate::support::{Gateway, MASTER, ORG, USER, VIEWER, at, gateway, ok, text};

const UPDATE: &str = "/update/ui_settings";

#[tokio::test]
async fn settings_of_pages() {
    let (gateway, _) = served().await;
    let patch = async |path: &str, body: &str| gateway.call(Some(MASTER), "PATCH", path, body).await;
    for (wrong, status) in [
        ("[]", 422),
        (r#"{"enable_chat_ui":"yes"}"#, 422),
        (r#"{"enabled_ui_pages_internal_users":[1]}"#, 422),
        (r#"{"moon":true}"#, 400),
        (r#"{"forward_llm_provider_auth_headers":true}"#, 400),
        (r#"{"team_admin_editable_team_fields":["models"]}"#, 400),
        (r#"{"enable_chat_ui":true,"apply_user_budget_to_team_keys":true}"#, 400),
    ] {
        assert_eq!(patch(UPDATE, wrong).await.0, status, "{wrong}");
    }
    let store = gateway.accounts.store().unwrap();
    assert!(store.table::<UiSettingsRow>().get(["ui_settings"]).await.unwrap().is_none(), "refused: nothing is there");
    let body = r#"{"disable_custom_api_keys":true,"enable_chat_ui":true,"apply_user_budget_to_team_keys":false}"#;
    let (status, done) = patch(UPDATE, body).await;
    assert_eq!((status, at(&done, "settings.disable_custom_api_keys")), (200, &Json::Bool(true)), "{done}");
    patch(UPDATE, r#"{"enabled_ui_pages_internal_users":["usage"]}"#).await;
    let shown = ok(&gateway, USER, "GET", "/get/ui_settings", "").await;
    assert_eq!((at(&shown, "values.enable_chat_ui"), text(&shown, "source.enable_chat_ui")), (&Json::Bool(true), "db"));
    assert_eq!(text(&shown, "values.enabled_ui_pages_internal_users.0"), "usage");
    assert_eq!(text(&shown, "source.require_auth_for_public_ai_hub"), "default");
    assert_eq!(text(&shown, "field_schema.properties.enable_chat_ui.type"), "boolean");
    // What holds here lies over the file; what is for the pages does not.
    let stored = gateway.accounts.stored().await.unwrap();
    let (section, content) = llm_accounts::ui_section(&stored.ui);
    assert_eq!((section, content.to_string().as_str()), ("general_settings", r#"{"disable_custom_api_keys":true}"#));
    let trail = ok(&gateway, MASTER, "GET", "/audit?table_name=LiteLLM_UISettings", "").await;
    assert_eq!(at(&trail, "total").as_i64(), Some(2));
    assert_eq!(gateway.call(Some(USER), "PATCH", UPDATE, "{}").await.0, 401);
    assert_eq!(gateway.call(Some(VIEWER), "PATCH", UPDATE, "{}").await.0, 401);
}

#[tokio::test]
async fn banner_and_logos() {
    let (gateway, _) = served().await;
    let patch = async |path: &str, body: &str| gateway.call(Some(MASTER), "PATCH", path, body).await;
    let banner = "/update/user_banner";
    for wrong in [r#"{"enabled":true}"#, r#"{"severity":"loud"}"#] {
        assert_eq!(patch(banner, wrong).await.0, 400, "{wrong}");
    }
    let (_, one) = patch(banner, r#"{"enabled":true,"message":"Maintenance at noon","severity":"warning"}"#).await;
    let (_, two) = patch(banner, r#"{"enabled":true,"message":"Maintenance at one"}"#).await;
    assert_ne!(text(&one, "banner.revision"), text(&two, "banner.revision"));
    let shown = ok(&gateway, USER, "GET", "/get/user_banner", "").await;
    assert_eq!((text(&shown, "message"), text(&shown, "severity")), ("Maintenance at one", "info"));

    let theme = "/update/ui_theme_settings";
    assert_eq!(patch(theme, r#"{"logo_url":"/etc/passwd"}"#).await.0, 400);
    assert_eq!(gateway.call(None, "GET", "/get_image", "").await.0, 404);
    let body = r#"{"logo_url":"https://cdn.example/logo.png","favicon_url":"https://cdn.example/f.ico"}"#;
    assert_eq!(patch(theme, body).await.0, 200);
    let (_, shown) = gateway.call(None, "GET", "/get/ui_theme_settings", "").await;
    assert_eq!(text(&shown, "values.logo_url"), "https://cdn.example/logo.png", "nobody needs a key: {shown}");
    for (path, to) in
        [("/get_image?theme=dark", "https://cdn.example/logo.png"), ("/get_favicon", "https://cdn.example/f.ico")]
    {
        let (head, _) = gateway.visit("GET", path, &[], "").await;
        assert_eq!((head.status().as_u16(), head.headers()["location"].to_str().unwrap()), (307, to), "{path}");
    }
    assert_eq!(
        text(&gateway.call(None, "GET", "/get_logo_url", "").await.1, "logo_url"),
        "https://cdn.example/logo.png"
    );
    patch(theme, "{}").await;
    assert_eq!(text(&gateway.call(None, "GET", "/get_logo_url", "").await.1, "logo_url"), "");
}

#[tokio::test]
async fn the_cache_of_the_database() {
    let (gateway, _) = served().await;
    let set = async |body: &str| gateway.post(MASTER, "/cache/settings", body).await;
    assert_eq!(set("{}").await.0, 422);
    assert_eq!(set(r#"{"cache_settings":[]}"#).await.0, 422);
    let body = r#"{"cache_settings":{"type":"redis","redis_type":"node","host":"cache","port":"6379","password":"secret-word","ttl":null}}"#;
    let (status, done) = set(body).await;
    assert_eq!((status, text(&done, "settings.password")), (200, "***REDACTED***"), "{done}");
    let store = gateway.accounts.store().unwrap();
    let row = store.table::<CacheConfigRow>().get(["cache_config"]).await.unwrap().unwrap();
    assert!(!row.cache_settings.get().contains("secret-word"), "sealed");
    let kept = async || {
        let stored = gateway.accounts.stored().await.unwrap();
        let (section, content) = llm_accounts::cache_section(&stored.cache).unwrap();
        assert_eq!(section, "litellm_settings");
        at(&content, "cache_params").clone()
    };
    // What comes back hidden, or not at all, stays, and goes to no other place.
    for body in [r#""password":"***REDACTED***""#, r#""ttl":5"#] {
        let body = format!(r#"{{"cache_settings":{{"type":"redis","host":"cache","port":6379,{body}}}}}"#);
        assert_eq!(set(&body).await.0, 200);
        assert_eq!(text(&kept().await, "password"), "secret-word", "{body}");
    }
    for place in [r#""host":"other","port":6379"#, r#""host":"cache""#, r#""url":"redis://other""#] {
        let hidden = format!(r#"{{"cache_settings":{{"type":"redis",{place},"password":"***REDACTED***"}}}}"#);
        let (status, refused) = set(&hidden).await;
        assert_eq!((status, text(&refused, "error.param")), (400, "password"), "{place}: {refused}");
        assert_eq!((text(&kept().await, "host"), text(&kept().await, "password")), ("cache", "secret-word"));
    }
    assert_eq!(set(r#"{"cache_settings":{"type":"redis","host":"other"}}"#).await.0, 200);
    let moved = kept().await;
    assert_eq!((text(&moved, "host"), at(&moved, "password")), ("other", &Json::Null), "it belongs to the old place");
    assert_eq!(at(&moved, "port"), &Json::Null, "what is not given goes");
    set(body).await;
    set(r#"{"cache_settings":{"type":"redis","host":"cache","port":6379,"password":null}}"#).await;
    assert_eq!(at(&kept().await, "password"), &Json::Null, "who says none has none");
    let trail = ok(&gateway, MASTER, "GET", "/audit?table_name=LiteLLM_CacheConfig", "").await;
    assert!(!trail.to_string().contains("secret-word"));
    assert_eq!(gateway.post(VIEWER, "/cache/settings", body).await.0, 401);
}

#[tokio::test]
async fn addresses_and_what_is_not_served() {
    let (gateway, _) = served().await;
    assert_eq!(gateway.post(MASTER, "/add/allowed_ip", r#"{"ip":"10.0.0.1"}"#).await.0, 400, "the file's to say");
    assert_eq!(gateway.post(MASTER, "/delete/allowed_ip", r#"{"ip":"10.0.0.1"}"#).await.0, 404);
    assert_eq!(gateway.post(MASTER, "/add/allowed_ip", "{}").await.0, 422);
    for name in ["mcp_semantic_filter", "mcp_tool_search", "websearch_interception"] {
        let shown = ok(&gateway, VIEWER, "GET", &format!("/get/{name}_settings"), "").await;
        assert!(at(&shown, "field_schema.properties").as_object().is_some(), "{name}");
        let path = format!("/update/{name}_settings");
        assert_eq!(gateway.call(Some(MASTER), "PATCH", &path, r#"{"enabled":true,"top_k":3}"#).await.0, 400, "{name}");
        assert_eq!(gateway.call(Some(MASTER), "PATCH", &path, r#"{"enabled":false}"#).await.0, 200, "{name}");
    }
    let alerts = ok(&gateway, MASTER, "GET", "/alerting/settings", "").await;
    assert_eq!(text(&alerts, "0.field_name"), "slack_alerting");
}

/// Strangers ask for logos: the store is not read for each of them, also while theme and picture do not belong together.
#[tokio::test]
async fn logos_are_read_once() {
    let (gateway, _) = served().await;
    let shown = async |tag: &str| {
        let logo = gateway.accounts.logo(&format!("/get_image?v={tag}")).await.unwrap();
        logo.map(|logo| logo.tag.clone())
    };
    assert_eq!(shown("one").await, None);
    let settings = r#"{"tag":"one","type":"image/png","size":8,"data":"iVBORw0KGgo="}"#;
    let row =
        UiSettingsRow { id: "ui_logo".into(), ui_settings: Json::from(settings).to_raw(), ..UiSettingsRow::default() };
    let store = gateway.accounts.store().unwrap();
    store.table::<UiSettingsRow>().insert(&row).await.unwrap();
    assert_eq!(shown("one").await, None, "that it is not there is known");
    assert_eq!(shown("two").await.as_deref(), Some("one"));
    store.table::<UiSettingsRow>().delete_where(&Filter::new().is("id", "ui_logo".to_owned())).await.unwrap();
    assert_eq!(shown("two").await.as_deref(), Some("one"), "and so is another one");
}

fn rule(gateway: &Gateway, page_rules: PageRules) {
    let settings = AccountsSettings { page_rules, ..(*gateway.accounts.settings()).clone() };
    gateway.accounts.set_settings(settings);
}

#[tokio::test]
async fn rules_for_those_below_administrators() {
    let gateway = gateway().await;
    let members = r#"[{"role":"admin","user_id":"internal_user"},{"role":"user","user_id":"internal_user_viewer"}]"#;
    let team = format!(r#"{{"team_id":"t","members_with_roles":{members}}}"#);
    ok(&gateway, MASTER, "POST", "/team/new", &team).await;
    let key =
        ok(&gateway, MASTER, "POST", "/key/generate", r#"{"team_id":"t","user_id":"internal_user_viewer"}"#).await;
    let key = text(&key, "key").to_owned();
    let alias = r#"{"team_id":"t","team_alias":"ours"}"#;
    let budget = format!(r#"{{"key":"{key}","max_budget":1}}"#);
    let project = r#"{"team_id":"t","project_id":"p"}"#;
    let out = r#"{"team_id":"t","user_id":"internal_user_viewer"}"#;
    let calls = [
        (USER, "/team/update", alias),
        (USER, "/key/update", budget.as_str()),
        (USER, "/project/new", project),
        (ORG, "/key/generate", "{}"),
        (USER, "/team/member_delete", out),
    ];
    rule(
        &gateway,
        PageRules {
            managers_may_change: Some(Vec::new()),
            managers_keep_members: true,
            org_admins_make_no_keys: true,
            ..PageRules::default()
        },
    );
    for (caller, path, body) in calls {
        assert_eq!(gateway.post(caller, path, body).await.0, 403, "{path}");
    }
    rule(&gateway, PageRules::default());
    for (caller, path, body) in calls {
        let (status, answer) = gateway.post(caller, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
    }
}

#[tokio::test]
async fn budgets_that_keys_lend() {
    let gateway = gateway().await;
    let row = BudgetRow { budget_id: "b".into(), max_budget: Some(1.0), ..BudgetRow::default() };
    gateway.accounts.store().unwrap().table().insert(&row).await.unwrap();
    for (caller, body, status) in [
        (MASTER, r#"{"end_user_budget_id":"b"}"#, 200),
        (MASTER, r#"{"end_user_budget_id":"nothing"}"#, 400),
        (MASTER, r#"{"metadata":{"end_user_budget_id":"nothing"}}"#, 400),
        (USER, r#"{"end_user_budget_id":"b"}"#, 403),
    ] {
        let (got, answer) = gateway.post(caller, "/key/generate", body).await;
        assert_eq!(got, status, "{body}: {answer}");
    }
}

#[tokio::test]
async fn secrets_are_sealed_anew() {
    let gateway = gateway().await;
    let store = gateway.accounts.store().unwrap();
    let old = Seal::new(MASTER, SealFormat::SecretBox);
    let (ours, theirs) = (old.seal("sk-ours").unwrap(), Seal::new("sk-other", SealFormat::Gcm).seal("x").unwrap());
    let values = format!(r#"{{"api_key":"{ours}","other":"{theirs}","plain":"text","rpm":5}}"#);
    let row = CredentialRow {
        credential_id: "c".into(),
        credential_name: "c".into(),
        credential_values: llm_types::RawJson::parse(values).unwrap(),
        ..CredentialRow::default()
    };
    store.table().insert(&row).await.unwrap();
    let held = McpUserCredentialRow { credential_b64: ours.clone(), ..McpUserCredentialRow::default() };
    store.table().insert(&held).await.unwrap();
    let logging = format!(
        r#"{{"team_id":"t","metadata":{{"logging":[{{"callback_name":"langfuse","callback_type":"success","callback_vars":{{"langfuse_secret_key":"{}"}}}}]}}}}"#,
        old.seal("lf").unwrap()
    );
    ok(&gateway, MASTER, "POST", "/team/new", &logging).await;
    let check = async || ok(&gateway, MASTER, "GET", "/credentials/migrate-encryption/check", "").await;
    let before = check().await;
    assert_eq!(at(&before, "report.residual_legacy").as_i64(), Some(3), "{before}");
    assert_eq!(at(&before, "report.total_undecryptable").as_i64(), Some(1));
    let path = "/credentials/migrate-encryption";
    assert_eq!(gateway.post(MASTER, path, "").await.0, 400, "the older format is still written");
    assert_eq!(gateway.post(USER, path, "").await.0, 401);
    // The format is read at the start.
    let settings = AccountsSettings { encryption_algorithm: SealFormat::Gcm, ..(*gateway.accounts.settings()).clone() };
    let newer = Accounts::new(settings, Some(store.clone()), tokio::runtime::Handle::current()).unwrap();
    newer.migrate_encryption(true).await.unwrap();
    assert_eq!(at(&check().await, "report.residual_legacy").as_i64(), Some(3), "nothing was written");
    let done = newer.migrate_encryption(false).await.unwrap();
    assert_eq!(at(&done, "report.locations.credentials_table.migrated").as_i64(), Some(1), "{done}");
    assert_eq!(at(&done, "report.locations.team.migrated").as_i64(), Some(1), "{done}");
    assert_eq!(at(&done, "report.locations.mcp_user_credentials.migrated").as_i64(), Some(1), "{done}");
    assert_eq!(at(&check().await, "report.residual_legacy").as_i64(), Some(0));
    let row = store.table::<CredentialRow>().get(["c"]).await.unwrap().unwrap();
    let kept: Json = row.credential_values.read().unwrap();
    assert!(text(&kept, "api_key").starts_with("v2:gcm:"));
    assert_eq!(old.open(text(&kept, "api_key")).as_deref(), Some("sk-ours"));
    assert_eq!((text(&kept, "other"), text(&kept, "plain")), (theirs.as_str(), "text"), "what is not ours stays");
}
