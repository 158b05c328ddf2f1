//! `generic_guardrail_api`: LiteLLM's own protocol for whoever wants to judge.
//!
//! Facts: LiteLLM's documentation of the protocol and its requests as they were seen on the wire. Pictures and definitions of
//! tools are not told; texts are, those of arguments and results of tools among them.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use llm_types::{Json, Result};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, role};
use super::wire::invalid;
use crate::guardrail::{Direction, Stop};

const PATH: &str = "/beta/litellm_basic_guardrail_api";
/// The version of LiteLLM whose protocol is spoken.
const VERSION: &str = "1.104.5";
/// Headers of the client whose values are told; of others it is told that they are there.
const TOLD: [http::HeaderName; 7] =
    [HOST, ACCEPT_ENCODING, CONNECTION, ACCEPT, CONTENT_TYPE, USER_AGENT, CONTENT_LENGTH];
const PREFIXES: [&str; 2] = ["x-stainless-", "x-litellm-"];

pub(super) static GENERIC: Shape = Shape {
    kind: "generic_guardrail_api",
    base: None,
    path: PATH,
    key: Some(("x-api-key", "")),
    needs_key: false,
    modes: &[],
    variables: &[("api_base", &["GENERIC_GUARDRAIL_API_BASE"])],
    own: &["headers", "extra_headers", "additional_provider_specific_params"],
    set_up,
    ask,
    read,
};

fn set_up(settings: &mut Settings) -> Vec<(&'static str, String)> {
    if let Some(base) = settings.base.strip_suffix(PATH) {
        settings.base = base.to_owned();
    }
    let mut wrong = settings.more_headers("headers");
    if settings.params.get("additional_provider_specific_params").is_some_and(|p| p.as_object().is_none()) {
        wrong.push(("additional_provider_specific_params", "must be a map".to_owned()));
    }
    if settings.params.get("extra_headers").is_some_and(|list| list.as_array().is_none()) {
        wrong.push(("extra_headers", "must be a list of names".to_owned()));
    }
    wrong
}

fn ask(settings: &Settings, heard: &Heard<'_>, facts: &Facts) -> Vec<Ask> {
    let direction = match heard.direction {
        Direction::Request => "request",
        Direction::Response => "response",
    };
    let spoken = heard.direction == Direction::Request && heard.texts.iter().all(|text| text.role.is_some());
    let mut more = settings.params.get("additional_provider_specific_params").cloned().unwrap_or_default();
    if more.is_null() {
        more = Json::Object(Vec::new());
    }
    more.extend(facts.extra.as_ref().and_then(Json::as_object).unwrap_or_default().iter().cloned());
    let texts = heard.texts.iter().map(|text| Json::from(text.text)).collect();
    let body = Json::object([
        ("input_type", Json::from(direction)),
        ("litellm_call_id", Json::from(facts.call_id.as_str())),
        ("litellm_trace_id", Json::from(facts.call_id.as_str())),
        ("structured_messages", if spoken { heard.messages(role) } else { Json::Null }),
        ("images", Json::Null),
        ("tools", Json::Null),
        ("texts", Json::Array(texts)),
        ("request_data", caller(facts)),
        ("request_headers", facts.headers.as_ref().map_or(Json::Null, |all| headers(all, facts, settings))),
        ("litellm_version", Json::from(VERSION)),
        ("additional_provider_specific_params", more),
        ("tool_calls", Json::Null),
        ("model", Json::from(facts.model.as_str())),
    ]);
    vec![Ask { body, of: Vec::new() }]
}

fn caller(facts: &Facts) -> Json {
    let who = &facts.caller;
    let fields = [
        ("user_api_key_hash", &who.key_hash),
        ("user_api_key_alias", &who.key_alias),
        ("user_api_key_user_id", &who.user_id),
        ("user_api_key_user_email", &who.user_email),
        ("user_api_key_team_id", &who.team_id),
        ("user_api_key_team_alias", &who.team_alias),
        ("user_api_key_end_user_id", &who.end_user),
        ("user_api_key_org_id", &who.organization_id),
    ];
    Json::object(fields.into_iter().filter_map(|(name, value)| Some((name, Json::from(&**value.as_ref()?)))))
}

fn headers(all: &HeaderMap, facts: &Facts, settings: &Settings) -> Json {
    let wanted: Vec<String> =
        settings.params.get("extra_headers").map(|_| settings.texts("extra_headers")).unwrap_or_default();
    let told = |name: &http::HeaderName| {
        let text = name.as_str();
        TOLD.contains(name)
            || PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            || wanted.iter().any(|more| more.eq_ignore_ascii_case(text))
    };
    // A key of the gateway may come in a header of LiteLLM's own name, or of the operator's choice.
    let of_key = facts.key_header.as_deref();
    let secret = |name: &http::HeaderName| {
        name.as_str().ends_with("-key") || of_key.is_some_and(|key| key.eq_ignore_ascii_case(name.as_str()))
    };
    let value = |name: &http::HeaderName, value: &http::HeaderValue| match value.to_str() {
        Ok(text) if told(name) && !secret(name) => text.to_owned(),
        _ => "[present]".to_owned(),
    };
    Json::object(all.iter().map(|(name, v)| (name.as_str(), value(name, v))))
}

fn read(_: &Settings, heard: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    match answer.text("action").unwrap_or_default() {
        "BLOCKED" => Ok(Said::Stop(Stop::new(answer.text("blocked_reason").unwrap_or("Content violates policy")))),
        "NONE" | "GUARDRAIL_INTERVENED" => match answer.get("texts") {
            None | Some(Json::Null) => Ok(Said::Fine),
            Some(Json::Array(new)) if new.is_empty() => Ok(Said::Fine),
            Some(Json::Array(new)) if new.len() == heard.texts.len() => {
                let mut texts = Vec::new();
                for (old, new) in heard.texts.iter().zip(new) {
                    let new = new.as_str().ok_or_else(|| invalid("has texts that are none"))?;
                    if new != old.text {
                        texts.push((old.at, new.to_owned()));
                    }
                }
                let masked = vec![("TEXT".to_owned(), u32::try_from(texts.len()).unwrap_or(u32::MAX))];
                Ok(if texts.is_empty() { Said::Fine } else { Said::Edited { texts, masked } })
            }
            Some(_) => Err(invalid("has not as many texts as it was asked about")),
        },
        _ => Err(invalid("has no action that there is")),
    }
}
