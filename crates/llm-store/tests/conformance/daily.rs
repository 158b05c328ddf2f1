//! The daily rollups.

use llm_store::{DailyCounters, DailyFilter, DailyGroup, DailyKey, DailyScope, DailySpendRow, SettlementBatch, Store};

fn row(scope: DailyScope, entity: &str, date: &str, model: &str, spend: f64) -> DailySpendRow {
    DailySpendRow {
        scope,
        key: DailyKey {
            entity: entity.into(),
            date: date.into(),
            api_key: "k".into(),
            model: model.into(),
            ..DailyKey::default()
        },
        counters: DailyCounters {
            spend,
            prompt_tokens: 10,
            api_requests: 1,
            timed_requests: 1,
            ..DailyCounters::default()
        },
    }
}

async fn apply(store: &Store, id: &str, daily: Vec<DailySpendRow>) {
    store.apply(&SettlementBatch { batch_id: id.into(), daily, ..SettlementBatch::default() }).await.unwrap();
}

pub(crate) async fn rollups_add_up(store: Store) {
    for scope in DailyScope::ALL {
        let rows = || vec![row(scope, "e", "2026-01-01", "m", 0.5), row(scope, "e", "2026-01-01", "m", 0.25)];
        apply(&store, &format!("{scope:?}1"), rows()).await;
        apply(&store, &format!("{scope:?}2"), rows()).await;
        let page = store.daily(scope, &DailyFilter::default(), 1, 10).await.unwrap();
        let [found] = page.rows.as_slice() else { panic!("{scope:?}: {page:?}") };
        assert_eq!(found.counters.spend, 1.5, "{scope:?}");
        assert_eq!(
            (found.counters.prompt_tokens, found.counters.api_requests, found.counters.timed_requests),
            (40, 4, 4)
        );
        assert_eq!(found.key.entity, if scope == DailyScope::Global { "" } else { "e" });
    }
}

pub(crate) async fn rows_are_told_apart(store: Store) {
    let user = DailyScope::User;
    let mut other_group = row(user, "a", "2026-01-01", "m", 1.0);
    other_group.key.model_group = "public".into();
    let mut tool = row(user, "a", "2026-01-01", "m", 1.0);
    tool.key.mcp_namespaced_tool_name = "server/tool".into();
    let mut rows = vec![
        row(user, "a", "2026-01-01", "m", 1.0),
        other_group,
        tool,
        row(user, "a", "2026-01-02", "m", 1.0),
        row(user, "b", "2026-01-02", "n", 1.0),
    ];
    rows.extend((0..300).map(|n| row(user, "c", "2026-01-03", &format!("m{n}"), 0.5)));
    apply(&store, "1", rows).await;
    let list = async |filter: DailyFilter| store.daily(user, &filter, 1, 1000).await.unwrap();
    assert_eq!(list(DailyFilter::default()).await.total, 304);
    let of_a = list(DailyFilter { entities: vec!["a".into()], ..DailyFilter::default() }).await;
    assert_eq!(of_a.rows.len(), 3, "the model group does not tell rows apart, the tool does");
    assert_eq!(of_a.rows[0].key.date, "2026-01-02", "newest first");
    let second =
        DailyFilter { from: Some("2026-01-02".into()), until: Some("2026-01-02".into()), ..DailyFilter::default() };
    assert_eq!(list(second).await.total, 2);
    assert_eq!(
        list(DailyFilter { model: Some("n".into()), api_keys: vec!["k".into()], ..DailyFilter::default() }).await.total,
        1
    );
    assert_eq!(list(DailyFilter { api_keys: vec!["other".into()], ..DailyFilter::default() }).await.total, 0);
    assert_eq!(store.daily_entities(user, &DailyFilter::default()).await.unwrap(), ["a", "b", "c"]);
    assert!(store.daily_entities(DailyScope::Tag, &DailyFilter::default()).await.unwrap().is_empty());
    let page = store.daily(user, &DailyFilter::default(), 4, 100).await.unwrap();
    assert_eq!((page.rows.len(), page.total), (4, 304));
    let by_day = [DailyGroup::Date];
    let sums = store.daily_groups(user, &DailyFilter::default(), &by_day, None).await.unwrap();
    let days: Vec<_> = sums.iter().map(|s| (s.part(0), s.counters.spend, s.counters.api_requests)).collect();
    assert_eq!(days, [("2026-01-01", 3.0, 3), ("2026-01-02", 2.0, 2), ("2026-01-03", 150.0, 300)]);
    let dearest = store.daily_groups(user, &DailyFilter::default(), &[DailyGroup::Entity], Some(2)).await.unwrap();
    assert_eq!(dearest.iter().map(|s| (s.part(0), s.counters.spend)).collect::<Vec<_>>(), [("c", 150.0), ("a", 4.0)]);
    let others = DailyFilter { without: vec!["c".into()], ..DailyFilter::default() };
    let rest = store.daily_groups(user, &others, &[], None).await.unwrap();
    assert_eq!((rest.len(), rest[0].counters.spend), (1, 5.0));
    let all = store.daily_groups(DailyScope::Team, &DailyFilter::default(), &by_day, None).await.unwrap();
    assert!(all.is_empty());
}

pub(crate) async fn day_by_day(store: Store) {
    let day = |n: u32| format!("2026-01-0{n}");
    let of_key = |key: &str, row: DailySpendRow| {
        let mut row = row;
        row.key.api_key = key.into();
        row
    };
    let rows = vec![
        // A call of team `t`, one of nobody, and one of each with the same key and model.
        row(DailyScope::User, "u", &day(1), "m", 1.0),
        row(DailyScope::Team, "t", &day(1), "m", 1.0),
        row(DailyScope::User, "u", &day(1), "n", 2.0),
        row(DailyScope::User, "v", &day(1), "o", 4.0),
        row(DailyScope::User, "v", &day(1), "o", 8.0),
        row(DailyScope::Team, "t", &day(1), "o", 8.0),
        of_key("k2", row(DailyScope::User, "v", &day(4), "m", 0.5)),
        of_key("k3", row(DailyScope::User, "v", &day(4), "m", 0.25)),
    ];
    apply(&store, "1", rows).await;
    let user = DailyScope::User;
    let dates = async |scope, from, until| store.daily_dates(scope, &day(from), &day(until)).await.unwrap();
    assert_eq!(dates(user, 1, 4).await, [day(1), day(4)]);
    assert_eq!(dates(user, 2, 3).await, Vec::<String>::new());
    assert_eq!(dates(user, 1, 3).await, [day(1)]);
    assert_eq!(dates(DailyScope::Team, 1, 9).await, [day(1)]);
    let parts = store.daily_parts(DailyScope::Team, &day(1)).await.unwrap();
    let parts: Vec<_> = parts.iter().map(|p| (&*p.entity, &*p.model, &*p.api_key, p.spend, p.tokens)).collect();
    assert_eq!(
        parts,
        [("", "n", "k", 2.0, 10), ("", "o", "k", 4.0, 10), ("t", "m", "k", 1.0, 10), ("t", "o", "k", 8.0, 10)]
    );
    let all = DailyFilter::default();
    let dearest = store.daily_dearest_keys(user, &all, 2).await.unwrap();
    assert_eq!((dearest.keys, dearest.of), (vec!["k".to_owned(), "k2".to_owned()], 3));
}

pub(crate) async fn whole_days_for_exports(store: Store) {
    let (user, hour) = (DailyScope::User, chrono::TimeDelta::hours(1));
    let begun = store.now().await.unwrap();
    let rows = (0..7).map(|n| row(user, "u", "2026-01-01", &format!("m{n}"), 1.0));
    let others = [row(user, "u", "2026-01-03", "m", 1.0), row(DailyScope::Team, "t", "2026-01-02", "m", 1.0)];
    apply(&store, "1", rows.chain(others).collect()).await;
    let changed = async |since, until| store.daily_changed(since, until).await.unwrap();
    assert_eq!(changed(None, None).await, ["2026-01-03", "2026-01-01"], "newest first, users alone");
    assert_eq!(changed(Some(begun - hour), Some(begun + hour)).await.len(), 2);
    assert!(changed(Some(begun + hour), None).await.is_empty());
    assert!(changed(None, Some(begun - hour)).await.is_empty());
    assert_eq!(store.daily_count("2026-01-01").await.unwrap(), 7);
    let (mut models, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.daily_of_day("2026-01-01", after.as_deref(), 3).await.unwrap();
        models.extend(page.iter().map(|(_, row)| row.key.model.clone()));
        let [.., (last, row)] = page.as_slice() else { break };
        assert_eq!((row.key.entity.as_str(), row.key.date.as_str(), row.counters.spend), ("u", "2026-01-01", 1.0));
        after = Some(last.clone());
    }
    models.sort();
    assert_eq!(models, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"], "each once");
}
