//! Replies of transcriptions.

use bytes::Bytes;
use llm_types::generate::UsageReport;
use llm_types::{Error, Json, Result};

use super::{Audio, sound, usage};
use crate::codec::http_headers::get;
use crate::codec::{ReplyView, StreamErrors};
use crate::openai::errors;
use crate::task::{TaskReply, TaskRequest};

/// A reply as clients see it: JSON as it came, anything else wrapped as its text.
pub(super) fn transcription(dialect: &Audio, request: &TaskRequest, reply: &ReplyView<'_>) -> Result<TaskReply> {
    if get(reply.headers, "content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(errors::invalid_reply(reply, "a web page"));
    }
    let json = reply.body.trim_ascii_start().starts_with(b"{");
    let tree = match serde_json::from_slice::<Json>(reply.body) {
        Ok(tree) => json.then_some(tree),
        // a text may begin so, JSON that is broken off may not pass for one
        Err(e) if json && get(reply.headers, "content-type").is_some_and(|kind| kind.contains("json")) => {
            return Err(errors::invalid_reply(reply, &e.to_string()));
        }
        Err(_) => None,
    };
    let heard = || request.files("file").next().and_then(sound::seconds);
    let Some(tree) = tree else {
        let text = String::from_utf8_lossy(reply.body);
        return Ok(text_reply(&text, heard().map(usage::seconds)));
    };
    if tree.get("text").is_none() {
        return Err(errors::invalid_reply(reply, "a transcription without 'text'"));
    }
    let used = usage::of_reply(&tree).or_else(|| heard().map(usage::seconds));
    let body = match dialect.shown {
        None => Bytes::copy_from_slice(reply.body),
        Some(shown) => {
            let fields = tree.as_object().unwrap_or_default().iter().filter(|(k, _)| shown.contains(&k.as_str()));
            Bytes::from(Json::Object(fields.cloned().collect()).to_string())
        }
    };
    Ok(TaskReply::json(body, used))
}

/// What came in place of sound.
pub(super) fn no_speech(reply: &ReplyView<'_>) -> Error {
    let tree: Option<Json> = serde_json::from_slice(reply.body).ok();
    match tree.as_ref().and_then(|tree| tree.get("error")).filter(|error| !error.is_null()) {
        Some(error) => errors::decode_in_stream(&error.to_string(), reply.provider, StreamErrors::ByCode),
        None => errors::invalid_reply(reply, "text in place of sound"),
    }
}

/// The answer that is nothing but a text.
pub(super) fn text_reply(text: &str, usage: Option<UsageReport>) -> TaskReply {
    let body = Json::object([("text", text)]).to_string();
    TaskReply::json(body, usage)
}
