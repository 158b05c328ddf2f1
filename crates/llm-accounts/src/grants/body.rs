//! The `object_permission` of a body.

use llm_store::{ObjectPermissionPatch, ObjectPermissionRow};
use llm_types::Json;

use crate::request::{Map, Outcome, Problem, body, list};

body! {
    /// `object_permission` of keys, teams, users, organizations, projects and customers.
    struct GrantsBody {
        mcp_servers: Vec<String>,
        mcp_access_groups: Vec<String>,
        mcp_tool_permissions: Map,
        mcp_toolsets: Vec<String>,
        blocked_tools: Vec<String>,
        vector_stores: Vec<String>,
        agents: Vec<String>,
        agent_access_groups: Vec<String>,
        models: Vec<String>,
        search_tools: Vec<String>,
        mcp_tool_search_enabled: bool,
        skills: Vec<String>,
    }
}

/// What a body says of permissions.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// None any more.
    Nothing,
    /// These fields.
    Some(Box<GrantsBody>),
}

impl Asked {
    /// Reads it.
    ///
    /// # Errors
    /// 422 naming the fields below `object_permission`.
    pub(super) fn read(given: Option<&Map>) -> Outcome<Self> {
        let Some(Map(json)) = given else { return Ok(Self::Nothing) };
        match GrantsBody::read(json) {
            Ok(read) => Ok(Self::Some(Box::new(read))),
            Err(Problem::Fields(mut problems)) => {
                for problem in &mut problems {
                    problem.field = format!("object_permission.{}", problem.field);
                }
                Err(Problem::Fields(problems))
            }
            Err(other) => Err(other),
        }
    }

    /// The row that `there` becomes.
    pub(super) fn over(&self, there: Option<&ObjectPermissionRow>) -> ObjectPermissionRow {
        let Self::Some(asked) = self else { return ObjectPermissionRow::default() };
        let mut row = there.cloned().unwrap_or_default();
        macro_rules! take {
            ($($field:ident),+) => { $(if let Some(given) = list(&asked.$field) { row.$field = given; })+ };
        }
        take!(mcp_servers, mcp_access_groups, mcp_toolsets, blocked_tools, vector_stores, agents);
        take!(agent_access_groups, models, search_tools, skills);
        if let Some(given) = &asked.mcp_tool_permissions {
            row.mcp_tool_permissions = given.as_ref().map(|map| map.0.to_raw());
        }
        if let Some(given) = asked.mcp_tool_search_enabled {
            row.mcp_tool_search_enabled = given;
        }
        row
    }

    /// A body that asks for exactly this row.
    pub(crate) fn whole(row: &ObjectPermissionRow) -> Self {
        let map = row.mcp_tool_permissions.as_ref().and_then(|raw| raw.read::<Json>().ok());
        let map = map.filter(|map| map.as_object().is_some());
        let some = |list: &Vec<String>| Some(Some(list.clone()));
        Self::Some(Box::new(GrantsBody {
            mcp_servers: some(&row.mcp_servers),
            mcp_access_groups: some(&row.mcp_access_groups),
            mcp_tool_permissions: map.map(|map| Some(Map(map))),
            mcp_toolsets: some(&row.mcp_toolsets),
            blocked_tools: some(&row.blocked_tools),
            vector_stores: some(&row.vector_stores),
            agents: some(&row.agents),
            agent_access_groups: some(&row.agent_access_groups),
            models: some(&row.models),
            search_tools: some(&row.search_tools),
            mcp_tool_search_enabled: row.mcp_tool_search_enabled.map(Some),
            skills: some(&row.skills),
        }))
    }
}

impl From<&GrantsBody> for ObjectPermissionPatch {
    fn from(asked: &GrantsBody) -> Self {
        Self {
            mcp_servers: list(&asked.mcp_servers),
            mcp_access_groups: list(&asked.mcp_access_groups),
            mcp_tool_permissions: asked.mcp_tool_permissions.as_ref().map(|m| m.as_ref().map(|m| m.0.to_raw())),
            mcp_toolsets: list(&asked.mcp_toolsets),
            blocked_tools: list(&asked.blocked_tools),
            vector_stores: list(&asked.vector_stores),
            agents: list(&asked.agents),
            agent_access_groups: list(&asked.agent_access_groups),
            models: list(&asked.models),
            search_tools: list(&asked.search_tools),
            mcp_tool_search_enabled: asked.mcp_tool_search_enabled,
            skills: list(&asked.skills),
            ..Self::default()
        }
    }
}
