//! Virtual keys.

use llm_accounts::KeyDigest;

use crate::support::{MASTER, NARROW, USER, at, gateway, ok, text, with};

#[tokio::test]
async fn a_key_lives() {
    let gateway = gateway().await;
    let body = r#"{"key_alias":"mine","models":["gpt-4o"],"max_budget":"1.5","duration":"30d","budget_duration":"1mo","tpm_limit":700,
        "metadata":{"a":1},"tags":["t"],"model_rpm_limit":{"gpt-4o":30},"soft_budget":1,"aliases":{"x":"y"}}"#;
    let (status, made) = gateway.post(MASTER, "/key/generate", body).await;
    assert_eq!(status, 200, "{made}");
    let key = text(&made, "key").to_owned();
    assert!(key.starts_with("sk-") && key.len() == 25);
    assert_eq!(text(&made, "token"), KeyDigest::of(&key).hex());
    assert_eq!(text(&made, "token_id"), text(&made, "token"));
    assert_eq!(text(&made, "key_name"), format!("sk-...{}", &key[21..]));
    assert_eq!((at(&made, "max_budget").as_f64(), at(&made, "tpm_limit").as_i64()), (Some(1.5), Some(700)));
    assert_eq!(at(&made, "tags.0").as_str(), Some("t"));
    assert!(
        !at(&made, "expires").is_null() && !at(&made, "budget_reset_at").is_null() && !at(&made, "budget_id").is_null()
    );

    gateway.spend(&key).await.unwrap();
    gateway.spend(&key).await.unwrap();
    let refused = gateway.spend(&key).await.unwrap_err();
    assert_eq!((refused.status(), refused.openai_type()), (422, "budget_exceeded"));

    let (_, info) = gateway.get(&key, "/key/info").await;
    assert_eq!(at(&info, "info.spend").as_f64(), Some(2.0), "{info}");
    assert_eq!(at(&info, "info.metadata.model_rpm_limit.gpt-4o").as_i64(), Some(30));
    assert!(at(&info, "info.token").is_null());

    let update = format!(r#"{{"key":"{key}","max_budget":null,"tags":["u"],"blocked":false}}"#);
    let (status, updated) = gateway.post(MASTER, "/key/update", &update).await;
    assert_eq!((status, at(&updated, "max_budget").is_null()), (200, true), "{updated}");
    assert_eq!(at(&updated, "metadata.a").as_i64(), Some(1), "the rest of the metadata stays");
    assert_eq!(at(&updated, "metadata.tags.0").as_str(), Some("u"));
    gateway.spend(&key).await.unwrap();

    gateway.post(MASTER, "/key/block", &format!(r#"{{"key":"{key}"}}"#)).await;
    assert_eq!(gateway.spend(&key).await.unwrap_err().status(), 401, "at once");
    gateway.post(MASTER, "/key/unblock", &format!(r#"{{"key":"{key}"}}"#)).await;
    gateway.spend(&key).await.unwrap();

    let (status, rotated) = gateway.post(MASTER, &format!("/key/{key}/regenerate"), r#"{"grace_period":"1h"}"#).await;
    assert_eq!(status, 200, "{rotated}");
    let new = text(&rotated, "key").to_owned();
    assert_eq!((at(&rotated, "rotation_count").as_i64(), at(&rotated, "spend").as_f64()), (Some(1), Some(4.0)));
    gateway.spend(&new).await.unwrap();
    gateway.spend(&key).await.unwrap();
    let (_, again) = gateway.post(MASTER, "/key/regenerate", &format!(r#"{{"key":"{new}"}}"#)).await;
    assert_eq!(gateway.spend(&new).await.unwrap_err().status(), 401, "no grace was asked for");
    let newest = text(&again, "key").to_owned();

    let (status, gone) = gateway.post(MASTER, "/key/delete", r#"{"key_aliases":["mine"]}"#).await;
    assert_eq!((status, at(&gone, "deleted_keys.0").as_str()), (200, Some("mine")));
    assert_eq!(gateway.spend(&newest).await.unwrap_err().status(), 401);
    let (status, _) = gateway.post(MASTER, "/key/delete", &format!(r#"{{"keys":["{newest}"]}}"#)).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn wrong_bodies_are_told() {
    let gateway = gateway().await;
    for (path, body, status, wanted) in [
        (
            "/key/generate",
            r#"{"max_budget":"x","models":1}"#,
            422,
            r#"{"detail":[{"type":"list_type","loc":["body","models"],"msg":"Input should be a valid list","input":1},{"type":"float_parsing","loc":["body","max_budget"],"msg":"Input should be a valid number, unable to parse string as a number","input":"x"}]}"#,
        ),
        (
            "/key/generate",
            "{",
            422,
            r#"{"detail":[{"type":"json_invalid","loc":["body"],"msg":"JSON decode error","input":{}}]}"#,
        ),
        (
            "/key/update",
            "{}",
            422,
            r#"{"detail":[{"type":"missing","loc":["body","key"],"msg":"Field required","input":{}}]}"#,
        ),
        (
            "/key/update",
            r#"{"key":"sk-not-there-0123456789"}"#,
            404,
            r#"{"error":{"message":"Key not found in database","type":"not_found_error","param":"key","code":"404"}}"#,
        ),
        (
            "/key/generate",
            r#"{"duration":"soon"}"#,
            400,
            r#"{"error":{"message":"Invalid duration: `soon`. Use a number and a unit: 30s, 5m, 24h, 7d, 2w, 1mo.","type":"bad_request_error","param":"duration","code":"400"}}"#,
        ),
        (
            "/key/generate",
            r#"{"key":"abc-0123456789abcdef"}"#,
            400,
            r#"{"error":{"message":"Invalid key format. LiteLLM Virtual Key must start with 'sk-'.","type":"bad_request_error","param":"key","code":"400"}}"#,
        ),
        (
            "/key/generate",
            r#"{"key":"sk-1234"}"#,
            400,
            r#"{"error":{"message":"Invalid key. Custom keys must be at least 16 characters long.","type":"bad_request_error","param":"key","code":"400"}}"#,
        ),
        ("/nothing", "{}", 404, r#"{"detail":"Not Found"}"#),
        ("/key/info", "{}", 405, r#"{"detail":"Method Not Allowed"}"#),
    ] {
        let (found, answer) = gateway.post(MASTER, path, body).await;
        assert_eq!((found, answer.to_string().as_str()), (status, wanted), "{path} {body}");
    }
    let (_, first) = gateway.post(MASTER, "/key/generate", r#"{"key_alias":"a"}"#).await;
    let (status, second) = gateway.post(MASTER, "/key/generate", r#"{"key_alias":"a"}"#).await;
    assert_eq!((status, text(&second, "error.param")), (400, "key_alias"), "{second}");
    let taken = format!(r#"{{"key":"{}"}}"#, text(&first, "key"));
    assert_eq!(gateway.post(MASTER, "/key/generate", &taken).await.0, 400);
    let (status, query) = gateway.get(MASTER, "/key/list?page=0").await;
    assert_eq!((status, text(&query, "detail.0.loc.0")), (422, "query"));
    let none = with(None);
    let (status, answer) = none.post(MASTER, "/key/generate", "{}").await;
    assert_eq!((status, text(&answer, "error.type")), (500, "internal_server_error"), "no database");
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let gateway = gateway().await;
    let (status, own) = gateway.post(USER, "/key/generate", "{}").await;
    assert_eq!((status, text(&own, "user_id")), (200, "internal_user"));
    for (key, body) in [
        (USER, r#"{"user_id":"somebody"}"#),
        (USER, r#"{"team_id":"somewhere"}"#),
        (USER, r#"{"spend":-1}"#),
        (USER, r#"{"permissions":{"get_spend_routes":true}}"#),
        (USER, r#"{"metadata":{"allow_client_mock_response":true}}"#),
        (USER, r#"{"organization_id":"o"}"#),
        (NARROW, "{}"),
        (NARROW, r#"{"models":["gpt-4o"],"max_budget":6,"allowed_routes":["/key"]}"#),
        (NARROW, r#"{"models":["claude"],"max_budget":1,"allowed_routes":["/key"]}"#),
        (NARROW, r#"{"models":["*"],"max_budget":1,"allowed_routes":["/key"]}"#),
        (NARROW, r#"{"models":["gpt-4o"],"max_budget":1,"allowed_routes":["/team"]}"#),
        (NARROW, r#"{"models":["gpt-4o"],"max_budget":1}"#),
    ] {
        let (status, answer) = gateway.post(key, "/key/generate", body).await;
        assert_eq!(status, 403, "{body}: {answer}");
    }
    let (status, answer) = gateway
        .post(NARROW, "/key/generate", r#"{"models":["gpt-4o"],"max_budget":5,"allowed_routes":["/key/info"]}"#)
        .await;
    assert_eq!(status, 200, "{answer}");
    // A key is changed and deleted by its user only.
    let (_, foreign) = gateway.post(MASTER, "/key/generate", r#"{"user_id":"somebody"}"#).await;
    let named = format!(r#"{{"key":"{}","max_budget":1}}"#, text(&foreign, "key"));
    assert_eq!(gateway.post(USER, "/key/update", &named).await.0, 403);
    assert_eq!(gateway.post(USER, "/key/delete", &format!(r#"{{"keys":["{}"]}}"#, text(&foreign, "key"))).await.0, 403);
    assert_eq!(gateway.get(USER, &format!("/key/info?key={}", text(&foreign, "key"))).await.0, 403);
    let mine = format!(r#"{{"key":"{}","max_budget":1}}"#, text(&own, "key"));
    assert_eq!(gateway.post(USER, "/key/update", &mine).await.0, 200);
    let given_away = format!(r#"{{"key":"{}","user_id":"somebody"}}"#, text(&own, "key"));
    assert_eq!(gateway.post(USER, "/key/update", &given_away).await.0, 403);
    let (_, list) = gateway.get(USER, "/key/list?return_full_object=true&size=100").await;
    let users: Vec<_> = at(&list, "keys").as_array().unwrap().iter().map(|k| text(k, "user_id")).collect();
    assert!(users.len() >= 3 && users.iter().all(|u| *u == "internal_user"), "{users:?}");
    assert_eq!(gateway.get(USER, "/key/list?user_id=somebody").await.0, 403);
    assert_eq!(gateway.get(USER, "/user/info?user_id=somebody").await.0, 403);
    assert_eq!(gateway.get(USER, "/spend/logs?user_id=somebody").await.0, 403);
}

#[tokio::test]
async fn a_key_may_be_let_see_what_everybody_spent() {
    let gateway = gateway().await;
    let body = r#"{"user_id":"internal_user","permissions":{"get_spend_routes":true}}"#;
    assert_eq!(gateway.post(USER, "/key/generate", body).await.0, 403, "administrators give it");
    let made = ok(&gateway, MASTER, "POST", "/key/generate", body).await;
    let key = text(&made, "key").to_owned();
    gateway.spend(&key).await.unwrap();
    let off = body.replace("true", "false");
    let other = ok(&gateway, MASTER, "POST", "/key/generate", &off).await;
    for path in
        ["/global/spend/keys", "/global/spend/teams", "/global/activity?start_date=2020-01-01&end_date=2020-01-02"]
    {
        assert_eq!(gateway.get(&key, path).await.0, 200, "{path}");
    }
    assert_eq!(gateway.get(text(&other, "key"), "/global/spend/keys").await.0, 401);
    assert_eq!(gateway.post(&key, "/global/spend/reset", "{}").await.0, 401, "it sees and changes nothing");
    assert_eq!(gateway.get(&key, "/customer/list").await.0, 401);
}

/// What an administrator limits on a key, the key does not lift: not from itself, and not by making another one.
#[tokio::test]
async fn limits_of_single_models_go_along() {
    let gateway = gateway().await;
    let body = r#"{"user_id":"internal_user","key":"sk-bounded-0123456789","models":["gpt-4o"],"allowed_routes":["/key"],
        "model_max_budget":{"gpt-4o":{"budget_limit":1,"time_period":"30d"}},"model_rpm_limit":{"gpt-4o":2}}"#;
    assert_eq!(gateway.post(MASTER, "/key/generate", body).await.0, 200);
    let own = "sk-bounded-0123456789";
    let update =
        async |change: &str| gateway.post(own, "/key/update", &format!(r#"{{"key":"{own}",{change}}}"#)).await.0;
    for wider in [
        r#""model_max_budget":{}"#,
        r#""model_max_budget":null"#,
        r#""model_max_budget":{"gpt-4o":{"budget_limit":2,"time_period":"30d"}}"#,
        r#""model_rpm_limit":{"gpt-4o":3}"#,
        r#""metadata":{"model_rpm_limit":{}}"#,
        r#""router_settings":{"model_group_alias":{"gpt-4o":"claude"}}"#,
        r#""router_settings":{"fallbacks":[{"gpt-4o":["claude"]}]}"#,
    ] {
        assert_eq!(update(wider).await, 403, "{wider}");
    }
    // Who writes metadata of his own lifts nothing by it.
    for fine in
        [r#""model_rpm_limit":{"gpt-4o":1}"#, r#""metadata":{"note":"x"}"#, r#""router_settings":{"num_retries":1}"#]
    {
        assert_eq!(update(fine).await, 200, "{fine}");
    }
    let rest = r#""models":["gpt-4o"],"allowed_routes":["/key"]"#;
    let (status, made) = gateway.post(own, "/key/generate", &format!("{{{rest}}}")).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(at(&made, "model_max_budget.gpt-4o.budget_limit").as_f64(), Some(1.0), "{made}");
    assert_eq!(at(&made, "metadata.model_rpm_limit.gpt-4o").as_f64(), Some(1.0), "{made}");
    let wider = format!(r#"{{{rest},"model_max_budget":{{"other":{{"budget_limit":1,"time_period":"30d"}}}}}}"#);
    assert_eq!(gateway.post(own, "/key/generate", &wider).await.0, 403);
}
