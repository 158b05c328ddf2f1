//! What calls say to operators: that they fail, that they are slow, that a deployment is out; and a report now and then.
//! Nobody looks at calls for types of alerts that nobody wants.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use llm_types::LogRecord;
use llm_types::alert::{AlertSink, AlertType, Notice};
use llm_types::record::Status;
use parking_lot::Mutex;

use super::level;
use super::regions::{RegionOf, Regions};
use super::text::{CALL, plain};
use crate::callback::{Callback, Delivery, Needs, SinkError};
use crate::redact::Redaction;

/// Deployments that are remembered at the most; ids of the configuration are far fewer.
const DEPLOYMENTS: usize = 10_000;
/// Deployments of a report.
const TOP: usize = 5;

/// When calls are worth an alert (`alerting_threshold`, `alerting_args`).
#[derive(Debug, Clone, Copy)]
pub struct CallAlerts {
    /// Calls that take longer are slow.
    pub slow_after: Duration,
    /// How long errors of a deployment are counted together.
    pub outage_window: Duration,
    /// So many of them are a minor outage, and a major one.
    pub outage: (u32, u32),
    /// How often a report is made.
    pub report_every: Duration,
    /// How long errors of a region are counted together.
    pub region_window: Duration,
    /// How often fallbacks are reported.
    pub fallbacks_every: Duration,
}

impl Default for CallAlerts {
    fn default() -> Self {
        Self {
            slow_after: Duration::from_secs(300),
            outage_window: Duration::from_secs(60),
            outage: (5, 10),
            report_every: Duration::from_secs(12 * 3600),
            region_window: Duration::from_secs(60),
            fallbacks_every: Duration::from_secs(7 * 86_400),
        }
    }
}

/// Looks at finished calls.
pub struct CallWatch {
    settings: CallAlerts,
    redaction: Redaction,
    sink: Arc<dyn AlertSink>,
    region_of: RegionOf,
    seen: Mutex<Seen>,
}

impl std::fmt::Debug for CallWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallWatch").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Seen {
    outages: HashMap<Arc<str>, Outage>,
    figures: HashMap<Arc<str>, Figures>,
    reported: Instant,
    regions: Regions,
    /// By group that answered or failed in place of others: how often it did which.
    fallbacks: HashMap<Arc<str>, (u64, u64)>,
    fallbacks_reported: Instant,
}

/// Errors of a deployment in a row of time.
#[derive(Debug)]
struct Outage {
    since: Instant,
    timeouts: u32,
    errors: u32,
    told: u8,
}

/// What a deployment did since the last report.
#[derive(Debug, Default)]
struct Figures {
    model: Arc<str>,
    api_base: Option<Arc<str>>,
    failed: u64,
    seconds: f64,
    tokens: u64,
}

impl CallWatch {
    /// Tells `sink` what `redaction` leaves.
    #[must_use]
    pub fn new(settings: CallAlerts, redaction: Redaction, sink: Arc<dyn AlertSink>, region_of: RegionOf) -> Self {
        let seen = Seen {
            outages: HashMap::new(),
            figures: HashMap::new(),
            reported: Instant::now(),
            regions: Regions::default(),
            fallbacks: HashMap::new(),
            fallbacks_reported: Instant::now(),
        };
        Self { settings, redaction, sink, region_of, seen: Mutex::new(seen) }
    }

    /// True when somebody wants to hear what calls say.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.needs() != Needs::NONE
    }

    fn look(&self, record: &LogRecord, now: Instant) {
        let wants = |kind| self.sink.wants(kind);
        if record.status == Status::Success && wants(AlertType::LlmTooSlow) {
            self.slow(record);
        }
        if let Some(error) = record.error.as_ref().filter(|error| error.provider.is_some()) {
            if wants(AlertType::LlmExceptions) {
                let title = format!("LLM API call failed: `{}`", plain(self.redaction.error(error)));
                self.tell(AlertType::LlmExceptions, title, self.facts(record));
            }
            let out = error.status == 408 || error.status >= 500;
            if let Some(id) = record.model_id.as_ref().filter(|_| out && wants(AlertType::OutageAlerts)) {
                self.outage(id, record, error.status, now);
            }
            if let Some(id) = record.model_id.as_ref().filter(|_| out && wants(AlertType::RegionOutageAlerts)) {
                self.region(id, record, now);
            }
        }
        if let Some(id) = record.model_id.as_ref().filter(|_| wants(AlertType::DailyReports)) {
            self.count(id, record);
        }
        if record.fallbacks > 0 && wants(AlertType::FallbackReports) {
            let mut seen = self.seen.lock();
            if seen.fallbacks.len() < DEPLOYMENTS || seen.fallbacks.contains_key(&record.model_group) {
                let (answered, failed) = seen.fallbacks.entry(Arc::clone(&record.model_group)).or_default();
                *(if record.status == Status::Success { answered } else { failed }) += 1;
            }
        }
    }

    fn facts(&self, record: &LogRecord) -> Vec<(&'static str, String)> {
        let caller = Some(&record.caller).filter(|_| !self.redaction.caller);
        let all = [
            ("Request Model", Some(&record.model_group)),
            ("API Base", record.api_base.as_ref()),
            ("Key Name", caller.and_then(|caller| caller.key_alias.as_ref())),
            ("Team Name", caller.and_then(|caller| caller.team_alias.as_ref())),
        ];
        let told = all.into_iter().filter_map(|(name, value)| Some((name, value?.to_string())));
        told.chain([(CALL, record.call_id.to_string())]).collect()
    }

    fn region(&self, id: &Arc<str>, record: &LogRecord, now: Instant) {
        let Some(region) = (self.region_of.0)(id) else { return };
        let limits = (self.settings.region_window, self.settings.outage);
        let place = (Arc::clone(&record.provider), Arc::clone(&region));
        let told = self.seen.lock().regions.count(place, id, limits, now);
        if let Some((word, errors, deployments)) = told {
            let facts = vec![
                ("Provider", record.provider.to_string()),
                ("Region", region.to_string()),
                ("Errors", errors.to_string()),
                ("Deployments", deployments.to_string()),
            ];
            self.tell(AlertType::RegionOutageAlerts, format!("*⚠️ {word} Region Outage*"), facts);
        }
    }

    /// Tells how often models stood in for others, when that is due.
    fn report_fallbacks(&self, now: Instant) {
        let counts = {
            let mut seen = self.seen.lock();
            let due = now.duration_since(seen.fallbacks_reported) >= self.settings.fallbacks_every;
            if !due || seen.fallbacks.is_empty() {
                return;
            }
            seen.fallbacks_reported = now;
            std::mem::take(&mut seen.fallbacks)
        };
        let mut counts: Vec<(Arc<str>, (u64, u64))> = counts.into_iter().collect();
        counts.sort_by_key(|(group, (answered, failed))| (std::cmp::Reverse(answered + failed), Arc::clone(group)));
        let line = |(group, (answered, failed)): (Arc<str>, (u64, u64))| {
            ("Fallback", format!("{group}: answered {answered} calls in place of others, failed {failed}"))
        };
        let facts = counts.into_iter().take(TOP * 4).map(line).collect();
        self.tell(AlertType::FallbackReports, "*Fallback Statistics*".to_owned(), facts);
    }

    fn slow(&self, record: &LogRecord) {
        let took = seconds(record);
        let limit = self.settings.slow_after.as_secs_f64();
        if took > limit {
            let title = format!("`Responses are slow - {took:.2}s response time > Alerting threshold: {limit}s`");
            self.tell(AlertType::LlmTooSlow, title, self.facts(record));
        }
    }

    fn outage(&self, id: &Arc<str>, record: &LogRecord, status: u16, now: Instant) {
        let mut seen = self.seen.lock();
        let window = self.settings.outage_window;
        if seen.outages.len() >= DEPLOYMENTS {
            seen.outages.retain(|_, outage| now.duration_since(outage.since) < window);
        }
        let new = || Outage { since: now, timeouts: 0, errors: 0, told: 0 };
        let outage = seen.outages.entry(Arc::clone(id)).or_insert_with(new);
        if now.duration_since(outage.since) >= window {
            *outage = new();
        }
        if status == 408 {
            outage.timeouts += 1;
        } else {
            outage.errors += 1;
        }
        let Some((told, word)) = level(outage.timeouts + outage.errors, self.settings.outage) else { return };
        if outage.told >= told {
            return;
        }
        outage.told = told;
        let counts = [("Timeout Errors", outage.timeouts), ("API Errors", outage.errors)];
        drop(seen);
        let mut all = vec![("Model Name", record.model.to_string()), ("Provider", record.provider.to_string())];
        all.extend(record.api_base.as_ref().map(|base| ("API Base", base.to_string())));
        all.extend(counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name, n.to_string())));
        self.tell(AlertType::OutageAlerts, format!("*⚠️ {word} Service Outage*"), all);
    }

    fn count(&self, id: &Arc<str>, record: &LogRecord) {
        let mut seen = self.seen.lock();
        if seen.figures.len() >= DEPLOYMENTS && !seen.figures.contains_key(id) {
            return;
        }
        let figures = seen.figures.entry(Arc::clone(id)).or_default();
        (figures.model, figures.api_base) = (Arc::clone(&record.model), record.api_base.clone());
        match record.status {
            Status::Failure => figures.failed += 1,
            Status::Success => {
                let tokens = record.usage.total_output();
                if tokens > 0 {
                    figures.tokens += tokens;
                    figures.seconds += seconds(record);
                }
            }
        }
    }

    /// Tells the report when it is due.
    fn report(&self, now: Instant) {
        let every = self.settings.report_every;
        let figures = {
            let mut seen = self.seen.lock();
            if now.duration_since(seen.reported) < every || !self.sink.wants(AlertType::DailyReports) {
                return;
            }
            seen.reported = now;
            std::mem::take(&mut seen.figures)
        };
        let mut all: Vec<Figures> = figures.into_values().collect();
        let base = |of: &Figures| of.api_base.as_deref().unwrap_or_default().to_owned();
        let mut lines = Vec::new();
        all.sort_by_key(|of| std::cmp::Reverse(of.failed));
        for of in all.iter().filter(|of| of.failed > 0).take(TOP) {
            lines.push(("Failed Requests", format!("{} {} {}", of.failed, of.model, base(of))));
        }
        let pace = |of: &Figures| of.seconds / of.tokens as f64;
        all.retain(|of| of.tokens > 0);
        all.sort_by(|one, other| pace(other).total_cmp(&pace(one)));
        for of in all.iter().take(TOP) {
            lines.push(("Latency per output token", format!("{:.3}s {} {}", pace(of), of.model, base(of))));
        }
        if !lines.is_empty() {
            self.tell(AlertType::DailyReports, "Here are today's key metrics 📈".to_owned(), lines);
        }
    }

    fn tell(&self, kind: AlertType, title: String, facts: Vec<(&'static str, String)>) {
        self.sink.note(Notice { kind, title, facts });
    }
}

/// Microseconds never are negative, but clocks are set.
fn seconds(record: &LogRecord) -> f64 {
    record.end_us.saturating_sub(record.start_us).max(0) as f64 / 1e6
}

impl Callback for CallWatch {
    fn name(&self) -> &str {
        "slack"
    }

    fn needs(&self) -> Needs {
        let wants = |kinds: &[AlertType]| kinds.iter().any(|kind| self.sink.wants(*kind));
        let some = |needs, wanted| if wanted { needs } else { Needs::NONE };
        let fine = [AlertType::LlmTooSlow, AlertType::DailyReports, AlertType::FallbackReports];
        let good = some(Needs::SUCCESS, wants(&fine));
        let failing = [
            AlertType::LlmExceptions,
            AlertType::OutageAlerts,
            AlertType::RegionOutageAlerts,
            AlertType::DailyReports,
            AlertType::FallbackReports,
        ];
        good.union(some(Needs::FAILURE, wants(&failing)))
    }

    fn delivery(&self) -> Delivery {
        Delivery::Inline
    }

    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        let now = Instant::now();
        for record in batch {
            self.look(record, now);
        }
        self.report(now);
        self.report_fallbacks(now);
        Box::pin(std::future::ready(Ok(())))
    }
}
