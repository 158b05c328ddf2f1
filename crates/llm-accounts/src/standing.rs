//! Budgets as they stand, of those who called lately: for metrics, read when somebody asks.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use llm_store::{Filter, TeamRow, UserRow};

use crate::bounds::Budget;
use crate::purse::{Owner, usd};
use crate::request::Outcome;
use crate::{Accounts, Identity};

/// Budgets that are told at the most.
const MOST: usize = 20_000;

/// Whose a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A key, by its hash.
    Key,
    /// A team.
    Team,
    /// An internal user.
    User,
    /// An organization.
    Organization,
    /// An end user.
    EndUser,
}

impl Holder {
    const fn of(owner: Owner) -> Option<Self> {
        Some(match owner {
            Owner::Key => Self::Key,
            Owner::Team => Self::Team,
            Owner::User => Self::User,
            Owner::Organization => Self::Organization,
            Owner::EndUser => Self::EndUser,
            _ => return None,
        })
    }
}

/// A budget as it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whose it is.
    pub holder: Holder,
    /// The holder's id.
    pub id: Arc<str>,
    /// The holder's alias.
    pub alias: Option<Arc<str>>,
    /// US dollars; nothing: no limit.
    pub max: Option<f64>,
    /// US dollars that are spent.
    pub spent: f64,
    /// Hours until it starts again, where it does.
    pub hours: Option<f64>,
}

/// Each holder once.
#[derive(Default)]
struct Standings(HashMap<(Holder, Arc<str>), Standing>);

impl Standings {
    /// A user's budget holds for some of his keys only: the one that holds is told.
    fn extend(&mut self, more: impl IntoIterator<Item = Standing>) {
        for standing in more {
            let slot = (standing.holder, Arc::clone(&standing.id));
            let open = match self.0.get(&slot) {
                Some(known) => known.max.is_none(),
                None => self.0.len() < MOST,
            };
            if open {
                self.0.insert(slot, standing);
            }
        }
    }
}

impl Accounts {
    /// The budgets of keys that called lately, of their users, teams and organizations, and of end users that were named
    /// lately. Spend is told where there is no budget, too.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let inner = self.inner();
        let mut out = Standings::default();
        for known in &inner.keys {
            for budget in &known.bounds.budgets {
                let alias = alias(&known, budget.owner);
                out.extend(standing(budget, alias));
            }
        }
        for party in inner.parties.standing() {
            let budgets = party.bounds.budgets.iter().filter(|budget| budget.owner == Owner::EndUser);
            out.extend(budgets.filter_map(|budget| standing(budget, None)));
        }
        out.0.into_values().collect()
    }

    /// How many users and teams there are.
    ///
    /// # Errors
    /// When there is no store, or it fails.
    pub async fn head_counts(&self) -> Outcome<(u64, u64)> {
        let store = self.store_or_refuse()?;
        let users = store.table::<UserRow>().count(&Filter::new()).await?;
        let teams = store.table::<TeamRow>().count(&Filter::new()).await?;
        Ok((users, teams))
    }
}

fn alias(who: &Identity, owner: Owner) -> Option<Arc<str>> {
    match owner {
        Owner::Key => who.caller.key_alias.clone(),
        Owner::Team => who.caller.team_alias.clone(),
        _ => None,
    }
}

/// Windows beside a budget and models' shares are no budgets of their own.
fn standing(budget: &Budget, alias: Option<Arc<str>>) -> Option<Standing> {
    let holder = Holder::of(budget.owner).filter(|_| budget.rolls.is_none())?;
    let seconds = budget.period.saturating_sub(Utc::now().timestamp());
    Some(Standing {
        holder,
        id: Arc::from(&*budget.id),
        alias,
        max: budget.max.map(usd),
        spent: usd(budget.purse.spent()),
        hours: (budget.period > 0).then_some(seconds as f64 / 3600.0),
    })
}
