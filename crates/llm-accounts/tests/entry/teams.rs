//! Callers of several teams, and rows that are made for a token.

use llm_idp::testing::Issuer;
use llm_store::{OrganizationRow, TeamRow, UserRow};

use crate::support::{CHAT, believing, calls, intent, shows, store, team, user};

#[tokio::test]
async fn the_first_team_that_may_acts() {
    let issuer = Issuer::start().await;
    let store = store().await;
    team(&store, "a", &["gpt-4o"]).await;
    team(&store, "b", &["gpt-4o", "claude"]).await;
    team(&store, "c", &["claude"]).await;
    let section = r#"{"user_id_jwt_field":"sub","team_ids_jwt_field":"groups"}"#;
    let accounts = believing(&issuer, section, store);
    let token = issuer.token(r#"{"sub":"u","groups":["gone","a","b"]}"#);
    let who = shows(&token).enter(&accounts).await.unwrap();
    for (model, team) in [("gpt-4o", "a"), ("claude", "b")] {
        let acting = who.acting(&[model]);
        assert_eq!(acting.team_id(), Some(team), "{model}");
        let reservation = accounts.admit_shared(&who, CHAT, &intent(model)).await.unwrap();
        drop(reservation);
    }
    assert_eq!(calls(&accounts, &who, "other").await, 403);
    for (header, status) in [("a", 200), ("b", 200), ("c", 403), ("gone", 403), ("", 403)] {
        let req = shows(&token).with("x-litellm-team-id", header);
        assert_eq!(req.status(&accounts).await, status, "{header}");
        if let Ok(who) = req.enter(&accounts).await {
            assert_eq!(who.team_id(), Some(header));
            let claude = if header == "b" { 200 } else { 403 };
            assert_eq!(calls(&accounts, &who, "claude").await, claude, "{header} is who acts, and nobody else");
        }
    }
    // Beside model routes the person acts; model routes that are not the teams' are closed.
    assert_eq!(shows(&token).to("/key/generate").enter(&accounts).await.unwrap().team_id(), None);
    assert_eq!(shows(&token).to("/v1beta/models/x:generateContent").status(&accounts).await, 403);
}

#[tokio::test]
async fn teams_that_are_not_there() {
    let issuer = Issuer::start().await;
    for (section, claims, wanted) in [
        (r#"{"team_id_jwt_field":"team"}"#, r#"{"team":"gone"}"#, 403),
        (r#"{"team_ids_jwt_field":"teams"}"#, r#"{"teams":["gone"]}"#, 403),
        (r#"{"team_id_jwt_field":"team","team_id_default":"there"}"#, r#"{"sub":"u"}"#, 200),
        (r#"{"team_id_jwt_field":"team","team_id_default":"there"}"#, r#"{"sub":"u","team":"gone"}"#, 403),
        (
            r#"{"team_id_jwt_field":"team","team_id_default":"there","team_claim_fallback":true}"#,
            r#"{"team":"gone"}"#,
            403,
        ),
        (r#"{"team_id_jwt_field":"team","team_id_default":"gone"}"#, r#"{"sub":"u"}"#, 403),
        (r#"{"team_id_jwt_field":"team","team_id_upsert":true}"#, r#"{"team":"new"}"#, 200),
        (r#"{"team_alias_jwt_field":"name"}"#, r#"{"name":"There"}"#, 200),
        (r#"{"team_alias_jwt_field":"name"}"#, r#"{"name":"Gone"}"#, 403),
        (r#"{"enforce_team_based_model_access":true}"#, r#"{"sub":"u"}"#, 403),
        (r#"{"fallback_to_db_teams":true}"#, r#"{"sub":"member"}"#, 200),
        (r#"{"org_id_jwt_field":"org"}"#, r#"{"sub":"u","org":"o"}"#, 200),
        (r#"{"org_alias_jwt_field":"org"}"#, r#"{"sub":"u","org":"Org"}"#, 200),
        (r#"{"org_id_jwt_field":"org"}"#, r#"{"sub":"u","org":"gone"}"#, 403),
    ] {
        let store = store().await;
        let row = TeamRow { team_id: "there".into(), team_alias: Some("There".into()), ..TeamRow::default() };
        store.table::<TeamRow>().put(&row).await.unwrap();
        let row = OrganizationRow {
            organization_id: "o".into(),
            organization_alias: "Org".into(),
            ..OrganizationRow::default()
        };
        store.table::<OrganizationRow>().put(&row).await.unwrap();
        user(&store, "member", None, &["there"]).await;
        let mut section = crate::support::json(section);
        section.set("user_id_jwt_field", "sub");
        let accounts = believing(&issuer, &section.to_string(), store.clone());
        let entered = shows(&issuer.token(claims)).enter(&accounts).await;
        let status = entered.as_ref().map_or_else(llm_types::Error::status, |_| 200);
        // A claim that is passed over leads to the default only where it may.
        let wanted = if section.get("team_claim_fallback").is_some() { 200 } else { wanted };
        assert_eq!(status, wanted, "{section} {claims}");
        if claims.contains("member") {
            assert_eq!(entered.unwrap().team_id(), Some("there"));
        }
    }
}

#[tokio::test]
async fn users_are_made_and_follow_their_provider() {
    let issuer = Issuer::start().await;
    let store = store().await;
    for id in ["a", "b"] {
        team(&store, id, &[]).await;
    }
    let section = r#"{"user_id_jwt_field":"sub","user_email_jwt_field":"email","user_id_upsert":true,
        "team_ids_jwt_field":"groups","roles_jwt_field":"roles","sync_user_role_and_teams":true,
        "jwt_litellm_role_map":[{"jwt_role":"see-*","litellm_role":"proxy_admin_viewer"},{"jwt_role":"work","litellm_role":"internal_user"}]}"#;
    let accounts = believing(&issuer, section, store.clone());
    let row = |id: &'static str| {
        let store = store.clone();
        async move { store.table::<UserRow>().get([id]).await.unwrap() }
    };
    let first = issuer.token(r#"{"sub":"u","email":"u@example.com","groups":["a"],"roles":["work"]}"#);
    // Everybody at once makes one user.
    let all = futures_util::future::join_all((0..8).map(|_| async { shows(&first).status(&accounts).await })).await;
    assert!(all.iter().all(|status| *status == 200), "{all:?}");
    let made = row("u").await.unwrap();
    assert_eq!((made.user_email.as_deref(), made.user_role.as_deref()), (Some("u@example.com"), Some("internal_user")));
    assert_eq!(made.teams, ["a"]);
    let moved = issuer.token(r#"{"sub":"u","groups":["b"],"roles":["see-all"]}"#);
    let who = shows(&moved).to("/user/list").enter(&accounts).await.unwrap();
    let now = row("u").await.unwrap();
    assert_eq!((now.user_role.as_deref(), now.teams), (Some("proxy_admin_viewer"), vec!["b".to_owned()]));
    assert_eq!(who.role(), Some(llm_accounts::Role::ProxyAdminViewer), "and it holds at once");
    // Without the switch nobody is made.
    let plain = believing(&issuer, r#"{"user_id_jwt_field":"sub"}"#, store.clone());
    assert_eq!(shows(&issuer.token(r#"{"sub":"new"}"#)).status(&plain).await, 200);
    assert!(row("new").await.is_none());
}

#[tokio::test]
async fn an_address_is_somebody_only_when_the_provider_vouches_for_it() {
    let issuer = Issuer::start().await;
    let store = store().await;
    let row = UserRow {
        user_id: "boss".into(),
        user_email: Some("boss@example.com".into()),
        user_role: Some("proxy_admin".into()),
        sso_user_id: Some("sso-1".into()),
        ..UserRow::default()
    };
    store.table::<UserRow>().put(&row).await.unwrap();
    let accounts = believing(&issuer, r#"{"user_id_jwt_field":"sub","user_email_jwt_field":"email"}"#, store);
    for (claims, admin) in [
        (r#"{"sub":"x","email":"boss@example.com"}"#, false),
        (r#"{"sub":"x","email":"boss@example.com","email_verified":false}"#, false),
        (r#"{"sub":"x","email":"boss@example.com","email_verified":"true"}"#, false),
        (r#"{"sub":"x","email":"boss@example.com","email_verified":true}"#, true),
        (r#"{"sub":"sso-1"}"#, true),
    ] {
        let who = shows(&issuer.token(claims)).to("/user/list").enter(&accounts).await.unwrap();
        assert_eq!(who.is_admin(), admin, "{claims}");
    }
}
