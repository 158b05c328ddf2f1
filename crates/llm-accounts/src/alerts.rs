//! Budgets that run out are told to operators: soft budgets, shares that are left, shares that a key's owners asked for.
//! Nothing is refused because of it. Each event of each budget is told once in a while (`budget_alert_ttl`), by one of the
//! gateways that share limits.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use llm_kv::{Claim, CounterClaim, KvError, ReserveOutcome, Window, reserve_counters};
use llm_types::Json;
use llm_types::alert::{AlertSink, AlertType, BudgetAlert, BudgetEvent, Notice};

use crate::accounts::Inner;
use crate::bounds::{Budget, Marks};
use crate::letters;
use crate::purse::{Owner, usd};
use crate::shared::Shared;
use crate::{Accounts, Identity};

/// Percent of a budget of which it is told that no more are left, the smallest first.
const LEFT: [u8; 2] = [5, 15];

/// Who hears of budgets, once that is known, and how long it is silent after an alert.
#[derive(Debug, Default)]
pub(crate) struct Alerts(OnceLock<(Arc<dyn AlertSink>, Duration)>);

impl Alerts {
    /// Who sends letters, where letters are written.
    pub(crate) fn letters(&self) -> Option<Arc<dyn AlertSink>> {
        self.0.get().filter(|(sink, _)| sink.writes()).map(|(sink, _)| Arc::clone(sink))
    }
}

impl Accounts {
    /// Tells from now on `sink` of budgets that run out; the same event of the same budget once in `silence`. Once, at the
    /// start.
    pub fn alert(&self, sink: Arc<dyn AlertSink>, silence: Duration) {
        if self.inner().alerts.0.set((sink, silence)).is_err() {
            tracing::warn!("somebody is told of budgets already");
        }
    }
}

/// Shares of a key's budget at which its owners want to be told: `max_budget_alert_emails` of its metadata, else
/// `default_key_max_budget_alert_emails`; percent → addresses.
pub(crate) fn marks(metadata: &Json, inner: &Inner) -> Marks {
    let own = metadata.get("max_budget_alert_emails").filter(|own| own.as_object().is_some());
    let settings = inner.settings();
    let map = own.or(settings.default_key_max_budget_alert_emails.as_ref());
    let entries = map.and_then(Json::as_object).unwrap_or_default();
    let mut marks: Vec<(u8, Vec<String>)> = entries
        .iter()
        .filter_map(|(percent, emails)| {
            let percent = percent.trim().trim_end_matches('%').parse().ok().filter(|n| (1..=100).contains(n))?;
            let emails = emails.as_array()?.iter().filter_map(|email| email.as_str().map(str::to_owned)).collect();
            Some((percent, emails))
        })
        .collect();
    marks.sort_unstable();
    marks.into()
}

impl Budget {
    /// What is to be told of it now that `spent` nano-dollars are gone.
    fn events(&self, spent: i64) -> Vec<BudgetEvent> {
        let mut out = Vec::new();
        if let Some(max) = self.max {
            let left = max.saturating_sub(spent);
            let share = |percent: u8| i64::try_from(i128::from(max) * i128::from(percent) / 100).unwrap_or(i64::MAX);
            let few = || LEFT.into_iter().find(|percent| left <= share(*percent)).map(BudgetEvent::Threshold);
            out.extend(if left <= 0 { Some(BudgetEvent::Crossed) } else { few() });
            let reached = self.marks.iter().rev().find(|(percent, _)| spent >= share(*percent));
            out.extend(reached.map(|(percent, _)| BudgetEvent::MaxBudget(*percent)));
        }
        if self.soft.is_some_and(|soft| spent >= soft) {
            out.push(BudgetEvent::SoftCrossed);
        }
        out
    }

    fn alert(&self, event: BudgetEvent, who: &Identity, spent: i64) -> BudgetAlert {
        let emails = match event {
            BudgetEvent::MaxBudget(reached) => {
                let asked = self.marks.iter().find(|(percent, _)| *percent == reached);
                asked.map(|(_, emails)| emails.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let mut caller = who.caller();
        if self.owner == Owner::EndUser {
            caller.end_user = Some((&*self.id).into());
        }
        BudgetAlert {
            event,
            group: self.owner.entity(),
            id: self.id.to_string(),
            caller,
            spend: usd(spent),
            max_budget: self.max.map(usd),
            soft_budget: self.soft.map(usd),
            emails,
            people: Vec::new(),
        }
    }
}

impl Owner {
    /// LiteLLM's name for the entity in alerts.
    const fn entity(self) -> &'static str {
        match self {
            Self::Member => "team_member",
            other => other.name(),
        }
    }
}

impl Inner {
    /// True when somebody wants to hear of this type.
    pub(crate) fn hears(&self, kind: AlertType) -> bool {
        self.alerts.0.get().is_some_and(|(sink, _)| sink.wants(kind))
    }

    /// Tells of something beside budgets, where somebody wants to hear of it. Does not wait.
    pub(crate) fn note(&self, kind: AlertType, notice: impl FnOnce() -> Notice) {
        if let Some((sink, _)) = self.alerts.0.get().filter(|(sink, _)| sink.wants(kind)) {
            sink.note(notice());
        }
    }

    /// Tells of a budget of which `spent` nano-dollars are gone, where there is something to tell. Does not wait.
    pub(crate) fn watch(&self, budget: &Budget, who: &Identity, spent: i64) {
        let heard = self.alerts.0.get().filter(|(sink, _)| sink.wants(AlertType::BudgetAlerts));
        let Some((sink, silence)) = heard else { return };
        // Windows, models and sessions have no place in LiteLLM's alerts; their entity has.
        if matches!(budget.owner, Owner::Window | Owner::Model | Owner::Session) {
            return;
        }
        for event in budget.events(spent) {
            let name = name(event, budget);
            if !self.is_first_here(&name, *silence) {
                continue;
            }
            let (mut alert, sink, silence) = (budget.alert(event, who, spent), Arc::clone(sink), *silence);
            let first = self.shared.get().map(Shared::firsts);
            let named = budget.owner == Owner::Team && event == BudgetEvent::SoftCrossed;
            let store = self.store.clone().filter(|_| named || sink.writes());
            if first.is_none() && store.is_none() {
                sink.tell(alert);
                continue;
            }
            self.background.spawn(async move {
                if let Some(first) = first
                    && !first.is_first(&name, silence).await
                {
                    return;
                }
                if let Some(store) = store
                    && let Err(problem) = letters::address(&store, &mut alert, sink.writes()).await
                {
                    tracing::error!(problem = problem.text(), "nobody knows whom to write to of a budget");
                }
                sink.tell(alert);
            });
        }
    }

    /// True when nobody told of `name` within `silence`: neither this gateway nor another on the same Redis.
    pub(crate) async fn is_first(&self, name: &str, silence: Duration) -> bool {
        if !self.is_first_here(name, silence) {
            return false;
        }
        match self.shared.get().map(Shared::firsts) {
            Some(first) => first.is_first(name, silence).await,
            None => true,
        }
    }

    /// Tells that the database does not do what it should.
    pub(crate) fn database_failed(&self, what: &'static str, why: &str) {
        let kind = AlertType::DbExceptions;
        let facts = || vec![("Where", what.to_owned()), ("Error", why.to_owned())];
        self.note(kind, || Notice { kind, title: "DB read/write call failed".to_owned(), facts: facts() });
    }

    fn is_first_here(&self, name: &str, silence: Duration) -> bool {
        let (counter, window) = (self.kv.counter(name), Window::FirstUse(silence));
        let claim =
            Claim { counter: &counter, by: 1, limit: Some(1), window, mark: 0, alone: false, floor: 0, reading: None };
        reserve_counters(&mut [claim], self.kv.now()).is_ok()
    }
}

/// Under which it is noted that an event was told.
fn name(event: BudgetEvent, budget: &Budget) -> String {
    let (owner, id) = (budget.owner.name(), &budget.id);
    match event {
        BudgetEvent::Threshold(percent) | BudgetEvent::MaxBudget(percent) => {
            format!("alert:{}:{percent}:{owner}:{id}", event.name())
        }
        BudgetEvent::Crossed | BudgetEvent::SoftCrossed => format!("alert:{}:{owner}:{id}", event.name()),
    }
}

/// Which of the gateways on one store is the first.
pub(crate) struct Firsts(pub(crate) Arc<dyn llm_kv::Kv>);

impl Firsts {
    /// True when no other gateway claimed `name` within `silence`; also when nobody can say: told twice is better than never.
    async fn is_first(&self, name: &str, silence: Duration) -> bool {
        let key = crate::shared::key(name);
        let window = Window::FirstUse(silence);
        let claim = CounterClaim { key: &key, by: 1, limit: Some(1), window, alone: false, floor: 0 };
        let outcome: Result<ReserveOutcome, KvError> = self.0.reserve(&[claim]).await;
        !matches!(outcome, Ok(ReserveOutcome::Exceeded(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(max: Option<i64>, soft: Option<i64>, marks: &[u8]) -> Budget {
        let marks = marks.iter().map(|percent| (*percent, vec![format!("{percent}@x.org")])).collect();
        let purse = Arc::default();
        Budget {
            owner: Owner::Key,
            what: "".into(),
            cap: None,
            max,
            soft,
            marks,
            purse,
            id: "k".into(),
            period: 0,
            rolls: None,
        }
    }

    #[test]
    fn events_follow_what_is_left() {
        use BudgetEvent::{Crossed, MaxBudget, SoftCrossed, Threshold};
        let cases: &[(Option<i64>, Option<i64>, &[u8], i64, &[BudgetEvent])] = &[
            (None, None, &[], 500, &[]),
            (Some(100), None, &[], 84, &[]),
            (Some(100), None, &[], 85, &[Threshold(15)]),
            (Some(100), None, &[], 95, &[Threshold(5)]),
            (Some(100), None, &[], 100, &[Crossed]),
            (Some(0), None, &[], 0, &[Crossed]),
            (None, Some(10), &[], 9, &[]),
            (None, Some(10), &[], 10, &[SoftCrossed]),
            (Some(100), Some(10), &[], 120, &[Crossed, SoftCrossed]),
            (Some(100), None, &[50, 80], 49, &[]),
            (Some(100), None, &[50, 80], 79, &[MaxBudget(50)]),
            (Some(100), None, &[50, 80], 80, &[MaxBudget(80)]),
            (Some(i64::MAX), None, &[], i64::MAX - 1, &[Threshold(5)]),
        ];
        for (max, soft, marks, spent, events) in cases {
            assert_eq!(budget(*max, *soft, marks).events(*spent), *events, "{max:?} {soft:?} {marks:?} {spent}");
        }
    }
}
