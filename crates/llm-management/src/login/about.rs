//! What pages and coding agents want to know, or to say, before anybody is logged in.

use axum::body::Body;
use http::Response;
use llm_types::Json;

use super::{Visit, reply};

/// `GET /.well-known/litellm-ui-config`.
pub(super) async fn discovery(visit: Visit) -> Response<Body> {
    let login = visit.settings();
    let root = if login.root_path.is_empty() { "/" } else { login.root_path.as_str() };
    let answer = Json::object([
        ("server_root_path", Json::from(root)),
        ("proxy_base_url", Json::from(login.base_url.as_deref())),
        ("auto_redirect_to_sso", Json::Bool(login.sso && login.auto_redirect)),
        ("admin_ui_disabled", Json::Bool(login.ui_disabled)),
        ("sso_configured", Json::Bool(login.sso)),
        ("hide_default_credentials_hint", Json::Bool(login.hide_hint)),
        ("is_control_plane", Json::Bool(false)),
        ("mcp_stdio_enabled", Json::Bool(false)),
        ("workers", Json::Array(Vec::new())),
    ]);
    reply::json(Ok(answer))
}

/// `POST /api/event_logging/batch`: what a coding agent tells its maker about itself. It is taken, as with LiteLLM, so that agents do
/// not try again, and goes nowhere.
pub(super) async fn events(_: Visit) -> Response<Body> {
    reply::json(Ok(Json::object([("status", "ok")])))
}

/// `GET /public/litellm_blog_posts`: LiteLLM asks its maker for news. The gateway asks nobody about itself, so there are none.
pub(super) async fn posts(_: Visit) -> Response<Body> {
    reply::json(Ok(Json::object([("posts", Json::Array(Vec::new()))])))
}
