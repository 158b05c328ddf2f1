//! Who may do what to a key. Nobody hands out more than they have.

use llm_store::{Filter, TeamRow, VerificationToken};
use llm_types::{Error, Json, Kind};

use super::body::KeyBody;
use crate::purse::{Owner, nanos};
use crate::request::Outcome;
use crate::{Accounts, Identity, ModelList};

/// What is done to a key, by its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Generate,
    Update,
    Delete,
    Info,
    Regenerate,
}

impl Act {
    const fn route(self) -> &'static str {
        match self {
            Self::Generate => "/key/generate",
            Self::Update => "/key/update",
            Self::Delete => "/key/delete",
            Self::Info => "/key/info",
            Self::Regenerate => "/key/regenerate",
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
        let same = m.get("user_id").and_then(Json::as_str) == Some(user);
        same.then(|| m.get("role").and_then(Json::as_str).unwrap_or("user"))
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

impl Accounts {
    /// True when the caller may act on keys of this team.
    pub(crate) async fn may_on_team(&self, by: &Identity, team: &str, act: Act) -> Outcome<bool> {
        let Some(user) = by.user_id() else { return Ok(false) };
        let store = self.store_or_refuse()?;
        let Some(team) = store.table::<TeamRow>().get([team]).await? else { return Ok(false) };
        let route = act.route();
        Ok(match place(&team, user) {
            Place::Admin => true,
            Place::Member => {
                MEMBER_BASELINE.contains(&route) || team.team_member_permissions.iter().any(|p| p == route)
            }
            Place::None => false,
        })
    }

    /// Whether the caller may act on this key.
    pub(crate) async fn may_on_key(&self, by: &Identity, key: &VerificationToken, act: Act) -> Outcome<bool> {
        if by.is_admin() || act == Act::Info && by.role() == Some(crate::Role::ProxyAdminViewer) {
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
        // A team's key is the team's, even when a member's name is on it.
        Ok(key.team_id.is_none() && by.user_id().is_some() && key.user_id.as_deref() == by.user_id())
    }

    /// Ids of the teams that the caller manages.
    pub(crate) async fn managed_teams(&self, by: &Identity) -> Outcome<Vec<String>> {
        let Some(user) = by.user_id() else { return Ok(Vec::new()) };
        let store = self.store_or_refuse()?;
        let teams = store.table::<TeamRow>().find(Filter::new()).await?;
        Ok(teams.into_iter().filter(|t| place(t, user) == Place::Admin).map(|t| t.team_id).collect())
    }
}

/// Metadata fields that give a key something its maker may not have.
const ADMIN_METADATA: [&str; 4] =
    ["allow_client_mock_response", "allow_client_pricing_override", "temp_budget_increase", "temp_budget_expiry"];

/// Checks that what is asked for a key is no more than its maker has. `new` says that absent fields mean "no limit".
pub(super) fn no_more_than(
    by: &Identity,
    body: &Json,
    asked: &KeyBody,
    new: bool,
    now: chrono::DateTime<chrono::Utc>,
) -> Outcome<()> {
    if by.is_admin() {
        return Ok(());
    }
    let refuse = |what: &str| Err(forbidden(format!("Only proxy admins can set `{what}`.")).into());
    if asked.spend.flatten().is_some_and(|s| s != 0.0) {
        return refuse("spend");
    }
    for (name, given) in [("permissions", &asked.permissions), ("config", &asked.config)] {
        if given.as_ref().and_then(Option::as_ref).is_some_and(|m| m.0.as_object().is_some_and(|o| !o.is_empty())) {
            return refuse(name);
        }
    }
    let metadata = asked.metadata.as_ref().and_then(Option::as_ref).map(|m| &m.0);
    let inside =
        |name: &&&str| [Some(body), metadata].into_iter().flatten().any(|m| m.get(name).is_some_and(|v| !v.is_null()));
    if let Some(name) = ADMIN_METADATA.iter().find(inside) {
        return refuse(name);
    }
    same_or_none("organization_id", asked.organization_id.as_ref(), by.caller.organization_id.as_deref())?;
    same_or_none("project_id", asked.project_id.as_ref(), by.caller.project_id.as_deref())?;
    within_routes(by, asked, new)?;
    within_models(by, asked, new)?;
    within_budget(by, asked, new)?;
    within_lifetime(by, asked, new, now)
}

fn same_or_none(name: &str, asked: Option<&Option<String>>, own: Option<&str>) -> Outcome<()> {
    match asked.and_then(Option::as_deref) {
        Some(id) if own != Some(id) => Err(forbidden(format!("You are not part of this {name}.")).into()),
        _ => Ok(()),
    }
}

/// What was asked, when it counts: for a new key an absent field is the widest there is.
fn asked_or_widest<T>(given: Option<&Option<T>>, new: bool) -> Option<Option<&T>> {
    match given {
        Some(given) => Some(given.as_ref()),
        None => new.then_some(None),
    }
}

fn within_routes(by: &Identity, asked: &KeyBody, new: bool) -> Outcome<()> {
    if by.allowed_routes.is_empty() {
        return Ok(());
    }
    let Some(routes) = asked_or_widest(asked.allowed_routes.as_ref(), new) else { return Ok(()) };
    let fine = routes.is_some_and(|routes| {
        !routes.is_empty()
            && routes.iter().all(|r| by.allowed_routes.contains(r) || crate::in_routes(&by.allowed_routes, r))
    });
    if fine {
        Ok(())
    } else {
        Err(forbidden("`allowed_routes` must be within those of the key that makes the call.").into())
    }
}

fn within_models(by: &Identity, asked: &KeyBody, new: bool) -> Outcome<()> {
    if by.lists.key.allows_all() || by.lists.key.is_teams() {
        return Ok(());
    }
    let Some(models) = asked_or_widest(asked.models.as_ref(), new) else { return Ok(()) };
    let directory = by.directory.load();
    let fine = models.is_some_and(|models| {
        !ModelList::new(models).allows_all() && models.iter().all(|m| by.lists.key.allows(m, &directory))
    });
    if fine { Ok(()) } else { Err(forbidden("`models` must be within those of the key that makes the call.").into()) }
}

fn within_budget(by: &Identity, asked: &KeyBody, new: bool) -> Outcome<()> {
    let own = by.budgets.iter().find(|b| b.owner == Owner::Key).and_then(|b| b.cap);
    let Some(cap) = own else { return Ok(()) };
    let Some(asked) = asked_or_widest(asked.max_budget.as_ref(), new) else { return Ok(()) };
    let fine = asked.is_some_and(|max| max.is_finite() && nanos(*max) <= cap.max);
    if fine {
        Ok(())
    } else {
        Err(forbidden("`max_budget` must be within that of the key that makes the call.").into())
    }
}

fn within_lifetime(by: &Identity, asked: &KeyBody, new: bool, now: chrono::DateTime<chrono::Utc>) -> Outcome<()> {
    let Some(end) = by.expires else { return Ok(()) };
    let Some(asked) = asked_or_widest(asked.duration.as_ref(), new) else { return Ok(()) };
    let until = asked.and_then(|d| crate::period::Period::parse(d)).and_then(|p| p.after(now));
    let fine = until.is_some_and(|until| until <= end);
    if fine { Ok(()) } else { Err(forbidden("`duration` must end with that of the key that makes the call.").into()) }
}
