//! How far beyond a budget callers get, as docs/shared-state.md promises: one call, and what calls in flight cost more than
//! was estimated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_accounts::{Accounts, AccountsSettings, Credential, Intent, KeyDigest, Reservation};
use llm_store::VerificationToken;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::runtime::Handle;
use tokio::sync::Barrier;

use crate::support::{bill, intent, row, settings, store, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_one_end_user_admits_one() {
    // A budget for one call of a dollar.
    let (accounts, who) = with(AccountsSettings { max_end_user_budget: Some(1.0), ..settings() }, row()).await;
    let (barrier, admitted) = (Arc::new(Barrier::new(64)), Arc::new(AtomicUsize::new(0)));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (accounts, who) = (accounts.clone(), Arc::clone(&who));
        let (barrier, admitted) = (Arc::clone(&barrier), Arc::clone(&admitted));
        calls.spawn(async move {
            barrier.wait().await;
            let named = Intent { end_user: Some("e"), ..intent() };
            let held = accounts.admit_shared(&who, named.route, &named).await;
            match &held {
                Ok(_) => drop(admitted.fetch_add(1, Ordering::SeqCst)),
                Err(error) => assert_eq!((error.status(), error.openai_type()), (422, "budget_exceeded")),
            }
            // Held until everyone has tried.
            barrier.wait().await;
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    assert_eq!(admitted.load(Ordering::SeqCst), 1);
}

/// Calls of one key in random order: admitted, settled for less or more than estimated, given up before and after sending.
async fn schedule(accounts: &Accounts, key: &str, cap: f64, random: &mut StdRng) {
    let who = accounts.identify(&Credential::Key(key)).await.unwrap();
    let mut flying: Vec<(Reservation, f64)> = Vec::new();
    let (mut dearest, mut beyond) = (0.0_f64, 0.0);
    for _ in 0..random.random_range(5..40) {
        if flying.is_empty() || random.random_bool(0.5) {
            let estimate = random.random_range(0.01..2.0 * cap);
            let price = estimate / 200.0;
            if let Ok(held) = accounts.admit(&who, &Intent { price: Some((price, price).into()), ..intent() }) {
                dearest = dearest.max(estimate);
                flying.push((held, estimate));
            }
        } else {
            let (held, estimate) = flying.swap_remove(random.random_range(0..flying.len()));
            match random.random_range(0..4) {
                0 => drop(held),
                1 => {
                    held.mark_sent();
                    drop(held);
                }
                _ => {
                    let cost = estimate * random.random_range(0.0..1.2);
                    beyond += (cost - estimate).max(0.0);
                    held.settle(bill(cost, 1));
                }
            }
        }
        let spent = who.spend().unwrap();
        assert!(
            spent <= cap + dearest + beyond + 1e-6,
            "{spent} of {cap}: one call of {dearest}, {beyond} beyond estimates"
        );
    }
    let open = who.spend().unwrap() < cap;
    drop(flying);
    let one = accounts.admit(&who, &intent());
    assert!(open || one.is_err(), "nothing is left, and nothing in flight");
}

#[tokio::test]
async fn a_thousand_random_schedules_stay_within_the_bound() {
    let store = store().await;
    let mut random = StdRng::seed_from_u64(42);
    let mut keys = Vec::new();
    for n in 0..1000 {
        let (key, cap) = (format!("sk-schedule-{n:08}"), random.random_range(0.1..10.0));
        let token = KeyDigest::of(&key).hex();
        store
            .keys()
            .insert(&VerificationToken { token, max_budget: Some(cap), ..VerificationToken::default() })
            .await
            .unwrap();
        keys.push((key, cap));
    }
    let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
    for (key, cap) in keys {
        schedule(&accounts, &key, cap, &mut random).await;
    }
}
