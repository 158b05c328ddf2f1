//! Answers and errors as LiteLLM's clients expect them.

use axum::body::{Body, Bytes};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use llm_accounts::{FieldProblem, Outcome, Problem};
use llm_types::{Error, Json};

/// Stands before the name of a field that came with the query.
pub(crate) const QUERY: char = '?';

/// The response of a call.
pub(crate) fn of(outcome: Outcome<Json>) -> Response<Body> {
    of_text(outcome.map(|answer| Bytes::from(answer.to_string())))
}

/// The response of a call that has its JSON written already.
pub(crate) fn of_text(outcome: Outcome<Bytes>) -> Response<Body> {
    match outcome {
        Ok(answer) => text(200, answer),
        Err(Problem::Fields(problems)) => json(422, &detail(&problems)),
        Err(Problem::Refused(error)) => refused(&error),
    }
}

/// `{"error":{...}}` with the status of the error.
pub(crate) fn refused(error: &Error) -> Response<Body> {
    let mut response = json(error.status(), &Json::object([("error", self::error(error))]));
    if let Some(wait) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs_f64().ceil() as u64));
    }
    response
}

/// What stands under `error`.
pub(crate) fn error(error: &Error) -> Json {
    let code = error.code.clone().unwrap_or_else(|| error.status().to_string());
    Json::object([
        ("message", Json::from(error.message.as_str())),
        ("type", Json::from(error.openai_type())),
        ("param", Json::from(error.param.as_deref())),
        ("code", Json::from(code)),
    ])
}

/// The list that a validation error answers.
fn detail(problems: &[FieldProblem]) -> Json {
    let entry = |problem: &FieldProblem| {
        let (place, name) = match problem.field.strip_prefix(QUERY) {
            Some(name) => ("query", name),
            None => ("body", problem.field.as_str()),
        };
        let mut loc = vec![Json::from(place)];
        // A field inside of another: `object_permission.agents`.
        loc.extend(name.split('.').filter(|part| !part.is_empty()).map(Json::from));
        Json::object([
            ("type", Json::from(problem.kind)),
            ("loc", Json::Array(loc)),
            ("msg", Json::from(problem.message)),
            ("input", problem.input.clone()),
        ])
    };
    Json::object([("detail", Json::Array(problems.iter().map(entry).collect()))])
}

/// A JSON response.
pub(crate) fn json(status: u16, body: &Json) -> Response<Body> {
    text(status, Bytes::from(body.to_string()))
}

fn text(status: u16, json: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer for a path or a method that nobody serves.
pub(crate) fn nobody(status: u16, what: &str) -> Response<Body> {
    json(status, &Json::object([("detail", what)]))
}
