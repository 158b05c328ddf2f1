//! Which routes there are, for people and programs that ask.

use http::Method;
use llm_providers::passthrough;

use super::TABLE;
use crate::{agents, mcp, operate};

/// Paths with something in them that no table has.
pub(super) const PATTERNS: &[(Method, &str)] = &[
    (Method::POST, "/engines/{model}/chat/completions"),
    (Method::POST, "/openai/deployments/{model}/chat/completions"),
    (Method::POST, "/engines/{model}/completions"),
    (Method::POST, "/openai/deployments/{model}/completions"),
    (Method::POST, "/engines/{model}/embeddings"),
    (Method::POST, "/openai/deployments/{model}/embeddings"),
    (Method::POST, "/openai/deployments/{model}/images/generations"),
    (Method::POST, "/openai/deployments/{model}/images/edits"),
    (Method::POST, "/openai/deployments/{model}/audio/transcriptions"),
    (Method::POST, "/openai/deployments/{model}/audio/translations"),
    (Method::POST, "/openai/deployments/{model}/audio/speech"),
    (Method::POST, "/v1/search/{search_tool_name}"),
    (Method::POST, "/search/{search_tool_name}"),
    (Method::POST, "/v1beta/models/{model}:generateContent"),
    (Method::POST, "/models/{model}:generateContent"),
    (Method::POST, "/v1beta/models/{model}:streamGenerateContent"),
    (Method::POST, "/models/{model}:streamGenerateContent"),
    (Method::POST, "/v1beta/models/{model}:countTokens"),
    (Method::POST, "/models/{model}:countTokens"),
    (Method::GET, "/v1beta/models"),
    (Method::GET, "/v1beta/models/{model}"),
    (Method::GET, "/v1/responses/{response_id}"),
    (Method::DELETE, "/v1/responses/{response_id}"),
    (Method::POST, "/v1/responses/{response_id}/cancel"),
    (Method::GET, "/v1/responses/{response_id}/input_items"),
    (Method::GET, "/responses/{response_id}"),
    (Method::DELETE, "/responses/{response_id}"),
    (Method::POST, "/responses/{response_id}/cancel"),
    (Method::GET, "/responses/{response_id}/input_items"),
    (Method::GET, "/v1/models/{model_id}"),
    (Method::GET, "/models/{model_id}"),
    (Method::GET, "/v1/videos/{video_id}"),
    (Method::DELETE, "/v1/videos/{video_id}"),
    (Method::GET, "/v1/videos/{video_id}/content"),
    (Method::POST, "/v1/videos/{video_id}/remix"),
    (Method::GET, "/videos/{video_id}"),
    (Method::DELETE, "/videos/{video_id}"),
    (Method::GET, "/videos/{video_id}/content"),
    (Method::POST, "/videos/{video_id}/remix"),
    (Method::POST, "/config/pass_through_endpoint/{endpoint_id}"),
    (Method::GET, "/router/decisions/{decision_id}"),
];

/// Every path of the table with its methods, for `GET /routes` and the OpenAPI document.
pub fn all() -> impl Iterator<Item = (Method, &'static str)> {
    const PASSED: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let rows = TABLE.iter().flat_map(|r| r.paths.iter().map(move |p| (r.method.clone(), *p)));
    let rows =
        rows.chain(crate::resources::all()).chain(mcp::all()).chain(agents::all()).chain(PATTERNS.iter().cloned());
    let operated = operate::ROWS.iter().flat_map(|(method, paths, ..)| paths.iter().map(move |p| (method.clone(), *p)));
    let rows = rows.chain(operated);
    // Sessions over WebSockets are no part of such a document.
    let mounts = passthrough::mounts().iter().filter(|m| !m.live_only);
    rows.chain(mounts.flat_map(|m| PASSED.map(|method| (method, m.route))))
}
