//! Refusals of callers who come without a key.

use llm_idp::Refused;
use llm_types::{Error, Kind};

pub(super) fn unauthorized(message: impl Into<String>) -> Error {
    Error::new(Kind::Authentication, message).with_type("auth_error").with_param("None")
}

pub(super) fn forbidden(message: impl Into<String>) -> Error {
    Error::new(Kind::PermissionDenied, message).with_type("auth_error")
}

/// A token that is not believed. What is wrong with it goes to the log: an attacker learns nothing from the answer.
pub(super) fn token(why: &Refused) -> Error {
    match why {
        Refused::Expired => unauthorized("Authentication Error, Token Expired"),
        Refused::Token(reason) => {
            tracing::info!(%reason, "a token was refused");
            unauthorized("Authentication Error, Invalid JWT: the token cannot be verified")
        }
        Refused::Unavailable(why) => unavailable(why),
    }
}

/// Nobody could be asked. Never a 401: the credential may be good.
pub(super) fn unavailable(why: &str) -> Error {
    tracing::error!(%why, "the identity provider cannot be asked");
    let message = "Authentication Error, the identity provider cannot be reached. Try again later.";
    Error::new(Kind::Unavailable, message).with_type("auth_provider_unavailable")
}
