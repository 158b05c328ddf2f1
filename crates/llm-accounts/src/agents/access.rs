//! Whether a caller may call an agent: lists of its key, its team and what else it stands on, each of which must have it.

use llm_store::ObjectPermissionRow;

use crate::Identity;

/// What names agents in one place; nothing: every agent.
struct List<'g> {
    agents: &'g [String],
    groups: &'g [String],
    /// Agents of access groups; nothing where no group is named. A group without agents has none of them.
    unified: Option<&'g [String]>,
}

impl<'g> List<'g> {
    fn of(row: Option<&'g ObjectPermissionRow>, unified: Option<&'g Vec<String>>) -> Option<Self> {
        let (agents, groups) = row.map_or((&[][..], &[][..]), |row| (&*row.agents, &*row.agent_access_groups));
        let some = !agents.is_empty() || !groups.is_empty() || unified.is_some();
        some.then(|| Self { agents, groups, unified: unified.map(Vec::as_slice) })
    }

    fn has(&self, id: &str, groups: &[String]) -> bool {
        let named = |list: &[String]| list.iter().any(|known| known == id);
        named(self.agents) || self.unified.is_some_and(named) || groups.iter().any(|group| self.groups.contains(group))
    }
}

impl Identity {
    fn agent_lists(&self) -> impl Iterator<Item = List<'_>> {
        let grants = &self.grants;
        let user = grants.user.as_deref().filter(|_| self.caller.team_id.is_none());
        [
            List::of(grants.key.as_deref(), grants.group_agents.as_ref()),
            List::of(grants.team.as_deref(), grants.team_group_agents.as_ref()),
            List::of(user, None),
            List::of(grants.project.as_deref(), None),
            List::of(grants.organization.as_deref(), None),
            List::of(grants.agent.as_deref(), grants.agent_group_agents.as_ref()),
        ]
        .into_iter()
        .flatten()
    }

    /// True when the caller may call the agent with this id, which is in these groups (`agent_access_groups`). Without any
    /// list that is every agent.
    #[must_use]
    pub fn may_call_agent(&self, id: &str, groups: &[String]) -> bool {
        self.agent_lists().all(|list| list.has(id, groups))
    }

    /// True when a list names the agent, and none leaves it out: such agents are told to callers who ask for theirs.
    pub(super) fn is_granted_agent(&self, id: &str, groups: &[String]) -> bool {
        self.agent_lists().next().is_some() && self.may_call_agent(id, groups)
    }
}
