//! Speech in the houses' own languages: what becomes text, what is spoken.
//!
//! - [`deepgram`], [`elevenlabs`], [`soniox`], [`assemblyai`], [`azure`]: transcription.
//! - [`elevenlabs`], [`azure`], [`minimax`], [`mistral`], [`runway`], [`google`]: speech.
//!   [`lyria`] makes music.
//!
//! Clients ask as OpenAI's audio routes take it and are answered in that shape: transcriptions as JSON, speech as
//! bytes. OpenAI's names of voices stand for voices of the house; other names are the house's own.
//!
//! Facts: the houses' API references, and recordings of what LiteLLM sends and answers.

pub mod assemblyai;
pub mod azure;
pub mod deepgram;
pub mod elevenlabs;
pub mod google;
pub mod lyria;
pub mod minimax;
pub mod mistral;
pub mod runway;
pub mod soniox;
mod sound;

use llm_types::generate::UsageReport;
use llm_types::{Error, Json, Result};

use crate::codec::ReplyView;
use crate::openai::audio::usage;
use crate::openai::errors;
use crate::task::{TaskReply, TaskRequest};

/// The text to speak.
fn input(request: &TaskRequest) -> Result<&str> {
    request.str("input").ok_or_else(|| Error::bad_request("Missing required parameter: 'input'.").with_param("input"))
}

/// What speaking costs: the characters of the text.
fn spoken(request: &TaskRequest) -> Option<UsageReport> {
    request.str("input").map(usage::characters)
}

/// The voice that is asked for: a name, or an object with an `id` or a `name`.
fn voice(request: &TaskRequest) -> Option<&str> {
    let voice = request.fields.get("voice")?;
    let inner = || ["id", "voice_id", "name"].iter().find_map(|key| voice.get(key)?.as_str());
    voice.as_str().or_else(inner).filter(|v| !v.is_empty())
}

/// A word of ours in the words of the house, or as it is.
fn mapped<'a>(table: &[(&str, &'static str)], word: &'a str) -> &'a str {
    table.iter().find(|(ours, _)| *ours == word).map_or(word, |(_, theirs)| *theirs)
}

/// The speed, 1 for normal.
fn speed(request: &TaskRequest) -> Option<f64> {
    let speed = request.fields.get("speed")?;
    speed.as_f64().or_else(|| speed.as_str()?.parse().ok())
}

/// A reply as a tree.
fn tree(reply: &ReplyView<'_>) -> Result<Json> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

/// A word of a transcription.
fn word(text: &str, start: Option<f64>, end: Option<f64>) -> Json {
    let mut word = Json::object([("word", Json::from(text)), ("start", Json::from(start)), ("end", Json::from(end))]);
    if let Json::Object(fields) = &mut word {
        fields.retain(|(_, value)| !value.is_null());
    }
    word
}

/// A transcription in OpenAI's shape. What is not known is left out.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    language: Option<String>,
    duration: Option<f64>,
    words: Vec<Json>,
    segments: Vec<Json>,
}

impl Heard {
    /// The answer. Without a duration of the upstream's the file's own counts, then the end of the last word.
    fn reply(self, request: &TaskRequest) -> TaskReply {
        let file = request.files("file").next();
        let end = self.words.last().and_then(|w| w.get("end")?.as_f64());
        let seconds = self.duration.or_else(|| crate::openai::audio::sound::seconds(file?)).or(end).map(usage::seconds);
        let mut body = Json::object([("text", self.text.as_str()), ("task", "transcribe")]);
        if let Some(language) = self.language {
            body.set("language", language);
        }
        if let Some(duration) = self.duration {
            body.set("duration", duration);
        }
        for (name, list) in [("words", self.words), ("segments", self.segments)] {
            if !list.is_empty() {
                body.set(name, list);
            }
        }
        TaskReply::json(body.to_string(), seconds)
    }
}

#[cfg(test)]
mod tests;
