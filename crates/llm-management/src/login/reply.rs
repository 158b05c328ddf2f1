//! Pages, redirects and JSON for visitors, and the cookie of a session.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use llm_accounts::{Outcome, Problem};
use llm_types::Json;

use super::Visit;
use crate::answer;

/// The cookie of a session.
pub(super) const COOKIE: &str = "token";

/// What a page may do: show itself and send its form here.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const SAFETY: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// A page.
pub(super) fn html(status: u16, page: String) -> Response<Body> {
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guarded(response)
}

/// What nobody may keep, frame or guess the kind of.
fn guarded(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in SAFETY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// JSON that nobody may keep, or an error.
pub(super) fn json(outcome: Outcome<Json>) -> Response<Body> {
    guarded(answer::of(outcome))
}

/// The same for programs that read the reason under `detail`.
pub(super) fn detailed(outcome: Outcome<Json>) -> Response<Body> {
    let Err(Problem::Refused(error)) = &outcome else { return json(outcome) };
    let body = Json::object([("detail", Json::from(error.message.as_str())), ("error", answer::error(error))]);
    guarded(answer::json(error.status(), &body))
}

/// Goes on elsewhere with GET.
pub(super) fn redirect(to: &str) -> Response<Body> {
    let Ok(place) = HeaderValue::from_str(to) else {
        return html(500, super::page::message("The address to go on to cannot be written."));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, place);
    guarded(response)
}

/// How a cookie travels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Crossing {
    /// Never with a request that another site begins.
    Strict,
    /// With a link that another site leads here by.
    Lax,
    /// With a form that another site's page sends.
    Any,
}

impl Crossing {
    /// For a cookie that has to come along with a form of another site. Browsers take that over TLS only.
    pub(super) fn of_posts(visit: &Visit) -> Self {
        if visit.secure() { Self::Any } else { Self::Lax }
    }
}

/// Sets a cookie that pages cannot read; `seconds` 0 takes it away.
pub(super) fn set_cookie(
    response: &mut Response<Body>,
    visit: &Visit,
    (name, value): (&str, &str),
    seconds: i64,
    crossing: Crossing,
) {
    let root = visit.settings().root_path.trim_end_matches('/');
    let path = if root.is_empty() { "/" } else { root };
    let site = match crossing {
        Crossing::Strict => "Strict",
        Crossing::Lax => "Lax",
        Crossing::Any => "None",
    };
    let secure = if visit.secure() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={site}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The cookie of a session, until the session ends.
pub(super) fn remember(response: &mut Response<Body>, visit: &Visit, token: &str) {
    let seconds = visit.settings().session.as_secs();
    set_cookie(response, visit, (COOKIE, token), i64::try_from(seconds).unwrap_or(i64::MAX), Crossing::Strict);
}
