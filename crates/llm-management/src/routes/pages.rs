//! Settings of pages, and what they look like. Anybody may know the logos.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use llm_accounts::{LaterSettings, Logo, Outcome};
use llm_types::Json;

use crate::answer;
use crate::call::Call;
use crate::login::Visit;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/get/ui_settings" AnyKey shown),
    row!("PATCH" "/update/ui_settings" Admin set),
    row!("GET" "/get/user_banner" AnyKey banner),
    row!("PATCH" "/update/user_banner" Admin set_banner),
    row!("PATCH" "/update/ui_theme_settings" Admin set_theme),
    row!("GET" "/get/allowed_ips" Admin addresses),
    row!("POST" "/add/allowed_ip" Admin add_address),
    row!("POST" "/delete/allowed_ip" Admin delete_address),
    row!("POST" "/cache/settings" Admin set_cache),
    row!("GET" "/alerting/settings" Admin alerting),
    row!("GET" "/get/mcp_semantic_filter_settings" Admin semantic_filter),
    row!("PATCH" "/update/mcp_semantic_filter_settings" Admin set_semantic_filter),
    row!("GET" "/get/mcp_tool_search_settings" Admin tool_search),
    row!("PATCH" "/update/mcp_tool_search_settings" Admin set_tool_search),
    row!("GET" "/get/websearch_interception_settings" Admin web_search),
    row!("PATCH" "/update/websearch_interception_settings" Admin set_web_search),
];

async fn shown(call: Call) -> Outcome<Json> {
    call.accounts.ui_settings().await
}

async fn set(call: Call) -> Outcome<Json> {
    call.accounts.set_ui_settings(call.actor(), &call.body).await
}

async fn banner(call: Call) -> Outcome<Json> {
    call.accounts.user_banner().await
}

async fn set_banner(call: Call) -> Outcome<Json> {
    call.accounts.set_user_banner(call.actor(), &call.body_or_empty()).await
}

async fn set_theme(call: Call) -> Outcome<Json> {
    call.accounts.set_theme(call.actor(), &call.body_or_empty()).await
}

async fn addresses(call: Call) -> Outcome<Json> {
    call.accounts.allowed_ips()
}

async fn add_address(call: Call) -> Outcome<Json> {
    call.accounts.change_allowed_ip(call.actor(), &call.body, true).await
}

async fn delete_address(call: Call) -> Outcome<Json> {
    call.accounts.change_allowed_ip(call.actor(), &call.body, false).await
}

async fn set_cache(call: Call) -> Outcome<Json> {
    call.accounts.set_cache(call.actor(), &call.body).await
}

async fn alerting(call: Call) -> Outcome<Json> {
    call.accounts.alerting_settings().await
}

async fn semantic_filter(_: Call) -> Outcome<Json> {
    Ok(LaterSettings::SemanticFilter.shown())
}

async fn set_semantic_filter(call: Call) -> Outcome<Json> {
    LaterSettings::SemanticFilter.change(&call.body)
}

async fn tool_search(_: Call) -> Outcome<Json> {
    Ok(LaterSettings::ToolSearch.shown())
}

async fn set_tool_search(call: Call) -> Outcome<Json> {
    LaterSettings::ToolSearch.change(&call.body)
}

async fn web_search(_: Call) -> Outcome<Json> {
    Ok(LaterSettings::WebSearch.shown())
}

async fn set_web_search(call: Call) -> Outcome<Json> {
    LaterSettings::WebSearch.change(&call.body)
}

/// `GET /get/ui_theme_settings`.
pub(crate) async fn theme(visit: Visit) -> Response<Body> {
    answer::of(visit.accounts.theme_settings().await)
}

/// `GET /get_logo_url`.
pub(crate) async fn logo_url(visit: Visit) -> Response<Body> {
    let told = |url: Option<String>| match url.unwrap_or_default() {
        place if place.starts_with('/') => format!("{}{place}", visit.base()),
        url => url,
    };
    let url = visit.accounts.theme_url(&["logo_url"]).await;
    answer::of(url.map(|url| Json::object([("logo_url", told(url))])))
}

/// `GET /get_image`: the logo, of dark pages where `theme=dark` asks for it.
pub(crate) async fn logo(visit: Visit) -> Response<Body> {
    let dark = visit.query.iter().any(|(name, value)| name == "theme" && value == "dark");
    picture(&visit, if dark { &["logo_url_dark", "logo_url"] } else { &["logo_url"] }).await
}

/// `GET /get_favicon`.
pub(crate) async fn favicon(visit: Visit) -> Response<Body> {
    picture(&visit, &["favicon_url"]).await
}

async fn picture(visit: &Visit, names: &[&str]) -> Response<Body> {
    match found(visit, names).await {
        Ok(Some(response)) => response,
        Ok(None) => answer::nobody(404, "Not Found"),
        Err(problem) => answer::of(Err(problem)),
    }
}

async fn found(visit: &Visit, names: &[&str]) -> Outcome<Option<Response<Body>>> {
    let Some(url) = visit.accounts.theme_url(names).await? else { return Ok(None) };
    Ok(match visit.accounts.logo(&url).await? {
        Some(logo) => Some(uploaded(&logo)),
        None if url.starts_with('/') => None,
        None => Some(towards(&url)),
    })
}

/// A picture that somebody uploaded: should it be a document with programs in it, they do not run.
fn uploaded(logo: &Logo) -> Response<Body> {
    let mut response = Response::new(Body::from(logo.bytes.clone()));
    for (name, value) in [
        (CONTENT_TYPE, logo.kind),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The browser fetches it: the gateway asks no address that somebody wrote into a form.
fn towards(url: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(url) else { return answer::nobody(404, "Not Found") };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
