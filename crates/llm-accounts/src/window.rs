//! Budgets that start again by themselves: the windows of `budget_limits` and the models of `model_max_budget`. Their spend
//! is in rows of their own, so that it outlives the process.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{BudgetWindowSpendRow, Filter, Store, StoreError, WindowSpend};

use crate::accounts::Inner;
use crate::bounds::Bounds;
use crate::period::Period;
use crate::purse::{Owner, nanos, usd};

/// Stands behind the kind of an entity where the row is that of a model.
const OF_MODEL: &str = "_model";

/// The kind of what is no window, but the spend of a group of models.
const ACCESS_GROUP: &str = "model_access_group";

/// Whose window, and how long. The names of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WindowKey {
    /// `key`, `team` ...; `key_model` for what a key spends on one model.
    pub(crate) kind: String,
    /// The entity's id; `id:model` for a model.
    pub(crate) id: String,
    /// `1d`, `30d` ...; empty: it never starts again.
    pub(crate) duration: String,
}

impl WindowKey {
    /// A window of an entity's whole spend.
    pub(crate) fn of(kind: &str, id: &str, duration: Option<&str>) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned(), duration: duration.unwrap_or_default().to_owned() }
    }

    /// What an entity spends on one model.
    pub(crate) fn of_model(kind: &str, id: &str, model: &str, duration: Option<&str>) -> Self {
        Self::of(&format!("{kind}{OF_MODEL}"), &format!("{id}:{model}"), duration)
    }

    /// What is spent on a group of models. It is no window, but its row gains in the same way.
    pub(crate) fn of_access_group(group: &str) -> Self {
        Self::of(ACCESS_GROUP, group, None)
    }

    /// The group of models that it stands for.
    pub(crate) fn access_group(&self) -> Option<&str> {
        (self.kind == ACCESS_GROUP).then_some(&*self.id)
    }

    /// Its purse.
    pub(crate) fn purse(&self) -> (Owner, String) {
        let (owner, kind) = match self.kind.strip_suffix(OF_MODEL) {
            Some(kind) => (Owner::Model, kind),
            None => (Owner::Window, &*self.kind),
        };
        (owner, format!("{kind}:{}:{}", self.id, self.duration))
    }

    fn length(&self) -> Option<TimeDelta> {
        TimeDelta::try_seconds(Period::parse(&self.duration)?.seconds())
    }

    /// The start of the window that ends at `end`, milliseconds since 1970: its length before. What gateways agree on is the
    /// end.
    fn start(&self, end: i64) -> DateTime<Utc> {
        let end = DateTime::from_timestamp_millis(end);
        self.length().and_then(|length| end?.checked_sub_signed(length)).unwrap_or_default()
    }

    /// The end of the window that began at `start`.
    fn end(&self, start: DateTime<Utc>) -> i64 {
        let end = self.length().and_then(|length| start.checked_add_signed(length));
        end.map_or(i64::MAX, |end| end.timestamp_millis())
    }

    /// What its row gains.
    pub(crate) fn spend(&self, end: i64, nanos: i64) -> WindowSpend {
        WindowSpend {
            entity_type: self.kind.clone(),
            entity_id: self.id.clone(),
            window_duration: self.duration.clone(),
            window_start: self.start(end),
            spend: usd(nanos),
        }
    }
}

/// A window that a call is charged to, and when it ends.
pub(crate) type Charged = (Arc<WindowKey>, i64);

impl Inner {
    /// Reads what the windows among these bounds have spent.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn learn_windows(&self, store: &Store, bounds: &Bounds) -> Result<(), StoreError> {
        let all = bounds.budgets.iter().chain(bounds.models.iter().flat_map(|model| &model.budgets));
        let rolling: Vec<_> = all.filter_map(|budget| Some((budget.window()?, &budget.purse))).collect();
        if rolling.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&WindowKey) -> &String| {
            let mut values: Vec<String> = rolling.iter().map(|(key, _)| of(key).clone()).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        let wanted = Filter::new()
            .any_of("entity_type", column(|key| &key.kind))
            .any_of("entity_id", column(|key| &key.id))
            .any_of("window_duration", column(|key| &key.duration));
        let epoch = self.journal.epoch();
        let rows = store.table::<BudgetWindowSpendRow>().find(wanted).await?;
        let clean = self.journal.quiet_since(epoch);
        for (key, purse) in rolling {
            let its = |row: &&BudgetWindowSpendRow| {
                row.entity_type == key.kind && row.entity_id == key.id && row.window_duration == key.duration
            };
            if let Some(row) = rows.iter().find(its) {
                purse.learn_in(key.end(row.window_start), nanos(row.spend), clean);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_and_end_are_each_others_inverse() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap().timestamp_millis();
        for (duration, end, start) in [
            ("1d", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"),
            ("1mo", "2026-04-01T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("30s", "2026-04-01T00:00:30Z", "2026-04-01T00:00:00Z"),
        ] {
            let key = WindowKey::of("key", "k", Some(duration));
            assert_eq!(key.start(at(end)).timestamp_millis(), at(start), "{duration}");
            assert_eq!(key.end(key.start(at(end))), at(end), "{duration}");
        }
        let never = WindowKey::of("key", "k", None);
        assert_eq!(never.end(never.start(i64::MAX)), i64::MAX);
    }

    #[test]
    fn purses_are_found_by_the_names_of_rows() {
        assert_eq!(WindowKey::of("team", "t", Some("7d")).purse(), (Owner::Window, "team:t:7d".to_owned()));
        let model = WindowKey::of_model("end_user", "u:1", "a/b", None);
        assert_eq!((&*model.kind, &*model.id), ("end_user_model", "u:1:a/b"));
        assert_eq!(model.purse(), (Owner::Model, "end_user:u:1:a/b:".to_owned()));
    }
}
