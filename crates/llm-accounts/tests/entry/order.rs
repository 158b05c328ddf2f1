//! Which way a caller comes by: the table of decisions.

use std::sync::Arc;

use llm_accounts::{EntrySettings, Introspection, KeyDigest, Network, ProxyHeaders};
use llm_idp::testing::{Asked, Issuer, Server};
use llm_store::VerificationToken;

use crate::support::{CHAT, KEY, MASTER, Req, jwt, open, shows, store};

/// Who came in, by which way.
async fn came(accounts: &llm_accounts::Accounts, req: Req) -> String {
    match req.enter(accounts).await {
        Ok(who) if who.is_master() => "master".to_owned(),
        Ok(who) if who.is_key() => "key".to_owned(),
        Ok(who) => who.user_id().unwrap_or("nobody").to_owned(),
        Err(error) => error.status().to_string(),
    }
}

#[tokio::test]
async fn the_first_way_that_fits_decides() {
    let issuer = Issuer::start().await;
    let server = Server::start(|asked: &Asked, _: &str| {
        let shown = asked.headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
        match shown.strip_prefix("Bearer ") {
            Some("opaque") => (200, r#"{"sub":"introspected"}"#.to_owned()),
            Some(token) if token.starts_with("ey") => (200, r#"{"sub":"sent on"}"#.to_owned()),
            _ => (401, String::new()),
        }
    })
    .await;
    let section = format!(
        r#"{{"user_id_jwt_field":"sub","routing_overrides":[{{"iss":"{}","client_id":"machine","path":"oauth2"}}]}}"#,
        issuer.url()
    );
    let entry = EntrySettings {
        jwt: Some(jwt(&issuer, &section, "[]")),
        oauth2: Some(Arc::new(Introspection {
            url: server.url.clone(),
            client: None,
            user_id_field: "sub".into(),
            role_field: "role".into(),
            team_id_field: "team_id".into(),
        })),
        headers: Some(Arc::new(ProxyHeaders(vec![("user_id".into(), "x-user".into())]))),
        network: Network { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Network::default() },
        public_routes: vec!["/v1/models".into()],
        ..EntrySettings::default()
    };
    let store = store().await;
    let key = VerificationToken { token: KeyDigest::of(KEY).hex(), ..VerificationToken::default() };
    store.keys().insert(&key).await.unwrap();
    let accounts = open(entry, store);
    let token = issuer.token(r#"{"sub":"signed"}"#);
    let machine = issuer.token(r#"{"sub":"signed","client_id":"machine"}"#);
    let nobody = Req { key: None, ..shows("") };
    let sent_before = server.count();
    for (what, req, wanted) in [
        ("the master key", shows(MASTER), "master"),
        ("a key", shows(KEY), "key"),
        ("no key", nobody.clone(), "401"),
        ("an unknown key", shows("sk-unknown-0123456789"), "401"),
        ("a signed token", shows(&token), "signed"),
        ("a signed token on a management route", shows(&token).to("/user/info"), "signed"),
        ("a signed token that is sent on", shows(&machine), "sent on"),
        ("the same on a management route", shows(&machine).to("/user/delete"), "signed"),
        ("an opaque token", shows("opaque"), "introspected"),
        ("an opaque token on an info route", shows("opaque").to("/key/info"), "introspected"),
        ("an opaque token on a management route", shows("opaque").to("/key/generate"), "401"),
        ("another opaque token", shows("other"), "401"),
        ("a header of the proxy", nobody.clone().with("x-user", "ann").from("10.1.1.1"), "ann"),
        ("a header of the proxy beside a key", shows(KEY).with("x-user", "ann").from("10.1.1.1"), "ann"),
        ("the same header from a stranger", nobody.clone().with("x-user", "ann").from("203.0.113.1"), "401"),
        ("a stranger's header beside a key", shows(KEY).with("x-user", "ann").from("203.0.113.1"), "key"),
        ("the proxy without the header", nobody.clone().from("10.1.1.1"), "401"),
        ("the header twice", nobody.clone().with("x-user", "a").with("x-user", "b").from("10.1.1.1"), "401"),
        ("nobody on a public route", nobody.clone().to("/v1/models"), "nobody"),
        ("a key on a public route", shows(KEY).to("/v1/models"), "key"),
        ("a wrong key on a public route", shows("sk-unknown-0123456789").to("/v1/models"), "nobody"),
        ("nobody below another route", nobody.to(CHAT), "401"),
    ] {
        assert_eq!(came(&accounts, req).await, wanted, "{what}");
    }
    let shown: Vec<String> = server.asked().iter().skip(sent_before).map(|a| format!("{:?}", a.headers)).collect();
    assert!(shown.iter().all(|headers| !headers.contains("sk-")), "keys of the gateway are shown to nobody else");
}

#[tokio::test]
async fn what_a_server_said_holds_only_where_it_was_asked() {
    let issuer = Issuer::start().await;
    let accounts = crate::support::believing(&issuer, r#"{"user_id_jwt_field":"sub"}"#, store().await);
    let token = issuer.token(r#"{"sub":"u"}"#);
    assert_eq!(shows(&token).status(&accounts).await, 200);
    // The plain way of keys knows no tokens, whatever is remembered.
    let plain = accounts.identify(&llm_accounts::Credential::Key(&token)).await;
    assert_eq!(plain.unwrap_err().status(), 401);
}
