//! The routes of resources. A row names its path with LiteLLM's version; bare paths and those below a provider's name
//! are the same row.

use http::Method;

use crate::routes::{Action, Permission, Route};

/// What kind of thing it is: who keeps it when nobody says, and what of a request is for the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Files.
    Files,
    /// Batches.
    Batches,
    /// Fine-tuning jobs.
    FineTuning,
    /// Vector stores and their files.
    VectorStores,
    /// Assistants, threads, their messages and runs.
    Assistants,
    /// Containers of code interpreters and their files.
    Containers,
    /// Evaluations and their runs.
    Evals,
    /// Anthropic's skills.
    Skills,
    /// Google's interactions and agents.
    Interactions,
    /// What comes before a realtime session: secrets, offers.
    Sessions,
}

/// A resource's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// What kind of thing it is.
    pub family: Family,
    /// LiteLLM's name of the call.
    pub call_type: &'static str,
}

struct Row(Method, &'static str, Family, &'static str);

use Family::{
    Assistants as A, Batches as B, Containers as C, Evals as E, Files as F, FineTuning as T, Interactions as I,
    Sessions as R, Skills as S, VectorStores as V,
};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

static ROWS: &[Row] = &[
    Row(POST, "/v1/files", F, "acreate_file"),
    Row(GET, "/v1/files", F, "afile_list"),
    Row(GET, "/v1/files/{file_id}", F, "afile_retrieve"),
    Row(DELETE, "/v1/files/{file_id}", F, "afile_delete"),
    Row(GET, "/v1/files/{file_id}/content", F, "afile_content"),
    Row(POST, "/v1/batches", B, "acreate_batch"),
    Row(GET, "/v1/batches", B, "alist_batches"),
    Row(GET, "/v1/batches/{batch_id}", B, "aretrieve_batch"),
    Row(POST, "/v1/batches/{batch_id}/cancel", B, "acancel_batch"),
    Row(POST, "/v1/fine_tuning/jobs", T, "acreate_fine_tuning_job"),
    Row(GET, "/v1/fine_tuning/jobs", T, "alist_fine_tuning_jobs"),
    Row(GET, "/v1/fine_tuning/jobs/{fine_tuning_job_id}", T, "aretrieve_fine_tuning_job"),
    Row(POST, "/v1/fine_tuning/jobs/{fine_tuning_job_id}/cancel", T, "acancel_fine_tuning_job"),
    Row(POST, "/v1/fine_tuning/jobs/{fine_tuning_job_id}/pause", T, "apause_fine_tuning_job"),
    Row(POST, "/v1/fine_tuning/jobs/{fine_tuning_job_id}/resume", T, "aresume_fine_tuning_job"),
    Row(GET, "/v1/fine_tuning/jobs/{fine_tuning_job_id}/events", T, "alist_fine_tuning_events"),
    Row(GET, "/v1/fine_tuning/jobs/{fine_tuning_job_id}/checkpoints", T, "alist_fine_tuning_checkpoints"),
    Row(GET, "/v1/vector_stores", V, "avector_store_list"),
    Row(POST, "/v1/vector_stores", V, "avector_store_create"),
    Row(GET, "/v1/vector_stores/{vector_store_id}", V, "avector_store_retrieve"),
    Row(POST, "/v1/vector_stores/{vector_store_id}", V, "avector_store_update"),
    Row(DELETE, "/v1/vector_stores/{vector_store_id}", V, "avector_store_delete"),
    Row(POST, "/v1/vector_stores/{vector_store_id}/search", V, "avector_store_search"),
    Row(GET, "/v1/vector_stores/{vector_store_id}/files", V, "avector_store_file_list"),
    Row(POST, "/v1/vector_stores/{vector_store_id}/files", V, "avector_store_file_create"),
    Row(GET, "/v1/vector_stores/{vector_store_id}/files/{file_id}", V, "avector_store_file_retrieve"),
    Row(POST, "/v1/vector_stores/{vector_store_id}/files/{file_id}", V, "avector_store_file_update"),
    Row(DELETE, "/v1/vector_stores/{vector_store_id}/files/{file_id}", V, "avector_store_file_delete"),
    Row(GET, "/v1/vector_stores/{vector_store_id}/files/{file_id}/content", V, "avector_store_file_content"),
    Row(POST, "/v1/vector_stores/{vector_store_id}/file_batches", V, "avector_store_file_batch_create"),
    Row(GET, "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}", V, "avector_store_file_batch_retrieve"),
    Row(
        POST,
        "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel",
        V,
        "avector_store_file_batch_cancel",
    ),
    Row(
        GET,
        "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
        V,
        "avector_store_file_batch_list_files",
    ),
    Row(GET, "/v1/assistants", A, "aget_assistants"),
    Row(POST, "/v1/assistants", A, "acreate_assistants"),
    Row(GET, "/v1/assistants/{assistant_id}", A, "aget_assistants"),
    Row(POST, "/v1/assistants/{assistant_id}", A, "amodify_assistant"),
    Row(DELETE, "/v1/assistants/{assistant_id}", A, "adelete_assistant"),
    Row(POST, "/v1/threads", A, "acreate_thread"),
    Row(GET, "/v1/threads/{thread_id}", A, "aget_thread"),
    Row(POST, "/v1/threads/{thread_id}", A, "amodify_thread"),
    Row(DELETE, "/v1/threads/{thread_id}", A, "adelete_thread"),
    Row(POST, "/v1/threads/{thread_id}/messages", A, "a_add_message"),
    Row(GET, "/v1/threads/{thread_id}/messages", A, "aget_messages"),
    Row(POST, "/v1/threads/{thread_id}/runs", A, "arun_thread"),
    Row(GET, "/v1/threads/{thread_id}/runs", A, "alist_runs"),
    Row(GET, "/v1/threads/{thread_id}/runs/{run_id}", A, "aget_run"),
    Row(POST, "/v1/threads/{thread_id}/runs/{run_id}/cancel", A, "acancel_run"),
    Row(POST, "/v1/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", A, "asubmit_tool_outputs"),
    Row(GET, "/v1/threads/{thread_id}/runs/{run_id}/steps", A, "alist_run_steps"),
    Row(POST, "/v1/containers", C, "acreate_container"),
    Row(GET, "/v1/containers", C, "alist_containers"),
    Row(GET, "/v1/containers/{container_id}", C, "aretrieve_container"),
    Row(DELETE, "/v1/containers/{container_id}", C, "adelete_container"),
    Row(POST, "/v1/containers/{container_id}/files", C, "aupload_container_file"),
    Row(GET, "/v1/containers/{container_id}/files", C, "alist_container_files"),
    Row(GET, "/v1/containers/{container_id}/files/{file_id}", C, "aretrieve_container_file"),
    Row(DELETE, "/v1/containers/{container_id}/files/{file_id}", C, "adelete_container_file"),
    Row(GET, "/v1/containers/{container_id}/files/{file_id}/content", C, "aretrieve_container_file_content"),
    Row(POST, "/v1/evals", E, "acreate_eval"),
    Row(GET, "/v1/evals", E, "alist_evals"),
    Row(GET, "/v1/evals/{eval_id}", E, "aget_eval"),
    Row(POST, "/v1/evals/{eval_id}", E, "aupdate_eval"),
    Row(DELETE, "/v1/evals/{eval_id}", E, "adelete_eval"),
    Row(POST, "/v1/evals/{eval_id}/cancel", E, "acancel_eval"),
    Row(POST, "/v1/evals/{eval_id}/runs", E, "acreate_run"),
    Row(GET, "/v1/evals/{eval_id}/runs", E, "alist_runs"),
    Row(GET, "/v1/evals/{eval_id}/runs/{run_id}", E, "aget_run"),
    Row(POST, "/v1/evals/{eval_id}/runs/{run_id}", E, "acancel_run"),
    Row(DELETE, "/v1/evals/{eval_id}/runs/{run_id}", E, "adelete_run"),
    Row(POST, "/v1/skills", S, "acreate_skill"),
    Row(GET, "/v1/skills", S, "alist_skills"),
    Row(GET, "/v1/skills/{skill_id}", S, "aget_skill"),
    Row(DELETE, "/v1/skills/{skill_id}", S, "adelete_skill"),
    Row(POST, "/v1beta/interactions", I, "acreate_interaction"),
    Row(GET, "/v1beta/interactions/{interaction_id}", I, "aget_interaction"),
    Row(DELETE, "/v1beta/interactions/{interaction_id}", I, "adelete_interaction"),
    Row(POST, "/v1beta/interactions/{interaction_id}/cancel", I, "acancel_interaction"),
    Row(GET, "/v1beta/agents", I, "alist_agents"),
    Row(POST, "/v1beta/agents", I, "acreate_agent"),
    Row(GET, "/v1beta/agents/{name}", I, "aget_agent"),
    Row(DELETE, "/v1beta/agents/{name}", I, "adelete_agent"),
    Row(GET, "/v1beta/agents/{name}/versions", I, "alist_agent_versions"),
    Row(POST, "/v1/realtime/client_secrets", R, "acreate_realtime_client_secret"),
    Row(POST, "/v1/realtime/transcription_sessions", R, "acreate_realtime_client_secret"),
    Row(POST, "/v1/realtime/calls", R, "arealtime_calls"),
];

/// Agents of the gateway's own: Google's are below `/v1beta`.
const A2A: &str = "/v1/agents";

/// Finds the route of a resource.
pub fn find(method: &Method, path: &str) -> Option<Route<'static>> {
    let (_, tail) = split(path)?;
    let fits = |row: &&Row| row.0 == *method && matches(below(row.1), tail);
    let row = ROWS.iter().filter(fits).max_by_key(|row| literal(row.1))?;
    let action = Action::Resource(Resource { family: row.2, call_type: row.3 });
    Some(Route { action, permission: Permission::Llm, name: row.1, model: None, streams: false })
}

/// Every method and path.
pub fn all() -> impl Iterator<Item = (Method, &'static str)> {
    ROWS.iter().map(|row| (row.0.clone(), row.1))
}

/// A path without its version, and the provider that stands in front of it.
#[must_use]
pub fn split(path: &str) -> Option<(Option<&str>, &str)> {
    if let Some(tail) = path.strip_prefix("/openai/v1").filter(|tail| tail.starts_with("/realtime/")) {
        return Some((None, tail));
    }
    if path == A2A || path.strip_prefix(A2A).is_some_and(|rest| rest.starts_with('/')) {
        return None;
    }
    let versioned = ["/v1beta", "/v1"].iter().find_map(|v| path.strip_prefix(v).filter(|tail| tail.starts_with('/')));
    if let Some(tail) = versioned {
        return Some((None, tail));
    }
    let (first, rest) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    if let Some(tail) = rest.strip_prefix("v1").filter(|t| t.starts_with("/files") || t.starts_with("/batches"))
        && named(first)
    {
        return Some((Some(first), tail));
    }
    let bare = !matches!(first, "evals" | "skills" | "agents");
    bare.then_some((None, path))
}

/// True for providers whose resources stand below their name. Those whose own API has such paths in another language
/// are passed through there instead.
fn named(provider: &str) -> bool {
    use llm_providers::passthrough::{Scheme, find};
    let Some(known) = llm_providers::registry::by_prefix(provider) else { return false };
    let mounted = find(&format!("/{provider}/v1/files")).is_some_and(|(mount, _)| mount.scheme == Scheme::Plain);
    !mounted || known.row().format == llm_providers::RowFormat::OpenAi
}

/// A row's path without its version.
fn below(path: &str) -> &str {
    ["/v1beta", "/v1"].iter().find_map(|v| path.strip_prefix(v)).unwrap_or(path)
}

/// True when a path is one of a pattern's. What stands for a name may hold slashes.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == path };
    let Some(path) = path.strip_prefix(before) else { return false };
    let (_, rest) = rest.split_once('}').unwrap_or_default();
    if rest.is_empty() {
        return !path.is_empty();
    }
    let literal = rest.split('{').next().unwrap_or_default();
    path.match_indices(literal).any(|(at, _)| at > 0 && path.get(at..).is_some_and(|tail| matches(rest, tail)))
}

/// How much of a pattern is text.
fn literal(pattern: &str) -> usize {
    pattern.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, text)| text).len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: &Method, path: &str) -> Option<&'static str> {
        find(method, path).map(|r| r.name)
    }

    #[test]
    fn resources_have_routes_under_all_their_names() {
        for (method, path, name) in [
            (GET, "/files", "/v1/files"),
            (GET, "/v1/files/a/b", "/v1/files/{file_id}"),
            (GET, "/v1/files/a%2Fb/content", "/v1/files/{file_id}/content"),
            (GET, "/azure/v1/files/f", "/v1/files/{file_id}"),
            (POST, "/openai/v1/batches/b/cancel", "/v1/batches/{batch_id}/cancel"),
            (POST, "/v1/vector_stores/v", "/v1/vector_stores/{vector_store_id}"),
            (POST, "/v1/vector_stores/v/search", "/v1/vector_stores/{vector_store_id}/search"),
            (DELETE, "/vector_stores/v/files/f", "/v1/vector_stores/{vector_store_id}/files/{file_id}"),
            (
                GET,
                "/v1/vector_stores/v/file_batches/b/files",
                "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
            ),
            (GET, "/v1/threads/t/runs/r/steps", "/v1/threads/{thread_id}/runs/{run_id}/steps"),
            (POST, "/interactions", "/v1beta/interactions"),
            (POST, "/openai/v1/realtime/client_secrets", "/v1/realtime/client_secrets"),
            (POST, "/realtime/client_secrets", "/v1/realtime/client_secrets"),
        ] {
            assert_eq!(at(&method, path), Some(name), "{path}");
        }
    }

    #[test]
    fn what_is_no_resource_has_none() {
        for (method, path) in [
            (Method::PUT, "/v1/files"),
            (GET, "/v1/files/"),
            (GET, "/nobody/v1/files"),
            (GET, "/anthropic/v1/files"),
            (GET, "/evals"),
            (GET, "/v1/filesystem"),
            (POST, "/v1/files/f/content"),
        ] {
            assert_eq!(at(&method, path), None, "{path}");
        }
    }
}
