//! What clients say of what is kept of their calls: redaction, callbacks, tags, metadata of spend rows.

use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use crate::flow::Context;
use crate::steering::Steering;

/// What stands in for messages and answers that nobody may read later.
const REDACTED: &str = "redacted-by-litellm";

/// What is kept of what a call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Nothing: nobody wants to see it, or the client forbade it (`no-log`).
    Unsaid,
    /// That something was said: the operator or the client wants no more of it kept.
    Hidden,
    /// All of it.
    Told {
        /// The client wants it kept whatever the operator set up, and may.
        lifted: bool,
    },
}

impl Words {
    /// What body (`turn_off_message_logging`) and headers of a call say, the body first. Only keys that an administrator
    /// allowed it lift what the operator set up.
    pub(crate) fn of(ctx: &Context) -> Self {
        let own = || ctx.who.as_ref().is_some_and(|who| who.tells_content());
        if ctx.no_log || !(ctx.snapshot.wants_content || own()) {
            return Self::Unsaid;
        }
        let header = |name: &str| ctx.parts.headers.get(name).is_some_and(|value| is_on(value.as_bytes()));
        let enabled = || header("x-litellm-enable-message-redaction") || header("litellm-enable-message-redaction");
        let may_lift = || ctx.who.as_ref().is_some_and(|who| who.may_unredact());
        match ctx.wish.as_ref().and_then(|wish| wish.redact) {
            Some(true) => Self::Hidden,
            Some(false) if may_lift() => Self::Told { lifted: true },
            None if header("litellm-disable-message-redaction") && may_lift() => Self::Told { lifted: true },
            _ if enabled() || ctx.snapshot.settings.redact => Self::Hidden,
            _ => Self::Told { lifted: false },
        }
    }

    /// True when it is kept.
    pub(crate) const fn are_told(self) -> bool {
        matches!(self, Self::Told { .. })
    }

    /// True when it is kept whatever the operator set up.
    pub(crate) const fn are_lifted(self) -> bool {
        matches!(self, Self::Told { lifted: true })
    }

    /// What stands in for the messages of a request.
    pub(crate) fn messages() -> Option<RawJson> {
        RawJson::parse(format!(r#"[{{"role":"user","content":"{REDACTED}"}}]"#)).ok()
    }

    /// What stands in for an answer.
    pub(crate) fn response() -> Option<RawJson> {
        RawJson::parse(format!(r#"{{"text":"{REDACTED}"}}"#)).ok()
    }
}

/// Headers are switches here: any value but these turns them on.
fn is_on(value: &[u8]) -> bool {
    let off: [&[u8]; 4] = [b"", b"false", b"0", b"no"];
    !off.iter().any(|word| value.trim_ascii().eq_ignore_ascii_case(word))
}

/// The callbacks that are not told of a call, in lower case: those of its key and those of
/// `x-litellm-disable-callbacks`.
pub(crate) fn disabled_callbacks(ctx: &Context) -> Vec<Box<str>> {
    if !ctx.snapshot.settings.callbacks_may_be_disabled {
        return Vec::new();
    }
    let header = ctx.steering.get("x-litellm-disable-callbacks");
    // What the key's owner switched off stays off, whatever its holder says.
    let own = ctx.who.iter().flat_map(|who| who.disabled_callbacks()).map(|name| Box::from(name.as_str()));
    let said = header.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    own.chain(said.map(|name| Box::from(name.to_ascii_lowercase())).take(64)).collect()
}

/// Adds the tags that the operator makes of headers (`extra_spend_tag_headers`): `name: value`.
pub(crate) fn header_tags(ctx: &Context, tags: &mut Vec<String>) {
    for name in &ctx.snapshot.settings.tag_headers {
        let value = ctx.parts.headers.get(name.as_str()).and_then(|value| value.to_str().ok());
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let tag = format!("{name}: {value}");
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
}

/// The client's metadata with what `x-litellm-spend-logs-metadata` says; the header wins. What is no JSON object is ignored,
/// as in LiteLLM.
pub(crate) fn with_spend_metadata(metadata: Option<String>, steering: &Steering) -> Option<String> {
    let Some(header) = steering.get("x-litellm-spend-logs-metadata") else { return metadata };
    let object = serde_json::from_str::<Json>(header).ok().filter(|json| json.as_object().is_some());
    let Some(object) = object.map(|object| object.to_string()) else { return metadata };
    let own = metadata.as_deref().unwrap_or("{}");
    let edited =
        Top::parse(own.as_bytes()).ok().map(|top| top.edited(&[("spend_logs_metadata", Some(&object))]).to_vec());
    edited.and_then(|bytes| String::from_utf8(bytes).ok()).or(metadata)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn the_header_wins_over_the_body() {
        let with = |metadata: Option<String>, header: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-litellm-spend-logs-metadata", header.parse().unwrap());
            with_spend_metadata(metadata, &Steering::of(&headers))
        };
        let body = || Some(r#"{"a":1,"spend_logs_metadata":{"x":1}}"#.to_owned());
        assert_eq!(with_spend_metadata(body(), &Steering::default()), body());
        assert_eq!(with(body(), r#"{"y":"é"}"#), body(), "no text");
        assert_eq!(with(None, r#"{"y":2}"#).as_deref(), Some(r#"{"spend_logs_metadata":{"y":2}}"#));
        assert_eq!(with(body(), r#"{"y":2}"#).as_deref(), Some(r#"{"a":1,"spend_logs_metadata":{"y":2}}"#));
        assert_eq!(with(body(), "[1]"), body(), "no object");
    }

    #[test]
    fn switches_of_headers() {
        assert!(["true", "True", "1", "yes"].iter().all(|value| is_on(value.as_bytes())));
        assert!(["false", "False", "0", " ", ""].iter().all(|value| !is_on(value.as_bytes())));
    }
}
