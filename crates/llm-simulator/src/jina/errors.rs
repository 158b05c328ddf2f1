//! Jina's error bodies.

use crate::wording::{Wording, data};

use super::frames;

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json",
    statuses: &[
        (401, "Unauthorized"),
        (404, "Model @model@ not found"),
        (429, "Rate limit exceeded. Please try again later."),
        (500, "Internal server error"),
    ],
    other: "The request failed with status @status@",
    context: (422, "Input text exceeds maximum length of 8194 tokens"),
    policy: (400, "The request was refused"),
    quota: (402, "Account balance not enough to run this query, please recharge."),
    no_key: "Authentication required",
    wrong_key: "Invalid API key",
    unknown_path: (r#"{"detail":"Not Found"}"#, "application/json"),
    unreadable: "JSON decode error",
    invalid: 422,
    event: data,
};
