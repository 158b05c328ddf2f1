//! What visitors are refused with, as LiteLLM names it: `auth_error` whatever the status.

use llm_types::{Error, Kind};

/// The type of all of them.
const TYPE: &str = "auth_error";

/// 400.
pub(super) fn bad(why: &str) -> Error {
    Error::bad_request(why).with_type(TYPE)
}

/// 401.
pub(super) fn unauthorized(why: &str) -> Error {
    Error::new(Kind::Authentication, why).with_type(TYPE)
}

/// 403.
pub(super) fn forbidden(why: &str) -> Error {
    Error::new(Kind::PermissionDenied, why).with_type(TYPE)
}

/// 501: the gateway was not told how.
pub(super) fn not_set_up(why: &str) -> Error {
    Error::new(Kind::NotFound, why).with_status(501).with_type(TYPE)
}
