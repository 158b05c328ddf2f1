//! Budgets of the access groups that deployments name.

use llm_store::{ModelAccessGroupBudgetPatch, ModelAccessGroupBudgetRow};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::keys::{Actor, not_found};
use crate::request::Outcome;

impl Accounts {
    /// `GET /access_group/{access_group}/budget`.
    ///
    /// # Errors
    /// 404 for a group that no deployment names.
    pub async fn model_group_budget(&self, group: &str) -> Outcome<Json> {
        self.known_model_group(group).await?;
        let row = self.store_or_refuse()?.table::<ModelAccessGroupBudgetRow>().get([group]).await?;
        self.budget_of(group, row).await
    }

    /// `PUT /access_group/{access_group}/budget`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// As [`Accounts::model_group_budget`]; 400 for wrong values.
    pub async fn set_model_group_budget(&self, actor: Actor<'_>, group: &str, body: &Json) -> Outcome<Json> {
        let asked = BudgetBody::read(body)?;
        self.known_model_group(group).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<ModelAccessGroupBudgetRow>().get([group]).await?;
        if before.is_none() {
            let row = ModelAccessGroupBudgetRow {
                access_group_name: group.to_owned(),
                created_by: actor.name(),
                ..ModelAccessGroupBudgetRow::default()
            };
            tx.table().insert(&row).await?;
        }
        let there = before.as_ref().and_then(|row| row.budget_id.as_deref());
        let budget = self.link_budget(&mut tx, actor, &asked, there).await?;
        let patch = ModelAccessGroupBudgetPatch {
            budget_id: Some(budget),
            updated_by: Some(actor.name()),
            ..ModelAccessGroupBudgetPatch::default()
        };
        let action = if before.is_some() { Action::Updated } else { Action::Created };
        let row = self.write(&mut tx, actor, action, group, before.as_ref(), &patch).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        self.budget_of(group, Some(row)).await
    }

    /// `DELETE /access_group/{access_group}/budget`.
    ///
    /// # Errors
    /// 404 for a group without a budget.
    pub async fn delete_model_group_budget(&self, actor: Actor<'_>, group: &str) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<ModelAccessGroupBudgetRow>().get([group]).await?;
        let row =
            row.ok_or_else(|| not_found(format!("Access group '{group}' has no budget")).with_param("access_group"))?;
        self.erase(&mut tx, actor, group, &row).await?;
        tx.commit().await?;
        self.forget_keys(|_| true);
        Ok(Json::object([
            ("access_group", Json::from(group)),
            ("budget_deleted", Json::from(true)),
            ("message", Json::from(format!("Budget of access group '{group}' deleted"))),
        ]))
    }

    pub(super) async fn budget_of(&self, group: &str, row: Option<ModelAccessGroupBudgetRow>) -> Outcome<Json> {
        let spend = row.as_ref().map_or(0.0, |row| row.spend);
        let budget = match row {
            Some(row) => self.with_budget(row).await?.remove("litellm_budget_table"),
            None => None,
        };
        Ok(Json::object([
            ("access_group", Json::from(group)),
            ("spend", Json::from(spend)),
            ("budget", budget.unwrap_or_default()),
        ]))
    }
}
