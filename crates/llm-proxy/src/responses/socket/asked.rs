//! What a client says.

use bytes::Bytes;
use llm_types::{Error, RawJson, Result};
use llm_wire::top::Top;

/// A response is wanted.
#[derive(Debug)]
pub struct Asked {
    /// The body that `POST /v1/responses` would have.
    pub body: Bytes,
    /// False: nothing is to be generated, the input is only to be remembered.
    pub generate: bool,
}

/// Reads an event of a client. Its fields are those of a request, also inside of `response`; `model` is what is meant
/// where it names none.
///
/// # Errors
/// 400 for what is no event, or one that nobody knows.
pub fn read(text: &str, model: Option<&str>) -> Result<Asked> {
    let top = Top::parse(text.as_bytes())?;
    match top.str("type").as_deref() {
        Some("response.create") => {}
        Some(other) => {
            let why = format!("unknown event type '{other}': a client may send 'response.create'");
            return Err(Error::bad_request(why).with_param("type"));
        }
        None => return Err(Error::bad_request("an event needs a 'type'").with_param("type")),
    }
    let inner = top.get("response").filter(|r| r.starts_with('{') && top.get("input").is_none());
    let inner = inner.map(|inner| Top::parse(inner.as_bytes())).transpose()?;
    let fields = inner.as_ref().unwrap_or(&top);
    let generate = fields.get("generate") != Some("false");
    let model = model.filter(|_| fields.str("model").is_none_or(|m| m.is_empty())).map(RawJson::string);
    let mut edits = vec![("stream", Some("true"))];
    let drop = ["type", "event_id", "background", "generate"];
    edits.extend(drop.iter().filter(|name| fields.get(name).is_some()).map(|name| (*name, None)));
    if let Some(model) = &model {
        edits.push(("model", Some(model.get())));
    }
    Ok(Asked { body: fields.edited(&edits), generate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_request() {
        let flat =
            r#"{"type":"response.create","model":"m","store":false,"input":"a","background":true,"event_id":"e"}"#;
        let asked = read(flat, Some("other")).unwrap();
        assert!(asked.generate);
        assert_eq!(asked.body, r#"{"model":"m","store":false,"input":"a","stream":true}"#);
        let nested = r#"{"type":"response.create","response":{"input":[],"generate":false}}"#;
        let asked = read(nested, Some("other")).unwrap();
        assert!(!asked.generate);
        assert_eq!(asked.body, r#"{"input":[],"stream":true,"model":"other"}"#);
    }

    #[test]
    fn other_events_are_refused() {
        for text in [r#"{"type":"response.cancel"}"#, r#"{"model":"m"}"#, "[]", "hello"] {
            assert_eq!(read(text, None).unwrap_err().status(), 400, "{text}");
        }
    }
}
