//! `aporia`: Aporia's guardrails (`POST {api_base}/validate`).
//!
//! Facts: Aporia's API reference, LiteLLM's requests as they were seen on the wire. As there, only the action `block` counts.

use llm_types::generate::Role;
use llm_types::{Json, Result};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, lines};
use super::wire::invalid;
use crate::guardrail::{Direction, Mode};

pub(super) static APORIA: Shape = Shape {
    kind: "aporia",
    base: None,
    path: "/validate",
    key: Some(("x-aporia-api-key", "")),
    needs_key: true,
    modes: &[Mode::PreCall, Mode::DuringCall, Mode::PostCall],
    variables: &[("api_key", &["APORIO_API_KEY"]), ("api_base", &["APORIO_API_BASE"])],
    own: &[],
    set_up: |_| Vec::new(),
    ask,
    read,
};

const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Developer | Role::Tool => "other",
    }
}

fn ask(_: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let body = match heard.direction {
        Direction::Request => {
            Json::object([("messages", heard.messages(role)), ("validation_target", Json::from("prompt"))])
        }
        Direction::Response => Json::object([
            ("messages", Json::Array(Vec::new())),
            ("response", Json::from(lines(&heard.texts))),
            ("validation_target", Json::from("response")),
        ]),
    };
    vec![Ask { body, of: Vec::new() }]
}

fn read(_: &Settings, _: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    match answer.text("action") {
        Some("block") => Ok(Said::stop("Violated guardrail policy", vec![("aporia_ai_response", answer.clone())])),
        Some(_) => Ok(Said::Fine),
        None => Err(invalid("has no action")),
    }
}
