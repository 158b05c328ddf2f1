//! Budgets, tags, end users, organizations, projects.

use crate::support::{LONELY, MASTER, USER, VIEWER, at, gateway, ok, text};

#[tokio::test]
async fn budgets_live() {
    let gateway = gateway().await;
    let made =
        ok(&gateway, MASTER, "POST", "/budget/new", r#"{"budget_id":"b","max_budget":"5","budget_duration":"7d"}"#)
            .await;
    assert_eq!((text(&made, "budget_id"), at(&made, "max_budget").as_f64()), ("b", Some(5.0)));
    assert!(!at(&made, "budget_reset_at").is_null());
    assert_eq!(gateway.post(MASTER, "/budget/new", r#"{"budget_id":"b"}"#).await.0, 400);
    let changed =
        ok(&gateway, MASTER, "POST", "/budget/update", r#"{"budget_id":"b","max_budget":null,"rpm_limit":7}"#).await;
    assert_eq!((at(&changed, "max_budget").is_null(), at(&changed, "rpm_limit").as_i64()), (true, Some(7)));
    assert_eq!(gateway.post(MASTER, "/budget/update", r#"{"budget_id":"none","rpm_limit":7}"#).await.0, 404);
    let infos = ok(&gateway, MASTER, "POST", "/budget/info", r#"{"budgets":["b","none"]}"#).await;
    assert_eq!(infos.as_array().unwrap().len(), 1);
    assert_eq!(ok(&gateway, VIEWER, "GET", "/budget/list", "").await.as_array().unwrap().len(), 1);
    let settings = ok(&gateway, MASTER, "GET", "/budget/settings?budget_id=b", "").await;
    let rpm = settings.as_array().unwrap().iter().find(|f| text(f, "field_name") == "rpm_limit").unwrap();
    assert_eq!((at(rpm, "field_value").as_i64(), at(rpm, "stored_in_db").as_bool()), (Some(7), Some(true)));
    for (body, param) in [
        (r#"{"max_budget":-1}"#, "max_budget"),
        (r#"{"budget_duration":"soon"}"#, "budget_duration"),
        (r#"{"tpm_limit":-5}"#, "tpm_limit"),
        (r#"{"budget_reset_at":"tomorrow"}"#, "budget_reset_at"),
        (r#"{"max_budget":"NaN"}"#, "max_budget"),
    ] {
        let (status, answer) = gateway.post(MASTER, "/budget/new", body).await;
        assert_eq!((status, text(&answer, "error.param")), (400, param), "{body}");
    }
    assert_eq!(ok(&gateway, MASTER, "GET", "/budget/list", "").await.as_array().unwrap().len(), 1, "nothing half-made");
    let key = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"budget_id":"b"}"#).await;
    ok(&gateway, MASTER, "POST", "/budget/delete", r#"{"id":"b"}"#).await;
    let info = ok(&gateway, MASTER, "GET", &format!("/key/info?key={}", text(&key, "key")), "").await;
    assert!(at(&info, "info.budget_id").is_null(), "nobody refers to what is gone");
    assert_eq!(gateway.post(MASTER, "/budget/delete", r#"{"id":"b"}"#).await.0, 404);
}

#[tokio::test]
async fn tags_live() {
    let gateway = gateway().await;
    let made =
        ok(&gateway, MASTER, "POST", "/tag/new", r#"{"name":"t","description":"d","models":["m"],"max_budget":3}"#)
            .await;
    assert_eq!(text(&made, "message"), "Tag t created successfully");
    assert_eq!((text(&made, "tag.name"), at(&made, "tag.litellm_budget_table.max_budget").as_f64()), ("t", Some(3.0)));
    assert_eq!(gateway.post(MASTER, "/tag/new", r#"{"name":"t"}"#).await.0, 400);
    let budget = text(&made, "tag.budget_id").to_owned();
    let changed = ok(&gateway, MASTER, "POST", "/tag/update", r#"{"name":"t","max_budget":4,"models":null}"#).await;
    assert_eq!(text(&changed, "tag.budget_id"), budget, "the same row");
    assert_eq!(at(&changed, "tag.litellm_budget_table.max_budget").as_f64(), Some(4.0));
    assert_eq!(at(&changed, "tag.models").as_array().unwrap().len(), 0);
    let info = ok(&gateway, MASTER, "POST", "/tag/info", r#"{"names":["t"]}"#).await;
    assert_eq!(text(&info, "t.description"), "d");
    assert_eq!(gateway.post(MASTER, "/tag/info", r#"{"names":["none"]}"#).await.0, 404);
    assert_eq!(ok(&gateway, USER, "GET", "/tag/list", "").await.as_array().unwrap().len(), 1);
    ok(&gateway, MASTER, "POST", "/tag/delete", r#"{"name":"t"}"#).await;
    assert_eq!(gateway.post(MASTER, "/tag/delete", r#"{"name":"t"}"#).await.0, 404);
}

#[tokio::test]
async fn customers_live_and_are_blocked() {
    let gateway = gateway().await;
    let body = r#"{"user_id":"c","alias":"A","max_budget":2,"allowed_model_region":"eu","default_model":"m"}"#;
    let made = ok(&gateway, MASTER, "POST", "/customer/new", body).await;
    assert_eq!((text(&made, "alias"), at(&made, "blocked").as_bool()), ("A", Some(false)));
    assert_eq!(at(&made, "litellm_budget_table.max_budget").as_f64(), Some(2.0));
    assert_eq!(gateway.post(MASTER, "/end_user/new", r#"{"user_id":"c"}"#).await.0, 400);
    assert_eq!(gateway.post(MASTER, "/customer/new", r#"{"user_id":"d","allowed_model_region":"mars"}"#).await.0, 422);
    let both = r#"{"user_id":"d","budget_id":"none","max_budget":1}"#;
    assert_eq!(gateway.post(MASTER, "/customer/new", both).await.0, 400);
    assert_eq!(gateway.post(MASTER, "/customer/new", r#"{"user_id":"d","budget_id":"none"}"#).await.0, 404);
    assert_eq!(gateway.get(MASTER, "/customer/info?end_user_id=d").await.0, 404, "nothing half-made");
    ok(&gateway, MASTER, "POST", "/end_user/update", r#"{"user_id":"c","default_model":null}"#).await;
    let info = ok(&gateway, VIEWER, "GET", "/end_user/info?end_user_id=c", "").await;
    assert!(at(&info, "default_model").is_null());
    gateway.spend_for(LONELY, "c").await.unwrap();
    let blocked = ok(&gateway, MASTER, "POST", "/customer/block", r#"{"user_ids":["c","e"]}"#).await;
    assert_eq!(at(&blocked, "blocked_users").as_array().unwrap().len(), 2);
    for id in ["c", "e"] {
        assert_eq!(gateway.spend_for(LONELY, id).await.unwrap_err().status(), 401, "{id} is blocked at once");
    }
    let left = ok(&gateway, MASTER, "POST", "/end_user/unblock", r#"{"user_ids":["c"]}"#).await;
    assert_eq!(at(&left, "blocked_users.0").as_str(), Some("e"));
    gateway.spend_for(LONELY, "c").await.unwrap();
    assert_eq!(gateway.post(MASTER, "/customer/delete", r#"{"user_ids":["c","none"]}"#).await.0, 404);
    let gone = ok(&gateway, MASTER, "POST", "/customer/delete", r#"{"user_ids":["c","e"]}"#).await;
    assert_eq!(at(&gone, "deleted_customers").as_i64(), Some(2));
    gateway.spend_for(LONELY, "e").await.unwrap();
    assert_eq!(ok(&gateway, MASTER, "GET", "/customer/list", "").await.as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn organizations_live() {
    let gateway = gateway().await;
    assert_eq!(gateway.post(MASTER, "/organization/new", "{}").await.0, 422);
    let body = r#"{"organization_id":"o","organization_alias":"O","models":["gpt-4o"],"max_budget":9,"model_rpm_limit":{"gpt-4o":3}}"#;
    let made = ok(&gateway, MASTER, "POST", "/organization/new", body).await;
    assert_eq!(at(&made, "litellm_budget_table.max_budget").as_f64(), Some(9.0), "{made}");
    assert_eq!(at(&made, "metadata.model_rpm_limit.gpt-4o").as_i64(), Some(3));
    assert_eq!(gateway.post(MASTER, "/organization/new", body).await.0, 400);
    let bare =
        ok(&gateway, MASTER, "POST", "/organization/new", r#"{"organization_id":"p","organization_alias":"P"}"#).await;
    assert!(!text(&bare, "budget_id").is_empty());
    let changed =
        ok(&gateway, MASTER, "PATCH", "/organization/update", r#"{"organization_id":"o","max_budget":8}"#).await;
    assert_eq!(at(&changed, "litellm_budget_table.max_budget").as_f64(), Some(8.0));
    let changed = ok(&gateway, MASTER, "PATCH", "/v2/organization/o", r#"{"organization_alias":"OO"}"#).await;
    assert_eq!(text(&changed, "organization_alias"), "OO");

    // Members: one of them administers.
    assert_eq!(gateway.get(USER, "/organization/info?organization_id=o").await.0, 401, "administers nothing");
    let add = r#"{"organization_id":"o","member":[{"user_id":"internal_user","role":"org_admin"},{"user_email":"a@b.c","role":"internal_user"}],"max_budget_in_organization":1}"#;
    let added = ok(&gateway, MASTER, "POST", "/organization/member_add", add).await;
    assert_eq!(at(&added, "updated_users").as_array().unwrap().len(), 2);
    let member = at(&added, "updated_organization_memberships.1");
    assert_eq!(
        (text(member, "user_email"), at(member, "litellm_budget_table.max_budget").as_f64()),
        ("a@b.c", Some(1.0))
    );
    assert_eq!(gateway.post(MASTER, "/organization/member_add", add).await.0, 400, "members already");
    let wrong = r#"{"organization_id":"o","member":{"user_id":"x","role":"proxy_admin"}}"#;
    assert_eq!(gateway.post(USER, "/organization/member_add", wrong).await.0, 422);
    let info = ok(&gateway, USER, "GET", "/organization/info?organization_id=o", "").await;
    assert_eq!(at(&info, "members").as_array().unwrap().len(), 2, "{info}");
    assert_eq!(gateway.get(USER, "/organization/info?organization_id=p").await.0, 403);
    assert_eq!(
        gateway.get(USER, "/organization/info?organization_id=none").await.0,
        403,
        "not told from one that is not there"
    );
    assert_eq!(ok(&gateway, USER, "GET", "/organization/list", "").await.as_array().unwrap().len(), 1);
    assert_eq!(ok(&gateway, VIEWER, "GET", "/organization/list?org_alias=o", "").await.as_array().unwrap().len(), 1);
    let update = r#"{"organization_id":"o","user_email":"a@b.c","role":"org_admin","max_budget_in_organization":2}"#;
    let updated = ok(&gateway, USER, "PATCH", "/organization/member_update", update).await;
    assert_eq!(
        (text(&updated, "user_role"), at(&updated, "litellm_budget_table.max_budget").as_f64()),
        ("org_admin", Some(2.0))
    );
    let other = r#"{"organization_id":"p","user_id":"internal_user","role":"org_admin"}"#;
    assert_eq!(gateway.call(Some(USER), "PATCH", "/organization/member_update", other).await.0, 403);
    let away = r#"{"organization_id":"o","user_email":"a@b.c"}"#;
    ok(&gateway, USER, "DELETE", "/organization/member_delete", away).await;
    assert_eq!(gateway.call(Some(USER), "DELETE", "/organization/member_delete", away).await.0, 404);

    ok(&gateway, MASTER, "POST", "/team/new", r#"{"team_id":"t","organization_id":"o"}"#).await;
    let key = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"team_id":"t"}"#).await;
    gateway.spend(text(&key, "key")).await.unwrap();
    let both = r#"{"organization_ids":["o","none"]}"#;
    assert_eq!(gateway.call(Some(MASTER), "DELETE", "/organization/delete", both).await.0, 404);
    ok(&gateway, MASTER, "DELETE", "/organization/delete", r#"{"organization_ids":["o"]}"#).await;
    assert_eq!(gateway.spend(text(&key, "key")).await.unwrap_err().status(), 401);
    assert_eq!(gateway.get(MASTER, "/team/info?team_id=t").await.0, 404);
}

#[tokio::test]
async fn projects_live() {
    let gateway = gateway().await;
    let team = r#"{"team_id":"t","models":["gpt-4o"],"max_budget":5,"members_with_roles":[{"role":"admin","user_id":"internal_user"}]}"#;
    ok(&gateway, MASTER, "POST", "/team/new", team).await;
    ok(&gateway, MASTER, "POST", "/team/new", r#"{"team_id":"u"}"#).await;
    let body = r#"{"project_id":"p","team_id":"t","models":["gpt-4o"],"max_budget":4,"tags":["x"]}"#;
    let made = ok(&gateway, USER, "POST", "/project/new", body).await;
    assert_eq!(at(&made, "litellm_budget_table.max_budget").as_f64(), Some(4.0), "{made}");
    assert_eq!(at(&made, "metadata.tags.0").as_str(), Some("x"));
    for (body, status) in [
        (r#"{"team_id":"u"}"#, 403),
        (r#"{"team_id":"none"}"#, 403),
        (r#"{"team_id":"t","models":["claude"]}"#, 400),
        (r#"{"team_id":"t","max_budget":6}"#, 400),
        (r#"{"team_id":"t","blocked":false}"#, 403),
        (r#"{"team_id":"t","project_id":"p"}"#, 400),
    ] {
        let (found, answer) = gateway.post(USER, "/project/new", body).await;
        assert_eq!(found, status, "{body}: {answer}");
    }
    assert_eq!(gateway.post(USER, "/project/update", r#"{"project_id":"p","team_id":"u"}"#).await.0, 403);
    assert_eq!(gateway.post(USER, "/project/update", r#"{"project_id":"p","max_budget":6}"#).await.0, 400);
    // A budget that others stand on is not for who manages a team: neither to take nor to change.
    ok(&gateway, MASTER, "POST", "/budget/new", r#"{"budget_id":"shared","max_budget":1}"#).await;
    ok(&gateway, MASTER, "POST", "/key/generate", r#"{"budget_id":"shared"}"#).await;
    let named = r#"{"project_id":"p","budget_id":"shared"}"#;
    assert_eq!(gateway.post(USER, "/project/update", named).await.0, 403);
    let new = r#"{"project_id":"q","team_id":"t","budget_id":"shared"}"#;
    assert_eq!(gateway.post(USER, "/project/new", new).await.0, 403);
    ok(&gateway, USER, "POST", "/project/update", r#"{"project_id":"p","max_budget":3}"#).await;
    ok(&gateway, MASTER, "POST", "/project/update", named).await;
    assert_eq!(gateway.post(USER, "/project/update", r#"{"project_id":"p","max_budget":3}"#).await.0, 403);
    ok(&gateway, USER, "POST", "/project/update", r#"{"project_id":"p","description":"d"}"#).await;
    assert_eq!(text(&ok(&gateway, USER, "GET", "/project/info?project_id=p", "").await, "description"), "d");
    ok(&gateway, MASTER, "POST", "/project/update", r#"{"project_id":"p","team_id":"u"}"#).await;
    assert_eq!(gateway.get(USER, "/project/info?project_id=p").await.0, 403);
    assert_eq!(ok(&gateway, USER, "GET", "/project/list", "").await.as_array().unwrap().len(), 0);
    assert_eq!(ok(&gateway, MASTER, "GET", "/project/list", "").await.as_array().unwrap().len(), 1);
    let ids = r#"{"project_ids":["p"]}"#;
    ok(&gateway, MASTER, "DELETE", "/project/delete", ids).await;
    assert_eq!(gateway.call(Some(MASTER), "DELETE", "/project/delete", ids).await.0, 404);
}

#[tokio::test]
async fn access_groups_live() {
    let gateway = gateway().await;
    let key = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"models":["gpt-4o"]}"#).await;
    let (secret, hash) = (text(&key, "key").to_owned(), text(&key, "token").to_owned());
    ok(&gateway, MASTER, "POST", "/team/new", r#"{"team_id":"t","team_alias":"T"}"#).await;
    let may = async |model: &str| {
        let who = gateway.accounts.identify(&llm_accounts::Credential::Key(&secret)).await.unwrap();
        who.may_use(model)
    };
    assert!(!may("claude").await);
    let body = format!(
        r#"{{"access_group_name":"g","access_model_names":["claude"],"assigned_key_ids":["{hash}"],"assigned_team_ids":["t"]}}"#
    );
    let made = ok(&gateway, MASTER, "POST", "/v1/access_group", &body).await;
    let path = format!("/v1/unified_access_group/{}", text(&made, "access_group_id"));
    assert_eq!((text(&made, "assigned_teams.0.name"), text(&made, "assigned_keys.0.id")), ("T", hash.as_str()));
    assert!(may("claude").await, "the key has the group's models");
    assert_eq!(gateway.post(MASTER, "/v1/access_group", &body).await.0, 409);
    let unknown = r#"{"access_group_name":"h","assigned_team_ids":["none"]}"#;
    assert_eq!(gateway.post(MASTER, "/v1/access_group", unknown).await.0, 404);
    assert_eq!(
        ok(&gateway, VIEWER, "GET", "/v1/access_group", "").await.as_array().unwrap().len(),
        1,
        "nothing half-made"
    );
    let changed = ok(&gateway, MASTER, "PUT", &path, r#"{"description":"d","assigned_key_ids":[]}"#).await;
    assert_eq!((text(&changed, "description"), at(&changed, "access_model_names.0").as_str()), ("d", Some("claude")));
    assert!(!may("claude").await, "taken away at once");
    let team = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    assert_eq!(at(&team, "team_info.access_group_ids").as_array().unwrap().len(), 1);
    ok(&gateway, MASTER, "DELETE", &path, "").await;
    let team = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    assert_eq!(at(&team, "team_info.access_group_ids").as_array().unwrap().len(), 0);
    assert_eq!(gateway.get(MASTER, &path).await.0, 404);
}

#[tokio::test]
async fn groups_of_deployments_live() {
    let gateway = gateway().await;
    let store = gateway.accounts.store().unwrap().clone();
    for (id, name) in [("1", "m"), ("2", "m"), ("3", "n")] {
        let row = llm_store::ProxyModelRow {
            model_id: id.into(),
            model_name: name.into(),
            ..llm_store::ProxyModelRow::default()
        };
        store.table().insert(&row).await.unwrap();
    }
    let made = ok(&gateway, MASTER, "POST", "/access_group/new", r#"{"access_group":"g","model_names":["m"]}"#).await;
    assert_eq!(at(&made, "models_updated").as_i64(), Some(2), "{made}");
    for (body, wanted) in [
        (r#"{"access_group":"g","model_names":["n"]}"#, 409),
        (r#"{"access_group":"h","model_names":["none"]}"#, 404),
        (r#"{"access_group":"h"}"#, 400),
        (r#"{"model_names":["n"]}"#, 422),
    ] {
        assert_eq!(gateway.post(MASTER, "/access_group/new", body).await.0, wanted, "{body}");
    }
    let budget = ok(&gateway, MASTER, "PUT", "/access_group/g/budget", r#"{"max_budget":3}"#).await;
    assert_eq!(at(&budget, "budget.max_budget").as_f64(), Some(3.0), "{budget}");
    ok(&gateway, MASTER, "PUT", "/access_group/g/update", r#"{"model_ids":["1","3"]}"#).await;
    let info = ok(&gateway, VIEWER, "GET", "/access_group/g/info", "").await;
    assert_eq!(
        (at(&info, "model_names").as_array().unwrap().len(), at(&info, "deployment_count").as_i64()),
        (2, Some(2))
    );
    assert_eq!(at(&info, "budget.max_budget").as_f64(), Some(3.0));
    let list = ok(&gateway, MASTER, "GET", "/access_group/list", "").await;
    assert_eq!(at(&list, "access_groups").as_array().unwrap().len(), 1);
    ok(&gateway, MASTER, "DELETE", "/access_group/g/budget", "").await;
    assert_eq!(gateway.call(Some(MASTER), "DELETE", "/access_group/g/budget", "").await.0, 404);
    ok(&gateway, MASTER, "DELETE", "/access_group/g/delete", "").await;
    assert_eq!(gateway.get(MASTER, "/access_group/g/info").await.0, 404);
}
