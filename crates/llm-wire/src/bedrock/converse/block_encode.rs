//! Parts to content blocks.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use llm_types::generate::{FileRef, MediaSource, Part, PartKind as K, ToolCall, ToolResult, Turn};
use llm_types::{RawJson, Result};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::media::{Kind, Medium};
use crate::anthropic::tool_input;
use crate::codec::EncodeContext;
use crate::openai::object::Arr;
use crate::tool_names::ToolNames;
use crate::top::Top;

/// Writes parts and remembers what it met.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Tool names to rewrite.
    pub names: ToolNames,
    /// The model keeps prompts in a cache.
    pub caches: bool,
    /// ... and may keep them for an hour.
    pub caches_hours: bool,
    /// Texts are for the guardrail to judge.
    pub guarded: bool,
    /// What could not be said, by OpenAI's names.
    pub lost: Vec<&'static str>,
    /// Names of the documents so far, and how many have each.
    documents: HashMap<String, u32>,
    /// The message that is being written has text, and documents.
    pub has_text: bool,
    /// See [`Self::has_text`].
    pub has_document: bool,
    /// Ids of the calls and results of the message.
    pub ids: HashSet<String>,
}

impl Blocks {
    pub(super) fn new(names: ToolNames, ctx: &EncodeContext<'_>) -> Self {
        let caches = !ctx.caps.known || ctx.caps.prompt_cache;
        Self { names, caches, caches_hours: ctx.caps.cache_hour, ..Self::default() }
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        self.has_text = false;
        self.has_document = false;
        self.ids.clear();
    }

    pub(super) fn lose(&mut self, name: &'static str) {
        if !self.lost.contains(&name) {
            self.lost.push(name);
        }
    }

    /// Writes a part of a user's turn, and the cache point behind it.
    pub(super) fn user(&mut self, turn: &Turn, part: &Part, last: bool, list: &mut Arr<'_>) -> Result<()> {
        let wrote = match &part.kind {
            K::Text { text, .. } | K::Refusal(text) => self.text(text, list),
            K::Image(media) => self.medium(&media.source, media.media_type.as_deref(), Kind::Image, false, list)?,
            K::Video(media) => self.medium(&media.source, media.media_type.as_deref(), Kind::Video, false, list)?,
            K::File(file) => self.file(part, file, list)?,
            K::ToolResult(result) => self.tool_result(turn, result, list)?,
            K::Audio(_) => {
                self.lose("input_audio");
                false
            }
            K::Opaque { json, .. } => self.opaque(json, list)?,
            K::Thinking { .. } | K::RedactedThinking { .. } | K::ToolCall(_) | K::HostedTool { .. } => {
                self.lose("content");
                false
            }
        };
        if wrote {
            let mark = turn.extra.get("cache_control").filter(|_| last);
            self.cache_point(part.cache_control.as_ref().or(mark), list);
        }
        Ok(())
    }

    /// Writes a text unless there is nothing in it: the upstream refuses blank ones.
    pub(super) fn text(&mut self, text: &str, list: &mut Arr<'_>) -> bool {
        if text.trim().is_empty() {
            return false;
        }
        self.has_text = true;
        if self.guarded {
            list.obj().obj("guardContent").obj("text").str("text", text);
        } else {
            list.obj().str("text", text);
        }
        true
    }

    /// Writes a cache point where the mark asks for one.
    pub(super) fn cache_point(&self, mark: Option<&RawJson>, list: &mut Arr<'_>) {
        let Some(mark) = mark.filter(|m| self.caches && !m.is_null()) else { return };
        let top = mark.read::<Top<'_>>().unwrap_or_default();
        let ttl = top.str("ttl").filter(|t| self.caches_hours && matches!(&**t, "5m" | "1h"));
        let mut block = list.obj();
        let mut point = block.obj("cachePoint");
        point.str("type", "default");
        point.opt_str("ttl", ttl.as_deref());
    }

    fn file(&mut self, part: &Part, file: &FileRef, list: &mut Arr<'_>) -> Result<bool> {
        let cited = part.extra.get("citations").is_some_and(|c| c.get().contains("true"));
        self.medium(&file.source, file.media_type.as_deref(), Kind::Document, cited, list)
    }

    fn medium(
        &mut self,
        source: &MediaSource,
        media_type: Option<&str>,
        usual: Kind,
        cited: bool,
        list: &mut Arr<'_>,
    ) -> Result<bool> {
        let medium = Medium::of(source, media_type, usual)?;
        let name = (medium.kind == Kind::Document).then(|| {
            self.has_document = true;
            self.document_name(medium.name())
        });
        medium.write(name.as_deref(), cited, &mut list.obj());
        Ok(true)
    }

    /// Names must differ within a request.
    fn document_name(&mut self, name: String) -> String {
        let count = self.documents.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{count}") }
    }

    /// Parts that chat clients write in the words of other languages.
    fn opaque(&mut self, json: &RawJson, list: &mut Arr<'_>) -> Result<bool> {
        let top = json.read::<Top<'_>>().unwrap_or_default();
        match &*top.str("type").unwrap_or_default() {
            "guarded_text" => {
                let text = top.str("text").unwrap_or_default();
                self.has_text = true;
                list.obj().obj("guardContent").obj("text").str("text", &text);
                Ok(true)
            }
            "document" => {
                let source = top.read::<Top<'_>>("source").unwrap_or_default();
                let Some(data) = source.str("data").or_else(|| source.str("url")) else {
                    self.lose("content");
                    return Ok(false);
                };
                let media = match &*source.str("type").unwrap_or_default() {
                    "text" => MediaSource::Text(data.into_owned()),
                    "url" => MediaSource::Url(data.into_owned()),
                    _ => MediaSource::Base64(data.into_owned()),
                };
                self.medium(&media, source.str("media_type").as_deref(), Kind::Document, false, list)
            }
            _ => {
                self.lose("content");
                Ok(false)
            }
        }
    }

    fn tool_result(&mut self, turn: &Turn, result: &ToolResult, list: &mut Arr<'_>) -> Result<bool> {
        if result.call_id.is_empty() {
            // OpenAI's legacy functions have no ids by which a call could be told
            let said: String = result.parts.iter().filter_map(Part::as_text).collect();
            let name = result.name.as_deref().unwrap_or("function");
            return Ok(self.text(&format!("[tool result for {name}: {said}]"), list));
        }
        let id = call_id(&result.call_id);
        if !self.ids.insert(id.clone().into_owned()) {
            return Ok(false);
        }
        if result.is_error.is_some() {
            self.lose("is_error");
        }
        let found = turn.extra.get("search_results").and_then(|r| r.read::<Vec<&RawValue>>().ok());
        let mut block = list.obj();
        let mut inner = block.obj("toolResult");
        inner.str("toolUseId", &id);
        if found.is_some() {
            inner.str("status", "success");
        }
        let mut content = inner.arr("content");
        if let Some(found) = found {
            found.into_iter().for_each(|result| content.obj().text("searchResult", result.get()));
            return Ok(true);
        }
        let mut empty = true;
        for part in &result.parts {
            match &part.kind {
                K::Text { text, .. } => content.obj().str("text", text),
                K::Image(m) | K::Video(m) => {
                    self.medium(&m.source, m.media_type.as_deref(), Kind::Image, false, &mut content)?;
                }
                K::File(file) => drop(self.file(part, file, &mut content)?),
                _ => {
                    self.lose("content");
                    continue;
                }
            }
            empty = false;
        }
        if empty {
            content.obj().str("text", "");
        }
        Ok(true)
    }

    /// Writes a thought, where it is proven to be the model's own.
    pub(super) fn thought(&mut self, part: &Part, list: &mut Arr<'_>) {
        match &part.kind {
            K::Thinking { text, signature: Some(signature) } if !signature.is_empty() => {
                let mut block = list.obj();
                let mut outer = block.obj("reasoningContent");
                let mut inner = outer.obj("reasoningText");
                inner.str("text", text);
                inner.str("signature", signature);
            }
            K::RedactedThinking { data } => list.obj().obj("reasoningContent").str("redactedContent", data),
            _ => {}
        }
    }

    /// Writes a call, or several where a model wrote several objects as the arguments of one.
    pub(super) fn tool_use(&mut self, call: &ToolCall, list: &mut Arr<'_>) {
        let id = call_id(&call.id);
        if !self.ids.insert(id.clone().into_owned()) {
            return;
        }
        for (at, input) in inputs(&call.arguments).into_iter().enumerate() {
            if let Cow::Owned(_) = input {
                self.lose("tool_calls.arguments");
            }
            let id = if at == 0 { id.clone() } else { Cow::Owned(format!("{id}_{at}")) };
            let mut block = list.obj();
            let mut inner = block.obj("toolUse");
            inner.str("toolUseId", &id);
            inner.str("name", self.names.written(&call.name));
            inner.text("input", &input);
        }
    }
}

/// The arguments as JSON objects: nearly always one.
fn inputs(arguments: &str) -> Vec<Cow<'_, str>> {
    let objects: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_str(arguments).into_iter().collect();
    match objects {
        Ok(list) if list.len() > 1 && list.iter().all(|o| o.get().starts_with('{')) => {
            list.into_iter().map(|o| Cow::Borrowed(o.get())).collect()
        }
        _ => vec![tool_input(arguments)],
    }
}

/// Ids of calls: `[A-Za-z0-9_.:-]`, at most 64 characters; those that are bent end in a hash of the whole, as LiteLLM's do.
fn call_id(id: &str) -> Cow<'_, str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    if id.len() <= 64 && id.chars().all(legal) {
        return Cow::Borrowed(id);
    }
    let clean: String = id.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    let hash: String = Sha256::digest(id.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Cow::Owned(format!("{}_{hash}", clean.get(..55).unwrap_or(&clean)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_legal() {
        assert_eq!(call_id("call_1.a:b-c"), "call_1.a:b-c");
        assert_eq!(call_id("call:1|a b"), "call:1_a_b_b1647f67");
        let long = "x".repeat(80);
        assert!(call_id(&long).len() <= 64 && call_id(&long) != call_id(&"x".repeat(81)));
    }

    #[test]
    fn arguments_of_several_calls_are_taken_apart() {
        assert_eq!(inputs("{\"a\":1}{\"b\":2}"), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(inputs(""), ["{}"]);
        assert_eq!(inputs("not json"), ["{\"arguments\":\"not json\"}"]);
    }
}
