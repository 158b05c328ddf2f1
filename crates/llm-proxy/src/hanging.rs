//! Calls that nobody has answered yet, so that those that hang can be told. Kept only where somebody wants to hear of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use llm_accounts::Identity;
use llm_types::alert::{AlertSink, AlertType, Notice};

/// A call under way.
#[derive(Debug)]
struct Call {
    since: Instant,
    route: &'static str,
    group: Arc<str>,
    key: Option<Arc<str>>,
    team: Option<Arc<str>>,
    told: bool,
}

/// The calls under way.
#[derive(Debug)]
pub struct Hanging {
    after: Duration,
    sink: Arc<dyn AlertSink>,
    calls: Mutex<HashMap<Arc<str>, Call>>,
}

/// A call is under way until this goes.
#[derive(Debug)]
pub struct UnderWay {
    of: Arc<Hanging>,
    id: Arc<str>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.of.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Hanging {
    /// Tells `sink` of calls that are not answered `after` so long.
    #[must_use]
    pub fn new(after: Duration, sink: Arc<dyn AlertSink>) -> Self {
        Self { after, sink, calls: Mutex::default() }
    }

    /// A call of this id begins.
    #[must_use]
    pub fn enter(self: &Arc<Self>, id: &Arc<str>, route: &'static str) -> UnderWay {
        let (since, group) = (Instant::now(), Arc::default());
        let call = Call { since, route, group, key: None, team: None, told: false };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(id), call);
        UnderWay { of: Arc::clone(self), id: Arc::clone(id) }
    }

    /// What it asks for, and who asks, is known.
    pub fn known(&self, id: &str, group: &Arc<str>, who: &Identity) {
        if let Some(call) = self.calls.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            call.group = Arc::clone(group);
            call.key.clone_from(&who.caller().key_alias);
            call.team.clone_from(&who.caller().team_alias);
        }
    }

    /// How often to look.
    #[must_use]
    pub fn pause(&self) -> Duration {
        (self.after / 2).clamp(Duration::from_millis(100), Duration::from_secs(60))
    }

    /// Tells of the calls that hang, of each once.
    pub fn look(&self, now: Instant) {
        let after = self.after.as_secs_f64();
        let mut notices = Vec::new();
        for (id, call) in self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if call.told || now.duration_since(call.since) < self.after {
                continue;
            }
            call.told = true;
            let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
            let facts = vec![
                ("Request Model", call.group.to_string()),
                ("Route", call.route.to_owned()),
                ("Key Alias", text(&call.key)),
                ("Team Alias", text(&call.team)),
                ("Call", id.to_string()),
            ];
            let title = format!("`Requests are hanging - {after}s+ request time`");
            notices.push(Notice { kind: AlertType::LlmRequestsHanging, title, facts });
        }
        notices.into_iter().for_each(|notice| self.sink.note(notice));
    }
}

#[cfg(test)]
mod tests {
    use llm_types::alert::BudgetAlert;

    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<Notice>>);

    impl AlertSink for Heard {
        fn tell(&self, _: BudgetAlert) {}
        fn note(&self, notice: Notice) {
            self.0.lock().unwrap().push(notice);
        }
        fn wants(&self, _: AlertType) -> bool {
            true
        }
    }

    #[test]
    fn a_call_that_hangs_is_told_once() {
        let heard = Arc::<Heard>::default();
        let hanging = Arc::new(Hanging::new(Duration::from_secs(10), Arc::clone(&heard) as Arc<dyn AlertSink>));
        let (slow, fast) = (hanging.enter(&"slow".into(), "/a"), hanging.enter(&"fast".into(), "/b"));
        hanging.look(Instant::now());
        drop(fast);
        let later = Instant::now() + Duration::from_secs(11);
        hanging.look(later);
        hanging.look(later);
        let told = heard.0.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert!(told[0].facts.contains(&("Call", "slow".to_owned())), "{told:?}");
        drop(slow);
        assert!(hanging.calls.lock().unwrap().is_empty());
    }
}
