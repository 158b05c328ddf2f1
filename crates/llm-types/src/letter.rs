//! Letters to people about their accounts: what they are about. The names are LiteLLM's `EmailEvent`.

use crate::Secret;

/// What people get letters about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A key was made for them.
    KeyCreated,
    /// They were made users of the gateway.
    Invitation,
    /// Their key has a new secret.
    KeyRotated,
    /// A soft budget is spent.
    SoftBudget,
    /// A budget is spent, or a share of it that somebody wanted to hear of.
    MaxBudget,
}

/// Every occasion: its name, and whether letters are written where nobody said anything, as in LiteLLM.
const OCCASIONS: [(Occasion, &str, bool); 5] = [
    (Occasion::KeyCreated, "Virtual Key Created", false),
    (Occasion::Invitation, "New User Invitation", true),
    (Occasion::KeyRotated, "Virtual Key Rotated", true),
    (Occasion::SoftBudget, "Soft Budget Crossed", true),
    (Occasion::MaxBudget, "Max Budget Alert", true),
];

impl Occasion {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        OCCASIONS.iter().map(|(occasion, ..)| *occasion)
    }

    /// The one with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        OCCASIONS.iter().find(|(_, known, _)| *known == name).map(|(occasion, ..)| *occasion)
    }

    /// LiteLLM's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// True when letters are written where nobody said anything.
    #[must_use]
    pub fn by_default(self) -> bool {
        self.row().1
    }

    fn row(self) -> (&'static str, bool) {
        let row = OCCASIONS.iter().find(|(occasion, ..)| *occasion == self);
        row.map_or(("", false), |(_, name, default)| (name, *default))
    }
}

/// A letter to one person about their account. Budgets have letters of their own, see [`crate::alert::BudgetAlert::people`].
#[derive(Debug, Clone)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// What it is about.
    pub about: Occasion,
    /// Names and values that go with it, for people. Values may come from anybody.
    pub facts: Vec<(&'static str, String)>,
    /// The key that was made.
    pub key: Option<Secret>,
    /// Where to go from here: a path of the gateway.
    pub path: Option<String>,
}
