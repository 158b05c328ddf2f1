//! Copies of keys that go with those they belong to.

use bytes::Bytes;
use http::Method;
use llm_tests::{Gateway, MASTER_KEY, eventually};
use serde_json::{Value, json};

use super::{Vault, key};

pub(super) async fn keys_go_with_those_they_belong_to(gateway: &Gateway, vault: &Vault) {
    let made = async |path: &str, body: Value, id: &str| {
        let reply = gateway.ask(path, &body).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()[id].as_str().unwrap().to_owned()
    };
    let team = async || made("/team/new", json!({}), "team_id").await;
    let user = made("/user/new", json!({"auto_create_key": false}), "user_id").await;
    let firm = made("/organization/new", json!({"organization_alias": "firm"}), "organization_id").await;
    let (left, closed) = (team().await, team().await);
    let member = json!({"team_id": left, "member": {"role": "user", "user_id": user}});
    assert_eq!(gateway.ask("/team/member_add", &member).await.unwrap().status, 200);
    for (alias, of) in [
        ("of-member", json!({"team_id": left, "user_id": user})),
        ("of-team", json!({"team_id": closed})),
        ("of-user", json!({"user_id": user})),
        ("of-firm", json!({"organization_id": firm})),
    ] {
        let mut body = of;
        body["key_alias"] = json!(alias);
        key(gateway, &body).await;
    }
    for (method, path, body, alias) in [
        (Method::POST, "/team/member_delete", json!({"team_id": left, "user_id": user}), "gate/keys/of-member"),
        (Method::POST, "/team/delete", json!({"team_ids": [closed]}), "gate/keys/of-team"),
        (Method::POST, "/user/delete", json!({"user_ids": [user]}), "gate/keys/of-user"),
        (Method::DELETE, "/organization/delete", json!({"organization_ids": [firm]}), "gate/keys/of-firm"),
    ] {
        assert!(vault.held(alias).is_some(), "{alias}");
        let auth = format!("Bearer {MASTER_KEY}");
        let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
        let reply = gateway.send(method, path, &headers, Bytes::from(body.to_string())).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        eventually("the copy goes", async || vault.held(alias).is_none().then_some(())).await;
    }
    assert_eq!(vault.names(), Vec::<String>::new());
}
