//! What adaptive routers learned, and the conversations that they learn from. It outlives snapshots of the router.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::signals::{History, News, judge};
use super::{Cell, RequestType};

/// Conversations that are remembered for each router.
const TALKS: usize = 1024;
/// How long one is remembered, in milliseconds.
const DAY: u64 = 24 * 3600 * 1000;
/// A request of a conversation from which on its user's pleasure counts.
const THANKS_FROM: u32 = 3;

/// A conversation: who answered last, and what was heard of it.
#[derive(Debug, Clone)]
struct Talk {
    model: Arc<str>,
    kind: RequestType,
    requests: u32,
    thanked: bool,
    users: usize,
    answers: usize,
    messages: usize,
    /// Milliseconds of the router's clock.
    at: u64,
}

/// Successes and failures that were seen of a model, for each kind of request.
type Seen = BTreeMap<RequestType, (f64, f64)>;

/// What one router learned. Its requests share one lock, which is held for look-ups only: texts are judged outside of it.
#[derive(Debug, Default)]
struct Memory {
    seen: HashMap<Arc<str>, Seen>,
    talks: HashMap<u64, Talk>,
}

/// What all adaptive routers learned, by their names.
#[derive(Debug, Default)]
pub(crate) struct Learned(RwLock<HashMap<Arc<str>, Arc<Mutex<Memory>>>>);

impl Learned {
    /// What was seen of models for a kind of request, each in its place.
    pub(super) fn seen(&self, router: &str, kind: RequestType, models: &[&Arc<str>]) -> Vec<(f64, f64)> {
        let Some(memory) = self.memory(router) else { return vec![(0.0, 0.0); models.len()] };
        let memory = memory.lock();
        let of = |model: &&Arc<str>| memory.seen.get(&***model).and_then(|seen| seen.get(&kind).copied());
        models.iter().map(|model| of(model).unwrap_or_default()).collect()
    }

    fn memory(&self, router: &str) -> Option<Arc<Mutex<Memory>>> {
        self.0.read().get(router).map(Arc::clone)
    }

    /// Hears how a conversation went on: it is told of the model that answered last. `prior` is what was believed of a model.
    pub(super) fn hear(
        &self,
        router: &Arc<str>,
        history: &History,
        now: u64,
        prior: impl Fn(RequestType, &str) -> Cell,
    ) {
        let Some(memory) = self.memory(router) else { return };
        let talk = memory.lock().talks.get(&history.key).filter(|talk| now.saturating_sub(talk.at) < DAY).cloned();
        let Some(talk) = talk else { return };
        let new = News {
            user: history.users.turns > talk.users,
            answer: history.answers.turns > talk.answers,
            any: history.messages > talk.messages,
        };
        let (seen, thanked) = judge(history, new, !talk.thanked && talk.requests + 1 >= THANKS_FROM);
        if seen == (0.0, 0.0) && !thanked {
            return;
        }
        let prior = prior(talk.kind, &talk.model);
        let mut memory = memory.lock();
        if let Some(known) = memory.talks.get_mut(&history.key) {
            known.thanked |= thanked;
        }
        let known = memory.seen.entry(talk.model).or_default().entry(talk.kind).or_default();
        let more = (known.0 + seen.0, known.1 + seen.1);
        if prior.with(more).is_some() {
            *known = more;
        }
    }

    /// Remembers who answers a conversation now.
    pub(super) fn answers(&self, router: &Arc<str>, history: &History, now: u64, kind: RequestType, model: &Arc<str>) {
        let known = self.memory(router);
        let memory = known.unwrap_or_else(|| Arc::clone(self.0.write().entry(Arc::clone(router)).or_default()));
        let mut memory = memory.lock();
        let before = memory.talks.remove(&history.key).filter(|talk| now.saturating_sub(talk.at) < DAY);
        if memory.talks.len() >= TALKS
            && let Some(oldest) = memory.talks.iter().min_by_key(|(_, talk)| talk.at).map(|(key, _)| *key)
        {
            memory.talks.remove(&oldest);
        }
        // "Thanks!" and the like go on with what was talked about.
        let kind = before.as_ref().filter(|_| kind == RequestType::General).map_or(kind, |talk| talk.kind);
        let talk = Talk {
            model: Arc::clone(model),
            kind,
            requests: before.as_ref().map_or(0, |talk| talk.requests) + 1,
            thanked: before.is_some_and(|talk| talk.thanked),
            users: history.users.turns,
            answers: history.answers.turns,
            messages: history.messages,
            at: now,
        };
        memory.talks.insert(history.key, talk);
    }
}
