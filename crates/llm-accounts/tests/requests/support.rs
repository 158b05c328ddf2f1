//! Accounts with one key, and a call of a model.

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, Bill, Credential, Identity, Intent, KeyDigest, Reservation};
use llm_store::{Store, StoreConfig, VerificationToken};
use llm_types::{Secret, Usage};
use tokio::runtime::Handle;

pub(crate) const MASTER: &str = "sk-master-0123456789";
pub(crate) const KEY: &str = "sk-key-0123456789abc";

pub(crate) fn settings() -> AccountsSettings {
    AccountsSettings {
        master_key: Some(Secret::new(MASTER)),
        // Tests flush by themselves.
        proxy_batch_write_at: 3600.0,
        ..AccountsSettings::default()
    }
}

pub(crate) async fn store() -> Store {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

pub(crate) fn row() -> VerificationToken {
    let key_name = Some("sk-...9abc".to_owned());
    VerificationToken { token: KeyDigest::of(KEY).hex(), key_name, ..VerificationToken::default() }
}

/// Accounts with one key, and who shows it.
pub(crate) async fn with(settings: AccountsSettings, row: VerificationToken) -> (Accounts, Arc<Identity>) {
    let store = store().await;
    store.keys().insert(&row).await.unwrap();
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    (accounts, who)
}

pub(crate) fn intent() -> Intent<'static> {
    Intent {
        route: "/v1/chat/completions",
        model: "gpt-4o",
        group: "gpt-4o",
        fallback_models: &[],
        end_user: None,
        tags: &[],
        user_agent: None,
        metadata_tags: false,
        input_tokens: 100,
        max_output_tokens: Some(100),
        choices: 1,
        // 200 tokens: at most one dollar.
        price: Some((0.005, 0.005).into()),
        extras: llm_accounts::Extras::default(),
        session: None,
        tool_server: None,
        agent: None,
    }
}

pub(crate) fn bill(cost: f64, tokens: u64) -> Bill {
    let usage = Usage { input_text: tokens, ..Usage::default() };
    Bill { usage, cost, record: None, charge: true }
}

/// What a call left of a limit.
pub(crate) fn remaining(held: &Reservation, whose: &str, kind: &str) -> Option<i64> {
    held.left().iter().find(|left| left.whose == whose && left.kind == kind).map(|left| left.remaining)
}
