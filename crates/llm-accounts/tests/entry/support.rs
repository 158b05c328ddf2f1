//! A gateway's accounts with an identity provider.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use llm_accounts::{
    Accounts, AccountsSettings, Asking, Credential, EntrySettings, Identity, Intent, JwtAuth, JwtEnvironment,
    RolePermission,
};
use llm_http::{HttpClient, HttpConfig, ProxyConfig};
use llm_idp::Idp;
use llm_idp::testing::Issuer;
use llm_store::{Store, StoreConfig, TeamRow, UserRow};
use llm_types::{Json, Result, Secret};
use tokio::runtime::Handle;

pub(crate) const MASTER: &str = "sk-master-0123456789";
pub(crate) const KEY: &str = "sk-key-0123456789abc";
pub(crate) const CHAT: &str = "/v1/chat/completions";

pub(crate) async fn store() -> Store {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

pub(crate) fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// Settings of signed tokens from one issuer.
pub(crate) fn jwt(issuer: &Issuer, section: &str, permissions: &str) -> Arc<JwtAuth> {
    let env = JwtEnvironment { key_urls: Some(issuer.jwks()), audience: None, issuer: Some(issuer.url().to_owned()) };
    let permissions: Vec<RolePermission> = serde_json::from_str(permissions).unwrap();
    Arc::new(JwtAuth::read(&json(section), &env, permissions, false).unwrap())
}

pub(crate) fn open(entry: EntrySettings, store: Store) -> Accounts {
    open_with(AccountsSettings { entry, ..AccountsSettings::default() }, store)
}

pub(crate) fn open_with(settings: AccountsSettings, store: Store) -> Accounts {
    let settings = AccountsSettings { master_key: Some(Secret::new(MASTER)), proxy_batch_write_at: 3600.0, ..settings };
    let keys = settings.entry.jwt.as_ref().map(|jwt| jwt.keys).unwrap_or_default();
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let http = HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() });
    accounts.open_to(Arc::new(Idp::new(Arc::new(http), Handle::current(), keys)));
    accounts
}

/// Accounts that believe the tokens of an issuer.
pub(crate) fn believing(issuer: &Issuer, section: &str, store: Store) -> Accounts {
    open(EntrySettings { jwt: Some(jwt(issuer, section, "[]")), ..EntrySettings::default() }, store)
}

/// A request.
#[derive(Clone)]
pub(crate) struct Req {
    pub(crate) key: Option<String>,
    pub(crate) path: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) from: Option<IpAddr>,
}

pub(crate) fn shows(key: &str) -> Req {
    Req { key: Some(key.to_owned()), path: CHAT, headers: HeaderMap::new(), from: None }
}

impl Req {
    pub(crate) fn to(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    pub(crate) fn from(self, address: &str) -> Self {
        Self { from: Some(address.parse().unwrap()), ..self }
    }

    pub(crate) async fn enter(&self, accounts: &Accounts) -> Result<Arc<Identity>> {
        let credential = self.key.as_deref().map_or(Credential::None, Credential::Key);
        let asking =
            Asking { credential, headers: &self.headers, method: "POST", path: self.path, connected: self.from };
        accounts.enter(&asking).await
    }

    /// The status of the refusal; 200 for callers who enter.
    pub(crate) async fn status(&self, accounts: &Accounts) -> u16 {
        self.enter(accounts).await.map_or_else(|error| error.status(), |_| 200)
    }
}

pub(crate) async fn team(store: &Store, id: &str, models: &[&str]) {
    let models = models.iter().map(|model| (*model).to_owned()).collect();
    let row = TeamRow { team_id: id.to_owned(), models, ..TeamRow::default() };
    store.table::<TeamRow>().put(&row).await.unwrap();
}

pub(crate) async fn user(store: &Store, id: &str, role: Option<&str>, teams: &[&str]) {
    let teams = teams.iter().map(|team| (*team).to_owned()).collect();
    let row = UserRow { user_id: id.to_owned(), user_role: role.map(str::to_owned), teams, ..UserRow::default() };
    store.table::<UserRow>().put(&row).await.unwrap();
}

pub(crate) fn intent(model: &'static str) -> Intent<'static> {
    Intent {
        route: CHAT,
        model,
        group: model,
        fallback_models: &[],
        end_user: None,
        tags: &[],
        metadata_tags: false,
        user_agent: None,
        input_tokens: 100,
        max_output_tokens: Some(100),
        choices: 1,
        price: Some((0.005, 0.005).into()),
        extras: llm_accounts::Extras::default(),
        session: None,
        tool_server: None,
        agent: None,
    }
}

/// Status of an attempt to call a model.
pub(crate) async fn calls(accounts: &Accounts, who: &Arc<Identity>, model: &'static str) -> u16 {
    accounts.admit_shared(who, CHAT, &intent(model)).await.map_or_else(|error| error.status(), |_| 200)
}
