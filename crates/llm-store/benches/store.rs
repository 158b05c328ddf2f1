//! How long the store takes to open, and how many requests it books per second.
//!
//! `cargo bench -p llm-store` measures SQLite in a file, and PostgreSQL when it is installed. Figures of a debug build
//! (`cargo test -p llm-store --bench store`) say little: SQLite itself is then built without optimisation.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a program for people")]

use std::time::Instant;

use llm_store::testing::PostgresServer;
use llm_store::{
    DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, SettlementBatch, SpendCall, SpendLogRow, SpendRun,
    Store, StoreConfig, VerificationToken,
};

const BATCHES: usize = 50;
const ROWS: usize = 2000;
const KEYS: usize = 100;

/// What `metadata` holds of an ordinary call.
const METADATA: &str = r#"{"user_api_key":"88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b","user_api_key_alias":null,"user_api_key_user_id":"user","user_api_key_user_email":null,"user_api_key_team_id":null,"user_api_key_team_alias":null,"user_api_key_org_id":null,"user_api_key_project_id":null,"user_api_key_end_user_id":null,"spend_logs_metadata":null,"requester_ip_address":"127.0.0.1","user_agent":"OpenAI/Python 1.99.0","applied_guardrails":[],"usage_object":{"prompt_tokens":42,"completion_tokens":128,"total_tokens":170,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}},"additional_usage_values":null,"cost_breakdown":{"input_cost":0.0000063,"output_cost":0.0000768,"total_cost":0.0000831,"tool_usage_cost":0.0,"cache_read_cost":0.0,"cache_creation_cost":0.0,"original_cost":0.0000831,"discount_amount":0.0,"margin_total_amount":0.0},"error_information":null,"status":"success","attempted_retries":0,"attempted_fallbacks":0,"original_model_group":null,"litellm_overhead_time_ms":0.123}"#;

fn key_hash(n: usize) -> String {
    format!("{n:064x}")
}

fn shared(key: usize) -> SpendLogRow {
    SpendLogRow {
        call_type: "acompletion".into(),
        api_key: key_hash(key),
        model: "gpt-4o-mini".into(),
        model_id: Some("deployment-1".into()),
        model_group: Some("gpt-4o-mini".into()),
        custom_llm_provider: Some("openai".into()),
        api_base: Some("https://api.openai.com/v1".into()),
        user: Some("user".into()),
        cache_hit: Some("None".into()),
        status: Some("success".into()),
        ..SpendLogRow::default()
    }
}

fn call() -> SpendCall {
    let now = chrono::Utc::now();
    let id: std::sync::Arc<str> = uuid::Uuid::now_v7().to_string().into();
    SpendCall {
        // Of an upstream: nothing that sorts.
        request_id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()).into(),
        call_id: id,
        session_id: None,
        spend: 0.001,
        total_tokens: 170,
        prompt_tokens: 42,
        completion_tokens: 128,
        start_time: now,
        end_time: now,
        duration_ms: 12,
        completion_start_time: None,
        metadata: METADATA.into(),
        ip: Some("127.0.0.1".into()),
        cache_key: "Cache OFF".into(),
    }
}

/// How the rows of a batch are handed over.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// Each on its own.
    Whole,
    /// Those of so many callers together.
    Runs(usize),
}

fn batch(number: usize, rows: Rows) -> SettlementBatch {
    let key = |n: usize| KeySpend { token: key_hash(n % KEYS), spend: 0.001, last_active: None };
    let daily = |n: usize| DailySpendRow {
        scope: DailyScope::User,
        key: DailyKey { entity: "user".into(), api_key: key_hash(n % KEYS), ..DailyKey::default() },
        counters: DailyCounters { spend: 0.001, api_requests: 1, ..DailyCounters::default() },
    };
    let callers = if let Rows::Runs(callers) = rows { callers } else { KEYS };
    let run = |n: usize| SpendRun { shared: shared(n), calls: (0..ROWS / callers).map(|_| call()).collect() };
    let runs: Vec<_> = (0..callers).map(run).collect();
    let whole: Vec<_> = runs.iter().flat_map(|run| run.calls.iter().map(|call| run.row(call))).collect();
    let (spend_rows, spend_runs) = if matches!(rows, Rows::Whole) { (whole, Vec::new()) } else { (Vec::new(), runs) };
    SettlementBatch {
        batch_id: format!("{rows:?}{number}"),
        spend_rows,
        spend_runs,
        keys: (0..callers).map(key).collect(),
        users: vec![("user".to_owned(), 0.001)],
        daily: (0..callers).map(daily).collect(),
        ..SettlementBatch::default()
    }
}

/// Seconds of CPU that this process has used so far, all threads.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = after.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // Fields 14 and 15, of which the name and the (unparsed) state are gone.
    ticks.iter().skip(10).take(2).sum::<f64>() / 100.0
}

async fn measure(name: &str, config: &StoreConfig) {
    let start = Instant::now();
    let store = Store::open(config).await.unwrap();
    let opened = start.elapsed();
    store.migrate().await.unwrap();
    println!("{name}: open {opened:?}, open and first migration {:?}", start.elapsed());
    store.close().await;

    let start = Instant::now();
    let store = Store::open(config).await.unwrap();
    store.migrate().await.unwrap();
    println!("{name}: open again {:?}", start.elapsed());

    for n in 0..KEYS {
        let key = VerificationToken { token: key_hash(n), ..VerificationToken::default() };
        store.keys().insert(&key).await.unwrap();
    }
    for rows in [Rows::Whole, Rows::Runs(1), Rows::Runs(KEYS), Rows::Runs(1000)] {
        let batches: Vec<_> = (0..BATCHES).map(|n| batch(n, rows)).collect();
        let (start, before) = (Instant::now(), cpu());
        for batch in &batches {
            store.apply(batch).await.unwrap();
        }
        store.harden().await.unwrap();
        let (took, cpu) = (start.elapsed(), cpu() - before);
        let count = (BATCHES * ROWS) as f64;
        println!(
            "{name}, {rows:?}: {:.0} requests booked per second, {:.1} µs of CPU each",
            count / took.as_secs_f64(),
            cpu / count * 1e6
        );
    }

    let start = Instant::now();
    for n in 0..KEYS {
        store.keys().get_by_hash(&key_hash(n)).await.unwrap().unwrap();
    }
    println!("{name}: a key read in {:?}", start.elapsed() / KEYS as u32);
    store.close().await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        measure("SQLite file", &StoreConfig::file(dir.path().join("rows.db"))).await;
        if let Some(server) = PostgresServer::start().unwrap() {
            measure("PostgreSQL", &StoreConfig::from_url(&server.create().await.unwrap()).unwrap()).await;
        }
    });
}
