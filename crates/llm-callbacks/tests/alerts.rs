//! What calls say to operators, and that the same is told once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_callbacks::testing::{answered, failed};
use llm_callbacks::{CallAlerts, CallWatch, Callback, Needs, Redaction, RegionOf};
use llm_types::LogRecord;
use llm_types::alert::{AlertSink, AlertType, BudgetAlert, Notice};
use llm_types::record::ErrorInfo;

#[derive(Debug)]
struct Ear {
    wanted: Vec<AlertType>,
    heard: Mutex<Vec<Notice>>,
}

impl AlertSink for Ear {
    fn tell(&self, _: BudgetAlert) {}

    fn note(&self, notice: Notice) {
        self.heard.lock().unwrap().push(notice);
    }

    fn wants(&self, kind: AlertType) -> bool {
        self.wanted.contains(&kind)
    }
}

async fn heard(wanted: &[AlertType], settings: CallAlerts, records: Vec<LogRecord>) -> Vec<Notice> {
    heard_of(wanted, settings, Redaction::default(), records).await
}

async fn heard_of(
    wanted: &[AlertType],
    settings: CallAlerts,
    redaction: Redaction,
    records: Vec<LogRecord>,
) -> Vec<Notice> {
    let ear = Arc::new(Ear { wanted: wanted.to_vec(), heard: Mutex::default() });
    let watch = CallWatch::new(settings, redaction, Arc::clone(&ear) as Arc<dyn AlertSink>, somewhere());
    let records: Vec<Arc<LogRecord>> = records.into_iter().map(Arc::new).collect();
    watch.log(&records).await.unwrap();
    drop(watch);
    Arc::into_inner(ear).unwrap().heard.into_inner().unwrap()
}

/// All deployments are in one region.
fn somewhere() -> RegionOf {
    RegionOf(Arc::new(|_| Some("eastus".into())))
}

fn error(status: u16, provider: Option<&str>) -> Option<ErrorInfo> {
    let message = "`upstream` <!channel> is out".to_owned();
    Some(ErrorInfo { class: "APIError", status, message, provider: provider.map(Into::into) })
}

fn failing(n: u64, status: u16) -> LogRecord {
    LogRecord { model_id: Some("d".into()), error: error(status, Some("openai")), ..failed(n) }
}

#[tokio::test]
async fn calls_that_fail_and_calls_that_are_slow() {
    let slow = CallAlerts { slow_after: Duration::from_millis(500), ..CallAlerts::default() };
    let both = [AlertType::LlmExceptions, AlertType::LlmTooSlow];
    let own_fault = LogRecord { error: error(400, None), ..failed(2) };
    let told = heard(&both, slow, vec![answered(0), failing(1, 500), own_fault]).await;
    let titles: Vec<&str> = told.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "`Responses are slow - 1.00s response time > Alerting threshold: 0.5s`",
            "LLM API call failed: `'upstream' &lt;!channel&gt; is out`",
        ]
    );
    assert!(told[0].facts.contains(&("Request Model", "fast".to_owned())), "{:?}", told[0]);
    assert!(!format!("{told:?}").contains("secret words"), "what people say is told to nobody");
    assert!(heard(&both, CallAlerts::default(), vec![answered(0)]).await.is_empty());
    assert!(heard(&[], slow, vec![answered(0), failing(1, 500)]).await.is_empty());
}

#[tokio::test]
async fn what_is_redacted_stands_in_no_alert() {
    let hidden = Redaction { errors: true, caller: true, ..Redaction::default() };
    let told = heard_of(&[AlertType::LlmExceptions], CallAlerts::default(), hidden, vec![failing(1, 500)]).await;
    assert_eq!(told[0].title, "LLM API call failed: `redacted-by-litellm`");
    assert!(told[0].facts.iter().all(|(name, _)| *name != "Key Name"), "{:?}", told[0]);
}

#[tokio::test]
async fn deployments_that_are_out_are_told_twice() {
    let records = |n: u64, status| (0..n).map(|n| failing(n, status)).collect::<Vec<_>>();
    let out = |records| heard(&[AlertType::OutageAlerts], CallAlerts::default(), records);
    assert!(out(records(4, 500)).await.is_empty());
    assert!(out(records(20, 429)).await.is_empty(), "a limit is no outage");
    let told = out(records(25, 503)).await;
    let titles: Vec<&str> = told.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(titles, ["*⚠️ Minor Service Outage*", "*⚠️ Major Service Outage*"]);
    assert!(told[1].facts.contains(&("API Errors", "10".to_owned())), "{told:?}");
    let at_once = CallAlerts { outage_window: Duration::ZERO, ..CallAlerts::default() };
    assert!(heard(&[AlertType::OutageAlerts], at_once, records(25, 503)).await.is_empty(), "each in a time of its own");
}

#[tokio::test]
async fn a_report_names_the_worst() {
    let now = CallAlerts { report_every: Duration::ZERO, ..CallAlerts::default() };
    let told = heard(&[AlertType::DailyReports], now, vec![answered(0), failing(1, 500), failing(2, 500)]).await;
    assert_eq!(
        told[0].facts,
        [
            ("Failed Requests", "2 gpt-4o-mini https://api.openai.com".to_owned()),
            ("Latency per output token", "0.042s gpt-4o-mini https://api.openai.com".to_owned()),
        ]
    );
    assert!(heard(&[AlertType::DailyReports], CallAlerts::default(), vec![answered(0)]).await.is_empty(), "not due");
}

#[test]
fn nobody_looks_for_what_nobody_wants() {
    let needs = |wanted: &[AlertType]| {
        let ear = Ear { wanted: wanted.to_vec(), heard: Mutex::default() };
        CallWatch::new(CallAlerts::default(), Redaction::default(), Arc::new(ear), somewhere()).needs()
    };
    assert_eq!(needs(&[AlertType::BudgetAlerts, AlertType::NewTeamCreated]), Needs::NONE);
    assert_eq!(needs(&[AlertType::LlmTooSlow]), Needs::SUCCESS);
    assert_eq!(needs(&[AlertType::OutageAlerts]), Needs::FAILURE);
    assert_eq!(needs(&[AlertType::DailyReports]), Needs::CALLS);
}

#[test]
fn types_have_names() {
    for kind in AlertType::all() {
        assert_eq!(AlertType::parse(kind.name()), Some(kind));
        assert!(!kind.level().is_empty());
    }
    assert_eq!(AlertType::parse("nothing"), None);
}

#[tokio::test]
async fn regions_and_fallbacks_are_told() {
    let of = |n: u64, id: &str| LogRecord { model_id: Some(id.into()), ..failing(n, 503) };
    let regions = |records| heard(&[AlertType::RegionOutageAlerts], CallAlerts::default(), records);
    assert!(regions((0..25).map(|n| of(n, "one")).collect()).await.is_empty(), "one deployment is no region");
    let told = regions((0..25).map(|n| of(n, if n % 2 == 0 { "one" } else { "two" })).collect()).await;
    let titles: Vec<&str> = told.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(titles, ["*⚠️ Minor Region Outage*", "*⚠️ Major Region Outage*"]);
    assert!(told[0].facts.contains(&("Region", "eastus".to_owned())), "{told:?}");

    let now = CallAlerts { fallbacks_every: Duration::ZERO, ..CallAlerts::default() };
    let records =
        vec![LogRecord { fallbacks: 1, ..answered(0) }, LogRecord { fallbacks: 2, ..failing(1, 500) }, answered(2)];
    let told = heard(&[AlertType::FallbackReports], now, records).await;
    assert_eq!(told.len(), 1);
    let text = format!("{:?}", told[0].facts);
    assert!(text.contains("answered 1 calls in place of others"), "{text}");
}
