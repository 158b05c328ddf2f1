//! What only PostgreSQL can show: databases that LiteLLM made, and gateways that start together.

use llm_store::{DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, SettlementBatch, Store, StoreConfig};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::places::server;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn run(url: &str, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connect(url).await).await.unwrap();
}

async fn lines(url: &str, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&mut connect(url).await).await.unwrap()
}

const COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable \
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1";
const INDEXES: &str = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";

async fn open(url: &str) -> Store {
    Store::open(&StoreConfig::from_url(url).unwrap()).await.unwrap()
}

#[tokio::test]
async fn stores_that_start_together_migrate_once() {
    let Some(server) = server() else { return };
    let url = server.create().await.unwrap();
    let (one, two, three) = (open(&url).await, open(&url).await, open(&url).await);
    let (a, b, c) = tokio::join!(one.migrate(), two.migrate(), three.migrate());
    let done = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert!(done.iter().all(|m| m.to == 8), "{done:?}");
    assert_eq!(done.iter().filter(|m| m.from == 0).count(), 1, "{done:?}");
    assert_eq!(lines(&url, COLUMNS).await.iter().filter(|c| c.starts_with("LiteLLM_BudgetTable.")).count(), 17);
}

/// As an older LiteLLM left it: tables, columns and indexes missing, narrower numbers, laxer columns, rows in it.
const OLDER: &str = r#"
    CREATE TABLE "LiteLLM_VerificationToken" (
        "token" TEXT NOT NULL, "key_name" TEXT, "key_alias" TEXT, "soft_budget_cooldown" BOOLEAN NOT NULL DEFAULT false,
        "spend" DOUBLE PRECISION NOT NULL DEFAULT 0.0, "expires" TIMESTAMP(3), "models" TEXT[],
        "aliases" JSONB NOT NULL DEFAULT '{}', "config" JSONB NOT NULL DEFAULT '{}', "user_id" TEXT, "team_id" TEXT,
        "permissions" JSONB NOT NULL DEFAULT '{}', "max_parallel_requests" INTEGER, "metadata" JSONB NOT NULL DEFAULT '{}',
        "tpm_limit" INTEGER, "rpm_limit" BIGINT, "max_budget" DOUBLE PRECISION, "budget_duration" TEXT,
        "budget_reset_at" TIMESTAMP(3), "allowed_cache_controls" TEXT[] DEFAULT ARRAY[]::TEXT[],
        "model_spend" JSONB NOT NULL DEFAULT '{}', "model_max_budget" JSONB NOT NULL DEFAULT '{}',
        "left_by_somebody" TEXT,
        CONSTRAINT "LiteLLM_VerificationToken_pkey" PRIMARY KEY ("token"));
    INSERT INTO "LiteLLM_VerificationToken" ("token", "spend", "tpm_limit", "left_by_somebody") VALUES ('k', 1.5, 7, 'x');
    CREATE TABLE "LiteLLM_DailyUserSpend" (
        "id" TEXT NOT NULL, "user_id" TEXT, "date" TEXT NOT NULL, "api_key" TEXT NOT NULL, "model" TEXT NOT NULL,
        "model_group" TEXT, "custom_llm_provider" TEXT, "prompt_tokens" INTEGER NOT NULL DEFAULT 0,
        "completion_tokens" INTEGER NOT NULL DEFAULT 0, "spend" DOUBLE PRECISION NOT NULL DEFAULT 0.0,
        "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updated_at" TIMESTAMP(3) NOT NULL,
        CONSTRAINT "LiteLLM_DailyUserSpend_pkey" PRIMARY KEY ("id"));
    CREATE UNIQUE INDEX "LiteLLM_DailyUserSpend_user_id_date_api_key_model_custom_ll_key"
        ON "LiteLLM_DailyUserSpend"("user_id", "date", "api_key", "model", "custom_llm_provider");
    CREATE INDEX "somebodys_own" ON "LiteLLM_DailyUserSpend"("date");
    CREATE TYPE "JobStatus" AS ENUM ('ACTIVE', 'INACTIVE');
"#;

#[tokio::test]
async fn a_database_of_litellm_is_completed() {
    let Some(server) = server() else { return };
    let (ours, theirs) = (server.create().await.unwrap(), server.create().await.unwrap());
    open(&ours).await.migrate().await.unwrap();
    run(&theirs, OLDER).await;
    let store = open(&theirs).await;
    let done = store.migrate().await.unwrap();
    for line in [
        "table LiteLLM_TeamTable",
        "column LiteLLM_VerificationToken.total_spend",
        "column LiteLLM_DailyUserSpend.endpoint",
        "index LiteLLM_DailyUserSpend_user_id_idx",
    ] {
        let expected = if line.ends_with("_idx") { "index LiteLLM_DailyUserSpend_user_id_date_idx" } else { line };
        assert!(done.added.iter().any(|a| a == expected), "{expected} in {:#?}", done.added);
    }
    for line in ["type JobStatus", "table LiteLLM_VerificationToken", "index LiteLLM_DailyUserSpend_date_idx"] {
        assert!(!done.added.iter().any(|a| a == line), "{line} was there");
    }
    assert_eq!(store.migrate().await.unwrap().from, 8);

    let (mut ours, theirs_now) = (lines(&ours, COLUMNS).await, lines(&theirs, COLUMNS).await);
    let name = |line: &String| line.split(' ').next().unwrap().to_owned();
    let have: std::collections::HashSet<_> = theirs_now.iter().map(name).collect();
    ours.retain(|line| !have.contains(&name(line)));
    assert!(ours.is_empty(), "still missing: {ours:?}");
    assert!(lines(&theirs, INDEXES).await.iter().any(|i| i.contains("somebodys_own")));

    // Old rows read, and everything works on them.
    let key = store.keys().get_by_hash("k").await.unwrap().unwrap();
    assert_eq!((key.spend, key.total_spend, key.tpm_limit, key.models.len()), (1.5, 0.0, Some(7), 0));
    let batch = SettlementBatch {
        batch_id: "b".into(),
        keys: vec![KeySpend { token: "k".into(), spend: 0.5, last_active: None }],
        daily: vec![DailySpendRow {
            scope: DailyScope::User,
            key: DailyKey { entity: "u".into(), date: "2026-01-01".into(), ..DailyKey::default() },
            counters: DailyCounters { prompt_tokens: 5, ..DailyCounters::default() },
        }],
        ..SettlementBatch::default()
    };
    store.apply(&batch).await.unwrap();
    let key = store.keys().get_by_hash("k").await.unwrap().unwrap();
    assert_eq!((key.spend, key.total_spend), (2.0, 0.5));
    let page = store.daily(DailyScope::User, &Default::default(), 1, 10).await.unwrap();
    assert_eq!(page.rows[0].counters.prompt_tokens, 5);
    assert_eq!(lines(&theirs, r#"SELECT "left_by_somebody" FROM "LiteLLM_VerificationToken""#).await, ["x"]);
}

#[tokio::test]
async fn an_up_to_date_database_of_litellm_is_left_alone() {
    let Some(server) = server() else { return };
    let url = server.create().await.unwrap();
    run(&url, include_str!("../../migrations/postgres/0001_litellm_schema.sql")).await;
    let before = (lines(&url, COLUMNS).await, lines(&url, INDEXES).await);
    let done = open(&url).await.migrate().await.unwrap();
    assert_eq!(done.added, Vec::<String>::new());
    let after = (lines(&url, COLUMNS).await, lines(&url, INDEXES).await);
    let kept = |before: &[String], after: &[String]| before.iter().all(|line| after.contains(line));
    assert!(kept(&before.0, &after.0) && kept(&before.1, &after.1));
}

#[tokio::test]
async fn a_schema_in_the_address_is_used() {
    let Some(server) = server() else { return };
    let url = server.create().await.unwrap();
    run(&url, r#"CREATE SCHEMA "Llm""#).await;
    let store = open(&format!("{url}&schema=Llm")).await;
    store.migrate().await.unwrap();
    let there = "SELECT schemaname::text FROM pg_tables WHERE tablename = 'LiteLLM_TeamTable'";
    assert_eq!(lines(&url, there).await, ["Llm"]);
    assert_eq!(store.migrate().await.unwrap().from, 8);
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let store = open(&format!("postgresql://u:secret@127.0.0.1:{port}/d?pool_timeout=1")).await;
    let error = store.ping().await.unwrap_err();
    assert!(error.is_unavailable() && error.is_transient(), "{error}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}
