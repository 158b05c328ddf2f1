//! How long the store takes to open, and how many requests it books per second.
//!
//! `cargo bench -p llm-store` measures SQLite in a file, and PostgreSQL when it is installed. Figures of a debug build
//! (`cargo test -p llm-store --bench store`) say little: SQLite itself is then built without optimisation.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a program for people")]

use std::time::Instant;

use llm_store::testing::PostgresServer;
use llm_store::{
    DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, SettlementBatch, SpendLogRow, Store, StoreConfig,
    VerificationToken,
};

const BATCHES: usize = 20;
const ROWS: usize = 1000;
const KEYS: usize = 100;

fn batch(number: usize) -> SettlementBatch {
    let row = |n: usize| SpendLogRow {
        request_id: format!("chatcmpl-{number}-{n}"),
        litellm_call_id: Some(format!("call-{number}-{n}")),
        call_type: "acompletion".into(),
        api_key: format!("{:064x}", n % KEYS),
        spend: 0.001,
        model: "gpt-4o".into(),
        user: Some("user".into()),
        ..SpendLogRow::default()
    };
    let key = |n: usize| KeySpend { token: format!("{:064x}", n % KEYS), spend: 0.001, last_active: None };
    let daily = |n: usize| DailySpendRow {
        scope: DailyScope::User,
        key: DailyKey { entity: "user".into(), api_key: format!("{:064x}", n % KEYS), ..DailyKey::default() },
        counters: DailyCounters { spend: 0.001, api_requests: 1, ..DailyCounters::default() },
    };
    SettlementBatch {
        batch_id: number.to_string(),
        spend_rows: (0..ROWS).map(row).collect(),
        keys: (0..ROWS).map(key).collect(),
        users: (0..ROWS).map(|_| ("user".to_owned(), 0.001)).collect(),
        daily: (0..ROWS).map(daily).collect(),
        ..SettlementBatch::default()
    }
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
        let key = VerificationToken { token: format!("{n:064x}"), ..VerificationToken::default() };
        store.keys().insert(&key).await.unwrap();
    }
    let batches: Vec<_> = (0..BATCHES).map(batch).collect();
    let start = Instant::now();
    for batch in &batches {
        store.apply(batch).await.unwrap();
    }
    let took = start.elapsed();
    let rate = (BATCHES * ROWS) as f64 / took.as_secs_f64();
    println!("{name}: {rate:.0} requests booked per second, {:?} per batch of {ROWS}", took / BATCHES as u32);

    let start = Instant::now();
    for n in 0..KEYS {
        store.keys().get_by_hash(&format!("{n:064x}")).await.unwrap().unwrap();
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
