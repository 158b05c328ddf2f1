//! JSON-RPC of A2A (<https://a2a-protocol.org/latest/specification/>): the methods of 0.3 and their names in 1.0.

use bytes::Bytes;
use http::{HeaderMap, Response};
use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::errors;
use crate::pass::once::names_stand_once;

/// Codes of JSON-RPC, and the one that LiteLLM uses for what has none.
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const NO_METHOD: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;
pub(super) const NO_AGENT: i64 = -32000;
/// A2A's code for operations that an agent does not have.
pub(super) const NOT_SERVED: i64 = -32004;

/// The methods that are passed on, and their names in version 1.0.
const METHODS: [(&str, &str); 11] = [
    (SEND, "SendMessage"),
    (STREAM, "SendStreamingMessage"),
    ("tasks/get", "GetTask"),
    ("tasks/list", "ListTasks"),
    ("tasks/cancel", "CancelTask"),
    (RESUBSCRIBE, "SubscribeToTask"),
    (PUSH, "CreateTaskPushNotificationConfig"),
    ("tasks/pushNotificationConfig/get", "GetTaskPushNotificationConfig"),
    ("tasks/pushNotificationConfig/list", "ListTaskPushNotificationConfigs"),
    ("tasks/pushNotificationConfig/delete", "DeleteTaskPushNotificationConfig"),
    (EXTENDED_CARD, "GetExtendedAgentCard"),
];

/// A message for the agent.
pub(super) const SEND: &str = "message/send";
/// The same, answered as a stream.
pub(super) const STREAM: &str = "message/stream";
/// A stream is taken up again.
pub(super) const RESUBSCRIBE: &str = "tasks/resubscribe";
/// Where the agent is to tell of a task.
pub(super) const PUSH: &str = "tasks/pushNotificationConfig/set";
/// The card for callers whom the agent knows.
pub(super) const EXTENDED_CARD: &str = "agent/getAuthenticatedExtendedCard";

/// What a client asks of an agent.
#[derive(Debug)]
pub(super) struct Message {
    /// The id, as it is written.
    pub(super) id: String,
    /// The method, by its name in 0.3.
    pub(super) method: &'static str,
    /// The client called it by its name in 1.0.
    pub(super) newer: bool,
    /// The parameters, as they are written.
    pub(super) params: Option<String>,
}

/// Why a message is none: id, code, text.
type Wrong = (String, i64, String);

impl Message {
    /// Reads a body.
    ///
    /// # Errors
    /// What the client is told.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let none = || "null".to_owned();
        let top = Top::parse(body)
            .map_err(|_| (none(), INVALID_REQUEST, "Invalid Request: the body must be a JSON object".to_owned()))?;
        let id = top.get("id").filter(|id| !id.starts_with(['{', '['])).map_or_else(none, str::to_owned);
        if !names_stand_once(body) {
            return Err((id, INVALID_REQUEST, "Invalid Request: a name stands twice in an object".to_owned()));
        }
        if top.str("jsonrpc").as_deref() != Some("2.0") {
            return Err((id, INVALID_REQUEST, "Invalid Request: jsonrpc must be '2.0'".to_owned()));
        }
        let named = top.str("method").unwrap_or_default();
        let Some((method, _)) = METHODS.iter().find(|(old, new)| *old == named || *new == named) else {
            return Err((id, NO_METHOD, format!("Method '{named}' not found")));
        };
        Ok(Self { id, method, newer: named != *method, params: top.get("params").map(str::to_owned) })
    }

    /// The answer is a stream.
    pub(super) fn streams(&self) -> bool {
        matches!(self.method, STREAM | RESUBSCRIBE)
    }

    /// A message for the agent: those are charged.
    pub(super) fn says(&self) -> bool {
        matches!(self.method, SEND | STREAM)
    }

    /// Addresses that the agent is to tell of a task, in both versions.
    pub(super) fn callbacks(&self) -> Vec<String> {
        let params =
            self.params.as_deref().and_then(|text| serde_json::from_str::<Json>(text).ok()).unwrap_or_default();
        let below = |path: &[&str]| path.iter().try_fold(&params, |json, name| json.get(name));
        // Some agents take the names of their language's objects too.
        let places: [&[&str]; 8] = [
            &["url"],
            &["pushNotificationConfig", "url"],
            &["push_notification_config", "url"],
            &["config", "url"],
            &["configuration", "pushNotificationConfig", "url"],
            &["configuration", "push_notification_config", "url"],
            &["configuration", "taskPushNotificationConfig", "url"],
            &["configuration", "task_push_notification_config", "url"],
        ];
        let urls = places.iter().filter_map(|place| below(place)).filter(|url| !url.is_null());
        urls.map(|url| url.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// An error as JSON-RPC tells it.
pub(super) fn error(status: u16, id: &str, code: i64, text: &str) -> Response<Reply> {
    let text = RawJson::string(text);
    let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{}}}}}", text.get());
    errors::json(status, Bytes::from(body), HeaderMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let read =
            |text: &str| Message::read(text.as_bytes()).map(|m| (m.id, m.method)).map_err(|(id, code, _)| (id, code));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":"a","method":"message/send"}"#), Ok((r#""a""#.to_owned(), SEND)));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":7,"method":"SendStreamingMessage"}"#), Ok(("7".to_owned(), STREAM)));
        assert_eq!(read(r#"{"jsonrpc":"1.0","id":7}"#), Err(("7".to_owned(), INVALID_REQUEST)));
        assert_eq!(read("[]"), Err(("null".to_owned(), INVALID_REQUEST)));
        assert_eq!(read(r#"{"jsonrpc":"2.0","id":{"a":1},"method":"x"}"#), Err(("null".to_owned(), NO_METHOD)));
        let push = r#"{"jsonrpc":"2.0","id":1,"method":"message/send","params":{"configuration":{"pushNotificationConfig":{"url":"https://h"}}}}"#;
        assert_eq!(Message::read(push.as_bytes()).unwrap().callbacks(), ["https://h"]);
        let odd = r#"{"jsonrpc":"2.0","id":1,"method":"tasks/pushNotificationConfig/set","params":{"pushNotificationConfig":{"url":1}}}"#;
        assert_eq!(Message::read(odd.as_bytes()).unwrap().callbacks(), [""]);
        let snake = push.replace("pushNotificationConfig", "push_notification_config");
        assert_eq!(Message::read(snake.as_bytes()).unwrap().callbacks(), ["https://h"]);
        let twice = push.replace(r#""url":"https://h""#, r#""url":"http://127.0.0.1","url":"https://h""#);
        assert_eq!(read(&twice), Err(("1".to_owned(), INVALID_REQUEST)), "which of the two would be read?");
    }
}
