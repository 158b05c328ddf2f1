//! Errors of clients' requests, with the field to blame.

use llm_types::Error;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The client's request is wrong at `path`.
pub(crate) fn invalid(path: &str, problem: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("Invalid value for '{path}': {problem}")).with_param(path)
}

/// A required field is missing.
pub(crate) fn missing(path: &str) -> Error {
    Error::bad_request(format!("Missing required parameter: '{path}'.")).with_param(path)
}

/// Reads a value below `path`.
pub(crate) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str) -> Result<T, Error> {
    serde_json::from_str(raw.get()).map_err(|e| invalid(path, problem(&e)))
}

/// serde's words without the position, which would be one inside the value.
pub(crate) fn problem(e: &serde_json::Error) -> String {
    let text = e.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}
