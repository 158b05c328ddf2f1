//! MiniMax `POST /v1/t2a_v2`: the sound comes as hexadecimal digits inside JSON.

use llm_types::generate::UsageReport;
use llm_types::{Format, Json, Result};

use super::{input, mapped, speed, spoken, tree, voice};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug)]
pub struct MiniMax;

const VOICES: [(&str, &str); 6] = [
    ("alloy", "male-qn-qingse"),
    ("echo", "male-qn-jingying"),
    ("fable", "female-shaonv"),
    ("nova", "female-yujie"),
    ("onyx", "male-qn-badao"),
    ("shimmer", "female-tianmei"),
];

const TYPES: [(&str, &str); 4] =
    [("flac", "audio/flac"), ("mp3", "audio/mpeg"), ("pcm", "audio/pcm"), ("wav", "audio/wav")];

impl TaskCodec for MiniMax {
    fn format(&self) -> Format {
        Format::MiniMaxSpeech
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let text = input(request)?;
        let mut fields = write::fields(request);
        for known in ["input", "voice", "speed", "response_format", "instructions"] {
            write::take(&mut fields, known);
        }
        let mut or = |name: &str, usual: Json| write::take(&mut fields, name).unwrap_or(usual);
        let voice_setting = Json::object([
            ("voice_id", Json::from(voice(request).map_or("male-qn-qingse", |v| mapped(&VOICES, v)))),
            ("speed", Json::from(speed(request).unwrap_or(1.0).clamp(0.5, 2.0))),
            ("vol", or("vol", Json::from(1.0))),
            ("pitch", or("pitch", Json::from(0_u64))),
        ]);
        let audio_setting = Json::object([
            ("sample_rate", or("sample_rate", Json::from(32_000_u64))),
            ("bitrate", or("bitrate", Json::from(128_000_u64))),
            ("format", Json::from(kind(request).0)),
            ("channel", or("channel", Json::from(1_u64))),
        ]);
        let mut body = vec![
            ("model".to_owned(), Json::from(ctx.model)),
            ("text".to_owned(), Json::from(text)),
            ("stream".to_owned(), Json::Bool(false)),
            ("output_format".to_owned(), Json::from("hex")),
            ("voice_setting".to_owned(), voice_setting),
            ("audio_setting".to_owned(), audio_setting),
        ];
        body.extend(fields.into_iter().filter(|(name, _)| !matches!(name.as_str(), "stream" | "output_format")));
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        if let Some(status) = tree.get("base_resp").filter(|s| s.get("status_code").and_then(Json::as_i64) != Some(0)) {
            let said = status.text("status_msg").unwrap_or("an error without a message");
            return Err(errors::refused(reply, said));
        }
        let sound = tree.get("data").and_then(|d| unhex(d.get("audio")?.as_str()?));
        let sound = sound.ok_or_else(|| errors::invalid_reply(reply, "an answer without sound"))?;
        Ok(TaskReply::raw(kind(request).1, sound, self.usage_of_request(request)))
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        spoken(request)
    }
}

/// The format of the sound and its media type.
fn kind(request: &TaskRequest) -> (&'static str, &'static str) {
    let asked = request.str("response_format").unwrap_or("mp3");
    TYPES.iter().find(|(format, _)| *format == asked).copied().unwrap_or(("mp3", "audio/mpeg"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()).collect()
}
