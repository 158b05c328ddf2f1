//! Callbacks of single keys and teams. The bus has one sink for all of them: it sorts a batch by where its records go.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use llm_http::HttpClient;
use llm_types::LogRecord;
use llm_types::record::{OwnCallback, Status};
use parking_lot::Mutex;

use super::endpoint::{Endpoint, sampled};
use super::{EVERY, post};
use crate::callback::{Callback, Delivery, Needs, SinkError};
use crate::lane::is_untold;
use crate::redact::Redaction;

/// Services that are told at the same time.
const AT_ONCE: usize = 16;
/// How long a service that failed is left alone: others must not wait for it with every batch.
const REST: Duration = Duration::from_secs(30);
/// Between the first attempt and the second.
const PAUSE: Duration = Duration::from_millis(300);

/// Looks variables of the operator's environment up.
type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Records of one batch that go to one place.
struct Parcel {
    endpoint: Endpoint,
    redaction: Redaction,
    records: Vec<Arc<LogRecord>>,
}

/// Calls of keys and teams that have callbacks of their own.
pub struct OwnCallbacks {
    http: HttpClient,
    env: Variables,
    redaction: Redaction,
    resting: Mutex<Vec<(Endpoint, Instant)>>,
    /// What is wrong with somebody's callback is told once in a while.
    told: Mutex<Option<Instant>>,
}

impl fmt::Debug for OwnCallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCallbacks").finish_non_exhaustive()
    }
}

/// Whether the parameters of a callback could be used. `env` looks the operator's variables up.
///
/// # Errors
/// What is wrong, for people.
pub fn check(callback: &OwnCallback, env: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    Endpoint::of_caller(callback, env).map(drop)
}

/// Sends a record to a callback of somebody's own, once.
///
/// # Errors
/// What is wrong with the callback, or what its service said, for people.
pub async fn try_out(
    http: &HttpClient,
    callback: &OwnCallback,
    env: &(dyn Fn(&str) -> Option<String> + Sync),
    record: LogRecord,
) -> Result<(), String> {
    let endpoint = Endpoint::of_caller(callback, env)?;
    let sent = post::post(http, &endpoint, &[Arc::new(record)], &Redaction::default()).await;
    sent.map_err(|error| format!("{endpoint:?}: {error}"))
}

impl OwnCallbacks {
    /// `env` looks the operator's variables up; `redaction` holds for everybody.
    #[must_use]
    pub fn new(http: HttpClient, env: Variables, redaction: Redaction) -> Self {
        Self { http, env, redaction, resting: Mutex::default(), told: Mutex::default() }
    }

    /// Sorts a batch. A record goes to the same place once, whoever asked for it.
    fn sort(&self, batch: &[Arc<LogRecord>]) -> Vec<Parcel> {
        let mut parcels: Vec<Parcel> = Vec::new();
        for record in batch {
            let own = record.caller.callbacks.as_deref().unwrap_or_default();
            let told = |callback: &&OwnCallback| {
                callback.wants(record.status) && !is_untold(record, &callback.name) && drawn(callback, record)
            };
            for callback in own.iter().filter(told) {
                let endpoint = match Endpoint::of_caller(callback, &*self.env) {
                    Ok(endpoint) => endpoint,
                    Err(why) => {
                        self.tell(record, &why);
                        continue;
                    }
                };
                let mut redaction = self.redaction.clone();
                redaction.own_messages |=
                    callback.var("turn_off_message_logging").is_some_and(|v| v.eq_ignore_ascii_case("true"));
                let same = |parcel: &&mut Parcel| parcel.endpoint == endpoint && parcel.redaction == redaction;
                match parcels.iter_mut().find(same) {
                    Some(parcel) if parcel.records.last().is_some_and(|last| Arc::ptr_eq(last, record)) => {}
                    Some(parcel) => parcel.records.push(Arc::clone(record)),
                    None => parcels.push(Parcel { endpoint, redaction, records: vec![Arc::clone(record)] }),
                }
            }
        }
        parcels
    }

    /// Tells the operator of a callback that cannot be used.
    fn tell(&self, record: &LogRecord, why: &str) {
        let mut told = self.told.lock();
        if told.is_none_or(|at| at.elapsed() > REST) {
            *told = Some(Instant::now());
            let (key, team) = (record.caller.key_alias.as_deref(), record.caller.team_id.as_deref());
            tracing::warn!(key, team, why, "a callback of a key or a team cannot be used");
        }
    }

    async fn send(&self, parcel: Parcel) {
        let Parcel { endpoint, redaction, records } = parcel;
        if self.rests(&endpoint) {
            tracing::debug!(?endpoint, records = records.len(), "a callback rests; these calls are not told");
            return;
        }
        for chunk in records.chunks(endpoint.service().most()) {
            let mut outcome = post::post(&self.http, &endpoint, chunk, &redaction).await;
            if outcome.as_ref().is_err_and(|error| error.retryable) {
                tokio::time::sleep(PAUSE).await;
                outcome = post::post(&self.http, &endpoint, chunk, &redaction).await;
            }
            if let Err(error) = outcome {
                tracing::warn!(?endpoint, records = records.len(), %error, "a callback of a key or a team loses records");
                self.resting.lock().push((endpoint, Instant::now()));
                return;
            }
        }
    }

    fn rests(&self, endpoint: &Endpoint) -> bool {
        let mut resting = self.resting.lock();
        resting.retain(|(_, since)| since.elapsed() < REST);
        resting.iter().any(|(known, _)| known == endpoint)
    }
}

/// Whether a call is among the share that a callback is told: always the same answer for the same call.
fn drawn(callback: &OwnCallback, record: &LogRecord) -> bool {
    let [answered, failed] = sampled(callback).unwrap_or([1.0; 2]);
    let share = if record.status == Status::Success { answered } else { failed };
    if share >= 1.0 {
        return true;
    }
    // FNV-1a; its upper bits are the better ones.
    let hash = record
        .call_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    ((hash >> 11) as f64) < share * (1_u64 << 53) as f64
}

impl Callback for OwnCallbacks {
    fn name(&self) -> &'static str {
        "own_callbacks"
    }

    fn needs(&self) -> Needs {
        // Content is asked for call by call: only callers with callbacks pay for it.
        Needs::CALLS
    }

    fn wants(&self, record: &LogRecord) -> bool {
        record.caller.callbacks.is_some()
    }

    fn delivery(&self) -> Delivery {
        Delivery::Batched { max: 512, every: EVERY }
    }

    /// One failing service fails nobody else: what it loses is told here, and the batch is done.
    fn log<'a>(&'a self, batch: &'a [Arc<LogRecord>]) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            let parcels = self.sort(batch);
            stream::iter(parcels).for_each_concurrent(AT_ONCE, |parcel| self.send(parcel)).await;
            Ok(())
        }
        .boxed()
    }
}
