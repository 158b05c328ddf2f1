//! Models, credentials and settings in the database, before a server that notes what it is told.

use std::sync::{Arc, Mutex};

use llm_accounts::{Changed, Seal, SealFormat, ServedPrompt, Serves, Serving, Stored};
use llm_store::{AuditLogRow, ConfigRow, CredentialRow, Filter, ProxyModelRow, TeamRow};
use llm_types::Json;
use llm_types::record::OwnCallback;

use crate::support::{Gateway, MASTER, USER, at, gateway, text};

/// Serves everything whose model does not say `broken`.
#[derive(Debug, Default)]
pub(crate) struct Server {
    reloads: Mutex<usize>,
}

impl Server {
    pub(crate) fn reloads(&self) -> usize {
        *self.reloads.lock().unwrap()
    }
}

impl Serving for Server {
    fn check(&self, stored: &Stored, changed: Changed<'_>) -> Result<(), Vec<String>> {
        let broken = |params: &Json| params.text("model") == Some("broken");
        let concerned = |id: &str| matches!(changed, Changed::Model(changed) if changed == id);
        let mut models = stored.models.iter().filter(|model| concerned(&model.id));
        if models.any(|model| broken(&model.params)) {
            return Err(vec!["no provider is known".to_owned()]);
        }
        let wrong =
            |(_, content): &(String, Json)| content.get("max_request_size_mb").is_some_and(|v| v.as_f64() < Some(0.0));
        if stored.sections.iter().any(wrong) { Err(vec!["expected a size".to_owned()]) } else { Ok(()) }
    }
    fn reload(&self) -> Serves<'_, Result<Vec<String>, Vec<String>>> {
        *self.reloads.lock().unwrap() += 1;
        Box::pin(async { Ok(Vec::new()) })
    }
    fn reload_prices(&self) -> Serves<'_, Result<usize, String>> {
        Box::pin(async { Ok(7) })
    }
    fn prices(&self) -> Json {
        Json::Null
    }
    fn serves(&self, id: &str) -> bool {
        id == "of-the-file"
    }
    fn params_of(&self, _: &str) -> Option<Json> {
        None
    }
    fn in_force(&self, name: &str) -> Json {
        self.section(name)
    }
    fn check_callback(&self, callback: &OwnCallback) -> Result<(), String> {
        if &*callback.name == "langfuse" { Ok(()) } else { Err(format!("`{}` is not served", callback.name)) }
    }
    fn try_callback(&self, callback: OwnCallback) -> Serves<'_, Result<(), String>> {
        let outcome = self.check_callback(&callback);
        Box::pin(async { outcome })
    }
    fn send(&self, _: http::Request<axum::body::Bytes>) -> Serves<'_, Result<(u16, axum::body::Bytes), String>> {
        Box::pin(async { Err("nobody is there".to_owned()) })
    }
    fn put(&self, _: String, _: axum::body::Bytes) -> Serves<'_, Result<(), String>> {
        Box::pin(async { Err("nobody is there".to_owned()) })
    }
    fn vault(&self) -> Option<std::sync::Arc<dyn llm_accounts::Vault>> {
        None
    }
    fn open_vault(&self, _: &llm_accounts::StoredVault) -> Result<std::sync::Arc<dyn llm_accounts::Vault>, String> {
        Err("nobody is there".to_owned())
    }
    fn key_copies(&self) -> Option<llm_accounts::KeyCopies> {
        None
    }
    fn prompts(&self) -> Vec<ServedPrompt> {
        Vec::new()
    }
    fn policies(&self) -> Arc<llm_accounts::Policies> {
        Arc::default()
    }
    fn serves_group(&self, name: &str) -> bool {
        name.starts_with("gpt")
    }
    fn group_fails(&self, _: &str) -> bool {
        false
    }
    fn environment(&self) -> Box<dyn Fn(&str) -> Option<String> + '_> {
        Box::new(|name| (name == "GENERIC_SCOPE").then(|| "openid".to_owned()))
    }
    fn section(&self, _: &str) -> Json {
        Json::object([("completion_model", "gpt-4o")])
    }
}

pub(crate) async fn served() -> (Gateway, Arc<Server>) {
    let gateway = gateway().await;
    let server = Arc::new(Server::default());
    gateway.accounts.set_serving(Arc::clone(&server) as Arc<dyn Serving>);
    (gateway, server)
}

async fn row(gateway: &Gateway, id: &str) -> Option<ProxyModelRow> {
    gateway.accounts.store().unwrap().table::<ProxyModelRow>().get([id]).await.unwrap()
}

#[tokio::test]
async fn a_model_lives() {
    let (gateway, server) = served().await;
    let new = r#"{"model_name":"m","litellm_params":{"model":"openai/gpt-4o","api_key":"sk-up","rpm":5},"model_info":{"id":"one"}}"#;
    let (status, made) = gateway.post(MASTER, "/model/new", new).await;
    assert_eq!((status, text(&made, "model_id")), (200, "one"), "{made}");
    assert!(!made.to_string().contains("sk-up"), "{made}");
    let stored = row(&gateway, "one").await.unwrap();
    assert!(!stored.litellm_params.get().contains("sk-up"), "sealed");
    let seal = Seal::new(MASTER, SealFormat::SecretBox);
    let opened = seal.open_fields(&stored.litellm_params.read().unwrap());
    assert_eq!((text(&opened, "api_key"), at(&opened, "rpm").as_i64()), ("sk-up", Some(5)));

    let change = r#"{"model_info":{"id":"one"},"litellm_params":{"rpm":7}}"#;
    assert_eq!(gateway.post(MASTER, "/model/update", change).await.0, 200);
    let patch = r#"{"model_name":"n","litellm_params":{"rpm":null,"tpm":9}}"#;
    assert_eq!(gateway.call(Some(MASTER), "PATCH", "/model/one/update", patch).await.0, 200);
    let opened = seal.open_fields(&row(&gateway, "one").await.unwrap().litellm_params.read().unwrap());
    assert_eq!((text(&opened, "api_key"), opened.get("rpm"), at(&opened, "tpm").as_i64()), ("sk-up", None, Some(9)));
    let (_, blocked) = gateway.post(MASTER, "/model/block", r#"{"model_id":"one"}"#).await;
    assert_eq!(at(&blocked, "blocked"), &Json::Bool(true));
    let (status, _) = gateway.post(MASTER, "/model/delete", r#"{"id":"one"}"#).await;
    assert_eq!((status, row(&gateway, "one").await.is_none()), (200, true));
    assert_eq!(*server.reloads.lock().unwrap(), 5);
    let trail = Filter::new().is("table_name", "LiteLLM_ProxyModelTable");
    assert_eq!(gateway.accounts.store().unwrap().table::<AuditLogRow>().count(&trail).await.unwrap(), 5);
}

#[tokio::test]
async fn what_could_not_be_served_is_not_written() {
    let (gateway, server) = served().await;
    for (body, status) in [
        (r#"{"model_name":"m"}"#, 422),
        (r#"{"model_name":"m","litellm_params":[]}"#, 422),
        (r#"{"model_name":"","litellm_params":{"model":"openai/x"}}"#, 400),
        (r#"{"model_name":"m","litellm_params":{"model":"broken"}}"#, 400),
        (r#"{"model_name":"m","litellm_params":{"model":"openai/x"},"model_info":{"id":"of-the-file"}}"#, 400),
        (r#"{"model_name":"m","litellm_params":{"model":"openai/x"},"model_info":{"team_id":"nobody"}}"#, 400),
    ] {
        assert_eq!(gateway.post(MASTER, "/model/new", body).await.0, status, "{body}");
    }
    for path in ["/model/delete", "/model/update", "/model/block"] {
        for id in ["of-the-file", "none"] {
            let body = format!(r#"{{"id":"{id}","model_id":"{id}","model_info":{{"id":"{id}"}}}}"#);
            assert_eq!(gateway.post(MASTER, path, &body).await.0, 400, "{path} {id}");
        }
    }
    assert_eq!(gateway.accounts.store().unwrap().table::<ProxyModelRow>().count(&Filter::new()).await.unwrap(), 0);
    assert_eq!(*server.reloads.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_team_has_its_own_models() {
    let (gateway, _) = served().await;
    let team =
        r#"{"team_id":"t","models":["gpt-4o"],"members_with_roles":[{"role":"admin","user_id":"internal_user"}]}"#;
    gateway.post(MASTER, "/team/new", team).await;
    let new =
        |params: &str| format!(r#"{{"model_name":"ours","litellm_params":{params},"model_info":{{"team_id":"t"}}}}"#);
    for (params, status) in [
        (r#"{"model":"openai/x","api_key":"os.environ/OPENAI_API_KEY"}"#, 403),
        (r#"{"model":"openai/x","api_key":"sk-t","stop":["os.environ/LITELLM_MASTER_KEY"]}"#, 403),
        (r#"{"model":"openai/x","api_key":"sk-t","metadata":{"a":{"b":"os.environ/LITELLM_MASTER_KEY"}}}"#, 403),
        (r#"{"model":"openai/x","api_base":"https://elsewhere.example"}"#, 400),
        (r#"{"model":"openai/x","api_key":"sk-t","litellm_credential_name":"shared"}"#, 403),
        (r#"{"model":"openai/x","api_key":"sk-t","vertex_credentials":"/etc/passwd"}"#, 403),
        (r#"{"model":"openai/x","api_key":"sk-t"}"#, 200),
    ] {
        assert_eq!(gateway.post(USER, "/model/new", &new(params)).await.0, status, "{params}");
    }
    let plain = r#"{"model_name":"m","litellm_params":{"model":"openai/x","api_key":"sk-t"}}"#;
    assert_eq!(gateway.post(USER, "/model/new", plain).await.0, 403, "without a team");
    let store = gateway.accounts.store().unwrap();
    let models = store.table::<ProxyModelRow>().find(Filter::new()).await.unwrap();
    assert_eq!(models.len(), 1);
    let name = &models[0].model_name;
    assert!(name.starts_with("model_name_t_"), "{name}");
    let info: Json = models[0].model_info.as_ref().unwrap().read().unwrap();
    assert_eq!(text(&info, "team_public_model_name"), "ours");
    let team = || async { store.table::<TeamRow>().get(["t"]).await.unwrap().unwrap().models };
    assert_eq!(team().await, ["gpt-4o", "ours"]);
    let id = &models[0].model_id;
    let moved =
        format!(r#"{{"model_info":{{"id":"{id}"}},"litellm_params":{{"api_base":"https://elsewhere.example"}}}}"#);
    assert_eq!(gateway.post(USER, "/model/update", &moved).await.0, 400, "the key does not go elsewhere");
    for hidden in [
        format!(r#"{{"model_info":{{"id":"{id}","base_model":"os.environ/SALT"}}}}"#),
        format!(r#"{{"model_info":{{"id":"{id}"}},"model_name":"os.environ/SALT"}}"#),
    ] {
        assert_eq!(gateway.post(USER, "/model/update", &hidden).await.0, 403, "{hidden}");
    }
    let of_admin = format!(r#"{{"model_info":{{"id":"{id}"}},"litellm_params":{{"stop":["os.environ/WORD"]}}}}"#);
    assert_eq!(gateway.post(MASTER, "/model/update", &of_admin).await.0, 200);
    let moved = format!(
        r#"{{"model_info":{{"id":"{id}"}},"litellm_params":{{"api_base":"https://elsewhere.example","api_key":"sk-t"}}}}"#
    );
    assert_eq!(gateway.post(USER, "/model/update", &moved).await.0, 403, "nor does what the operator keeps");
    let (status, _) = gateway.post(USER, "/model/delete", &format!(r#"{{"id":"{id}"}}"#)).await;
    assert_eq!((status, team().await), (200, vec!["gpt-4o".to_owned()]));
}

#[tokio::test]
async fn credentials_live() {
    let (gateway, server) = served().await;
    let new = r#"{"credential_name":"c","credential_values":{"api_key":"sk-0123456789abcdef","api_base":"https://h"},"credential_info":{"custom_llm_provider":"openai"}}"#;
    let (status, made) = gateway.post(MASTER, "/credentials", new).await;
    assert_eq!((status, at(&made, "success")), (200, &Json::Bool(true)), "{made}");
    assert_eq!(gateway.post(MASTER, "/credentials", new).await.0, 400, "the name is taken");
    let (_, list) = gateway.get(MASTER, "/credentials").await;
    assert_eq!(text(&list, "credentials.0.credential_values.api_key"), "****cdef");
    assert_eq!(text(&list, "credentials.0.credential_values.api_base"), "https://h");
    let (_, one) = gateway.get(MASTER, "/credentials/by_name/c").await;
    assert_eq!(text(&one, "credential_info.custom_llm_provider"), "openai");
    let patch = r#"{"credential_values":{"api_base":null,"api_version":"v2"}}"#;
    assert_eq!(gateway.call(Some(MASTER), "PATCH", "/credentials/c", patch).await.0, 200);
    let store = gateway.accounts.store().unwrap();
    let row = store.table::<CredentialRow>().find(Filter::new()).await.unwrap().remove(0);
    let opened = Seal::new(MASTER, SealFormat::SecretBox).open_fields(&row.credential_values.read().unwrap());
    assert_eq!(opened.to_string(), r#"{"api_key":"sk-0123456789abcdef","api_version":"v2"}"#);

    let model = r#"{"model_name":"m","litellm_params":{"model":"openai/x","api_key":"sk-of-the-model-0123"},"model_info":{"id":"one"}}"#;
    gateway.post(MASTER, "/model/new", model).await;
    let (_, of_model) = gateway.get(MASTER, "/credentials/by_model/one").await;
    assert_eq!(text(&of_model, "credential_values.api_key"), "****0123", "{of_model}");
    assert!(of_model.get("credential_values").unwrap().get("model").is_none());
    assert_eq!(gateway.post(MASTER, "/credentials", r#"{"credential_name":"d","model_id":"one"}"#).await.0, 200);
    assert_eq!(gateway.post(MASTER, "/credentials", r#"{"credential_name":"e"}"#).await.0, 400);
    assert_eq!(gateway.post(USER, "/credentials", new).await.0, 401);
    assert_eq!(gateway.call(Some(MASTER), "DELETE", "/credentials/c", "").await.0, 200);
    assert_eq!(gateway.get(MASTER, "/credentials/by_name/c").await.0, 404);
    assert_eq!(*server.reloads.lock().unwrap(), 5);
}

#[tokio::test]
async fn settings_live_in_the_database() {
    let (gateway, server) = served().await;
    let update = r#"{"general_settings":{"max_request_size_mb":5},"litellm_settings":{"success_callback":["a"],"cache_params":{"ttl":1}},"environment_variables":{"X_KEY":"sk-env"}}"#;
    let (status, _) = gateway.post(MASTER, "/config/update", update).await;
    assert_eq!(status, 200);
    let more = r#"{"litellm_settings":{"success_callback":["b"],"cache_params":{"type":"local"}}}"#;
    gateway.post(MASTER, "/config/update", more).await;
    let store = gateway.accounts.store().unwrap();
    let section = |name: &'static str| async move {
        store.table::<ConfigRow>().get([name]).await.unwrap().unwrap().param_value.unwrap().get().to_owned()
    };
    assert_eq!(
        section("litellm_settings").await,
        r#"{"success_callback":["a","b"],"cache_params":{"ttl":1,"type":"local"}}"#
    );
    assert!(!section("environment_variables").await.contains("sk-env"));
    let stored = gateway.accounts.stored().await.unwrap();
    let of = |name: &str| stored.sections.iter().find(|(n, _)| n == name).unwrap().1.to_string();
    assert_eq!(of("environment_variables"), r#"{"X_KEY":"sk-env"}"#);

    for (path, body) in [
        ("/config/update", r#"{"general_settings":{"master_key":"sk-mine"}}"#),
        ("/config/update", r#"{"environment_variables":{"DATABASE_URL":"x"}}"#),
        ("/config/update", r#"{"general_settings":{"max_request_size_mb":-1}}"#),
        ("/config/field/update", r#"{"field_name":"nonsense","field_value":1}"#),
        ("/config/field/delete", r#"{"field_name":"completion_model"}"#),
    ] {
        assert_eq!(gateway.post(MASTER, path, body).await.0, 400, "{path} {body}");
    }
    assert_eq!(gateway.post(USER, "/config/update", update).await.0, 401);
    assert_eq!(*server.reloads.lock().unwrap(), 2);
    let field = r#"{"field_name":"completion_model","field_value":"m","config_type":"general_settings"}"#;
    assert_eq!(gateway.post(MASTER, "/config/field/update", field).await.0, 200);
    let (_, info) = gateway.get(MASTER, "/config/field/info?field_name=completion_model").await;
    assert_eq!(text(&info, "field_value"), "m");
    let listed = |list: &Json| {
        let mut all = list.as_array().unwrap().iter();
        all.find(|f| text(f, "field_name") == "completion_model").unwrap().clone()
    };
    let (_, list) = gateway.get(MASTER, "/config/list?config_type=general_settings").await;
    assert_eq!((text(&listed(&list), "field_value"), at(&listed(&list), "stored_in_db")), ("m", &Json::Bool(true)));
    let redis = r#"{"general_settings":{"coordination_redis":{"url":"redis://u:first-word@h:1?password=other-word"}}}"#;
    assert_eq!(gateway.post(MASTER, "/config/update", redis).await.0, 200);
    let router = r#"{"router_settings":{"redis_url":"redis://u:third-word@h:1"}}"#;
    assert_eq!(gateway.post(MASTER, "/config/update", router).await.0, 200);
    let (_, changed) = gateway.post(MASTER, "/config/field/update", field).await;
    assert_eq!(text(&changed, "param_value.coordination_redis.url"), "***REDACTED***");
    let (_, trail) = gateway.get(MASTER, "/audit?table_name=LiteLLM_Config").await;
    assert!(trail.to_string().contains("redis://****@h:1"), "{trail}");
    for path in ["/config/field/info?field_name=coordination_redis", "/config/list?config_type=general_settings"] {
        assert!(!gateway.get(MASTER, path).await.1.to_string().contains("-word"), "{path}");
    }
    assert!(!trail.to_string().contains("-word"), "{trail}");
    gateway.post(MASTER, "/config/field/delete", field).await;
    let (_, list) = gateway.get(MASTER, "/config/list").await;
    assert_eq!(
        (text(&listed(&list), "field_value"), at(&listed(&list), "stored_in_db")),
        ("gpt-4o", &Json::Bool(false))
    );
}

#[tokio::test]
async fn defaults_of_newcomers_count_at_once() {
    let (gateway, _) = served().await;
    let patch = async |path: &str, body: &str| gateway.call(Some(MASTER), "PATCH", path, body).await;
    let users = "/update/internal_user_settings";
    for (path, wrong, status) in [
        (users, r#"{"user_role":"root"}"#, 400),
        (users, r#"{"max_budget":-1}"#, 400),
        (users, r#"{"max_budget":"much"}"#, 422),
        (users, r#"{"teams":["nowhere"]}"#, 400),
        (users, "[]", 422),
        ("/update/default_team_settings", r#"{"organization_id":"nowhere"}"#, 400),
        ("/update/default_team_settings", r#"{"tpm_limit":-1}"#, 400),
    ] {
        assert_eq!(patch(path, wrong).await.0, status, "{path} {wrong}");
    }
    let nothing = gateway.get(MASTER, "/get/internal_user_settings").await.1;
    assert_eq!(at(&nothing, "values.max_budget"), &Json::Null, "refused, so nothing is there: {nothing}");
    let (status, done) = patch(users, r#"{"user_role":"internal_user","max_budget":7,"models":["gpt-4o"]}"#).await;
    assert_eq!((status, text(&done, "settings.user_role")), (200, "internal_user"), "{done}");
    let (status, _) = patch("/update/default_team_settings", r#"{"rpm_limit":3}"#).await;
    assert_eq!(status, 200);
    let shown = gateway.get(MASTER, "/get/internal_user_settings").await.1;
    assert_eq!(at(&shown, "values.max_budget").as_f64(), Some(7.0), "{shown}");
    assert_eq!(text(&shown, "field_schema.properties.max_budget.type"), "number");
    let user = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"new"}"#;
    assert_eq!(gateway.post(MASTER, "/scim/v2/Users", user).await.0, 201);
    let store = gateway.accounts.store().unwrap();
    let row = store.table::<llm_store::UserRow>().get(["new"]).await.unwrap().unwrap();
    assert_eq!((row.user_role.as_deref(), row.max_budget), (Some("internal_user"), Some(7.0)));
    let group = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"g","displayName":"G"}"#;
    assert_eq!(gateway.post(MASTER, "/scim/v2/Groups", group).await.0, 201);
    let team = store.table::<TeamRow>().get(["g"]).await.unwrap().unwrap();
    assert_eq!(team.rpm_limit, Some(3));
    // What is not given is taken away.
    assert_eq!(patch(users, r#"{"max_budget":1}"#).await.0, 200);
    let shown = gateway.get(MASTER, "/get/internal_user_settings").await.1;
    assert_eq!((at(&shown, "values.user_role"), at(&shown, "values.max_budget").as_f64()), (&Json::Null, Some(1.0)));
    assert_eq!(gateway.call(Some(USER), "PATCH", users, "{}").await.0, 401);
}
