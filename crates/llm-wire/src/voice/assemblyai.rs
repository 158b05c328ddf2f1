//! AssemblyAI: the bytes are uploaded (`POST /v2/upload`), a transcript ordered (`POST /v2/transcript`) and polled.

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
pub struct AssemblyAi;

const EVERY: Duration = Duration::from_secs(1);

impl TaskCodec for AssemblyAi {
    fn format(&self) -> Format {
        Format::AssemblyAi
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let data = file(request)?.data;
        let content_type = "application/octet-stream".to_owned();
        Ok(TaskOut { body: TaskBody::Raw { content_type, data }, ..TaskOut::default() })
    }

    fn next(&self, request: &TaskRequest, _: u32, reply: &ReplyView<'_>) -> Result<Next> {
        let tree = tree(reply)?;
        let text = |key: &str| tree.text(key);
        let jobs = |rest: &str| FollowUrl::Beside(format!("/../transcript{rest}"));
        if let Some(url) = text("upload_url") {
            return Ok(send("POST", jobs(""), order(request, url), Duration::ZERO));
        }
        match text("status") {
            Some("completed") => Ok(Next::Done),
            Some("error") => Err(errors::refused(reply, text("error").unwrap_or("the transcription failed"))),
            _ => {
                let id = text("id").ok_or_else(|| errors::invalid_reply(reply, "a reply without an id"))?;
                Ok(send("GET", jobs(&format!("/{id}")), TaskBody::None, EVERY))
            }
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let text = |json: &Json, key: &str| json.text(key).unwrap_or_default().to_owned();
        let seconds = |json: &Json, key: &str| Some(json.get(key)?.as_f64()? / 1000.0);
        let words = tree.get("words").and_then(Json::as_array).unwrap_or_default();
        let heard = Heard {
            text: text(&tree, "text"),
            language: Some(text(&tree, "language_code")).filter(|l| !l.is_empty()),
            duration: tree.get("audio_duration").and_then(Json::as_f64),
            words: words.iter().map(|w| word(&text(w, "text"), seconds(w, "start"), seconds(w, "end"))).collect(),
            segments: Vec::new(),
        };
        Ok(heard.reply(request))
    }
}

/// The order of a transcript: the client's own fields, the model as `speech_model`.
fn order(request: &TaskRequest, url: &str) -> TaskBody {
    let mut fields = write::fields(request);
    for name in ["response_format", "temperature", "timestamp_granularities", "stream"] {
        write::take(&mut fields, name);
    }
    write::rename(&mut fields, "language", "language_code");
    fields.insert(0, ("audio_url".to_owned(), Json::from(url)));
    fields.push(("speech_model".to_owned(), Json::from(request.model.as_str())));
    write::json(fields)
}

fn send(method: &'static str, url: FollowUrl, body: TaskBody, after: Duration) -> Next {
    Next::Send { after, request: Box::new(FollowUp { method, url, body, streams: false }) }
}
