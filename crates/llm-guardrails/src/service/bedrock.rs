//! `bedrock`: guardrails of Amazon Bedrock (`POST /guardrail/{id}/version/{version}/apply`, signed for `bedrock`).
//!
//! Facts: the `ApplyGuardrail` reference of AWS, LiteLLM's requests as they were seen on the wire. What is only anonymised goes
//! on as AWS wrote it; what a policy blocks stops the call. Long contents are judged in several requests: AWS takes 25 text units
//! of 1,000 characters in one.

use llm_types::auth::AwsAuth;
use llm_types::{AuthNeed, Json, Result, Secret};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, cut};
use super::wire::invalid;
use crate::guardrail::{Direction, Mode};

/// Characters in one request, when nobody says.
const BUDGET: usize = 25_000;

pub(super) static BEDROCK: Shape = Shape {
    kind: "bedrock",
    base: None,
    path: "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
    key: None,
    needs_key: false,
    modes: &[Mode::PreCall, Mode::DuringCall, Mode::PostCall, Mode::PreMcpCall, Mode::PostMcpCall],
    variables: &[
        ("aws_region_name", &["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]),
        ("aws_bedrock_runtime_endpoint", &["AWS_BEDROCK_RUNTIME_ENDPOINT"]),
    ],
    own: &[
        "guardrailIdentifier",
        "guardrailVersion",
        "chunk_budget_chars",
        "disable_exception_on_block",
        "aws_region_name",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_session_name",
        "aws_profile_name",
        "aws_role_name",
        "aws_web_identity_token",
        "aws_sts_endpoint",
        "aws_external_id",
        "aws_bedrock_runtime_endpoint",
    ],
    set_up,
    ask,
    read,
};

fn set_up(settings: &mut Settings) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for name in ["guardrailIdentifier", "guardrailVersion"] {
        if settings.text(name).is_none_or(str::is_empty) {
            wrong.push((name, "is missing".to_owned()));
        }
    }
    if settings.params.get("disable_exception_on_block").and_then(Json::as_bool) == Some(true) {
        wrong.push(("disable_exception_on_block", "answers in place of errors are not served yet".to_owned()));
    }
    let region = settings.text("aws_region_name").unwrap_or("us-west-2").to_owned();
    if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        wrong.push(("aws_region_name", "is no region".to_owned()));
    }
    settings.base = match settings.text("aws_bedrock_runtime_endpoint").filter(|url| !url.is_empty()) {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if settings.base.is_empty() => format!("https://bedrock-runtime.{region}.amazonaws.com"),
        None => settings.base.clone(),
    };
    let mut secret = |name: &str| settings.params.remove(name)?.as_str().filter(|s| !s.is_empty()).map(Secret::new);
    let need = AwsAuth {
        service: "bedrock".to_owned(),
        region,
        access_key_id: secret("aws_access_key_id"),
        secret_access_key: secret("aws_secret_access_key"),
        session_token: secret("aws_session_token"),
        web_identity_token: secret("aws_web_identity_token"),
        bearer: settings.key.take(),
        profile: settings.text("aws_profile_name").map(str::to_owned),
        role: settings.text("aws_role_name").map(str::to_owned),
        session_name: settings.text("aws_session_name").map(str::to_owned),
        external_id: settings.text("aws_external_id").map(str::to_owned),
        sts_endpoint: settings.text("aws_sts_endpoint").map(str::to_owned),
        ..AwsAuth::default()
    };
    settings.need = Some(AuthNeed::Aws(Box::new(need)));
    wrong
}

fn ask(settings: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let said = settings.params.get("chunk_budget_chars").and_then(Json::as_i64);
    let budget = said.and_then(|chars| usize::try_from(chars).ok()).filter(|chars| *chars > 0).unwrap_or(BUDGET);
    let source = match heard.direction {
        Direction::Request => "INPUT",
        Direction::Response => "OUTPUT",
    };
    let pieces =
        heard.texts.iter().enumerate().flat_map(|(at, text)| cut(text.text, budget).into_iter().map(move |p| (at, p)));
    let mut asks: Vec<(usize, Vec<Json>, Vec<usize>)> = Vec::new();
    for (at, piece) in pieces {
        let size = piece.chars().count();
        let item = Json::object([("text", Json::object([("text", piece.into_owned())]))]);
        match asks.last_mut() {
            Some((full, items, of)) if *full + size <= budget => {
                *full += size;
                items.push(item);
                of.push(at);
            }
            _ => asks.push((size, vec![item], vec![at])),
        }
    }
    let body = |items| Json::object([("source", Json::from(source)), ("content", Json::Array(items))]);
    asks.into_iter().map(|(_, items, of)| Ask { body: body(items), of }).collect()
}

/// The policies of an assessment, the lists in each, and what an entry of it is told by.
const POLICIES: &[(&str, &[(&str, &[&str])])] = &[
    ("topicPolicy", &[("topics", &["name", "type", "action"])]),
    ("contentPolicy", &[("filters", &["type", "confidence", "action"])]),
    ("wordPolicy", &[("customWords", &["action"]), ("managedWordLists", &["type", "action"])]),
    ("sensitiveInformationPolicy", &[("piiEntities", &["type", "action"]), ("regexes", &["name", "action"])]),
    ("contextualGroundingPolicy", &[("filters", &["type", "threshold", "score", "action"])]),
];

fn read(settings: &Settings, heard: &Heard<'_>, ask: &Ask, answer: &Json) -> Result<Said> {
    match answer.text("action") {
        Some("NONE") => return Ok(parts(heard, ask, answer, None)),
        Some("GUARDRAIL_INTERVENED") => {}
        _ => return Err(invalid("has no action")),
    }
    let outputs: Vec<&str> = answer
        .get("outputs")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|output| output.text("text"))
        .collect();
    let blocked = blocked(answer);
    if !blocked.is_empty() {
        let own = |name| Json::from(settings.text(name).unwrap_or_default());
        let more = vec![
            ("bedrock_guardrail_response", Json::from(outputs.concat())),
            ("guardrailIdentifier", own("guardrailIdentifier")),
            ("guardrailVersion", own("guardrailVersion")),
            ("assessments", Json::Array(blocked)),
        ];
        return Ok(Said::stop("Violated guardrail policy", more));
    }
    if outputs.len() != ask.of.len() {
        return Err(invalid("has not as many texts as it was asked about"));
    }
    Ok(parts(heard, ask, answer, Some(&outputs)))
}

/// What policies block, told without the words that were found.
fn blocked(answer: &Json) -> Vec<Json> {
    let mut out = Vec::new();
    for assessment in answer.get("assessments").and_then(Json::as_array).unwrap_or_default() {
        for (policy, lists) in POLICIES {
            let Some(found) = assessment.get(policy) else { continue };
            let mut matches = Vec::new();
            for (list, fields) in *lists {
                let entries = found.get(list).and_then(Json::as_array).unwrap_or_default();
                for entry in entries.iter().filter(|entry| entry.text("action") == Some("BLOCKED")) {
                    let own = fields.iter().map(|name| (*name, entry.get(name).cloned().unwrap_or_default()));
                    matches.push(Json::object([("category", Json::from(*list))].into_iter().chain(own)));
                }
            }
            if !matches.is_empty() {
                out.push(Json::object([("policy", Json::from(*policy)), ("matches", Json::Array(matches))]));
            }
        }
    }
    out
}

/// The texts as AWS wrote them, or as they were; a long one was asked about in parts.
fn parts(heard: &Heard<'_>, ask: &Ask, answer: &Json, outputs: Option<&[&str]>) -> Said {
    let asked = ask.body.get("content").and_then(Json::as_array).unwrap_or_default();
    let asked = asked.iter().map(|part| part.get("text").and_then(|text| text.text("text")).unwrap_or_default());
    let numbers = ask.of.iter().filter_map(|at| heard.texts.get(*at)).map(|text| text.at);
    let now: Vec<&str> = match outputs {
        Some(outputs) => outputs.to_vec(),
        None => asked.collect(),
    };
    let parts = numbers.zip(now).map(|(at, part)| (at, part.to_owned())).collect();
    let entities = answer.get("assessments").and_then(Json::as_array).unwrap_or_default().iter();
    let entities = entities.filter_map(|a| a.get("sensitiveInformationPolicy"));
    let names = entities.flat_map(|policy| {
        ["piiEntities", "regexes"]
            .iter()
            .flat_map(move |list| policy.get(list).and_then(Json::as_array).unwrap_or_default())
    });
    let masked = names.filter_map(|entry| Some((entry.text("type").or_else(|| entry.text("name"))?.to_owned(), 1)));
    Said::Parts { parts, masked: masked.collect() }
}
