//! What operators are told of at once: budgets that run out. The words are LiteLLM's (`WebhookEvent`).

use std::fmt;

use crate::record::Caller;

/// What became of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetEvent {
    /// All of it is spent.
    Crossed,
    /// At most this many percent of it are left.
    Threshold(u8),
    /// The soft budget is spent: nothing is refused.
    SoftCrossed,
    /// This many percent of a key's budget are spent, which its owners want to know (`max_budget_alert_emails`).
    MaxBudget(u8),
}

impl BudgetEvent {
    /// LiteLLM's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crossed => "budget_crossed",
            Self::Threshold(_) => "threshold_crossed",
            Self::SoftCrossed => "soft_budget_crossed",
            Self::MaxBudget(_) => "max_budget_alert",
        }
    }
}

/// A budget that somebody has to hear of.
#[derive(Debug, Clone)]
pub struct BudgetAlert {
    /// What became of it.
    pub event: BudgetEvent,
    /// Whose it is: `key`, `user`, `team`, `organization`, `project`, `end_user`, `tag`, `proxy` ...
    pub group: &'static str,
    /// Which one: an id; the hash of a key.
    pub id: String,
    /// Whose call it was.
    pub caller: Caller,
    /// US dollars spent in the budget's period.
    pub spend: f64,
    /// The budget, US dollars.
    pub max_budget: Option<f64>,
    /// The soft budget, US dollars.
    pub soft_budget: Option<f64>,
    /// Addresses of the owners who want to know.
    pub emails: Vec<String>,
}

/// Who tells operators.
pub trait AlertSink: Send + Sync + fmt::Debug {
    /// Takes an alert. Never waits: what cannot be told is dropped and counted.
    fn tell(&self, alert: BudgetAlert);
}
