//! Logging in at an identity provider, and what must not get anybody in.

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, FailureLimits, LoginSettings, Role, UiAccess};
use llm_http::{HttpClient, HttpConfig};
use llm_idp::testing::{Asked, Pair, Server, now};
use llm_idp::{CodeFlow, Idp, IdpSettings};
use llm_management::{ManagementState, SsoAttributes, SsoInForce, SsoKind, SsoRoleMap, SsoSettings, SsoWay, router};
use llm_store::{Store, StoreConfig, TeamRow, UserRow};
use llm_types::{Json, Secret};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::support::{Gateway, MASTER, at, text};

/// What the provider tells; a test sets it between leaving and coming back.
#[derive(Default)]
struct Told {
    /// Status and body of the token endpoint.
    tokens: (u16, String),
    userinfo: String,
}

struct World {
    gateway: Gateway,
    provider: Server,
    pair: Arc<Pair>,
    told: Arc<Mutex<Told>>,
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn world(login: LoginSettings) -> World {
    world_with(login, None).await
}

async fn world_with(login: LoginSettings, role_map: Option<SsoRoleMap>) -> World {
    let (pair, told) = (Arc::new(Pair::p256()), Arc::<Mutex<Told>>::default());
    let (keys, says) = (Arc::clone(&pair), Arc::clone(&told));
    let provider = Server::start(move |asked: &Asked, url: &str| {
        let path = asked.path.split('?').next().unwrap_or_default();
        let says = says.lock();
        match path {
            "/jwks" => (200, Json::object([("keys", Json::Array(vec![keys.jwk("first")]))]).to_string()),
            "/.well-known/openid-configuration" => {
                let fields = [("issuer", url.to_owned()), ("jwks_uri", format!("{url}/jwks"))];
                (200, Json::object(fields).to_string())
            }
            "/token" => says.tokens.clone(),
            "/userinfo" => (200, says.userinfo.clone()),
            _ => (404, String::new()),
        }
    })
    .await;
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    store.table().insert(&TeamRow { team_id: "lab".to_owned(), ..TeamRow::default() }).await.unwrap();
    let settings = AccountsSettings {
        master_key: Some(Secret::new(MASTER)),
        default_internal_user_params: Some(json(r#"{"user_role":"internal_user","max_budget":7}"#)),
        login: LoginSettings { sso: true, base_url: Some("https://gateway.example".to_owned()), ..login },
        ..AccountsSettings::default()
    };
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let http = Arc::new(HttpClient::new(HttpConfig::default()));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let place = |path: &str| Some(format!("{}{path}", provider.url));
    let flow = CodeFlow {
        client_id: "gateway".to_owned(),
        client_secret: Some(Secret::new("s3cret")),
        scope: "openid email".to_owned(),
        pkce: true,
        issuer: None,
        authorization_endpoint: place("/authorize"),
        token_endpoint: place("/token"),
        userinfo_endpoint: place("/userinfo"),
        trust: None,
    };
    let attributes = SsoAttributes {
        id: names(&["preferred_username", "sub"]),
        email: names(&["email"]),
        name: names(&["name"]),
        role: Some("role".to_owned()),
        teams: Some("teams".to_owned()),
        role_map,
    };
    let idp = Arc::new(Idp::new(http, Handle::current(), IdpSettings::default()));
    let way = SsoWay::Code { flow, attributes };
    let sso = SsoSettings { kind: SsoKind::Generic, way, missing: Vec::new(), idp };
    let in_force = Arc::<SsoInForce>::default();
    in_force.set(Some(sso));
    let state = ManagementState { accounts: accounts.clone(), sso: in_force };
    World { gateway: Gateway { accounts, router: router(state) }, provider, pair, told }
}

/// Somebody on the way: the cookie and the query of the provider's address.
struct Away {
    cookie: String,
    query: Vec<(String, String)>,
}

impl Away {
    fn asked(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl World {
    async fn leave(&self, path: &str) -> Away {
        let (response, _) = self.gateway.visit("GET", path, &[], "").await;
        assert_eq!(response.status(), 303);
        let place = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        assert_eq!(place.path(), "/authorize");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        Away { cookie: cookie.split(';').next().unwrap().to_owned(), query: place.query_pairs().into_owned().collect() }
    }

    /// A signed token for this login; what `claims` say holds over what is usual.
    fn signed(&self, away: &Away, claims: &str) -> String {
        let mut all = Json::object([
            ("iss", Json::from(self.provider.url.as_str())),
            ("aud", Json::from("gateway")),
            ("sub", Json::from("s-ann")),
            ("nonce", Json::from(away.asked("nonce"))),
        ]);
        all.set("exp", now() + 600);
        json(claims).as_object().unwrap().iter().for_each(|(name, value)| all.set(name, value.clone()));
        self.pair.token("first", &all)
    }

    fn tells(&self, id_token: &str, userinfo: &str) {
        let tokens = Json::object([("access_token", "at-1"), ("id_token", id_token)]).to_string();
        *self.told.lock() = Told { tokens: (200, tokens), userinfo: userinfo.to_owned() };
    }

    async fn back(&self, away: &Away, query: &str) -> (http::Response<()>, String) {
        self.gateway.visit("GET", &format!("/sso/callback?{query}"), &[("cookie", &away.cookie)], "").await
    }

    async fn comes_back(&self, away: &Away) -> (http::Response<()>, String) {
        self.back(away, &format!("code=c-1&state={}", away.asked("state"))).await
    }

    /// Logs somebody in of whom the provider says this; the status and the answer.
    async fn log_in(&self, userinfo: &str) -> (u16, String) {
        let away = self.leave("/sso/key/generate").await;
        let sub = json(userinfo).get("sub").and_then(Json::as_str).unwrap_or("s-ann").to_owned();
        self.tells(&self.signed(&away, &format!(r#"{{"sub":"{sub}"}}"#)), userinfo);
        let (response, answer) = self.comes_back(&away).await;
        (response.status().as_u16(), answer)
    }

    async fn user(&self, id: &str) -> UserRow {
        let store = self.gateway.accounts.store().unwrap();
        store.table::<UserRow>().get([id]).await.unwrap().unwrap()
    }
}

const ANN: &str =
    r#"{"sub":"s-ann","preferred_username":"ann","email":"ann@example.org","name":"Ann","teams":["lab","none"]}"#;

#[tokio::test]
async fn a_new_person_comes_in() {
    use base64::Engine as _;
    let world = world(LoginSettings::default()).await;
    let away = world.leave("/sso/key/generate?return_to=/ui/keys").await;
    assert_eq!(away.asked("redirect_uri"), "https://gateway.example/sso/callback");
    assert_eq!((away.asked("response_type"), away.asked("code_challenge_method")), ("code", "S256"));
    world.tells(&world.signed(&away, "{}"), ANN);
    let (response, answer) = world.comes_back(&away).await;
    assert_eq!((response.status().as_u16(), &*answer), (303, ""));
    assert_eq!(response.headers()["location"], "/ui/keys");
    let cookies: Vec<&str> = response.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(
        cookies[0].starts_with("token=ey") && cookies[0].contains("HttpOnly; SameSite=Strict; Secure"),
        "{cookies:?}"
    );
    assert!(cookies[1].starts_with("sso_login=;") && cookies[1].contains("Max-Age=0"), "{cookies:?}");
    let session = [("cookie", cookies[0].split(';').next().unwrap()), ("x-requested-with", "page")];
    let (_, told) = world.gateway.visit("GET", "/session", &session, "").await;
    assert_eq!((text(&json(&told), "user_id"), text(&json(&told), "user_role")), ("ann", "internal_user"));

    let asked = world.provider.asked();
    let exchange = asked.iter().find(|one| one.path == "/token").unwrap();
    assert_eq!(exchange.headers["authorization"], "Basic Z2F0ZXdheTpzM2NyZXQ=");
    let form: Vec<(String, String)> = url::form_urlencoded::parse(exchange.body.as_bytes()).into_owned().collect();
    let verifier = &form.iter().find(|(name, _)| name == "code_verifier").unwrap().1;
    let hash = llm_accounts::KeyDigest::of(verifier).hex();
    let hash: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert_eq!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash), away.asked("code_challenge"));

    let row = world.user("ann").await;
    assert_eq!((row.sso_user_id.as_deref(), row.max_budget), (Some("ann"), Some(7.0)));
    assert_eq!((row.user_email.as_deref(), row.teams), (Some("ann@example.org"), vec!["lab".to_owned()]));
    // Again, with a role: the same user.
    assert_eq!(world.log_in(&ANN.replace(r#""name""#, r#""role":"proxy_admin_viewer","name""#)).await.0, 303);
    assert_eq!(world.user("ann").await.user_role.as_deref(), Some("proxy_admin_viewer"));
    assert_eq!(world.log_in(&ANN.replace(r#""name""#, r#""role":"org_admin","name""#)).await.0, 303, "no such role");
    assert_eq!(world.user("ann").await.user_role.as_deref(), Some("proxy_admin_viewer"));
}

#[tokio::test]
async fn a_trial_shows_what_is_told_and_lets_nobody_in() {
    let world = world(LoginSettings::default()).await;
    let away = world.leave("/sso/debug/login").await;
    assert_eq!(away.asked("redirect_uri"), "https://gateway.example/sso/debug/callback");
    let told = ANN.replace(r#""Ann""#, r#""<b>Ann","access_token":"at-2""#);
    world.tells(&world.signed(&away, "{}"), &told);
    let query = format!("code=c-1&state={}", away.asked("state"));
    assert_eq!(world.back(&away, &query).await.0.status(), 401, "a trial is no login");
    let path = format!("/sso/debug/callback?{query}");
    let (response, page) = world.gateway.visit("GET", &path, &[("cookie", &away.cookie)], "").await;
    assert_eq!(response.status(), 200, "{page}");
    assert!(page.contains("ann@example.org") && page.contains("&lt;b&gt;Ann") && page.contains("lab"), "{page}");
    assert!(!page.contains("at-1") && !page.contains("at-2"), "{page}");
    let cookies: Vec<&str> = response.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies.len() == 1 && cookies[0].starts_with("sso_debug=;"), "{cookies:?}");
    assert!(world.gateway.accounts.store().unwrap().table::<UserRow>().get(["ann"]).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_comes_in_by_a_trick() {
    let world = world(LoginSettings::default()).await;
    let stranger = Pair::p256();
    let mut claims = Json::object([("iss", world.provider.url.as_str()), ("aud", "gateway"), ("sub", "s-ann")]);
    claims.set("exp", now() + 600);
    let tricks: Vec<(&str, Box<dyn Fn(&Away) -> String>)> = vec![
        ("another login's", Box::new(|away| world.signed(away, r#"{"nonce":"other"}"#))),
        ("without a nonce", Box::new(|away| world.signed(away, r#"{"nonce":null}"#))),
        ("for somebody else", Box::new(|away| world.signed(away, r#"{"aud":"other"}"#))),
        ("for several, made for another", Box::new(|away| world.signed(away, r#"{"aud":["gateway","x"],"azp":"x"}"#))),
        ("over", Box::new(|away| world.signed(away, r#"{"exp":1}"#))),
        ("of another person than userinfo", Box::new(|away| world.signed(away, r#"{"sub":"s-bob"}"#))),
        (
            "signed by a stranger",
            Box::new(|away| {
                let mut all = claims.clone();
                all.set("nonce", away.asked("nonce"));
                stranger.token("first", &all)
            }),
        ),
        (
            "not signed",
            Box::new(|away| {
                let token = world.signed(away, "{}");
                format!("{}.", token.rsplit_once('.').unwrap().0)
            }),
        ),
    ];
    for (what, token) in &tricks {
        let away = world.leave("/sso/key/generate").await;
        world.tells(&token(&away), ANN);
        let (response, answer) = world.comes_back(&away).await;
        assert_eq!(response.status(), 401, "{what}: {answer}");
        assert!(!answer.contains("127.0.0.1"), "{answer}");
    }
    let away = world.leave("/sso/key/generate").await;
    world.tells(&world.signed(&away, "{}"), ANN);
    let state = away.asked("state").to_owned();
    for query in [
        "code=c",
        "code=c&state=other",
        "code=c&state=",
        &format!("state={state}"),
        &format!("state={state}&error=access_denied&code=c"),
    ] {
        assert_eq!(world.back(&away, query).await.0.status(), 401, "{query}");
    }
    let query = format!("/sso/callback?code=c&state={state}");
    assert_eq!(world.gateway.visit("GET", &query, &[], "").await.0.status(), 401, "another browser");
    let forged = [("cookie", "sso_login=eyJhbGciOiJub25lIn0.e30.")];
    assert_eq!(world.gateway.visit("GET", &query, &forged, "").await.0.status(), 401);
    let keys: u64 = world.gateway.accounts.store().unwrap().keys().count(&llm_store::Filter::new()).await.unwrap();
    assert_eq!(keys, 0, "no session was opened");
    for (answer, wanted) in [((400, r#"{"error":"invalid_grant"}"#), 401), ((500, "{}"), 503), ((200, "{}"), 401)] {
        world.told.lock().tokens = (answer.0, answer.1.to_owned());
        let away = world.leave("/sso/key/generate").await;
        assert_eq!(world.comes_back(&away).await.0.status(), wanted, "{answer:?}");
    }
}

#[tokio::test]
async fn who_is_meant_and_who_may_come() {
    let world = world(LoginSettings {
        domains: vec!["example.org".to_owned()],
        access: UiAccess::Group { group: "staff".to_owned(), claim: "groups".to_owned() },
        admin_id: Some("root".to_owned()),
        failures: FailureLimits::default(),
        ..LoginSettings::default()
    })
    .await;
    let store = world.gateway.accounts.store().unwrap();
    let known = |id: &str, email: &str, metadata: &str| UserRow {
        user_id: id.to_owned(),
        user_email: Some(email.to_owned()),
        user_role: Some("internal_user".to_owned()),
        metadata: json(metadata).to_raw(),
        ..UserRow::default()
    };
    store.table().insert(&known("u-1", "Bob@example.org", "{}")).await.unwrap();
    store.table().insert(&known("u-2", "off@example.org", r#"{"scim_active":false}"#)).await.unwrap();
    let person = |id: &str, email: &str, more: &str| {
        format!(r#"{{"sub":"{id}","preferred_username":"{id}","email":"{email}","groups":["staff"]{more}}}"#)
    };
    for (userinfo, wanted) in [
        (person("b", "bob@example.org", ""), 303),
        (person("o", "off@example.org", ""), 401),
        (person("x", "x@evil.example", ""), 403),
        (person("x", "x@example.org.evil.example", ""), 403),
        (person("x", "bob@example.org", r#","email_verified":false"#), 403),
        (r#"{"sub":"y","preferred_username":"y","email":"y@example.org"}"#.to_owned(), 403),
        (person("root", "root@example.org", ""), 303),
    ] {
        let (status, answer) = world.log_in(&userinfo).await;
        assert_eq!(status, wanted, "{userinfo}: {answer}");
    }
    assert_eq!(world.user("u-1").await.sso_user_id.as_deref(), Some("b"), "found by the address, kept by the id");
    assert_eq!(world.user("root").await.user_role.as_deref(), Some("proxy_admin"));
    let (_, ready) = world.gateway.get(MASTER, "/sso/readiness").await;
    assert_eq!((text(&ready, "provider"), at(&ready, "sso_configured").as_bool()), ("generic", Some(true)));
    let (_, about) = world.gateway.visit("GET", "/.well-known/litellm-ui-config", &[], "").await;
    assert_eq!(at(&json(&about), "sso_configured").as_bool(), Some(true));
}

#[tokio::test]
async fn groups_give_roles() {
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let map = SsoRoleMap {
        claim: "realm.groups".to_owned(),
        roles: vec![(Role::InternalUser, of(&["dev", "ops"])), (Role::ProxyAdmin, of(&["ops"]))],
        otherwise: Some(Role::InternalUserViewer),
    };
    let world = world_with(LoginSettings::default(), Some(map)).await;
    for (groups, wanted) in [
        (r#"["dev"]"#, "internal_user"),
        (r#"["dev","ops"]"#, "proxy_admin"),
        (r#"["guests"]"#, "internal_user_viewer"),
        ("[]", "internal_user_viewer"),
    ] {
        // What the provider calls a role counts no more.
        let userinfo =
            format!(r#"{{"sub":"s","preferred_username":"ann","role":"proxy_admin","realm":{{"groups":{groups}}}}}"#);
        let (status, answer) = world.log_in(&userinfo).await;
        assert_eq!(status, 303, "{answer}");
        assert_eq!(world.user("ann").await.user_role.as_deref(), Some(wanted), "{groups}");
    }
}

#[tokio::test]
async fn a_command_line_gets_a_key() {
    let world = world(LoginSettings::default()).await;
    let gateway = &world.gateway;
    let begun = json(&gateway.visit("POST", "/sso/cli/start", &[], "").await.1);
    let (id, code) = (text(&begun, "login_id"), text(&begun, "user_code"));
    let secret = [("x-litellm-cli-poll-secret", text(&begun, "poll_secret"))];
    let poll = async |path: &str, headers: &[(&str, &str)]| {
        let (response, answer) = gateway.visit("GET", path, headers, "").await;
        (response.status().as_u16(), json(&answer))
    };
    let place = format!("/sso/cli/poll/{id}");
    assert_eq!(text(&poll(&place, &secret).await.1, "status"), "pending");
    for (path, headers, status) in [
        (&*place, &[][..], 403),
        (&*place, &[("x-litellm-cli-poll-secret", id)], 403),
        ("/sso/cli/poll/cli-nothing", &secret, 400),
    ] {
        let (told, answer) = poll(path, headers).await;
        assert_eq!((told, text(&answer, "detail").is_empty()), (status, false), "{path}");
    }
    assert_eq!(gateway.visit("GET", "/sso/key/generate?source=litellm-cli&key=cli-x", &[], "").await.0.status(), 400);

    let away = world.leave(&format!("/sso/key/generate?source=litellm-cli&key={id}")).await;
    world.tells(&world.signed(&away, "{}"), ANN);
    let (response, page) = world.comes_back(&away).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().get_all("set-cookie").iter().any(|c| c.to_str().unwrap().starts_with("token=")));
    let token = page.split("browser_complete_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let complete = format!("/sso/cli/complete/{id}");
    let type_in = async |typed: &str, headers: &[(&str, &str)]| {
        let form = format!("user_code={typed}&browser_complete_token={token}");
        gateway.visit("POST", &complete, headers, &form).await.0.status().as_u16()
    };
    assert_eq!(type_in("AAAA-AAAA", &[]).await, 400);
    assert_eq!(type_in(code, &[("origin", "https://evil.example")]).await, 403);
    assert_eq!(text(&poll(&place, &secret).await.1, "status"), "pending", "nobody has typed the code");
    assert_eq!(type_in(&code.to_lowercase(), &[]).await, 200);

    assert_eq!(poll(&format!("{place}?team_id=none"), &secret).await.0, 403);
    let (status, ready) = poll(&place, &secret).await;
    assert_eq!((status, text(&ready, "user_id"), text(&ready, "team_id")), (200, "ann", "lab"), "{ready}");
    let key = llm_accounts::Credential::Key(text(&ready, "key"));
    let who = gateway.accounts.identify(&key).await.unwrap();
    assert_eq!((who.user_id(), who.team_id()), (Some("ann"), Some("lab")));
    assert_eq!(text(&poll(&place, &secret).await.1, "status"), "pending", "a key is given once");
}
