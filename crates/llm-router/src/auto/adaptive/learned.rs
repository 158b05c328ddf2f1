//! What adaptive routers learned, and the conversations that they learn from. It outlives snapshots of the router.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

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

/// What one router learned.
#[derive(Debug, Default)]
struct Memory {
    /// Successes and failures that were seen.
    seen: BTreeMap<(RequestType, Arc<str>), (f64, f64)>,
    talks: HashMap<u64, Talk>,
}

/// What all adaptive routers learned, by their names.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<HashMap<Arc<str>, Memory>>);

impl Learned {
    /// What was seen of a model for a kind of request.
    pub(super) fn seen(&self, router: &str, kind: RequestType, model: &str) -> (f64, f64) {
        let all = self.0.lock();
        let found = all.get(router).and_then(|memory| memory.seen.get(&(kind, Arc::from(model))).copied());
        found.unwrap_or_default()
    }

    /// Hears how a conversation went on: it is told of the model that answered last. `prior` is what was believed of a model.
    pub(super) fn hear(
        &self,
        router: &Arc<str>,
        history: &History,
        now: u64,
        prior: impl Fn(RequestType, &str) -> Cell,
    ) {
        let mut all = self.0.lock();
        let Some(memory) = all.get_mut(router) else { return };
        let Some(talk) = memory.talks.get_mut(&history.key).filter(|talk| now.saturating_sub(talk.at) < DAY) else {
            return;
        };
        let new = News {
            user: history.users.len() > talk.users,
            answer: history.answers.len() > talk.answers,
            any: history.messages > talk.messages,
        };
        let (seen, thanked) = judge(history, new, !talk.thanked && talk.requests + 1 >= THANKS_FROM);
        talk.thanked |= thanked;
        if seen == (0.0, 0.0) {
            return;
        }
        let (kind, model) = (talk.kind, Arc::clone(&talk.model));
        let known = memory.seen.entry((kind, Arc::clone(&model))).or_default();
        let more = (known.0 + seen.0, known.1 + seen.1);
        if prior(kind, &model).with(more).is_some() {
            *known = more;
        }
    }

    /// Remembers who answers a conversation now.
    pub(super) fn answers(&self, router: &Arc<str>, history: &History, now: u64, kind: RequestType, model: &Arc<str>) {
        let mut all = self.0.lock();
        let memory = all.entry(Arc::clone(router)).or_default();
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
            users: history.users.len(),
            answers: history.answers.len(),
            messages: history.messages,
            at: now,
        };
        memory.talks.insert(history.key, talk);
    }
}
