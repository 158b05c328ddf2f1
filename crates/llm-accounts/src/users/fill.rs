//! From a body to the columns of a user.

use chrono::Utc;
use llm_store::UserPatch;
use llm_types::Json;

use super::body::{IN_METADATA, UserBody};
use crate::budgets::{limits_not_negative, not_negative};
use crate::keys::{bad, renewal, reset};
use crate::request::{Outcome, list, metadata, raw};
use crate::{Accounts, Role};

/// The roles a user can have. The others belong to teams, end users and memberships.
const ROLES: [Role; 4] = [Role::ProxyAdmin, Role::ProxyAdminViewer, Role::InternalUser, Role::InternalUserViewer];

impl Accounts {
    /// The columns that a body sets; `there` is the metadata that the user has.
    ///
    /// # Errors
    /// 400 for an unknown role, negative amounts and durations that are none.
    pub(super) fn user_patch(&self, body: &Json, asked: &UserBody, there: Json) -> Outcome<UserPatch> {
        if let Some(Some(name)) = &asked.user_role
            && !Role::parse(name).is_some_and(|role| ROLES.contains(&role))
        {
            return Err(bad("Unknown user_role").with_param("user_role").into());
        }
        not_negative("max_budget", asked.max_budget)?;
        not_negative("spend", asked.spend)?;
        let limits = [("tpm_limit", asked.tpm_limit), ("rpm_limit", asked.rpm_limit)];
        limits_not_negative(asked.max_parallel_requests, &limits)?;
        if let Some(Some(models)) = &asked.model_max_budget {
            crate::budgets::of_models(&models.0)?;
        }
        let mut patch = UserPatch {
            user_alias: asked.user_alias.clone(),
            user_email: asked.user_email.clone(),
            user_role: asked.user_role.clone(),
            sso_user_id: asked.sso_user_id.clone(),
            models: list(&asked.models),
            max_budget: asked.max_budget,
            max_parallel_requests: asked.max_parallel_requests,
            tpm_limit: asked.tpm_limit,
            rpm_limit: asked.rpm_limit,
            metadata: metadata(body, IN_METADATA, &asked.metadata, there).map(|m| m.to_raw()),
            policies: list(&asked.policies),
            model_max_budget: raw(&asked.model_max_budget),
            allowed_cache_controls: list(&asked.allowed_cache_controls),
            ..UserPatch::default()
        };
        let next = |text: &str| Ok(reset(&self.reset_clock()?, text, Utc::now())?);
        if let Some((duration, reset_at)) = renewal(&asked.budget_duration, next)? {
            patch.budget_duration = Some(duration);
            patch.budget_reset_at = Some(reset_at);
        }
        Ok(patch)
    }
}
