//! Parts of another format.

use std::borrow::Cow;

use bytes::BufMut;
use llm_types::generate::{Part, PartKind, ToolCall, Turn};
use llm_types::{Extra, Format, Json, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use super::media::Blob;
use super::model::Model;
use super::wire::split_call_id;
use crate::openai::object::{Arr, Obj};
use crate::top::Top;

/// Stands for the signature of a call that another model made: base64 of `skip_thought_signature_validator`.
const NO_SIGNATURE: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// Resolutions of pictures, from coarse to fine: OpenAI's `detail` and Google's word.
const RESOLUTIONS: [(&str, &str); 4] = [
    ("low", "MEDIA_RESOLUTION_LOW"),
    ("medium", "MEDIA_RESOLUTION_MEDIUM"),
    ("high", "MEDIA_RESOLUTION_HIGH"),
    ("ultra_high", "MEDIA_RESOLUTION_ULTRA_HIGH"),
];

/// Writes parts and remembers what it met.
#[derive(Debug)]
pub(super) struct Parts {
    model: Model,
    /// What could not be said, by OpenAI's names.
    pub lost: Vec<&'static str>,
    /// The finest resolution so far, as a place in the list.
    finest: Option<usize>,
}

impl Parts {
    pub(super) const fn new(model: Model) -> Self {
        Self { model, lost: Vec::new(), finest: None }
    }

    pub(super) const fn model(&self) -> Model {
        self.model
    }

    /// The finest resolution, where there is one for the whole request.
    pub(super) fn resolution(&self) -> Option<&'static str> {
        self.finest.filter(|_| self.model.one_resolution()).and_then(|at| RESOLUTIONS.get(at)).map(|(_, word)| *word)
    }

    /// True for a part of a user that is written; the others are noted.
    pub(super) fn is_said(&mut self, part: &Part, turn: &Turn) -> bool {
        match &part.kind {
            PartKind::Text { text, .. } => turn.flat || !text.is_empty(),
            PartKind::Refusal(_) | PartKind::Image(_) | PartKind::Audio(_) | PartKind::Video(_) | PartKind::File(_) => {
                true
            }
            PartKind::Opaque { format: FORMAT, .. } | PartKind::HostedTool { format: FORMAT, .. } => true,
            PartKind::ToolResult(_) => false,
            _ => {
                self.lose("content");
                false
            }
        }
    }

    fn lose(&mut self, name: &'static str) {
        if !self.lost.contains(&name) {
            self.lost.push(name);
        }
    }

    /// Writes a part of a user.
    pub(super) fn user(&mut self, part: &Part, list: &mut Arr<'_>) -> Result<()> {
        match &part.kind {
            PartKind::Text { text, .. } | PartKind::Refusal(text) => list.obj().str("text", text),
            PartKind::Opaque { json, .. } | PartKind::HostedTool { json, .. } => list.text(json.get()),
            kind => {
                let Some(blob) = Blob::of(kind) else { return Ok(()) };
                blob.check()?;
                let mut obj = list.obj();
                blob.write(false, &part.extra, &mut obj);
                self.resolve(blob.detail, &mut obj);
                film(part, &mut obj);
            }
        }
        Ok(())
    }

    fn resolve(&mut self, detail: Option<&str>, part: &mut Obj<'_>) {
        let Some(at) = detail.and_then(|d| RESOLUTIONS.iter().position(|(name, _)| *name == d)) else { return };
        self.finest = self.finest.max(Some(at));
        if let (true, Some((_, word))) = (self.model.is_three(), RESOLUTIONS.get(at)) {
            part.obj("media_resolution").str("level", word);
        }
    }

    /// True when there is something to write of an assistant's turn.
    pub(super) fn says_anything(&self, turn: &Turn) -> bool {
        let said = |p: &Part| !matches!(p.kind, PartKind::RedactedThinking { .. } | PartKind::ToolResult(_));
        turn.parts.iter().any(said) || images(turn).is_some() || invocations(turn).is_some()
    }

    /// Writes a turn of the model: thoughts, text, pictures, calls.
    pub(super) fn assistant(&mut self, turn: &Turn, list: &mut Arr<'_>) -> Result<()> {
        thoughts(turn, list);
        let specific = specific(turn);
        let signature = text_signature(turn, specific.as_ref());
        let mut calls = 0;
        for part in &turn.parts {
            match &part.kind {
                PartKind::Text { text, .. } | PartKind::Refusal(text) => {
                    let mut obj = list.obj();
                    obj.str("text", text);
                    let own = part.extra.get("thoughtSignature").and_then(RawJson::as_str);
                    obj.opt_str("thoughtSignature", own.as_deref().or(signature.as_deref()));
                }
                PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } | PartKind::ToolCall(_) => {}
                PartKind::Opaque { format, .. } | PartKind::HostedTool { format, .. } if *format != FORMAT => {
                    self.lose("messages.content");
                }
                _ => self.user(part, list)?,
            }
        }
        pictures(turn, list)?;
        for part in &turn.parts {
            if let PartKind::ToolCall(call) = &part.kind {
                self.call(part, call, calls == 0, &mut list.obj());
                calls += 1;
            }
        }
        if let Some(blocks) = invocations(turn) {
            blocks.iter().for_each(|block| list.text(block.get()));
        }
        Ok(())
    }

    fn call(&mut self, part: &Part, call: &ToolCall, first: bool, out: &mut Obj<'_>) {
        let (id, in_id) = split_call_id(&call.id);
        let mut obj = out.obj("function_call");
        obj.str("name", &call.name);
        let (args, bent) = arguments(&call.arguments);
        obj.key("args").put_slice(args.as_bytes());
        if self.model.is_three() && !id.is_empty() {
            obj.str("id", id);
        }
        drop(obj);
        if bent {
            self.lose("tool_calls.arguments");
        }
        let field = |key: &str| {
            let top = part.extra.get(key)?.read::<Top<'_>>().ok()?;
            // chat clients call it by one name, those of Messages by the other
            top.str("thought_signature").or_else(|| top.str("signature")).map(Cow::into_owned).filter(|s| !s.is_empty())
        };
        let own = part.extra.get("thoughtSignature").and_then(|s| s.as_str().map(Cow::into_owned));
        let signature = own
            .or_else(|| field("provider_specific_fields"))
            .or_else(|| field("function.provider_specific_fields"))
            .or_else(|| in_id.map(str::to_owned))
            .or_else(|| (first && self.model.is_three()).then(|| NO_SIGNATURE.to_owned()));
        out.opt_str("thoughtSignature", signature.as_deref());
    }
}

/// The arguments of a call as an object; whether they had to be bent. LiteLLM writes a type where there are none.
fn arguments(text: &str) -> (Cow<'_, str>, bool) {
    if text.is_empty() {
        return (Cow::Borrowed(r#"{"type":"object"}"#), false);
    }
    match serde_json::from_str::<&RawValue>(text.trim()) {
        Ok(raw) if raw.get().starts_with('{') => (Cow::Borrowed(raw.get()), false),
        Ok(raw) if raw.get() == "null" => (Cow::Borrowed("{}"), false),
        _ => (Cow::Owned(Json::object([("arguments", text)]).to_string()), true),
    }
}

/// Thoughts without proof as thoughts; those with one as what was proven. Messages clients' are written both ways.
fn thoughts(turn: &Turn, list: &mut Arr<'_>) {
    let thought = |p: &Part| match &p.kind {
        PartKind::Thinking { text, signature } => Some((text.clone(), signature.clone().filter(|s| !s.is_empty()))),
        _ => None,
    };
    let all: Vec<(String, Option<String>)> = turn.parts.iter().filter_map(thought).collect();
    let named = turn.extra.get("reasoning_content").is_some();
    let both = turn.extra.format() == Some(Format::AnthropicMessages);
    let proven = all.iter().any(|(_, signature)| signature.is_some());
    let texts: Vec<&str> = all.iter().map(|(text, _)| text.as_str()).collect();
    let text = texts.join(crate::openai::chat::joint(turn));
    if !text.is_empty() && (named || both || !proven) {
        let mut obj = list.obj();
        obj.bool("thought", true);
        obj.str("text", &text);
    }
    for (text, signature) in &all {
        let Some(signature) = signature else { continue };
        let mut obj = list.obj();
        obj.str("thoughtSignature", signature);
        // LiteLLM's clients may hold a whole part in place of the thought
        match serde_json::from_str::<Top<'_>>(text) {
            Ok(top) => top.iter().for_each(|(key, value)| obj.any_key(key).put_slice(value.as_bytes())),
            Err(_) => obj.str("text", text),
        }
    }
}

fn specific(turn: &Turn) -> Option<Json> {
    turn.extra.get("provider_specific_fields")?.read().ok()
}

/// The signature of a turn's text, unless it belongs to a call.
fn text_signature(turn: &Turn, specific: Option<&Json>) -> Option<String> {
    let first = specific?.get("thought_signatures")?.as_array()?.first()?.as_str()?;
    let of_call = |p: &Part| match &p.kind {
        PartKind::ToolCall(call) => split_call_id(&call.id).1 == Some(first),
        _ => false,
    };
    (!turn.parts.iter().any(of_call)).then(|| first.to_owned())
}

/// Calls of Google's own tools, as chat clients send them back.
fn invocations(turn: &Turn) -> Option<Vec<RawJson>> {
    let list = specific(turn)?.get("server_side_tool_invocations")?.as_array()?.to_vec();
    let is_part = |j: &&Json| j.get("toolCall").is_some() || j.get("toolResponse").is_some();
    Some(list.iter().filter(is_part).map(Json::to_raw).collect())
}

/// LiteLLM's `images` of a message that a model drew.
fn images(turn: &Turn) -> Option<Vec<Json>> {
    turn.extra.get("images")?.read().ok()
}

fn pictures(turn: &Turn, list: &mut Arr<'_>) -> Result<()> {
    for image in images(turn).unwrap_or_default() {
        let Some(url) = image.get("image_url").and_then(|i| i.get("url")).and_then(Json::as_str) else { continue };
        let (source, media_type) = crate::openai::chat::locate(url.to_owned());
        let kind = super::part_decode::blob(source, media_type.or_else(|| Some("image/png".to_owned())));
        if let Some(blob) = Blob::of(&kind) {
            blob.check()?;
            blob.write(false, &Extra::default(), &mut list.obj());
        }
    }
    Ok(())
}

/// Which piece of a film is meant.
fn film(part: &Part, obj: &mut Obj<'_>) {
    let metadata = ["file.video_metadata", "video_metadata"].iter().find_map(|key| part.extra.get(key));
    let Some(Json::Object(fields)) = metadata.and_then(|m| m.read().ok()) else { return };
    let mut out = obj.obj("video_metadata");
    for (key, value) in &fields {
        let key = match key.as_str() {
            "start_offset" => "startOffset",
            "end_offset" => "endOffset",
            other => other,
        };
        crate::top::write_json(value, out.any_key(key));
    }
}
