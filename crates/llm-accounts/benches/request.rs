//! What a request costs in this crate: identify, admit, settle; and the journal's share behind it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark may fail loudly")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use llm_accounts::{Accounts, AccountsSettings, Bill, Credential, Intent, KeyDigest};
use llm_store::{Store, StoreConfig, VerificationToken};
use llm_types::record::{Caller, Cost, LogRecord, Status};
use llm_types::{OperationKind, RawJson, Secret, Usage};

const KEY: &str = "sk-0123456789abcdefABCDEF";

fn record() -> Arc<LogRecord> {
    Arc::new(LogRecord {
        call_id: "0198c0de-0000-7000-8000-000000000000".into(),
        response_id: Some("chatcmpl-0123456789".to_owned()),
        trace_id: None,
        session_id: None,
        operation: OperationKind::Generate,
        call_type: "acompletion",
        route: "/v1/chat/completions",
        stream: false,
        status: Status::Success,
        caller: Caller::default(),
        model_group: "gpt-4o".into(),
        model: "gpt-4o-2024-08-06".into(),
        model_id: Some("deployment-1".into()),
        provider: "openai".into(),
        api_base: Some("https://api.openai.com/v1".into()),
        mcp_tool: None,
        usage: usage(),
        usage_raw: RawJson::parse(r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}"#).ok(),
        cost: Cost { total: 0.001, input: 0.0005, output: 0.0005, ..Cost::default() },
        cost_problem: None,
        start_us: 1_768_386_030_000_000,
        first_byte_us: None,
        end_us: 1_768_386_031_000_000,
        upstream_us: 990_000,
        retries: 0,
        fallbacks: 0,
        cache_hit: None,
        cache_key: None,
        saved_cost: 0.0,
        tags: Vec::new(),
        client_ip: Some("127.0.0.1".to_owned()),
        user_agent: Some("OpenAI/Python 1.99.0".to_owned()),
        metadata: None,
        guardrails: Vec::new(),
        guardrail_information: None,
        parameters: None,
        messages: None,
        response: None,
        unredacted: false,
        untold: Vec::new(),
        error: None,
        trail: llm_types::Trail::default(),
    })
}

fn usage() -> Usage {
    Usage { input_text: 100, output_text: 50, ..Usage::default() }
}

fn intent() -> Intent<'static> {
    Intent {
        route: "/v1/chat/completions",
        model: "gpt-4o",
        group: "gpt-4o",
        fallback_models: &[],
        end_user: None,
        tags: &[],
        user_agent: None,
        metadata_tags: false,
        input_tokens: 100,
        max_output_tokens: Some(100),
        choices: 1,
        price: Some((2.5e-6, 1e-5).into()),
        extras: llm_accounts::Extras::default(),
        session: None,
        tool_server: None,
        agent: None,
    }
}

fn request(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let rows = [
        ("plain", VerificationToken::default()),
        (
            "budget and limits",
            VerificationToken {
                max_budget: Some(1e9),
                rpm_limit: Some(i64::MAX),
                tpm_limit: Some(i64::MAX),
                max_parallel_requests: Some(100),
                models: vec!["gpt-4o".to_owned()],
                ..VerificationToken::default()
            },
        ),
    ];
    let mut group = c.benchmark_group("request");
    for (name, row) in rows {
        for journal in [false, true] {
            let settings = AccountsSettings {
                master_key: Some(Secret::new("sk-master")),
                journal_dir: Some(dir.path().join(format!("{name}{journal}"))),
                disable_spend_updates: !journal,
                proxy_batch_write_at: 1e6,
                user_api_key_cache_ttl: 1e6,
                ..AccountsSettings::default()
            };
            let accounts = runtime.block_on(async {
                let store = Store::open(&StoreConfig::memory()).await.unwrap();
                store.migrate().await.unwrap();
                let row = VerificationToken { token: KeyDigest::of(KEY).hex(), ..row.clone() };
                store.keys().insert(&row).await.unwrap();
                let accounts = Accounts::new(settings, Some(store), runtime.handle().clone()).unwrap();
                accounts.identify(&Credential::Key(KEY)).await.unwrap();
                accounts
            });
            let record = record();
            let label = format!("{name}, {}", if journal { "journal" } else { "no journal" });
            group.bench_function(label, |b| {
                b.iter(|| {
                    let Some(Ok(who)) = accounts.identify_now(&Credential::Key(black_box(KEY))) else {
                        panic!("unknown")
                    };
                    let reservation = accounts.admit(&who, &intent()).unwrap();
                    let record = Some(Arc::clone(&record));
                    reservation.settle(Bill { usage: usage(), cost: 0.001, record, charge: true })
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);
