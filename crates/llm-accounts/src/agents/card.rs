//! Cards of agents. What an agent publishes of itself is kept as far as the gateway can keep its word; address and
//! authentication are the gateway's.

use llm_types::Json;

use crate::keys::bad;
use crate::request::Outcome;

/// Versions of the protocol that agents are called in.
const VERSIONS: [&str; 2] = ["0.3", "1.0"];

/// Fields that are kept. `additionalInterfaces` is none of them: it would lead past the gateway.
const KEPT: &[&str] = &[
    "protocolVersion",
    "name",
    "description",
    "version",
    "capabilities",
    "defaultInputModes",
    "defaultOutputModes",
    "skills",
    "preferredTransport",
    "supportedInterfaces",
    "iconUrl",
    "provider",
    "documentationUrl",
    "securitySchemes",
    "security",
    "supportsAuthenticatedExtendedCard",
    "signatures",
    "url",
];

/// Capabilities that the gateway passes on.
const CAPABILITIES: &[&str] = &["streaming"];

/// `0.3` or `1.0` of a version with more digits; nothing for others.
fn version(text: &str) -> Option<&'static str> {
    let numbers: Vec<&str> = text.splitn(3, '.').collect();
    let (major, minor, patch) = match numbers.as_slice() {
        [major, minor] => (major, minor, "0"),
        [major, minor, patch] => (major, minor, *patch),
        _ => return None,
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let patch = patch.split(['-', '+']).next().unwrap_or_default();
    let fine = digits(major) && digits(minor) && digits(patch);
    VERSIONS.into_iter().find(|known| fine && *known == format!("{major}.{minor}"))
}

fn texts(list: &[&str]) -> Json {
    Json::Array(list.iter().map(|text| Json::from(*text)).collect())
}

/// Where an agent is called by its own card: `url`, or in version 1.0 the first interface that speaks JSON-RPC.
#[must_use]
pub fn agent_url(card: &Json) -> Option<&str> {
    let own = card.text("url").filter(|url| !url.is_empty());
    own.or_else(|| {
        let interfaces = card.get("supportedInterfaces").and_then(Json::as_array).unwrap_or_default();
        interfaces.iter().find(|one| one.text("protocolBinding") == Some("JSONRPC"))?.text("url")
    })
}

/// The card that is stored of an agent's own, whose `url` stays: calls go there.
///
/// # Errors
/// 400 for a version of the protocol that is not known.
pub(super) fn merged(own: &Json, name: Option<&str>, base: &str, id: &str) -> Outcome<Json> {
    let told = own.get("protocolVersion").filter(|version| !version.is_null());
    let served = match told {
        None => "1.0",
        Some(told) => told.as_str().and_then(version).ok_or_else(|| {
            let shown = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
            let why = format!("Unsupported protocolVersion '{shown}'. Supported versions: {}.", VERSIONS.join(", "));
            bad(why).with_param("agent_card_params")
        })?,
    };
    let mut card = own.clone();
    let lacks = |card: &Json, field: &str| match card.get(field) {
        None | Some(Json::Null) => true,
        Some(Json::String(text)) => text.is_empty(),
        Some(Json::Array(items)) => items.is_empty(),
        Some(Json::Object(fields)) => fields.is_empty(),
        Some(_) => false,
    };
    card.set("protocolVersion", served);
    if let Some(url) = agent_url(own) {
        card.set("url", url);
    }
    if let (true, Some(name)) = (lacks(&card, "name"), name) {
        card.set("name", name);
    }
    let can = |field: &str| own.get("capabilities").and_then(|c| c.get(field)).and_then(Json::as_bool) == Some(true);
    let can = CAPABILITIES.iter().filter(|field| can(field)).map(|field| (*field, Json::from(true)));
    card.set("capabilities", Json::object(can));
    let skill = Json::object([
        ("id", Json::from("chat")),
        ("name", Json::from("Chat")),
        ("description", Json::from("Talks with the agent.")),
        ("tags", texts(&["chat"])),
    ]);
    for (field, usual) in [
        ("version", Json::from("1.0.0")),
        ("skills", Json::Array(vec![skill])),
        ("defaultInputModes", texts(&["text"])),
        ("defaultOutputModes", texts(&["text"])),
    ] {
        if lacks(&card, field) {
            card.set(field, usual);
        }
    }
    at(&mut card, &format!("{base}/a2a/{id}"));
    let scheme = Json::object([("type", "http"), ("scheme", "bearer"), ("description", "A key of the gateway")]);
    card.set("securitySchemes", Json::object([("LiteLLMKey", scheme)]));
    card.set("security", Json::Array(vec![Json::object([("LiteLLMKey", Json::Array(Vec::new()))])]));
    let fields = card.as_object().unwrap_or_default().iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    Ok(Json::Object(fields.cloned().collect()))
}

/// Says in `supportedInterfaces` where the agent is.
fn at(card: &mut Json, place: &str) {
    let served = card.text("protocolVersion").unwrap_or("1.0").to_owned();
    let interface = Json::object([
        ("url", place.to_owned()),
        ("protocolBinding", "JSONRPC".to_owned()),
        ("protocolVersion", served),
    ]);
    card.set("supportedInterfaces", Json::Array(vec![interface]));
}

/// A card for clients of the gateway, where the agent is at `place`: the agent's own address stays unknown to them.
#[must_use]
pub fn own_card(card: &Json, place: &str) -> Json {
    let mut card = card.clone();
    card.remove("additionalInterfaces");
    card.set("url", place);
    at(&mut card, place);
    card
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn versions_with_more_digits_are_known() {
        for (text, known) in [
            ("0.3", Some("0.3")),
            ("0.3.0", Some("0.3")),
            ("1.0.1-rc.1+build", Some("1.0")),
            ("1.1", None),
            ("1", None),
            ("1.0.x", None),
            ("", None),
        ] {
            assert_eq!(version(text), known, "{text}");
        }
    }

    #[test]
    fn a_card_leads_to_the_gateway() {
        let own = json(
            r#"{"name":"n","url":"http://inside:9","protocolVersion":"0.3.0","capabilities":{"streaming":true,"pushNotifications":true},
                "additionalInterfaces":[{"url":"http://inside:10"}],"security":[{"own":[]}],"extra":1}"#,
        );
        let card = merged(&own, Some("internal"), "https://gw", "a-1").unwrap();
        assert_eq!((card.text("name"), card.text("url")), (Some("n"), Some("http://inside:9")));
        assert!(card.get("additionalInterfaces").is_none() && card.get("extra").is_none());
        assert_eq!(card.get("capabilities").unwrap().to_string(), r#"{"streaming":true}"#);
        let shown = own_card(&card, "https://gw/a2a/a-1");
        assert!(!shown.to_string().contains("inside"), "{shown}");
        assert!(shown.to_string().contains(r#""security":[{"LiteLLMKey":[]}]"#), "{shown}");
        assert!(merged(&json(r#"{"protocolVersion":"2.0"}"#), None, "", "a").is_err());
        assert_eq!(merged(&json("{}"), Some("internal"), "", "a").unwrap().text("name"), Some("internal"));
        let newer = json(
            r#"{"supportedInterfaces":[{"url":"http://g","protocolBinding":"GRPC"},{"url":"http://j","protocolBinding":"JSONRPC"}]}"#,
        );
        assert_eq!(merged(&newer, None, "", "a").unwrap().text("url"), Some("http://j"));
    }
}
