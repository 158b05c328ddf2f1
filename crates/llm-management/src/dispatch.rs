//! From a request to a call, and back.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::routing::{MethodFilter, on};
use http::request::Parts;
use http::{Method, Request, Response};
use llm_accounts::{
    Accounts, AccountsSettings, Asking, Connected, FieldProblem, Identity, Outcome, Permission, Problem,
};
use llm_types::{Error, Json, Kind};

use crate::call::Call;
use crate::login::{self, OpenRow, SsoInForce, Visit};
use crate::pieces::Answer;
use crate::table::{Dialect, Row, rows};
use crate::{answer, scim};

/// What the routes stand on.
#[derive(Debug, Clone)]
pub struct ManagementState {
    /// The accounts.
    pub accounts: Accounts,
    /// The identity provider that people log in at; another one takes its place when the configuration changes.
    pub sso: Arc<SsoInForce>,
}

/// Largest body of a management call, in bytes.
const LARGEST_BODY: usize = 8 << 20;

/// The type of errors of a database that is away.
const NO_DATABASE: &str = "no_db_connection";

/// The router of every management route. It may run on any runtime: the calls themselves run on the store's.
pub fn router(state: ManagementState) -> Router {
    let mut router = Router::new();
    for row in rows() {
        let filter = MethodFilter::try_from(row.method()).unwrap_or(MethodFilter::GET);
        let serve = move |State(state): State<ManagementState>,
                          segments: Option<Path<Vec<(String, String)>>>,
                          Query(query): Query<Vec<(String, String)>>,
                          request: Request<Body>| {
            serve(row, state, segments.map(|s| s.0).unwrap_or_default(), query, request)
        };
        router = router.route(row.path, on(filter, serve));
    }
    for row in login::open_rows() {
        let method = Method::from_bytes(row.method.as_bytes()).unwrap_or(Method::GET);
        let serve = move |State(state): State<ManagementState>,
                          Query(query): Query<Vec<(String, String)>>,
                          request: Request<Body>| visit(row, state, query, request);
        router = router.route(row.path, on(MethodFilter::try_from(method).unwrap_or(MethodFilter::GET), serve));
    }
    router
        .fallback(|| async { answer::nobody(404, "Not Found") })
        .method_not_allowed_fallback(|| async { answer::nobody(405, "Method Not Allowed") })
        .with_state(state)
}

/// Somebody without a key.
async fn visit(
    row: &'static OpenRow,
    state: ManagementState,
    query: Vec<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, row.largest).await else {
        let message = format!("The body must not be larger than {} KB", row.largest >> 10);
        return answer::of(Err(Error::new(Kind::TooLarge, message).into()));
    };
    let background = state.accounts.background().clone();
    let ManagementState { accounts, sso } = state;
    let (ways, sso) = (accounts.settings(), sso.get());
    let source = behind(&ways, &parts);
    let path = parts.uri.path().to_owned();
    let visit = Visit { accounts, ways, sso, source, path, headers: parts.headers, query, body };
    background.spawn((row.run)(visit)).await.unwrap_or_else(|error| {
        tracing::error!(%error, path = row.path, "a login broke off");
        answer::of(Err(Error::internal("the call broke off").into()))
    })
}

/// Who is connected, as the server says.
fn source(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Connected>().map(|connected| connected.0)
}

/// Where a request comes from: behind proxies that are trusted, if there are any.
fn behind(ways: &AccountsSettings, parts: &Parts) -> Option<IpAddr> {
    source(parts).map(|connected| ways.entry.network.caller(connected, &parts.headers))
}

async fn serve(
    row: &'static Row,
    state: ManagementState,
    segments: Vec<(String, String)>,
    query: Vec<(String, String)>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let accounts = state.accounts.clone();
    let outcome = match steps(row, state, segments, query, &parts, body).await {
        Ok(Answer::Pieces(pieces)) => return pieces.response(),
        Ok(Answer::Whole(json)) => Ok(json),
        Err(problem) => Err(problem),
    };
    if let Err(Problem::Refused(error)) = &outcome
        && error.openai_type() == NO_DATABASE
    {
        accounts.database_failed("a management call", &error.message);
    }
    match row.dialect {
        Dialect::Plain => answer::of(outcome),
        Dialect::Scim => scim::of(row.method, outcome),
    }
}

async fn steps(
    row: &'static Row,
    state: ManagementState,
    segments: Vec<(String, String)>,
    query: Vec<(String, String)>,
    parts: &Parts,
    body: Body,
) -> Outcome<Answer> {
    let ways = state.accounts.settings();
    let credential = llm_accounts::credential(&parts.headers, ways.login.key_header.as_deref());
    let asking = Asking {
        credential,
        headers: &parts.headers,
        method: parts.method.as_str(),
        path: parts.uri.path(),
        connected: source(parts),
    };
    let who = state.accounts.enter(&asking).await?;
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    // The route that the router matched is the one that is asked for, not a text put together from headers.
    state.accounts.authorize(&who, row.permission, parts.uri.path(), reads)?;
    if row.permission == Permission::OrgAdmin {
        administers(&state.accounts, &who, parts.uri.path(), reads).await?;
    }
    let bytes = axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|_| {
        Error::new(Kind::TooLarge, format!("The body must not be larger than {} MB", LARGEST_BODY >> 20))
    })?;
    without_nul(query.iter().chain(&segments))?;
    let changed_by = parts.headers.get("litellm-changed-by").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let background = state.accounts.background().clone();
    let call = Call {
        accounts: state.accounts,
        who,
        changed_by,
        source: behind(&ways, parts),
        sso: state.sso.get(),
        query,
        segments,
        body: read(&bytes)?,
    };
    let running = background.spawn((row.run)(call));
    running.await.unwrap_or_else(|error| {
        tracing::error!(%error, path = row.path, "a management call broke off");
        Err(Error::internal("the call broke off").into())
    })
}

/// Whether the caller administers an organization: only the store knows.
async fn administers(accounts: &Accounts, who: &Arc<Identity>, path: &str, reads: bool) -> Outcome<()> {
    let (asking, caller) = (accounts.clone(), Arc::clone(who));
    let asked = accounts.background().spawn(async move { asking.administers_any(&caller, reads).await });
    let fine = asked.await.unwrap_or_else(|_| Err(Error::internal("the call broke off").into()))?;
    if fine { Ok(()) } else { Err(who.above(path).into()) }
}

/// The body as JSON; null when it is empty.
fn read(bytes: &Bytes) -> Outcome<Json> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Json::Null);
    }
    let wrong = |kind, message| {
        let (field, input) = (String::new(), Json::Object(Vec::new()));
        Problem::Fields(vec![FieldProblem { field, kind, message, input }])
    };
    let body = serde_json::from_slice(bytes).map_err(|_| wrong("json_invalid", "JSON decode error"))?;
    if has_nul(&body) { Err(wrong("string_unicode", NO_NUL)) } else { Ok(body) }
}

/// Databases do not keep such texts.
const NO_NUL: &str = "Input should be a text without the character U+0000";

fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Refuses a text of the path or the query that no database keeps.
fn without_nul<'t>(mut texts: impl Iterator<Item = &'t (String, String)>) -> Outcome<()> {
    let Some((name, _)) = texts.find(|(_, value)| value.contains('\0')) else { return Ok(()) };
    let field = format!("{}{name}", answer::QUERY);
    Err(Problem::Fields(vec![FieldProblem { field, kind: "string_unicode", message: NO_NUL, input: Json::Null }]))
}
