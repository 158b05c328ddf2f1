//! Who calls.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use llm_accounts::{Accounts, AccountsSettings, Credential, KeyDigest};
use llm_store::VerificationToken;
use tokio::runtime::Handle;

use crate::support::{KEY, MASTER, intent, row, settings, store, with};

#[tokio::test]
async fn credentials_are_told_apart() {
    let (accounts, who) = with(settings(), row()).await;
    assert!(!who.is_admin());
    let admin = accounts.identify_now(&Credential::Key(MASTER)).unwrap().unwrap();
    assert!(admin.is_admin() && admin.is_master());
    assert_eq!(admin.key_hash(), Some("litellm_proxy_master_key"));
    let refused = |credential: Credential<'_>| {
        let error = accounts.identify_now(&credential).unwrap().unwrap_err();
        (error.status(), error.openai_type().to_owned())
    };
    assert_eq!(refused(Credential::None), (401, "auth_error".to_owned()));
    assert_eq!(refused(Credential::Malformed), (401, "auth_error".to_owned()));
    assert_eq!(refused(Credential::Key("no-prefix-0123456789")), (401, "auth_error".to_owned()));
    // The hash is no credential.
    assert_eq!(refused(Credential::Key(&KeyDigest::of(KEY).hex())).0, 401);
    let unknown = accounts.identify(&Credential::Key("sk-unknown-0123456789")).await.unwrap_err();
    assert_eq!((unknown.status(), unknown.openai_type()), (401, "token_not_found_in_db"));
    assert!(!unknown.message.contains("0123456789"), "{unknown}");
    assert!(accounts.identify_now(&Credential::Key("sk-unknown-0123456789")).is_some(), "asked once only");
}

#[tokio::test]
async fn blocked_expired_and_closed() {
    let now = Utc::now();
    for (row, kind) in [
        (VerificationToken { blocked: Some(true), ..row() }, "auth_error"),
        (VerificationToken { expires: Some(now - TimeDelta::seconds(5)), ..row() }, "expired_key"),
    ] {
        let store = store().await;
        store.keys().insert(&row).await.unwrap();
        let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
        let error = accounts.identify(&Credential::Key(KEY)).await.unwrap_err();
        assert_eq!((error.status(), error.openai_type()), (401, kind));
        let again = accounts.identify_now(&Credential::Key(KEY)).unwrap().unwrap_err();
        assert_eq!(again.message.get(..20), error.message.get(..20), "from memory as well");
    }
    let closed = store().await;
    closed.close().await;
    let accounts = Accounts::new(settings(), Some(closed), Handle::current()).unwrap();
    let error = accounts.identify(&Credential::Key(KEY)).await.unwrap_err();
    assert_eq!((error.status(), error.openai_type()), (503, "no_db_connection"), "never 401: the key may be good");
}

#[tokio::test]
async fn without_a_store_or_without_a_master_key() {
    let accounts = Accounts::new(settings(), None, Handle::current()).unwrap();
    let error = accounts.identify(&Credential::Key(KEY)).await.unwrap_err();
    assert_eq!(error.status(), 401);
    let open = AccountsSettings { master_key: None, ..settings() };
    let accounts = Accounts::new(open, None, Handle::current()).unwrap();
    for credential in [Credential::None, Credential::Malformed, Credential::Key("anything")] {
        let who = accounts.identify_now(&credential).unwrap().unwrap();
        assert_eq!(who.role(), Some(llm_accounts::Role::InternalUser));
        assert!(accounts.admit(&who, &intent()).is_ok());
    }
}

#[tokio::test]
async fn many_ask_for_one_key_at_once() {
    let store = store().await;
    store.keys().insert(&row()).await.unwrap();
    let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.identify(&Credential::Key(KEY)).await.unwrap() })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    assert!(all.windows(2).all(|pair| Arc::ptr_eq(&pair[0], &pair[1])), "one look-up, one identity");
}
