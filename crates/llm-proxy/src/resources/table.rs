//! The routes of resources. A row of the client's table names its path with LiteLLM's version; bare paths and those below
//! a provider's name are the same row.

use http::Method;
use llm_client::resources::{ROWS, Row};

use crate::routes::{Action, Permission, Route};

pub use llm_client::resources::Family;

/// A resource's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// What kind of thing it is.
    pub family: Family,
    /// LiteLLM's name of the call.
    pub call_type: &'static str,
}

/// Agents of the gateway's own: Google's are below `/v1beta`.
const A2A: &str = "/v1/agents";

/// Finds the route of a resource.
pub fn find(method: &Method, path: &str) -> Option<Route<'static>> {
    let (_, tail) = split(path)?;
    let fits = |row: &&Row| row.method == *method && matches(below(row.path), tail);
    let row = ROWS.iter().filter(fits).max_by_key(|row| literal(row.path))?;
    let action = Action::Resource(Resource { family: row.family, call_type: row.call_type });
    Some(Route { action, permission: Permission::Llm, name: row.path, model: None, streams: false })
}

/// Every method and path.
pub fn all() -> impl Iterator<Item = (Method, &'static str)> {
    ROWS.iter().map(|row| (row.method.clone(), row.path))
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

    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const DELETE: Method = Method::DELETE;

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
