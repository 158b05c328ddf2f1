//! Logging in with a password, invitations, sessions.

use llm_accounts::SESSION_TEAM;
use llm_management::open_rows;
use llm_store::{Filter, KeyPatch, UserPatch, UserRow};
use llm_types::{Json, Secret};

use crate::support::{Gateway, MASTER, ORG, USER, at, gateway, ok, text};

const GOOD: &str = "Correct-horse7";
/// Made by Python's hashlib as LiteLLM calls it, of "correct horse".
const SCRYPT: &str = "scrypt:AAECAwQFBgcICQoLDA0ODyWzdoQDZvTTsOIeQUR2Z2480Oia9EMDVqI0zgtloCG1";

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn log_in(gateway: &Gateway, name: &str, password: &str) -> (u16, Json) {
    let body = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
    let (response, answer) = gateway.visit("POST", "/v2/login", &[], &body).await;
    (response.status().as_u16(), json(&answer))
}

/// The key inside of a session's token.
fn key_of(token: &str) -> String {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    text(&json(&String::from_utf8(claims).unwrap()), "key").to_owned()
}

async fn session(gateway: &Gateway, name: &str, password: &str) -> String {
    let (status, answer) = log_in(gateway, name, password).await;
    assert_eq!(status, 200, "{answer}");
    key_of(text(&answer, "token"))
}

async fn ann(gateway: &Gateway) {
    let body =
        format!(r#"{{"user_id":"ann","user_email":"Ann@example.org","password":"{GOOD}","auto_create_key":false}}"#);
    let made = ok(gateway, MASTER, "POST", "/user/new", &body).await;
    assert!(made.get("password").is_none() && !made.to_string().contains("argon2"), "{made}");
}

#[tokio::test]
async fn the_operator_logs_in_with_the_form_and_out() {
    let gateway = gateway().await;
    let (page, html) = gateway.visit("GET", "/fallback/login?return_to=/ui/%22%3E%3Cscript%3E", &[], "").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !html.contains("<script"), "{html}");
    assert!(html.contains(r#"value="/ui/&quot;&gt;&lt;script&gt;""#), "{html}");
    let form = format!("username=admin&password={MASTER}");
    let (response, _) = gateway.visit("POST", "/login", &[("origin", "http://gateway.example")], &form).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "http://gateway.example/ui/?login=success");
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("token=ey") && cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let ask = [("cookie", cookie), ("x-requested-with", "page")];
    let (_, told) = gateway.visit("GET", "/session", &ask, "").await;
    let told = json(&told);
    assert_eq!((text(&told, "user_id"), text(&told, "user_role")), ("default_user_id", "proxy_admin"));
    let key = text(&told, "key").to_owned();
    ok(&gateway, &key, "GET", "/user/list", "").await;
    for refused in
        [&[("cookie", cookie)][..], &[("cookie", cookie), ("x-requested-with", "p"), ("sec-fetch-site", "cross-site")]]
    {
        assert_eq!(gateway.visit("GET", "/session", refused, "").await.0.status(), 403);
    }
    let (out, _) = gateway.visit("POST", "/session/logout", &ask, "").await;
    assert_eq!(out.status(), 200);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(gateway.get(&key, "/user/list").await.0, 401, "a replayed key");
    assert_eq!(gateway.visit("GET", "/session", &ask, "").await.0.status(), 401, "a replayed cookie");
    let (status, _) = gateway.post(USER, "/session/logout", "").await;
    assert_eq!(status, 403, "other keys are no sessions");
}

#[tokio::test]
async fn strangers_learn_nothing() {
    let gateway = gateway().await;
    ann(&gateway).await;
    let (status, unknown) = log_in(&gateway, "nobody@example.org", "wrong").await;
    let (_, wrong) = log_in(&gateway, "ann@example.org", "wrong").await;
    let (_, admin) = log_in(&gateway, "admin", "wrong").await;
    assert_eq!((status, &unknown), (401, &wrong));
    assert_eq!(wrong, admin);
    let (response, page) =
        gateway.visit("POST", "/login", &[("accept", "text/html")], "username=%3Cb%3E&password=x").await;
    assert!(response.status() == 401 && page.contains("<form") && !page.contains("<b>"), "{page}");
    for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let form = format!("username=admin&password={MASTER}");
        assert_eq!(gateway.visit("POST", "/login", &[foreign], &form).await.0.status(), 403, "{foreign:?}");
    }
    let form = format!("username=admin&password={MASTER}&return_to=//evil.example");
    let (response, _) = gateway.visit("POST", "/login", &[], &form).await;
    assert_eq!(response.headers()["location"], "http://gateway.example/ui/?login=success");
    assert_eq!(gateway.visit("POST", "/v3/login", &[], "{}").await.0.status(), 404, "there is no control plane");
}

#[tokio::test]
async fn too_many_wrong_passwords_block_right_ones() {
    let gateway = gateway().await;
    ann(&gateway).await;
    // At once: those that wait count as well.
    let tries = (0..13).map(|_| log_in(&gateway, "ann@example.org", "wrong"));
    let answers = futures_util::future::join_all(tries).await;
    let count = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(401), count(429)), (10, 3));
    let (status, answer) = log_in(&gateway, "ann@example.org", GOOD).await;
    assert_eq!((status, text(&answer, "error.param")), (429, "max_failed_login_attempts_per_source"));
    session(&gateway, "admin", MASTER).await;
}

#[tokio::test]
async fn sessions_end_with_what_they_stand_on() {
    let gateway = gateway().await;
    ann(&gateway).await;
    let weak = gateway.post(MASTER, "/user/update", r#"{"user_id":"ann","password":"short"}"#).await;
    assert!(weak.0 == 400 && text(&weak.1, "error.message").contains("at least 12"), "{}", weak.1);
    let first = session(&gateway, "ANN@example.org", GOOD).await;
    let store = gateway.accounts.store().unwrap();
    let rows = store.keys().find(Filter::new().is("team_id", SESSION_TEAM)).await.unwrap();
    assert!(rows[0].expires.is_some() && rows[0].max_budget == Some(1.0));
    assert_eq!(gateway.get(&first, "/user/info").await.0, 200);
    // Another role.
    ok(&gateway, MASTER, "POST", "/user/update", r#"{"user_id":"ann","user_role":"internal_user_viewer"}"#).await;
    assert_eq!(gateway.get(&first, "/user/info").await.0, 401);
    // Another password: the session that changed it stays.
    let (here, there) =
        (session(&gateway, "ann@example.org", GOOD).await, session(&gateway, "ann@example.org", GOOD).await);
    ok(&gateway, MASTER, "POST", "/user/update", r#"{"user_id":"ann","user_role":"internal_user"}"#).await;
    let here = {
        drop((here, there));
        session(&gateway, "ann@example.org", GOOD).await
    };
    let there = session(&gateway, "ann@example.org", GOOD).await;
    let change = r#"{"current_password":"wrong","new_password":"Another-horse8"}"#;
    assert_eq!(gateway.post(&here, "/user/password/change", change).await.0, 401);
    let change = change.replace("wrong", GOOD);
    ok(&gateway, &here, "POST", "/user/password/change", &change).await;
    assert_eq!((gateway.get(&here, "/user/info").await.0, gateway.get(&there, "/user/info").await.0), (200, 401));
    assert_eq!(log_in(&gateway, "ann@example.org", GOOD).await.0, 401);
    // Disabled.
    let off = r#"{"Operations":[{"op":"replace","value":{"active":false}}]}"#;
    ok(&gateway, MASTER, "PATCH", "/scim/v2/Users/ann", off).await;
    assert_eq!(gateway.get(&here, "/user/info").await.0, 401);
    assert_eq!(log_in(&gateway, "ann@example.org", "Another-horse8").await.0, 401);
}

#[tokio::test]
async fn a_session_is_its_owner() {
    let gateway = gateway().await;
    ann(&gateway).await;
    let key = session(&gateway, "ann@example.org", GOOD).await;
    // Neither the session's budget nor its end bound what its owner makes.
    let made = ok(&gateway, &key, "POST", "/key/generate", r#"{"key_alias":"mine"}"#).await;
    assert_eq!((at(&made, "max_budget"), at(&made, "expires")), (&Json::Null, &Json::Null), "{made}");
    assert_eq!(gateway.post(&key, "/key/generate", r#"{"user_id":"internal_user"}"#).await.0, 403);
    assert_eq!(gateway.post(&key, "/key/generate", r#"{"team_id":"litellm-dashboard"}"#).await.0, 403);
    let list = ok(&gateway, &key, "GET", "/key/list", "").await;
    assert_eq!(at(&list, "total_count").as_i64(), Some(1), "sessions are not listed: {list}");
    let info = ok(&gateway, &key, "GET", "/user/info", "").await;
    assert_eq!(at(&info, "keys").as_array().unwrap().len(), 1);
    // Old ones go with the next login.
    let store = gateway.accounts.store().unwrap();
    let sessions = || Filter::new().is("team_id", SESSION_TEAM);
    let over =
        KeyPatch { expires: Some(Some(chrono::Utc::now() - chrono::TimeDelta::hours(1))), ..KeyPatch::default() };
    store.keys().update_where(&sessions(), &over).await.unwrap();
    session(&gateway, "ann@example.org", GOOD).await;
    assert_eq!(store.keys().count(&sessions()).await.unwrap(), 1);
}

#[tokio::test]
async fn passwords_of_litellm_open_sessions() {
    let gateway = gateway().await;
    ann(&gateway).await;
    let store = gateway.accounts.store().unwrap();
    let sha = llm_accounts::KeyDigest::of("correct horse").hex();
    for (kept, stays) in [(SCRYPT.to_owned(), true), (sha, false)] {
        let patch = UserPatch { password: Some(Some(Secret::new(kept.clone()))), ..UserPatch::default() };
        store.table::<UserRow>().update(["ann"], &patch).await.unwrap();
        session(&gateway, "ann@example.org", "correct horse").await;
        let row = store.table::<UserRow>().get(["ann"]).await.unwrap().unwrap();
        let now = row.password.unwrap();
        assert_eq!(now.expose() == kept, stays, "old digests are kept anew");
        session(&gateway, "ann@example.org", "correct horse").await;
    }
}

#[tokio::test]
async fn invitations_set_a_password_once() {
    let gateway = gateway().await;
    let body = r#"{"user_id":"bob","user_email":"bob@example.org","auto_create_key":false}"#;
    ok(&gateway, MASTER, "POST", "/user/new", body).await;
    let invitation = ok(&gateway, MASTER, "POST", "/invitation/new", r#"{"user_id":"bob"}"#).await;
    let link = text(&invitation, "id").to_owned();
    assert_eq!(gateway.post(MASTER, "/invitation/new", r#"{"user_id":"none"}"#).await.0, 400);
    assert_eq!(gateway.post(ORG, "/invitation/new", r#"{"user_id":"bob"}"#).await.0, 401, "administers nothing");
    let (_, opened) = gateway.visit("GET", &format!("/onboarding/get_token?invite_link={link}"), &[], "").await;
    let onboarding = key_of(text(&json(&opened), "token"));
    assert_eq!(gateway.get(&onboarding, "/user/info").await.0, 401, "it is no key");
    let claim = |user: &str, password: &str| {
        format!(r#"{{"invitation_link":"{link}","user_id":"{user}","password":"{password}"}}"#)
    };
    let bearer = format!("Bearer {onboarding}");
    let send = async |token: &str, body: &str| {
        let (response, answer) =
            gateway.visit("POST", "/onboarding/claim_token", &[("authorization", token)], body).await;
        (response.status().as_u16(), json(&answer))
    };
    assert_eq!(send("Bearer nothing", &claim("bob", GOOD)).await.0, 401);
    assert_eq!(send(&bearer, &claim("ann", GOOD)).await.0, 401);
    assert_eq!(send(&bearer, &claim("bob", "short")).await.0, 400);
    let (status, done) = send(&bearer, &claim("bob", GOOD)).await;
    assert_eq!(
        (status, text(&done, "user_email"), text(&done, "user.user_id")),
        (200, "bob@example.org", "bob"),
        "{done}"
    );
    assert_eq!(gateway.get(&key_of(text(&done, "token")), "/user/info").await.0, 200);
    assert_eq!(send(&bearer, &claim("bob", "Stolen-horse99")).await.0, 401, "once");
    let (again, _) = gateway.visit("GET", &format!("/onboarding/get_token?invite_link={link}"), &[], "").await;
    assert_eq!(again.status(), 401);
    session(&gateway, "bob@example.org", GOOD).await;
    let info = ok(&gateway, MASTER, "GET", &format!("/invitation/info?invitation_id={link}"), "").await;
    assert_eq!(at(&info, "is_accepted").as_bool(), Some(true));
    ok(&gateway, MASTER, "POST", "/invitation/delete", &format!(r#"{{"invitation_id":"{link}"}}"#)).await;
}

#[tokio::test]
async fn administrators_of_organizations_invite_new_people_of_theirs() {
    let gateway = gateway().await;
    ann(&gateway).await;
    for (path, body) in [
        ("/organization/new", r#"{"organization_id":"o","organization_alias":"O"}"#),
        ("/organization/member_add", r#"{"organization_id":"o","member":{"role":"org_admin","user_id":"org_admin"}}"#),
        ("/organization/member_add", r#"{"organization_id":"o","member":{"role":"internal_user","user_id":"ann"}}"#),
        (
            "/organization/member_add",
            r#"{"organization_id":"o","member":{"role":"internal_user","user_id":"proxy_admin_viewer"}}"#,
        ),
    ] {
        ok(&gateway, MASTER, "POST", path, body).await;
    }
    let body = r#"{"user_id":"new","organizations":["o"],"auto_create_key":false}"#;
    ok(&gateway, ORG, "POST", "/user/new", body).await;
    ok(&gateway, ORG, "POST", "/invitation/new", r#"{"user_id":"new"}"#).await;
    for stranger in ["ann", "proxy_admin_viewer", "internal_user"] {
        let body = format!(r#"{{"user_id":"{stranger}"}}"#);
        assert_eq!(
            gateway.post(ORG, "/invitation/new", &body).await.0,
            403,
            "{stranger}: an invitation sets a password"
        );
    }
}

#[test]
fn these_routes_ask_for_no_key() {
    let all: Vec<String> = open_rows().map(|row| format!("{} {}", row.method, row.path)).collect();
    assert_eq!(
        all,
        [
            "POST /login",
            "POST /v2/login",
            "POST /v3/login",
            "POST /v3/login/exchange",
            "GET /fallback/login",
            "GET /get/ui_theme_settings",
            "GET /get_logo_url",
            "GET /get_image",
            "GET /get_favicon",
            "GET /claude-code/marketplace.json",
            "POST /api/event_logging/batch",
            "GET /public/litellm_blog_posts",
            "GET /public/skill_hub",
            "GET /sso/key/generate",
            "GET /sso/callback",
            "GET /sso/debug/login",
            "GET /sso/debug/callback",
            "GET /sso/saml/login",
            "GET /sso/saml/metadata",
            "POST /sso/saml/callback",
            "POST /sso/cli/start",
            "POST /sso/cli/complete/{login_id}",
            "GET /sso/cli/poll/{key_id}",
            "GET /onboarding/get_token",
            "POST /onboarding/claim_token",
            "GET /session",
            "POST /session/logout",
            "GET /.well-known/litellm-ui-config",
            "GET /litellm/.well-known/litellm-ui-config",
        ]
    );
}
