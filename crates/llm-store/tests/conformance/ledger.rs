//! Rows, sums and totals against each other.

use chrono::{TimeZone as _, Utc};
use llm_store::{
    DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, LedgerPair, LedgerTotal, SettlementBatch,
    SpendLogRow, Store, TeamRow, VerificationToken,
};
use llm_types::RawJson;

fn call(id: &str, day: u32, spend: f64) -> SpendLogRow {
    let time = Utc.with_ymd_and_hms(2026, 1, day, 12, 0, 0).unwrap();
    SpendLogRow {
        request_id: id.into(),
        api_key: "k".into(),
        spend,
        start_time: time,
        end_time: time,
        user: Some("u".into()),
        team_id: Some("t".into()),
        request_tags: Some(RawJson::parse(r#"["a","b"]"#).unwrap()),
        ..SpendLogRow::default()
    }
}

fn daily(scope: DailyScope, entity: &str, day: u32, spend: f64) -> DailySpendRow {
    let key = DailyKey {
        entity: entity.into(),
        date: format!("2026-01-{day:02}"),
        api_key: "k".into(),
        ..DailyKey::default()
    };
    DailySpendRow { scope, key, counters: DailyCounters { spend, api_requests: 1, ..DailyCounters::default() } }
}

pub(crate) async fn both_sides_are_told(store: Store) {
    store.keys().insert(&VerificationToken { token: "k".into(), ..VerificationToken::default() }).await.unwrap();
    store.table().insert(&TeamRow { team_id: "t".into(), ..TeamRow::default() }).await.unwrap();
    let mut rollups = Vec::new();
    for (day, spend) in [(1, 0.5), (2, 0.25)] {
        rollups.push(daily(DailyScope::Global, "", day, spend));
        for (scope, entity) in
            [(DailyScope::User, "u"), (DailyScope::Team, "t"), (DailyScope::Tag, "a"), (DailyScope::Tag, "b")]
        {
            rollups.push(daily(scope, entity, day, spend));
        }
    }
    let batch = SettlementBatch {
        batch_id: "1".into(),
        spend_rows: vec![call("1", 1, 0.5), call("2", 2, 0.25)],
        keys: vec![KeySpend { token: "k".into(), spend: 0.75, last_active: None }],
        teams: vec![("t".into(), 0.75)],
        daily: rollups,
        ..SettlementBatch::default()
    };
    store.apply(&batch).await.unwrap();
    assert_eq!(store.oldest_row_day().await.unwrap().as_deref(), Some("2026-01-01"));
    assert_eq!(store.oldest_daily().await.unwrap().as_deref(), Some("2026-01-01"));
    let even = |pairs: &[LedgerPair]| pairs.iter().all(|pair| pair.from == pair.kept);
    for (scope, wanted) in [
        (DailyScope::User, 2),
        (DailyScope::Team, 2),
        (DailyScope::Tag, 4),
        (DailyScope::Global, 2),
        (DailyScope::Organization, 0),
        (DailyScope::EndUser, 0),
        (DailyScope::Agent, 0),
    ] {
        let pairs = store.ledger_days(scope, "2026-01-01").await.unwrap();
        assert!(even(&pairs) && pairs.len() == wanted, "{scope:?}: {pairs:?}");
    }
    assert_eq!(store.ledger_days(DailyScope::User, "2026-01-02").await.unwrap().len(), 1);
    for of in LedgerTotal::ALL {
        assert!(even(&store.ledger_totals(of).await.unwrap()), "{of:?}");
    }
    // A row that no sum knows, and a total that no sum explains.
    store.table().insert(&call("3", 2, 1.0)).await.unwrap();
    let teams = SettlementBatch { batch_id: "2".into(), teams: vec![("t".into(), 2.0)], ..SettlementBatch::default() };
    store.apply(&teams).await.unwrap();
    let pairs = store.ledger_days(DailyScope::Tag, "2026-01-01").await.unwrap();
    let wrong: Vec<_> = pairs.iter().filter(|pair| pair.from != pair.kept).collect();
    assert_eq!(wrong.len(), 2, "{pairs:?}");
    assert_eq!((wrong[0].from.spend, wrong[0].kept.spend, wrong[0].from.requests), (1.25, 0.25, 2));
    let totals = store.ledger_totals(LedgerTotal::Team).await.unwrap();
    assert_eq!((totals[0].from.spend, totals[0].kept.spend), (0.75, 2.75));
}
