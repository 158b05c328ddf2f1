//! Amazon Polly: text becomes speech. <https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html>

use bytes::Bytes;
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, Result, Usage, UsageSource};

use crate::codec::http_headers::get;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::write::{self, Fields};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// Polly's voices for OpenAI's.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "Joanna"),
    ("echo", "Matthew"),
    ("fable", "Amy"),
    ("onyx", "Brian"),
    ("nova", "Ivy"),
    ("shimmer", "Kendra"),
];
/// The voice when nobody names one.
const VOICE: &str = "Joanna";
/// Polly's formats for OpenAI's.
const FORMATS: [(&str, &str); 6] =
    [("mp3", "mp3"), ("opus", "ogg_vorbis"), ("aac", "mp3"), ("flac", "mp3"), ("wav", "pcm"), ("pcm", "pcm")];
/// Engines that a model's name tells.
const ENGINES: [&str; 4] = ["standard", "neural", "long-form", "generative"];

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Polly;

impl TaskCodec for Polly {
    fn format(&self) -> Format {
        Format::AwsPolly
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &["speed", "instructions"], &[])?;
        let missing = || Error::bad_request("Missing required parameter: 'input'.").with_param("input");
        let text = write::take(&mut fields, "input").and_then(|t| t.as_str().map(str::to_owned)).ok_or_else(missing)?;
        let voice = write::take(&mut fields, "voice").and_then(|v| v.as_str().map(str::to_owned));
        let voice = voice.as_deref().map_or(VOICE, |v| known(&VOICES, v).unwrap_or(v)).to_owned();
        let format = write::take(&mut fields, "response_format").and_then(|f| f.as_str().map(str::to_owned));
        let format = format.as_deref().map_or("mp3", |f| known(&FORMATS, f).unwrap_or(f)).to_owned();
        let engine = ENGINES.iter().find(|e| request.model.contains(*e));
        let ssml = text.contains("<speak");
        let own = [
            ("Engine", engine.map(|e| Json::from(*e))),
            ("OutputFormat", Some(Json::from(format))),
            ("Text", Some(Json::from(text))),
            ("TextType", Some(Json::from(if ssml { "ssml" } else { "text" }))),
            ("VoiceId", Some(Json::from(voice))),
        ];
        let mut body: Fields = own.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
        // what Polly alone knows: LanguageCode, LexiconNames, SampleRate ...
        fields.retain(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
        write::extend(&mut body, fields);
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let kind = get(reply.headers, "content-type").unwrap_or("audio/mpeg");
        Ok(TaskReply::raw(kind, Bytes::copy_from_slice(reply.body), self.usage_of_request(request)))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::bedrock::error::decode(reply)
    }

    fn streams(&self, _: &TaskRequest) -> bool {
        true
    }

    fn usage_of_request(&self, request: &TaskRequest) -> Option<UsageReport> {
        let count = request.str("input").map_or(0, |t| t.chars().count() as u64);
        let usage = Usage { characters_in: count, source: UsageSource::Reported, ..Usage::default() };
        Some(UsageReport { usage, raw: None })
    }
}

fn known(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == word).map(|(_, own)| *own)
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;
    use crate::task::TaskBody;

    fn written(model: &str, fields: &str) -> Result<String> {
        let request = TaskRequest {
            operation: OperationKind::Speech,
            model: model.to_owned(),
            fields: serde_json::from_str(fields).unwrap(),
            files: Vec::new(),
        };
        let mut ctx = EncodeContext::for_model(model);
        match Polly.encode(&request, &mut ctx)?.body {
            TaskBody::Json(bytes) => Ok(String::from_utf8(bytes.to_vec()).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_of_openai_are_pollys() {
        assert_eq!(
            written("neural", r#"{"input":"Hi","voice":"fable","response_format":"opus","LanguageCode":"en-GB"}"#)
                .unwrap(),
            r#"{"Engine":"neural","OutputFormat":"ogg_vorbis","Text":"Hi","TextType":"text","VoiceId":"Amy","LanguageCode":"en-GB"}"#
        );
        assert_eq!(
            written("polly", r#"{"input":"<speak>Hi</speak>","voice":"Hans"}"#).unwrap(),
            r#"{"OutputFormat":"mp3","Text":"<speak>Hi</speak>","TextType":"ssml","VoiceId":"Hans"}"#
        );
        assert_eq!(written("neural", r#"{"voice":"alloy"}"#).unwrap_err().param.as_deref(), Some("input"));
        assert!(written("neural", r#"{"input":"Hi","speed":2}"#).is_err());
    }
}
