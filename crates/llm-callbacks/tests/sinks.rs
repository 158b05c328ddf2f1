//! Every sink passes the suite, and what the JSON log writes is what was pushed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use llm_callbacks::testing::{answered, conformance};
use llm_callbacks::{
    Bus, BusSettings, Callback, FailureTrace, JsonLog, Needs, Prometheus, PrometheusSettings, Redaction,
};
use serde_json::Value;
use tokio::runtime::Handle;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_passes_the_suite() {
    let sink = Arc::new(Prometheus::new(&PrometheusSettings::default()));
    let pushed = conformance(sink.clone()).await;
    let text = sink.encode();
    let sum = |metric: &str| -> f64 {
        let lines = text.lines().filter(|l| l.starts_with(&format!("{metric}{{")));
        lines.map(|l| l.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    assert_eq!(sum("litellm_proxy_total_requests_metric_total"), (pushed.answered + pushed.failed) as f64);
    assert_eq!(sum("litellm_proxy_failed_requests_metric_total"), pushed.failed as f64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_failure_trace_passes_the_suite() {
    conformance(Arc::new(FailureTrace::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_json_log_passes_the_suite_and_writes_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.jsonl");
    let sink = JsonLog::file(&path, Redaction::default()).unwrap().with_content();
    assert!(sink.needs().has(Needs::CONTENT));
    let pushed = conformance(Arc::new(sink)).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let count = |status: &str| lines.iter().filter(|l| l["status"] == status).count() as u64;
    assert_eq!((count("success"), count("failure")), (pushed.answered, pushed.failed));
    assert_eq!(lines.len() as u64, pushed.answered + pushed.failed);
}

/// A target that counts writes, or refuses them.
#[derive(Debug)]
struct Target(Arc<parking_lot::Mutex<Vec<usize>>>, bool);

impl Write for Target {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.1 {
            return Err(io::Error::other("disk full"));
        }
        self.0.lock().push(buf.len());
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_write_per_batch_and_refused_writes_are_counted() {
    for refuses in [false, true] {
        let writes = Arc::default();
        let sink = JsonLog::to(Target(Arc::clone(&writes), refuses), Redaction::default()).unwrap();
        let bus = Bus::start(vec![Arc::new(sink)], BusSettings::default(), &Handle::current());
        (0..512).for_each(|n| bus.push(Arc::new(answered(n))));
        assert_eq!(bus.shutdown(Duration::from_secs(10)).await, 0);
        let report = &bus.report()[0];
        assert_eq!(writes.lock().len(), usize::from(!refuses));
        assert_eq!((report.delivered, report.failed), if refuses { (0, 512) } else { (512, 0) });
    }
}
