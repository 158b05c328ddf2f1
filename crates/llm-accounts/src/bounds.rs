//! Budgets and limits that hold together: those of a caller, of an end user, of a tag.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use llm_types::{Error, Json};

use crate::accounts::Inner;
use crate::budgets::{MOST, WINDOW, amount, named};
use crate::gate::{Gate, Limits};
use crate::period::{Period, ResetClock};
use crate::purse::{Cap, Owner, Purse, nanos};
use crate::refusal;
use crate::window::{Charged, WindowKey};

/// A budget that holds for a call.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Stands before the figures in a refusal.
    pub(crate) what: Box<str>,
    /// Without one the spend is only counted.
    pub(crate) cap: Option<Cap>,
    /// What its row says, nano-dollars: it may be more than nothing where the cap is lifted.
    pub(crate) max: Option<i64>,
    /// From how much on somebody is told, nano-dollars.
    pub(crate) soft: Option<i64>,
    /// Further shares of it, in percent, at which its owners are told, and who they are.
    pub(crate) marks: Marks,
    /// The live spend, shared by everyone it concerns.
    pub(crate) purse: Arc<Purse>,
    /// Which one.
    pub(crate) id: Box<str>,
    /// When its period ends, in seconds since 1970; 0: never, or not known. Of a session: how many seconds it is counted.
    pub(crate) period: i64,
    /// Starts again by itself: its spend is in no row that a job sets back.
    pub(crate) rolls: Option<Rolls>,
}

/// Shares of a budget in percent, each with the addresses of those who are told.
pub(crate) type Marks = Box<[(u8, Vec<String>)]>;

/// When a budget starts again by itself.
#[derive(Debug, Clone)]
pub(crate) struct Rolls {
    key: Arc<WindowKey>,
    clock: Arc<ResetClock>,
    /// `None`: never.
    period: Option<Period>,
}

impl Rolls {
    /// The end of the window that `now` lies in, milliseconds since 1970.
    fn end(&self, now: DateTime<Utc>) -> i64 {
        let Some(period) = self.period else { return i64::MAX };
        let end = self.clock.next(period, now).or_else(|| period.after(now));
        end.map_or(i64::MAX, |end| end.timestamp_millis())
    }
}

impl Budget {
    /// Begins a new window when the last one is over. `now`: milliseconds since 1970.
    pub(crate) fn roll(&self, now: i64) {
        if let Some(rolls) = &self.rolls {
            self.purse.roll(now, || rolls.end(DateTime::from_timestamp_millis(now).unwrap_or_default()));
        }
    }

    /// Its window, where it starts again by itself.
    pub(crate) fn window(&self) -> Option<&Arc<WindowKey>> {
        self.rolls.as_ref().map(|rolls| &rolls.key)
    }

    /// The refusal of a call: `used` of `max` nano-dollars are gone. `status`: of ordinary budgets.
    pub(crate) fn refusal(&self, used: i64, max: i64, status: u16) -> Error {
        match self.owner {
            Owner::Session => refusal::session_budget(&self.what, used, max),
            _ => refusal::budget(&self.what, used, max, status),
        }
    }

    /// What a call is charged to beside its caller.
    pub(crate) fn charged(&self) -> Option<Charged> {
        if self.owner == Owner::AccessGroup {
            return Some((Arc::new(WindowKey::of_access_group(&self.id)), i64::MAX));
        }
        Some((Arc::clone(self.window()?), self.current()))
    }

    /// The end of the period that is counted now, as a name for it.
    pub(crate) fn current(&self) -> i64 {
        if self.rolls.is_some() { self.purse.ends() } else { self.period }
    }
}

/// Budgets and limits that hold for calls of one model.
#[derive(Debug)]
pub(crate) struct ForModel {
    model: Box<str>,
    /// Holds for the model under another provider's name too: `gpt-4o` for `azure/gpt-4o`.
    loose: bool,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) gates: Vec<Gate>,
}

impl ForModel {
    pub(crate) fn holds_for(&self, name: &str) -> bool {
        *self.model == *name || self.loose && name.split_once('/').is_some_and(|(_, bare)| *self.model == *bare)
    }
}

/// Budgets and limits that hold together.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    /// From the narrowest to the widest.
    pub(crate) budgets: Vec<Budget>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) models: Vec<ForModel>,
}

/// Puts bounds together.
pub(crate) struct Binder<'i> {
    inner: &'i Inner,
    /// No flush ran while the rows were read.
    clean: bool,
    pub(crate) out: Bounds,
}

/// The budget of an entity, as its row tells it.
pub(crate) struct Told<'r> {
    pub(crate) owner: Owner,
    pub(crate) id: &'r str,
    /// Stands before the figures in a refusal.
    pub(crate) what: String,
    /// US dollars.
    pub(crate) max: Option<f64>,
    /// US dollars.
    pub(crate) soft: Option<f64>,
    /// US dollars.
    pub(crate) spend: f64,
    pub(crate) ends: Option<DateTime<Utc>>,
}

impl<'i> Binder<'i> {
    pub(crate) fn new(inner: &'i Inner, clean: bool) -> Self {
        Self { inner, clean, out: Bounds::default() }
    }

    /// A budget whose spend is in a row.
    pub(crate) fn budget(&mut self, told: Told<'_>) {
        let Told { owner, id, what, max, soft, spend, ends } = told;
        let purse = self.inner.purses.get(owner, id);
        let period = ends.map_or(0, |at| at.timestamp());
        if owner.is_flushed() {
            purse.learn(nanos(spend), self.clean);
        } else {
            purse.begin(period, nanos(spend));
        }
        let cap = cap(owner, max);
        let soft = soft.filter(|soft| soft.is_finite()).map(nanos);
        let (what, id, marks) = (what.into(), id.into(), Marks::default());
        let max = cap.map(|cap| cap.max);
        self.out.budgets.push(Budget { owner, what, cap, max, soft, marks, purse, id, period, rolls: None });
    }

    /// The budget that was put in last refuses nobody.
    pub(crate) fn uncapped(&mut self) {
        if let Some(budget) = self.out.budgets.last_mut() {
            budget.cap = None;
        }
    }

    /// The budget that was put in last has further shares at which its owners are told.
    pub(crate) fn marks(&mut self, marks: Marks) {
        if let Some(budget) = self.out.budgets.last_mut() {
            budget.marks = marks;
        }
    }

    /// `budget_limits`: windows beside the budget itself.
    pub(crate) fn windows(&mut self, kind: &str, id: &str, limits: &Json) {
        for window in limits.as_array().unwrap_or_default() {
            let duration = window.text("budget_duration");
            let Some(max) = window.get("max_budget").and_then(amount) else { continue };
            let what = format!("{} window={} ", title(kind), duration.unwrap_or_default());
            let key = WindowKey::of(kind, id, duration);
            // The same window twice would count every call twice.
            if self.out.budgets.iter().any(|known| known.window().is_some_and(|known| **known == key)) {
                continue;
            }
            let budget = self.rolling(key, what, max);
            self.out.budgets.push(budget);
        }
    }

    fn rolling(&self, key: WindowKey, what: String, max: f64) -> Budget {
        let (owner, id) = key.purse();
        let purse = self.inner.purses.get(owner, &id);
        let period = Period::parse(&key.duration);
        let rolls = Rolls { key: Arc::new(key), clock: Arc::clone(&self.inner.clock), period };
        let (what, id, cap, marks) = (what.into(), id.into(), cap(owner, Some(max)), Marks::default());
        let max = cap.map(|cap| cap.max);
        Budget { owner, what, cap, max, soft: None, marks, purse, id, period: 0, rolls: Some(rolls) }
    }

    /// Limits on all calls. `shown` is the entity's name for people.
    pub(crate) fn limits(&mut self, descriptor: &'static str, id: &str, shown: &str, limits: Limits) {
        limits.gates(&self.inner.kv, descriptor, id, &shown.into(), &mut self.out.gates);
    }

    /// `model_rpm_limit`, `model_tpm_limit` and those of input and output tokens, of a metadata object or a row.
    pub(crate) fn model_limits(&mut self, descriptor: &'static str, id: &str, shown: &str, maps: &Json) {
        for (model, limits) in limits_by_model(maps) {
            let mut gates = Vec::new();
            let name = format!("{shown}:{model}").into();
            limits.gates(&self.inner.kv, descriptor, &format!("{id}:{model}"), &name, &mut gates);
            self.out.models.push(ForModel { model, loose: false, budgets: Vec::new(), gates });
        }
    }

    /// `model_max_budget`. `except`: an object whose models have a say of their own already.
    pub(crate) fn model_budgets(&mut self, entity: (&str, &'static str, &str, &str), budgets: &Json, except: &Json) {
        let (kind, descriptor, id, shown) = entity;
        for (model, entry) in budgets.as_object().unwrap_or_default() {
            if except.get(model).is_some() {
                continue;
            }
            let max = amount(named(entry, MOST).unwrap_or(entry));
            let duration = named(entry, WINDOW).and_then(Json::as_str);
            let window = WindowKey::of_model(kind, id, model, duration);
            let what = format!("{}, model={model} ", title(kind));
            let number = |name: &str| entry.get(name).and_then(Json::as_i64);
            let limits = Limits { rpm: number("rpm_limit"), tpm: number("tpm_limit"), ..Limits::default() };
            let mut gates = Vec::new();
            let text = format!("{shown}:{model}").into();
            limits.gates(&self.inner.kv, descriptor, &format!("budget:{id}:{model}"), &text, &mut gates);
            let budgets = max.map(|max| self.rolling(window, what, max)).into_iter().collect();
            self.out.models.push(ForModel { model: model.as_str().into(), loose: true, budgets, gates });
        }
    }
}

fn cap(owner: Owner, max: Option<f64>) -> Option<Cap> {
    max.filter(|max| max.is_finite()).map(|max| Cap { max: nanos(max), reachable: owner.is_reachable() })
}

/// `end_user` → `End User`.
fn title(kind: &str) -> String {
    let words = kind.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or(("", word));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The maps of limits, by model.
fn limits_by_model(maps: &Json) -> Vec<(Box<str>, Limits)> {
    let mut out: Vec<(Box<str>, Limits)> = Vec::new();
    let set: [(&str, fn(&mut Limits) -> &mut Option<i64>); 4] = [
        ("model_rpm_limit", |limits| &mut limits.rpm),
        ("model_tpm_limit", |limits| &mut limits.tpm),
        ("model_itpm_limit", |limits| &mut limits.input),
        ("model_otpm_limit", |limits| &mut limits.output),
    ];
    for (field, slot) in set {
        for (model, limit) in maps.get(field).and_then(Json::as_object).unwrap_or_default() {
            let Some(limit) = limit.as_i64() else { continue };
            let at = out.iter().position(|(m, _)| **m == **model).unwrap_or_else(|| {
                out.push((model.as_str().into(), Limits::default()));
                out.len() - 1
            });
            if let Some((_, limits)) = out.get_mut(at) {
                *slot(limits) = Some(limit);
            }
        }
    }
    out
}
