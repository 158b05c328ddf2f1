//! `budget_fallbacks` of a key: where a call goes whose model's own budget is gone.

use chrono::Utc;

use crate::Identity;

impl Identity {
    /// The first of the key's `budget_fallbacks` for a model whose own budget (`model_max_budget` of the key) is gone, that
    /// still has one left, or has none to keep to. Nothing while the model's own budget lasts.
    #[must_use]
    pub fn budget_fallback(&self, model: &str) -> Option<&str> {
        let (_, targets) = self.budget_fallbacks.iter().find(|(from, _)| **from == *model)?;
        if self.has_left(model) {
            return None;
        }
        targets.iter().map(|target| &**target).find(|target| self.has_left(target))
    }

    fn has_left(&self, model: &str) -> bool {
        let now = Utc::now().timestamp_millis();
        let own = self.bounds.models.iter().filter(|bounds| bounds.holds_for(model));
        own.flat_map(|bounds| &bounds.budgets).all(|budget| {
            budget.roll(now);
            budget.cap.is_none_or(|cap| budget.purse.spent() < cap.max)
        })
    }
}
