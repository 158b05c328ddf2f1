//! The lines of OpenAI's files.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use llm_types::{Error, OperationKind, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Failed;
use crate::openai::object::Obj;

/// A request of a file.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Which one it is, from 0.
    pub number: usize,
    /// The client's name of it.
    pub custom_id: Cow<'a, str>,
    /// The kind of call.
    pub operation: OperationKind,
    /// The model in its body.
    pub model: Option<Cow<'a, str>>,
    /// Its body, one JSON object.
    pub body: &'a str,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    custom_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
}

/// The lines of a file that hold something, numbered from 0.
pub fn lines(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    file.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).enumerate()
}

impl<'a> Line<'a> {
    /// Reads a request. One without a name gets LiteLLM's: `CALL` and its number in seven digits.
    ///
    /// # Errors
    /// `BadRequest` when it is no request, or one of a kind that only OpenAI's hosts take.
    pub fn read(number: usize, text: &'a [u8]) -> Result<Self> {
        let bad = |why: &str| Error::bad_request(format!("line {} of the file: {why}", number + 1)).with_param("file");
        let line: Text<'a> = serde_json::from_slice(text).map_err(|e| bad(&e.to_string()))?;
        let body = line.body.map(RawValue::get).filter(|body| body.starts_with('{'));
        let body = body.ok_or_else(|| bad("it has no body"))?;
        let operation = match line.url.as_deref().map(|url| url.trim_start_matches("/v1").trim_matches('/')) {
            None | Some("" | "chat/completions") => OperationKind::Generate,
            Some("embeddings") => OperationKind::Embed,
            Some(_) => return Err(bad("only /v1/chat/completions and /v1/embeddings are served here")),
        };
        let named: Body<'a> = serde_json::from_str(body).map_err(|e| bad(&e.to_string()))?;
        let custom_id = line.custom_id.unwrap_or_else(|| Cow::Owned(format!("CALL{number:07}")));
        Ok(Self { number, custom_id, operation, model: named.model.filter(|m| !m.is_empty()), body })
    }
}

/// Writes the line of a request that was answered. `id` is the answer's, `body` one JSON object.
pub fn success(custom_id: &str, id: &str, body: &[u8], out: &mut BytesMut) {
    let mut line = opened(custom_id, id, out);
    let mut response = line.obj("response");
    response.u64("status_code", 200);
    response.str("request_id", id);
    response.key("body").put_slice(body);
    drop(response);
    line.text("error", "null");
    drop(line);
    out.put_u8(b'\n');
}

/// Writes the line of a request that failed.
pub fn failure(custom_id: &str, failed: &Failed, out: &mut BytesMut) {
    let mut line = opened(custom_id, custom_id, out);
    match (failed.status, &failed.body) {
        (Some(status), body) => {
            let mut response = line.obj("response");
            response.u64("status_code", status.into());
            response.text("request_id", "null");
            response.text("body", body.as_ref().map_or("{}", |b| b.get()));
        }
        (None, _) => line.text("response", "null"),
    }
    let mut error = line.obj("error");
    error.str("code", &failed.code);
    error.str("message", &failed.message);
    drop(error);
    drop(line);
    out.put_u8(b'\n');
}

fn opened<'b>(custom_id: &str, id: &str, out: &'b mut BytesMut) -> Obj<'b> {
    let mut line = Obj::open(out);
    line.str("id", &format!("batch_req_{id}"));
    line.str("custom_id", custom_id);
    line
}
