//! Questions about requests.

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{
    Filter, ListQuery, SessionMark, SettlementBatch, SpendFilter, SpendGroup, SpendLogRow, SpendSpan, Store, StoreError,
};
use llm_types::RawJson;

use crate::settle::spend_row;

fn noon(day: u32) -> DateTime<Utc> {
    format!("2026-04-{day:02}T12:00:00Z").parse().unwrap()
}

async fn fill(store: &Store) {
    let rows = [
        ("r1", 1, "k1", "ann", "gpt-4o", 0.5),
        ("r2", 1, "k1", "ann", "claude", 0.25),
        ("r3", 2, "k2", "bob", "gpt-4o", 2.0),
    ];
    let rows = rows.into_iter().map(|(id, day, key, user, model, spend)| SpendLogRow {
        start_time: noon(day),
        end_time: noon(day) + TimeDelta::seconds(2),
        api_key: key.into(),
        user: Some(user.into()),
        team_id: (day == 2).then(|| "t".into()),
        model: model.into(),
        spend,
        status: Some(if id == "r2" { "failure" } else { "success" }.into()),
        session_id: Some(format!("s{day}")),
        cache_hit: (id != "r1").then(|| if id == "r2" { "True" } else { "False" }.into()),
        call_type: if id == "r3" { "call_mcp_tool" } else { "acompletion" }.into(),
        request_tags: Some(RawJson::parse(if id == "r3" { r#"["a","b"]"# } else { r#"["a"]"# }).unwrap()),
        metadata: Some(
            RawJson::parse(
                r#"{"user_api_key_alias":"al","error_information":{"error_code":"429","error_message":"slow down"}}"#,
            )
            .unwrap(),
        ),
        messages: Some(RawJson::parse(r#"[{"role":"user","content":"hi"}]"#).unwrap()),
        ..spend_row(id)
    });
    let batch = SettlementBatch { batch_id: "fill".into(), spend_rows: rows.collect(), ..SettlementBatch::default() };
    store.apply(&batch).await.unwrap();
}

pub(crate) async fn found_by_id(store: Store) {
    fill(&store).await;
    for id in ["r1", "call-r1"] {
        let rows = store.table::<SpendLogRow>().by_request_id(id).await.unwrap();
        assert_eq!(rows.len(), 1, "{id}");
        assert_eq!((rows[0].start_time, rows[0].end_time), (noon(1), noon(1) + TimeDelta::seconds(2)));
        assert_eq!(rows[0].messages, Some(RawJson::parse(r#"[{"role":"user","content":"hi"}]"#).unwrap()));
    }
    assert!(store.table::<SpendLogRow>().by_request_id("r").await.unwrap().is_empty());
}

pub(crate) async fn requests_are_filtered(store: Store) {
    fill(&store).await;
    let ids = async |filter: SpendFilter| {
        let rows = store.table::<SpendLogRow>().find(filter.into()).await.unwrap();
        rows.iter().map(|r| r.request_id.clone()).collect::<Vec<_>>().join(" ")
    };
    let f = SpendFilter::default;
    assert_eq!(ids(f()).await, "r1 r2 r3");
    assert_eq!(ids(SpendFilter { api_key: Some("k1".into()), ..f() }).await, "r1 r2");
    assert_eq!(ids(SpendFilter { api_keys: vec!["k2".into()], ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { user: Some("bob".into()), ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { team_id: Some("t".into()), ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { tag: Some("b".into()), ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { tag: Some("a".into()), status: Some("failure".into()), ..f() }).await, "r2");
    assert_eq!(ids(SpendFilter { key_alias: Some("al".into()), model: Some("claude".into()), ..f() }).await, "r2");
    assert_eq!(ids(SpendFilter { error_code: Some("500".into()), ..f() }).await, "");
    assert_eq!(
        ids(SpendFilter { error_code: Some("429".into()), min_spend: Some(0.25), ..f() }).await,
        "r2",
        "failures only"
    );
    assert_eq!(ids(SpendFilter { error_message: Some("ow do".into()), ..f() }).await, "r2");
    assert_eq!(ids(SpendFilter { error_message: Some("Slow%".into()), ..f() }).await, "");
    assert_eq!(ids(SpendFilter { cache_hit: Some(true), ..f() }).await, "r2");
    assert_eq!(ids(SpendFilter { cache_hit: Some(false), ..f() }).await, "r1 r3");
    assert_eq!(ids(SpendFilter { span: Some(SpendSpan::Llm), ..f() }).await, "r1 r2");
    assert_eq!(ids(SpendFilter { span: Some(SpendSpan::Mcp), ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { span: Some(SpendSpan::Batch), ..f() }).await, "");
    assert_eq!(ids(SpendFilter { without_keys: vec!["k2".into()], ..f() }).await, "r1 r2");
    assert_eq!(ids(SpendFilter { status: Some("success".into()), ..f() }).await, "r1 r3");
    assert_eq!(ids(SpendFilter { search: Some("t".into()), ..f() }).await, "r3");
    let search = |text: &str| SpendFilter { search: Some(text.into()), from: Some(noon(2)), ..f() };
    assert_eq!(ids(search("k1")).await, "", "not in these times");
    assert_eq!(ids(search("r1")).await, "r1", "an id at any time");
    assert_eq!(ids(SpendFilter { user: Some("bob".into()), ..search("r1") }).await, "", "somebody else's");
    assert_eq!(ids(SpendFilter { from: Some(noon(2)), ..f() }).await, "r3");
    assert_eq!(ids(SpendFilter { until: Some(noon(2) - TimeDelta::milliseconds(1)), ..f() }).await, "r1 r2");
}

pub(crate) async fn sums(store: Store) {
    fill(&store).await;
    let days = store.table::<SpendLogRow>().by_day(SpendFilter::default()).await.unwrap();
    let rows: Vec<_> =
        days.iter().map(|s| (s.group.iter().flatten().cloned().collect::<Vec<_>>().join(" "), s.spend)).collect();
    let wanted =
        [("2026-04-01 k1 ann claude", 0.25), ("2026-04-01 k1 ann gpt-4o", 0.5), ("2026-04-02 k2 bob gpt-4o", 2.0)];
    assert_eq!(rows, wanted.map(|(group, spend)| (group.to_owned(), spend)));

    let by = async |groups: &[SpendGroup], limit| {
        store.table::<SpendLogRow>().sums(SpendFilter::default(), groups, limit).await.unwrap()
    };
    let teams = by(&[SpendGroup::Team], Some(1)).await;
    assert_eq!((teams.len(), teams[0].group[0].as_deref(), teams[0].spend), (1, Some("t"), 2.0));
    let models = by(&[SpendGroup::Model], None).await;
    assert_eq!(
        (models[1].requests, models[1].total_tokens, models[1].prompt_tokens, models[1].completion_tokens),
        (2, 6, 4, 2)
    );
    let all = by(&[], None).await;
    assert_eq!((all.len(), all[0].spend, all[0].requests), (1, 2.75, 3));
    assert_eq!(
        store
            .table::<SpendLogRow>()
            .total(SpendFilter { user: Some("ann".into()), ..SpendFilter::default() })
            .await
            .unwrap(),
        0.75
    );
    let nobody = SpendFilter { user: Some("nobody".into()), ..SpendFilter::default() };
    assert_eq!(store.table::<SpendLogRow>().total(nobody).await.unwrap(), 0.0);
    assert_eq!(store.table::<SpendLogRow>().sessions(SpendFilter::default()).await.unwrap(), 2);
}

pub(crate) async fn pages_without_bodies(store: Store) {
    fill(&store).await;
    let query = ListQuery::page(Filter::new(), 1, 2).sorted("startTime", true);
    let page = store.table::<SpendLogRow>().page(&query).await.unwrap();
    assert_eq!((page.total, page.rows.len(), page.rows[0].request_id.as_str()), (3, 2, "r3"));
    assert!(page.rows[0].messages.is_none() && page.rows[0].response.is_none());
    assert!(page.rows[0].metadata.is_some());
    let whole = store.table::<SpendLogRow>().list(&query).await.unwrap();
    assert!(whole.rows[0].messages.is_some());
}

pub(crate) async fn old_rows_go_in_steps(store: Store) {
    fill(&store).await;
    let mut steps = Vec::new();
    loop {
        let gone = store.table::<SpendLogRow>().delete_before(noon(2), 1).await.unwrap();
        steps.push(gone);
        if gone == 0 {
            break;
        }
    }
    assert_eq!(steps, [1, 1, 0]);
    assert_eq!(store.table::<SpendLogRow>().count(&Filter::new()).await.unwrap(), 1);
}

/// Sessions `a` (two keys, one of its calls is a tool's), `b` (named after its first call), and calls of their own.
async fn sessions(store: &Store) {
    let row = |id: &str, minute: i64, key: &str, session: Option<&str>| SpendLogRow {
        start_time: noon(1) + TimeDelta::minutes(minute),
        end_time: noon(1) + TimeDelta::minutes(minute) + TimeDelta::seconds(2),
        completion_start_time: (minute % 2 == 0)
            .then(|| noon(1) + TimeDelta::minutes(minute) + TimeDelta::milliseconds(100 * minute + 1)),
        api_key: key.into(),
        session_id: session.map(str::to_owned),
        user: Some(if minute == 5 { "bob" } else { "ann" }.into()),
        spend: f64::from(u32::try_from(minute).unwrap()),
        ..spend_row(id)
    };
    let rows = vec![
        row("a1", 1, "k1", Some("a")),
        row("a2", 6, "k1", Some("a")),
        SpendLogRow { call_type: "call_mcp_tool".into(), ..row("a3", 9, "k1", Some("a")) },
        row("x1", 2, "k2", Some("a")),
        row("b1", 3, "k1", Some("call-b1")),
        row("b2", 4, "k1", Some("call-b1")),
        row("own", 5, "k1", Some("call-own")),
        row("none", 7, "k1", None),
        row("empty", 8, "k1", Some("")),
    ];
    let batch = SettlementBatch { batch_id: "s".into(), spend_rows: rows, ..SettlementBatch::default() };
    store.apply(&batch).await.unwrap();
}

pub(crate) async fn pages_of_sessions(store: Store) {
    sessions(&store).await;
    let ids = |rows: &[SpendLogRow]| rows.iter().map(|r| r.request_id.clone()).collect::<Vec<_>>().join(" ");
    let page = async |filter: SpendFilter, page, size, falls, after: Option<&SessionMark>| {
        store.table::<SpendLogRow>().session_page(filter, page, size, falls, after).await.unwrap()
    };
    let all = page(SpendFilter::default(), 1, 50, true, None).await;
    // By when they were last active; a tool's call is not what is shown of it.
    assert_eq!((ids(&all.rows).as_str(), all.total, all.next), ("a2 empty none own b2 x1", 6, None));
    let rising = page(SpendFilter::default(), 1, 50, false, None).await;
    assert_eq!(ids(&rising.rows), "x1 b2 own none empty a2");
    for falls in [true, false] {
        let mut mark: Option<SessionMark> = None;
        let mut seen = Vec::new();
        loop {
            let some = page(SpendFilter::default(), 1, 2, falls, mark.as_ref()).await;
            assert_eq!(some.total, 6);
            seen.extend(some.rows.iter().map(|r| r.request_id.clone()));
            // As a client hands it back.
            mark = some.next.map(|next| SessionMark::read(&next.to_string()).unwrap());
            if mark.is_none() {
                break;
            }
        }
        assert_eq!(seen.join(" "), ids(if falls { &all.rows } else { &rising.rows }));
    }
    assert_eq!(ids(&page(SpendFilter::default(), 2, 4, true, None).await.rows), "b2 x1");
    assert_eq!(page(SpendFilter::default(), 9, 4, true, None).await.total, 6);
    // What the filter leaves out is no part of a session.
    let until = SpendFilter { until: Some(noon(1) + TimeDelta::minutes(3)), ..SpendFilter::default() };
    assert_eq!(ids(&page(until, 1, 50, true, None).await.rows), "b1 x1 a1");
    let bob = SpendFilter { user: Some("bob".into()), ..SpendFilter::default() };
    assert_eq!(ids(&page(bob, 1, 50, true, None).await.rows), "own");
}

pub(crate) async fn sessions_by_column_and_sums(store: Store) {
    sessions(&store).await;
    let by = async |column: &str, falls, size| {
        let query = ListQuery::page(SpendFilter::default().into(), 1, size).sorted(column, falls);
        let page = store.table::<SpendLogRow>().sessions_by(&query).await?;
        let ids = page.rows.iter().map(|r| r.request_id.clone()).collect::<Vec<_>>().join(" ");
        Ok::<_, StoreError>((ids, page.total))
    };
    assert_eq!(by("spend", true, 50).await.unwrap(), ("empty none a2 own b2 x1".to_owned(), 6));
    assert_eq!(by("spend", false, 2).await.unwrap(), ("x1 b2".to_owned(), 6));
    assert_eq!(by("ttft_ms", true, 4).await.unwrap().0, "empty a2 b2 x1");
    assert!(matches!(by("metadata", true, 4).await, Err(StoreError::Column { .. })));

    let query = |falls| ListQuery::page(Filter::new(), 1, 5).sorted("ttft_ms", falls);
    let first = store.table::<SpendLogRow>().page(&query(true)).await.unwrap();
    let ids: Vec<_> = first.rows.iter().map(|r| r.request_id.as_str()).collect();
    assert_eq!(ids.join(" "), "empty a2 b2 x1 a1", "calls without a first token come last");
    let first = store.table::<SpendLogRow>().page(&query(false)).await.unwrap();
    assert_eq!(first.rows[0].request_id, "x1");

    let sums =
        store.table::<SpendLogRow>().session_sums(&["a".into(), "call-b1".into()], &["k1".into()]).await.unwrap();
    let told: Vec<_> =
        sums.iter().map(|s| (s.session.as_str(), s.requests, s.tool_calls, s.spend, s.tool_spend)).collect();
    assert_eq!(told, [("a", 3, 1, 16.0, 9.0), ("call-b1", 2, 0, 7.0, 0.0)]);
    assert_eq!((sums[0].duration_ms, sums[0].total_tokens), (6000, 9));
}
