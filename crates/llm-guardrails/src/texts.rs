//! Every text of a request or an answer.

use llm_types::generate::{
    Choice, FileRef, GenerateRequest, GenerateResponse, MediaSource, Part, PartKind, Role, ToolResult, Turn,
};
use llm_types::{Extra, Format, Json, RawJson};

use crate::json;

/// Which turns of a conversation are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// Not the instructions (`skip_system_message_in_guardrail`).
    pub skip_system: bool,
    /// Not the results of tools (`skip_tool_message_in_guardrail`).
    pub skip_tool: bool,
}

/// What has texts.
pub trait Texts {
    /// Calls `each` for every text, in order, always the same ones, with who says it: nothing for what is no part of a
    /// conversation. A change is kept.
    fn visit(&mut self, scope: Scope, each: &mut dyn FnMut(Option<Role>, &mut String));
}

/// Calls `each` for every text of a request or an answer that a model reads or wrote: text, thinking, refusals,
/// arguments and results of tools, plain text documents, and the strings of blocks and fields that only one format
/// knows. Thinking that is changed loses its signature, which would no longer fit.
pub fn texts_mut<T: Texts + ?Sized>(of: &mut T, mut each: impl FnMut(&mut String)) {
    of.visit(Scope::default(), &mut |_, text| each(text));
}

impl Texts for GenerateRequest {
    fn visit(&mut self, scope: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        for t in &mut self.turns {
            turn(t, scope, each);
        }
        // Other unknown fields are settings; these hold what the model reads. The prompt of Responses is a stored one, which
        // variables fill.
        let stored = self.extra.format() == Some(Format::OpenAiResponses);
        let read = |key: &str| matches!(key, "prediction" | "suffix") || stored && key == "prompt";
        extra(&mut self.extra, read, &mut |text| each(None, text));
    }
}

impl Texts for GenerateResponse {
    fn visit(&mut self, _: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        let mut each = |text: &mut String| each(Some(Role::Assistant), text);
        for Choice { parts, message_extra, .. } in &mut self.choices {
            parts.iter_mut().for_each(|p| part(p, Scope::default(), &mut each));
            extra(message_extra, |_| true, &mut each);
        }
    }
}

/// The arguments of a tool: every string, names included, for a name that nobody judges could carry anything.
impl Texts for RawJson {
    fn visit(&mut self, _: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        raw(self, &mut |text| each(None, text));
    }
}

/// The result of an MCP tool (`{content, structuredContent}`).
#[derive(Debug, Clone)]
pub struct ToolOutcome(pub Json);

/// What a model reads of it: texts, those of embedded resources too, and the values of the structured form. What frames them
/// stays as it is.
impl Texts for ToolOutcome {
    fn visit(&mut self, _: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
        let each = &mut |text: &mut String| each(Some(Role::Tool), text);
        if let Some(Json::Array(parts)) = self.0.get_mut("content") {
            for part in parts {
                if let Some(Json::String(text)) = part.get_mut("text") {
                    each(text);
                }
                if let Some(Json::String(text)) = part.get_mut("resource").and_then(|r| r.get_mut("text")) {
                    each(text);
                }
            }
        }
        if let Some(structured) = self.0.get_mut("structuredContent") {
            json::strings_mut(structured, each);
        }
    }
}

fn turn(turn: &mut Turn, scope: Scope, each: &mut dyn FnMut(Option<Role>, &mut String)) {
    let skipped = match turn.role {
        Role::System | Role::Developer => scope.skip_system,
        Role::Tool => scope.skip_tool,
        Role::User | Role::Assistant => false,
    };
    if skipped {
        return;
    }
    let role = turn.role;
    for p in &mut turn.parts {
        // Results of tools may stand in turns of the user.
        let role = if matches!(p.kind, PartKind::ToolResult(_)) { Role::Tool } else { role };
        part(p, scope, &mut |text| each(Some(role), text));
    }
    extra(&mut turn.extra, |_| true, &mut |text| each(Some(role), text));
}

fn part(part: &mut Part, scope: Scope, each: &mut dyn FnMut(&mut String)) {
    match &mut part.kind {
        PartKind::Text { text, citations } => {
            each(text);
            citations.iter_mut().for_each(|c| raw(c, each));
        }
        PartKind::Refusal(text) => each(text),
        PartKind::Thinking { text, signature } => {
            let before = text.clone();
            each(text);
            if *text != before {
                *signature = None;
            }
        }
        PartKind::ToolCall(call) => {
            if let Some(new) = json::edit(&call.arguments, each) {
                call.arguments = new;
            }
        }
        PartKind::ToolResult(ToolResult { parts, .. }) if !scope.skip_tool => {
            parts.iter_mut().for_each(|p| self::part(p, scope, each));
        }
        PartKind::File(FileRef { source: MediaSource::Text(text), .. }) => each(text),
        PartKind::HostedTool { json, .. } | PartKind::Opaque { json, .. } => raw(json, each),
        PartKind::ToolResult(_)
        | PartKind::File(_)
        | PartKind::Image(_)
        | PartKind::Audio(_)
        | PartKind::Video(_)
        | PartKind::RedactedThinking { .. } => {}
    }
    extra(&mut part.extra, |_| true, each);
}

fn raw(json: &mut RawJson, each: &mut dyn FnMut(&mut String)) {
    if let Some(new) = json::edit(json.get(), each).and_then(|text| RawJson::parse(text).ok()) {
        *json = new;
    }
}

fn extra(extra: &mut Extra, wanted: impl Fn(&str) -> bool, each: &mut dyn FnMut(&mut String)) {
    let Some(format) = extra.format().filter(|_| !extra.is_empty()) else { return };
    let mut changed = false;
    let mut new = Extra::new(format);
    for (key, value) in extra.all() {
        let mut value = value.clone();
        if wanted(key) {
            let mut tell = |s: &mut String| {
                let before = s.clone();
                each(s);
                changed |= *s != before;
            };
            raw(&mut value, &mut tell);
        }
        new.push(format, key, value);
    }
    if changed {
        *extra = new;
    }
}
