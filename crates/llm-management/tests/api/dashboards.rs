//! What dashboards draw: sessions, how fast models are, how they fail, budgets in pages.

use chrono::{TimeDelta, Utc};
use llm_store::{BudgetRow, DailyGatewayRow, DailyPaceRow, SettlementBatch, SpendLogRow};
use llm_types::{Json, RawJson};

use crate::support::{Gateway, MASTER, USER, VIEWER, at, gateway, ok, text};

/// Calls of two sessions with the same name but different keys, and a failure.
async fn called() -> Gateway {
    let gateway = gateway().await;
    let own = llm_accounts::KeyDigest::of(USER).hex();
    let start = Utc::now() - TimeDelta::minutes(10);
    let row = |id: &str, minute: i64, key: &str| SpendLogRow {
        request_id: id.into(),
        litellm_call_id: Some(format!("call-{id}")),
        session_id: Some("s".into()),
        api_key: key.into(),
        user: (key == own).then(|| "internal_user".into()),
        call_type: "acompletion".into(),
        model: "m".into(),
        model_group: Some("group".into()),
        api_base: Some("https://host/openai/deployments/m".into()),
        spend: 1.0,
        completion_tokens: 10,
        total_tokens: 12,
        start_time: start + TimeDelta::minutes(minute),
        completion_start_time: Some(start + TimeDelta::minutes(minute) + TimeDelta::milliseconds(500)),
        end_time: start + TimeDelta::minutes(minute) + TimeDelta::seconds(2),
        status: Some("success".into()),
        ..SpendLogRow::default()
    };
    let failed = SpendLogRow {
        status: Some("failure".into()),
        completion_tokens: 0,
        completion_start_time: None,
        session_id: Some("call-f".into()),
        metadata: Some(RawJson::parse(r#"{"error_information":{"error_class":"Timeout"}}"#).unwrap()),
        ..row("f", 3, &own)
    };
    let rows = vec![row("a", 0, &own), row("b", 1, &own), row("c", 2, "other"), failed];
    let batch = SettlementBatch { batch_id: "1".into(), spend_rows: rows, ..SettlementBatch::default() };
    gateway.accounts.store().unwrap().apply(&batch).await.unwrap();
    gateway
}

fn ids(body: &Json) -> String {
    let rows = at(body, "data").as_array().unwrap();
    rows.iter().map(|row| text(row, "request_id")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn lists_of_sessions() {
    let gateway = called().await;
    let get = async |key: &str, path: &str| ok(&gateway, key, "GET", path, "").await;
    let range = "start_date=2020-01-01&end_date=2099-01-01";
    let all = get(MASTER, &format!("/spend/logs/ui?{range}&group_by_session=true")).await;
    assert_eq!(
        (ids(&all).as_str(), at(&all, "total").as_i64(), at(&all, "has_more")),
        ("f c b", Some(3), &Json::Bool(false))
    );
    // Another key's session of the same name is not told of.
    assert_eq!(at(&all, "data.2.session_total_count").as_i64(), Some(2));
    assert_eq!(at(&all, "data.2.session_total_spend").as_f64(), Some(2.0));
    assert_eq!(text(&all, "data.2.session_models.0"), "m");
    assert_eq!(at(&all, "data.0.session_total_count").as_i64(), Some(1));
    let first = get(MASTER, &format!("/spend/logs/ui?{range}&group_by_session=true&page_size=2")).await;
    let cursor: String = url::form_urlencoded::byte_serialize(text(&first, "next_session_cursor").as_bytes()).collect();
    let next = format!("/spend/logs/ui?{range}&group_by_session=true&page_size=2&session_cursor={cursor}");
    assert_eq!((ids(&first).as_str(), ids(&get(MASTER, &next).await).as_str()), ("f c", "b"));
    assert_eq!(gateway.get(MASTER, "/spend/logs/v2?group_by_session=true&session_cursor=x").await.0, 400);
    // One's own sessions only, and without what other keys did in them.
    let own = get(USER, "/spend/logs/v2?group_by_session=true&sort_by=spend&sort_order=asc").await;
    assert_eq!((ids(&own).as_str(), at(&own, "total").as_i64()), ("b f", Some(2)));
    let first = get(MASTER, "/spend/logs/v2?sort_by=ttft_ms").await;
    assert_eq!(ids(&first).split(' ').next_back(), Some("f"), "it had no first token");
    assert_eq!(gateway.get(MASTER, "/spend/logs/v2?sort_by=moon").await.0, 400);
}

#[tokio::test]
async fn how_fast_models_are() {
    let gateway = called().await;
    let get = async |path: &str| ok(&gateway, MASTER, "GET", path, "").await;
    let line = "https://host";
    // Times of SQLite are not exact.
    let near = |mean: f64| (mean * 1e6).round() / 1e6;
    let mean = |chart: &Json| {
        at(chart, "data").as_array().unwrap().first().and_then(|point| point.get(line)?.as_f64()).map(near)
    };
    // From the rows, for there are no sums yet.
    let rows = get("/model/metrics?_selected_model_group=group").await;
    assert_eq!((mean(&rows), text(&rows, "all_api_bases.0")), (Some(0.2), line), "{rows}");
    assert_eq!(mean(&get("/model/metrics?_selected_model_group=group&customer=nobody").await), None);
    assert_eq!(mean(&get("/model/streaming_metrics").await), Some(0.5));
    let failures = get("/model/metrics/exceptions").await;
    assert_eq!((text(&failures, "exception_types.0"), at(&failures, "data.0.Timeout").as_i64()), ("Timeout", Some(1)));
    assert_eq!(text(&failures, "data.0.model"), "m-https://host/openai/deployments/m");
    let slow = get("/model/metrics/slow_responses").await;
    assert_eq!((at(&slow, "0.total_count").as_i64(), at(&slow, "0.slow_count").as_i64()), (Some(4), Some(0)));

    // From the sums, once there are some: rows of these days are not added to them.
    let today = Utc::now() - TimeDelta::minutes(10);
    let pace = DailyPaceRow {
        model_group: "group".into(),
        date: today.format("%Y-%m-%d").to_string(),
        model: "m".into(),
        api_base: line.into(),
        requests: 4,
        slow_requests: 1,
        timed_requests: 2,
        seconds_per_token: 0.5,
        ..DailyPaceRow::default()
    };
    let batch = SettlementBatch { batch_id: "2".into(), pace: vec![pace.clone(), pace], ..SettlementBatch::default() };
    gateway.accounts.store().unwrap().apply(&batch).await.unwrap();
    assert_eq!(mean(&get("/model/metrics?_selected_model_group=group").await), Some(0.25));
    assert_eq!(at(&get("/model/metrics?_selected_model_group=other").await, "data").as_array(), Some(&[][..]));
    let slow = get("/model/metrics/slow_responses").await;
    assert_eq!((at(&slow, "0.total_count").as_i64(), at(&slow, "0.slow_count").as_i64()), (Some(8), Some(2)));
    let own = format!("/model/metrics?api_key={USER}");
    assert_eq!(mean(&get(&own).await), Some(0.2), "of one key, from its rows");
    assert_eq!(gateway.get(USER, "/model/metrics").await.0, 401);
    assert_eq!(gateway.get(MASTER, "/model/metrics?startTime=soon").await.0, 400);
}

#[tokio::test]
async fn what_was_answered() {
    let gateway = gateway().await;
    let row = |route: &str, fine: i64, failed: i64| DailyGatewayRow {
        date: "2026-05-01".into(),
        category: "llm".into(),
        route: route.into(),
        successful_requests: fine,
        failed_requests: failed,
        ..DailyGatewayRow::default()
    };
    let store = gateway.accounts.store().unwrap();
    for _ in 0..2 {
        store.add_gateway_requests(&[row("/a", 1, 2), row("/b", 5, 0)]).await.unwrap();
    }
    let body =
        ok(&gateway, VIEWER, "GET", "/gateway/daily/activity?start_date=2026-05-01&end_date=2026-05-01", "").await;
    assert_eq!(
        (at(&body, "total_successful_requests").as_i64(), at(&body, "total_failed_requests").as_i64()),
        (Some(12), Some(4))
    );
    assert_eq!((text(&body, "by_route.0.route"), at(&body, "by_date.0.failed_requests").as_i64()), ("/b", Some(4)));
    let body = ok(&gateway, MASTER, "GET", "/gateway/daily/activity", "").await;
    assert_eq!(at(&body, "by_date").as_array(), Some(&[][..]), "not within the last 30 days");
    assert_eq!(gateway.get(USER, "/gateway/daily/activity").await.0, 401);
}

#[tokio::test]
async fn budgets_in_pages() {
    let gateway = gateway().await;
    for (id, max, length) in [("a", Some(1.0), Some("7d")), ("b", Some(5.0), None), ("c", None, Some("30d"))] {
        let row = BudgetRow {
            budget_id: id.into(),
            max_budget: max,
            budget_duration: length.map(str::to_owned),
            ..BudgetRow::default()
        };
        gateway.accounts.store().unwrap().table().insert(&row).await.unwrap();
    }
    let get = async |query: &str| {
        let body = ok(&gateway, VIEWER, "GET", &format!("/management/v1/budgets?{query}"), "").await;
        let ids = at(&body, "data").as_array().unwrap().iter().map(|row| text(row, "budget_id").to_owned());
        (ids.collect::<Vec<_>>().join(" "), body)
    };
    let (ids, body) = get("sort=-max_budget&page_size=2").await;
    assert_eq!((ids.as_str(), at(&body, "meta.total_pages").as_i64()), ("b a", Some(2)));
    assert_eq!(text(&body, "links.next"), "/management/v1/budgets?sort=-max_budget&page_size=2&page=2");
    assert_eq!(get("sort=-max_budget&page_size=2&page=2").await.0, "c", "without a budget comes last");
    for (query, ids) in [
        ("filter[budget_duration][in]=7d,30d&sort=budget_id", "a c"),
        ("filter[max_budget][is_null]=true", "c"),
        ("filter[max_budget][gte]=2", "b"),
        ("filter[created_at][lte]=2020-01-01T00:00:00Z", ""),
        ("q=A", "a"),
    ] {
        assert_eq!(get(&query.replace('[', "%5B").replace(']', "%5D")).await.0, ids, "{query}");
    }
    for query in ["sort=budget_duration", "sort=a,a", "limit=1", "page=1&page=2", "filter%5Bmax_budget%5D%5Bgte%5D=x"] {
        assert_eq!(gateway.get(MASTER, &format!("/management/v1/budgets?{query}")).await.0, 400, "{query}");
    }
    assert_eq!(gateway.get(MASTER, "/management/v1/budgets?page=x").await.0, 422);
    assert_eq!(gateway.get(USER, "/management/v1/budgets").await.0, 401);
}
