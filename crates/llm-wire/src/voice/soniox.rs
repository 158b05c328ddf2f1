//! Soniox: a file is uploaded (`POST /v1/files`), a transcription ordered (`POST /v1/transcriptions`), polled, its
//! transcript fetched, and both are deleted again.

use std::time::Duration;

use llm_types::{Format, Json, Result};

use super::{Heard, tree, word};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::audio::request_encode::file;
use crate::openai::errors;
use crate::task::write;
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct Soniox;

const EVERY: Duration = Duration::from_secs(1);

impl TaskCodec for Soniox {
    fn format(&self) -> Format {
        Format::Soniox
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        Ok(TaskOut { body: write::form(Vec::new(), vec![file(request)?]), ..TaskOut::default() })
    }

    fn next(&self, request: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        let tree = tree(reply)?;
        let text = |key: &str| tree.text(key);
        let id = || text("id").ok_or_else(|| errors::invalid_reply(reply, "a reply without an id"));
        let jobs = |rest: String| FollowUrl::Beside(format!("/../transcriptions{rest}"));
        if step == 0 {
            return Ok(send("POST", jobs(String::new()), order(request, id()?), Duration::ZERO));
        }
        match text("status") {
            Some("completed") => {
                Ok(send("GET", jobs(format!("/{}/transcript", id()?)), TaskBody::None, Duration::ZERO))
            }
            Some("error") => Err(errors::refused(reply, text("error_message").unwrap_or("the transcription failed"))),
            Some(_) => Ok(send("GET", jobs(format!("/{}", id()?)), TaskBody::None, EVERY)),
            // The transcript is there. Deleting a transcription deletes its file.
            None => Ok(Next::Last {
                request: Box::new(FollowUp {
                    method: "DELETE",
                    url: jobs(format!("/{}", id()?)),
                    body: TaskBody::None,
                    streams: false,
                }),
            }),
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let tokens = tree.get("tokens").and_then(Json::as_array).unwrap_or_default();
        let text = tree.text("text");
        let text = text.ok_or_else(|| errors::invalid_reply(reply, "a transcript without 'text'"))?;
        let heard = Heard {
            text: text.to_owned(),
            language: tokens.iter().find_map(|t| t.get("language")?.as_str()).map(str::to_owned),
            duration: None,
            words: words(tokens),
            segments: Vec::new(),
        };
        Ok(heard.reply(request))
    }
}

/// The order of a transcription: the client's own fields, languages as hints.
fn order(request: &TaskRequest, file: &str) -> TaskBody {
    let mut fields = write::fields(request);
    for name in ["response_format", "temperature", "timestamp_granularities", "stream"] {
        write::take(&mut fields, name);
    }
    if let Some(language) = write::take(&mut fields, "language") {
        write::set(&mut fields, "language_hints", vec![language]);
    }
    write::rename(&mut fields, "prompt", "context");
    fields.insert(0, ("model".to_owned(), Json::from(request.model.as_str())));
    fields.push(("file_id".to_owned(), Json::from(file)));
    write::json(fields)
}

/// Tokens are pieces of words; one that begins with a blank begins a word.
fn words(tokens: &[Json]) -> Vec<Json> {
    let seconds = |t: &Json, key: &str| Some(t.get(key)?.as_f64()? / 1000.0);
    let mut words: Vec<(String, Option<f64>, Option<f64>)> = Vec::new();
    for token in tokens {
        let Some(text) = token.text("text") else { continue };
        let (start, end) = (seconds(token, "start_ms"), seconds(token, "end_ms"));
        match words.last_mut() {
            Some((word, _, until)) if !text.starts_with(char::is_whitespace) => {
                word.push_str(text);
                *until = end.or(*until);
            }
            _ => words.push((text.trim_start().to_owned(), start, end)),
        }
    }
    words.into_iter().filter(|(w, ..)| !w.is_empty()).map(|(w, start, end)| word(&w, start, end)).collect()
}

fn send(method: &'static str, url: FollowUrl, body: TaskBody, after: Duration) -> Next {
    Next::Send { after, request: Box::new(FollowUp { method, url, body, streams: false }) }
}
