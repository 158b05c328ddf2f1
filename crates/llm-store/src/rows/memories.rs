//! What callers keep here: texts under keys, runs of workflows; plugins that their tools find here.

use chrono::{DateTime, Utc};
use llm_types::RawJson;

use crate::defaults::{new_id, now};
use crate::table::table;

table! {
    /// Key-value memory.
    pub struct MemoryRow / MemoryPatch in "LiteLLM_MemoryTable" by ["memory_id"] {
        memory_id: String = new_id(),
        /// Unique among all callers.
        key: String,
        value: String,
        metadata: Option<RawJson>,
        user_id: Option<String>,
        team_id: Option<String>,
        created_at: DateTime<Utc> = now(),
        created_by: Option<String>,
        updated_at: DateTime<Utc> = now(),
        updated_by: Option<String>,
    }
}

table! {
    /// Plugins of coding agents.
    pub struct PluginRow / PluginPatch in "LiteLLM_ClaudeCodePluginTable" by ["id"] {
        id: String = new_id(),
        /// Unique.
        name: String,
        version: Option<String>,
        description: Option<String>,
        /// A JSON object, as text.
        manifest_json: Option<String>,
        files_json: Option<String> = Some("{}".to_owned()),
        /// Everybody may know of it.
        enabled: bool = true,
        created_at: Option<DateTime<Utc>> = Some(now()),
        updated_at: Option<DateTime<Utc>> = Some(now()),
        created_by: Option<String>,
    }
}

table! {
    /// Workflow runs.
    pub struct WorkflowRunRow / WorkflowRunPatch in "LiteLLM_WorkflowRun" by ["run_id"] {
        run_id: String = new_id(),
        session_id: String = new_id(),
        workflow_type: String,
        status: String = "pending".to_owned(),
        /// Hash of the key that made it.
        created_by: Option<String>,
        created_at: DateTime<Utc> = now(),
        updated_at: DateTime<Utc> = now(),
        input: Option<RawJson>,
        output: Option<RawJson>,
        metadata: Option<RawJson>,
    }
}

table! {
    /// Workflow events, append only.
    pub struct WorkflowEventRow / WorkflowEventPatch in "LiteLLM_WorkflowEvent" by ["event_id"] {
        event_id: String = new_id(),
        run_id: String,
        event_type: String,
        step_name: String,
        /// From 0, within the run.
        sequence_number: i64,
        data: Option<RawJson>,
        created_at: DateTime<Utc> = now(),
    }
}

table! {
    /// Workflow messages.
    pub struct WorkflowMessageRow / WorkflowMessagePatch in "LiteLLM_WorkflowMessage" by ["message_id"] {
        message_id: String = new_id(),
        run_id: String,
        role: String,
        content: String,
        /// From 0, within the run.
        sequence_number: i64,
        session_id: Option<String>,
        created_at: DateTime<Utc> = now(),
    }
}
