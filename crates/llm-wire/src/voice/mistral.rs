//! Mistral `POST /v1/audio/speech`: OpenAI's, but for the name of the voice and an answer in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_types::generate::UsageReport;
use llm_types::{Format, Json, Result};

use super::{input, mapped, spoken, tree, voice};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct MistralSpeech;

const TYPES: [(&str, &str); 5] =
    [("flac", "audio/flac"), ("mp3", "audio/mpeg"), ("opus", "audio/opus"), ("pcm", "audio/pcm"), ("wav", "audio/wav")];

/// OpenAI's voices, and those of Mistral that stand in for them.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "en_paul_neutral"),
    ("echo", "gb_oliver_neutral"),
    ("fable", "en_paul_cheerful"),
    ("onyx", "en_paul_confident"),
    ("nova", "gb_jane_sarcasm"),
    ("shimmer", "gb_jane_sarcasm"),
];

impl TaskCodec for MistralSpeech {
    fn format(&self) -> Format {
        Format::MistralSpeech
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        input(request)?;
        let mut fields = write::fields(request);
        write::take(&mut fields, "voice");
        for name in ["speed", "instructions"] {
            if write::take(&mut fields, name).is_some() {
                ctx.lost.push(name.to_owned());
            }
        }
        if let Some(voice) = voice(request) {
            write::set(&mut fields, "voice_id", mapped(&VOICES, voice));
        }
        fields.insert(0, ("model".to_owned(), Json::from(ctx.model)));
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let sound = tree.get("audio_data").and_then(|d| STANDARD.decode(d.as_str()?).ok());
        let sound = sound.ok_or_else(|| errors::invalid_reply(reply, "an answer without sound"))?;
        let asked = request.str("response_format").unwrap_or("mp3");
        let kind = TYPES.iter().find(|(format, _)| *format == asked).map_or("audio/mpeg", |(_, kind)| *kind);
        Ok(TaskReply::raw(kind, sound, self.usage_of_request(request)))
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        spoken(request)
    }
}
