//! What is said in a session of OpenAI's realtime interface, for who judges it, and the events that tell of a stop.
//!
//! Facts: <https://platform.openai.com/docs/api-reference/realtime-client-events> and LiteLLM's `realtime_streaming`.

use llm_types::Json;

/// Texts that a client's event gives to the model.
pub fn texts_mut(event: &mut Json, each: &mut impl FnMut(&mut String)) {
    if let Some(item) = event.get_mut("item") {
        item_texts(item, each);
    }
    for place in ["response", "session"] {
        let Some(place) = event.get_mut(place) else { continue };
        text(place, "instructions", each);
        if let Some(Json::Array(items)) = place.get_mut("input") {
            items.iter_mut().for_each(|item| item_texts(item, each));
        }
    }
}

fn item_texts(item: &mut Json, each: &mut impl FnMut(&mut String)) {
    for name in ["output", "arguments"] {
        if let Some(value) = item.get_mut(name) {
            strings(value, each);
        }
    }
    if let Some(Json::Array(parts)) = item.get_mut("content") {
        for part in parts {
            text(part, "text", each);
            text(part, "transcript", each);
        }
    }
}

fn text(of: &mut Json, name: &str, each: &mut impl FnMut(&mut String)) {
    if let Some(Json::String(text)) = of.get_mut(name) {
        each(text);
    }
}

fn strings(value: &mut Json, each: &mut impl FnMut(&mut String)) {
    match value {
        Json::String(text) => each(text),
        Json::Array(items) => items.iter_mut().for_each(|item| strings(item, each)),
        Json::Object(fields) => fields.iter_mut().for_each(|(_, field)| strings(field, each)),
        _ => {}
    }
}

/// True for the result of a tool.
#[must_use]
pub fn is_tool_result(event: &Json) -> bool {
    event.get("item").and_then(|item| item.text("type")) == Some("function_call_output")
}

/// The result of a tool without what was stopped: some hosts wait for one.
pub fn withhold_result(event: &mut Json) {
    if let Some(item) = event.get_mut("item") {
        item.set("output", r#"{"error":"The output of the tool was withheld by a guardrail"}"#);
    }
}

/// What the host heard a person say, when the event tells it.
#[must_use]
pub fn transcript(event: &Json) -> Option<&str> {
    let heard = event.text("type") == Some("conversation.item.input_audio_transcription.completed");
    event.text("transcript").filter(|_| heard)
}

/// True for an event that begins a session in which nobody answers: what is heard is only written down.
#[must_use]
pub fn only_writes_down(event: &Json) -> bool {
    let kind = event.get("session").and_then(|session| session.text("type"));
    kind == Some("transcription") || event.text("type").is_some_and(|kind| kind.starts_with("transcription_session."))
}

/// A client's `session.update` after which the host answers nothing by itself, as it was told at first. What the client leaves
/// out stays as it is, and where it listens for no turns (`null`) nothing is answered anyway.
pub fn without_auto_response(event: &mut Json) {
    let Some(session) = event.get_mut("session") else { return };
    quiet(session);
    if let Some(input) = session.get_mut("audio").and_then(|audio| audio.get_mut("input")) {
        quiet(input);
    }
}

fn quiet(place: &mut Json) {
    if let Some(detection) = place.get_mut("turn_detection") {
        detection.set("create_response", false);
    }
}

/// An event of ours that says so. `beta`: the session speaks the language of `OpenAI-Beta: realtime=v1`.
#[must_use]
pub fn no_auto_response(beta: bool) -> Json {
    let detection = Json::object([("type", Json::from("server_vad")), ("create_response", Json::from(false))]);
    let session = if beta {
        Json::object([("turn_detection", detection)])
    } else {
        let input = Json::object([("turn_detection", detection)]);
        Json::object([("type", Json::from("realtime")), ("audio", Json::object([("input", input)]))])
    };
    Json::object([("type", Json::from("session.update")), ("session", session)])
}

/// The event that tells a client of a stop.
#[must_use]
pub fn stopped(why: &str) -> Json {
    let error = [("type", "guardrail_violation"), ("message", why), ("code", "content_policy_violation")];
    Json::object([("type", Json::from("error")), ("error", Json::object(error.map(|(k, v)| (k, Json::from(v)))))])
}

/// An event without fields: `response.create`, `response.cancel`.
#[must_use]
pub fn bare(kind: &str) -> Json {
    Json::object([("type", Json::from(kind))])
}

/// The turn that makes the model tell of a stop, for who listens and does not read.
#[must_use]
pub fn tell(why: &str) -> Json {
    let said = format!("Tell the user this, word for word and nothing else: {why}");
    let part = Json::object([("type", Json::from("input_text")), ("text", Json::from(said))]);
    let item = Json::object([
        ("type", Json::from("message")),
        ("role", Json::from("user")),
        ("content", Json::Array(vec![part])),
    ]);
    Json::object([("type", Json::from("conversation.item.create")), ("item", item)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn everything_that_a_client_says_is_found() {
        let mut event = json(
            r#"{"type":"x","item":{"content":[{"type":"input_text","text":"a"},{"type":"input_audio","transcript":"b"}],
            "output":"c"},"response":{"instructions":"d","input":[{"content":[{"text":"e"}]},{"output":{"x":["f"]}}]},
            "session":{"instructions":"g"}}"#,
        );
        let mut said = String::new();
        texts_mut(&mut event, &mut |text: &mut String| said.push_str(text));
        assert_eq!(said, "cabdefg");
    }

    #[test]
    fn nobody_answers_by_itself() {
        let quiet = |text: &str| {
            let mut event = json(text);
            without_auto_response(&mut event);
            event.to_string()
        };
        let flat = quiet(r#"{"session":{"turn_detection":{"create_response":true,"threshold":1}}}"#);
        assert_eq!(flat, r#"{"session":{"turn_detection":{"create_response":false,"threshold":1}}}"#);
        let nested = quiet(r#"{"session":{"audio":{"input":{"turn_detection":{"type":"server_vad"}}}}}"#);
        let said =
            r#"{"session":{"audio":{"input":{"turn_detection":{"type":"server_vad","create_response":false}}}}}"#;
        assert_eq!(nested, said);
        for same in ["{}", r#"{"session":{}}"#, r#"{"session":{"turn_detection":null}}"#] {
            assert_eq!(quiet(same), same);
        }
        assert_eq!(
            no_auto_response(true).to_string(),
            r#"{"type":"session.update","session":{"turn_detection":{"type":"server_vad","create_response":false}}}"#
        );
    }
}
