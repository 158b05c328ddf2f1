//! What pages want to know before anybody is logged in.

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
