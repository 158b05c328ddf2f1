//! Azure's speech service: SSML becomes sound, `POST /cognitiveservices/v1`; sound becomes text,
//! `POST /speechtotext/transcriptions:transcribe`.

use bytes::Bytes;
use llm_types::generate::UsageReport;
use llm_types::markup::escaped;
use llm_types::{Format, Json, OperationKind, Result};

use super::{Heard, input, mapped, speed, spoken, tree, voice, word};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::audio::request_encode::file;
use crate::openai::errors;
use crate::task::write;
use crate::task::{TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec of both directions.
#[derive(Debug)]
pub struct AzureSpeech;

const VOICES: [(&str, &str); 6] = [
    ("alloy", "en-US-JennyNeural"),
    ("echo", "en-US-GuyNeural"),
    ("fable", "en-GB-RyanNeural"),
    ("nova", "en-US-AmberNeural"),
    ("onyx", "en-US-DavisNeural"),
    ("shimmer", "en-US-AriaNeural"),
];

const MP3: &str = "audio-24khz-48kbitrate-mono-mp3";
const FORMATS: [(&str, &str); 6] = [
    ("aac", MP3),
    ("flac", MP3),
    ("mp3", MP3),
    ("opus", "ogg-48khz-16bit-mono-opus"),
    ("pcm", "raw-24khz-16bit-mono-pcm"),
    ("wav", "riff-24khz-16bit-mono-pcm"),
];

impl TaskCodec for AzureSpeech {
    fn format(&self) -> Format {
        Format::AzureSpeech
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        if request.operation == OperationKind::Speech { speech(request) } else { transcription(request) }
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let list = |json: &Json, key: &str| json.get(key).and_then(Json::as_array).unwrap_or_default().to_vec();
        let text = |json: &Json| json.text("text").unwrap_or_default().to_owned();
        let combined = list(&tree, "combinedPhrases");
        let phrases = list(&tree, "phrases");
        if tree.get("combinedPhrases").is_none() {
            return Err(errors::invalid_reply(reply, "a transcription without 'combinedPhrases'"));
        }
        let seconds = |json: &Json, key: &str| Some(json.get(key)?.as_f64()? / 1000.0);
        let start = |json: &Json| seconds(json, "offsetMilliseconds");
        let end = |json: &Json| Some(start(json)? + seconds(json, "durationMilliseconds")?);
        let segment = |(at, p): (usize, &Json)| {
            Json::object([
                ("id", Json::from(at as u64)),
                ("start", Json::from(start(p))),
                ("end", Json::from(end(p))),
                ("text", Json::from(text(p))),
            ])
        };
        let words = phrases.iter().flat_map(|p| list(p, "words"));
        let heard = Heard {
            text: combined.iter().map(text).collect::<Vec<_>>().join("\n"),
            language: phrases.first().and_then(|p| p.get("locale")?.as_str()).map(str::to_owned),
            duration: seconds(&tree, "durationMilliseconds"),
            words: words.map(|w| word(&text(&w), start(&w), end(&w))).collect(),
            segments: phrases.iter().enumerate().map(segment).collect(),
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

fn speech(request: &TaskRequest) -> Result<TaskOut> {
    let format = mapped(&FORMATS, request.str("response_format").unwrap_or("mp3"));
    let ssml = ssml(request)?;
    Ok(TaskOut {
        body: TaskBody::Raw { content_type: "application/ssml+xml".to_owned(), data: Bytes::from(ssml) },
        headers: vec![
            ("x-microsoft-outputformat".to_owned(), format.to_owned()),
            ("user-agent".to_owned(), "litellm".to_owned()),
        ],
        ..TaskOut::default()
    })
}

/// The text in Speech Synthesis Markup. A text that is such markup already stays.
fn ssml(request: &TaskRequest) -> Result<String> {
    let text = input(request)?;
    if text.trim_start().starts_with("<speak") {
        return Ok(text.to_owned());
    }
    let voice = voice(request).map_or("en-US-JennyNeural", |v| mapped(&VOICES, v));
    let attribute = |name: &str, value: &str| format!(" {name}='{}'", escaped(value));
    // LiteLLM's way to write an apostrophe.
    let mut inner = escaped(text).replace("&#39;", "&apos;");
    if let Some(speed) = speed(request) {
        inner = format!("<prosody rate='{:+.0}%'>{inner}</prosody>", (speed - 1.0) * 100.0);
    }
    let express: String = ["style", "styledegree", "role"]
        .iter()
        .filter_map(|name| Some(attribute(name, &write::text(request.fields.get(name)?))))
        .collect();
    if !express.is_empty() {
        inner = format!("<mstts:express-as{express}>{inner}</mstts:express-as>");
    }
    let language = request.str("lang").unwrap_or("en-US");
    Ok(format!(
        "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' \
         xmlns:mstts='https://www.w3.org/2001/mstts'{}><voice{}>{inner}</voice></speak>",
        attribute("xml:lang", language),
        attribute("name", voice)
    ))
}

/// A form of the file and a definition in JSON; languages as locales.
fn transcription(request: &TaskRequest) -> Result<TaskOut> {
    let mut file = file(request)?;
    file.name = "audio".to_owned();
    let mut definition = request.fields.get("definition").cloned().unwrap_or_else(|| Json::Object(Vec::new()));
    if let Some(language) = request.str("language") {
        definition.set("locales", vec![Json::from(locale(language))]);
    }
    let fields = vec![("definition".to_owned(), definition)];
    let query = vec![("api-version".to_owned(), "2024-11-15".to_owned())];
    Ok(TaskOut { body: write::form(fields, vec![file]), query, ..TaskOut::default() })
}

/// Locales of languages that are spoken mainly in a place of another name; other languages are at home in their own.
const LOCALES: [(&str, &str); 9] = [
    ("en", "en-US"),
    ("ja", "ja-JP"),
    ("ko", "ko-KR"),
    ("zh", "zh-CN"),
    ("pt", "pt-BR"),
    ("hi", "hi-IN"),
    ("ar", "ar-EG"),
    ("sv", "sv-SE"),
    ("da", "da-DK"),
];

fn locale(language: &str) -> String {
    if language.contains('-') {
        return language.to_owned();
    }
    match LOCALES.iter().find(|(code, _)| *code == language) {
        Some((_, locale)) => (*locale).to_owned(),
        None => format!("{language}-{}", language.to_ascii_uppercase()),
    }
}
