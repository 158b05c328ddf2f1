//! A new configuration changes limits while the gateway runs.

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, Credential, Intent, TokenLimitType};
use llm_store::{EndUserRow, VerificationToken};
use llm_types::Secret;

use crate::support::{KEY, MASTER, bill, intent, row, settings, with};

async fn refused(accounts: &Accounts, key: &str, intent: &Intent<'_>) -> Option<u16> {
    let who = accounts.identify(&Credential::Key(key)).await.unwrap();
    accounts.admit_shared(&who, intent.route, intent).await.err().map(|error| error.status())
}

#[tokio::test]
async fn budgets_of_the_configuration_follow() {
    let (accounts, who) = with(settings(), row()).await;
    accounts.admit(&who, &intent()).unwrap().settle(bill(2.0, 1));
    accounts.flush().await.unwrap();
    assert_eq!((refused(&accounts, KEY, &intent()).await, accounts.proxy_spend()), (None, None));
    accounts.set_settings(AccountsSettings { max_budget: 1.0, budget_exceeded_status_code: 429, ..settings() });
    for key in [KEY, MASTER] {
        let who = accounts.identify(&Credential::Key(key)).await.unwrap();
        accounts.admit(&who, &intent()).unwrap().settle(bill(0.6, 1));
    }
    for key in [KEY, MASTER] {
        assert_eq!(refused(&accounts, key, &intent()).await, Some(429), "the budget holds for everybody, at once");
    }
    assert_eq!(accounts.proxy_spend().map(|(_, max)| max), Some(1.0));
    accounts.set_settings(AccountsSettings { max_budget: 10.0, ..settings() });
    assert_eq!(refused(&accounts, KEY, &intent()).await, None);
    accounts.set_settings(settings());
    assert_eq!((refused(&accounts, MASTER, &intent()).await, accounts.proxy_spend()), (None, None));
}

#[tokio::test]
async fn what_was_known_by_old_settings_is_read_again() {
    let (accounts, who) = with(settings(), row()).await;
    let store = accounts.store().unwrap();
    store.table().insert(&EndUserRow { user_id: "e".to_owned(), spend: 3.0, ..EndUserRow::default() }).await.unwrap();
    accounts.flush().await.unwrap();
    let named = Intent { end_user: Some("e"), ..intent() };
    assert_eq!(refused(&accounts, KEY, &named).await, None);
    accounts.set_settings(AccountsSettings { max_end_user_budget: Some(2.0), ..settings() });
    accounts.flush().await.unwrap();
    assert_eq!(refused(&accounts, KEY, &named).await, Some(422));
    // The same again: nobody is read anew.
    let before = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    accounts.set_settings(AccountsSettings { max_end_user_budget: Some(2.0), ..settings() });
    assert!(Arc::ptr_eq(&before, &accounts.identify(&Credential::Key(KEY)).await.unwrap()));
    assert!(!Arc::ptr_eq(&before, &who));
}

#[tokio::test]
async fn what_belongs_to_the_start_stays() {
    let (accounts, _) = with(settings(), VerificationToken { tpm_limit: Some(150), ..row() }).await;
    let other = AccountsSettings {
        master_key: Some(Secret::new("sk-another-0123456789")),
        timezone: Some("Nowhere".to_owned()),
        token_rate_limit_type: TokenLimitType::Input,
        enforce_user_param: true,
        ..AccountsSettings::default()
    };
    assert_eq!(refused(&accounts, KEY, &intent()).await, Some(429), "200 tokens of 150");
    accounts.set_settings(other);
    assert_eq!(refused(&accounts, MASTER, &intent()).await, Some(401), "an end user has to be named");
    assert!(accounts.identify(&Credential::Key("sk-another-0123456789")).await.is_err());
    assert_eq!((accounts.settings().timezone.as_deref(), accounts.reset_clock().is_ok()), (None, true));
    let named = Intent { end_user: Some("e"), ..intent() };
    assert_eq!(refused(&accounts, KEY, &named).await, None, "100 tokens of the prompt");
}
