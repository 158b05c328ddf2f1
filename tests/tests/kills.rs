//! Killed at any moment under load: every answered call is in the ledger, once, and sums are what the rows add up to.
//!
//! A few kills here; by hand as many as wanted: `LLM_TESTS_KILLS=500 cargo test -p llm-tests --test kills -- --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a failure is a failed test")]

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use llm_simulator::{Simulator, SimulatorConfig};
use llm_store::{Store, StoreConfig};
use llm_tests::{Config, Gateway, Options};
use serde_json::{Value, json};

/// Calls at the same time.
const CALLERS: usize = 12;

/// What clients saw the end of in one round, and the key they had.
struct Round {
    key: String,
    answered: Vec<String>,
}

/// The same call in every way that an answer can end.
fn call(way: usize) -> (&'static str, Value) {
    let text = "hi [[sim prompt_tokens=1000 completion_tokens=100 chunks=3]]";
    let messages = json!([{"role": "user", "content": text}]);
    match way % 5 {
        0 => ("/v1/chat/completions", json!({"model": "gpt", "messages": messages})),
        1 => ("/v1/chat/completions", json!({"model": "gpt", "messages": messages, "stream": true})),
        2 => ("/v1/messages", json!({"model": "claude", "messages": messages, "stream": true, "max_tokens": 500})),
        3 => ("/v1/chat/completions", json!({"model": "claude", "messages": messages, "stream": true})),
        _ => ("/v1/embeddings", json!({"model": "embed", "input": "hi"})),
    }
}

/// Makes one call. The id of it, if the client has its whole answer: for streams the end marker, whatever comes behind it.
async fn answered(gateway: &Gateway, way: usize, key: &str) -> Option<String> {
    let (path, body) = call(way);
    let mut live = gateway.open(path, &body, key).await.ok()?;
    let id = live.headers.get("x-litellm-call-id")?.to_str().ok()?.to_owned();
    assert_eq!(live.status, 200);
    if body["stream"] == true {
        while !live.next_event().await.ok()??.is_end() {}
        return Some(id);
    }
    live.rest().await.ok()?.complete.then_some(id)
}

/// Starts a gateway on the folder, loads it, kills it after `time`.
async fn round(config: &str, options: &Options, time: Duration) -> Round {
    let mut gateway = Gateway::start_with(config, options).await.unwrap();
    let made = gateway.ask("/key/generate", &json!({})).await.unwrap().json();
    let key = made["key"].as_str().unwrap().to_owned();
    let stop = AtomicBool::new(false);
    let callers = (0..CALLERS).map(|caller| {
        let (gateway, key, stop) = (&gateway, &key, &stop);
        async move {
            let mut ids = Vec::new();
            for way in caller.. {
                ids.extend(answered(gateway, way, key).await);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            ids
        }
    });
    let id = gateway.id().unwrap();
    let killer = async {
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        assert!(std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
    };
    let (ids, ()) = tokio::join!(futures_util::future::join_all(callers), killer);
    gateway.exited(Duration::from_secs(10)).await.unwrap();
    Round { key: made["token"].as_str().unwrap().to_owned(), answered: ids.concat() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_calls_are_in_the_ledger_once() {
    let kills: usize = std::env::var("LLM_TESTS_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let sim = Arc::new(Simulator::start(SimulatorConfig::default()).await.unwrap());
    let config = Config::standard(&sim).general("proxy_batch_write_at: 0.3").yaml();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut rounds = Vec::new();
    for _ in 0..kills {
        let time = Duration::from_millis(20 + RandomState::new().hash_one(rounds.len()) % 900);
        rounds.push(round(&config, &options, time).await);
        sim.reset();
    }
    // what the last one left is stored by the next, which ends in order
    let mut last = Gateway::start_with(&config, &options).await.unwrap();
    last.terminate().unwrap();
    assert!(last.exited(Duration::from_secs(60)).await.unwrap().success(), "{}", last.logs());

    let store = Store::open(&StoreConfig::file(folder.path().join("store.db"))).await.unwrap();
    let (mut all, mut stored, mut lost, mut doubled) = (0, 0, 0, 0);
    for Round { key, answered } in &rounds {
        let filter = llm_store::Filter::new().is("api_key", key.clone());
        let rows = store.table::<llm_store::SpendLogRow>().find(filter).await.unwrap();
        let mut times: HashMap<&str, usize> = HashMap::new();
        rows.iter().for_each(|row| *times.entry(row.litellm_call_id.as_deref().unwrap()).or_default() += 1);
        all += answered.len();
        stored += rows.len();
        lost += answered.iter().filter(|id| !times.contains_key(id.as_str())).count();
        doubled += times.values().filter(|count| **count > 1).count();
        let spend = store.keys().get_by_hash(key).await.unwrap().unwrap().spend;
        let sum: f64 = rows.iter().map(|row| row.spend).sum();
        assert!((spend - sum).abs() < 1e-9, "a key's spend is the sum of its rows: {spend} {sum}");
    }
    let report = format!("{kills} kills, {all} answered, {stored} rows, {lost} lost, {doubled} doubled");
    #[allow(clippy::print_stdout, reason = "the figures, for who runs it by hand")]
    {
        println!("{report}");
    }
    assert!(lost == 0 && doubled == 0 && all > 0, "{report}");
    let proof = llm_accounts::verify_ledger(&store).await.unwrap();
    assert!(proof.even() && proof.checks.iter().any(|check| check.compared > 0), "{proof:?}");
}
