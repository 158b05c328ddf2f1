//! JSON-RPC 2.0 as MCP uses it: <https://www.jsonrpc.org/specification>. Parameters and results stay text.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::{Json, RawJson};
use llm_wire::top::{Top, write_str};

/// Not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON, but no request.
pub const INVALID_REQUEST: i64 = -32600;
/// There is no such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters make no sense.
pub const INVALID_PARAMS: i64 = -32602;
/// Broken inside.
pub const INTERNAL_ERROR: i64 = -32603;
/// There is no such resource (MCP).
pub const RESOURCE_NOT_FOUND: i64 = -32002;

/// An error as JSON-RPC tells it.
#[derive(Debug, Clone)]
pub struct RpcError {
    /// Its number.
    pub code: i64,
    /// For people.
    pub message: String,
    /// What else is told.
    pub data: Option<RawJson>,
}

impl RpcError {
    /// An error without data.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    fn read(raw: &str) -> Option<Self> {
        let top = Top::parse(raw.as_bytes()).ok()?;
        let data = top.get("data").filter(|d| *d != "null").and_then(|d| RawJson::parse(d).ok());
        Some(Self { code: top.read("code")?, message: top.str("message").unwrap_or_default().into_owned(), data })
    }
}

/// A request: it wants an answer.
#[derive(Debug, Clone)]
pub struct Request {
    /// A text or a number.
    pub id: RawJson,
    /// What is asked for.
    pub method: String,
    /// An object.
    pub params: RawJson,
}

/// A message of either side.
#[derive(Debug, Clone)]
pub enum Message {
    /// It wants an answer.
    Request(Request),
    /// It wants none.
    Notification {
        /// What happened.
        method: String,
    },
    /// The answer to a request.
    Answer {
        /// The request's id, as text of JSON.
        id: String,
        /// What came of it.
        outcome: Result<RawJson, RpcError>,
    },
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// `PARSE_ERROR` for what is no JSON, `INVALID_REQUEST` for batches (MCP has none since 2025-06-18) and for what is no
    /// message.
    pub fn read(body: &[u8]) -> Result<Self, RpcError> {
        let Ok(top) = Top::parse(body) else {
            return Err(match is_list(body) {
                Some(true) => RpcError::new(INVALID_REQUEST, "Batches are not served: send one message per request"),
                Some(false) => RpcError::new(INVALID_REQUEST, "Invalid request: expected a JSON object"),
                None => RpcError::new(PARSE_ERROR, "Parse error: the body is not JSON"),
            });
        };
        let invalid = |why: &str| RpcError::new(INVALID_REQUEST, format!("Invalid request: {why}"));
        if top.str("jsonrpc").as_deref() != Some("2.0") {
            return Err(invalid("jsonrpc must be \"2.0\""));
        }
        let id = top.get("id");
        let Some(method) = top.str("method") else { return Self::answer(&top, id).ok_or_else(|| invalid("no method")) };
        let Some(id) = id else { return Ok(Self::Notification { method: method.into_owned() }) };
        if !(id.starts_with('"') || id.starts_with(|c: char| c.is_ascii_digit() || c == '-')) {
            return Err(invalid("id must be a text or a number"));
        }
        let params = top.get("params").filter(|p| *p != "null").unwrap_or("{}");
        if !params.starts_with('{') {
            return Err(RpcError::new(INVALID_PARAMS, "params must be an object"));
        }
        let raw = |text: &str| RawJson::parse(text).map_err(|_| invalid("not JSON"));
        Ok(Self::Request(Request { id: raw(id)?, method: method.into_owned(), params: raw(params)? }))
    }

    fn answer(top: &Top<'_>, id: Option<&str>) -> Option<Self> {
        let outcome = match (top.get("result"), top.get("error")) {
            (Some(result), _) => Ok(RawJson::parse(result).ok()?),
            (None, Some(error)) => Err(RpcError::read(error)?),
            (None, None) => return None,
        };
        Some(Self::Answer { id: id.unwrap_or("null").to_owned(), outcome })
    }
}

/// Whether JSON is a list; nothing for what is not JSON.
fn is_list(body: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(body).ok()?;
    RawJson::parse(text).ok().map(|raw| raw.get().trim_start().starts_with('['))
}

/// The answer to a request.
#[must_use]
pub fn answer(id: &str, outcome: &Result<RawJson, RpcError>) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.put_slice(id.as_bytes());
    match outcome {
        Ok(result) => {
            out.put_slice(b",\"result\":");
            out.put_slice(result.get().as_bytes());
        }
        Err(error) => {
            out.put_slice(b",\"error\":{\"code\":");
            out.put_slice(error.code.to_string().as_bytes());
            out.put_slice(b",\"message\":");
            write_str(&error.message, &mut out);
            if let Some(data) = &error.data {
                out.put_slice(b",\"data\":");
                out.put_slice(data.get().as_bytes());
            }
            out.put_u8(b'}');
        }
    }
    out.put_u8(b'}');
    out.freeze()
}

/// A request, or a notification without an id.
#[must_use]
pub fn ask(id: Option<u64>, method: &str, params: &str) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        out.put_slice(format!("\"id\":{id},").as_bytes());
    }
    out.put_slice(b"\"method\":");
    write_str(method, &mut out);
    if params != "{}" || id.is_some() {
        out.put_slice(b",\"params\":");
        out.put_slice(params.as_bytes());
    }
    out.put_u8(b'}');
    out.freeze()
}

/// What a side answers to requests that the other may not send: only a ping is answered.
#[must_use]
pub fn reply_to(request: &Request) -> Bytes {
    let outcome = match request.method.as_str() {
        "ping" => Ok(Json::Object(Vec::new()).to_raw()),
        other => Err(RpcError::new(METHOD_NOT_FOUND, format!("Method not found: {other}"))),
    };
    answer(request.id.get(), &outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let read = |text: &str| Message::read(text.as_bytes());
        let Ok(Message::Request(r)) = read(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#) else { panic!() };
        assert_eq!((r.id.get(), r.params.get()), ("\"a\"", "{}"));
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
            Ok(Message::Notification { .. })
        ));
        let Ok(Message::Answer { id, outcome }) = read(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"m"}}"#)
        else {
            panic!()
        };
        assert_eq!((id.as_str(), outcome.unwrap_err().code), ("7", -1));
    }

    #[test]
    fn what_is_no_message_is_refused_by_its_number() {
        for (text, code) in [
            ("{", PARSE_ERROR),
            ("\u{0}", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            ("3", INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
        ] {
            assert_eq!(Message::read(text.as_bytes()).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let error = RpcError { code: -5, message: "a \"b\"".to_owned(), data: RawJson::parse("[1]").ok() };
        let Ok(Message::Answer { outcome: Err(read), .. }) = Message::read(&answer("1", &Err(error))) else { panic!() };
        assert_eq!((read.code, &*read.message, read.data.unwrap().get()), (-5, "a \"b\"", "[1]"));
        assert_eq!(ask(None, "x", "{}"), r#"{"jsonrpc":"2.0","method":"x"}"#);
        assert_eq!(ask(Some(2), "x", "{}"), r#"{"jsonrpc":"2.0","id":2,"method":"x","params":{}}"#);
    }
}
