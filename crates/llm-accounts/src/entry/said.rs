//! What somebody else says of a caller, whoever it was: a token, an authorization server, a proxy, a hook.

use chrono::{DateTime, Utc};

use crate::{ModelList, Role};

/// A limit that lies on a caller beside what rows say.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) models: ModelList,
    /// Empty: all.
    pub(crate) routes: Vec<String>,
}

/// The teams that a caller may act for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Teams {
    /// In the order in which they are tried.
    pub(crate) ids: Vec<String>,
    /// Names of teams, where ids are not said.
    pub(crate) aliases: Vec<String>,
    /// When none of them is there: the user's own teams.
    pub(crate) or_of_database: bool,
    /// When there is none after all.
    pub(crate) default: Option<String>,
    /// Without one the caller is refused.
    pub(crate) needed: bool,
    /// One that is not there is passed over; else the caller is refused.
    pub(crate) lenient: bool,
}

/// Who somebody is said to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) user_id: Option<String>,
    pub(crate) email: Option<String>,
    /// The provider says that the address is the user's.
    pub(crate) email_verified: bool,
    pub(crate) teams: Teams,
    pub(crate) organization: Option<String>,
    pub(crate) organization_alias: Option<String>,
    pub(crate) end_user: Option<String>,
    pub(crate) agent: Option<String>,
    /// A role that holds whatever the user's row says.
    pub(crate) role: Option<Role>,
    /// The role that the user's row is to have.
    pub(crate) row_role: Option<Role>,
    pub(crate) fences: Vec<Fence>,
    /// Routes on which a caller may act for a team; empty: all.
    pub(crate) team_routes: Vec<String>,
    pub(crate) expires: Option<DateTime<Utc>>,
    /// A user or team that is not there is made.
    pub(crate) makes_user: bool,
    pub(crate) makes_team: bool,
    /// The user joins the teams that are named.
    pub(crate) joins: bool,
    /// Role and teams of the user's row become those that are said.
    pub(crate) syncs: bool,
    /// Under which name it is logged, in place of a key's hash.
    pub(crate) log_name: Option<String>,
    /// A name for people.
    pub(crate) alias: Option<String>,
}

impl Said {
    /// True when nobody is named: that is no identity.
    pub(crate) fn is_nobody(&self) -> bool {
        self.user_id.is_none()
            && self.teams.ids.is_empty()
            && self.teams.aliases.is_empty()
            && self.organization.is_none()
            && self.role.is_none()
            && self.email.is_none()
    }
}
