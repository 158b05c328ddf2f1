//! Many users and members at once, and who uses which tags.

use chrono::Utc;
use llm_store::{DailyCounters, DailyKey, DailyScope, DailySpendRow, SettlementBatch};

use crate::support::{LONELY, MASTER, USER, at, gateway, text};

#[tokio::test]
async fn many_users_at_once() {
    let gateway = gateway().await;
    gateway.post(MASTER, "/team/new", r#"{"team_id":"t"}"#).await;
    let body = r#"{"users":[
        {"user_id":"a","user_email":"a@example.org","teams":["t"]},
        {"user_id":"a"},
        {"user_email":" A@example.org "},
        {"user_id":"b","user_role":"emperor"},
        {"user_id":"c","auto_create_key":true},
        {"user_id":"internal_user"}]}"#;
    let (status, made) = gateway.post(MASTER, "/management/v1/users/bulk", body).await;
    assert_eq!(status, 200, "{made}");
    let good: Vec<_> = at(&made, "data").as_array().unwrap().iter().map(|row| at(row, "success").as_bool()).collect();
    assert_eq!(good, [true, false, false, false, true, false].map(Some), "{made}");
    assert_eq!((at(&made, "meta.created").as_i64(), at(&made, "meta.failed").as_i64()), (Some(2), Some(4)));
    assert_eq!((text(&made, "data.0.teams.0"), at(&made, "data.0.key").as_str()), ("t", None));
    assert!(text(&made, "data.4.key").starts_with("sk-") && text(&made, "data.5.error").contains("already exists"));

    for (body, status) in [
        (r#"{"users":[]}"#, 422),
        (r#"{"users":[7]}"#, 422),
        (r#"{"users":[{"user_id":"d"}],"all":1}"#, 422),
        (r#"{"users":[{"user_id":"d"},{"user_id":"e","user_rolle":"internal_user"}]}"#, 422),
        (r#"{"users":[{"user_id":"d","send_invite_email":true}]}"#, 422),
        ("{}", 422),
    ] {
        assert_eq!(gateway.post(MASTER, "/management/v1/users/bulk", body).await.0, status, "{body}");
    }
    assert_eq!(gateway.post(USER, "/management/v1/users/bulk", r#"{"users":[{}]}"#).await.0, 401);
    let (_, made) = gateway.get(MASTER, "/user/list?user_ids=d,e").await;
    assert_eq!(at(&made, "total").as_i64(), Some(0), "one wrong row: nobody is made");

    let ids = r#"{"user_ids":["a","nobody","a","c"]}"#;
    let (status, gone) = gateway.post(MASTER, "/management/v1/users/bulk_delete", ids).await;
    assert_eq!(status, 200, "{gone}");
    let good: Vec<_> = at(&gone, "data").as_array().unwrap().iter().map(|row| at(row, "success").as_bool()).collect();
    assert_eq!(good, [true, false, false, true].map(Some), "{gone}");
    assert_eq!((text(&gone, "data.0.teams_removed.0"), text(&gone, "data.0.user_email")), ("t", "a@example.org"));
    let (_, left) = gateway.get(MASTER, "/user/list?user_ids=a,c,internal_user").await;
    assert_eq!((at(&left, "total").as_i64(), text(&left, "users.0.user_id")), (Some(1), "internal_user"), "{left}");
}

#[tokio::test]
async fn many_members_at_once() {
    let gateway = gateway().await;
    gateway.post(MASTER, "/user/new", r#"{"user_id":"a","user_email":"a@example.org","auto_create_key":false}"#).await;
    let members = r#"[{"role":"user","user_id":"a"},{"role":"user","user_id":"internal_user"}]"#;
    let team = format!(r#"{{"team_id":"t","members_with_roles":{members}}}"#);
    assert_eq!(gateway.post(MASTER, "/team/new", &team).await.0, 200);
    let path = "/management/v1/teams/t/members/bulk_update";
    let body = r#"{"members":[{"user_id":"internal_user","max_budget_in_team":3,"rpm_limit":5},
        {"user_email":"a@example.org","max_budget_in_team":4},{"user_id":"x"},{"user_id":"internal_user","rpm_limit":6}]}"#;
    let (status, done) = gateway.post(MASTER, path, body).await;
    assert_eq!(status, 200, "{done}");
    let good: Vec<_> = at(&done, "data").as_array().unwrap().iter().map(|row| at(row, "success").as_bool()).collect();
    assert_eq!(good, [true, true, false, false].map(Some), "{done}");
    assert_eq!((at(&done, "data.0.max_budget").as_f64(), at(&done, "data.0.rpm_limit").as_i64()), (Some(3.0), Some(5)));
    assert_eq!((text(&done, "data.1.user_id"), text(&done, "data.1.max_budget_source")), ("a", "member"));
    let (_, cleared) =
        gateway.post(MASTER, path, r#"{"members":[{"user_id":"internal_user","max_budget_in_team":null}]}"#).await;
    assert!(at(&cleared, "data.0.max_budget").is_null() && at(&cleared, "data.0.rpm_limit").as_i64() == Some(5));
    for body in [
        r#"{"members":[{"user_id":"a","user_email":"a@example.org"}]}"#,
        r#"{"members":[{}]}"#,
        r#"{"members":[{"user_id":"a","role":"admin"}]}"#,
    ] {
        assert_eq!(gateway.post(MASTER, path, body).await.0, 422, "{body}");
    }
    assert_eq!(gateway.post(USER, path, r#"{"members":[{"user_id":"a"}]}"#).await.0, 403);

    let path = "/management/v1/teams/t/members/bulk_delete";
    let (_, gone) = gateway.post(MASTER, path, r#"{"members":[{"user_id":"a"},{"user_id":"a"}]}"#).await;
    assert_eq!(
        (at(&gone, "data.0.success").as_bool(), at(&gone, "data.1.success").as_bool()),
        (Some(true), Some(false))
    );
    assert_eq!(
        gateway
            .post(MASTER, "/management/v1/teams/none/members/bulk_delete", r#"{"members":[{"user_id":"a"}]}"#)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn people_behind_tags() {
    let gateway = gateway().await;
    let today = Utc::now().date_naive();
    let row = |tag: &str, key: &str, days: u64| DailySpendRow {
        scope: DailyScope::Tag,
        key: DailyKey {
            entity: tag.into(),
            date: (today - chrono::Days::new(days)).to_string(),
            api_key: llm_accounts::KeyDigest::of(key).hex(),
            model: "m".into(),
            ..DailyKey::default()
        },
        counters: DailyCounters {
            spend: 2.0,
            api_requests: 3,
            successful_requests: 2,
            failed_requests: 1,
            prompt_tokens: 4,
            ..DailyCounters::default()
        },
    };
    let daily = vec![
        row("User-Agent: curl", USER, 0),
        row("User-Agent: curl", crate::support::VIEWER, 0),
        row("User-Agent: curl", LONELY, 0),
        row("User-Agent: curl", USER, 10),
        row("blue", USER, 0),
        row("a:b", USER, 0),
    ];
    let batch = SettlementBatch { batch_id: "1".into(), daily, ..SettlementBatch::default() };
    gateway.accounts.store().unwrap().apply(&batch).await.unwrap();

    let (_, tags) = gateway.get(MASTER, "/tag/distinct").await;
    assert_eq!(tags.to_string(), r#"{"results":[{"tag":"User-Agent: curl"},{"tag":"blue"}]}"#);
    let (_, days) = gateway.get(MASTER, "/tag/dau?tag_filter=CURL").await;
    assert_eq!(
        (at(&days, "results").as_array().unwrap().len(), at(&days, "results.0.active_users").as_i64()),
        (1, Some(2))
    );
    let (_, weeks) = gateway.get(MASTER, "/tag/wau?tag_filters=User-Agent:%20curl").await;
    assert_eq!(at(&weeks, "results").as_array().unwrap().len(), 2, "{weeks}");
    assert_eq!(
        (at(&weeks, "results.1.active_users").as_i64(), text(&weeks, "results.1.date").split(" (").next()),
        (Some(2), Some("Week 7"))
    );
    let (_, months) = gateway.get(MASTER, "/tag/mau?tag_filters=blue").await;
    assert_eq!(at(&months, "results").as_array().unwrap().len(), 1, "{months}");
    let (_, sums) = gateway.get(MASTER, &format!("/tag/summary?start_date={today}&end_date={today}")).await;
    assert_eq!(
        (text(&sums, "results.0.tag"), at(&sums, "results.0.total_requests").as_i64()),
        ("User-Agent: curl", Some(9))
    );
    assert_eq!(
        (at(&sums, "results.0.unique_users").as_i64(), at(&sums, "results.0.total_spend").as_f64()),
        (Some(2), Some(6.0))
    );
    assert_eq!(gateway.get(MASTER, "/tag/summary?start_date=x&end_date=y").await.0, 400);
    let (_, people) = gateway.get(MASTER, "/tag/user-agent/per-user-analytics?page_size=1").await;
    assert_eq!((text(&people, "results.0.user_id"), at(&people, "total_count").as_i64()), ("internal_user", Some(2)));
    assert_eq!(at(&people, "results.0.successful_requests").as_i64(), Some(8), "{people}");
    assert_eq!(gateway.get(USER, "/tag/dau").await.0, 401);
}
