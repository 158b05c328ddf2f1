//! Calls that nobody has answered yet, so that those that hang can be told. Kept only where somebody wants to hear of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use llm_accounts::Identity;
use llm_types::alert::{AlertSink, AlertType, Notice};

/// What is said of a call, for people.
pub type Facts = Vec<(&'static str, String)>;

/// Who hears of calls that hang.
pub struct Ear {
    /// After how long a call hangs.
    pub after: Duration,
    /// Is told of each once. Must not wait.
    pub tell: Box<dyn Fn(Facts) + Send + Sync>,
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ear").field("after", &self.after).finish_non_exhaustive()
    }
}

impl Ear {
    /// Operators, by alerts.
    #[must_use]
    pub fn alerts(after: Duration, sink: Arc<dyn AlertSink>) -> Self {
        let title = format!("`Requests are hanging - {}s+ request time`", after.as_secs_f64());
        let tell = move |facts| sink.note(Notice { kind: AlertType::LlmRequestsHanging, title: title.clone(), facts });
        Self { after, tell: Box::new(tell) }
    }
}

/// A call under way.
#[derive(Debug)]
struct Call {
    since: Instant,
    route: &'static str,
    group: Arc<str>,
    key: Option<Arc<str>>,
    team: Option<Arc<str>>,
    /// How many know of it.
    told: usize,
}

/// The calls under way.
#[derive(Debug)]
pub struct Hanging {
    /// The impatient ones first.
    ears: Vec<Ear>,
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
    /// Tells all of these; nothing when there is nobody.
    #[must_use]
    pub fn new(mut ears: Vec<Ear>) -> Option<Self> {
        ears.sort_by_key(|ear| ear.after);
        (!ears.is_empty()).then(|| Self { ears, calls: Mutex::default() })
    }

    /// A call of this id begins.
    #[must_use]
    pub fn enter(self: &Arc<Self>, id: &Arc<str>, route: &'static str) -> UnderWay {
        let (since, group) = (Instant::now(), Arc::default());
        let call = Call { since, route, group, key: None, team: None, told: 0 };
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
        let least = self.ears.first().map(|ear| ear.after / 2).unwrap_or_default();
        least.clamp(Duration::from_millis(100), Duration::from_secs(60))
    }

    /// Tells of the calls that hang: of each once to each who wants to know.
    pub fn look(&self, now: Instant) {
        let mut told = Vec::new();
        for (id, call) in self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let age = now.duration_since(call.since);
            for ear in self.ears.iter().skip(call.told).take_while(|ear| age >= ear.after) {
                told.push((ear, facts(id, call)));
            }
            call.told = self.ears.partition_point(|ear| age >= ear.after).max(call.told);
        }
        told.into_iter().for_each(|(ear, facts)| (ear.tell)(facts));
    }
}

fn facts(id: &str, call: &Call) -> Facts {
    let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    vec![
        ("Request Model", call.group.to_string()),
        ("Route", call.route.to_owned()),
        ("Key Alias", text(&call.key)),
        ("Team Alias", text(&call.team)),
        ("Call", id.to_owned()),
    ]
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
        let pages = Arc::<Mutex<u32>>::default();
        let paged = Arc::clone(&pages);
        let pager = Ear { after: Duration::from_secs(20), tell: Box::new(move |_| *paged.lock().unwrap() += 1) };
        let alerts = Ear::alerts(Duration::from_secs(10), Arc::clone(&heard) as Arc<dyn AlertSink>);
        let hanging = Arc::new(Hanging::new(vec![pager, alerts]).unwrap());
        let (slow, fast) = (hanging.enter(&"slow".into(), "/a"), hanging.enter(&"fast".into(), "/b"));
        hanging.look(Instant::now());
        drop(fast);
        let later = Instant::now() + Duration::from_secs(11);
        hanging.look(later);
        hanging.look(later);
        assert_eq!(*pages.lock().unwrap(), 0, "the other one is more patient");
        hanging.look(later + Duration::from_secs(10));
        hanging.look(later + Duration::from_secs(20));
        assert_eq!(*pages.lock().unwrap(), 1);
        let told = heard.0.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert!(told[0].facts.contains(&("Call", "slow".to_owned())), "{told:?}");
        drop(slow);
        assert!(hanging.calls.lock().unwrap().is_empty());
    }
}
