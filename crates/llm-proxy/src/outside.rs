//! Where the gateway is, seen from outside.

use http::header::HOST;
use http::request::Parts;
use llm_accounts::FORWARDED_PROTO;

use crate::core::Core;

/// What the settings say, else what the request says; without a slash at the end.
#[must_use]
pub(crate) fn base(core: &Core, parts: &Parts) -> String {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = header(HOST.as_str()).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    core.app.accounts.settings().login.outside(host, header(FORWARDED_PROTO))
}
