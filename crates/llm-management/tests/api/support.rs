//! A gateway's management API with keys of every role.

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use llm_accounts::{Accounts, AccountsSettings, Credential, Intent, KeyDigest};
use llm_management::{ManagementState, router};
use llm_store::{Store, StoreConfig, UserRow, VerificationToken};
use llm_types::{Json, Secret};
use tokio::runtime::Handle;
use tower::ServiceExt as _;

pub(crate) const MASTER: &str = "sk-master-0123456789";
/// Keys of users with a role, of no user, and of a blocked key.
pub(crate) const VIEWER: &str = "sk-viewer-0123456789";
pub(crate) const USER: &str = "sk-user-0123456789ab";
pub(crate) const USER_VIEWER: &str = "sk-userviewer-012345";
pub(crate) const LONELY: &str = "sk-lonely-0123456789";
pub(crate) const BLOCKED: &str = "sk-blocked-012345678";
pub(crate) const EXPIRED: &str = "sk-expired-012345678";
pub(crate) const TEAM: &str = "sk-team-0123456789ab";
pub(crate) const CUSTOMER: &str = "sk-customer-01234567";
/// Of a user whose role says so, but who administers no organization.
pub(crate) const ORG: &str = "sk-orgadmin-01234567";
pub(crate) const NARROW: &str = "sk-narrow-0123456789";

pub(crate) struct Gateway {
    pub(crate) accounts: Accounts,
    pub(crate) router: Router,
}

pub(crate) async fn gateway() -> Gateway {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    let key = |key: &str, user: Option<&str>| VerificationToken {
        token: KeyDigest::of(key).hex(),
        user_id: user.map(str::to_owned),
        ..VerificationToken::default()
    };
    for (secret, role) in [
        (VIEWER, "proxy_admin_viewer"),
        (USER, "internal_user"),
        (USER_VIEWER, "internal_user_viewer"),
        (TEAM, "team"),
        (CUSTOMER, "customer"),
        (ORG, "org_admin"),
    ] {
        let user = UserRow { user_id: role.to_owned(), user_role: Some(role.to_owned()), ..UserRow::default() };
        store.table().insert(&user).await.unwrap();
        store.keys().insert(&key(secret, Some(role))).await.unwrap();
    }
    store.keys().insert(&key(LONELY, None)).await.unwrap();
    store.keys().insert(&VerificationToken { blocked: Some(true), ..key(BLOCKED, None) }).await.unwrap();
    let over = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    store.keys().insert(&VerificationToken { expires: Some(over), ..key(EXPIRED, None) }).await.unwrap();
    let narrow = VerificationToken {
        models: vec!["gpt-4o".to_owned()],
        max_budget: Some(5.0),
        allowed_routes: vec!["/key".to_owned()],
        ..key(NARROW, Some("internal_user"))
    };
    store.keys().insert(&narrow).await.unwrap();
    with(Some(store))
}

pub(crate) fn with(store: Option<Store>) -> Gateway {
    let settings = AccountsSettings {
        master_key: Some(Secret::new(MASTER)),
        proxy_batch_write_at: 3600.0,
        store_audit_logs: true,
        ..AccountsSettings::default()
    };
    let accounts = Accounts::new(settings, store, Handle::current()).unwrap();
    let router = router(ManagementState { accounts: accounts.clone(), sso: std::sync::Arc::default() });
    Gateway { accounts, router }
}

impl Gateway {
    pub(crate) async fn call(&self, key: Option<&str>, method: &str, path: &str, body: &str) -> (u16, Json) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, if bytes.is_empty() { Json::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    /// A call of a browser: an answer with its headers.
    pub(crate) async fn visit(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (http::Response<()>, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "gateway.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (http::Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Json) {
        self.call(Some(key), "GET", path, "").await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: &str) -> (u16, Json) {
        self.call(Some(key), "POST", path, body).await
    }

    /// A call of a model, a dollar each.
    pub(crate) async fn spend(&self, key: &str) -> Result<(), llm_types::Error> {
        self.spend_as(key, None).await
    }

    /// The same, for an end user.
    pub(crate) async fn spend_for(&self, key: &str, end_user: &str) -> Result<(), llm_types::Error> {
        self.spend_as(key, Some(end_user)).await
    }

    async fn spend_as(&self, key: &str, end_user: Option<&str>) -> Result<(), llm_types::Error> {
        let who = self.accounts.identify(&Credential::Key(key)).await?;
        let intent = Intent {
            route: "/v1/chat/completions",
            model: "gpt-4o",
            group: "gpt-4o",
            fallback_models: &[],
            end_user,
            tags: &[],
            user_agent: None,
            metadata_tags: false,
            input_tokens: 1,
            max_output_tokens: Some(1),
            choices: 1,
            price: Some((0.5, 0.5).into()),
            extras: llm_accounts::Extras::default(),
            session: None,
            tool_server: None,
            agent: None,
        };
        let reservation = self.accounts.admit(&who, &intent)?;
        reservation.mark_sent();
        // Dropped after it was sent: the journal makes a row of its own.
        drop(reservation);
        Ok(())
    }
}

/// A call that has to go well.
pub(crate) async fn ok(gateway: &Gateway, key: &str, method: &str, path: &str, body: &str) -> Json {
    let (status, answer) = gateway.call(Some(key), method, path, body).await;
    assert_eq!(status, 200, "{method} {path} {body}: {answer}");
    answer
}

pub(crate) fn at<'j>(json: &'j Json, path: &str) -> &'j Json {
    path.split('.').fold(json, |json, part| match part.parse::<usize>() {
        Ok(n) if json.as_array().is_some() => &json.as_array().unwrap()[n],
        _ => json.get(part).unwrap_or(&Json::Null),
    })
}

pub(crate) fn text<'j>(json: &'j Json, path: &str) -> &'j str {
    at(json, path).as_str().unwrap_or_else(|| panic!("{path} in {json}"))
}
