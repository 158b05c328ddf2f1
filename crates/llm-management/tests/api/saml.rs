//! Logging in at a provider that speaks SAML, and what must not get anybody in. What makes a response false is tried in `llm-idp`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_accounts::{Accounts, AccountsSettings, LoginSettings};
use llm_http::{HttpClient, HttpConfig};
use llm_idp::testing::{Asked, SamlIssuer, SamlLogin, Server};
use llm_idp::{Idp, IdpSettings};
use llm_management::{
    ManagementState, SamlAttributes, SamlSource, SamlWay, SsoInForce, SsoKind, SsoSettings, SsoWay, router,
};
use llm_store::{Store, StoreConfig, TeamRow, UserRow};
use llm_types::Secret;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::support::{Gateway, MASTER};

const ENTITY: &str = "https://idp.example";
const OURS: &str = "https://gateway.example/sso/saml";

struct World {
    gateway: Gateway,
    /// It publishes what this one says.
    idp: Arc<Mutex<Arc<SamlIssuer>>>,
    server: Server,
}

async fn world(login: LoginSettings, unsolicited: bool) -> World {
    let idp = Arc::new(Mutex::new(Arc::new(SamlIssuer::new(ENTITY))));
    let says = Arc::clone(&idp);
    let metadata = move |_: &Asked, url: &str| (200, says.lock().metadata(&format!("{url}/login?tenant=1")));
    let server = Server::start(metadata).await;
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    store.table().insert(&TeamRow { team_id: "lab".to_owned(), ..TeamRow::default() }).await.unwrap();
    let settings = AccountsSettings {
        master_key: Some(Secret::new(MASTER)),
        login: LoginSettings { sso: true, base_url: Some("https://gateway.example".to_owned()), ..login },
        ..AccountsSettings::default()
    };
    let accounts = Accounts::new(settings, Some(store), Handle::current()).unwrap();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let way = SamlWay {
        source: SamlSource::Url(format!("{}/metadata", server.url)),
        entity_id: None,
        name_id_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
        signed_assertions: true,
        signed_responses: false,
        unsolicited,
        attributes: SamlAttributes {
            id: names(&["uid"]),
            email: names(&["mail"]),
            first_name: names(&["givenName"]),
            last_name: names(&["sn"]),
            role: names(&["role"]),
            teams: names(&["groups"]),
        },
        known: Mutex::default(),
    };
    let http = Arc::new(HttpClient::new(HttpConfig::default()));
    let fetching = Arc::new(Idp::new(http, Handle::current(), IdpSettings::default()));
    let way = SsoWay::Saml(Box::new(way));
    let in_force = Arc::<SsoInForce>::default();
    in_force.set(Some(SsoSettings { kind: SsoKind::Saml, way, missing: Vec::new(), idp: fetching }));
    let state = ManagementState { accounts: accounts.clone(), sso: in_force };
    World { gateway: Gateway { accounts, router: router(state) }, idp, server }
}

/// An instant so many seconds from now.
fn at(seconds: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Somebody on the way: the cookie, and the id of the request.
struct Away {
    cookie: String,
    id: String,
}

impl World {
    async fn leave(&self, path: &str) -> Away {
        let (response, answer) = self.gateway.visit("GET", path, &[], "").await;
        assert_eq!(response.status(), 303, "{answer}");
        let place = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        let query: Vec<(String, String)> = place.query_pairs().into_owned().collect();
        assert_eq!(query[0], ("tenant".to_owned(), "1".to_owned()), "what the provider's address says stays");
        let request = STANDARD.decode(&query[1].1).unwrap();
        let request = String::from_utf8(request[5..].to_vec()).unwrap();
        assert!(request.contains(&format!("AssertionConsumerServiceURL=\"{OURS}/callback\"")), "{request}");
        let id = request.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=None; Secure"), "{cookie}");
        Away { cookie: cookie.split(';').next().unwrap().to_owned(), id }
    }

    fn login(&self, answers: Option<&str>, id: &str) -> SamlLogin {
        let list = |name: &str, values: &[&str]| {
            (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        SamlLogin {
            audience: format!("{OURS}/metadata"),
            callback: format!("{OURS}/callback"),
            answers: answers.map(str::to_owned),
            name_id: "ann@example.org".to_owned(),
            attributes: vec![
                list("groups", &["lab", "none"]),
                list("role", &["internal_user", "proxy_admin_viewer", "king"]),
                list("givenName", &["Ann"]),
                list("sn", &["Other"]),
            ],
            times: (at(-5), at(120)),
            id: id.to_owned(),
        }
    }

    async fn back(&self, cookie: &str, response: &str, relay: &str) -> (http::Response<()>, String) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", response).append_pair("RelayState", relay);
        let headers = [("cookie", cookie), ("content-type", "application/x-www-form-urlencoded"), ("origin", ENTITY)];
        self.gateway.visit("POST", "/sso/saml/callback", &headers, &form.finish()).await
    }

    fn posted(&self, login: &SamlLogin) -> String {
        self.idp.lock().posted(login)
    }
}

#[tokio::test]
async fn a_person_comes_in() {
    let world = world(LoginSettings::default(), false).await;
    let (response, metadata) = world.gateway.visit("GET", "/sso/saml/metadata", &[], "").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/xml".parse().unwrap())
    );
    assert!(metadata.contains(&format!("entityID=\"{OURS}/metadata\"")), "{metadata}");
    let away = world.leave("/sso/key/generate?return_to=/ui/keys").await;
    let posted = world.posted(&world.login(Some(&away.id), "a-1"));
    let (response, answer) = world.back(&away.cookie, &posted, "https://evil.example").await;
    assert_eq!((response.status().as_u16(), &*answer), (303, ""));
    assert_eq!(response.headers()["location"], "/ui/keys");
    let cookies: Vec<&str> = response.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("token=ey") && cookies[0].contains("SameSite=Strict"), "{cookies:?}");
    assert!(cookies[1].starts_with("saml_login=;") && cookies[1].contains("Max-Age=0"), "{cookies:?}");
    let store = world.gateway.accounts.store().unwrap();
    let user = store.table::<UserRow>().get(["ann@example.org"]).await.unwrap().unwrap();
    let told = (user.user_email.as_deref(), user.user_alias.as_deref(), user.user_role.as_deref());
    assert_eq!(told, (Some("ann@example.org"), Some("Ann Other"), Some("proxy_admin_viewer")));
    assert_eq!(user.teams, ["lab"], "teams that are here");

    let (response, answer) = world.back(&away.cookie, &posted, "").await;
    assert!(response.status() == 401 && answer.contains("replay"), "{answer}");
}

#[tokio::test]
async fn nobody_else_comes_in() {
    let world = world(LoginSettings::default(), false).await;
    let (away, other) = (world.leave("/sso/saml/login").await, world.leave("/sso/saml/login").await);
    let thief = SamlIssuer::new(ENTITY);
    let login = |id| world.login(Some(&away.id), id);
    for (what, cookie, response, wanted) in [
        ("nothing", &*away.cookie, String::new(), "the token is refused"),
        ("another key", &away.cookie, thief.posted(&login("a-1")), "signature is wrong"),
        ("another browser", &other.cookie, world.posted(&login("a-2")), "not bound to this browser"),
        ("no cookie", "", world.posted(&login("a-3")), "not bound to this browser"),
        ("a cookie of somebody's own", "saml_login=ey.ey.x", world.posted(&login("a-4")), "not bound to this browser"),
        ("no request", &away.cookie, world.posted(&world.login(None, "a-5")), "not bound to this browser"),
        ("no request, no cookie", "", world.posted(&world.login(None, "a-6")), "Unsolicited"),
    ] {
        let (response, answer) = world.back(cookie, &response, "").await;
        assert!(response.status() == 401 && answer.contains(wanted), "{what}: {} {answer}", response.status());
        assert!(response.headers().get_all("set-cookie").iter().all(|c| !c.to_str().unwrap().starts_with("token=")));
    }
    let (response, _) = world.gateway.visit("POST", "/sso/saml/callback", &[("cookie", &away.cookie)], "a=b").await;
    assert_eq!(response.status(), 400);
    let (response, answer) = world.gateway.visit("GET", "/sso/callback?code=c&state=s", &[], "").await;
    assert!(response.status() == 401 && answer.contains("SAML"), "{answer}");
    let kept_out =
        self::world(LoginSettings { domains: vec!["other.org".to_owned()], ..LoginSettings::default() }, false).await;
    let away = kept_out.leave("/sso/saml/login").await;
    let (response, _) = kept_out.back(&away.cookie, &kept_out.posted(&kept_out.login(Some(&away.id), "a")), "").await;
    assert_eq!(response.status(), 403, "the settings keep people out");
    let alone = self::world(LoginSettings::default(), true).await;
    let (response, answer) = alone.back("", &alone.posted(&alone.login(None, "a")), "").await;
    assert!(response.status() == 401 && answer.contains("Redis"), "{answer}");
}

#[tokio::test]
async fn a_provider_may_change_its_key_and_be_away() {
    let world = world(LoginSettings::default(), false).await;
    let away = world.leave("/sso/saml/login").await;
    *world.idp.lock() = Arc::new(SamlIssuer::new(ENTITY));
    let (response, answer) = world.back(&away.cookie, &world.posted(&world.login(Some(&away.id), "a-1")), "").await;
    // What was fetched a moment ago is not fetched again for whoever posts something.
    assert!(response.status() == 401 && answer.contains("signature is wrong"), "{answer}");
    assert_eq!(world.server.asked().len(), 1);
    let gone = self::world(LoginSettings::default(), false).await;
    *gone.idp.lock() = Arc::new(SamlIssuer::new(""));
    let (response, answer) = gone.gateway.visit("GET", "/sso/saml/login", &[], "").await;
    assert!(response.status() == 503 && answer.contains("auth_provider_unavailable"), "{answer}");
}
