//! What operators are told of at once: budgets that run out, calls that fail, changes. The words are LiteLLM's.

use std::fmt;

use crate::letter::Letter;
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
    /// Addresses of those who get a letter, where letters are written: the owners, and the people whose budget it is.
    pub people: Vec<String>,
}

/// LiteLLM's types of alerts, as far as they are told; `alert_types` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub enum AlertType {
    BudgetAlerts,
    LlmExceptions,
    LlmTooSlow,
    OutageAlerts,
    DailyReports,
    FailedTrackingSpend,
    NewModelAdded,
    NewVirtualKeyCreated,
    VirtualKeyUpdated,
    VirtualKeyDeleted,
    NewTeamCreated,
    TeamUpdated,
    TeamDeleted,
    NewInternalUserCreated,
    InternalUserUpdated,
    InternalUserDeleted,
    LlmRequestsHanging,
    SpendReports,
    UserSpendThresholds,
    UserSpendAnomalies,
    DbExceptions,
    CooldownDeployment,
    ModelDeprecationWarnings,
    RegionOutageAlerts,
    FallbackReports,
}

/// Every type: its name, whether it is told without being named in `alert_types`, and how urgent it is.
const TYPES: [(AlertType, &str, bool, &str); 25] = [
    (AlertType::BudgetAlerts, "budget_alerts", true, "High"),
    (AlertType::LlmExceptions, "llm_exceptions", true, "High"),
    (AlertType::LlmTooSlow, "llm_too_slow", true, "Low"),
    (AlertType::OutageAlerts, "outage_alerts", true, "Medium"),
    (AlertType::DailyReports, "daily_reports", true, "Low"),
    (AlertType::FailedTrackingSpend, "failed_tracking_spend", true, "High"),
    (AlertType::NewModelAdded, "new_model_added", true, "Low"),
    (AlertType::NewVirtualKeyCreated, "new_virtual_key_created", false, "High"),
    (AlertType::VirtualKeyUpdated, "virtual_key_updated", false, "High"),
    (AlertType::VirtualKeyDeleted, "virtual_key_deleted", false, "High"),
    (AlertType::NewTeamCreated, "new_team_created", false, "High"),
    (AlertType::TeamUpdated, "team_updated", false, "High"),
    (AlertType::TeamDeleted, "team_deleted", false, "High"),
    (AlertType::NewInternalUserCreated, "new_internal_user_created", false, "High"),
    (AlertType::InternalUserUpdated, "internal_user_updated", false, "High"),
    (AlertType::InternalUserDeleted, "internal_user_deleted", false, "High"),
    (AlertType::LlmRequestsHanging, "llm_requests_hanging", true, "Medium"),
    (AlertType::SpendReports, "spend_reports", true, "Low"),
    (AlertType::UserSpendThresholds, "user_spend_thresholds", true, "High"),
    (AlertType::UserSpendAnomalies, "user_spend_anomalies", false, "High"),
    (AlertType::DbExceptions, "db_exceptions", true, "High"),
    (AlertType::CooldownDeployment, "cooldown_deployment", true, "Low"),
    (AlertType::ModelDeprecationWarnings, "model_deprecation_warnings", true, "Medium"),
    (AlertType::RegionOutageAlerts, "region_outage_alerts", true, "Medium"),
    (AlertType::FallbackReports, "fallback_reports", true, "Low"),
];

impl AlertType {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TYPES.iter().map(|(kind, ..)| *kind)
    }

    /// The one with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        TYPES.iter().find(|(_, known, ..)| *known == name).map(|(kind, ..)| *kind)
    }

    /// LiteLLM's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// True when it is told where `alert_types` is not set.
    #[must_use]
    pub fn by_default(self) -> bool {
        self.row().1
    }

    /// `Low`, `Medium` or `High`.
    #[must_use]
    pub fn level(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, bool, &'static str) {
        let row = TYPES.iter().find(|(kind, ..)| *kind == self);
        row.map_or(("", false, ""), |(_, name, default, level)| (name, *default, level))
    }
}

/// A name of LiteLLM's for people: `team_member` is `Team Member`.
#[must_use]
pub fn in_words(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or(("", word));
        first.to_uppercase() + rest
    };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

/// Something beside budgets that operators are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Of which type.
    pub kind: AlertType,
    /// What happened, for people.
    pub title: String,
    /// Names and values that go with it. Values may come from anybody.
    pub facts: Vec<(&'static str, String)>,
}

/// Who tells operators.
pub trait AlertSink: Send + Sync + fmt::Debug {
    /// Takes an alert. Never waits: what cannot be told is dropped and counted.
    fn tell(&self, alert: BudgetAlert);

    /// The same for something beside budgets.
    fn note(&self, notice: Notice);

    /// True when anybody wants to hear of this type: who would have to look for something to tell asks first.
    fn wants(&self, kind: AlertType) -> bool;

    /// True when people get letters.
    fn writes(&self) -> bool {
        false
    }

    /// True when the keys that letters are about stand in them.
    fn writes_keys(&self) -> bool {
        false
    }

    /// Takes a letter, where letters are written. Never waits.
    fn write(&self, letter: Letter) {
        drop(letter);
    }
}
