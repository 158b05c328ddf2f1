//! Who may do what to a key.

use llm_store::{TeamRow, VerificationToken};
use llm_types::{Error, Json, Kind};

use crate::request::Outcome;
use crate::rights::Standing;
use crate::{Accounts, Identity};

/// What is done to a key, by its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Generate,
    GenerateForService,
    Update,
    Delete,
    Info,
    Regenerate,
}

impl Act {
    const fn routes(self) -> &'static [&'static str] {
        match self {
            Self::Generate => &["/key/generate"],
            Self::GenerateForService => &["/key/service-account/generate"],
            Self::Update => &["/key/update"],
            Self::Delete => &["/key/delete"],
            Self::Info => &["/key/info"],
            Self::Regenerate => &["/key/regenerate", "/key/{key}/regenerate"],
        }
    }
}

pub(crate) fn forbidden(why: impl Into<String>) -> Error {
    Error::new(Kind::PermissionDenied, why).with_type("auth_error")
}

/// A caller's place in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    None,
    Member,
    Admin,
}

/// The place of a user in a team's row.
pub(crate) fn place(team: &TeamRow, user: &str) -> Place {
    if team.admins.iter().any(|a| a == user) {
        return Place::Admin;
    }
    let members: Json = team.members_with_roles.read().unwrap_or_default();
    let role = members.as_array().unwrap_or_default().iter().find_map(|m| {
        let same = m.text("user_id") == Some(user);
        same.then(|| m.text("role").unwrap_or("user"))
    });
    match role {
        Some("admin") => Place::Admin,
        Some(_) => Place::Member,
        None if team.members.iter().any(|m| m == user) => Place::Member,
        None => Place::None,
    }
}

/// Routes that plain members may call on a team's keys without being told.
const MEMBER_BASELINE: [&str; 2] = ["/key/info", "/key/health"];

/// Routes that a team can let its plain members call on its keys.
pub(crate) const MEMBER_ROUTES: &[&str] = &[
    "/key/generate",
    "/key/service-account/generate",
    "/key/update",
    "/key/delete",
    "/key/regenerate",
    "/key/{key}/regenerate",
    "/key/info",
    "/key/health",
    "/key/list",
    "/key/block",
    "/key/unblock",
];

impl Accounts {
    /// True when the caller may act on keys of this team.
    pub(crate) async fn may_on_team(&self, by: &Identity, team: &str, act: Act) -> Outcome<bool> {
        let store = self.store_or_refuse()?;
        let Some(team) = store.table::<TeamRow>().get([team]).await? else { return Ok(false) };
        Ok(match self.standing_in_team(by, &team).await? {
            Standing::None => false,
            Standing::Member => act.routes().iter().any(|route| {
                MEMBER_BASELINE.contains(route) || team.team_member_permissions.iter().any(|p| p == route)
            }),
            Standing::Manager | Standing::OrgAdmin | Standing::Admin => true,
        })
    }

    /// Whether the caller may act on this key.
    pub(crate) async fn may_on_key(&self, by: &Identity, key: &VerificationToken, act: Act) -> Outcome<bool> {
        if by.is_admin() || act == Act::Info && by.sees_all() {
            return Ok(true);
        }
        if act == Act::Info && by.key_hash() == Some(key.token.as_str()) {
            return Ok(true);
        }
        if let Some(team) = &key.team_id
            && self.may_on_team(by, team, act).await?
        {
            return Ok(true);
        }
        if let Some(organization) = &key.organization_id
            && self.standing_in_organization(by, organization).await? >= Standing::OrgAdmin
        {
            return Ok(true);
        }
        // A team's key is the team's, even when a member's name is on it.
        Ok(key.team_id.is_none() && by.user_id().is_some() && key.user_id.as_deref() == by.user_id())
    }

    /// Ids of the teams that the caller manages.
    pub(crate) async fn managed_teams(&self, by: &Identity) -> Outcome<Vec<String>> {
        let teams = self.teams_from(by, Standing::Manager).await?;
        Ok(teams.into_iter().map(|team| team.team_id).collect())
    }
}
