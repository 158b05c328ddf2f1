//! Who stands where: in a team, in an organization, above all of them; and which fields that lets them write.

use llm_store::{Filter, OrganizationMembershipRow, TeamRow};
use llm_types::Json;

use crate::keys::forbidden;
use crate::keys::rights::{Place, place};
use crate::request::Outcome;
use crate::{Accounts, Identity};

/// What somebody is to an object, from nothing to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// A stranger: the object is not there for them.
    None,
    /// Belongs to it.
    Member,
    /// Manages the team.
    Manager,
    /// Administers the organization.
    OrgAdmin,
    /// Administers the gateway.
    Admin,
}

/// The role of an organization's administrators in their membership.
pub(crate) const ORG_ADMIN: &str = "org_admin";

/// Checks that everything a body sets may be set by somebody of this standing. `fields` are those the body knows; a field
/// that `rules` does not name is for administrators of the gateway.
///
/// # Errors
/// 403 naming the first field that is above the caller.
pub(crate) fn may_write(fields: &[&str], rules: &[(&str, Standing)], standing: Standing, body: &Json) -> Outcome<()> {
    for (name, _) in body.as_object().unwrap_or_default() {
        if !fields.contains(&name.as_str()) {
            continue;
        }
        let least = rules.iter().find(|(field, _)| field == name).map_or(Standing::Admin, |(_, least)| *least);
        if standing < least {
            return Err(forbidden(format!("You are not allowed to set `{name}`.")).with_param(name.as_str()).into());
        }
    }
    Ok(())
}

impl Accounts {
    /// Ids of the organizations that the caller administers.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn administered(&self, by: &Identity) -> Outcome<Vec<String>> {
        let Some(user) = by.user_id() else { return Ok(Vec::new()) };
        let filter = Filter::new().is("user_id", user.to_owned()).is("user_role", ORG_ADMIN);
        let rows = self.store_or_refuse()?.table::<OrganizationMembershipRow>().find(filter).await?;
        Ok(rows.into_iter().map(|row| row.organization_id).collect())
    }

    /// True when the caller administers an organization, or everything. Viewers of everything count when they read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn administers_any(&self, by: &Identity, reads: bool) -> Outcome<bool> {
        if by.is_admin() || reads && by.sees_all() {
            return Ok(true);
        }
        Ok(!self.administered(by).await?.is_empty())
    }

    /// What the caller is to an organization.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn standing_in_organization(&self, by: &Identity, id: &str) -> Outcome<Standing> {
        if by.is_admin() {
            return Ok(Standing::Admin);
        }
        let Some(user) = by.user_id() else { return Ok(Standing::None) };
        let membership = self.store_or_refuse()?.table::<OrganizationMembershipRow>().get([user, id]).await?;
        Ok(match membership {
            Some(row) if row.user_role.as_deref() == Some(ORG_ADMIN) => Standing::OrgAdmin,
            Some(_) => Standing::Member,
            None => Standing::None,
        })
    }

    /// What the caller is to a team.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn standing_in_team(&self, by: &Identity, team: &TeamRow) -> Outcome<Standing> {
        if by.is_admin() {
            return Ok(Standing::Admin);
        }
        if let Some(id) = &team.organization_id
            && self.standing_in_organization(by, id).await? == Standing::OrgAdmin
        {
            return Ok(Standing::OrgAdmin);
        }
        Ok(in_team(by, team))
    }
}

impl Accounts {
    /// The teams in which the caller has at least this standing.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn teams_from(&self, by: &Identity, least: Standing) -> Outcome<Vec<TeamRow>> {
        let store = self.store_or_refuse()?;
        if by.is_admin() {
            return Ok(store.table::<TeamRow>().find(Filter::new()).await?);
        }
        let organizations = self.administered(by).await?;
        let own = by.user_id().map(|user| listing(&[user.to_owned()]));
        let theirs =
            (!organizations.is_empty()).then(|| Filter::new().any_of("organization_id", organizations.clone()));
        let teams =
            store.table::<TeamRow>().find(Filter::new().one_of(own.into_iter().chain(theirs).collect())).await?;
        let standing = |team: &TeamRow| match team.organization_id.as_ref() {
            Some(id) if organizations.contains(id) => Standing::OrgAdmin,
            _ => in_team(by, team),
        };
        Ok(teams.into_iter().filter(|team| standing(team) >= least).collect())
    }
}

/// The teams that list one of these users.
pub(crate) fn listing(users: &[String]) -> Filter {
    let users = || users.to_vec();
    Filter::new().one_of(vec![
        Filter::new().json_list_names("members_with_roles", "user_id", users()),
        Filter::new().list_has_any("admins", users()),
        Filter::new().list_has_any("members", users()),
    ])
}

/// What the caller is to a team by its list of members.
fn in_team(by: &Identity, team: &TeamRow) -> Standing {
    match by.user_id().map_or(Place::None, |user| place(team, user)) {
        Place::Admin => Standing::Manager,
        Place::Member => Standing::Member,
        Place::None => Standing::None,
    }
}
