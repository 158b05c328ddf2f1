//! Two gateways that share limits and budgets.

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::{Accounts, AccountsSettings, Identity, Intent, Reservation};
use llm_kv::redis::{RedisClient, RedisKv, RedisSettings};
use llm_kv::{Kv, MemoryKv};
use llm_store::VerificationToken;
use llm_types::Result;
use tokio::runtime::Handle;

use crate::support::{bill, intent, remaining, row, settings, with};

type Gateway = (Accounts, Arc<Identity>);

/// Two gateways with a store each and the same key, over one shared store.
async fn two(row: VerificationToken) -> [Gateway; 2] {
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::new());
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let (accounts, who) = with(settings(), row.clone()).await;
        accounts.share(Arc::clone(&kv));
        gateways.push((accounts, who));
    }
    gateways.try_into().unwrap()
}

async fn admit((accounts, who): &Gateway, intent: &Intent<'_>) -> Result<Reservation> {
    accounts.admit_shared(who, intent.route, intent).await
}

/// Corrections are sent in the background.
async fn eventually(gateway: &Gateway, intent: &Intent<'_>) -> Reservation {
    for _ in 0..500 {
        if let Ok(reservation) = admit(gateway, intent).await {
            return reservation;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within five seconds");
}

#[tokio::test]
async fn requests_and_tokens_are_counted_together() {
    let [one, other] = two(VerificationToken { rpm_limit: Some(3), tpm_limit: Some(1000), ..row() }).await;
    let small = Intent { input_tokens: 10, max_output_tokens: Some(90), ..intent() };
    let first = admit(&one, &small).await.unwrap();
    let second = admit(&other, &small).await.unwrap();
    assert_eq!(remaining(&second, "api_key", "requests"), Some(1), "{:?}", second.left());
    let too_long = Intent { max_output_tokens: Some(801), ..small };
    assert!(admit(&one, &too_long).await.unwrap_err().message.contains("Remaining: 800."));
    first.settle(bill(0.0, 50));
    let third = eventually(&other, &Intent { max_output_tokens: Some(840), ..small }).await;
    let fourth = admit(&one, &small).await.unwrap_err();
    assert!(fourth.message.contains("Limit type: requests. Current limit: 3, Remaining: 0."), "{fourth}");
    drop((second, third));
}

#[tokio::test]
async fn calls_in_flight_are_counted_together() {
    let [one, other] = two(VerificationToken { max_parallel_requests: Some(2), ..row() }).await;
    let (a, b) = (admit(&one, &intent()).await.unwrap(), admit(&other, &intent()).await.unwrap());
    assert_eq!(admit(&one, &intent()).await.unwrap_err().status(), 429);
    assert_eq!(admit(&other, &intent()).await.unwrap_err().status(), 429);
    drop(a);
    drop(eventually(&other, &intent()).await);
    b.settle(bill(0.0, 1));
    drop(eventually(&one, &intent()).await);
}

#[tokio::test]
async fn a_budget_is_spent_together() {
    let [one, other] = two(VerificationToken { max_budget: Some(1.5), ..row() }).await;
    // At most a dollar each: a lone call is let in, beside it a second must fit.
    let first = admit(&one, &intent()).await.unwrap();
    assert_eq!(admit(&other, &intent()).await.unwrap_err().status(), 422, "half a dollar is left");
    first.settle(bill(0.25, 1));
    let second = eventually(&other, &intent()).await;
    second.settle(bill(1.25, 1));
    let gone = async {
        while admit(&one, &intent()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("what the other spent counts here");
    let free = Intent { price: Some((0.0, 0.0).into()), ..intent() };
    assert!(admit(&one, &free).await.is_ok(), "free models go on");
}

async fn alone(settings: AccountsSettings, row: VerificationToken) -> Gateway {
    let (accounts, who) = with(settings, row).await;
    let nobody = RedisClient::start(RedisSettings::from_url("redis://127.0.0.1:1").unwrap(), &Handle::current());
    accounts.share(RedisKv::new(nobody, "", "me", &Handle::current()));
    (accounts, who)
}

#[tokio::test]
async fn without_the_shared_store_every_gateway_counts_for_itself() {
    let limited = VerificationToken { rpm_limit: Some(2), max_budget: Some(5.0), ..row() };
    let gateway = alone(settings(), limited).await;
    for _ in 0..2 {
        admit(&gateway, &intent()).await.unwrap().settle(bill(0.1, 1));
    }
    assert_eq!(admit(&gateway, &intent()).await.unwrap_err().status(), 429);
    assert_eq!(gateway.0.admitted_alone(), 3);
    let free = alone(settings(), row()).await;
    admit(&free, &intent()).await.unwrap().settle(bill(0.1, 1));
    assert_eq!(free.0.admitted_alone(), 0, "a caller without limits asks nobody");
}

#[tokio::test]
async fn budgets_may_be_refused_without_the_shared_store() {
    let strict = || AccountsSettings { fail_closed_budget_enforcement: true, ..settings() };
    let bounded = alone(strict(), VerificationToken { max_budget: Some(5.0), ..row() }).await;
    assert_eq!(admit(&bounded, &intent()).await.unwrap_err().status(), 503);
    let limited = alone(strict(), VerificationToken { rpm_limit: Some(2), ..row() }).await;
    assert!(admit(&limited, &intent()).await.is_ok(), "limits go on");
}

#[tokio::test]
async fn logins_are_throttled_and_finished_together() {
    let [(one, _), (other, _)] = two(row()).await;
    let (here, there) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
    for at in 0..10 {
        let gateway = if at % 2 == 0 { &one } else { &other };
        gateway.try_code(here, "code", false).await.unwrap();
    }
    for gateway in [&one, &other] {
        let refused = gateway.try_code(here, "code", true).await.unwrap_err().text();
        assert!(refused.contains("Too many"), "{refused}");
        gateway.try_code(there, "code", false).await.unwrap();
    }
    one.deposit("c-1", "a session", Duration::from_secs(60)).await.unwrap();
    assert_eq!(other.deposited("c-1").await.unwrap().as_deref(), Some("a session"));
    assert_eq!(other.redeem("c-1").await.unwrap().as_deref(), Some("a session"));
    assert_eq!(one.redeem("c-1").await.unwrap(), None, "it is used up");
}
