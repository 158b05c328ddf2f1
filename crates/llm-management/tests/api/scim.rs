//! SCIM, as Entra and Okta call it.

use llm_types::Json;

use crate::support::{Gateway, MASTER, USER, at, gateway, ok, text};

/// The key of an identity provider: of nobody, for SCIM's routes only.
async fn provider(gateway: &Gateway) -> String {
    let made = ok(gateway, MASTER, "POST", "/key/generate", r#"{"allowed_routes":["/scim/*"]}"#).await;
    text(&made, "key").to_owned()
}

fn patch(operations: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#)
}

fn total(list: &Json) -> i64 {
    at(list, "totalResults").as_i64().unwrap_or_else(|| panic!("{list}"))
}

#[tokio::test]
async fn entra_makes_changes_and_disables_people() {
    let gateway = gateway().await;
    let key = provider(&gateway).await;
    let find = "/scim/v2/Users?filter=userName%20eq%20%22ann@contoso.com%22";
    assert_eq!(total(&ok(&gateway, &key, "GET", find, "").await), 0);
    let ann = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId":"0b1c","userName":"ann@contoso.com","active":true,"displayName":"Ann Lee",
        "emails":[{"primary":true,"type":"work","value":"ann.lee@contoso.com"}],
        "name":{"formatted":"Ann Lee","familyName":"Lee","givenName":"Ann"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D","manager":"bob"}}"#;
    let (status, made) = gateway.call(Some(&key), "POST", "/scim/v2/Users", ann).await;
    assert_eq!(
        (status, text(&made, "id"), text(&made, "userName")),
        (201, "ann@contoso.com", "ann@contoso.com"),
        "{made}"
    );
    assert_eq!((text(&made, "emails.0.value"), text(&made, "displayName")), ("ann.lee@contoso.com", "Ann Lee"));
    assert_eq!(text(&made, "meta.location"), "/scim/v2/Users/ann@contoso.com");
    let enterprise = made.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User").unwrap();
    assert_eq!((text(enterprise, "department"), text(enterprise, "manager.value")), ("R&D", "bob"));
    assert_eq!(total(&ok(&gateway, &key, "GET", &find.replace("ann", "ANN"), "").await), 1, "names know no case");
    let (status, again) = gateway.call(Some(&key), "POST", "/scim/v2/Users", ann).await;
    assert_eq!((status, text(&again, "scimType"), text(&again, "status")), (409, "uniqueness", "409"));
    assert_eq!(text(&again, "schemas.0"), "urn:ietf:params:scim:api:messages:2.0:Error");

    let row = ok(&gateway, MASTER, "GET", "/v2/user/info?user_id=ann@contoso.com", "").await;
    assert_eq!((text(&row, "user_role"), text(&row, "sso_user_id")), ("internal_user_viewer", "0b1c"));
    let own = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"user_id":"ann@contoso.com"}"#).await;
    let own = text(&own, "key").to_owned();
    gateway.spend(&own).await.unwrap();
    let off = patch(r#"{"op":"Replace","path":"active","value":"False"}"#);
    let gone = ok(&gateway, &key, "PATCH", "/scim/v2/Users/ann@contoso.com", &off).await;
    assert_eq!(at(&gone, "active").as_bool(), Some(false));
    assert_eq!(gateway.spend(&own).await.unwrap_err().status(), 401, "at once");
    // A change that says nothing of it leaves it.
    let renamed = patch(
        r#"{"op":"Replace","path":"userName","value":"ann.lee@contoso.com"},
           {"op":"Add","path":"emails[type eq \"work\"].value","value":"lee@contoso.com"},
           {"op":"Replace","value":{"name.familyName":"Roe"}}"#,
    );
    let renamed = ok(&gateway, &key, "PATCH", "/scim/v2/Users/ann@contoso.com", &renamed).await;
    assert_eq!(at(&renamed, "active").as_bool(), Some(false));
    assert_eq!((text(&renamed, "id"), text(&renamed, "userName")), ("ann@contoso.com", "ann.lee@contoso.com"));
    assert_eq!((text(&renamed, "name.familyName"), text(&renamed, "name.givenName")), ("Roe", "Ann"));
    let put = ann.replace(r#""active":true,"#, "");
    ok(&gateway, &key, "PUT", "/scim/v2/Users/ann@contoso.com", &put).await;
    assert_eq!(gateway.spend(&own).await.unwrap_err().status(), 401, "a PUT without it enables nobody");
    ok(&gateway, &key, "PATCH", "/scim/v2/Users/ann@contoso.com", &off.replace("False", "True")).await;
    gateway.spend(&own).await.unwrap();
    let (status, _) = gateway.call(Some(&key), "DELETE", "/scim/v2/Users/ann@contoso.com", "").await;
    assert_eq!(status, 204);
    assert_eq!(gateway.spend(&own).await.unwrap_err().openai_type(), "token_not_found_in_db");
    let (status, missing) = gateway.call(Some(&key), "GET", "/scim/v2/Users/ann@contoso.com", "").await;
    assert_eq!((status, text(&missing, "status")), (404, "404"), "{missing}");
}

#[tokio::test]
async fn groups_are_teams() {
    let gateway = gateway().await;
    let key = provider(&gateway).await;
    for name in ["ann", "bob"] {
        let user = format!(r#"{{"userName":"{name}","emails":[{{"value":"{name}@example.org"}}]}}"#);
        assert_eq!(gateway.call(Some(&key), "POST", "/scim/v2/Users", &user).await.0, 201);
    }
    let group = r#"{"displayName":"Research","externalId":"g-1","members":[{"value":"ann"}]}"#;
    let (status, made) = gateway.call(Some(&key), "POST", "/scim/v2/Groups", group).await;
    assert_eq!((status, text(&made, "id"), text(&made, "members.0.value")), (201, "g-1", "ann"), "{made}");
    assert_eq!(gateway.call(Some(&key), "POST", "/scim/v2/Groups", group).await.0, 409);
    let team = ok(&gateway, MASTER, "GET", "/team/info?team_id=g-1", "").await;
    assert_eq!((text(&team, "team_info.team_alias"), text(&team, "team_memberships.0.user_id")), ("Research", "ann"));
    // Okta's and Entra's ways, one after the other; the address of bob is his name as well.
    let add = patch(r#"{"op":"add","path":"members","value":[{"value":"bob@example.org","display":"Bob"}]}"#);
    let both = ok(&gateway, &key, "PATCH", "/scim/v2/Groups/g-1", &add).await;
    assert_eq!(at(&both, "members").as_array().unwrap().len(), 2, "{both}");
    let of_team = ok(&gateway, MASTER, "POST", "/key/generate", r#"{"user_id":"bob","team_id":"g-1"}"#).await;
    let bob = ok(&gateway, &key, "GET", "/scim/v2/Users/bob", "").await;
    assert_eq!((text(&bob, "groups.0.value"), text(&bob, "groups.0.display")), ("g-1", "Research"));
    let remove = patch(r#"{"op":"Remove","path":"members","value":[{"value":"bob"}]}"#);
    let left = ok(&gateway, &key, "PATCH", "/scim/v2/Groups/g-1", &remove).await;
    assert_eq!(at(&left, "members").as_array().unwrap().len(), 1);
    let error = gateway.spend(text(&of_team, "key")).await.unwrap_err();
    assert_eq!(error.openai_type(), "token_not_found_in_db", "the team's key goes with the member");
    let rename = patch(r#"{"op":"replace","value":{"id":"g-1","displayName":"Lab"}}"#);
    assert_eq!(text(&ok(&gateway, &key, "PATCH", "/scim/v2/Groups/g-1", &rename).await, "displayName"), "Lab");
    let lean =
        ok(&gateway, &key, "GET", "/scim/v2/Groups?excludedAttributes=members&filter=displayName%20eq%20%22lab%22", "")
            .await;
    assert_eq!((total(&lean), at(&lean, "Resources.0.members")), (1, &Json::Null));
    let all = r#"{"displayName":"Lab","members":[{"value":"bob"},{"value":"other","type":"Group"},{"value":"new"}]}"#;
    let put = ok(&gateway, &key, "PUT", "/scim/v2/Groups/g-1", all).await;
    let members: Vec<&str> = at(&put, "members").as_array().unwrap().iter().map(|m| text(m, "value")).collect();
    assert_eq!(members, ["bob", "new"], "unknown people are made, groups passed over");
    let ann = ok(&gateway, &key, "GET", "/scim/v2/Users/ann", "").await;
    assert_eq!(at(&ann, "groups").as_array().unwrap().len(), 0);
    assert_eq!(gateway.call(Some(&key), "DELETE", "/scim/v2/Groups/g-1", "").await.0, 204);
    assert_eq!(gateway.get(MASTER, "/team/info?team_id=g-1").await.0, 404);
    assert_eq!(gateway.call(Some(&key), "PATCH", "/scim/v2/Groups/g-1", &rename).await.0, 404);
}

#[tokio::test]
async fn lists_come_in_windows() {
    let gateway = gateway().await;
    let key = provider(&gateway).await;
    let before = total(&ok(&gateway, &key, "GET", "/scim/v2/Users?count=0", "").await);
    for n in 0..7 {
        let user = format!(r#"{{"userName":"u{n}","name":{{"familyName":"Fam{}"}}}}"#, n % 2);
        assert_eq!(gateway.call(Some(&key), "POST", "/scim/v2/Users", &user).await.0, 201);
    }
    let page = ok(&gateway, &key, "GET", "/scim/v2/Users?startIndex=2&count=3", "").await;
    let shape = ["totalResults", "startIndex", "itemsPerPage"].map(|name| at(&page, name).as_i64().unwrap());
    assert_eq!(shape, [before + 7, 2, 3]);
    let page =
        ok(&gateway, &key, "GET", "/scim/v2/Users?filter=name.familyName%20eq%20%22fam1%22&startIndex=3", "").await;
    assert_eq!((total(&page), text(&page, "Resources.0.userName")), (3, "u5"));
    let page = ok(&gateway, &key, "GET", "/scim/v2/Users?filter=id%20eq%20%22u3%22&attributes=userName", "").await;
    assert_eq!((text(&page, "Resources.0.userName"), at(&page, "Resources.0.emails")), ("u3", &Json::Null));
    for (path, kind) in [
        ("/scim/v2/Users?filter=userName", "invalidFilter"),
        ("/scim/v2/Groups?filter=%28a%20pr", "invalidFilter"),
        ("/scim/v2/Users?count=many", "invalidSyntax"),
    ] {
        let (status, body) = gateway.get(&key, path).await;
        assert_eq!((status, text(&body, "scimType")), (400, kind), "{path}: {body}");
    }
    for body in [
        "[]",
        "{",
        r#"{"userName":7}"#,
        r#"{"emails":[{"value":"none"}],"userName":"x"}"#,
        r#"{"userName":"x","active":"perhaps"}"#,
    ] {
        let (status, answer) = gateway.call(Some(&key), "POST", "/scim/v2/Users", body).await;
        assert_eq!((status, text(&answer, "status")), (400, "400"), "{body}: {answer}");
    }
    assert_eq!(gateway.get(&key, "/scim/v2/Users/x").await.0, 404, "nothing was half-written");
    for path in [
        "",
        "/",
        "/ServiceProviderConfig",
        "/ResourceTypes/User",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group",
    ] {
        let (status, body) = gateway.get(&key, &format!("/scim/v2{path}")).await;
        assert!(status == 200 && at(&body, "schemas.0").as_str().is_some(), "{path}: {body}");
    }
}

#[tokio::test]
async fn provisioning_is_for_those_who_may() {
    let gateway = gateway().await;
    for (key, body) in [(USER, r#"{"allowed_routes":["/scim/*"]}"#), (USER, r#"{"allowed_routes":["/scim/v2/Users"]}"#)]
    {
        assert_eq!(gateway.post(key, "/key/generate", body).await.0, 403, "{body}");
    }
    // A key that an administrator made for somebody has that person's role, whatever its list says.
    let body = r#"{"user_id":"internal_user","allowed_routes":["/scim/*"]}"#;
    let of_user = ok(&gateway, MASTER, "POST", "/key/generate", body).await;
    let (status, answer) = gateway.get(text(&of_user, "key"), "/scim/v2/Users").await;
    assert_eq!((status, text(&answer, "status")), (401, "401"), "{answer}");
    let of_nobody = ok(&gateway, MASTER, "POST", "/key/generate", "{}").await;
    assert_eq!(gateway.get(text(&of_nobody, "key"), "/scim/v2/Users").await.0, 401);
    let key = provider(&gateway).await;
    assert_eq!(gateway.get(&key, "/scim/v2/Users").await.0, 200);
    assert_eq!(gateway.get(&key, "/user/list").await.0, 403, "nothing else");
    assert_eq!(gateway.get(MASTER, "/scim/v2/Users").await.0, 200);
}

#[tokio::test]
async fn who_stands_in_the_way_of_somebody_is_folded_into_them() {
    let gateway = gateway().await;
    let key = provider(&gateway).await;
    let user = async |body: &str| ok(&gateway, MASTER, "POST", "/user/new", body).await;
    user(r#"{"user_id":"ann","user_email":"Ann@x.example","sso_user_id":"oid-1","auto_create_key":false}"#).await;
    ok(&gateway, MASTER, "POST", "/team/new", r#"{"team_id":"t","team_alias":"t"}"#).await;
    for id in ["oid-1", "ann@x.example", "oid-2"] {
        let body = format!(r#"{{"user_id":"{id}","auto_create_key":false}}"#);
        user(&body).await;
        let body = format!(r#"{{"team_id":"t","member":{{"user_id":"{id}","role":"user"}}}}"#);
        ok(&gateway, MASTER, "POST", "/team/member_add", &body).await;
    }
    // Somebody logs in as this one.
    user(r#"{"user_id":"locked","auto_create_key":false}"#).await;
    user(r#"{"user_id":"eve","sso_user_id":"locked","auto_create_key":false}"#).await;
    ok(&gateway, MASTER, "POST", "/user/update", r#"{"user_id":"locked","password":"A-long-password-7"}"#).await;
    let body = r#"{"team_id":"t","user_id":"oid-1","role":"admin"}"#;
    ok(&gateway, MASTER, "POST", "/team/member_update", body).await;
    // Somebody uses this one.
    user(r#"{"user_id":"keyed","auto_create_key":true}"#).await;
    user(r#"{"user_id":"bob","sso_user_id":"keyed","auto_create_key":false}"#).await;

    let list = ok(&gateway, &key, "GET", "/scim/v2/placeholders", "").await;
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|one| text(one, "placeholder_user_id")).collect();
    assert_eq!(ids, ["ann@x.example", "oid-1"], "{list}");
    assert_eq!((text(&list, "1.resolved_user_ids.0"), text(&list, "1.team_ids.0")), ("ann", "t"));

    let merge =
        async |id: &str| gateway.call(Some(&key), "POST", &format!("/scim/v2/placeholders/{id}/merge"), "").await;
    for (id, status) in [("keyed", 409), ("locked", 409), ("oid-2", 409), ("ann", 409), ("nobody", 404)] {
        assert_eq!(merge(id).await.0, status, "{id}");
    }
    let (status, merged) = merge("oid-1").await;
    assert_eq!((status, text(&merged, "merged_into_user_id")), (200, "ann"), "{merged}");
    assert_eq!(gateway.get(&key, "/scim/v2/Users/oid-1").await.0, 404);
    let team = ok(&gateway, &key, "GET", "/scim/v2/Groups/t", "").await;
    let members: Vec<&str> = at(&team, "members").as_array().unwrap().iter().map(|m| text(m, "value")).collect();
    assert!(members.contains(&"ann") && !members.contains(&"oid-1"), "{team}");
    let info = ok(&gateway, MASTER, "GET", "/team/info?team_id=t", "").await;
    let roster = at(&info, "team_info.members_with_roles").as_array().unwrap().to_vec();
    let ann = roster.iter().find(|member| text(member, "user_id") == "ann").unwrap();
    assert_eq!(text(ann, "role"), "admin", "{info}");
    assert_eq!(gateway.get(USER, "/scim/v2/placeholders").await.0, 401);
}
