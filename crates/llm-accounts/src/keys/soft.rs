//! The soft budget of a key. It has no column of its own: it is in the row of the key's budget.

use llm_store::{BudgetRow, StoreTx, TeamRow, VerificationToken};

use super::body::KeyBody;
use super::{Actor, forbidden};
use crate::Accounts;
use crate::budgets::BudgetBody;
use crate::request::{Given, Outcome};
use crate::rights::Standing;

impl Accounts {
    /// The `budget_id` that a key has after a change: as the body names it, or the one it has (`there`) with another soft
    /// budget, or a new one that has nothing else. Nothing when it stays the same.
    ///
    /// # Errors
    /// 400 for a budget that is named and changed at the same time.
    pub(super) async fn link_soft_budget(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        (named, soft): (&Given<String>, Given<f64>),
        there: Option<&str>,
    ) -> Outcome<Given<String>> {
        let named = named.as_ref();
        let there = there.filter(|_| !matches!(named, Some(None)));
        let other = named.is_some_and(|named| named.as_deref() != there);
        let Some(soft) = soft else { return Ok(named.cloned()) };
        // There is none to take away.
        if soft.is_none() && (there.is_none() || other) {
            return Ok(named.cloned());
        }
        let budget_id = named.filter(|named| named.is_some()).cloned();
        let budget = BudgetBody { budget_id, soft_budget: Some(soft), ..BudgetBody::default() };
        Box::pin(self.link_budget(tx, actor, &budget, there)).await.map(Some)
    }

    /// Checks that somebody who is no administrator does not silence an alert that others want: a soft budget may be lowered,
    /// also by the key's owner; raised only by who set it, or who manages the key's team. A budget that others stand on is
    /// not changed.
    ///
    /// # Errors
    /// 403.
    pub(super) async fn may_soften(&self, actor: Actor<'_>, asked: &KeyBody, row: &VerificationToken) -> Outcome<()> {
        let (who, store) = (actor.who, self.store_or_refuse()?);
        let (Some(soft), Some(id), false) = (asked.soft_budget, &row.budget_id, who.is_admin()) else { return Ok(()) };
        let Some(budget) = store.table::<BudgetRow>().get([id.as_str()]).await? else { return Ok(()) };
        let refuse = |why: &str| Err(forbidden(why).with_param("soft_budget").into());
        if self.links_of(id).await? > 1 {
            return refuse("Others share the budget of this key: only proxy admins can change it.");
        }
        let raised = budget.soft_budget.is_some_and(|most| soft.is_none_or(|soft| soft > most));
        if !raised || who.user_id() == Some(budget.created_by.as_str()) {
            return Ok(());
        }
        let team = match &row.team_id {
            Some(team) => store.table::<TeamRow>().get([team.as_str()]).await?,
            None => None,
        };
        match team {
            Some(team) if self.standing_in_team(who, &team).await? >= Standing::Manager => Ok(()),
            _ => refuse("Only who set the soft budget of this key can raise it."),
        }
    }
}
