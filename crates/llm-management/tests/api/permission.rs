//! Who may call what.

use llm_accounts::Permission;
use llm_management::rows;

use crate::support::{BLOCKED, CUSTOMER, EXPIRED, LONELY, NARROW, ORG, TEAM, USER, USER_VIEWER, VIEWER, gateway, text};

#[tokio::test]
async fn every_route_asks_who_calls() {
    let gateway = gateway().await;
    let mut table = String::new();
    for row in rows() {
        let path = filled(row.path);
        for (key, wanted) in [
            (None, "auth_error"),
            (Some("sk-wrong-0123456789"), "token_not_found_in_db"),
            (Some(BLOCKED), "auth_error"),
            (Some(EXPIRED), "expired_key"),
        ] {
            let (status, body) = gateway.call(key, row.method, &path, "{}").await;
            assert_eq!((status, text(&body, "error.type")), (401, wanted), "{} {path} as {key:?}", row.method);
            assert_eq!(text(&body, "error.code"), "401");
        }
        let reads = row.method == "GET";
        // None of these callers administers an organization.
        let strangers = |row: &llm_management::Row, role: Option<llm_accounts::Role>| {
            row.permission == Permission::OrgAdmin && role != Some(llm_accounts::Role::ProxyAdminViewer)
        };
        let callers = [
            (VIEWER, Some(llm_accounts::Role::ProxyAdminViewer)),
            (USER, Some(llm_accounts::Role::InternalUser)),
            (USER_VIEWER, Some(llm_accounts::Role::InternalUserViewer)),
            (TEAM, Some(llm_accounts::Role::Team)),
            (CUSTOMER, Some(llm_accounts::Role::Customer)),
            (ORG, Some(llm_accounts::Role::OrgAdmin)),
            (LONELY, None),
        ];
        for (key, role) in callers {
            let (status, body) = gateway.call(Some(key), row.method, &path, "{}").await;
            let role_refused = status == 401 && text(&body, "error.message").contains("Only proxy admin");
            assert_eq!(
                role_refused,
                !row.permission.allows(role, false, reads) || strangers(row, role),
                "{} {path} as {role:?}: {body}",
                row.method
            );
        }
        let (status, body) = gateway.call(Some(NARROW), row.method, &path, "{}").await;
        let outside = !path.starts_with("/key/");
        assert_eq!(
            status == 403 && text(&body, "error.message").contains("not allowed to call this route"),
            outside,
            "{path}: {body}"
        );
        table += &format!("{} {} {:?}\n", row.method, row.path, row.permission);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/permissions.txt"), &table).unwrap();
    }
    assert_eq!(table, include_str!("permissions.txt"), "a permission changed: was it meant?");
    assert!(rows().all(|row| row.permission != Permission::Public));
}

/// A path with something in its segments.
fn filled(path: &str) -> String {
    let segment = |part: &str| if part.starts_with('{') { "sk-nothing-0123456789".to_owned() } else { part.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
