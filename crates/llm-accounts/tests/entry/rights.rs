//! What follows from claims: roles, scopes, addresses, limits.

use llm_accounts::{Accounts, EntrySettings, Permission, Role};
use llm_idp::testing::Issuer;
use llm_store::{TeamRow, UserRow};
use llm_types::{Error, Usage};

use crate::support::{CHAT, believing, calls, intent, jwt, open, shows, store, team, user};

#[tokio::test]
async fn the_scope_of_administrators() {
    let issuer = Issuer::start().await;
    let accounts = believing(&issuer, r#"{"user_id_jwt_field":"sub"}"#, store().await);
    let admin = issuer.token(r#"{"sub":"boss","scope":"openid litellm_proxy_admin"}"#);
    let who = shows(&admin).to("/key/generate").enter(&accounts).await.unwrap();
    assert!(who.is_admin() && !who.is_master());
    for (path, wanted) in [("/key/generate", 200), ("/global/spend/report", 200), ("/model/info", 200), (CHAT, 403)] {
        let outcome = accounts.authorize(&who, Permission::Admin, path, false);
        assert_eq!(outcome.map_or_else(|error: Error| error.status(), |()| 200), wanted, "{path}");
    }
    assert_eq!(calls(&accounts, &who, "gpt-4o").await, 403);
    // The word alone, anywhere else, is nothing.
    for near in [
        r#"{"sub":"u","scope":"litellm_proxy_admins"}"#,
        r#"{"sub":"u","roles":["litellm_proxy_admin"]}"#,
        r#"{"sub":"litellm_proxy_admin"}"#,
        r#"{"sub":"u","user_role":"proxy_admin"}"#,
        r#"{"sub":"u","scope":{"a":"litellm_proxy_admin"}}"#,
    ] {
        let who = shows(&issuer.token(near)).enter(&accounts).await.unwrap();
        assert_eq!(who.role(), Some(Role::InternalUser), "{near}");
    }
}

#[tokio::test]
async fn management_by_each_role() {
    let issuer = Issuer::start().await;
    let store = store().await;
    for (id, role) in [
        ("boss", "proxy_admin"),
        ("eye", "proxy_admin_viewer"),
        ("worker", "internal_user"),
        ("guest", "internal_user_viewer"),
    ] {
        user(&store, id, Some(role), &[]).await;
    }
    team(&store, "t", &[]).await;
    let section = r#"{"user_id_jwt_field":"sub","team_id_jwt_field":"team"}"#;
    let accounts = believing(&issuer, section, store);
    // May: change as an administrator, see as one, change what is its own, call a model.
    for (claims, wanted) in [
        (r#"{"sub":"boss"}"#, [1, 1, 1, 1]),
        (r#"{"sub":"eye"}"#, [0, 1, 0, 0]),
        (r#"{"sub":"worker"}"#, [0, 0, 1, 1]),
        (r#"{"sub":"guest"}"#, [0, 0, 0, 1]),
        (r#"{"sub":"stranger"}"#, [0, 0, 1, 1]),
        (r#"{"sub":"worker","team":"t"}"#, [0, 0, 1, 1]),
    ] {
        let token = issuer.token(claims);
        let manages = shows(&token).to("/key/generate").enter(&accounts).await.unwrap();
        let may =
            |permission, reads| u8::from(accounts.authorize(&manages, permission, "/key/generate", reads).is_ok());
        let may = [may(Permission::Admin, false), may(Permission::Admin, true), may(Permission::OwnScope, false)];
        let caller = shows(&token).enter(&accounts).await.unwrap();
        let model = u8::from(calls(&accounts, &caller, "gpt-4o").await == 200);
        assert_eq!([may[0], may[1], may[2], model], wanted, "{claims}");
    }
    // A team's token, without a person, manages nothing.
    let team = issuer.token(r#"{"team":"t"}"#);
    assert_eq!(shows(&team).to("/key/generate").status(&accounts).await, 403);
    assert_eq!(shows(&team).status(&accounts).await, 200);
    assert_eq!(shows(&issuer.token("{}")).status(&accounts).await, 401, "who is nobody is no caller");
}

#[tokio::test]
async fn roles_and_scopes_limit_models_and_routes() {
    let issuer = Issuer::start().await;
    let section = r#"{
        "user_id_jwt_field": "sub", "roles_jwt_field": "realm_access.roles", "object_id_jwt_field": "oid",
        "role_mappings": [{"role":"devs","internal_role":"internal_user"}, {"role":"ops","internal_role":"proxy_admin"}],
        "enforce_rbac": true, "enforce_scope_based_access": true,
        "scope_mappings": [
            {"scope":"small","models":["gpt-4o-mini"],"routes":["/v1/chat/completions"]},
            {"scope":"large","models":["gpt-4o","gpt-4o-mini"],"routes":["openai_routes"]}
        ]}"#;
    let permissions =
        r#"[{"role":"internal_user","models":["gpt-4o-mini","gpt-4o"],"routes":["/v1/chat/completions"]}]"#;
    let entry = EntrySettings { jwt: Some(jwt(&issuer, section, permissions)), ..EntrySettings::default() };
    let accounts = open(entry, store().await);
    for (claims, model, wanted) in [
        (r#"{"sub":"u","scope":"small"}"#, "gpt-4o-mini", 200),
        (r#"{"sub":"u","scope":"small"}"#, "gpt-4o", 403),
        (r#"{"sub":"u","scope":"large"}"#, "gpt-4o", 200),
        (r#"{"sub":"u","scope":["small","large"]}"#, "gpt-4o", 200),
        (r#"{"sub":"u","scope":"large"}"#, "claude", 403),
        (r#"{"sub":"u","scope":"other"}"#, "gpt-4o", 403),
        (r#"{"sub":"u"}"#, "gpt-4o", 403),
    ] {
        let who = shows(&issuer.token(claims)).enter(&accounts).await.unwrap();
        assert_eq!(calls(&accounts, &who, model).await, wanted, "{claims} {model}");
    }
    let who = shows(&issuer.token(r#"{"sub":"u","scope":"large"}"#)).enter(&accounts).await.unwrap();
    assert!(who.may_call(CHAT) && !who.may_call("/v1/embeddings"), "the role has one route");
    let by_object = issuer.token(r#"{"oid":"o-1","realm_access":{"roles":["devs"]},"scope":"small"}"#);
    assert_eq!(shows(&by_object).enter(&accounts).await.unwrap().user_id(), Some("o-1"));
    let ops = issuer.token(r#"{"realm_access":{"roles":["ops"]}}"#);
    assert!(shows(&ops).enter(&accounts).await.unwrap().is_admin());
    let unmatched = issuer.token(r#"{"realm_access":{"roles":["other"]},"scope":"large"}"#);
    assert_eq!(shows(&unmatched).status(&accounts).await, 403, "enforce_rbac knows no such role");
}

#[tokio::test]
async fn addresses_and_roles_of_users() {
    let issuer = Issuer::start().await;
    let section = r#"{"user_id_jwt_field":"sub","user_email_jwt_field":"email","user_allowed_email_domain":"example.com",
        "user_roles_jwt_field":"resource.roles","user_allowed_roles":["chat"]}"#;
    let accounts = believing(&issuer, section, store().await);
    for (claims, wanted) in [
        (r#"{"sub":"u","email":"u@example.com","resource":{"roles":["chat"]}}"#, 200),
        (r#"{"sub":"u","email":"u@EXAMPLE.com","resource":{"roles":"chat"}}"#, 200),
        (r#"{"sub":"u","email":"u@example.com.evil.org","resource":{"roles":["chat"]}}"#, 403),
        (r#"{"sub":"u","email":"u@sub.example.com","resource":{"roles":["chat"]}}"#, 403),
        (r#"{"sub":"u","email":"example.com","resource":{"roles":["chat"]}}"#, 403),
        (r#"{"sub":"u","resource":{"roles":["chat"]}}"#, 403),
        (r#"{"sub":"u","email":"u@example.com","resource":{"roles":["other"]}}"#, 403),
        (r#"{"sub":"u","email":"u@example.com"}"#, 403),
    ] {
        assert_eq!(shows(&issuer.token(claims)).status(&accounts).await, wanted, "{claims}");
    }
}

#[tokio::test]
async fn budgets_and_rows_are_those_of_user_and_team() {
    let issuer = Issuer::start().await;
    let store = store().await;
    user(&store, "u", None, &[]).await;
    let row = TeamRow { team_id: "poor".into(), max_budget: Some(1.5), ..TeamRow::default() };
    store.table::<TeamRow>().put(&row).await.unwrap();
    let section = r#"{"user_id_jwt_field":"sub","team_id_jwt_field":"team","end_user_id_jwt_field":"customer"}"#;
    let accounts: Accounts = believing(&issuer, section, store.clone());
    let token = issuer.token(r#"{"sub":"u","team":"poor","customer":"c"}"#);
    let who = shows(&token).enter(&accounts).await.unwrap();
    assert_eq!(who.end_user(), Some("c"));
    let reservation = accounts.admit_shared(&who, CHAT, &intent("gpt-4o")).await.unwrap();
    assert_eq!(calls(&accounts, &who, "gpt-4o").await, 422, "one dollar of one and a half is set aside");
    let usage = Usage { input_text: 200, ..Usage::default() };
    reservation.settle(llm_accounts::Bill { usage, cost: 1.0, record: None, charge: true });
    accounts.flush().await.unwrap();
    let spent = |row: Option<f64>| row.unwrap_or_default();
    let row = store.table::<TeamRow>().get(["poor"]).await.unwrap();
    assert!((spent(row.map(|row| row.spend)) - 1.0).abs() < 1e-9);
    let row = store.table::<UserRow>().get(["u"]).await.unwrap();
    assert!((spent(row.map(|row| row.spend)) - 1.0).abs() < 1e-9);
    let logged = who.caller();
    assert_eq!((logged.user_id.as_deref(), logged.team_id.as_deref()), (Some("u"), Some("poor")));
    let name = logged.key_hash.unwrap();
    assert!(name.starts_with("hashed-jwt-") && !name.contains(&token), "{name}");
}
