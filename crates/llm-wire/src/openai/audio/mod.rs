//! Speech becomes text, `POST /v1/audio/transcriptions` and `translations`; text becomes speech, `POST /v1/audio/speech`.
//!
//! Transcriptions are answered as JSON whatever `response_format` says: LiteLLM wraps texts, subtitles too, as
//! `{"text": ...}`. Streamed transcriptions and speech go on as they come.
//!
//! Facts: OpenAI's API reference, and recordings of what LiteLLM sends and answers for each dialect.

mod error;
mod file_type;
pub(crate) mod request_encode;
mod response_decode;
pub(crate) mod sound;
pub(crate) mod usage;

use llm_types::generate::UsageReport;
use llm_types::{Format, OperationKind, Result};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::write::Lists;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

pub use error::encode as encode_error;

/// The codec of a dialect.
#[derive(Debug)]
pub struct Audio {
    format: Format,
    /// `verbose_json` is asked for where the client names no format: only that tells the duration.
    timed: bool,
    /// Names of lists in forms.
    lists: Lists,
    /// Files have the type of their names; otherwise the one that the client gave.
    typed_by_name: bool,
    /// The fields of a reply that clients see; nothing: all.
    shown: Option<&'static [&'static str]>,
}

/// As OpenAI's library speaks it.
pub static OPENAI: Audio =
    Audio { format: Format::OpenAiAudio, timed: false, lists: Lists::Brackets, typed_by_name: true, shown: None };

/// The same, billed by duration.
pub static WHISPER: Audio = Audio { format: Format::OpenAiWhisper, timed: true, ..OPENAI };

/// As a plain HTTP library speaks it.
pub static PLAIN: Audio =
    Audio { format: Format::PlainAudio, timed: false, lists: Lists::Bare, typed_by_name: false, shown: Some(TOLD) };

/// Mistral's.
pub static MISTRAL: Audio =
    Audio { format: Format::MistralAudio, shown: Some(&["text", "segments", "language", "words"]), ..PLAIN };

/// What there is to tell beside the usage.
const TOLD: &[&str] = &["text", "task", "language", "duration", "words", "segments"];

impl TaskCodec for Audio {
    fn format(&self) -> Format {
        self.format
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        match request.operation {
            OperationKind::Speech => Ok(request_encode::speech(request, ctx.model)),
            _ => request_encode::transcription(self, request, ctx.model),
        }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        match request.operation {
            OperationKind::Speech => Err(response_decode::no_speech(reply)),
            _ => response_decode::transcription(self, request, reply),
        }
    }

    fn streams(&self, request: &TaskRequest) -> bool {
        request.operation == OperationKind::Speech
            || request.fields.get("stream").and_then(|s| s.as_bool()) == Some(true)
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        match request.operation {
            OperationKind::Speech => request.str("input").map(usage::characters),
            _ => request.files("file").next().and_then(sound::seconds).map(usage::seconds),
        }
    }

    fn is_last_event(&self, data: &[u8]) -> bool {
        usage::is_done(data)
    }

    fn usage_in_event(&self, data: &[u8]) -> Option<UsageReport> {
        usage::in_event(data)
    }
}

#[cfg(test)]
mod tests;
