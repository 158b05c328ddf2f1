//! Names and passwords.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use http::header::{ACCEPT, RETRY_AFTER};
use llm_accounts::{Attempt, Outcome, Problem, Session};
use llm_types::{Error, Json, Kind, Secret};
use tokio::time::Instant;

use super::refusal::{bad, unauthorized};
use super::{Visit, page, reply};

/// A login that fails takes this long, whatever was wrong.
const FAILURE: Duration = Duration::from_millis(300);

/// Logs somebody in; the session and its token.
async fn logged_in(visit: &Visit, name: &str, password: &str) -> Outcome<(Session, String)> {
    let began = Instant::now();
    let password = Secret::new(password);
    let attempt = Attempt { source: visit.source, name, password: &password };
    let outcome = visit.accounts.log_in(&attempt).await;
    if outcome.is_err() {
        tokio::time::sleep_until(began + FAILURE).await;
    }
    let session = outcome?;
    let token = visit.accounts.session_token(&session)?;
    Ok((session, token))
}

/// `POST /login`: the form. On to the pages, with the cookie.
pub(super) async fn form(visit: Visit) -> Response<Body> {
    let text = |name| visit.field(name).unwrap_or_default();
    let outcome = match visit.is_own_page() {
        Ok(()) => logged_in(&visit, &text("username"), &text("password")).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok((_, token)) => {
            let back = visit.field("return_to");
            let mut response = reply::redirect(&visit.onward(back.as_deref()));
            reply::remember(&mut response, &visit, &token);
            response
        }
        Err(problem) => refused(&visit, problem),
    }
}

/// People see the form again, programs the error.
fn refused(visit: &Visit, problem: Problem) -> Response<Body> {
    let person = visit.header(ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    match &problem {
        Problem::Refused(error) if person => {
            let words = match error.kind {
                Kind::Authentication => "The user name or the password is wrong.",
                _ => error.message.as_str(),
            };
            let mut response = reply::html(error.status(), page::form(visit, Some(words)));
            if let Some(wait) = error.retry_after {
                response.headers_mut().insert(RETRY_AFTER, (wait.as_secs() + 1).into());
            }
            response
        }
        _ => reply::json(Err(problem)),
    }
}

/// The name and the password of a JSON body.
fn credentials(visit: &Visit) -> Outcome<(String, String)> {
    let body = visit.json()?;
    let text = |name: &str| body.text(name).unwrap_or_default().to_owned();
    Ok((text("username"), text("password")))
}

/// `POST /v2/login`: the same for pages that call it.
pub(super) async fn json(visit: Visit) -> Response<Body> {
    let outcome = async {
        visit.is_own_page()?;
        let (name, password) = credentials(&visit)?;
        logged_in(&visit, &name, &password).await
    };
    match outcome.await {
        Ok((_, token)) => {
            let answer = told(&visit, &token);
            let mut response = reply::json(Ok(answer));
            reply::remember(&mut response, &visit, &token);
            response
        }
        Err(problem) => reply::json(Err(problem)),
    }
}

fn told(visit: &Visit, token: &str) -> Json {
    Json::object([("redirect_url", visit.onward(None)), ("token", token.to_owned())])
}

/// Logins across origins are for gateways that a control plane looks after.
fn for_a_control_plane(visit: &Visit, path: &str) -> Outcome<()> {
    if visit.settings().control_plane {
        return Ok(());
    }
    let why = format!("{path} is only available on workers with control_plane_url configured");
    Err(Error::new(Kind::NotFound, why).with_type("not_found_error").with_param("control_plane_url").into())
}

/// `POST /v3/login`: answers a code that is good once, for a minute.
pub(super) async fn across(visit: Visit) -> Response<Body> {
    let outcome = async {
        for_a_control_plane(&visit, "/v3/login")?;
        let (name, password) = credentials(&visit)?;
        let (_, token) = logged_in(&visit, &name, &password).await?;
        let code = super::codes::keep(&visit.accounts, &token).await?;
        Ok(Json::object([("code", Json::from(code)), ("expires_in", Json::from(super::codes::SECONDS))]))
    };
    reply::json(outcome.await)
}

/// `POST /v3/login/exchange`: the code for the token.
pub(super) async fn exchange(visit: Visit) -> Response<Body> {
    let outcome = async {
        for_a_control_plane(&visit, "/v3/login/exchange")?;
        let body = visit.json()?;
        let code = body
            .text("code")
            .filter(|code| !code.is_empty())
            .ok_or_else(|| bad("Missing 'code' parameter").with_param("code"))?;
        let token = visit.accounts.redeem(code).await?;
        Ok(token.ok_or_else(|| unauthorized("Invalid or expired login code").with_param("code"))?)
    };
    match outcome.await {
        Ok(token) => {
            let mut response = reply::json(Ok(told(&visit, &token)));
            reply::remember(&mut response, &visit, &token);
            response
        }
        Err(problem) => reply::json(Err(problem)),
    }
}
