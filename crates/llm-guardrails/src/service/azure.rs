//! Azure AI Content Safety: `azure/prompt_shield` (`text:shieldPrompt`) and `azure/text_moderations` (`text:analyze`).
//!
//! Facts: Microsoft's REST reference (2024-09-01: texts of 10,000 characters at the most), LiteLLM's requests as they were
//! seen on the wire: what the user said last, and each text of an answer.

use llm_types::{Json, Result};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, cut, lines};
use super::wire::invalid;
use crate::guardrail::{Direction, Mode};

const VARIABLES: &[(&str, &[&str])] = &[
    ("api_key", &["AZURE_CONTENT_SAFETY_API_KEY", "AZURE_GUARDRAIL_API_KEY"]),
    ("api_base", &["AZURE_CONTENT_SAFETY_ENDPOINT", "AZURE_GUARDRAIL_API_BASE"]),
];
/// Characters of a text at the most.
const LONGEST: usize = 10_000;
/// From this severity on, when nobody says.
const SEVERITY: i64 = 2;

pub(super) static PROMPT_SHIELD: Shape = Shape {
    kind: "azure/prompt_shield",
    base: None,
    path: "/contentsafety/text:shieldPrompt?api-version={api_version}",
    key: Some(("ocp-apim-subscription-key", "")),
    needs_key: true,
    modes: &[Mode::PreCall, Mode::DuringCall],
    variables: VARIABLES,
    own: &["api_version", "cost_tier", "price_per_1000_text_records"],
    set_up: version,
    ask: shield,
    read: shielded,
};

pub(super) static TEXT_MODERATION: Shape = Shape {
    kind: "azure/text_moderations",
    base: None,
    path: "/contentsafety/text:analyze?api-version={api_version}",
    key: Some(("ocp-apim-subscription-key", "")),
    needs_key: true,
    modes: &[Mode::PreCall, Mode::DuringCall, Mode::PostCall],
    variables: VARIABLES,
    own: &[
        "api_version",
        "severity_threshold",
        "severity_threshold_by_category",
        "categories",
        "blocklistNames",
        "haltOnBlocklistHit",
        "outputType",
    ],
    set_up: thresholds,
    ask: analyze,
    read: analyzed,
};

fn version(settings: &mut Settings) -> Vec<(&'static str, String)> {
    // `v1` is what older releases of LiteLLM wrote there.
    if settings.text("api_version").is_none_or(|version| version.is_empty() || version == "v1") {
        settings.params.insert("api_version".to_owned(), "2024-09-01".into());
    }
    Vec::new()
}

fn thresholds(settings: &mut Settings) -> Vec<(&'static str, String)> {
    let mut wrong = version(settings);
    if settings.params.get("severity_threshold").is_some_and(|t| !t.is_null() && whole(t).is_none()) {
        wrong.push(("severity_threshold", "must be a whole number".to_owned()));
    }
    let by_category = settings.params.get("severity_threshold_by_category").filter(|map| !map.is_null());
    if by_category.is_some_and(|m| m.as_object().is_none_or(|all| all.iter().any(|(_, v)| whole(v).is_none()))) {
        wrong.push(("severity_threshold_by_category", "must be a map from categories to whole numbers".to_owned()));
    }
    wrong
}

fn whole(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.trim().parse().ok())
}

/// What is judged, in pieces.
fn pieces(heard: &Heard<'_>) -> Vec<String> {
    let said = heard.last_said();
    let texts = match heard.direction {
        Direction::Request => vec![lines(&said)],
        Direction::Response => said.iter().map(|text| text.text.to_owned()).collect(),
    };
    texts.iter().flat_map(|text| cut(text, LONGEST)).map(std::borrow::Cow::into_owned).collect()
}

fn shield(_: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let body = |text| Json::object([("documents", Json::Array(Vec::new())), ("userPrompt", Json::from(text))]);
    pieces(heard).into_iter().map(|text: String| Ask { body: body(text), of: Vec::new() }).collect()
}

fn shielded(_: &Settings, _: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    let found = answer.get("userPromptAnalysis").and_then(|said| said.get("attackDetected")?.as_bool());
    match found {
        None => Err(invalid("does not say whether there is an attack")),
        Some(false) => Ok(Said::Fine),
        Some(true) => {
            // LiteLLM's words, which are Python's.
            let told = Json::from("Attack detected: {'attackDetected': True}");
            Ok(Said::stop("Violated Azure Prompt Shield guardrail policy", vec![("detection_message", told)]))
        }
    }
}

fn analyze(settings: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let own =
        |name: &str, default: Json| settings.params.get(name).filter(|v| !v.is_null()).cloned().unwrap_or(default);
    let all = ["Hate", "Sexual", "SelfHarm", "Violence"];
    let body = |text: String| {
        Json::object([
            ("text", Json::from(text)),
            ("categories", own("categories", Json::Array(all.into_iter().map(Json::from).collect()))),
            ("blocklistNames", own("blocklistNames", Json::Null)),
            ("haltOnBlocklistHit", own("haltOnBlocklistHit", false.into())),
            ("outputType", own("outputType", "FourSeverityLevels".into())),
        ])
    };
    pieces(heard).into_iter().map(|text| Ask { body: body(text), of: Vec::new() }).collect()
}

fn analyzed(settings: &Settings, _: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    let found = answer.get("categoriesAnalysis").and_then(Json::as_array).ok_or_else(|| invalid("has no analysis"))?;
    let general = settings.params.get("severity_threshold").and_then(whole).filter(|limit| *limit != 0);
    let by_category = settings.params.get("severity_threshold_by_category").filter(|map| !map.is_null());
    let default = (general.is_none() && by_category.is_none()).then_some(SEVERITY);
    for item in found {
        let category = item.text("category").unwrap_or_default();
        let severity = item.get("severity").and_then(Json::as_i64).ok_or_else(|| invalid("has no severity"))?;
        let own = by_category.and_then(|map| whole(map.get(category)?));
        let crossed = [own, general, default].into_iter().flatten().find(|limit| severity >= *limit);
        if let Some(limit) = crossed {
            let why = format!(
                "Azure Content Safety Guardrail: {category} crossed severity {limit}, Got severity: {severity}"
            );
            return Ok(Said::stop(why, Vec::new()));
        }
    }
    let hits = answer.get("blocklistsMatch").and_then(Json::as_array).unwrap_or_default();
    Ok(match hits.first().and_then(|hit| hit.text("blocklistName")) {
        Some(list) => Said::stop(format!("Azure Content Safety Guardrail: blocklist {list} matched"), Vec::new()),
        None => Said::Fine,
    })
}
