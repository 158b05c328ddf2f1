//! Budgets that other rows refer to.

use std::collections::HashMap;

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{
    BudgetRow, EndUserRow, Filter, ModelAccessGroupBudgetRow, OrganizationMembershipRow, OrganizationRow, ProjectRow,
    StoreTx, TagRow, TeamMembershipRow, VerificationToken,
};
use llm_types::Json;
use serde::Serialize;

use super::body::BudgetBody;
use super::fill;
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, not_found, view};
use crate::request::Outcome;

/// A row that has its budget in another.
pub(crate) trait Linked: Serialize {
    /// The budget's id.
    fn budget_id(&self) -> Option<&str>;
}

macro_rules! linked {
    ($($row:ty),+) => { $(impl Linked for $row {
        fn budget_id(&self) -> Option<&str> {
            self.budget_id.as_deref()
        }
    })+ };
}
linked!(EndUserRow, ModelAccessGroupBudgetRow, OrganizationMembershipRow, ProjectRow, TagRow, TeamMembershipRow);

impl Linked for OrganizationRow {
    fn budget_id(&self) -> Option<&str> {
        Some(&self.budget_id)
    }
}

impl Accounts {
    /// The budget that a row has after a change: the one that is named, or the one it has with what the body changes, or a
    /// new one. `there` is the one it has.
    ///
    /// # Errors
    /// 404 for a budget that does not exist; 400 when one is named and changed at the same time, and for wrong values.
    pub(crate) async fn link_budget(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: &BudgetBody,
        there: Option<&str>,
    ) -> Outcome<Option<String>> {
        let mut patch = fill::patch(asked, &self.reset_clock()?, Utc::now())?;
        let by = actor.name().unwrap_or_default();
        match asked.budget_id.clone() {
            Some(Some(id)) if Some(id.as_str()) != there => {
                if !fill::is_silent(&patch) {
                    let why = "Name a budget with `budget_id` or say what it is, not both: others may use it.";
                    return Err(bad(why).with_param("budget_id").into());
                }
                return match tx.table::<BudgetRow>().get([id.as_str()]).await? {
                    Some(_) => Ok(Some(id)),
                    None => Err(no_budget(&id)),
                };
            }
            Some(None) => return Ok(None),
            _ if fill::is_silent(&patch) => return Ok(there.map(str::to_owned)),
            _ => {}
        }
        patch.updated_by = Some(by.clone());
        if let Some(id) = there
            && let Some(before) = tx.table::<BudgetRow>().get([id]).await?
        {
            self.write(tx, actor, Action::Updated, id, Some(&before), &patch).await?;
            return Ok(Some(id.to_owned()));
        }
        let row = BudgetRow { budget_id: new_id(), created_by: by, ..BudgetRow::default() };
        tx.table().insert(&row).await?;
        self.write(tx, actor, Action::Created, &row.budget_id, None, &patch).await?;
        Ok(Some(row.budget_id))
    }

    /// How many rows have this budget.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn links_of(&self, budget: &str) -> Outcome<u64> {
        let (store, linked) = (self.store_or_refuse()?, Filter::new().is("budget_id", budget.to_owned()));
        let mut links = 0;
        macro_rules! count {
            ($($row:ty),+) => { $(links += store.table::<$row>().count(&linked).await?;)+ };
        }
        count!(
            VerificationToken,
            OrganizationRow,
            EndUserRow,
            ModelAccessGroupBudgetRow,
            OrganizationMembershipRow,
            ProjectRow,
            TagRow,
            TeamMembershipRow
        );
        Ok(links)
    }

    /// Rows as they are shown, each with its budget in `litellm_budget_table`.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn with_budgets<T: Linked>(&self, rows: &[T]) -> Outcome<Vec<Json>> {
        let ids: Vec<String> = rows.iter().filter_map(|row| row.budget_id().map(str::to_owned)).collect();
        let budgets = self.store_or_refuse()?.table::<BudgetRow>().get_many(&ids).await?;
        let budgets: HashMap<&str, Json> = budgets.iter().map(|b| (b.budget_id.as_str(), view::row(b))).collect();
        let show = |row: &T| {
            let mut shown = view::row(row);
            let budget = row.budget_id().and_then(|id| budgets.get(id).cloned());
            shown.set("litellm_budget_table", budget.unwrap_or_default());
            shown
        };
        Ok(rows.iter().map(show).collect())
    }

    /// One row with its budget.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn with_budget<T: Linked>(&self, row: T) -> Outcome<Json> {
        Ok(self.with_budgets(&[row]).await?.pop().unwrap_or_default())
    }
}

pub(crate) fn no_budget(id: &str) -> crate::Problem {
    not_found(format!("Budget not found, passed budget_id={id}")).with_param("budget_id").into()
}
