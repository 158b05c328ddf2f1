//! Google speaks in two ways: Cloud Text-to-Speech has voices by name, Gemini's speech models answer with sound.
//! <https://cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize>,
//! <https://ai.google.dev/gemini-api/docs/speech-generation>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, Kind, Result};

use super::sound::{self, RATE};
use super::{input, mapped, spoken, tree, voice};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::gemini;
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// Cloud Text-to-Speech.
#[derive(Debug, Clone, Copy)]
pub struct CloudSpeech;

/// Gemini's speech models.
#[derive(Debug, Clone, Copy)]
pub struct GeminiSpeech;

/// The voices of Google for OpenAI's.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "en-US-Studio-O"),
    ("echo", "en-US-Studio-M"),
    ("fable", "en-GB-Studio-B"),
    ("onyx", "en-US-Wavenet-D"),
    ("nova", "en-US-Studio-O"),
    ("shimmer", "en-US-Wavenet-F"),
];
/// The voice when nobody names one, and the language of voices whose names tell none.
const VOICE: &str = "en-US-Studio-O";
const LANGUAGE: &str = "en-US";
/// The encodings of Google for OpenAI's formats; without a format it is samples with a head.
const ENCODINGS: [(&str, &str); 6] =
    [("mp3", "MP3"), ("opus", "OGG_OPUS"), ("aac", "MP3"), ("flac", "FLAC"), ("wav", "LINEAR16"), ("pcm", "LINEAR16")];
const ENCODING: &str = "LINEAR16";
/// What bends a generation, in Gemini's words.
const CONFIG: [(&str, &str); 3] = [("temperature", "temperature"), ("top_p", "topP"), ("seed", "seed")];

impl TaskCodec for CloudSpeech {
    fn format(&self) -> Format {
        Format::GoogleSpeech
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let text = input(request)?;
        write::taken(request, ctx, &["speed", "instructions"], &["speed"])?;
        let ssml = request.fields.get("use_ssml").and_then(Json::as_bool) == Some(true) || text.contains("<speak>");
        let body = vec![
            ("input".to_owned(), Json::object([(if ssml { "ssml" } else { "text" }, text)])),
            ("voice".to_owned(), named(request)),
            ("audioConfig".to_owned(), audio_config(request)),
        ];
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let sound = decoded(reply, tree.get("audioContent"))?;
        let kind = sound::media_type(&sound).unwrap_or("audio/mpeg");
        Ok(TaskReply::raw(kind, sound, self.usage_of_request(request)))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        spoken(request)
    }
}

/// The voice: an object is Google's own, a name begins with its language.
fn named(request: &TaskRequest) -> Json {
    if let Some(own @ Json::Object(_)) = request.fields.get("voice") {
        return own.clone();
    }
    let name = voice(request).map_or(VOICE, |v| mapped(&VOICES, v));
    let mut pieces = name.split('-');
    let language = match (pieces.next(), pieces.next()) {
        (Some(language), Some(place)) => format!("{language}-{place}"),
        _ => LANGUAGE.to_owned(),
    };
    Json::object([("languageCode", language), ("name", name.to_owned())])
}

fn audio_config(request: &TaskRequest) -> Json {
    if let Some(own @ Json::Object(_)) = request.fields.get("audioConfig") {
        return own.clone();
    }
    let encoding = request.str("response_format").map_or(ENCODING, |f| mapped(&ENCODINGS, f));
    let rate = request.fields.get("speed").filter(|s| !s.is_null()).map_or_else(|| "1".to_owned(), write::text);
    Json::object([("audioEncoding", encoding.to_owned()), ("speakingRate", rate)])
}

impl TaskCodec for GeminiSpeech {
    fn format(&self) -> Format {
        Format::GeminiSpeech
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let text = input(request)?;
        if let Some(format) = request.str("response_format").filter(|f| !matches!(*f, "wav" | "pcm")) {
            let why = format!(
                "Gemini TTS only produces raw PCM16 audio, so response_format='{format}' is not supported. Supported \
                 response formats: pcm, wav."
            );
            return Err(Error::new(Kind::BadRequest, why).with_param("response_format"));
        }
        for name in ["speed", "instructions"] {
            if request.fields.get(name).is_some_and(|v| !v.is_null()) {
                ctx.lost.push(name.to_owned());
            }
        }
        let mut config = vec![("responseModalities".to_owned(), Json::Array(vec![Json::from("AUDIO")]))];
        if let Some(name) = voice(request) {
            let voice = Json::object([("prebuiltVoiceConfig", Json::object([("voiceName", name)]))]);
            config.push(("speechConfig".to_owned(), Json::object([("voiceConfig", voice)])));
        }
        for (name, own) in CONFIG {
            if let Some(value) = request.fields.get(name).filter(|v| !v.is_null()) {
                config.push((own.to_owned(), value.clone()));
            }
        }
        let parts = Json::Array(vec![Json::object([("text", text)])]);
        let content = Json::object([("role", Json::from("user")), ("parts", parts)]);
        let body = vec![
            ("contents".to_owned(), Json::Array(vec![content])),
            ("generationConfig".to_owned(), Json::Object(config)),
        ];
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let first = |json: &Json, name: &str| json.get(name).and_then(Json::as_array).and_then(<[_]>::first).cloned();
        let parts =
            first(&tree, "candidates").and_then(|c| c.get("content")?.get("parts")?.as_array().map(<[_]>::to_vec));
        let data = parts.unwrap_or_default().iter().find_map(|part| part.get("inlineData")?.get("data").cloned());
        let sound = decoded(reply, data.as_ref())?;
        let usage = tree.get("usageMetadata").map(|raw| heard(&raw.to_string()));
        Ok(match request.str("response_format") {
            Some("pcm") => TaskReply::raw("audio/pcm", sound::samples(sound), usage),
            _ => TaskReply::raw("audio/wav", sound::with_head(sound, RATE), usage),
        })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }
}

/// What came out is sound, where nobody says otherwise.
fn heard(raw: &str) -> UsageReport {
    let mut report = gemini::usage_report(raw);
    let usage = &mut report.usage;
    if usage.output_audio == 0 {
        usage.output_audio = std::mem::take(&mut usage.output_text);
    }
    report
}

/// Sound that is written in base64.
pub(super) fn decoded(reply: &ReplyView<'_>, coded: Option<&Json>) -> Result<Vec<u8>> {
    let coded = coded.and_then(Json::as_str).filter(|c| !c.is_empty());
    let coded = coded.ok_or_else(|| errors::invalid_reply(reply, "an answer without sound"))?;
    STANDARD.decode(coded).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}
