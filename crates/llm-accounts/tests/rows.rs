//! The row that a finished call leaves, with LiteLLM's columns and metadata.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::sync::Arc;

use llm_accounts::{Accounts, AccountsSettings, Bill, Credential, Intent, KeyDigest};
use llm_store::{DailyFilter, DailyGroup, DailyScope, Filter, SpendLogRow, Store, StoreConfig, VerificationToken};
use llm_types::record::{Caller, Cost, ErrorInfo, LogRecord, Status};
use llm_types::{Json, OperationKind, RawJson, Secret, Usage, UsageSource};
use tokio::runtime::Handle;

const KEY: &str = "sk-key-0123456789abc";

fn record(status: Status) -> LogRecord {
    LogRecord {
        call_id: "call-1".into(),
        response_id: (status == Status::Success).then(|| "chatcmpl-1".to_owned()),
        trace_id: None,
        session_id: Some("session-1".to_owned()),
        operation: OperationKind::Generate,
        call_type: "acompletion",
        route: "/v1/chat/completions",
        stream: true,
        status,
        caller: Caller { end_user: Some("customer-1".into()), ..Caller::default() },
        model_group: "gpt-4o".into(),
        model: "gpt-4o-2024-08-06".into(),
        model_id: Some("deployment-1".into()),
        provider: "openai".into(),
        api_base: Some("https://api.openai.com/v1".into()),
        mcp_tool: None,
        usage: usage(),
        usage_raw: RawJson::parse(r#"{"prompt_tokens":13}"#).ok(),
        cost: Cost { total: 0.5, input: 0.2, output: 0.3, ..Cost::default() },
        cost_problem: None,
        start_us: 1_768_386_030_000_000,
        first_byte_us: Some(1_768_386_030_250_000),
        end_us: 1_768_386_031_500_000,
        upstream_us: 1_400_000,
        retries: 1,
        fallbacks: 0,
        cache_hit: None,
        cache_key: None,
        saved_cost: 0.0,
        tags: vec!["mine".to_owned()],
        client_ip: Some("192.0.2.1".to_owned()),
        user_agent: Some("OpenAI/Python 1.99.0".to_owned()),
        metadata: RawJson::parse(r#"{"job":7}"#).ok(),
        guardrails: vec!["pii".to_owned()],
        guardrail_information: None,
        parameters: None,
        messages: RawJson::parse(r#"[{"role":"user","content":"secret"}]"#).ok(),
        response: None,
        unredacted: false,
        untold: Vec::new(),
        error: (status == Status::Failure).then(|| ErrorInfo {
            class: "RateLimitError",
            status: 429,
            message: "slow down".to_owned(),
            provider: Some("openai".into()),
        }),
        trail: llm_types::Trail::default(),
    }
}

fn usage() -> Usage {
    Usage { input_text: 10, cache_read: 3, output_text: 4, source: UsageSource::Reported, ..Usage::default() }
}

async fn settled(settings: AccountsSettings, status: Status) -> (Store, Option<SpendLogRow>) {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    let metadata = RawJson::parse(r#"{"tags":["of-key"],"spend_logs_metadata":{"team":"blue"}}"#).unwrap();
    let row = VerificationToken {
        token: KeyDigest::of(KEY).hex(),
        key_alias: Some("alias".to_owned()),
        user_id: Some("u".to_owned()),
        team_id: Some("t".to_owned()),
        metadata,
        ..VerificationToken::default()
    };
    store.keys().insert(&row).await.unwrap();
    let accounts = Accounts::new(settings, Some(store.clone()), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key(KEY)).await.unwrap();
    let intent = Intent {
        route: "/v1/chat/completions",
        model: "gpt-4o",
        group: "gpt-4o",
        fallback_models: &[],
        end_user: None,
        tags: &[],
        user_agent: None,
        metadata_tags: false,
        input_tokens: 1,
        max_output_tokens: None,
        choices: 1,
        price: None,
        extras: llm_accounts::Extras::default(),
        session: None,
        tool_server: None,
        agent: None,
    };
    let charge = status == Status::Success;
    let bill = Bill { usage: usage(), cost: 0.5, record: Some(Arc::new(record(status))), charge };
    accounts.admit(&who, &intent).unwrap().settle(bill);
    accounts.shutdown().await.unwrap();
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert!(rows.len() <= 1);
    (store, rows.first().cloned())
}

fn settings() -> AccountsSettings {
    AccountsSettings {
        master_key: Some(Secret::new("sk-master-0123456789")),
        proxy_batch_write_at: 3600.0,
        ..AccountsSettings::default()
    }
}

#[tokio::test]
async fn a_success_leaves_every_column() {
    let (store, row) = settled(settings(), Status::Success).await;
    let row = row.unwrap();
    let shown: Json = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
    let mut lines = String::new();
    for (name, value) in shown.as_object().unwrap() {
        if !["created_at", "updated_at"].contains(&name.as_str()) {
            lines += &format!("{name}: {value}\n");
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write("tests/success.txt", &lines).unwrap();
    }
    assert_eq!(lines, std::fs::read_to_string("tests/success.txt").unwrap());
    let days = store.daily_groups(DailyScope::Tag, &DailyFilter::default(), &[DailyGroup::Date], None).await.unwrap();
    let (day, sums) = (days[0].part(0), &days[0].counters);
    assert_eq!((day, sums.api_requests, sums.prompt_tokens), ("2026-01-14", 4, 52), "four tags");
    let team = store.daily(DailyScope::Team, &DailyFilter::default(), 1, 10).await.unwrap();
    let sums = &team.rows[0].counters;
    assert_eq!((sums.cache_read_input_tokens, sums.successful_requests, sums.total_response_time_ms), (3, 1, 1500));
    assert!((sums.spend - 0.5).abs() < 1e-12);
}

#[tokio::test]
async fn a_failure_costs_nothing_and_says_why() {
    let (store, row) = settled(settings(), Status::Failure).await;
    let row = row.unwrap();
    assert_eq!((row.spend, row.status.as_deref(), row.request_id.as_str()), (0.0, Some("failure"), "call-1"));
    let metadata: Json = row.metadata.unwrap().read().unwrap();
    let error = metadata.get("error_information").unwrap();
    assert_eq!(
        error.to_string(),
        r#"{"error_code":"429","error_class":"RateLimitError","llm_provider":"openai","error_message":"slow down","traceback":""}"#
    );
    let key = store.keys().get_by_hash(&KeyDigest::of(KEY).hex()).await.unwrap().unwrap();
    assert_eq!(key.spend, 0.0);
    let team = store.daily(DailyScope::Team, &DailyFilter::default(), 1, 10).await.unwrap();
    assert_eq!((team.rows[0].counters.failed_requests, team.rows[0].counters.spend), (1, 0.0));
}

#[tokio::test]
async fn a_refused_call_has_a_row_too() {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    let accounts = Accounts::new(settings(), Some(store.clone()), Handle::current()).unwrap();
    let who = accounts.identify(&Credential::Key("sk-master-0123456789")).await.unwrap();
    accounts.note_refusal(&who, Arc::new(record(Status::Failure)));
    accounts.flush().await.unwrap();
    let rows = store.table::<SpendLogRow>().find(Filter::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].api_key.as_str(), rows[0].user.as_deref()),
        ("litellm_proxy_master_key", Some("default_user_id"))
    );
    assert_eq!((rows[0].spend, rows[0].status.as_deref()), (0.0, Some("failure")));
}

#[tokio::test]
async fn content_is_kept_only_on_request() {
    let (_, row) = settled(AccountsSettings { store_prompts_in_spend_logs: true, ..settings() }, Status::Success).await;
    assert_eq!(row.unwrap().messages.unwrap().get(), r#"[{"role":"user","content":"secret"}]"#);
}

#[tokio::test]
async fn rows_can_be_switched_off() {
    let off = AccountsSettings { disable_spend_logs: true, ..settings() };
    let (store, row) = settled(off, Status::Success).await;
    assert!(row.is_none());
    let key = store.keys().get_by_hash(&KeyDigest::of(KEY).hex()).await.unwrap().unwrap();
    assert_eq!(key.spend, 0.5, "sums are kept");
}
