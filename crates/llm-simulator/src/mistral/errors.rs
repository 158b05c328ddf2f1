//! Mistral's error bodies.

use crate::wording::{Wording, data};

use super::frames;

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json",
    statuses: &[
        (401, "Unauthorized"),
        (404, "Invalid model: @model@"),
        (429, "Rate limit exceeded"),
        (500, "Service unavailable."),
    ],
    other: "The request failed with status @status@",
    context: (400, "Prompt contains 140012 tokens, too large for model with 131072 maximum context length"),
    policy: (400, "The request was refused by the moderation of the service"),
    quota: (429, "Service tier capacity exceeded for this model."),
    no_key: "Unauthorized",
    wrong_key: "Unauthorized",
    unknown_path: (r#"{"message":"no Route matched with those values"}"#, "application/json; charset=utf-8"),
    unreadable: "JSON decode error",
    invalid: 422,
    event: data,
};
