//! Tavily's error bodies.

use crate::wording::{Wording, data};

use super::frames;

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json",
    statuses: &[
        (401, "Unauthorized: missing or invalid API key."),
        (429, "Your request has been blocked due to excessive requests. Please reduce rate of requests."),
        (500, "Internal Server Error"),
    ],
    other: "The request failed with status @status@",
    context: (400, "Query is too long. Max query length is 400 characters."),
    policy: (400, "Your query was refused."),
    quota: (432, "This request exceeds your plan's set usage limit. Please upgrade your plan or contact support."),
    no_key: "Unauthorized: missing or invalid API key.",
    wrong_key: "Unauthorized: missing or invalid API key.",
    unknown_path: (r#"{"detail":"Not Found"}"#, "application/json"),
    unreadable: "Invalid JSON body.",
    invalid: 400,
    event: data,
};
