//! Object permissions: written, shown, and never more than their giver has.

use llm_accounts::Credential;
use llm_store::ObjectPermissionRow;

use crate::support::{Gateway, MASTER, USER, at, gateway, ok, text};

const TEAM: &str = r#"{"team_id":"t","members_with_roles":[{"role":"admin","user_id":"internal_user"}],
    "object_permission":{"mcp_servers":["one","two"],"vector_stores":["vs_a","vs_b"],"agents":["x"]}}"#;

async fn refused(gateway: &Gateway, key: &str, path: &str, body: &str) {
    let (status, answer) = gateway.post(key, path, body).await;
    assert_eq!((status, text(&answer, "error.param")), (403, "object_permission"), "{path} {body}: {answer}");
}

#[tokio::test]
async fn everything_that_has_permissions_shows_them() {
    let gateway = gateway().await;
    let asked = r#""object_permission":{"mcp_servers":["one"],"mcp_tool_permissions":{"one":["read"]},"blocked_tools":["rm"],"mcp_tool_search_enabled":true}"#;
    let made = ok(&gateway, MASTER, "POST", "/key/generate", &format!("{{{asked}}}")).await;
    assert_eq!(text(&made, "object_permission.mcp_servers.0"), "one");
    assert_eq!(text(&made, "object_permission_id"), text(&made, "object_permission.object_permission_id"));
    let key = text(&made, "key").to_owned();
    for (make, body, show, place) in [
        ("/team/new", r#"{"team_id":"t",ASKED}"#, "/team/info?team_id=t", "team_info.object_permission"),
        ("/user/new", r#"{"user_id":"u",ASKED}"#, "/user/info?user_id=u", "user_info.object_permission"),
        (
            "/organization/new",
            r#"{"organization_id":"o","organization_alias":"o",ASKED}"#,
            "/organization/info?organization_id=o",
            "object_permission",
        ),
        (
            "/project/new",
            r#"{"project_id":"p","team_id":"t",ASKED}"#,
            "/project/info?project_id=p",
            "object_permission",
        ),
        ("/customer/new", r#"{"user_id":"c",ASKED}"#, "/customer/info?end_user_id=c", "object_permission"),
    ] {
        ok(&gateway, MASTER, "POST", make, &body.replace("ASKED", asked)).await;
        let shown = ok(&gateway, MASTER, "GET", show, "").await;
        assert_eq!(text(at(&shown, place), "mcp_tool_permissions.one.0"), "read", "{show}: {shown}");
        assert_eq!(at(at(&shown, place), "mcp_tool_search_enabled").as_bool(), Some(true));
    }
    // Fields that are given change, the others stay; null takes all of it away.
    let change = format!(r#"{{"key":"{key}","object_permission":{{"mcp_servers":["two"]}}}}"#);
    let changed = ok(&gateway, MASTER, "POST", "/key/update", &change).await;
    assert_eq!(text(&changed, "object_permission.mcp_servers.0"), "two");
    assert_eq!(text(&changed, "object_permission.blocked_tools.0"), "rm");
    let who = gateway.accounts.identify(&Credential::Key(&key)).await.unwrap();
    assert_eq!(who.grants().key.as_ref().unwrap().mcp_servers, ["two"]);
    let rotated = ok(&gateway, MASTER, "POST", "/key/regenerate", &format!(r#"{{"key":"{key}"}}"#)).await;
    assert_eq!(text(&rotated, "object_permission.mcp_servers.0"), "two");
    let key = text(&rotated, "key").to_owned();
    let clear = format!(r#"{{"key":"{key}","object_permission":null}}"#);
    assert!(at(&ok(&gateway, MASTER, "POST", "/key/update", &clear).await, "object_permission").is_null());
    let left = gateway.accounts.store().unwrap().table::<ObjectPermissionRow>().find(llm_store::Filter::new()).await;
    assert_eq!(left.unwrap().len(), 5, "the key's row went with it");
    let (status, wrong) = gateway.post(MASTER, "/key/generate", r#"{"object_permission":{"agents":"all"}}"#).await;
    assert_eq!(
        (status, at(&wrong, "detail.0.loc").to_string().as_str()),
        (422, r#"["body","object_permission","agents"]"#)
    );
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let gateway = gateway().await;
    ok(&gateway, MASTER, "POST", "/team/new", TEAM).await;
    let one = r#"{"team_id":"t","object_permission":{"mcp_servers":["one"],"vector_stores":["vs_a"]}}"#;
    let made = ok(&gateway, USER, "POST", "/key/generate", one).await;
    let key = text(&made, "key").to_owned();
    refused(&gateway, USER, "/key/generate", r#"{"team_id":"t","object_permission":{"mcp_servers":["three"]}}"#).await;
    refused(&gateway, USER, "/key/generate", r#"{"object_permission":{"mcp_servers":["one"]}}"#).await;
    // The key that makes a key passes its own limits on.
    let child = ok(&gateway, &key, "POST", "/key/generate", r#"{"team_id":"t"}"#).await;
    assert_eq!(at(&child, "object_permission.mcp_servers").to_string(), r#"["one"]"#);
    assert_eq!(at(&child, "object_permission.vector_stores").to_string(), r#"["vs_a"]"#);
    refused(&gateway, &key, "/key/generate", r#"{"team_id":"t","object_permission":{"mcp_servers":["two"]}}"#).await;
    refused(&gateway, &key, "/key/generate", r#"{"team_id":"t","object_permission":{"vector_stores":["vs_b"]}}"#).await;
    for change in [r#"{"vector_stores":[]}"#, "null", r#"{"mcp_servers":[]}"#] {
        let body = format!(r#"{{"key":"{key}","object_permission":{change}}}"#);
        refused(&gateway, &key, "/key/update", &body).await;
    }
    // Managers of a team take away, they do not add.
    for change in [r#"{"vector_stores":["vs_c"]}"#, r#"{"vector_stores":[]}"#, r#"{"mcp_servers":["three"]}"#, "null"] {
        refused(&gateway, USER, "/team/update", &format!(r#"{{"team_id":"t","object_permission":{change}}}"#)).await;
    }
    let fewer = r#"{"team_id":"t","object_permission":{"vector_stores":["vs_b"],"mcp_servers":["two"]}}"#;
    let team = ok(&gateway, USER, "POST", "/team/update", fewer).await;
    assert_eq!(text(&team, "data.object_permission.agents.0"), "x");
}

#[tokio::test]
async fn vector_stores_are_those_of_key_and_team() {
    let gateway = gateway().await;
    ok(&gateway, MASTER, "POST", "/team/new", TEAM).await;
    let made = ok(
        &gateway,
        MASTER,
        "POST",
        "/key/generate",
        r#"{"team_id":"t","object_permission":{"vector_stores":["vs_a"]}}"#,
    )
    .await;
    let key = text(&made, "key").to_owned();
    let who = gateway.accounts.identify(&Credential::Key(&key)).await.unwrap();
    assert!(who.may_search(&["vs_a"]).is_ok() && !who.searches_all());
    let denied = who.may_search(&["vs_b"]).unwrap_err();
    assert_eq!((denied.status(), denied.openai_type()), (403, "key_vector_store_access_denied"));
    ok(&gateway, MASTER, "POST", "/key/update", &format!(r#"{{"key":"{key}","object_permission":null}}"#)).await;
    let who = gateway.accounts.identify(&Credential::Key(&key)).await.unwrap();
    assert!(who.may_search(&["vs_b"]).is_ok());
    let denied = who.may_search(&["vs_c"]).unwrap_err();
    assert_eq!((denied.status(), denied.openai_type()), (403, "team_vector_store_access_denied"));
    let free = gateway.accounts.identify(&Credential::Key(USER)).await.unwrap();
    assert!(free.searches_all() && free.may_search(&["vs_c"]).is_ok());
}
