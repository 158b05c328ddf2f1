//! Batches and the places of their files. A job is done as soon as it is looked at for the first time. Every request is
//! answered `You said: ...` with 1,000 tokens read and 100 written; one whose last message has `[[fail]]` fails.

#![allow(clippy::indexing_slicing, reason = "a field of JSON that is missing is null")]

mod anthropic;
mod aws;
mod google;
mod openai;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use parking_lot::Mutex;
use serde_json::Value;

use crate::reply::{Payload, Reply};
use crate::route::decoded as unescaped;

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    batches: Mutex<BTreeMap<String, anthropic::Batch>>,
    /// Objects by their addresses, of Cloud Storage and S3.
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// OpenAI's files by their ids.
    files: Mutex<BTreeMap<String, openai::File>>,
    /// Jobs of OpenAI, Vertex AI and Bedrock by their ids.
    jobs: Mutex<BTreeMap<String, Value>>,
}

/// The reply to a request for batches or files; nothing for other requests.
pub(crate) fn answer(shelf: &Shelf, head: &Parts, body: &[u8]) -> Option<Reply> {
    let answered = anthropic::answer(shelf, head, body).or_else(|| google::answer(shelf, head, body));
    answered.or_else(|| aws::answer(shelf, head, body)).or_else(|| openai::answer(shelf, head, body))
}

fn json(status: u16, body: &Value) -> Reply {
    of_type(status, "application/json", body.to_string().into())
}

fn of_type(status: u16, kind: &str, body: Bytes) -> Reply {
    Reply { status, headers: vec![("content-type", kind.to_owned())], payload: Payload::Whole(body) }
}

/// The echo of a text; nothing for one that is to fail.
fn echo(text: &str) -> Option<String> {
    (!text.contains("[[fail]]")).then(|| format!("You said: {text}"))
}

/// The text of a message, whose content is a text or a list of parts.
fn text_of(message: &Value) -> String {
    let content = &message["content"];
    let parts = content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    content.as_str().map_or_else(|| parts.collect(), str::to_owned)
}

/// A parameter of the query.
fn query(head: &Parts, name: &str) -> Option<String> {
    let pairs = head.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| unescaped(value))
}
