//! Providers and stores that are away, tokens that end, rows that change.

use std::time::Duration;

use llm_accounts::{AccountsSettings, EntrySettings, JwtAuth, JwtEnvironment};
use llm_idp::testing::{Issuer, now};
use llm_types::Json;

use crate::support::{believing, json, jwt, open_with, shows, store, team, user};

const SECTION: &str = r#"{"user_id_jwt_field":"sub","team_id_jwt_field":"team"}"#;

#[tokio::test]
async fn nobody_is_refused_because_somebody_is_away() {
    let issuer = Issuer::start().await;
    issuer.away(true);
    let accounts = believing(&issuer, SECTION, store().await);
    let token = issuer.token(r#"{"sub":"u"}"#);
    let error = shows(&token).enter(&accounts).await.unwrap_err();
    assert_eq!((error.status(), error.openai_type()), (503, "auth_provider_unavailable"));
    assert!(!error.message.contains("127.0.0.1"), "{error}");

    issuer.away(false);
    let closed = store().await;
    closed.close().await;
    let accounts = believing(&issuer, SECTION, closed);
    let error = shows(&token).enter(&accounts).await.unwrap_err();
    assert_eq!((error.status(), error.openai_type()), (503, "no_db_connection"));

    // Who is known stays known while the store is away.
    let there = store().await;
    let entry = EntrySettings { jwt: Some(jwt(&issuer, SECTION, "[]")), ..EntrySettings::default() };
    let settings = AccountsSettings { user_api_key_cache_ttl: 0.001, entry, ..AccountsSettings::default() };
    let accounts = open_with(settings, there.clone());
    assert_eq!(shows(&token).status(&accounts).await, 200);
    there.close().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(shows(&token).status(&accounts).await, 200);
    assert_eq!(shows(&issuer.token(r#"{"sub":"other"}"#)).status(&accounts).await, 503);
}

#[tokio::test]
async fn a_token_is_remembered_as_a_whole_and_never_beyond_its_end() {
    let issuer = Issuer::start().await;
    let accounts = believing(&issuer, SECTION, store().await);
    let token = issuer.token(r#"{"sub":"u"}"#);
    assert_eq!(shows(&token).status(&accounts).await, 200);
    // The same but for the end of its signature.
    let (head, tail) = token.split_at(token.len() - 4);
    let twisted: String = tail.chars().rev().collect();
    let forged = format!("{head}{}", if twisted == tail { "AAAA" } else { &twisted });
    assert_eq!(shows(&forged).status(&accounts).await, 401);
    let other = issuer.token(r#"{"sub":"v"}"#);
    assert_eq!(shows(&other).enter(&accounts).await.unwrap().user_id(), Some("v"));
    // Within the skew it is let in, and what is remembered of it ends with it all the same.
    let ending = issuer.token(&format!(r#"{{"sub":"u","exp":{}}}"#, now() - 5));
    assert_eq!(shows(&ending).status(&accounts).await, 401);
    let brief = issuer.token(&format!(r#"{{"sub":"u","exp":{}}}"#, now() + 1));
    assert_eq!(shows(&brief).status(&accounts).await, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(shows(&brief).status(&accounts).await, 401);
}

#[tokio::test]
async fn changes_of_rows_hold_at_once() {
    let issuer = Issuer::start().await;
    let store = store().await;
    team(&store, "t", &["gpt-4o"]).await;
    user(&store, "u", None, &[]).await;
    let accounts = believing(&issuer, SECTION, store.clone());
    let token = issuer.token(r#"{"sub":"u","team":"t"}"#);
    let who = shows(&token).enter(&accounts).await.unwrap();
    assert_eq!(crate::support::calls(&accounts, &who, "claude").await, 403);
    let admin = shows(crate::support::MASTER).enter(&accounts).await.unwrap();
    let actor = llm_accounts::Actor { who: &admin, changed_by: None };
    accounts.update_team(actor, None, &json(r#"{"team_id":"t","models":["claude"]}"#)).await.unwrap();
    let who = shows(&token).enter(&accounts).await.unwrap();
    assert_eq!(crate::support::calls(&accounts, &who, "claude").await, 200);
    accounts.block_team(actor, &json(r#"{"team_id":"t"}"#), true).await.unwrap();
    let who = shows(&token).enter(&accounts).await.unwrap();
    assert_eq!(crate::support::calls(&accounts, &who, "claude").await, 401);
    accounts.update_user(actor, &json(r#"{"user_id":"u","metadata":{"scim_active":false}}"#)).await.unwrap();
    assert_eq!(shows(&token).status(&accounts).await, 401, "an inactive user");
}

#[test]
fn sections_that_cannot_be_served() {
    let env = JwtEnvironment { key_urls: Some("https://idp.example/jwks".into()), ..JwtEnvironment::default() };
    let read = |section: &str| JwtAuth::read(&json(section), &env, Vec::new(), false);
    assert!(read("{}").is_ok_and(|jwt| jwt.warnings.iter().any(|w| w.contains("JWT_AUDIENCE"))));
    for (section, why) in [
        (r#"{"user_id_jwt_feild":"sub"}"#, "unknown field `user_id_jwt_feild`"),
        (r#"{"custom_validate":"my.module.check"}"#, "custom_auth_url"),
        (r#"{"oidc_userinfo_enabled":true}"#, "enable_oauth2_auth"),
        (r#"{"user_roles_jwt_field":"roles"}"#, "go together"),
        (r#"{"admin_jwt_scope":""}"#, "empty"),
        (r#"{"role_mappings":[{"role":"a","internal_role":"root"}]}"#, "internal_role"),
        (r#"{"jwt_litellm_role_map":[{"jwt_role":"a","litellm_role":"root"}]}"#, "no role"),
        (r#"{"routing_overrides":[{"iss":"a","path":"elsewhere"}]}"#, "no path"),
        (r#"{"unregistered_jwt_client_behavior":"allow"}"#, "unknown variant"),
        (r#"{"issuers":[{"issuer":"https://a.example"}]}"#, "audience"),
        (r#"{"issuers":[{"issuer":"https://a.example","audience":"x","jwks_url":"file:///etc/passwd"}]}"#, "URL"),
        (r#"{"issuers":[{"issuer":"https://a.example","audience":"x","typo":1}]}"#, "unknown key"),
        (r#"{"issuers":[{"audience":"x"}]}"#, "issuer is missing"),
    ] {
        let error = read(section).unwrap_err();
        assert!(error.why.contains(why), "{section}: {error}");
        // The place is the key, not the section.
        let key = section.split('"').nth(1).unwrap();
        assert_eq!(error.at.first().map(String::as_str), Some(key), "{section}: {error}");
    }
    let nobody = JwtAuth::read(&Json::Null, &JwtEnvironment::default(), Vec::new(), false);
    assert!(nobody.unwrap_err().why.contains("nobody is trusted"));
    let deep = read(r#"{"issuers":[{"issuer":"https://a.example","audience":"x","typo":1}]}"#).unwrap_err();
    assert_eq!(deep.to_string(), "issuers.0.typo: unknown key");
}

#[tokio::test]
async fn several_issuers_each_with_its_own_claims() {
    let (one, two) = (Issuer::start().await, Issuer::start().await);
    let section = format!(
        r#"{{"user_id_jwt_field":"sub","issuers":[
            {{"issuer":"{}","audience":"gw"}},
            {{"issuer":"{}","jwks_url":"{}","disable_audience_validation":true,"user_id_jwt_field":"client.id"}}]}}"#,
        one.url(),
        two.url(),
        two.jwks()
    );
    let jwt = JwtAuth::read(&json(&section), &JwtEnvironment::default(), Vec::new(), false).unwrap();
    let entry = EntrySettings { jwt: Some(std::sync::Arc::new(jwt)), ..EntrySettings::default() };
    let accounts = open_with(AccountsSettings { entry, ..AccountsSettings::default() }, store().await);
    let user = |token: String| {
        let accounts = &accounts;
        async move { shows(&token).enter(accounts).await.map(|who| who.user_id().map(str::to_owned)) }
    };
    assert_eq!(user(one.token(r#"{"sub":"u","aud":"gw"}"#)).await.unwrap().as_deref(), Some("u"));
    assert_eq!(user(two.token(r#"{"sub":"u","client":{"id":"c"}}"#)).await.unwrap().as_deref(), Some("c"));
    // Each signs for itself alone.
    let pretending = format!(r#"{{"iss":"{}","sub":"u","aud":"gw"}}"#, one.url());
    assert_eq!(user(two.token(&pretending)).await.unwrap_err().status(), 401);
    assert_eq!(user(one.token(r#"{"sub":"u","aud":"other"}"#)).await.unwrap_err().status(), 401);
    let stranger = Issuer::start().await;
    assert_eq!(user(stranger.token(r#"{"sub":"u","aud":"gw"}"#)).await.unwrap_err().status(), 401);
}
