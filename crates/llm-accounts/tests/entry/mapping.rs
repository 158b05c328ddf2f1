//! Tokens that stand for virtual keys.

use llm_accounts::KeyDigest;
use llm_idp::testing::Issuer;
use llm_store::{Filter, JwtKeyMappingRow, Store, VerificationToken};

use crate::support::{KEY, believing, shows, store};

async fn mapped(store: &Store, issuer: &str, value: &str) {
    let key = VerificationToken {
        token: KeyDigest::of(KEY).hex(),
        user_id: Some("owner".into()),
        ..VerificationToken::default()
    };
    store.keys().insert(&key).await.unwrap();
    let row = JwtKeyMappingRow {
        jwt_issuer: issuer.to_owned(),
        jwt_claim_name: "azp".into(),
        jwt_claim_value: value.to_owned(),
        token: key.token,
        ..JwtKeyMappingRow::default()
    };
    store.table::<JwtKeyMappingRow>().insert(&row).await.unwrap();
}

#[tokio::test]
async fn a_claim_stands_for_a_key() {
    let issuer = Issuer::start().await;
    let store = store().await;
    mapped(&store, issuer.url(), "app").await;
    let section =
        r#"{"user_id_jwt_field":"sub","virtual_key_claim_field":"azp","unregistered_jwt_client_behavior":"reject"}"#;
    let accounts = believing(&issuer, section, store.clone());
    let token = issuer.token(r#"{"azp":"app"}"#);
    for _ in 0..2 {
        let who = shows(&token).enter(&accounts).await.unwrap();
        assert!(who.is_key() && who.user_id() == Some("owner"));
        assert_eq!(who.key_hash(), Some(&*KeyDigest::of(KEY).hex()));
    }
    assert_eq!(shows(&issuer.token(r#"{"azp":"other","sub":"u"}"#)).status(&accounts).await, 403);
    assert_eq!(shows(&issuer.token(r#"{"sub":"u"}"#)).status(&accounts).await, 403, "without the claim as well");
    let falls = believing(&issuer, r#"{"user_id_jwt_field":"sub","virtual_key_claim_field":"azp"}"#, store.clone());
    let who = shows(&issuer.token(r#"{"azp":"other","sub":"u"}"#)).enter(&falls).await.unwrap();
    assert!(!who.is_key() && who.user_id() == Some("u"));
    // What is blocked is blocked by every way.
    let mut row = store.keys().get_by_hash(&KeyDigest::of(KEY).hex()).await.unwrap().unwrap();
    row.blocked = Some(true);
    store.table::<VerificationToken>().put(&row).await.unwrap();
    accounts.forget_key(&KeyDigest::of(KEY));
    assert_eq!(shows(&token).status(&accounts).await, 401);
}

#[tokio::test]
async fn a_mapping_of_another_issuer_is_not_this_ones() {
    let issuer = Issuer::start().await;
    let store = store().await;
    mapped(&store, "https://other.example", "app").await;
    let section = r#"{"virtual_key_claim_field":"azp","unregistered_jwt_client_behavior":"reject"}"#;
    let accounts = believing(&issuer, section, store);
    assert_eq!(shows(&issuer.token(r#"{"azp":"app"}"#)).status(&accounts).await, 403);
}

#[tokio::test]
async fn a_new_client_gets_one_key() {
    let issuer = Issuer::start().await;
    let store = store().await;
    let section = r#"{"user_id_jwt_field":"sub","virtual_key_claim_field":"azp","unregistered_jwt_client_behavior":"auto_register"}"#;
    let accounts = believing(&issuer, section, store.clone());
    let tokens: Vec<String> = (0..6).map(|n| issuer.token(&format!(r#"{{"azp":"app","sub":"u","n":{n}}}"#))).collect();
    let all = futures_util::future::join_all(tokens.iter().map(|token| {
        let req = shows(token);
        let accounts = &accounts;
        async move { req.enter(accounts).await }
    }))
    .await;
    let hashes: Vec<String> = all.iter().map(|who| who.as_ref().unwrap().key_hash().unwrap().to_owned()).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    let rows = store.table::<JwtKeyMappingRow>().find(Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(store.table::<VerificationToken>().count(&Filter::new()).await.unwrap(), 1, "the others went again");
}
