//! What models can take: limits of keys that deployments name, shares of priorities, what a key has left that spent its
//! budget, and what the requests of a batch take. With and without a shared store.

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, Capacity, Directory, Identity, Intent, Priorities, Reservation, Share};
use llm_kv::{Kv, MemoryKv};
use llm_store::VerificationToken;
use llm_types::{RawJson, Result};

use crate::support::{bill, intent, row, settings, with};

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

fn directory(capacity: Capacity) -> Directory {
    Directory { capacity: [("gpt-4o".to_owned(), capacity)].into(), ..Directory::default() }
}

/// Accounts with one key and a model, over a shared store or alone.
async fn open(
    settings: AccountsSettings,
    row: VerificationToken,
    capacity: Capacity,
    kv: Option<&Arc<dyn Kv>>,
) -> (Accounts, Arc<Identity>) {
    let (accounts, who) = with(settings, row).await;
    accounts.set_directory(directory(capacity));
    if let Some(kv) = kv {
        accounts.share(Arc::clone(kv));
    }
    (accounts, who)
}

fn shared() -> Arc<dyn Kv> {
    Arc::new(MemoryKv::new())
}

async fn admit((accounts, who): &(Accounts, Arc<Identity>), intent: &Intent<'_>) -> Result<Reservation> {
    accounts.admit_shared(who, intent.route, intent).await
}

#[tokio::test]
async fn a_deployment_limits_keys_that_say_nothing_of_it() {
    let capacity = Capacity { key_rpm: Some(1), key_tpm: Some(100_000), ..Capacity::default() };
    let plain = open(settings(), row(), capacity, None).await;
    drop(admit(&plain, &intent()).await.unwrap());
    let refused = admit(&plain, &intent()).await.unwrap_err();
    assert!(
        refused.message.starts_with("Rate limit exceeded for model_per_key: sk-...9abc:gpt-4o. Limit type: requests."),
        "{refused}"
    );
    assert!(admit(&plain, &Intent { model: "other", group: "other", ..intent() }).await.is_ok());
    let metadata = json(r#"{"model_rpm_limit":{"gpt-4o":3}}"#);
    let own = open(settings(), VerificationToken { metadata, ..row() }, capacity, None).await;
    for _ in 0..3 {
        drop(admit(&own, &intent()).await.unwrap());
    }
    assert!(admit(&own, &intent()).await.is_err(), "its own limit holds in place of the default");
    let master = plain.0.identify_now(&llm_accounts::Credential::Key(crate::support::MASTER)).unwrap().unwrap();
    for _ in 0..3 {
        drop(plain.0.admit(&master, &intent()).unwrap());
    }
}

fn priorities() -> AccountsSettings {
    let shares = vec![("prod".to_owned(), Share::Part(0.8)), ("dev".to_owned(), Share::Part(0.2))];
    AccountsSettings { priorities: Some(Priorities { shares, ..Priorities::default() }), ..settings() }
}

fn of(priority: &str) -> VerificationToken {
    VerificationToken { metadata: json(&format!(r#"{{"priority":"{priority}"}}"#)), ..row() }
}

#[tokio::test]
async fn shares_hold_once_half_of_the_capacity_is_used() {
    let capacity = Capacity { rpm: Some(10), ..Capacity::default() };
    for kv in [None, Some(shared())] {
        let dev = open(priorities(), of("dev"), capacity, kv.as_ref()).await;
        let many = async |gateway: &(Accounts, Arc<Identity>), calls: usize| {
            let mut admitted = 0;
            for _ in 0..calls {
                admitted += usize::from(admit(gateway, &intent()).await.is_ok());
            }
            admitted
        };
        // Five are half: until then anybody may; dev has used more than its two by then.
        assert_eq!(many(&dev, 8).await, 5, "with a shared store: {}", kv.is_some());
        let refused = admit(&dev, &intent()).await.unwrap_err();
        assert!(refused.message.starts_with("Rate limit exceeded for priority_model: gpt-4o:dev."), "{refused}");
        let Some(kv) = &kv else { continue };
        let prod = open(priorities(), of("prod"), capacity, Some(kv)).await;
        assert_eq!(many(&prod, 9).await, 5, "the rest of the capacity, which is less than the share");
        let refused = admit(&prod, &intent()).await.unwrap_err();
        assert!(refused.message.starts_with("Rate limit exceeded for model_saturation_check: gpt-4o."), "{refused}");
    }
}

#[tokio::test]
async fn keys_without_a_priority_share_a_pool_and_tokens_count_too() {
    let capacity = Capacity { tpm: Some(1000), ..Capacity::default() };
    let kv = shared();
    let one = open(priorities(), row(), capacity, Some(&kv)).await;
    let other = open(priorities(), of("unknown"), capacity, Some(&kv)).await;
    // 200 tokens each; the pool has 250, and there is room to spare below 500.
    let mut held = Vec::new();
    for gateway in [&one, &other, &one] {
        held.push(admit(gateway, &intent()).await.unwrap());
    }
    for gateway in [&one, &other] {
        let refused = admit(gateway, &intent()).await.unwrap_err();
        assert!(
            refused.message.starts_with("Rate limit exceeded for priority_model: gpt-4o:default_pool."),
            "{refused}"
        );
    }
    let prod = open(priorities(), of("prod"), capacity, Some(&kv)).await;
    held.push(admit(&prod, &intent()).await.unwrap());
    held.push(admit(&prod, &intent()).await.unwrap());
    assert!(admit(&prod, &intent()).await.is_err(), "all of it is used");
}

#[tokio::test]
async fn a_key_that_spent_its_budget_may_be_slowed_in_place_of_stopped() {
    let slow = AccountsSettings { budget_exceeded_throttle: Some(0.1), ..settings() };
    let metadata = json(r#"{"throttle_on_budget_exceeded":true}"#);
    let key = || VerificationToken { max_budget: Some(1.0), metadata: metadata.clone(), ..row() };
    for kv in [None, Some(shared())] {
        let limited = VerificationToken { rpm_limit: Some(20), ..key() };
        let gateway = open(slow.clone(), limited, Capacity::default(), kv.as_ref()).await;
        admit(&gateway, &intent()).await.unwrap().settle(bill(2.0, 1));
        admit(&gateway, &intent()).await.unwrap().settle(bill(0.0, 1));
        let refused = admit(&gateway, &intent()).await.unwrap_err();
        assert_eq!(refused.status(), 429);
        assert!(
            refused.message.contains("for api_key: sk-...9abc. Limit type: requests. Current limit: 2,"),
            "{refused}"
        );
    }
    let free = open(slow, key(), Capacity::default(), None).await;
    admit(&free, &intent()).await.unwrap().settle(bill(2.0, 1));
    assert_eq!(admit(&free, &intent()).await.unwrap_err().status(), 422, "without limits there is nothing to slow");
    let off = open(settings(), VerificationToken { rpm_limit: Some(20), ..key() }, Capacity::default(), None).await;
    admit(&off, &intent()).await.unwrap().settle(bill(2.0, 1));
    assert_eq!(admit(&off, &intent()).await.unwrap_err().status(), 422, "nobody switched it on");
}

#[tokio::test]
async fn the_requests_of_a_batch_count_before_it_is_made() {
    let create = Intent { max_output_tokens: Some(0), input_tokens: 0, price: None, ..intent() };
    for kv in [None, Some(shared())] {
        let limited = VerificationToken { rpm_limit: Some(10), tpm_limit: Some(1000), ..row() };
        let gateway = open(settings(), limited, Capacity::default(), kv.as_ref()).await;
        let mut batch = admit(&gateway, &create).await.unwrap();
        assert!(batch.counts_batches());
        let refused = batch.take_batch(11, 100).await.unwrap_err();
        assert!(refused.message.contains("Limit type: requests. Current limit: 10, Remaining: 9."), "{refused}");
        let refused = batch.take_batch(2, 1001).await.unwrap_err();
        assert!(refused.message.contains("Limit type: tokens. Current limit: 1000, Remaining: 1000."), "{refused}");
        batch.take_batch(9, 900).await.unwrap();
        batch.settle(bill(0.0, 0));
        let tenth = admit(&gateway, &Intent { input_tokens: 100, ..create }).await.unwrap();
        assert!(admit(&gateway, &create).await.unwrap_err().message.contains("Limit type: requests."));
        drop(tenth);
    }
    let (accounts, who) = with(settings(), row()).await;
    assert!(!accounts.admit(&who, &create).unwrap().counts_batches(), "who has no limits needs no count");
}
