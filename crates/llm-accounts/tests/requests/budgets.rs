//! For how much money.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use chrono::{TimeDelta, Utc};
use llm_accounts::{Accounts, AccountsSettings, Bill, Credential, Intent, KeyDigest};
use llm_store::{SpendLogRow, TeamRow, UserRow, VerificationToken};
use llm_types::{Kind, RawJson};
use tokio::runtime::Handle;

use crate::support::{KEY, MASTER, bill, intent, row, settings, store, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_on_a_budget_for_one_admits_one() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(1.0), ..row() }).await;
    for price in [0.005, 0.004, 0.5] {
        let (barrier, admitted) = (Arc::new(Barrier::new(64)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..64)
            .map(|_| {
                let (accounts, who) = (accounts.clone(), Arc::clone(&who));
                let (barrier, admitted) = (Arc::clone(&barrier), Arc::clone(&admitted));
                std::thread::spawn(move || {
                    barrier.wait();
                    match accounts.admit(&who, &Intent { price: Some((price, price).into()), ..intent() }) {
                        Ok(reservation) => {
                            admitted.fetch_add(1, Ordering::SeqCst);
                            // Held until everyone has tried.
                            barrier.wait();
                            drop(reservation);
                        }
                        Err(error) => {
                            assert_eq!((error.status(), error.openai_type()), (422, "budget_exceeded"));
                            barrier.wait();
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(admitted.load(Ordering::SeqCst), 1, "at {price} a token");
    }
    assert!(accounts.admit(&who, &intent()).is_ok(), "everything was given back");
}

#[tokio::test]
async fn spend_blocks_at_the_budget_and_is_stored() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(1.0), spend: 0.4, ..row() }).await;
    assert_eq!(who.spend(), Some(0.4));
    let settled = accounts.admit(&who, &intent()).unwrap().settle(bill(0.6, 10));
    assert_eq!(settled.key_spend, Some(1.0));
    let over = accounts.admit(&who, &intent()).unwrap_err();
    assert_eq!(over.message, "Budget has been exceeded! Current cost: 1, Max budget: 1");
    assert_eq!(over.kind, Kind::BudgetExceeded);
    assert!(accounts.admit(&who, &Intent { price: Some((0.0, 0.0).into()), ..intent() }).is_ok(), "free models go on");
    accounts.flush().await.unwrap();
    let stored = accounts.store().unwrap().keys().get_by_hash(who.key_hash().unwrap()).await.unwrap().unwrap();
    assert!((stored.spend - 1.0).abs() < 1e-9 && stored.last_active.is_some());
    accounts.forget_key(&KeyDigest::of(KEY));
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    assert_eq!(who.spend(), Some(1.0), "read again and not counted twice");
}

#[tokio::test]
async fn ways_to_end() {
    let (accounts, who) = with(settings(), VerificationToken { max_parallel_requests: Some(1), ..row() }).await;
    let spend = || who.spend().unwrap();
    // Nothing was sent.
    drop(accounts.admit(&who, &intent()).unwrap());
    assert_eq!(spend(), 0.0);
    // Somebody may have answered.
    let reservation = accounts.admit(&who, &intent()).unwrap();
    reservation.mark_sent();
    assert_eq!(accounts.admit(&who, &intent()).unwrap_err().status(), 429, "one at a time");
    drop(reservation);
    assert_eq!(spend(), 1.0, "the estimate");
    // From the cache.
    let settled = accounts.admit(&who, &intent()).unwrap().settle(Bill { charge: false, ..bill(0.3, 10) });
    assert_eq!(settled.key_spend, Some(1.0));
    accounts.flush().await.unwrap();
    let rows = accounts.store().unwrap().table::<SpendLogRow>().find(llm_store::Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 1, "the interrupted call has a row");
    assert!((rows[0].spend - 1.0).abs() < 1e-9);
    assert_eq!(rows[0].model, intent().group, "what was asked for is known");
}

#[tokio::test]
async fn a_dearer_fallback_must_fit() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(3.0), ..row() }).await;
    let reservation = accounts.admit(&who, &intent()).unwrap();
    assert!(reservation.cover(Some((0.01, 0.01).into())), "two dollars");
    assert!(!reservation.cover(Some((0.02, 0.02).into())), "four dollars");
    assert!(reservation.cover(Some((0.001, 0.001).into())));
    reservation.settle(bill(0.5, 1));
    assert_eq!(who.spend(), Some(0.5));
    let metadata = RawJson::parse(r#"{"disable_fallbacks":true}"#).unwrap();
    let (_, who) = with(settings(), VerificationToken { metadata, ..row() }).await;
    assert!(who.refuses_fallbacks());
}

#[tokio::test]
async fn team_and_user_budgets() {
    let store = store().await;
    let team = TeamRow { team_id: "t".to_owned(), max_budget: Some(1.0), spend: 1.0, ..TeamRow::default() };
    store.table().insert(&team).await.unwrap();
    let user = UserRow { user_id: "u".to_owned(), max_budget: Some(1.0), spend: 1.0, ..UserRow::default() };
    store.table().insert(&user).await.unwrap();
    let key = |n: u8, team: Option<&str>, user: Option<&str>| VerificationToken {
        token: KeyDigest::of(&format!("{KEY}{n}")).hex(),
        team_id: team.map(str::to_owned),
        user_id: user.map(str::to_owned),
        ..VerificationToken::default()
    };
    for row in [key(1, Some("t"), None), key(2, None, Some("u")), key(3, Some("t"), Some("u"))] {
        store.keys().insert(&row).await.unwrap();
    }
    let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
    let mut who = Vec::new();
    for n in 1..=3 {
        who.push(accounts.identify(&Credential::Key(&format!("{KEY}{n}"))).await.unwrap());
    }
    accounts.admit(&who[0], &intent()).unwrap().settle(bill(0.1, 1));
    let team = accounts.admit(&who[0], &intent()).unwrap_err();
    assert_eq!(
        team.message, "Budget has been exceeded! Team=t Current cost: 1.1, Max budget: 1",
        "reaching it was fine"
    );
    let user = accounts.admit(&who[1], &intent()).unwrap_err();
    assert_eq!(user.message, "Budget has been exceeded! User=u Current cost: 1, Max budget: 1");
    let both = accounts.admit(&who[2], &intent()).unwrap_err();
    assert!(both.message.contains("Team=t"), "the user's budget does not hold for a team's key: {both}");
}

#[tokio::test]
async fn changes_are_seen_at_once_and_budgets_reset() {
    let due = Utc::now() - TimeDelta::seconds(1);
    let limited = VerificationToken {
        max_budget: Some(1.0),
        spend: 2.0,
        budget_duration: Some("1d".to_owned()),
        budget_reset_at: Some(due),
        ..row()
    };
    let (accounts, who) = with(settings(), limited).await;
    assert_eq!(accounts.admit(&who, &intent()).unwrap_err().status(), 422);
    let resets = accounts.reset_budgets("this", Utc::now()).await.unwrap();
    assert_eq!(resets.keys, 1);
    assert!(accounts.admit(&who, &intent()).is_ok(), "even for those who hold the old identity");
    let stored = accounts.store().unwrap().keys().get_by_hash(who.key_hash().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.spend, 0.0);
    assert!(stored.budget_reset_at.unwrap() > Utc::now());
    assert_eq!(accounts.reset_budgets("this", Utc::now()).await.unwrap().keys, 0);
    assert_eq!(
        accounts.reset_budgets("other", Utc::now() + TimeDelta::days(3)).await.unwrap().keys,
        0,
        "another leads"
    );
}

#[tokio::test]
async fn the_whole_proxy_has_a_budget() {
    let (accounts, who) = with(AccountsSettings { max_budget: 1.0, ..settings() }, row()).await;
    accounts.flush().await.unwrap();
    accounts.admit(&who, &intent()).unwrap().settle(bill(1.5, 1));
    let admin = accounts.identify_now(&Credential::Key(MASTER)).unwrap().unwrap();
    let refused = accounts.admit(&admin, &intent()).unwrap_err();
    assert_eq!(refused.message, "Budget has been exceeded! Proxy Current cost: 1.5, Max budget: 1");
    accounts.flush().await.unwrap();
    let total = accounts.store().unwrap().table::<UserRow>().get(["litellm-proxy-budget"]).await.unwrap().unwrap();
    assert!((total.spend - 1.5).abs() < 1e-9);
    assert_eq!(accounts.proxy_spend(), Some((1.5, 1.0)));
}

/// Remembers what it is told.
#[derive(Debug, Default)]
struct Heard(parking_lot::Mutex<Vec<(&'static str, &'static str, f64)>>);

impl llm_types::alert::AlertSink for Heard {
    fn tell(&self, alert: llm_types::alert::BudgetAlert) {
        self.0.lock().push((alert.event.name(), alert.group, alert.spend));
    }

    fn note(&self, _: llm_types::alert::Notice) {}

    fn wants(&self, kind: llm_types::alert::AlertType) -> bool {
        kind == llm_types::alert::AlertType::BudgetAlerts
    }
}

#[tokio::test]
async fn a_budget_that_runs_out_is_told_once_by_one_gateway() {
    let key = VerificationToken { max_budget: Some(1.0), ..row() };
    let kv: Arc<dyn llm_kv::Kv> = Arc::new(llm_kv::MemoryKv::new());
    let heard = Arc::<Heard>::default();
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let (accounts, who) = with(settings(), key.clone()).await;
        accounts.share(Arc::clone(&kv));
        accounts
            .alert(Arc::clone(&heard) as Arc<dyn llm_types::alert::AlertSink>, TimeDelta::days(1).to_std().unwrap());
        gateways.push((accounts, who));
    }
    for (accounts, who) in &gateways {
        for cost in [0.5, 0.36, 0.01] {
            accounts.admit(who, &intent()).unwrap().settle(bill(cost, 1));
        }
    }
    let wait = async |count: usize| {
        for _ in 0..500 {
            if heard.0.lock().len() >= count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{heard:?}");
    };
    wait(1).await;
    assert_eq!(*heard.0.lock(), [("threshold_crossed", "key", 0.86)]);
    let (accounts, who) = &gateways[1];
    accounts.admit(who, &intent()).unwrap().settle(bill(0.5, 1));
    assert!(accounts.admit(who, &intent()).is_err());
    wait(2).await;
    assert_eq!(heard.0.lock()[1].0, "budget_crossed", "refusals tell nothing that was told");
}

#[tokio::test]
async fn pictures_that_are_paid_by_token_leave_a_small_budget_to_others() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(0.6), ..row() }).await;
    let picture = Intent {
        route: "/v1/images/generations",
        max_output_tokens: None,
        price: Some((5e-6, 4e-5).into()),
        ..intent()
    };
    let held: Vec<_> = std::iter::from_fn(|| accounts.admit(&who, &picture).ok()).take(9).collect();
    assert_eq!(held.len(), 2, "a quarter of a dollar each");
}

#[tokio::test]
async fn a_long_prompt_and_a_dear_tier_are_set_aside_for() {
    use llm_accounts::{Extras, LongPrompt, PriceBound};
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(1.0), ..row() }).await;
    let long = [LongPrompt { above: 200_000, input: 2e-6, output: 2e-6 }].into_iter().collect();
    let price = PriceBound { long, tier: 1.0, ..(1e-6, 1e-6).into() };
    let of = |input_tokens| Intent { input_tokens, max_output_tokens: Some(1), price: Some(price), ..intent() };
    // Half a dollar, of which there are not two and a half.
    let held = accounts.admit(&who, &of(250_001)).unwrap();
    assert!(accounts.admit(&who, &of(250_001)).is_err(), "each costs half a dollar and a bit");
    let held = (held, accounts.admit(&who, &of(200_000)).unwrap());
    drop(held);
    let dear = Intent { extras: Extras { tier: true, place: false }, ..of(190_000) };
    let held = (accounts.admit(&who, &dear).unwrap(), accounts.admit(&who, &dear).unwrap());
    assert!(accounts.admit(&who, &dear).is_err(), "0.38 dollars each");
    drop(held);
    let _held: Vec<_> = (0..5).map(|_| accounts.admit(&who, &of(190_000)).unwrap()).collect();
}

#[tokio::test]
async fn a_limit_that_no_answer_reaches_keeps_nobody_out() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(1.0), ..row() }).await;
    let price = llm_accounts::PriceBound { longest: Some(16_384), ..(2.5e-6, 1e-5).into() };
    let huge = Intent { max_output_tokens: Some(100_000_000), price: Some(price), ..intent() };
    let held = accounts.admit(&who, &huge).unwrap();
    assert!(accounts.admit(&who, &Intent { price: Some(price), ..intent() }).is_ok(), "beside it");
    drop(held);
}
