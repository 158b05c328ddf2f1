//! The answer of an API → the result of a tool.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use llm_http::ReplyBody;
use llm_types::{Json, RawJson};

use crate::fault::Fault;
use crate::upstream::http::kind;

/// Bytes of an answer that are told.
const LONGEST: usize = 4 << 20;
/// Bytes of an error that are told: enough to see which argument was wrong.
const OF_AN_ERROR: usize = 4 << 10;

/// The result of a call. What the API says of a request that it does not like is for the model to read; an API that refuses
/// our credential, or fails, is a fault.
pub(super) async fn result(reply: Response<ReplyBody>) -> Result<RawJson, Fault> {
    let status = reply.status().as_u16();
    let kind = kind(&reply).to_owned();
    match status {
        200..300 => Ok(match reply.into_body().collect_within(LONGEST).await? {
            Some(body) => told(content(&kind, &body), false),
            None => told(text(&format!("Error: the answer is longer than {LONGEST} bytes")), true),
        }),
        400..500 if !matches!(status, 401 | 403 | 407) => {
            let body = reply.into_body().collect_within(OF_AN_ERROR).await?.unwrap_or_default();
            let said = String::from_utf8_lossy(&body);
            Ok(told(text(&format!("Error: the API answered status {status}. {said}")), true))
        }
        _ => Err(Fault::Status(status)),
    }
}

fn told(content: Json, failed: bool) -> RawJson {
    Json::object([("content", Json::Array(vec![content])), ("isError", Json::from(failed))]).to_raw()
}

fn text(said: &str) -> Json {
    Json::object([("type", "text"), ("text", said)])
}

/// A body as MCP's content: pictures and sounds as what they are, the rest as text.
fn content(kind: &str, body: &[u8]) -> Json {
    let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media =
        ["image", "audio"].into_iter().find(|media| plain.strip_prefix(*media).is_some_and(|r| r.starts_with('/')));
    match (media.filter(|_| plain != "image/svg+xml"), std::str::from_utf8(body)) {
        (Some(media), _) => {
            let data = STANDARD.encode(body);
            Json::object([("type", media), ("data", data.as_str()), ("mimeType", plain.as_str())])
        }
        (None, Ok(said)) => text(said),
        (None, Err(_)) => text(&format!("[{} bytes of {plain}]", body.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_as_what_they_are() {
        for (kind, body, wanted) in [
            ("application/json; charset=utf-8", &b"{\"a\":1}"[..], r#"{"type":"text","text":"{\"a\":1}"}"#),
            ("image/PNG", b"\x89P", r#"{"type":"image","data":"iVA=","mimeType":"image/png"}"#),
            ("image/svg+xml", b"<svg/>", r#"{"type":"text","text":"<svg/>"}"#),
            ("application/zip", b"PK\xff", r#"{"type":"text","text":"[3 bytes of application/zip]"}"#),
            ("", b"", r#"{"type":"text","text":""}"#),
        ] {
            assert_eq!(content(kind, body).to_string(), wanted, "{kind}");
        }
    }
}
