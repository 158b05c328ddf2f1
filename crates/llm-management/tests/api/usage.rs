//! Sums of spend: global lists, activity, daily breakdowns.

use chrono::Utc;
use llm_store::{DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, SettlementBatch, TeamRow, UserRow};
use llm_types::{Json, RawJson};

use crate::support::{Gateway, LONELY, MASTER, USER, VIEWER, at, gateway, text};

/// A team `t` with two members, and what they, their tags and an end user spent today.
async fn spent() -> (Gateway, String) {
    let gateway = gateway().await;
    let today = Utc::now().date_naive().to_string();
    let store = gateway.accounts.store().unwrap();
    let members = r#"[{"role":"user","user_id":"internal_user"}]"#;
    let team = TeamRow {
        team_id: "t".into(),
        team_alias: Some("T".into()),
        members_with_roles: RawJson::parse(members).unwrap(),
        ..TeamRow::default()
    };
    store.table().insert(&team).await.unwrap();
    let patch = llm_store::UserPatch { teams: Some(vec!["t".into()]), ..llm_store::UserPatch::default() };
    store.table::<UserRow>().update(["internal_user"], &patch).await.unwrap();
    let own = llm_accounts::KeyDigest::of(USER).hex();
    let row = |scope, entity: &str, key: &str, model: &str, spend: f64| DailySpendRow {
        scope,
        key: DailyKey {
            entity: entity.into(),
            date: today.clone(),
            api_key: key.into(),
            model: model.into(),
            model_group: format!("{model}-group"),
            custom_llm_provider: "openai".into(),
            endpoint: "/v1/chat/completions".into(),
            ..DailyKey::default()
        },
        counters: DailyCounters {
            spend,
            prompt_tokens: 10,
            completion_tokens: 5,
            api_requests: 2,
            successful_requests: 1,
            failed_requests: 1,
            ..DailyCounters::default()
        },
    };
    let daily = vec![
        row(DailyScope::Global, "", "", "a", 1.5),
        row(DailyScope::Global, "", "", "b", 2.0),
        row(DailyScope::User, "internal_user", &own, "a", 1.5),
        row(DailyScope::User, "", "k2", "b", 2.0),
        row(DailyScope::Team, "t", &own, "a", 1.5),
        row(DailyScope::Tag, "blue", &own, "a", 1.5),
        row(DailyScope::Tag, "red", "k2", "b", 2.0),
        row(DailyScope::EndUser, "e", "k2", "b", 2.0),
        row(DailyScope::Agent, "g", "k2", "b", 2.0),
        row(DailyScope::Organization, "o", "k2", "b", 2.0),
    ];
    let keys = vec![KeySpend { token: own, spend: 1.5, last_active: None }];
    let batch = SettlementBatch { batch_id: "1".into(), daily, keys, ..SettlementBatch::default() };
    store.apply(&batch).await.unwrap();
    (gateway, today)
}

fn number(json: &Json, path: &str) -> f64 {
    at(json, path).as_f64().unwrap_or_else(|| panic!("{path} in {json}"))
}

#[tokio::test]
async fn global_lists() {
    let (gateway, today) = spent().await;
    let range = format!("start_date={today}&end_date={today}");
    let get = async |path: &str| {
        let (status, body) = gateway.get(MASTER, path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    assert_eq!(number(&get("/global/spend").await, "spend"), 3.5);
    let days = get("/global/spend/logs").await;
    assert_eq!((text(&days, "0.date"), number(&days, "0.spend")), (today.as_str(), 3.5));
    assert_eq!(number(&get(&format!("/global/spend/logs?api_key={USER}")).await, "0.spend"), 1.5);
    let keys = get("/global/spend/keys?limit=1").await;
    assert_eq!((keys.as_array().unwrap().len(), text(&keys, "0.api_key")), (1, "k2"));
    assert_eq!(gateway.get(MASTER, "/global/spend/keys?limit=0").await.0, 422);
    assert_eq!(text(&get("/global/spend/models").await, "0.model"), "b");
    let providers = get(&format!("/global/spend/provider?{range}")).await;
    assert_eq!((text(&providers, "0.provider"), number(&providers, "0.spend")), ("openai", 3.5));
    let tags = get(&format!("/global/spend/tags?{range}&tags=blue")).await;
    assert_eq!((text(&tags, "spend_per_tag.0.name"), number(&tags, "spend_per_tag.0.spend")), ("blue", 1.5));
    assert_eq!(at(&get("/global/spend/all_tag_names").await, "tag_names").as_array().unwrap().len(), 2);
    let (_, users) = gateway.post(MASTER, "/global/spend/end_users", "").await;
    assert_eq!((text(&users, "0.end_user"), number(&users, "0.total_spend")), ("e", 2.0));
    assert_eq!((at(&users, "1.end_user"), number(&users, "1.total_spend")), (&Json::Null, 1.5));
    assert_eq!(gateway.post(MASTER, "/global/spend/end_users", r#"{"startTime":"soon"}"#).await.0, 400);
    assert_eq!(text(&get("/global/all_end_users").await, "end_users.0"), "e");
    let teams = get("/global/spend/teams").await;
    assert_eq!(text(&teams, "total_spend_per_team.0.team_id"), "Unassigned");
    assert_eq!(number(&teams, "daily_spend.0.T"), 1.5, "{teams}");
    assert_eq!(gateway.get(MASTER, "/global/spend/provider").await.0, 400, "no dates");
    assert_eq!(gateway.get(VIEWER, "/global/spend").await.0, 200);
    assert_eq!(gateway.get(USER, "/global/spend").await.0, 401);
}

#[tokio::test]
async fn reports_and_activity() {
    let (gateway, today) = spent().await;
    let range = format!("start_date={today}&end_date={today}");
    let get = async |path: &str| gateway.get(MASTER, &format!("{path}{range}")).await.1;
    let report = get("/global/spend/report?").await;
    assert_eq!(text(&report, "0.group_by_day"), format!("{today}T00:00:00+00:00"));
    assert_eq!(text(&report, "0.teams.0.team_name"), "Unassigned Team");
    assert_eq!(number(&report, "0.teams.0.total_spend"), 2.0, "{report}");
    assert_eq!(text(&report, "0.teams.1.team_name"), "T");
    let report = get("/global/spend/report?group_by=customer&").await;
    assert_eq!(at(&report, "0.customers.0.customer"), &Json::Null);
    assert_eq!(text(&report, "0.customers.1.customer"), "e");
    let report = get("/global/spend/report?group_by=api_key&").await;
    assert_eq!((text(&report, "0.api_key"), number(&report, "0.model_details.0.total_cost")), ("k2", 2.0));
    assert_eq!(number(&get("/global/spend/report?internal_user_id=internal_user&").await, "0.total_cost"), 1.5);
    assert_eq!(gateway.get(MASTER, &format!("/global/spend/report?group_by=moon&{range}")).await.0, 400);
    let all = get("/global/activity?").await;
    assert_eq!((number(&all, "sum_api_requests"), number(&all, "sum_total_tokens")), (4.0, 30.0));
    let day = Utc::now().date_naive().format("%b %d").to_string();
    assert_eq!(text(&all, "daily_data.0.date"), day);
    let own = gateway.get(USER, &format!("/global/activity?{range}")).await.1;
    assert_eq!(number(&own, "sum_api_requests"), 2.0);
    let models = gateway.get(USER, &format!("/global/activity/model?{range}")).await.1;
    assert_eq!((models.as_array().unwrap().len(), text(&models, "0.model")), (1, "a-group"));
    for path in ["/global/activity/exceptions?model_group=a&", "/global/activity/exceptions/deployment?model_group=a&"]
    {
        assert_eq!(gateway.get(MASTER, &format!("{path}{range}")).await.0, 200, "{path}");
    }
    assert_eq!(gateway.get(MASTER, &format!("/global/activity/exceptions?{range}")).await.0, 422, "no model group");
}

#[tokio::test]
async fn reports_of_what_is_ones_own() {
    let (gateway, today) = spent().await;
    let range = format!("start_date={today}&end_date={today}");
    let get = async |key: &str, path: &str| gateway.get(key, &format!("{path}{range}")).await;
    let own = llm_accounts::KeyDigest::of(USER).hex();
    for path in ["/key/spend/report?", "/user/spend/report?", "/team/spend/report?"] {
        let (status, report) = get(USER, path).await;
        assert_eq!((status, report.as_array().unwrap().len()), (200, 1), "{path}: {report}");
        assert_eq!((text(&report, "0.api_key"), number(&report, "0.total_cost")), (own.as_str(), 1.5), "{path}");
        assert_eq!(number(&report, "0.model_details.0.total_input_tokens"), 10.0, "{path}");
        assert_eq!(gateway.get(USER, path.trim_end_matches('?')).await.0, 400, "{path}: no dates");
    }
    assert_eq!(text(&get(USER, "/team/spend/report?").await.1, "0.model_details.0.team_id"), "t");
    for foreign in [
        "/key/spend/report?api_key=k2&",
        "/user/spend/report?internal_user_id=org_admin&",
        "/team/spend/report?team_id=other&",
        "/team/spend/by_user?team_ids=t,other&",
        "/organization/spend/report?organization_id=o&",
        "/organization/spend/report?",
    ] {
        assert_eq!(get(USER, foreign).await.0, 403, "{foreign}");
    }
    let named = [format!("/key/spend/report?api_key={USER}&"), format!("/key/spend/report?api_key={own}&")];
    for path in named {
        for key in [USER, VIEWER] {
            assert_eq!(number(&get(key, &path).await.1, "0.total_cost"), 1.5, "{path}");
        }
    }
    assert_eq!(text(&get(MASTER, "/key/spend/report?").await.1, "0.api_key"), "k2", "the dearest comes first");
    assert_eq!(number(&get(MASTER, "/organization/spend/report?organization_id=o&").await.1, "0.total_cost"), 2.0);
    assert_eq!(get(MASTER, "/organization/spend/report?organization_id=p&").await.1.as_array().unwrap().len(), 0);
    for key in [MASTER, USER] {
        let (_, people) = get(key, "/team/spend/by_user?team_ids=t&").await;
        let row = at(&people, "results.0");
        assert_eq!((text(&people, "start_date"), text(row, "team_alias")), (today.as_str(), "T"));
        assert_eq!((text(row, "user_id"), number(row, "spend")), ("internal_user", 1.5));
        assert_eq!((number(row, "total_tokens"), number(row, "failed_requests")), (15.0, 1.0));
    }
}

#[tokio::test]
async fn what_only_rows_know() {
    let gateway = gateway().await;
    let today = Utc::now().date_naive();
    let range = format!("start_date={today}&end_date={today}");
    gateway.spend(USER).await.unwrap();
    gateway.spend(LONELY).await.unwrap();
    let (_, hits) = gateway.get(MASTER, &format!("/global/activity/cache_hits?{range}")).await;
    assert_eq!((text(&hits, "0.api_key"), number(&hits, "0.total_rows")), ("Unnamed Key", 2.0));
    let (_, hits) = gateway.get(USER, &format!("/global/activity/cache_hits?{range}")).await;
    assert_eq!(number(&hits, "0.total_rows"), 1.0);
    let (_, page) = gateway.get(MASTER, &format!("/spend/logs/ui?{range}")).await;
    assert_eq!(number(&page, "total"), 2.0);
    assert_eq!(gateway.get(MASTER, "/spend/logs/ui").await.0, 400, "no dates");
    let id = text(&page, "data.0.request_id").to_owned();
    let (status, content) = gateway.get(MASTER, &format!("/spend/logs/ui/{id}")).await;
    assert_eq!((status, text(&content, "request_id")), (200, id.as_str()));
    let foreign =
        at(&page, "data").as_array().unwrap().iter().find(|row| at(row, "user").as_str().is_none_or(str::is_empty));
    let foreign = text(foreign.unwrap(), "request_id");
    assert_eq!(gateway.get(USER, &format!("/spend/logs/ui/{foreign}")).await.0, 404, "somebody else's");
    let session = text(&page, "data.0.session_id");
    let (_, session) = gateway.get(MASTER, &format!("/spend/logs/session/ui?session_id={session}")).await;
    assert_eq!((number(&session, "total"), text(&session, "data.0.request_id")), (1.0, id.as_str()));
}

#[tokio::test]
async fn daily_breakdowns() {
    let (gateway, today) = spent().await;
    let range = format!("start_date={today}&end_date={today}");
    let (_, all) = gateway.get(MASTER, &format!("/user/daily/activity?{range}")).await;
    let own = llm_accounts::KeyDigest::of(USER).hex();
    assert_eq!(text(&all, "results.0.date"), today);
    assert_eq!(number(&all, "results.0.metrics.spend"), 3.5);
    assert_eq!(number(&all, "results.0.breakdown.entities.internal_user.metrics.spend"), 1.5);
    assert_eq!(number(&all, "results.0.breakdown.entities.Unassigned.metrics.api_requests"), 2.0);
    assert_eq!(number(&all, "results.0.breakdown.providers.openai.metrics.total_tokens"), 30.0);
    let of_key = format!("results.0.breakdown.models.a.api_key_breakdown.{own}.metadata");
    assert_eq!(text(&all, &format!("{of_key}.user_id")), "internal_user");
    assert_eq!(at(&all, &format!("{of_key}.key_exists")), &Json::Bool(true));
    assert_eq!(at(&all, "results.0.breakdown.api_keys.k2.metadata.key_exists"), &Json::Bool(false));
    assert_eq!((number(&all, "metadata.total_spend"), number(&all, "metadata.total_pages")), (3.5, 1.0));
    let (_, one) = gateway.get(MASTER, &format!("/user/daily/activity/aggregated?{range}")).await;
    for part in ["date", "metrics", "breakdown.models", "breakdown.model_groups", "breakdown.api_keys"] {
        let part = format!("results.0.{part}");
        assert_eq!(at(&one, &part), at(&all, &part), "two ways to the same sums: {part}");
    }
    assert_eq!(at(&one, "results.0.breakdown.entities"), &Json::Object(Vec::new()));
    assert_eq!(number(&one, "metadata.total_spend"), 3.5);
    assert_eq!(number(&one, "metadata.total_api_keys"), 2.0);
    let (_, none) =
        gateway.get(MASTER, "/user/daily/activity/aggregated?start_date=2001-01-01&end_date=2001-01-02").await;
    assert_eq!((at(&none, "results").as_array().unwrap().len(), number(&none, "metadata.total_spend")), (0, 0.0));
    let (status, _) = gateway.get(MASTER, "/global/spend/report?start_date=2001-01-01&end_date=2001-01-02").await;
    assert_eq!(status, 200);
    let (_, page) = gateway.get(MASTER, &format!("/user/daily/activity?{range}&page_size=1&page=2")).await;
    assert_eq!((number(&page, "metadata.page"), at(&page, "metadata.has_more")), (2.0, &Json::Bool(false)));
    for (path, entity) in [
        ("/team/daily/activity", "t"),
        ("/team/daily/activity/aggregated", "t"),
        ("/organization/daily/activity", "o"),
        ("/customer/daily/activity", "e"),
        ("/end_user/daily/activity", "e"),
        ("/agent/daily/activity", "g"),
        ("/tag/daily/activity", "red"),
    ] {
        let (status, body) = gateway.get(MASTER, &format!("{path}?{range}")).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(at(&body, &format!("results.0.breakdown.entities.{entity}")).as_object().is_some(), "{path}: {body}");
        assert_eq!(gateway.get(MASTER, path).await.0, 400, "{path} without dates");
    }
    let (_, team) = gateway.get(MASTER, &format!("/team/daily/activity?{range}&exclude_team_ids=t")).await;
    assert_eq!(at(&team, "results").as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn everybody_sees_their_own() {
    let (gateway, today) = spent().await;
    let range = format!("start_date={today}&end_date={today}");
    let get = async |path: &str| gateway.get(USER, &format!("{path}{range}")).await;
    let (_, own) = get("/user/daily/activity?").await;
    assert_eq!(number(&own, "metadata.total_spend"), 1.5);
    assert_eq!(get("/user/daily/activity?user_id=proxy_admin_viewer&").await.0, 403);
    let (_, team) = get("/team/daily/activity?").await;
    assert_eq!(number(&team, "results.0.breakdown.entities.t.metrics.spend"), 1.5);
    assert_eq!(text(&team, "results.0.breakdown.entities.t.metadata.team_alias"), "T");
    assert_eq!(get("/team/daily/activity?team_ids=t,other&").await.0, 403);
    let (_, tags) = get("/tag/daily/activity?").await;
    assert_eq!(number(&tags, "metadata.total_spend"), 1.5, "not the red one");
    let (_, tags) = get("/spend/tags?").await;
    assert_eq!((tags.as_array().unwrap().len(), text(&tags, "0.individual_request_tag")), (1, "blue"));
    let (_, none) = get("/organization/daily/activity?").await;
    assert_eq!(at(&none, "results").as_array().unwrap().len(), 0, "manages none");
    assert_eq!(get("/organization/daily/activity?organization_ids=o&").await.0, 403);
    assert_eq!(get("/customer/daily/activity?").await.0, 401);
    assert_eq!(gateway.get(LONELY, &format!("/user/daily/activity?{range}")).await.0, 401);
}

#[tokio::test]
async fn who_is_seen() {
    let (gateway, today) = spent().await;
    let range = format!("filter%5BstartTime%5D%5Bgte%5D={today}&filter%5BstartTime%5D%5Blte%5D={today}%2023:59:59");
    let get = async |key: &str, what: &str| gateway.get(key, &format!("/management/v1/spend_logs/{what}{range}")).await;
    let (status, users) = get(MASTER, "users?").await;
    assert_eq!((status, text(&users, "data.0")), (200, "internal_user"), "{users}");
    assert_eq!((at(&users, "meta.has_more"), at(&users, "links.next")), (&Json::Bool(false), &Json::Null));
    assert_eq!(text(&get(MASTER, "end_users?q=E&page_size=1&").await.1, "data.0"), "e");
    for none in ["end_users?q=x&", "end_users?page=2&", "end_users?q=%25&"] {
        assert_eq!(at(&get(MASTER, none).await.1, "data").as_array().unwrap().len(), 0, "{none}");
    }
    let (_, second) = get(MASTER, "users?page=2&page_size=1&").await;
    assert!(text(&second, "links.prev").ends_with("&page=1"), "{second}");
    assert_eq!(text(&get(USER, "users?").await.1, "data.0"), "internal_user");
    assert_eq!(at(&get(USER, "end_users?").await.1, "data").as_array().unwrap().len(), 0, "others' customers");
    assert_eq!(get(MASTER, "users?sort=name&").await.0, 400);
    assert_eq!(get(MASTER, "users?page_size=101&").await.0, 400);
    assert_eq!(gateway.get(MASTER, "/management/v1/spend_logs/users").await.0, 422, "no dates");
}
