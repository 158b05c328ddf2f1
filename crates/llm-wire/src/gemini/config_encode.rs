//! `generationConfig` of a request of another format, in LiteLLM's spelling.

use bytes::BufMut;
use llm_types::generate::{GenerateRequest, OutputFormat};
use llm_types::{Error, Json, Kind, RawJson, Result};
use serde::Serialize;

use super::model::Model;
use super::reasoning::thinking_config;
use super::request_decode::is;
use super::schema;
use super::tools_encode::{Tools, lose};
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::top::Top;

/// Fields of the configuration that callers may write at the top of a request, in either spelling.
const DIRECT: [&str; 18] = [
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseLogprobs",
    "responseModalities",
    "imageConfig",
    "thinkingConfig",
    "speechConfig",
    "mediaResolution",
    "audioTimestamp",
    "routingConfig",
];

/// True for an extra field of a request that stands in the configuration.
pub(super) fn is_direct(key: &str) -> bool {
    DIRECT.iter().any(|d| is(key, d))
}

/// The configuration in the making: names and JSON.
#[derive(Debug, Default)]
struct Config(Vec<(String, String)>);

impl Config {
    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.raw(key, RawJson::of(value).unwrap_or_default().get());
    }

    fn opt<T: Serialize>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn raw(&mut self, key: &str, json: &str) {
        if !self.0.iter().any(|(k, _)| is(k, &key.replace('_', ""))) {
            self.0.push((key.to_owned(), json.to_owned()));
        }
    }
}

/// Writes the configuration, when there is any. `resolution`: how closely pictures are looked at.
pub(super) fn write(
    req: &GenerateRequest,
    model: Model,
    tools: &Tools,
    resolution: Option<&str>,
    ctx: &mut EncodeContext<'_>,
    body: &mut Obj<'_>,
) -> Result<()> {
    let mut config = Config::default();
    let s = &req.sampling;
    config.opt("temperature", s.temperature.as_ref());
    if s.temperature.is_none() && model.is_three() {
        config.raw("temperature", "1.0");
    }
    config.opt("top_p", s.top_p.as_ref());
    config.opt("top_k", s.top_k.as_ref());
    config.opt("candidate_count", s.n.as_ref());
    if !req.stop.is_empty() {
        config.put("stop_sequences", &req.stop);
    }
    config.opt("max_output_tokens", req.max_output_tokens.as_ref());
    for (name, penalty) in
        [("presence_penalty", s.presence_penalty.as_ref()), ("frequency_penalty", s.frequency_penalty.as_ref())]
    {
        if penalty.is_some() && !model.takes_penalties() {
            lose(ctx, name);
        } else {
            config.opt(name, penalty);
        }
    }
    config.opt("seed", s.seed.as_ref());
    logprobs(req, &mut config);
    output(req, model, tools, &mut config);
    if let Some(thinking) = thinking_config(req, model, ctx)? {
        config.put("thinkingConfig", &thinking);
    }
    modalities(req, &mut config)?;
    if let Some(level) = resolution {
        config.put("mediaResolution", level);
    }
    req.extra.all().filter(|(key, v)| is_direct(key) && !v.is_null()).for_each(|(k, v)| config.raw(k, v.get()));
    if config.0.is_empty() {
        return Ok(());
    }
    let mut out = body.obj("generationConfig");
    config.0.iter().for_each(|(key, json)| out.any_key(key).put_slice(json.as_bytes()));
    Ok(())
}

/// Completions clients say how many they want, chat clients that they want some.
fn logprobs(req: &GenerateRequest, config: &mut Config) {
    if let Some(wanted) = &req.sampling.logprobs {
        let count = wanted.get().parse::<u64>().ok();
        config.raw("responseLogprobs", if count.is_some() { "true" } else { wanted.get() });
        config.opt("logprobs", req.sampling.top_logprobs.as_ref());
        config.opt("logprobs", count.as_ref());
    } else {
        config.opt("logprobs", req.sampling.top_logprobs.as_ref());
    }
}

/// What the answer must look like: the media type, and the schema.
fn output(req: &GenerateRequest, model: Model, tools: &Tools, config: &mut Config) {
    let Some(output) = &req.output else { return };
    let schema = wanted_schema(output);
    if tools.maps() && schema.is_some() {
        let mut text = Json::object([("mimeType", Json::from("APPLICATION_JSON"))]);
        text.set("schema", schema.as_ref().map(Json::from).unwrap_or_default());
        return config.put("responseFormat", &Json::object([("text", text)]));
    }
    let kind = match output {
        OutputFormat::Text => "text/plain",
        OutputFormat::JsonObject | OutputFormat::JsonSchema { .. } => "application/json",
        OutputFormat::Other(raw) => match type_of(raw).as_str() {
            "text" => "text/plain",
            "json_object" | "json_schema" => "application/json",
            _ => return,
        },
    };
    config.put("response_mime_type", kind);
    match schema {
        Some(schema) if model.takes_json_schema() => config.raw("response_json_schema", schema.get()),
        Some(schema) => config.put("response_schema", &schema::for_google(&schema, true)),
        None => {}
    }
}

fn type_of(raw: &RawJson) -> String {
    raw.read::<Top<'_>>().ok().and_then(|t| t.str("type").map(Into::into)).unwrap_or_default()
}

/// The schema of the answer; `response_schema` is an older spelling of chat clients.
fn wanted_schema(output: &OutputFormat) -> Option<RawJson> {
    match output {
        OutputFormat::JsonSchema { schema, .. } => Some(schema.clone()),
        OutputFormat::Other(raw) => {
            let tree: Json = raw.read().ok()?;
            let nested = || tree.get("json_schema").and_then(|s| s.get("schema"));
            tree.get("response_schema").or_else(nested).map(Json::to_raw)
        }
        OutputFormat::Text | OutputFormat::JsonObject => None,
    }
}

/// `modalities` and `audio`: what the answer is made of.
fn modalities(req: &GenerateRequest, config: &mut Config) -> Result<()> {
    let wanted: Option<Vec<String>> = req.extra.get("modalities").and_then(|m| m.read().ok());
    let mut list: Vec<String> = wanted.unwrap_or_default().iter().map(|m| m.to_ascii_uppercase()).collect();
    if let Some(audio) = req.extra.get("audio").and_then(|a| a.read::<Top<'_>>().ok()) {
        let format = audio.str("format");
        if format.as_deref().is_some_and(|f| f != "pcm16") {
            let text = "litellm.UnsupportedParamsError: Unsupported audio format for Gemini TTS models: only pcm16 is supported";
            return Err(Error::new(Kind::UnsupportedParams, text).with_param("audio"));
        }
        let mut speech = Json::Object(Vec::new());
        if let Some(voice) = audio.str("voice") {
            let voice = Json::object([("voiceName", Json::from(&*voice))]);
            speech.set("voiceConfig", Json::object([("prebuiltVoiceConfig", voice)]));
        }
        if let Some(language) = audio.str("language_code") {
            speech.set("languageCode", &*language);
        }
        config.put("speechConfig", &speech);
        if !list.iter().any(|m| m == "AUDIO") {
            list.push("AUDIO".to_owned());
        }
    }
    if !list.is_empty() {
        config.put("responseModalities", &list);
    }
    Ok(())
}
