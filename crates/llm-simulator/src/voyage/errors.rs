//! Voyage's error bodies.

use crate::wording::{Wording, data};

use super::frames;

pub(super) static ERRORS: Wording = Wording {
    body: frames::ERROR,
    content_type: "application/json",
    statuses: &[
        (401, "Provided API key is invalid."),
        (404, "Model @model@ is not supported."),
        (429, "You have exceeded your requests per minute (RPM) limit of 2000."),
        (500, "Server Error"),
        (503, "The service is under high traffic, please try again later."),
    ],
    other: "The request failed with status @status@",
    context: (
        400,
        "Request to model '@model@' failed. The example at index 0 in your batch has too many tokens and does not fit \
         into the model's context window.",
    ),
    policy: (400, "The request was refused"),
    quota: (402, "You have no credit left; please add a payment method in the billing page."),
    no_key: "No API key was provided.",
    wrong_key: "Provided API key is invalid.",
    unknown_path: (r#"{"detail":"Not Found"}"#, "application/json"),
    unreadable: "Could not parse the JSON body of your request.",
    invalid: 400,
    event: data,
};
