//! Ephemeral secrets of realtime sessions. The upstream's own never reaches a client: with it a session could be held
//! past the gateway. The client gets one of ours, which stands for it here until it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use llm_accounts::Identity;
use llm_types::Json;
use llm_types::Secret;
use parking_lot::Mutex;
use uuid::Uuid;

use super::choose::Home;

/// Secrets that are remembered at the most.
const MOST: usize = 10_000;
/// How long one holds when the upstream does not say.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long one holds at the most.
const LONGEST: Duration = Duration::from_secs(7200);

/// What a secret stands for.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// The upstream's secret.
    pub(super) secret: Secret,
    /// Who asked for it.
    pub(super) who: Arc<Identity>,
    /// Where it holds.
    pub(super) home: Home,
    until: Instant,
}

/// The secrets that were handed out.
#[derive(Debug, Default)]
pub struct Secrets(Mutex<HashMap<String, Held>>);

impl Secrets {
    /// What a secret of ours stands for.
    pub(super) fn get(&self, shown: &str) -> Option<Held> {
        self.0.lock().get(shown).filter(|held| held.until > Instant::now()).cloned()
    }

    fn hold(&self, secret: &str, who: &Arc<Identity>, home: &Home, seconds: Option<u64>) -> String {
        let now = Instant::now();
        let lifetime = seconds.map_or(LIFETIME, Duration::from_secs).min(LONGEST);
        let shown = format!("ek_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let held =
            Held { secret: Secret::new(secret), who: Arc::clone(who), home: home.clone(), until: now + lifetime };
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.retain(|_, held| held.until > now);
        }
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, held)| held.until).map(|(shown, _)| shown.clone())
        {
            all.remove(&oldest);
        }
        all.insert(shown.clone(), held);
        shown
    }

    /// The answer with a secret of ours in the place of the upstream's: `value`, or `client_secret.value`.
    pub(super) fn wrapped(&self, body: &Bytes, who: &Arc<Identity>, home: &Home, now: u64) -> Bytes {
        let Ok(mut tree) = serde_json::from_slice::<Json>(body) else { return body.clone() };
        let Json::Object(fields) = &mut tree else { return body.clone() };
        if let Some((_, Json::Object(inner))) = fields.iter_mut().find(|(name, _)| name == "client_secret") {
            self.wrap(inner, who, home, now);
        } else {
            self.wrap(fields, who, home, now);
        }
        Bytes::from(tree.to_string())
    }

    fn wrap(&self, fields: &mut [(String, Json)], who: &Arc<Identity>, home: &Home, now: u64) {
        let ends = fields.iter().find(|(name, _)| name == "expires_at").and_then(|(_, at)| at.as_f64());
        let seconds = ends.map(|at| (at as u64).saturating_sub(now));
        if let Some((_, Json::String(value))) = fields.iter_mut().find(|(name, _)| name == "value") {
            *value = self.hold(value, who, home, seconds);
        }
    }
}
