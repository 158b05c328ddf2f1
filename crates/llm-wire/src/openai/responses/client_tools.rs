//! How calls are told to a Responses client whose tools went out as functions, see `bridge`.

use std::borrow::Cow;

use llm_types::Json;

use crate::codec::{ClientTool, Hints};
use crate::openai::object::Obj;

/// The one argument of a function that stands for a custom tool.
pub(crate) const CONTENT: &str = "content";

/// The client's tool behind a function that was called, where it is not that function itself.
pub(crate) fn find<'h>(hints: &'h Hints, sent: &str) -> Option<&'h ClientTool> {
    hints.client_tools.iter().find(|tool| tool.sent == sent)
}

/// Arguments of the function, for an input of the custom tool.
pub(crate) fn arguments_of(input: &str) -> String {
    match input.is_empty() {
        true => String::new(),
        false => Json::object([(CONTENT, input)]).to_string(),
    }
}

/// The input of the custom tool, from arguments of the function. A model that did not keep to the form wrote the input
/// itself.
pub(crate) fn input_of(arguments: &str) -> Cow<'_, str> {
    let tree: Option<Json> = serde_json::from_str(arguments).ok();
    match tree.as_ref().and_then(|t| t.get(CONTENT)) {
        Some(Json::String(text)) => Cow::Owned(text.clone()),
        Some(other) => Cow::Owned(other.to_string()),
        None => Cow::Borrowed(arguments),
    }
}

/// Writes what an item of a call says of its tool.
pub(crate) fn write(tool: Option<&ClientTool>, call_id: &str, sent: &str, arguments: &str, item: &mut Obj<'_>) {
    let custom = tool.is_some_and(|t| t.custom);
    item.str("type", if custom { "custom_tool_call" } else { "function_call" });
    item.str("call_id", call_id);
    item.str("name", tool.map_or(sent, |t| &t.name));
    item.opt_str("namespace", tool.and_then(|t| t.namespace.as_deref()));
    match custom {
        true => item.str("input", &input_of(arguments)),
        false => item.str("arguments", arguments),
    }
}

/// The prefix of an item's id.
pub(crate) fn prefix(tool: Option<&ClientTool>) -> &'static str {
    if tool.is_some_and(|t| t.custom) { "ctc" } else { "fc" }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use llm_types::Format;
    use llm_types::generate::{Choice, GenerateResponse, Part, PartKind, ToolCall};
    use llm_types::stream::{Delta, Event, PartStart};

    use super::*;
    use crate::codec::{ClientCodec, ReplyContext};
    use crate::openai::responses::Responses;

    fn context() -> ReplyContext {
        let tool = |sent: &str, name: &str, namespace: Option<&str>, custom| ClientTool {
            sent: sent.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            custom,
        };
        let client_tools = vec![tool("patch", "patch", None, true), tool("git__log", "log", Some("git"), false)];
        let hints = Hints { client_tools, ..Hints::default() };
        ReplyContext { hints, upstream: Some(Format::OpenAiChat), ..ReplyContext::default() }
    }

    fn call(name: &str, arguments: &str) -> Part {
        let (id, name, arguments) = ("c1".to_owned(), name.to_owned(), arguments.to_owned());
        Part::new(PartKind::ToolCall(ToolCall { id, name, arguments }))
    }

    #[test]
    fn calls_are_told_as_calls_of_the_clients_own_tools() {
        let parts = vec![call("patch", r#"{"content":"a\nb"}"#), call("git__log", "{}"), call("other", "{}")];
        let choices = vec![Choice { parts, ..Choice::default() }];
        let mut out = BytesMut::new();
        Responses.encode_response(&GenerateResponse { choices, ..GenerateResponse::default() }, &context(), &mut out);
        let json: Json = serde_json::from_slice(&out).unwrap();
        let items = json.get("output").and_then(Json::as_array).unwrap();
        let [patch, log, other] = items else { panic!("{json}") };
        assert_eq!((patch.text("type"), patch.text("input")), (Some("custom_tool_call"), Some("a\nb")));
        assert!(patch.text("id").unwrap().starts_with("ctc_") && patch.get("arguments").is_none());
        assert_eq!((log.text("name"), log.text("namespace")), (Some("log"), Some("git")));
        assert_eq!((other.text("type"), other.text("name")), (Some("function_call"), Some("other")));
    }

    #[test]
    fn the_input_of_a_custom_tool_is_told_when_it_is_whole() {
        let mut encoder = Responses.stream_encoder(&context()).unwrap();
        let mut out = BytesMut::new();
        let kind = PartStart::ToolCall { id: "c1".into(), name: "patch".into() };
        for event in [
            Event::Start(Box::default()),
            Event::PartStart { choice: 0, part: 0, kind },
            Event::Delta { choice: 0, part: 0, delta: Delta::Arguments(r#"{"content":"*** "#.into()) },
            Event::Delta { choice: 0, part: 0, delta: Delta::Arguments(r#"End"}"#.into()) },
            Event::PartEnd { choice: 0, part: 0 },
            Event::End,
        ] {
            encoder.event(&event, &mut out);
        }
        let told = String::from_utf8(out.to_vec()).unwrap();
        assert!(told.contains(r#""type":"response.custom_tool_call_input.delta""#) && !told.contains("function_call"));
        assert_eq!(told.matches(r#""input":"*** End""#).count(), 3, "done, item, answer: {told}");
    }

    #[test]
    fn a_model_that_writes_the_input_itself_is_understood() {
        assert_eq!(input_of("*** Begin"), "*** Begin");
        assert_eq!(input_of(&arguments_of("x \"y\"")), "x \"y\"");
        assert_eq!((arguments_of("").as_str(), input_of("")), ("", Cow::Borrowed("")));
    }
}
