//! A request's way through the accounts: identify, admit, settle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use llm_accounts::{Accounts, AccountsSettings, Bill, Credential, Identity, Intent, KeyDigest};
use llm_store::{SpendLogRow, Store, StoreConfig, TeamRow, UserRow, VerificationToken};
use llm_types::{Kind, RawJson, Secret, Usage};
use tokio::runtime::Handle;

const MASTER: &str = "sk-master-0123456789";
const KEY: &str = "sk-key-0123456789abc";

fn settings() -> AccountsSettings {
    AccountsSettings {
        master_key: Some(Secret::new(MASTER)),
        // Tests flush by themselves.
        proxy_batch_write_at: 3600.0,
        ..AccountsSettings::default()
    }
}

async fn store() -> Store {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn row() -> VerificationToken {
    let key_name = Some("sk-...9abc".to_owned());
    VerificationToken { token: KeyDigest::of(KEY).hex(), key_name, ..VerificationToken::default() }
}

/// Accounts with one key, and who shows it.
async fn with(settings: AccountsSettings, row: VerificationToken) -> (Accounts, Arc<Identity>) {
    let store = store().await;
    store.keys().insert(&row).await.unwrap();
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    (accounts, who)
}

fn intent() -> Intent<'static> {
    Intent {
        route: "/v1/chat/completions",
        model: "gpt-4o",
        group: "gpt-4o",
        fallback_models: &[],
        end_user: None,
        tags: &[],
        input_tokens: 100,
        max_output_tokens: Some(100),
        choices: 1,
        // 200 tokens: at most one dollar.
        price: Some((0.005, 0.005)),
    }
}

fn bill(cost: f64, tokens: u64) -> Bill {
    let usage = Usage { input_text: tokens, ..Usage::default() };
    Bill { usage, cost, record: None, charge: true }
}

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

#[tokio::test]
async fn models_are_allowed_by_key_team_and_user() {
    let list = |models: &[&str]| models.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>();
    for (key, team, user, model, denied) in [
        (list(&[]), None, None, "gpt-4o", None),
        (list(&["gpt-4o"]), None, None, "gpt-4o", None),
        (list(&["claude"]), None, None, "gpt-4o", Some("key_model_access_denied")),
        (list(&["all-team-models"]), Some(list(&["gpt-4o"])), None, "gpt-4o", None),
        (list(&["all-team-models"]), Some(list(&["claude"])), None, "gpt-4o", Some("team_model_access_denied")),
        (list(&[]), Some(list(&["claude"])), None, "gpt-4o", Some("team_model_access_denied")),
        (list(&[]), None, Some(list(&["claude"])), "gpt-4o", Some("user_model_access_denied")),
        (list(&[]), None, Some(list(&["no-default-models"])), "gpt-4o", Some("key_model_access_denied")),
        (list(&[]), Some(list(&[])), Some(list(&["claude"])), "gpt-4o", None),
    ] {
        let store = store().await;
        if let Some(models) = &team {
            let team = TeamRow { team_id: "t".to_owned(), models: models.clone(), ..TeamRow::default() };
            store.table().insert(&team).await.unwrap();
        }
        if let Some(models) = &user {
            let user = UserRow { user_id: "u".to_owned(), models: models.clone(), ..UserRow::default() };
            store.table().insert(&user).await.unwrap();
        }
        let row = VerificationToken {
            models: key.clone(),
            team_id: team.as_ref().map(|_| "t".to_owned()),
            user_id: user.as_ref().map(|_| "u".to_owned()),
            ..row()
        };
        store.keys().insert(&row).await.unwrap();
        let accounts = Accounts::new(settings(), Some(store), Handle::current()).unwrap();
        let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
        let admitted = accounts.admit(&who, &Intent { model, group: model, ..intent() });
        let found = admitted.as_ref().err().map(|e| e.openai_type().to_owned());
        assert_eq!(found.as_deref(), denied, "{key:?} {team:?} {user:?}");
        assert_eq!(who.may_use(model), denied.is_none());
    }
}

#[tokio::test]
async fn aliases_lead_to_their_target() {
    let aliases = RawJson::parse(r#"{"fast":"gpt-4o-mini"}"#).unwrap();
    let (accounts, who) =
        with(settings(), VerificationToken { aliases, models: vec!["gpt-4o-mini".to_owned()], ..row() }).await;
    assert_eq!(who.alias("fast", |_| true), Some("gpt-4o-mini"));
    assert_eq!(who.alias("other", |_| true), None);
    assert!(accounts.admit(&who, &Intent { model: "fast", group: "gpt-4o-mini", ..intent() }).is_ok());
    let fallbacks = ["gpt-4o".to_owned()];
    let refused =
        accounts.admit(&who, &Intent { model: "fast", group: "gpt-4o-mini", fallback_models: &fallbacks, ..intent() });
    assert_eq!(refused.unwrap_err().status(), 403, "a fallback of the client counts as well");
}

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
                    match accounts.admit(&who, &Intent { price: Some((price, price)), ..intent() }) {
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
    assert!(accounts.admit(&who, &Intent { price: Some((0.0, 0.0)), ..intent() }).is_ok(), "free models go on");
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
}

#[tokio::test]
async fn limits_of_requests_and_tokens() {
    let limited = VerificationToken { rpm_limit: Some(3), tpm_limit: Some(1000), ..row() };
    let (accounts, who) = with(settings(), limited).await;
    let small = Intent { input_tokens: 10, max_output_tokens: Some(90), ..intent() };
    let first = accounts.admit(&who, &small).unwrap();
    assert_eq!(
        first.headers(),
        [
            ("x-ratelimit-api_key-remaining-requests", "2"),
            ("x-ratelimit-api_key-limit-requests", "3"),
            ("x-ratelimit-api_key-remaining-tokens", "900"),
            ("x-ratelimit-api_key-limit-tokens", "1000"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
    // Cheaper than thought.
    assert_eq!(first.settle(bill(0.0, 50)).headers.len(), 4);
    let too_long = accounts.admit(&who, &Intent { max_output_tokens: Some(2000), ..small }).unwrap_err();
    assert!(
        too_long.message.starts_with(
            "Rate limit exceeded for api_key: sk-...9abc. Limit type: tokens. Current limit: 1000, Remaining: 950."
        ),
        "{too_long}"
    );
    assert_eq!((too_long.status(), too_long.retry_after), (429, Some(Duration::from_secs(60))));
    assert_eq!(
        llm_accounts::limit_headers(&too_long).map(|(n, _)| n).collect::<Vec<_>>(),
        ["rate_limit_type", "reset_at"]
    );
    // A refused call takes nothing: two more fit.
    let more = [accounts.admit(&who, &small).unwrap(), accounts.admit(&who, &small).unwrap()];
    let fourth = accounts.admit(&who, &small).unwrap_err();
    assert!(fourth.message.contains("Limit type: requests. Current limit: 3, Remaining: 0."), "{fourth}");
    drop(more);
    let mut headers = Vec::new();
    who.limit_headers(|name, value| headers.push((name, value.to_owned())));
    assert_eq!(headers.first(), Some(&("x-litellm-key-tpm-limit", "1000".to_owned())));
}

#[tokio::test]
async fn limits_per_model() {
    let metadata = RawJson::parse(r#"{"model_rpm_limit":{"gpt-4o":1}}"#).unwrap();
    let (accounts, who) = with(settings(), VerificationToken { metadata, ..row() }).await;
    drop(accounts.admit(&who, &intent()).unwrap());
    let refused = accounts.admit(&who, &intent()).unwrap_err();
    assert!(refused.message.starts_with("Rate limit exceeded for model_per_key: sk-...9abc:gpt-4o."), "{refused}");
    assert!(accounts.admit(&who, &Intent { model: "other", group: "other", ..intent() }).is_ok());
}

#[tokio::test]
async fn a_dearer_fallback_must_fit() {
    let (accounts, who) = with(settings(), VerificationToken { max_budget: Some(3.0), ..row() }).await;
    let reservation = accounts.admit(&who, &intent()).unwrap();
    assert!(reservation.cover(Some((0.01, 0.01))), "two dollars");
    assert!(!reservation.cover(Some((0.02, 0.02))), "four dollars");
    assert!(reservation.cover(Some((0.001, 0.001))));
    assert!(reservation.admits("another-group"));
    reservation.settle(bill(0.5, 1));
    assert_eq!(who.spend(), Some(0.5));
    let metadata = RawJson::parse(r#"{"disable_fallbacks":true}"#).unwrap();
    let (accounts, who) = with(settings(), VerificationToken { metadata, ..row() }).await;
    let reservation = accounts.admit(&who, &intent()).unwrap();
    assert!(reservation.admits("gpt-4o") && !reservation.admits("another-group"));
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
