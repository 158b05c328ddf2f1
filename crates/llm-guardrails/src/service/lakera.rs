//! `lakera_v2`: Lakera Guard (`POST /v2/guard`).
//!
//! Facts: Lakera's API reference, LiteLLM's requests as they were seen on the wire. Personal data of which Lakera says where it
//! is, and nothing else, is masked; anything else stops the content, unless `on_flagged` is `monitor`.

use llm_types::{Json, Result};

use super::settings::Settings;
use super::shape::{Ask, Facts, Heard, Said, Shape, role};
use super::spans;
use crate::guardrail::Mode;

pub(super) static LAKERA: Shape = Shape {
    kind: "lakera_v2",
    base: Some("https://api.lakera.ai"),
    path: "/v2/guard",
    key: Some(("authorization", "Bearer ")),
    needs_key: false,
    modes: &[Mode::PreCall, Mode::DuringCall, Mode::PostCall],
    variables: &[("api_key", &["LAKERA_API_KEY"]), ("api_base", &["LAKERA_API_BASE"])],
    own: &["project_id", "payload", "breakdown", "metadata", "dev_info", "on_flagged"],
    set_up,
    ask,
    read,
};

fn set_up(settings: &mut Settings) -> Vec<(&'static str, String)> {
    match settings.text("on_flagged") {
        None | Some("block" | "monitor") => Vec::new(),
        Some("inject_system_message") => {
            vec![("on_flagged", "`inject_system_message` is not served yet; say `block` or `monitor`".to_owned())]
        }
        Some(_) => vec![("on_flagged", "must be `block` or `monitor`".to_owned())],
    }
}

fn ask(settings: &Settings, heard: &Heard<'_>, _: &Facts) -> Vec<Ask> {
    let own =
        |name: &str, default: Json| settings.params.get(name).filter(|v| !v.is_null()).cloned().unwrap_or(default);
    let body = Json::object([
        ("messages", heard.messages(role)),
        ("project_id", own("project_id", Json::Null)),
        ("payload", own("payload", true.into())),
        ("breakdown", own("breakdown", true.into())),
        ("metadata", own("metadata", Json::Null)),
        ("dev_info", own("dev_info", true.into())),
    ]);
    vec![Ask { body, of: Vec::new() }]
}

fn read(settings: &Settings, heard: &Heard<'_>, _: &Ask, answer: &Json) -> Result<Said> {
    if answer.get("flagged").and_then(Json::as_bool) != Some(true) {
        return match answer.get("flagged") {
            Some(Json::Bool(false)) => Ok(Said::Fine),
            _ => Err(super::wire::invalid("does not say whether it was flagged")),
        };
    }
    if only_personal(answer)
        && let Some(said) = masked(heard, answer)
    {
        return Ok(said);
    }
    if settings.text("on_flagged") == Some("monitor") {
        return Ok(Said::Fine);
    }
    let mut told = answer.clone();
    // It says what was found, word for word; of answers the client must not have it.
    told.remove("payload");
    Ok(Said::stop("Violated guardrail policy", vec![("lakera_guardrail_response", told)]))
}

fn only_personal(answer: &Json) -> bool {
    let all = answer.get("breakdown").and_then(Json::as_array).unwrap_or_default();
    let mut found = all.iter().filter(|item| item.get("detected").and_then(Json::as_bool) == Some(true)).peekable();
    found.peek().is_some() && found.all(|item| item.text("detector_type").is_some_and(|t| t.starts_with("pii/")))
}

/// The texts with what was found masked; nothing when Lakera does not say where all of it is.
fn masked(heard: &Heard<'_>, answer: &Json) -> Option<Said> {
    let found = answer.get("payload").and_then(Json::as_array).filter(|found| !found.is_empty())?;
    let (mut texts, mut counts) = (Vec::new(), Vec::new());
    let number = |item: &Json, name: &str| usize::try_from(item.get(name)?.as_i64()?).ok();
    for (at, text) in heard.texts.iter().enumerate() {
        let (mut places, mut words) = (Vec::new(), Vec::new());
        for item in found.iter().filter(|item| number(item, "message_id") == Some(at)) {
            let kind = item.text("detector_type")?.rsplit('/').next()?.to_uppercase();
            places.push((number(item, "start")?, number(item, "end")?));
            words.push(format!("[MASKED {kind}]"));
            counts.push((kind, 1));
        }
        let parts: Vec<_> = spans::bytes(text.text, &places)?.into_iter().zip(words).collect();
        if !parts.is_empty() {
            texts.push((text.at, spans::replaced(text.text, parts)));
        }
    }
    (!texts.is_empty() && counts.len() == found.len()).then_some(Said::Edited { texts, masked: counts })
}
