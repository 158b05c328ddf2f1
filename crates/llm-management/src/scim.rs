//! Answers and errors as identity providers expect them (RFC 7644, 3.1 and 3.12).

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use llm_accounts::{Outcome, Problem};
use llm_types::Json;

use crate::answer;

/// The media type of SCIM.
const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Kinds of errors that SCIM has a word for.
const KINDS: &[&str] = &[
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "sensitive",
];

/// The response of a call: 201 for what was made, 204 for what was deleted.
pub(crate) fn of(method: &str, outcome: Outcome<Json>) -> Response<Body> {
    let mut response = match outcome {
        Ok(_) if method == "DELETE" => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
        Ok(answer) => {
            let made = method == "POST" && answer.get("meta").is_some();
            let mut response = answer::json(if made { 201 } else { 200 }, &answer);
            let place = answer.get("meta").and_then(|meta| meta.get("location")).and_then(Json::as_str);
            if let Some(place) = place.and_then(|place| HeaderValue::from_str(place).ok()) {
                response.headers_mut().insert(LOCATION, place);
            }
            response
        }
        Err(problem) => refused(&problem),
    };
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    response
}

/// An error of SCIM. LiteLLM's own shape stands beside it, for those who know only that.
fn refused(problem: &Problem) -> Response<Body> {
    let mut body =
        Json::object([("schemas", Json::Array(vec![Json::from("urn:ietf:params:scim:api:messages:2.0:Error")]))]);
    body.set("detail", problem.text());
    let status = match problem {
        Problem::Fields(_) => {
            body.set("scimType", "invalidSyntax");
            400
        }
        Problem::Refused(error) => {
            if KINDS.contains(&error.openai_type()) {
                body.set("scimType", error.openai_type());
            }
            body.set("error", answer::error(error));
            error.status()
        }
    };
    body.set("status", status.to_string());
    answer::json(status, &body)
}
