//! From a body to the columns of a team.

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{BudgetRow, StoreTx, TeamPatch};
use llm_types::Json;

use super::body::{IN_METADATA, TeamBody};
use crate::Accounts;
use crate::budgets::{BudgetBody, limits_not_negative, not_negative};
use crate::keys::{Actor, renewal, reset};
use crate::request::{Outcome, list, metadata, raw};

/// Where a team's metadata names the budget that its members have by default.
pub(super) const MEMBER_BUDGET: &str = "team_member_budget_id";

impl Accounts {
    pub(super) fn team_patch(&self, body: &Json, asked: &TeamBody, there: Json) -> Outcome<TeamPatch> {
        let after = metadata(body, IN_METADATA, &asked.metadata, there);
        if let Some(after) = &after {
            crate::expiry::check(after)?;
            self.check_place(after)?;
        }
        not_negative("max_budget", asked.max_budget)?;
        not_negative("soft_budget", asked.soft_budget)?;
        let limits = [("tpm_limit", asked.tpm_limit), ("rpm_limit", asked.rpm_limit), ("tpd_limit", asked.tpd_limit)];
        limits_not_negative(asked.max_parallel_requests, &limits)?;
        let mut patch = TeamPatch {
            team_alias: asked.team_alias.clone(),
            organization_id: asked.organization_id.clone(),
            admins: list(&asked.admins),
            members: list(&asked.members),
            members_with_roles: asked.members_with_roles.clone().flatten().map(|m| m.to_raw()),
            metadata: self.sealed_metadata(after)?.map(|m| m.to_raw()),
            max_budget: asked.max_budget,
            soft_budget: asked.soft_budget,
            models: list(&asked.models),
            max_parallel_requests: asked.max_parallel_requests,
            tpm_limit: asked.tpm_limit,
            rpm_limit: asked.rpm_limit,
            tpd_limit: asked.tpd_limit,
            blocked: asked.blocked.flatten(),
            team_member_permissions: list(&asked.team_member_permissions),
            default_team_member_models: list(&asked.default_team_member_models),
            access_group_ids: list(&asked.access_group_ids),
            policies: list(&asked.policies),
            router_settings: raw(&asked.router_settings).map(Some),
            model_max_budget: raw(&asked.model_max_budget),
            budget_limits: asked.budget_limits.clone().map(|l| l.map(|l| l.to_raw())),
            ..TeamPatch::default()
        };
        let next = |text: &str| Ok(reset(&self.reset_clock()?, text, Utc::now())?);
        if let Some((duration, reset_at)) = renewal(&asked.budget_duration, next)? {
            patch.budget_duration = Some(duration);
            patch.budget_reset_at = Some(reset_at);
        }
        Ok(patch)
    }

    /// Makes or changes the budget that members have by default, when the body asks for one, and names it in the metadata
    /// of the patch.
    ///
    /// # Errors
    /// 400 for wrong values.
    pub(super) async fn default_member_budget(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: &TeamBody,
        there: &Json,
        patch: &mut TeamPatch,
    ) -> Outcome<()> {
        let budget = BudgetBody {
            max_budget: asked.team_member_budget,
            budget_duration: asked.team_member_budget_duration.clone(),
            tpm_limit: asked.team_member_tpm_limit,
            rpm_limit: asked.team_member_rpm_limit,
            ..BudgetBody::default()
        };
        let old = there.text(MEMBER_BUDGET);
        let Some(id) = self.link_budget(tx, actor, &budget, old).await? else { return Ok(()) };
        let mut metadata = patch.metadata.as_ref().and_then(|m| m.read().ok()).unwrap_or_else(|| there.clone());
        if metadata.as_object().is_none() {
            metadata = Json::Object(Vec::new());
        }
        metadata.set(MEMBER_BUDGET, id);
        patch.metadata = Some(metadata.to_raw());
        Ok(())
    }

    /// A member's own budget after a change: never a row that others stand on, which is copied first.
    ///
    /// # Errors
    /// 400 for wrong values.
    pub(super) async fn own_member_budget(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        asked: &BudgetBody,
        there: Option<&str>,
        shared: bool,
    ) -> Outcome<Option<String>> {
        let Some(old) = there.filter(|_| shared) else { return self.link_budget(tx, actor, asked, there).await };
        let Some(mut row) = tx.table::<BudgetRow>().get([old]).await? else {
            return self.link_budget(tx, actor, asked, None).await;
        };
        row.budget_id = new_id();
        row.created_by = actor.name().unwrap_or_default();
        tx.table().insert(&row).await?;
        self.link_budget(tx, actor, asked, Some(&row.budget_id)).await
    }
}
