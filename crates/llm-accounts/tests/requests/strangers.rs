//! Keys that nobody has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::HeaderMap;
use llm_accounts::{Accounts, Asking, Credential, KeyDigest};
use llm_store::VerificationToken;
use tokio::runtime::Handle;

use crate::support::{KEY, row, settings, store};

/// Shows a key from an address; the status of the refusal, 200 when there is none.
async fn shows(accounts: &Accounts, key: &str, address: &str) -> u16 {
    let headers = HeaderMap::new();
    let credential = Credential::Key(key);
    let connected = address.parse().ok();
    let asking = Asking { credential, headers: &headers, method: "POST", path: "/v1/chat/completions", connected };
    accounts.enter(&asking).await.map_or_else(|error| error.status(), |_| 200)
}

#[tokio::test]
async fn fifty_thousand_of_them_cost_a_few_statements() {
    const COLD: &str = "sk-away-for-a-while-0";
    let store = store().await;
    store.keys().insert(&row()).await.unwrap();
    store.keys().insert(&VerificationToken { token: KeyDigest::of(COLD).hex(), ..row() }).await.unwrap();
    let accounts = Accounts::new(settings(), Some(store.clone()), Handle::current()).unwrap();
    let known = accounts.identify(&Credential::Key(KEY)).await.unwrap();

    let before = store.statements();
    let refused = Arc::new(AtomicUsize::new(0));
    let flood = (0..50).map(|hand| {
        let (accounts, refused) = (accounts.clone(), Arc::clone(&refused));
        tokio::spawn(async move {
            let address = format!("198.51.100.{hand}");
            let keys: Vec<String> = (0..1000).map(|at| format!("sk-nobody-has-{hand}-{at}")).collect();
            for status in join_all(keys.iter().map(|key| shows(&accounts, key, &address))).await {
                refused.fetch_add(usize::from(status == 401), Ordering::Relaxed);
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    // Whoever has a key gets in meanwhile, from whatever address.
    assert_eq!(shows(&accounts, COLD, "198.51.100.1").await, 200);
    assert!(join_all(flood).await.iter().all(Result::is_ok));
    assert_eq!(refused.load(Ordering::Relaxed), 50_000);
    let asked = store.statements() - before;
    assert!(asked <= 100, "{asked} statements");

    // Known ones are still known; one that another gateway makes is found, although its address is suspect.
    let again = accounts.identify_now(&Credential::Key(KEY)).unwrap().unwrap();
    assert!(Arc::ptr_eq(&known, &again));
    store.keys().insert(&VerificationToken { token: KeyDigest::of("sk-just-made-0123").hex(), ..row() }).await.unwrap();
    assert_eq!(shows(&accounts, "sk-just-made-0123", "198.51.100.1").await, 200);
    assert_eq!(shows(&accounts, "sk-nobody-has-0-0-", "198.51.100.1").await, 401);
}
