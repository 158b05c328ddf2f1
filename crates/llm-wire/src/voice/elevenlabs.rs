//! ElevenLabs: `POST /v1/speech-to-text`, `POST /v1/text-to-speech/{voice}`.

use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, OperationKind, Result};

use super::{Heard, input, mapped, speed, spoken, tree, voice, word};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::audio::request_encode::file;
use crate::openai::errors;
use crate::task::write::{self, Lists};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec of both directions.
#[derive(Debug)]
pub struct ElevenLabs;

/// Stock voices that LiteLLM's names stand for.
const VOICES: [(&str, &str); 10] = [
    ("alloy", "21m00Tcm4TlvDq8ikWAM"),
    ("amber", "5Q0t7uMcjvnagumLfvZi"),
    ("ash", "AZnzlk1XvdvUeBnXmlld"),
    ("august", "D38z5RcWu1voky8WS1ja"),
    ("blue", "2EiwWnXFnvU5JabPnv8n"),
    ("coral", "9BWtsMINqrJLrRacOk9x"),
    ("lily", "EXAVITQu4vr4xnSDxMaL"),
    ("onyx", "29vD33N1CtxCmqQRPOHJ"),
    ("sage", "CwhRBWXzGAHq8TQ4Fs17"),
    ("verse", "CYw3kZ02Hs0563khs1Fj"),
];

const FORMATS: [(&str, &str); 3] = [("mp3", "mp3_44100_128"), ("opus", "opus_48000_128"), ("pcm", "pcm_44100")];

impl TaskCodec for ElevenLabs {
    fn format(&self) -> Format {
        Format::ElevenLabs
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        if request.operation == OperationKind::Speech {
            return speech(request, ctx);
        }
        let file = file(request)?;
        let mut fields = write::fields(request);
        write::rename(&mut fields, "language", "language_code");
        fields.insert(0, ("model_id".to_owned(), Json::from(ctx.model)));
        Ok(TaskOut { body: write::form_as(fields, vec![file], Lists::Bare), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let text = |json: &Json, key: &str| json.text(key).map(str::to_owned);
        let time = |json: &Json, key: &str| json.get(key).and_then(Json::as_f64);
        let all = tree.get("words").and_then(Json::as_array).unwrap_or_default();
        let words = all.iter().filter(|w| w.text("type") == Some("word"));
        let heard = Heard {
            text: text(&tree, "text").ok_or_else(|| errors::invalid_reply(reply, "a transcription without 'text'"))?,
            language: text(&tree, "language_code").or(Some("unknown".to_owned())),
            duration: None,
            words: words
                .map(|w| word(&text(w, "text").unwrap_or_default(), time(w, "start"), time(w, "end")))
                .collect(),
            segments: Vec::new(),
        };
        Ok(heard.reply(request))
    }

    fn streams(&self, request: &TaskRequest) -> bool {
        request.operation == OperationKind::Speech
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        spoken(request)
    }
}

fn speech(request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
    let voice =
        voice(request).ok_or_else(|| Error::bad_request("Missing required parameter: 'voice'.").with_param("voice"))?;
    let mut body =
        vec![("text".to_owned(), Json::from(input(request)?)), ("model_id".to_owned(), Json::from(ctx.model))];
    let mut fields = write::fields(request);
    for known in ["input", "voice", "speed", "response_format"] {
        write::take(&mut fields, known);
    }
    if write::take(&mut fields, "instructions").is_some() {
        ctx.lost.push("instructions".to_owned());
    }
    let mut settings = write::take(&mut fields, "voice_settings").unwrap_or_else(|| Json::Object(Vec::new()));
    if let Some(speed) = speed(request) {
        settings.set("speed", speed);
    }
    if settings.as_object().is_some_and(|s| !s.is_empty()) {
        body.push(("voice_settings".to_owned(), settings));
    }
    let mut query: Vec<(String, String)> = Vec::new();
    if let Some(format) = request.str("response_format") {
        query.push(("output_format".to_owned(), mapped(&FORMATS, format).to_owned()));
    }
    // These steer the answer from the query; the rest is the body's.
    for name in ["output_format", "enable_logging", "optimize_streaming_latency"] {
        if let Some(value) = write::take(&mut fields, name) {
            query.retain(|(known, _)| known != name);
            query.push((name.to_owned(), write::text(&value)));
        }
    }
    body.extend(fields);
    let beside = Some(format!("/{}", mapped(&VOICES, voice)));
    Ok(TaskOut { body: write::json(body), beside, query, ..TaskOut::default() })
}
