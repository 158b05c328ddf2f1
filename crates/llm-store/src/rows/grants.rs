//! Grants to models, tools, stores and agents.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{new_id, now};
use crate::table::table;

table! {
    /// Grants to MCP servers, vector stores, agents, search tools, skills.
    pub struct ObjectPermissionRow / ObjectPermissionPatch in "LiteLLM_ObjectPermissionTable" by ["object_permission_id"] {
        /// Grant row.
        object_permission_id: String = new_id(),
        mcp_servers: Vec<String>,
        mcp_access_groups: Vec<String>,
        mcp_tool_permissions: Option<RawJson>,
        vector_stores: Vec<String>,
        agents: Vec<String>,
        agent_access_groups: Vec<String>,
        /// Allow-list.
        models: Vec<String>,
        blocked_tools: Vec<String>,
        mcp_toolsets: Vec<String>,
        search_tools: Vec<String>,
        mcp_tool_search_enabled: Option<bool>,
        skills: Vec<String>,
    }
}

table! {
    /// Unified access groups.
    pub struct AccessGroupRow / AccessGroupPatch in "LiteLLM_AccessGroupTable" by ["access_group_id"] {
        access_group_id: String = new_id(),
        access_group_name: String,
        description: Option<String>,
        access_model_names: Vec<String>,
        access_mcp_server_ids: Vec<String>,
        access_agent_ids: Vec<String>,
        assigned_team_ids: Vec<String>,
        assigned_key_ids: Vec<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Budget and spend of a model access group.
    pub struct ModelAccessGroupBudgetRow / ModelAccessGroupBudgetPatch in "LiteLLM_ModelAccessGroupBudgetTable" by ["access_group_name"] {
        access_group_name: String,
        /// USD in the current budget window.
        spend: f64,
        budget_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}
