//! The texts, types and codes of refusals, as LiteLLM words them. Keys and their hashes stay out of them.

use chrono::{DateTime, Utc};
use llm_store::StoreError;
use llm_types::{Error, Kind};

use crate::purse::usd;

fn auth(message: impl Into<String>) -> Error {
    Error::new(Kind::Authentication, message).with_type("auth_error").with_param("None")
}

pub(crate) fn no_key() -> Error {
    auth("Authentication Error, No api key passed in.")
}

pub(crate) fn malformed_key() -> Error {
    auth("Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix.")
}

pub(crate) fn not_a_virtual_key(shown: &str) -> Error {
    auth(format!("Authentication Error, LiteLLM Virtual Key expected. Received={shown}, expected to start with 'sk-'."))
}

pub(crate) fn unknown_key(shown: &str) -> Error {
    Error::new(
        Kind::Authentication,
        format!(
            "Authentication Error, Invalid proxy server token passed. Received API Key = {shown}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
        ),
    )
    .with_type("token_not_found_in_db")
    .with_param("key")
}

pub(crate) fn blocked_key() -> Error {
    auth("Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.")
}

pub(crate) fn inactive_user() -> Error {
    auth("Authentication Error, User is inactive. Contact your administrator.")
}

pub(crate) fn blocked_team(team: &str) -> Error {
    auth(format!("Authentication Error, Team={team} is blocked. Update via `/team/unblock` if you're an admin."))
}

pub(crate) fn blocked_end_user(id: &str) -> Error {
    auth(format!("Authentication Error, User blocked from making LLM API Calls. User={id}"))
}

pub(crate) fn blocked_project(project: &str) -> Error {
    auth(format!(
        "Authentication Error, Project={project} is blocked. Update via `/project/update` if you're an admin."
    ))
}

pub(crate) fn no_end_user() -> Error {
    auth("Authentication Error, 'user' param not passed in. 'enforce_user_param'=True")
}

pub(crate) fn client_tags() -> Error {
    Error::new(
        Kind::BadRequest,
        "Client-side 'metadata.tags' not allowed in request. 'reject_clientside_metadata_tags'=True",
    )
    .with_type("bad_request_error")
    .with_param("metadata.tags")
}

pub(crate) fn untraced() -> Error {
    let why = "Requests made with this agent's key must include the x-litellm-trace-id header.";
    Error::new(Kind::BadRequest, why).with_type("bad_request_error")
}

pub(crate) fn expired_token() -> Error {
    auth("Authentication Error, Token Expired")
}

pub(crate) fn expired_key(shown: &str, expires: DateTime<Utc>, now: DateTime<Utc>) -> Error {
    Error::new(
        Kind::Authentication,
        format!("Authentication Error - Expired Key. Key Expiry time {expires} and current time {now}"),
    )
    .with_type("expired_key")
    .with_param(shown)
}

/// The store did not answer. Never a 401: the key may be good.
pub(crate) fn store(error: &StoreError) -> Error {
    // What a client wrote, and no table takes: its values are in no message of ours.
    let why = match error {
        StoreError::Conflict(_) => Some("A value that has to be the only one of its kind is there already."),
        StoreError::Data(_) => {
            Some("The database takes no such value: it is too long, out of range or of a wrong form.")
        }
        _ => None,
    };
    if let Some(why) = why {
        tracing::warn!(%error, "the store refused a value");
        return Error::bad_request(why).with_type("bad_request_error");
    }
    tracing::error!(%error, "the store failed");
    if error.is_transient() {
        return no_database();
    }
    Error::internal("the database refused the call; the log says why")
}

pub(crate) fn no_database() -> Error {
    Error::new(Kind::Unavailable, "Authentication Error, the database cannot be reached. Try again later.")
        .with_type("no_db_connection")
}

/// Budgets are shared, and nobody can say what is left of them.
pub(crate) fn budgets_unknown() -> Error {
    Error::new(Kind::Unavailable, "Budgets cannot be checked: the shared store cannot be reached. Try again later.")
        .with_type("budget_unavailable")
}

/// Copies of the same team's keys are written by others, for too long.
pub(crate) fn copies_busy() -> Error {
    Error::new(Kind::Unavailable, "Keys of this team are being written to the secret manager. Try again later.")
}

/// One neutral sentence for every reason; the log has the reason.
pub(crate) fn model_denied(model: &str, openai_type: &str) -> Error {
    let mut error = Error::new(Kind::PermissionDenied, format!("You are not allowed to access model {model}."))
        .with_type(openai_type)
        .with_param("model");
    error.code = Some("403".to_owned());
    error
}

pub(crate) fn store_denied(store: &str, openai_type: &str) -> Error {
    let why = format!("You are not allowed to access vector store {store}.");
    Error::new(Kind::PermissionDenied, why).with_type(openai_type).with_param("vector_store")
}

pub(crate) fn index_denied(index: &str) -> Error {
    let why = format!(
        "User does not have permission to call vector store endpoint {index}. Ask your administrator to add the necessary permissions to your API key/Team."
    );
    Error::new(Kind::PermissionDenied, why).with_type("auth_error").with_param("allowed_vector_store_indexes")
}

pub(crate) fn route_denied(route: &str) -> Error {
    Error::new(
        Kind::PermissionDenied,
        format!("This key is not allowed to call this route. Tried to call route: {route}"),
    )
    .with_type("auth_error")
}

pub(crate) fn admin_only(route: &str, role: &str) -> Error {
    auth(format!(
        "Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route={route}. Your role={role}."
    ))
}

pub(crate) fn budget(what: &str, used: i64, max: i64, status: u16) -> Error {
    let (used, max) = (usd(used), usd(max));
    Error::new(Kind::BudgetExceeded, format!("Budget has been exceeded! {what}Current cost: {used}, Max budget: {max}"))
        .with_status(status)
}

/// A session has spent what it may; LiteLLM's words.
pub(crate) fn session_budget(session: &str, used: i64, max: i64) -> Error {
    let (used, max) = (usd(used), usd(max));
    Error::new(
        Kind::RateLimit,
        format!(
            "Session budget exceeded for session {session}. Current spend: ${used:.4}, max_budget_per_session: ${max:.2}."
        ),
    )
}

/// A session has made as many calls as it may; LiteLLM's words.
pub(crate) fn iterations(session: &str, count: i64, most: i64) -> Error {
    Error::new(
        Kind::RateLimit,
        format!("Max iterations exceeded for session {session}. Current count: {count}, max_iterations: {most}."),
    )
}

/// What a limit was about, for [`rate_limit`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excess<'a> {
    pub(crate) descriptor: &'a str,
    pub(crate) value: &'a str,
    pub(crate) limit_type: &'a str,
    pub(crate) limit: i64,
    pub(crate) remaining: i64,
    pub(crate) resets_at: DateTime<Utc>,
}

pub(crate) fn rate_limit(excess: &Excess<'_>, wait: std::time::Duration) -> Error {
    let Excess { descriptor, value, limit_type, limit, remaining, resets_at } = excess;
    let at = resets_at.format("%Y-%m-%d %H:%M:%S UTC");
    Error::new(
        Kind::RateLimit,
        format!(
            "Rate limit exceeded for {descriptor}: {value}. Limit type: {limit_type}. Current limit: {limit}, Remaining: {remaining}. Limit resets at: {at}"
        ),
    )
    .with_retry_after(wait)
}

/// The headers `rate_limit_type` and `reset_at` of an error, when it is a refusal of this crate's rate limits. They are
/// read off its message, which is the only thing an [`Error`] carries through the layers; `retry-after` is a field of it.
pub fn limit_headers(error: &Error) -> impl Iterator<Item = (&'static str, String)> {
    let ours = error.kind == Kind::RateLimit && error.upstream.is_none();
    let text = if ours && error.message.starts_with("Rate limit exceeded for ") { error.message.as_str() } else { "" };
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
    let kind = after(". Limit type: ").and_then(|rest| rest.split('.').next());
    let reset = after("Limit resets at: ");
    [("rate_limit_type", kind), ("reset_at", reset)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn headers_come_back_out_of_the_message() {
        let excess = Excess {
            descriptor: "api_key",
            value: "sk-...abcd",
            limit_type: "tokens",
            limit: 10,
            remaining: 0,
            resets_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        };
        let error = rate_limit(&excess, Duration::from_secs(60));
        assert_eq!(
            error.message,
            "Rate limit exceeded for api_key: sk-...abcd. Limit type: tokens. Current limit: 10, Remaining: 0. Limit resets at: 2023-11-14 22:13:20 UTC"
        );
        let headers: Vec<_> = limit_headers(&error).collect();
        assert_eq!(
            headers,
            [("rate_limit_type", "tokens".to_owned()), ("reset_at", "2023-11-14 22:13:20 UTC".to_owned())]
        );
        assert_eq!(limit_headers(&Error::new(Kind::RateLimit, "slow down")).count(), 0);
    }

    #[test]
    fn statuses_and_types() {
        let denied = model_denied("gpt-4o", "key_model_access_denied");
        assert_eq!(
            (denied.status(), denied.openai_type(), denied.code.as_deref()),
            (403, "key_model_access_denied", Some("403"))
        );
        let over = budget("Team=a ", 5_000_000_000, 1_500_000_000, 422);
        assert_eq!((over.status(), over.openai_type()), (422, "budget_exceeded"));
        assert_eq!(over.message, "Budget has been exceeded! Team=a Current cost: 5, Max budget: 1.5");
        assert_eq!((no_database().status(), no_database().openai_type()), (503, "no_db_connection"));
        assert_eq!((no_key().status(), no_key().openai_type()), (401, "auth_error"));
    }
}
