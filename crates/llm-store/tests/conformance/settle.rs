//! Batches of spend.

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::*;
use llm_types::RawJson;

pub(crate) fn spend_row(id: &str) -> SpendLogRow {
    SpendLogRow {
        request_id: id.into(),
        litellm_call_id: Some(format!("call-{id}")),
        call_type: "acompletion".into(),
        api_key: "k".into(),
        spend: 0.5,
        total_tokens: 3,
        prompt_tokens: 2,
        completion_tokens: 1,
        model: "gpt-4o".into(),
        ..SpendLogRow::default()
    }
}

pub(crate) fn batch(id: &str) -> SettlementBatch {
    SettlementBatch { batch_id: id.into(), ..SettlementBatch::default() }
}

fn key_spend(token: &str, spend: f64, last_active: Option<DateTime<Utc>>) -> KeySpend {
    KeySpend { token: token.into(), spend, last_active }
}

fn named(ids: &[(&str, f64)]) -> Vec<(String, f64)> {
    ids.iter().map(|(id, spend)| ((*id).to_owned(), *spend)).collect()
}

async fn entities(store: &Store) {
    store.keys().insert(&VerificationToken { token: "k".into(), spend: 1.0, ..Default::default() }).await.unwrap();
    store.keys().insert(&VerificationToken { token: "idle".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&UserRow { user_id: "u".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&TeamRow { team_id: "t".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&OrganizationRow { organization_id: "o".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&TagRow { tag_name: "tag".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&ProjectRow { project_id: "p".into(), ..Default::default() }).await.unwrap();
    store.table().insert(&AgentRow { agent_id: "a".into(), ..Default::default() }).await.unwrap();
    let member = TeamMembershipRow { user_id: "u".into(), team_id: "t".into(), ..Default::default() };
    store.table().insert(&member).await.unwrap();
    let member = OrganizationMembershipRow { user_id: "u".into(), organization_id: "o".into(), ..Default::default() };
    store.table().insert(&member).await.unwrap();
    store
        .table()
        .insert(&EndUserRow { user_id: "e".into(), blocked: true, spend: 1.0, ..Default::default() })
        .await
        .unwrap();
}

pub(crate) async fn everything_is_added(store: Store) {
    entities(&store).await;
    let before = store.keys().get_by_hash("k").await.unwrap().unwrap();
    let used: DateTime<Utc> = "2026-03-01T10:00:00.250Z".parse().unwrap();
    let b = SettlementBatch {
        spend_rows: (0..150).map(|n| spend_row(&format!("r{n}"))).collect(),
        keys: vec![
            key_spend("k", 0.25, Some(used)),
            key_spend("k", 0.5, Some(used - TimeDelta::hours(1))),
            key_spend("x", 9.0, None),
        ],
        users: named(&[("u", 1.5), ("u", 0.5), ("unknown", 1.0)]),
        teams: named(&[("t", 2.5)]),
        team_members: vec![("t".into(), "u".into(), 3.0), ("t".into(), "u".into(), 0.5)],
        organizations: named(&[("o", 4.5)]),
        organization_members: vec![("o".into(), "u".into(), 5.5)],
        end_users: named(&[("e", 1.0), ("new", 2.0)]),
        tags: named(&[("tag", 6.5)]),
        projects: named(&[("p", 7.5)]),
        agents: named(&[("a", 8.5)]),
        model_access_groups: named(&[("g", 1.0), ("g", 1.5)]),
        ..batch("b1")
    };
    let done = store.apply(&b).await.unwrap();
    assert_eq!(done, Applied { spend_rows: 150, ..Applied::default() });
    let again = SettlementBatch { keys: vec![key_spend("k", 1.0, Some(used - TimeDelta::days(1)))], ..batch("b2") };
    store.apply(&again).await.unwrap();

    let key = store.keys().get_by_hash("k").await.unwrap().unwrap();
    assert_eq!((key.spend, key.total_spend, key.last_active), (2.75, 1.75, Some(used)));
    assert_eq!(key.updated_at, before.updated_at, "spend is not a change of settings");
    let idle = store.keys().get_by_hash("idle").await.unwrap().unwrap();
    assert_eq!((idle.spend, idle.last_active), (0.0, None));
    macro_rules! spent { ($row:ident, $($key:literal),+) => {
        store.table::<$row>().get([$($key),+]).await.unwrap().unwrap().spend
    } }
    assert_eq!(spent!(UserRow, "u"), 2.0);
    assert_eq!(spent!(TeamRow, "t"), 2.5);
    assert_eq!(spent!(OrganizationRow, "o"), 4.5);
    assert_eq!(spent!(OrganizationMembershipRow, "u", "o"), Some(5.5));
    assert_eq!((spent!(EndUserRow, "e"), spent!(EndUserRow, "new")), (2.0, 2.0));
    assert!(store.table::<EndUserRow>().get(["e"]).await.unwrap().unwrap().blocked);
    assert_eq!((spent!(TagRow, "tag"), spent!(ProjectRow, "p"), spent!(AgentRow, "a")), (6.5, 7.5, 8.5));
    assert_eq!(spent!(ModelAccessGroupBudgetRow, "g"), 2.5);
    let member = store.table::<TeamMembershipRow>().get(["u", "t"]).await.unwrap().unwrap();
    assert_eq!((member.spend, member.total_spend), (3.5, 3.5));
    assert!(store.table::<UserRow>().get(["unknown"]).await.unwrap().is_none());
    assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 150);
}

pub(crate) async fn a_batch_is_applied_once(store: Store) {
    entities(&store).await;
    let b = SettlementBatch { spend_rows: vec![spend_row("r")], users: named(&[("u", 1.0)]), ..batch("same") };
    assert!(!store.apply(&b).await.unwrap().already);
    // The journal reads its segment back as JSON.
    let replayed: SettlementBatch = serde_json::from_str(&serde_json::to_string(&b).unwrap()).unwrap();
    let (one, two) = tokio::join!(store.apply(&replayed), store.apply(&replayed));
    assert!(one.unwrap().already && two.unwrap().already);
    assert_eq!(store.table::<UserRow>().get(["u"]).await.unwrap().unwrap().spend, 1.0);
    assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 1);

    assert_eq!(store.forget_batches(Utc::now() - TimeDelta::hours(1)).await.unwrap(), 0);
    assert_eq!(store.forget_batches(Utc::now() + TimeDelta::hours(1)).await.unwrap(), 1);
    assert!(!store.apply(&b).await.unwrap().already);
}

pub(crate) async fn nothing_of_a_failed_batch_stays(store: Store) {
    entities(&store).await;
    let b = SettlementBatch { spend_rows: vec![spend_row("r")], users: named(&[("u", 1.0)]), ..batch("cut") };
    // Given up after so many steps: somewhere in the middle, or before the commit was asked for.
    for steps in 1..6 {
        let mut apply = Box::pin(store.apply(&b));
        for _ in 0..steps {
            if futures_util::poll!(&mut apply).is_ready() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        drop(apply);
        let rows = store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap();
        let spent = store.table::<UserRow>().get(["u"]).await.unwrap().unwrap().spend;
        assert_eq!(rows as f64, spent, "all or nothing");
    }
    store.apply(&b).await.unwrap();
    assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 1);
    assert_eq!(store.table::<UserRow>().get(["u"]).await.unwrap().unwrap().spend, 1.0);
}

pub(crate) async fn taken_ids_are_changed(store: Store) {
    let first = SettlementBatch { spend_rows: vec![spend_row("same"), spend_row("other")], ..batch("b1") };
    assert_eq!(store.apply(&first).await.unwrap().renamed, 0);
    let mut rows: Vec<_> = ["same", "new", "same", "same"].into_iter().map(spend_row).collect();
    rows[0].litellm_call_id = Some("call-2".into());
    rows[2].litellm_call_id = Some("call-3".into());
    rows[3].litellm_call_id = None;
    let second = SettlementBatch { spend_rows: rows, ..batch("b2") };
    assert_eq!(store.apply(&second).await.unwrap().renamed, 3);
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 6);
    let ids: Vec<_> = rows.iter().map(|r| r.request_id.as_str()).collect();
    for id in ["same", "other", "new", "same:call-2", "same:call-3"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert_eq!(store.table::<SpendLogRow>().by_request_id("same").await.unwrap().len(), 4);
    assert_eq!(store.table::<SpendLogRow>().by_request_id("call-3").await.unwrap().len(), 1);
}

fn spend_call(id: &str, call_id: &str) -> SpendCall {
    let time: DateTime<Utc> = "2026-03-01T10:00:00.250Z".parse().unwrap();
    SpendCall {
        request_id: id.into(),
        call_id: call_id.into(),
        session_id: None,
        spend: 0.5,
        total_tokens: 3,
        prompt_tokens: 2,
        completion_tokens: 1,
        start_time: time,
        end_time: time + TimeDelta::milliseconds(12),
        duration_ms: 12,
        completion_start_time: None,
        metadata: format!(r#"{{"of":"{call_id}"}}"#).into(),
        ip: Some("127.0.0.1".into()),
        cache_key: "Cache OFF".into(),
    }
}

fn shared(key: &str) -> SpendLogRow {
    SpendLogRow {
        request_id: "not read".into(),
        api_key: key.into(),
        request_tags: Some(RawJson::parse(r#"["a"]"#).unwrap()),
        status: Some("success".into()),
        ..spend_row("not read")
    }
}

/// Every combination of what rows can share: the same row comes out as from a row on its own.
pub(crate) async fn runs_are_stored_like_rows(store: Store) {
    let time: DateTime<Utc> = "2026-03-01T10:00:00.100Z".parse().unwrap();
    let mut runs = Vec::new();
    for (n, many) in [(0, 70), (1, 1), (2, 3), (3, 130), (4, 9)] {
        let mut run = SpendRun { shared: shared(if n < 3 { "k" } else { "l" }), calls: Vec::new() };
        run.shared.model = if n < 2 { "claude".into() } else { "gpt-4o".into() };
        run.shared.end_user = (n == 2).then(|| "somebody".to_owned());
        for i in 0..many {
            let mut call = spend_call(&format!("r{n}-{i}"), &format!("c{n}-{i}"));
            call.session_id = (n == 2 || i == 80).then(|| "s".into());
            call.completion_start_time = (n == 3 && i % 2 == 0).then_some(time);
            call.ip = (n != 4).then(|| if i == 5 { "::1".into() } else { "127.0.0.1".into() });
            call.cache_key = if n == 1 { "key".into() } else { "Cache OFF".into() };
            run.calls.push(call);
        }
        runs.push(run);
    }
    let wanted: Vec<SpendLogRow> = runs.iter().flat_map(|run| run.calls.iter().map(|call| run.row(call))).collect();
    let done = store.apply(&SettlementBatch { spend_runs: runs, ..batch("b") }).await.unwrap();
    assert_eq!(done, Applied { spend_rows: 213, ..Applied::default() });
    let stored = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert_eq!(stored.len(), wanted.len());
    for row in stored {
        let wanted = wanted.iter().find(|w| w.request_id == row.request_id).unwrap();
        let json = |row: &SpendLogRow| RawJson::of(row).unwrap();
        assert_eq!(json(&row), json(wanted));
    }
    let session = SpendFilter { session_id: Some("s".into()), ..SpendFilter::default() };
    assert_eq!(store.table::<SpendLogRow>().find(session.into()).await.unwrap().len(), 4);
    let own = SpendFilter { session_id: Some("c4-1".into()), ..SpendFilter::default() };
    assert_eq!(store.table::<SpendLogRow>().find(own.into()).await.unwrap().len(), 1);
}

pub(crate) async fn taken_ids_of_runs_are_changed(store: Store) {
    let first = SettlementBatch { spend_rows: vec![spend_row("same"), spend_row("0")], ..batch("b1") };
    store.apply(&first).await.unwrap();
    // The same id as in the table, as in the batch, twice; client-chosen call ids repeat as well.
    let ids = ["same", "1", "same", "1", "2", "same", "0"];
    let calls = ids.iter().enumerate().map(|(n, id)| spend_call(id, if n > 3 { "call" } else { id }));
    let run = SpendRun { shared: shared("k"), calls: calls.collect() };
    let rows = vec![SpendLogRow { litellm_call_id: None, ..spend_row("2") }, spend_row("3")];
    let second = SettlementBatch { spend_runs: vec![run], spend_rows: rows, ..batch("b2") };
    let done = store.apply(&second).await.unwrap();
    assert_eq!((done.spend_rows, done.renamed), (9, 6));
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|r| r.request_id.as_str()).collect();
    assert_eq!(ids.len(), 11, "{ids:?}");
    for (id, count) in [("same", 4), ("0", 2), ("1", 2), ("2", 2), ("3", 1)] {
        let found = ids.iter().filter(|i| **i == id || i.starts_with(&format!("{id}:"))).count();
        assert_eq!(found, count, "{id} in {ids:?}");
    }
    assert!(ids.contains(&"same:call") && ids.contains(&"0:call"), "{ids:?}");
}

pub(crate) async fn hostile_calls_do_not_stop_a_batch(store: Store) {
    let mut calls: Vec<_> = (0..6).map(|n| spend_call(&format!("r{n}"), &format!("c{n}"))).collect();
    calls[0].request_id = "nul\0byte".into();
    calls[1].request_id = "nul\u{fffd}byte".into();
    calls[2].request_id = "x".repeat(9000).into();
    calls[3].total_tokens = i64::MAX;
    calls[3].spend = f64::NAN;
    // `jsonb` has no room for this number.
    calls[4].metadata = r#"{"n":1e999999}"#.into();
    calls[5].metadata = r#"{"a":"\u0000"}"#.into();
    calls[5].ip = Some("\0".into());
    let b = SettlementBatch { spend_runs: vec![SpendRun { shared: shared("k"), calls }], ..batch("hostile") };
    let done = store.apply(&b).await.unwrap();
    assert_eq!(done.reduced, if store.dialect() == Dialect::Postgres { 1 } else { 0 });
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert_eq!((done.spend_rows, rows.len()), (6, 6));
    let row = |id: &str| rows.iter().find(|r| r.request_id.starts_with(id)).unwrap();
    assert_eq!((row("r3").total_tokens, row("r3").spend), (i64::from(i32::MAX), 0.0));
    assert_eq!(row("r4").spend, 0.5);
}

pub(crate) async fn hostile_rows_do_not_stop_a_batch(store: Store) {
    entities(&store).await;
    let json = |text: &str| Some(RawJson::parse(text).unwrap());
    let mut rows: Vec<_> = (0..6).map(|n| spend_row(&format!("r{n}"))).collect();
    rows[0].end_user = Some("nul\0byte".into());
    rows[1].metadata = json(r#"{"a":"\u0000","b":"\ud800"}"#);
    rows[2].end_user = Some("é".repeat(5000));
    rows[2].request_id = "x".repeat(9000);
    rows[3].total_tokens = i64::MAX;
    rows[3].spend = f64::NAN;
    // `jsonb` has no room for this number.
    rows[4].metadata = json(r#"{"n":1e999999}"#);
    let b = SettlementBatch {
        spend_rows: rows,
        users: named(&[("u", f64::INFINITY), ("u", 1.0)]),
        end_users: named(&[("nul\0byte", 1.0), (&"é".repeat(5000), 1.0)]),
        daily: vec![DailySpendRow {
            scope: DailyScope::Tag,
            key: DailyKey { entity: "t\0".repeat(5000), date: "2026-01-01".into(), ..DailyKey::default() },
            counters: DailyCounters { spend: f64::NAN, api_requests: 1, ..DailyCounters::default() },
        }],
        ..batch("hostile")
    };
    let done = store.apply(&b).await.unwrap();
    assert_eq!((done.spend_rows, done.renamed), (6, 0));
    assert_eq!(done.reduced, if store.dialect() == Dialect::Postgres { 1 } else { 0 });
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 6);
    let row = |id: &str| rows.iter().find(|r| r.request_id.starts_with(id)).unwrap();
    assert_eq!((row("r3").total_tokens, row("r3").spend), (i64::from(i32::MAX), 0.0));
    assert_eq!(row("xxx").end_user.as_ref().map(String::len), Some(512));
    assert_eq!(row("r4").spend, 0.5, "the cost of a reduced row is kept");
    assert_eq!(store.table::<UserRow>().get(["u"]).await.unwrap().unwrap().spend, 1.0);
    let page = store.daily(DailyScope::Tag, &DailyFilter::default(), 1, 10).await.unwrap();
    assert_eq!((page.total, page.rows[0].counters.api_requests), (1, 1));
}

/// Texts that strangers choose stand in indexes, and PostgreSQL refuses long entries that it cannot press.
pub(crate) async fn long_ids_of_judged_calls_do_not_stop_a_batch(store: Store) {
    let long = || (0..256).map(|_| uuid::Uuid::new_v4().to_string()).collect::<String>();
    let run =
        |name: &str| format!(r#"{{"guardrail_information":[{{"guardrail_name":"{name}","policy_id":"{name}"}}]}}"#);
    let metadata = [run("pii"), run(&long())];
    let mut call = spend_call(&long(), "c1");
    call.metadata = metadata[0].as_str().into();
    let tool = SpendLogRow { mcp_namespaced_tool_name: Some(long()), user: Some(long()), ..shared("k") };
    let spend_runs = vec![
        SpendRun { shared: shared("k"), calls: vec![call] },
        SpendRun { shared: tool, calls: vec![spend_call("plain", "c2")] },
    ];
    let row = |id: &str, text: &str| SpendLogRow { metadata: RawJson::parse(text).ok(), ..spend_row(id) };
    let spend_rows = vec![row(&long(), &metadata[0]), row("short", &metadata[1])];
    let windows = vec![WindowSpend {
        entity_type: "end_user".into(),
        entity_id: long(),
        window_duration: "1d".into(),
        window_start: Utc::now(),
        spend: 1.0,
    }];
    let done = store.apply(&SettlementBatch { spend_runs, spend_rows, windows, ..batch("long") }).await.unwrap();
    assert_eq!((done.spend_rows, done.reduced), (4, 0));
    let judged = store.table::<GuardrailCallRow>().find(Filter::new()).await.unwrap();
    let ids: Vec<String> = judged.iter().map(|row| row.request_id.clone()).collect();
    assert_eq!(
        store.table::<SpendLogRow>().get_many(&ids).await.unwrap().len(),
        3,
        "the index finds the rows: {ids:?}"
    );
}

pub(crate) async fn concurrent_batches_add_up(store: Store) {
    entities(&store).await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            // Opposite orders: row locks taken as they come would deadlock.
            let mut keys = vec![key_spend("k", 1.0, None), key_spend("idle", 1.0, None)];
            if n % 2 == 0 {
                keys.reverse();
            }
            let daily = DailySpendRow {
                scope: DailyScope::User,
                key: DailyKey { entity: "u".into(), date: "2026-01-01".into(), ..DailyKey::default() },
                counters: DailyCounters { api_requests: 1, ..DailyCounters::default() },
            };
            // All of them bring a row with the same id.
            let b = SettlementBatch {
                spend_rows: vec![SpendLogRow { litellm_call_id: Some(format!("c{n}")), ..spend_row("same") }],
                keys,
                daily: vec![daily],
                ..batch(&format!("b{n}"))
            };
            store.apply(&b).await.unwrap().renamed
        }));
    }
    let mut renamed = 0;
    for task in tasks {
        renamed += task.await.unwrap();
    }
    assert_eq!(renamed, 7);
    let spent = |key: Option<VerificationToken>| key.unwrap().total_spend;
    assert_eq!(spent(store.keys().get_by_hash("k").await.unwrap()), 8.0);
    assert_eq!(spent(store.keys().get_by_hash("idle").await.unwrap()), 8.0);
    assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 8);
    let page = store.daily(DailyScope::User, &DailyFilter::default(), 1, 10).await.unwrap();
    assert_eq!((page.total, page.rows[0].counters.api_requests), (1, 8));
}

pub(crate) async fn windows_move_forward(store: Store) {
    let monday: DateTime<Utc> = "2026-03-02T00:00:00Z".parse().unwrap();
    let tuesday = monday + TimeDelta::days(1);
    let window = |start, spend| WindowSpend {
        entity_type: "key".into(),
        entity_id: "k".into(),
        window_duration: "1d".into(),
        window_start: start,
        spend,
    };
    for (id, windows, wanted) in [
        ("1", vec![window(monday, 1.0), window(monday, 0.5)], (monday, 1.5)),
        ("2", vec![window(monday, 1.0)], (monday, 2.5)),
        ("3", vec![window(monday, 4.0), window(tuesday, 0.25)], (tuesday, 0.25)),
        ("4", vec![window(monday, 8.0)], (tuesday, 0.25)),
    ] {
        store.apply(&SettlementBatch { windows, ..batch(id) }).await.unwrap();
        let row = store.table::<BudgetWindowSpendRow>().get(["key", "k", "1d"]).await.unwrap().unwrap();
        assert_eq!((row.window_start, row.spend), wanted, "batch {id}");
    }
}
