//! What a group of models can take, and how it is shared: limits of keys that the deployments name, the group's own capacity,
//! and the shares of priorities (`priority_reservation`).
//!
//! While a group has room to spare, anybody may use it; once its use has reached the threshold, each priority keeps to its
//! share. Uses of both are counted from the first call on, and taken together with all other limits or not at all.

use serde::Deserialize;

use crate::Identity;
use crate::accounts::Inner;
use crate::gate::{Counted, Gate, Limits, Rule};
use crate::identity::Rank;

/// What the deployments of a group take together, per minute, and what one key may use of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Requests of all deployments (`rpm`).
    pub rpm: Option<i64>,
    /// Tokens of all deployments (`tpm`).
    pub tpm: Option<i64>,
    /// Requests of a key that says nothing of the model (`default_api_key_rpm_limit`, the smallest of them).
    pub key_rpm: Option<i64>,
    /// Tokens of such a key (`default_api_key_tpm_limit`).
    pub key_tpm: Option<i64>,
}

/// How `priority_reservation` shares a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Priorities {
    /// What is reserved for each priority.
    pub shares: Vec<(String, Share)>,
    /// The part of the pool of all keys without a priority (`default_priority`).
    pub default_part: f64,
    /// From this part of its use on a group has no room to spare (`saturation_threshold`).
    pub saturation: f64,
}

impl Default for Priorities {
    fn default() -> Self {
        Self { shares: Vec::new(), default_part: 0.25, saturation: 0.5 }
    }
}

/// What is reserved for a priority.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Share {
    /// A part of the capacity.
    Part(f64),
    /// So much.
    Of {
        /// What `value` is.
        #[serde(rename = "type")]
        unit: Unit,
        /// How much.
        value: f64,
    },
}

/// What a [`Share`] is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A part of the capacity.
    Percent,
    /// Requests per minute.
    Rpm,
    /// Tokens per minute.
    Tpm,
}

impl Share {
    /// The part of a capacity; nothing when that capacity is not known.
    fn part(self, of: &Capacity) -> Option<f64> {
        let part = match self {
            Self::Part(part) | Self::Of { unit: Unit::Percent, value: part } => part,
            Self::Of { unit: Unit::Rpm, value } => value / of.rpm.filter(|rpm| *rpm > 0)? as f64,
            Self::Of { unit: Unit::Tpm, value } => value / of.tpm.filter(|tpm| *tpm > 0)? as f64,
        };
        Some(part.max(0.0))
    }
}

impl Priorities {
    /// The part of a group for a priority, and the name of the pool. Parts that are more than the whole together are made
    /// smaller, all alike.
    fn part(&self, priority: Option<&str>, of: &Capacity) -> (f64, String) {
        let sum: f64 = self.shares.iter().filter_map(|(_, share)| share.part(of)).sum();
        let own = priority.and_then(|name| self.shares.iter().find(|(known, _)| known == name));
        match own.and_then(|(name, share)| Some((name, share.part(of)?))) {
            Some((name, part)) => (if sum > 1.0 { part / sum } else { part }, name.clone()),
            None => (self.default_part, "default_pool".to_owned()),
        }
    }
}

/// The limits that a call of the group `model` has beside those of its caller. `own`: those of its caller.
pub(crate) fn gates<'g>(
    inner: &Inner,
    who: &Identity,
    model: &str,
    own: impl Iterator<Item = &'g Gate> + Clone,
) -> Vec<Gate> {
    let mut out = Vec::new();
    let directory = inner.directory.load();
    let Some(capacity) = directory.capacity.get(model) else { return out };
    let limited = capacity.key_rpm.is_some() || capacity.key_tpm.is_some();
    let key = who.key_hash().filter(|_| limited && matches!(who.rank, Rank::Key | Rank::Token));
    if let Some(key) = key {
        let says = |counted| own.clone().any(|gate| gate.descriptor == "model_per_key" && gate.counted == counted);
        let rpm = capacity.key_rpm.filter(|_| !says(Counted::Requests));
        let tpm = capacity.key_tpm.filter(|_| !says(Counted::Tokens));
        let limits = Limits { rpm, tpm, ..Limits::default() };
        let shown = format!("{}:{model}", who.shown).into();
        limits.gates(&inner.kv, "model_per_key", &format!("{key}:{model}"), &shown, &mut out);
    }
    if let Some(priorities) = &inner.settings().priorities {
        shared(inner, priorities, who.priority.as_deref(), (model, capacity), &mut out);
    }
    out
}

/// The group's own capacity, and the share of a priority.
fn shared(
    inner: &Inner,
    priorities: &Priorities,
    priority: Option<&str>,
    (model, capacity): (&str, &Capacity),
    out: &mut Vec<Gate>,
) {
    let whole = Limits { rpm: capacity.rpm, tpm: capacity.tpm, ..Limits::default() };
    let at = out.len();
    whole.gates(&inner.kv, "model_saturation_check", model, &model.into(), out);
    for gate in out.iter_mut().skip(at) {
        gate.rule = Rule::Capacity((gate.limit as f64 * priorities.saturation).ceil() as i64);
    }
    if priorities.shares.is_empty() {
        return;
    }
    let (part, pool) = priorities.part(priority, capacity);
    // A little more, so that four tenths of ten are four.
    let of = |limit: Option<i64>| limit.map(|limit| (limit as f64 * part + 1e-6) as i64);
    let share = Limits { rpm: of(capacity.rpm), tpm: of(capacity.tpm), ..Limits::default() };
    let (at, name) = (out.len(), format!("{model}:{pool}"));
    share.gates(&inner.kv, "priority_model", &name, &name.as_str().into(), out);
    out.iter_mut().skip(at).for_each(|gate| gate.rule = Rule::Share);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_the_capacity_and_never_more_than_the_whole() {
        let capacity = Capacity { rpm: Some(100), ..Capacity::default() };
        let share = |text: &str| serde_json::from_str::<Share>(text).unwrap();
        let of = |shares: &[(&str, &str)], priority: Option<&str>| {
            let shares = shares.iter().map(|(name, text)| ((*name).to_owned(), share(text))).collect();
            Priorities { shares, ..Priorities::default() }.part(priority, &capacity)
        };
        let named = |part: f64, pool: &str| (part, pool.to_owned());
        assert_eq!(of(&[("prod", "0.9"), ("dev", "0.1")], Some("prod")), named(0.9, "prod"));
        assert_eq!(of(&[("prod", "0.9")], None), named(0.25, "default_pool"));
        assert_eq!(of(&[("prod", "0.9")], Some("unknown")), named(0.25, "default_pool"));
        assert_eq!(of(&[("a", "0.75"), ("b", "0.75")], Some("a")), named(0.5, "a"));
        assert_eq!(of(&[("a", r#"{"type":"rpm","value":30}"#)], Some("a")), named(0.3, "a"));
        assert_eq!(of(&[("a", r#"{"type":"percent","value":0.2}"#)], Some("a")), named(0.2, "a"));
        // Nobody knows the tokens of this group: the priority is one of the pool.
        assert_eq!(of(&[("a", r#"{"type":"tpm","value":30}"#)], Some("a")), named(0.25, "default_pool"));
    }
}
