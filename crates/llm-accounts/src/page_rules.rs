//! What administrators took away from those below them on the page of settings (`/update/ui_settings`).

use llm_types::Json;

use crate::keys::forbidden;
use crate::request::Outcome;
use crate::rights::Standing;
use crate::{Accounts, Identity, Role};

/// The rules; none of them holds unless it is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRules {
    /// `disable_model_add_for_internal_users`
    pub admins_alone_add_models: bool,
    /// `disable_team_admin_delete_team_user`
    pub managers_keep_members: bool,
    /// `disable_key_generate_for_org_admin`
    pub org_admins_make_no_keys: bool,
    /// `team_admin_editable_team_fields`: the only things that a team's managers change of it.
    pub managers_may_change: Option<Vec<String>>,
}

/// Fields of a key that are about money.
const BUDGET_FIELDS: [&str; 4] = ["max_budget", "budget_duration", "soft_budget", "budget_limits"];

impl PageRules {
    fn closed(&self, what: &str) -> bool {
        self.managers_may_change.as_ref().is_some_and(|open| !open.iter().any(|field| field == what))
    }

    /// True for a field that managers of a team may change because administrators said so.
    pub(crate) fn opens(&self, standing: Standing, field: &str) -> bool {
        let open = self.managers_may_change.as_ref().is_some_and(|open| open.iter().any(|known| known == field));
        open && standing == Standing::Manager && ["max_budget", "rpm_limit", "tpm_limit"].contains(&field)
    }

    /// Whether somebody of this standing may take people out of a team.
    pub(crate) fn may_take_out(&self, standing: Standing) -> Outcome<()> {
        if self.managers_keep_members && standing == Standing::Manager {
            return Err(forbidden("Team admins cannot remove members: ask a proxy admin.").into());
        }
        Ok(())
    }

    /// Whether somebody of this standing may change the fields of a body that a team knows.
    pub(crate) fn may_edit_team(&self, standing: Standing, fields: &[&str], body: &Json) -> Outcome<()> {
        if standing != Standing::Manager {
            return Ok(());
        }
        let given = body.as_object().unwrap_or_default().iter().map(|(name, _)| name.as_str());
        let mut closed = given.filter(|name| *name != "team_id" && fields.contains(name) && self.closed(name));
        match closed.next() {
            Some(name) => Err(forbidden(format!("Team admins cannot change `{name}`: ask a proxy admin."))
                .with_param(name)
                .into()),
            None => Ok(()),
        }
    }

    /// Whether somebody of this standing may make and change projects of a team.
    pub(crate) fn may_edit_projects(&self, standing: Standing) -> Outcome<()> {
        if standing == Standing::Manager && self.closed("projects") {
            return Err(forbidden("Team admins cannot change projects: ask a proxy admin.").into());
        }
        Ok(())
    }

    /// Whether the caller, who manages the team of somebody else's key and no more, may change the money in a body.
    pub(crate) fn may_edit_budget_of_key(&self, body: &Json) -> Outcome<()> {
        let given = BUDGET_FIELDS.iter().find(|field| body.get(field).is_some());
        match given.filter(|_| self.closed("member_key_budgets")) {
            Some(name) => {
                Err(forbidden(format!("Team admins cannot change `{name}` of members' keys: ask a proxy admin."))
                    .with_param(*name)
                    .into())
            }
            None => Ok(()),
        }
    }
}

impl Accounts {
    /// Refuses administrators of organizations where they are to make no keys.
    pub(crate) async fn org_admins_may_make_keys(&self, who: &Identity) -> Outcome<()> {
        if who.is_admin() || !self.settings().page_rules.org_admins_make_no_keys {
            return Ok(());
        }
        if who.role() == Some(Role::OrgAdmin) || !self.administered(who).await?.is_empty() {
            return Err(forbidden("key generation is disabled for org admins. Contact your proxy admin.").into());
        }
        Ok(())
    }
}
