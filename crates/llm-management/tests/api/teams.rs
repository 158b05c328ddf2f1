//! Members of teams, users, and the rest of what keys can do.

use crate::support::{LONELY, MASTER, USER, VIEWER, at, gateway, ok, text};

#[tokio::test]
async fn members_come_change_and_go() {
    let gateway = gateway().await;
    let team = r#"{"team_id":"t","models":["gpt-4o"],"max_budget":5,"team_member_budget":2,
        "members_with_roles":[{"role":"admin","user_id":"internal_user"}]}"#;
    ok(&gateway, MASTER, "POST", "/team/new", team).await;
    let add = r#"{"team_id":"t","member":[{"role":"user","user_id":"ann"},{"role":"user","user_email":"bob@b.c"}]}"#;
    let added = ok(&gateway, USER, "POST", "/team/member_add", add).await;
    assert_eq!(at(&added, "updated_users").as_array().unwrap().len(), 2, "{added}");
    assert_eq!(at(&added, "updated_team_memberships.0.litellm_budget_table.max_budget").as_f64(), Some(2.0));
    assert_eq!(at(&added, "updated_users.0.teams.0").as_str(), Some("t"));
    let shared = text(&added, "updated_team_memberships.0.budget_id").to_owned();
    let (status, again) = gateway.post(USER, "/team/member_add", add).await;
    assert_eq!((status, text(&again, "error.type")), (400, "team_member_already_in_team"));
    for (body, wanted) in [
        (r#"{"team_id":"t","member":{"role":"owner","user_id":"x"}}"#, 422),
        (r#"{"team_id":"t","member":{"role":"user"}}"#, 400),
        (r#"{"team_id":"t","member":{"role":"user","user_id":"x"},"max_budget_in_team":6}"#, 400),
        (r#"{"team_id":"t","member":{"role":"user","user_id":"x"},"allowed_models":["claude"]}"#, 400),
        (r#"{"team_id":"none","member":{"role":"user","user_id":"x"}}"#, 403),
    ] {
        let (status, answer) = gateway.post(USER, "/team/member_add", body).await;
        assert_eq!(status, wanted, "{body}: {answer}");
    }
    let info = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    assert_eq!(at(&info, "team_info.members_with_roles").as_array().unwrap().len(), 4, "nobody half-added: {info}");

    // One member's own budget leaves the others'.
    let update = r#"{"team_id":"t","user_id":"ann","max_budget_in_team":1,"rpm_limit":9,"role":"admin"}"#;
    let updated = ok(&gateway, USER, "POST", "/team/member_update", update).await;
    assert_eq!((at(&updated, "max_budget_in_team").as_f64(), at(&updated, "rpm_limit").as_i64()), (Some(1.0), Some(9)));
    let old = ok(&gateway, MASTER, "POST", "/budget/info", &format!(r#"{{"budgets":["{shared}"]}}"#)).await;
    assert_eq!(at(&old, "0.max_budget").as_f64(), Some(2.0));
    assert_eq!(
        gateway.post(USER, "/team/member_update", r#"{"team_id":"t","user_id":"zoe","role":"user"}"#).await.0,
        404
    );

    let bulk = r#"{"team_id":"t","members":[{"role":"user","user_id":"ann"},{"role":"user","user_id":"cid"}]}"#;
    let done = ok(&gateway, USER, "POST", "/team/bulk_member_add", bulk).await;
    assert_eq!(
        (at(&done, "successful_additions").as_i64(), at(&done, "failed_additions").as_i64()),
        (Some(1), Some(1))
    );
    assert_eq!(at(&done, "results.0.success").as_bool(), Some(false));
    assert_eq!(gateway.post(USER, "/team/bulk_member_add", r#"{"team_id":"t","all_users":true}"#).await.0, 403);

    // A member's key goes with the member.
    let key = ok(&gateway, USER, "POST", "/key/generate", r#"{"team_id":"t","user_id":"cid"}"#).await;
    assert_eq!(at(&key, "allowed_routes.0").as_str(), Some("llm_api_routes"), "in another's name: models only");
    let key = text(&key, "key").to_owned();
    gateway.spend(&key).await.unwrap();
    let gone = ok(&gateway, USER, "POST", "/team/member_delete", r#"{"team_id":"t","user_id":"cid"}"#).await;
    assert_eq!(at(&gone, "members_with_roles").as_array().unwrap().len(), 4);
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 401);
    assert_eq!(gateway.post(USER, "/team/member_delete", r#"{"team_id":"t","user_id":"cid"}"#).await.0, 404);
    let me = ok(&gateway, USER, "GET", "/team/t/members/me", "").await;
    assert_eq!((text(&me, "role"), text(&me, "user_id")), ("admin", "internal_user"));
}

#[tokio::test]
async fn teams_are_managed_within_bounds() {
    let gateway = gateway().await;
    let team =
        r#"{"team_id":"t","models":["gpt-4o"],"members_with_roles":[{"role":"admin","user_id":"internal_user"}]}"#;
    ok(&gateway, MASTER, "POST", "/team/new", team).await;
    for (path, body, wanted) in [
        ("/team/update", r#"{"team_id":"t","team_alias":"T","tags":["a"]}"#, 200),
        ("/team/update", r#"{"team_id":"t","max_budget":1}"#, 403),
        ("/team/update", r#"{"team_id":"t","blocked":false}"#, 403),
        ("/team/update", r#"{"team_id":"t","members_with_roles":[]}"#, 403),
        ("/team/update", r#"{"team_id":"t","allowed_passthrough_routes":["/x"]}"#, 403),
        ("/team/update", r#"{"team_id":"t","metadata":{"allow_client_mock_response":true}}"#, 403),
        ("/team/update", r#"{"team_id":"t","metadata":{"model_rpm_limit":{"gpt-4o":9}}}"#, 403),
        ("/team/update", r#"{"team_id":"t","organization_id":"o"}"#, 403),
        ("/team/model/delete", r#"{"team_id":"t","models":["gpt-4o"]}"#, 400),
        ("/team/model/add", r#"{"team_id":"t","models":["claude"]}"#, 200),
        ("/team/block", r#"{"team_id":"t"}"#, 401),
        ("/team/permissions_update", r#"{"team_id":"t","team_member_permissions":["/key/generate"]}"#, 200),
        ("/team/permissions_update", r#"{"team_id":"t","team_member_permissions":["/user/new"]}"#, 400),
        ("/team/permissions_bulk_update", r#"{"apply_to_all_teams":true,"permissions":["/key/list"]}"#, 401),
        ("/team/delete", r#"{"team_ids":["t"]}"#, 401),
        ("/team/new", r#"{"team_id":"u"}"#, 401),
    ] {
        let (status, answer) = gateway.post(USER, path, body).await;
        assert_eq!(status, wanted, "{path} {body}: {answer}");
    }
    // What stands above its managers stays, whatever they write into the metadata.
    ok(&gateway, MASTER, "POST", "/team/update", r#"{"team_id":"t","model_rpm_limit":{"gpt-4o":2}}"#).await;
    let kept = ok(&gateway, USER, "POST", "/team/update", r#"{"team_id":"t","metadata":{"tags":["a"]}}"#).await;
    let kept = at(&kept, "data").get("metadata").unwrap_or_else(|| at(&kept, "metadata"));
    assert_eq!(at(kept, "model_rpm_limit.gpt-4o").as_i64(), Some(2), "{kept}");
    let patched = ok(&gateway, USER, "PATCH", "/team/t", r#"{"team_alias":"TT"}"#).await;
    assert_eq!((text(&patched, "team_alias"), at(&patched, "metadata.tags.0").as_str()), ("TT", Some("a")));
    let permissions = ok(&gateway, VIEWER, "GET", "/team/permissions_list?team_id=t", "").await;
    assert_eq!(at(&permissions, "team_member_permissions.0").as_str(), Some("/key/generate"));
    let bulk = r#"{"apply_to_all_teams":true,"permissions":["/key/update"]}"#;
    assert_eq!(
        at(&ok(&gateway, MASTER, "POST", "/team/permissions_bulk_update", bulk).await, "teams_updated").as_i64(),
        Some(1)
    );

    let key = ok(&gateway, USER, "POST", "/key/service-account/generate", r#"{"team_id":"t","key_alias":"svc"}"#).await;
    assert!(at(&key, "user_id").is_null(), "{key}");
    assert_eq!(gateway.post(USER, "/key/service-account/generate", "{}").await.0, 400);
    let key = text(&key, "key").to_owned();
    ok(&gateway, MASTER, "POST", "/team/block", r#"{"team_id":"t"}"#).await;
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 401);
    ok(&gateway, MASTER, "POST", "/team/unblock", r#"{"team_id":"t"}"#).await;
    gateway.spend(&key).await.unwrap();

    for (path, wanted) in [
        ("/v2/team/list?page_size=1", 1),
        ("/v2/team/list?search=tt", 1),
        ("/v2/team/list?search=t&search_team_id_match=prefix", 1),
        ("/v2/team/list?team_alias=none", 0),
        ("/v2/team/list?page=99999&page_size=4000000000", 0),
    ] {
        for caller in [MASTER, USER] {
            let page = ok(&gateway, caller, "GET", path, "").await;
            assert_eq!(at(&page, "teams").as_array().unwrap().len(), wanted, "{path}: {page}");
        }
    }
    assert_eq!(gateway.get(MASTER, "/v2/team/list?sort_by=nothing").await.0, 400);
    assert_eq!(gateway.get(USER, "/v2/team/list?user_id=somebody").await.0, 403);
}

#[tokio::test]
async fn organizations_bound_their_administrators() {
    let gateway = gateway().await;
    let body = r#"{"organization_id":"o","organization_alias":"O","models":["gpt-4o"],"max_budget":9}"#;
    ok(&gateway, MASTER, "POST", "/organization/new", body).await;
    ok(&gateway, MASTER, "POST", "/organization/new", r#"{"organization_id":"p","organization_alias":"P"}"#).await;
    let add = r#"{"organization_id":"o","member":{"user_id":"internal_user","role":"org_admin"}}"#;
    ok(&gateway, MASTER, "POST", "/organization/member_add", add).await;
    for (path, body, wanted) in [
        ("/team/new", r#"{"team_id":"a","organization_id":"o","models":["gpt-4o"],"max_budget":9}"#, 200),
        ("/team/new", r#"{"organization_id":"o","models":["claude"]}"#, 400),
        ("/team/new", r#"{"organization_id":"o","max_budget":10}"#, 400),
        ("/team/new", r#"{"organization_id":"p"}"#, 403),
        ("/team/new", "{}", 403),
        ("/team/new", r#"{"organization_id":"o","blocked":false}"#, 403),
        ("/team/update", r#"{"team_id":"a","max_budget":8}"#, 200),
        ("/team/update", r#"{"team_id":"a","max_budget":10}"#, 400),
        ("/team/update", r#"{"team_id":"a","organization_id":null}"#, 403),
        ("/team/update", r#"{"team_id":"a","organization_id":"p"}"#, 403),
        ("/user/new", r#"{"user_id":"ann"}"#, 403),
        ("/user/new", r#"{"user_id":"ann","organizations":["p"]}"#, 403),
        ("/user/new", r#"{"user_id":"ann","organizations":["o"],"user_role":"proxy_admin"}"#, 403),
        ("/user/new", r#"{"user_id":"ann","organizations":["o"],"teams":["a"]}"#, 200),
        ("/user/update", r#"{"user_id":"ann","user_role":"proxy_admin"}"#, 401),
    ] {
        let (status, answer) = gateway.post(USER, path, body).await;
        assert_eq!(status, wanted, "{path} {body}: {answer}");
    }
    let list = ok(&gateway, USER, "GET", "/user/list", "").await;
    let ids: Vec<_> = at(&list, "users").as_array().unwrap().iter().map(|u| text(u, "user_id")).collect();
    assert_eq!((ids.len(), ids.contains(&"ann")), (2, true), "its own people only: {list}");
    let ann = at(&list, "users").as_array().unwrap().iter().find(|u| text(u, "user_id") == "ann").unwrap();
    assert_eq!(at(ann, "key_count").as_i64(), Some(1));
    assert_eq!(text(&ok(&gateway, USER, "GET", "/v2/user/info?user_id=ann", "").await, "user_id"), "ann");
    assert_eq!(gateway.get(USER, "/v2/user/info?user_id=proxy_admin_viewer").await.0, 403);
    assert_eq!(gateway.get(USER, "/user/list?organization_ids=p").await.0, 403);
    ok(&gateway, USER, "POST", "/team/delete", r#"{"team_ids":["a"]}"#).await;
}

#[tokio::test]
async fn users_change_and_go() {
    let gateway = gateway().await;
    let made =
        ok(&gateway, MASTER, "POST", "/user/new", r#"{"user_id":"ann","user_email":"a@b.c","key_alias":"k"}"#).await;
    let key = text(&made, "key").to_owned();
    let taken = r#"{"user_id":"bob","key_alias":"k"}"#;
    assert_eq!(gateway.post(MASTER, "/user/new", taken).await.0, 400);
    assert_eq!(gateway.get(MASTER, "/v2/user/info?user_id=bob").await.0, 404, "nothing half-made");
    let body = r#"{"user_email":"a@b.c","max_budget":3,"user_role":"internal_user_viewer","metadata":{"x":1}}"#;
    let updated = ok(&gateway, MASTER, "POST", "/user/update", body).await;
    assert_eq!((text(&updated, "user_id"), at(&updated, "data.max_budget").as_f64()), ("ann", Some(3.0)));
    assert_eq!(gateway.post(&key, "/key/generate", "{}").await.0, 401, "the role is new at once");
    for (body, wanted) in [
        (r#"{"user_id":"zoe"}"#, 404),
        (r#"{"user_id":"ann","max_budget":-1}"#, 400),
        (r#"{"user_id":"ann","user_role":"root"}"#, 400),
        (r#"{"user_id":"ann","user_role":"org_admin"}"#, 400),
        (r#"{"user_id":"ann","password":"x"}"#, 400),
        ("{}", 400),
    ] {
        assert_eq!(gateway.post(MASTER, "/user/update", body).await.0, wanted, "{body}");
    }
    gateway.spend(&key).await.unwrap();
    ok(&gateway, MASTER, "POST", "/user/update", r#"{"user_id":"ann","spend":0}"#).await;
    assert_eq!(at(&ok(&gateway, MASTER, "GET", "/v2/user/info?user_id=ann", "").await, "spend").as_f64(), Some(0.0));
    let bulk = r#"{"users":[{"user_id":"ann","user_alias":"A"},{"user_id":"zoe"}]}"#;
    let done = ok(&gateway, MASTER, "POST", "/user/bulk_update", bulk).await;
    assert_eq!((at(&done, "successful_updates").as_i64(), at(&done, "failed_updates").as_i64()), (Some(1), Some(1)));
    let found =
        ok(&gateway, VIEWER, "GET", "/user/list?search=A@B&role=internal_user_viewer&sort_by=user_email", "").await;
    assert_eq!(at(&found, "total").as_i64(), Some(1), "{found}");
    assert_eq!(gateway.get(MASTER, "/user/list?sort_by=nothing").await.0, 400);
    assert!(!at(&ok(&gateway, LONELY, "GET", "/user/available_roles", "").await, "internal_user").is_null());

    ok(
        &gateway,
        MASTER,
        "POST",
        "/team/new",
        r#"{"team_id":"t","members_with_roles":[{"role":"user","user_id":"ann"}]}"#,
    )
    .await;
    assert_eq!(gateway.post(MASTER, "/user/delete", r#"{"user_ids":["ann","zoe"]}"#).await.0, 404);
    let gone = ok(&gateway, MASTER, "POST", "/user/delete", r#"{"user_ids":["ann"]}"#).await;
    assert_eq!(gone.as_i64(), Some(1));
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 401);
    let team = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    let members = at(&team, "team_info.members_with_roles").as_array().unwrap();
    assert!(members.iter().all(|m| text(m, "user_id") != "ann"), "{team}");
}

#[tokio::test]
async fn keys_in_bulk_and_their_spend() {
    let gateway = gateway().await;
    let one = ok(&gateway, USER, "POST", "/key/generate", r#"{"key_alias":"one"}"#).await;
    ok(&gateway, MASTER, "POST", "/key/generate", r#"{"key_alias":"two"}"#).await;
    let key = text(&one, "key").to_owned();
    let bulk = format!(r#"{{"keys":[{{"key":"{key}","max_budget":7}},{{"key":"sk-nothing-0123456789"}}]}}"#);
    let done = ok(&gateway, MASTER, "POST", "/key/bulk_update", &bulk).await;
    assert_eq!(at(&done, "successful_updates.0.key_info.max_budget").as_f64(), Some(7.0), "{done}");
    assert_eq!(text(&done, "failed_updates.0.failed_reason"), "Key not found in database");
    assert_eq!(at(&ok(&gateway, MASTER, "GET", "/key/aliases", "").await, "total_count").as_i64(), Some(2));
    let own = ok(&gateway, USER, "GET", "/key/aliases?search=O", "").await;
    assert_eq!((at(&own, "aliases.0").as_str(), at(&own, "total_count").as_i64()), (Some("one"), Some(1)));
    assert_eq!(text(&ok(&gateway, LONELY, "POST", "/key/health", "").await, "key"), "healthy");
    for _ in 0..2 {
        gateway.spend(&key).await.unwrap();
    }
    let path = format!("/key/{key}/reset_spend");
    assert_eq!(gateway.post(MASTER, &path, r#"{"reset_to":3}"#).await.0, 400);
    assert_eq!(gateway.post(MASTER, &path, r#"{"reset_to":-1}"#).await.0, 400);
    assert_eq!(gateway.post(MASTER, &path, "{}").await.0, 422);
    let reset = ok(&gateway, MASTER, "POST", &path, r#"{"reset_to":0.5}"#).await;
    assert_eq!((at(&reset, "previous_spend").as_f64(), at(&reset, "spend").as_f64()), (Some(2.0), Some(0.5)));
    gateway.spend(&key).await.unwrap();
    let info = ok(&gateway, MASTER, "GET", &format!("/key/info?key={key}"), "").await;
    assert_eq!(at(&info, "info.spend").as_f64(), Some(1.5));
}

#[tokio::test]
async fn names_stand_for_models_within_a_team() {
    let gateway = gateway().await;
    let team = r#"{"team_id":"t","models":["gpt-4o","cheap"],"model_aliases":{"fast":"gpt-4o"},
        "enforced_file_expires_after":{"anchor":"created_at","seconds":60},
        "members_with_roles":[{"role":"admin","user_id":"internal_user"}]}"#;
    let made = ok(&gateway, MASTER, "POST", "/team/new", team).await;
    assert_eq!(text(&made, "litellm_model_table.model_aliases.fast"), "gpt-4o", "{made}");
    let key = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"team_id":"t"}"#).await;
    let key = text(&key, "key").to_owned();
    let alias = async |name: &str| {
        let who = gateway.accounts.identify(&llm_accounts::Credential::Key(&key)).await.unwrap();
        who.alias(name, |_| true).map(str::to_owned)
    };
    assert_eq!(alias("fast").await.as_deref(), Some("gpt-4o"));
    for (body, wanted) in [
        (r#"{"team_id":"t","model_aliases":{"fast":1}}"#, 422),
        (r#"{"team_id":"t","model_aliases":{"fast":"cheap"}}"#, 200),
    ] {
        assert_eq!(gateway.post(USER, "/team/update", body).await.0, wanted, "{body}");
    }
    assert_eq!(alias("fast").await.as_deref(), Some("cheap"), "at once");
    // Who may use one model only lets no name stand for another.
    let narrow = r#"{"user_id":"internal_user","models":["gpt-4o"],"key":"sk-narrow-manager-01"}"#;
    ok(&gateway, MASTER, "POST", "/key/generate", narrow).await;
    let dear = r#"{"team_id":"t","model_aliases":{"fast":"dear"}}"#;
    assert_eq!(gateway.post("sk-narrow-manager-01", "/team/update", dear).await.0, 403);
    // What administrators put into the metadata stays.
    for (body, wanted) in [
        (r#"{"team_id":"t","enforced_file_expires_after":null}"#, 403),
        (r#"{"team_id":"t","metadata":{"enforced_file_expires_after":{"anchor":"created_at","seconds":9}}}"#, 403),
        (r#"{"team_id":"t","metadata":{"mine":1}}"#, 200),
    ] {
        assert_eq!(gateway.post(USER, "/team/update", body).await.0, wanted, "{body}");
    }
    let info = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    assert_eq!(at(&info, "team_info.metadata.enforced_file_expires_after.seconds").as_i64(), Some(60), "{info}");
    assert_eq!(at(&info, "team_info.metadata.mine").as_i64(), Some(1));
    let (status, cleared) = gateway.call(Some(MASTER), "PATCH", "/team/t", r#"{"model_aliases":null}"#).await;
    assert_eq!((status, at(&cleared, "litellm_model_table.model_aliases").to_string()), (200, "{}".to_owned()));
    assert_eq!(alias("fast").await, None);
}
