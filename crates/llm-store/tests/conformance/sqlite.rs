//! What only a SQLite file can show.

use std::time::Duration;

use llm_store::{Filter, Store, StoreConfig, TeamRow};

/// Reads the only number of a query, beside the store.
async fn number(path: &std::path::Path, sql: &'static str) -> i64 {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn the_whole_schema_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.db");
    let store = Store::open(&StoreConfig::file(&path)).await.unwrap();
    assert_eq!(store.migrate().await.unwrap().from, 0);
    let count = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name LIKE 'LiteLLM\\_%' ESCAPE '\\'";
    assert_eq!(number(&path, count).await, 82);
    store.table().insert(&TeamRow { team_id: "t".into(), ..TeamRow::default() }).await.unwrap();
    store.close().await;

    let store = Store::open(&StoreConfig::file(&path)).await.unwrap();
    assert_eq!(store.migrate().await.unwrap().from, 8);
    assert_eq!(store.table::<TeamRow>().count(&Filter::new()).await.unwrap(), 1);
}

#[tokio::test]
async fn stores_that_start_together_migrate_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig::file(dir.path().join("rows.db"));
    let one = Store::open(&config).await.unwrap();
    let two = Store::open(&config).await.unwrap();
    let (a, b) = tokio::join!(one.migrate(), two.migrate());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.to, b.to), (8, 8));
    assert_eq!(i64::from(a.from == 0) + i64::from(b.from == 0), 1, "{a:?} {b:?}");
}

#[tokio::test]
async fn readers_do_not_wait_for_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::file(dir.path().join("rows.db"))).await.unwrap();
    store.migrate().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.table::<TeamRow>().insert(&TeamRow { team_id: "t".into(), ..TeamRow::default() }).await.unwrap();
    let count = async { store.table::<TeamRow>().count(&Filter::new()).await };
    let count = tokio::time::timeout(Duration::from_secs(2), count).await;
    assert_eq!(count.unwrap().unwrap(), 0, "the last commit is seen");
    tx.commit().await.unwrap();
    assert_eq!(store.table::<TeamRow>().count(&Filter::new()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_missing_folder_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&StoreConfig::file(dir.path().join("no/such/rows.db"))).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test]
async fn a_newer_database_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.db");
    let store = Store::open(&StoreConfig::file(&path)).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    number(&path, "PRAGMA user_version = 99; SELECT 1").await;
    let store = Store::open(&StoreConfig::file(&path)).await.unwrap();
    assert_eq!(store.migrate().await.unwrap().to, 99);
}

/// How SQLite answers a question.
async fn plan(path: &std::path::Path, sql: &'static str) -> String {
    use sqlx::{Connection as _, Row as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn questions_find_their_leaner_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.db");
    let store = Store::open(&StoreConfig::file(&path)).await.unwrap();
    store.migrate().await.unwrap();
    for (sql, wanted) in [
        (
            // As `SpendFilter` writes it.
            r#"EXPLAIN QUERY PLAN SELECT * FROM "LiteLLM_SpendLogs" WHERE (("session_id" = 's' AND "session_id" IS NOT
               "litellm_call_id") OR ("litellm_call_id" = 's' AND "session_id" = 's'))"#,
            vec!["session_id_idx", "litellm_call_id_idx"],
        ),
        (r#"EXPLAIN QUERY PLAN SELECT * FROM "LiteLLM_SpendLogs" WHERE "end_user" = 'e'"#, vec!["end_user_idx"]),
        (
            r#"EXPLAIN QUERY PLAN SELECT * FROM "LiteLLM_SpendLogs" ORDER BY "startTime" DESC, "request_id" LIMIT 50"#,
            vec!["startTime_idx"],
        ),
    ] {
        let plan = plan(&path, sql).await;
        assert!(wanted.iter().all(|index| plan.contains(index)), "{plan}");
    }
}

#[tokio::test]
async fn commits_are_hardened() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::file(dir.path().join("rows.db"))).await.unwrap();
    store.migrate().await.unwrap();
    store.table().insert(&TeamRow { team_id: "t".into(), ..TeamRow::default() }).await.unwrap();
    assert!(store.harden().await.unwrap());
    assert!(store.harden().await.unwrap(), "nothing to do");
    let memory = Store::open(&StoreConfig::memory()).await.unwrap();
    assert!(memory.harden().await.unwrap());
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    let told = store.migrate_dry().await.unwrap();
    assert_eq!((told.from, told.applied.len()), (0, usize::try_from(told.to).unwrap()));
    assert_eq!(store.migrate_dry().await.unwrap(), told, "nothing was kept");
    assert_eq!(store.migrate().await.unwrap(), told);
}
