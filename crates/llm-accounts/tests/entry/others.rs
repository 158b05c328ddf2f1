//! An authorization server, a proxy, a hook, addresses.

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::{AccountsSettings, EntrySettings, Hook, Introspection, KeyDigest, Network, ProxyHeaders};
use llm_idp::testing::{Asked, Issuer, Server, now};
use llm_store::VerificationToken;
use llm_types::Secret;

use crate::support::{KEY, MASTER, Req, calls, json, jwt, open, shows, store, team, user};

fn introspection(url: &str, client: Option<(&str, &str)>) -> EntrySettings {
    let client = client.map(|(id, secret)| (id.to_owned(), Secret::new(secret)));
    let oauth2 = Introspection {
        url: url.to_owned(),
        client,
        user_id_field: "sub".into(),
        role_field: "role".into(),
        team_id_field: "team_id".into(),
    };
    EntrySettings { oauth2: Some(Arc::new(oauth2)), ..EntrySettings::default() }
}

#[tokio::test]
async fn tokens_are_introspected() {
    let server = Server::start(|asked: &Asked, _: &str| {
        let fine = asked.headers.get("authorization").is_some_and(|v| v == "Basic Z3c6aGVtbGljaA==");
        match (fine, asked.body.strip_prefix("token=")) {
            (true, Some("good")) => (200, format!(r#"{{"active":true,"sub":"u","team_id":"t","exp":{}}}"#, now() + 60)),
            (true, Some("boss")) => (200, r#"{"active":true,"sub":"b","role":"proxy_admin"}"#.to_owned()),
            (true, Some("ended")) => (200, format!(r#"{{"active":true,"sub":"u","exp":{}}}"#, now() - 1)),
            (true, Some("gone")) => (200, r#"{"active":false}"#.to_owned()),
            (true, Some("silent")) => (200, r#"{"sub":"u"}"#.to_owned()),
            (true, Some("nobody")) => (200, r#"{"active":true}"#.to_owned()),
            (true, Some("broken")) => (200, "<html>".to_owned()),
            (true, Some("down")) => (500, String::new()),
            _ => (401, String::new()),
        }
    })
    .await;
    let store = store().await;
    team(&store, "t", &["gpt-4o"]).await;
    let accounts = open(introspection(&server.url, Some(("gw", "hemlich"))), store.clone());
    for (token, wanted) in [
        ("good", 200),
        ("boss", 200),
        ("ended", 401),
        ("gone", 401),
        ("silent", 401),
        ("nobody", 401),
        ("broken", 503),
        ("down", 503),
    ] {
        assert_eq!(shows(token).status(&accounts).await, wanted, "{token}");
    }
    let who = shows("good").enter(&accounts).await.unwrap();
    assert_eq!((who.user_id(), who.team_id()), (Some("u"), Some("t")));
    assert_eq!((calls(&accounts, &who, "gpt-4o").await, calls(&accounts, &who, "claude").await), (200, 403));
    assert!(shows("boss").enter(&accounts).await.unwrap().is_admin());
    let asked = server.count();
    assert_eq!(shows("good").status(&accounts).await, 200);
    assert_eq!(server.count(), asked, "what was said is remembered");
    // A server that does not know us is no verdict on the caller.
    let stranger = open(introspection(&server.url, Some(("gw", "falsch"))), store);
    let error = shows("good").enter(&stranger).await.unwrap_err();
    assert_eq!((error.status(), error.openai_type()), (503, "auth_provider_unavailable"));
}

#[tokio::test]
async fn a_proxy_says_who_it_is() {
    let fields = ["user_id", "user_email", "user_role", "team_id", "models", "end_user_id"];
    let mapped = fields.iter().map(|field| ((*field).to_owned(), format!("x-{}", field.replace('_', "-")))).collect();
    let entry = EntrySettings {
        headers: Some(Arc::new(ProxyHeaders(mapped))),
        network: Network { trusted: vec!["::1/128".parse().unwrap()], ..Network::default() },
        ..EntrySettings::default()
    };
    let store = store().await;
    user(&store, "ann", Some("internal_user_viewer"), &[]).await;
    let accounts = open(entry, store);
    let req = Req { key: None, ..shows("") }.from("::1").with("x-user-id", "ann").with("x-models", "gpt-4o, claude");
    let who = req.clone().with("x-end-user-id", "c").enter(&accounts).await.unwrap();
    assert_eq!((who.user_id(), who.end_user(), who.key_hash()), (Some("ann"), Some("c"), None));
    assert_eq!((calls(&accounts, &who, "claude").await, calls(&accounts, &who, "other").await), (200, 403));
    assert_eq!(who.role(), Some(llm_accounts::Role::InternalUserViewer));
    let admin = req.clone().with("x-user-role", "proxy_admin").enter(&accounts).await.unwrap();
    assert!(admin.is_admin(), "another header is another caller");
    assert_eq!(req.with("x-team-id", "gone").status(&accounts).await, 403);
    let role_alone = Req { key: None, ..shows("") }.from("::1").with("x-user-role", "proxy_admin");
    assert_eq!(role_alone.status(&accounts).await, 401);
}

fn hook(url: &str, falls_back: bool, cache: Duration) -> EntrySettings {
    let secret = Some(Secret::new("hook-secret"));
    let hook = Hook { url: url.to_owned(), secret, falls_back, cache, timeout: Duration::from_secs(2) };
    EntrySettings { hook: Some(Arc::new(hook)), ..EntrySettings::default() }
}

#[tokio::test]
async fn a_hook_decides() {
    let server = Server::start(|asked: &Asked, _: &str| {
        let question = json(&asked.body);
        assert_eq!(asked.headers["authorization"], "Bearer hook-secret");
        match question.text("api_key").unwrap() {
            "ann" => (200, r#"{"user_id":"ann","models":["gpt-4o"],"allowed_routes":["openai_routes"]}"#.to_owned()),
            "boss" => (200, r#"{"user_id":"boss","user_role":"proxy_admin"}"#.to_owned()),
            "as-key" => (200, format!(r#"{{"api_key":"{KEY}"}}"#)),
            "as-unknown" => (200, r#"{"api_key":"sk-unknown-0123456789"}"#.to_owned()),
            "no" => (401, r#"{"message":"not today"}"#.to_owned()),
            "not-here" => (403, r#"{"message":"not here"}"#.to_owned()),
            "empty" => (200, "{}".to_owned()),
            "list" => (200, "[]".to_owned()),
            "unknown-field" => (200, r#"{"user_id":"u","max_budget":1}"#.to_owned()),
            "unknown-role" => (200, r#"{"user_id":"u","user_role":"root"}"#.to_owned()),
            "odd-models" => (200, r#"{"user_id":"u","models":"gpt-4o"}"#.to_owned()),
            "ended" => (200, r#"{"user_id":"u","expires":"2020-01-01T00:00:00Z"}"#.to_owned()),
            "away" => (500, String::new()),
            _ => (200, r#"{"continue":true}"#.to_owned()),
        }
    })
    .await;
    let store = store().await;
    let key = VerificationToken { token: KeyDigest::of(KEY).hex(), ..VerificationToken::default() };
    store.keys().insert(&key).await.unwrap();
    let replacing = open(hook(&server.url, false, Duration::ZERO), store.clone());
    let falling = open(hook(&server.url, true, Duration::from_secs(30)), store.clone());
    for (shown, alone, with_keys) in [
        ("ann", 200, 200),
        ("boss", 200, 200),
        ("as-key", 200, 200),
        ("as-unknown", 401, 401),
        ("no", 401, 401),
        ("not-here", 403, 403),
        ("empty", 401, 401),
        ("list", 503, 503),
        ("unknown-field", 503, 503),
        ("unknown-role", 503, 503),
        ("odd-models", 503, 503),
        ("ended", 503, 503),
        ("away", 503, 503),
        (KEY, 503, 200),
        (MASTER, 503, 200),
        ("sk-unknown-0123456789", 503, 401),
    ] {
        assert_eq!(shows(shown).status(&replacing).await, alone, "{shown}, replacing keys");
        assert_eq!(shows(shown).status(&falling).await, with_keys, "{shown}, beside keys");
    }
    let ann = shows("ann").enter(&replacing).await.unwrap();
    assert_eq!((calls(&replacing, &ann, "gpt-4o").await, calls(&replacing, &ann, "claude").await), (200, 403));
    assert!(!ann.may_call("/key/generate"));
    assert!(shows("no").enter(&replacing).await.unwrap_err().message.contains("not today"));

    let told = shows("ann").with("cookie", "secret").with("x-copy", "ann").with("x-trace", "1").from("192.0.2.7");
    assert_eq!(told.to("/v1/embeddings").status(&replacing).await, 200);
    let question = json(&server.asked().last().unwrap().body);
    let headers = question.get("headers").unwrap().to_string();
    assert!(headers.contains("x-trace") && !headers.contains("secret") && !headers.contains("x-copy"), "{headers}");
    assert_eq!(question.text("client_ip"), Some("192.0.2.7"));
    assert_eq!(question.text("path"), Some("/v1/embeddings"));

    let count = server.count();
    for _ in 0..3 {
        assert_eq!(shows("ann").status(&falling).await, 200);
    }
    assert_eq!(server.count(), count, "remembered, as it may be here");
    for _ in 0..3 {
        assert_eq!(shows("ann").status(&replacing).await, 200);
    }
    assert_eq!(server.count(), count + 3, "and asked each time there");
    drop(server);
    assert_eq!(shows("new").status(&replacing).await, 503, "a hook that is not there lets nobody in");
}

#[tokio::test]
async fn addresses_are_a_wall_of_their_own() {
    let network = Network {
        allowed: Some(vec!["192.0.2.0/24".parse().unwrap()]),
        trusted: vec!["10.0.0.0/8".parse().unwrap()],
        forwarded: true,
    };
    let accounts = open(EntrySettings { network, ..EntrySettings::default() }, store().await);
    for (from, forwarded, wanted) in [
        (Some("192.0.2.9"), None, 200),
        (Some("203.0.113.9"), None, 403),
        (Some("203.0.113.9"), Some("192.0.2.9"), 403),
        (Some("10.0.0.1"), Some("192.0.2.9"), 200),
        (Some("10.0.0.1"), Some("192.0.2.9, 203.0.113.9"), 403),
        (Some("10.0.0.1"), None, 403),
        (None, None, 403),
    ] {
        let mut req = shows(MASTER);
        if let Some(from) = from {
            req = req.from(from);
        }
        if let Some(forwarded) = forwarded {
            req = req.with("x-forwarded-for", forwarded);
        }
        assert_eq!(req.status(&accounts).await, wanted, "{from:?} {forwarded:?}");
    }
}

#[tokio::test]
async fn ways_in_change_while_it_runs() {
    let (issuer, store) = (Issuer::start().await, store().await);
    let accounts = open(EntrySettings::default(), store);
    let token = issuer.token(r#"{"sub":"ann"}"#);
    let change =
        |entry: EntrySettings| accounts.set_settings(AccountsSettings { entry, ..AccountsSettings::default() });
    let believing = || EntrySettings {
        jwt: Some(jwt(&issuer, r#"{"user_id_jwt_field":"sub","user_id_upsert":true}"#, "[]")),
        ..EntrySettings::default()
    };
    assert_eq!(shows(&token).status(&accounts).await, 401, "keys are the only way in");
    change(believing());
    let who = shows(&token).enter(&accounts).await.unwrap();
    assert_eq!(who.user_id(), Some("ann"));
    let key = shows(MASTER).enter(&accounts).await.unwrap();
    // The same again: nobody is asked anew.
    change(believing());
    assert!(Arc::ptr_eq(&who, &shows(&token).enter(&accounts).await.unwrap()));
    // A wall, then the way is closed: who was known is not let in by what held before.
    let network = Network { allowed: Some(vec!["192.0.2.0/24".parse().unwrap()]), ..Network::default() };
    change(EntrySettings { network, ..believing() });
    for (from, status) in [("192.0.2.9", 200), ("203.0.113.9", 403)] {
        assert_eq!(shows(&token).from(from).status(&accounts).await, status, "{from}");
    }
    change(EntrySettings::default());
    assert_eq!(shows(&token).status(&accounts).await, 401);
    assert!(Arc::ptr_eq(&key, &shows(MASTER).enter(&accounts).await.unwrap()));
}
