//! Which routes a caller may call.

use llm_types::{Error, Result};

use crate::identity::{Identity, Rank};
use crate::{Permission, Role, refusal};

/// The group of routes that tell what everybody spent.
const SPEND: &str = "global_spend_tracking_routes";

impl Identity {
    /// True when the key's own list of routes, if it has one, names this route.
    #[must_use]
    pub fn may_call(&self, route: &str) -> bool {
        let allows = |list: &Vec<String>| list.is_empty() || crate::routes::in_routes(list, route);
        allows(&self.allowed_routes) && self.fences.iter().all(|(_, routes)| allows(routes))
    }

    /// True when the caller may call a pass-through endpoint of the operator's own: administrators, and those whose key or
    /// team names it in `allowed_passthrough_routes` of its metadata.
    #[must_use]
    pub fn may_pass(&self, path: &str) -> bool {
        matches!(self.rank, Rank::Master | Rank::Anyone)
            || self.is_admin()
            || crate::routes::in_routes(&self.switches.passthrough, path)
    }

    /// Whether the caller may do something to an index of a vector store: administrators, and those whose key or team has the
    /// permission (`read`, `write`) on it in `allowed_vector_store_indexes`. Without `permission` it is for administrators.
    ///
    /// # Errors
    /// 403, in LiteLLM's words.
    pub fn may_use_index(&self, index: &str, permission: Option<&str>) -> Result<()> {
        let has = |wanted: &str| {
            let rights = self.switches.indexes.iter().filter(|(name, _)| name == index);
            rights.flat_map(|(_, granted)| granted).any(|granted| granted == wanted)
        };
        if self.is_admin() || permission.is_some_and(has) {
            return Ok(());
        }
        Err(refusal::index_denied(index))
    }

    /// True when key or team name indexes of vector stores that may be used: other stores' files are out of reach.
    #[must_use]
    pub fn names_indexes(&self) -> bool {
        !self.switches.indexes.is_empty()
    }

    /// Whether the caller may call a route of this permission. `reads` is true for GET and HEAD.
    ///
    /// # Errors
    /// 403 when the key's list of routes does not name it, 401 when the caller's role is too low, as LiteLLM answers.
    pub fn authorize(&self, permission: Permission, route: &str, reads: bool) -> Result<()> {
        // A key says what it may do even to its owner; public routes ask nobody.
        if permission != Permission::Public && !self.may_call(route) {
            return Err(refusal::route_denied(route));
        }
        if permission.allows(self.role, self.is_master(), reads)
            || permission == Permission::Provision && self.provisions()
            || reads && self.sees_spend() && crate::routes::in_routes(&[SPEND], route)
        {
            return Ok(());
        }
        Err(self.above(route))
    }

    /// True for a key whose `permissions` have `get_spend_routes`, which only administrators give: it reads what everybody spent.
    #[must_use]
    pub fn sees_spend(&self) -> bool {
        self.sees_all() || self.switches.sees_spend
    }

    /// True for a key that was made for an identity provider: of no user and no team, which only administrators make, with
    /// SCIM's routes on its list.
    fn provisions(&self) -> bool {
        let nobody = self.caller.user_id.is_none() && self.caller.team_id.is_none();
        self.rank == Rank::Key && nobody && self.allowed_routes.iter().any(|route| route.starts_with("/scim"))
    }

    /// The refusal of a route that is above the caller's role.
    #[must_use]
    pub fn above(&self, route: &str) -> Error {
        refusal::admin_only(route, self.role.map_or("unknown", Role::name))
    }

    /// True for a session: its owner, who is logged in. Its own budget and end are bounds of the session, not of them.
    pub(crate) fn is_session(&self) -> bool {
        self.rank == Rank::Key && self.team_id() == Some(crate::SESSION_TEAM) && self.lists.team.is_none()
    }
}
