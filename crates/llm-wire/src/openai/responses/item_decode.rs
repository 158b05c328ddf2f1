//! Items, of inputs and of outputs, to parts.

use llm_types::generate::{Part, PartKind, Role, ToolCall, ToolResult};
use llm_types::{Extra, RawJson};
use serde_json::value::RawValue;

use super::content_decode::{self, keep};
use super::reasoning::{self, SummaryView};
use super::{FORMAT, ITEM};
use crate::openai::chat::Arguments;
use crate::openai::wire::{Content, List, Text, view};

view!(lenient ItemView {
    kind = "type": Text<'a>,
    role = "role": Text<'a>,
    content = "content": Content<'a>,
    call_id = "call_id": Text<'a>,
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
    output = "output": Option<&'a RawValue>,
    summary = "summary": List<SummaryView<'a>>,
    encrypted = "encrypted_content": Text<'a>,
});

/// What an item amounts to.
#[derive(Debug)]
pub(crate) struct Item {
    /// Who said it.
    pub(crate) role: Role,
    /// A message, as opposed to thoughts, calls and outputs.
    pub(crate) message: bool,
    /// Its content was a bare string.
    pub(crate) flat: bool,
    /// What was said.
    pub(crate) parts: Vec<Part>,
}

/// Reads an item, of an answer or of a request. A message without a known role is `None`.
pub(crate) fn item(raw: &RawValue, answer: bool) -> Option<Item> {
    let view: ItemView<'_> = serde_json::from_str(raw.get()).ok()?;
    let of = |role, parts| Some(Item { role, message: false, flat: false, parts });
    match view.kind.filled() {
        Some("message") | None => message(view),
        Some("function_call") => {
            let id = view.call_id.filled().or_else(|| own_id(&view)).unwrap_or_default().to_owned();
            let name = view.name.0.as_deref().unwrap_or_default().to_owned();
            let call = ToolCall { id, name, arguments: view.arguments.text().into_owned() };
            let mut extra = Extra::new(FORMAT);
            keep(view.rest, "", &mut extra);
            of(Role::Assistant, vec![Part { kind: PartKind::ToolCall(call), cache_control: None, extra }])
        }
        Some("function_call_output") => {
            let (parts, flat) = view.output.map_or_else(Default::default, output);
            let call_id = view.call_id.0.as_deref().unwrap_or_default().to_owned();
            let name = view.name.0.as_deref().map(str::to_owned);
            let result = ToolResult { call_id, name, parts, flat, is_error: None };
            let mut extra = Extra::new(FORMAT);
            keep(view.rest, "", &mut extra);
            of(Role::Tool, vec![Part { kind: PartKind::ToolResult(result), cache_control: None, extra }])
        }
        Some("reasoning") => of(Role::Assistant, reasoning::decode(view, answer)),
        Some(kind) => {
            let role = if by_client(kind) { Role::User } else { Role::Assistant };
            of(role, vec![Part::new(PartKind::HostedTool { format: FORMAT, json: RawJson::borrowed(raw) })])
        }
    }
}

/// What a tool answered. OpenAI wants a text or a list; other JSON is told as its text.
fn output(raw: &RawValue) -> (Vec<Part>, bool) {
    match serde_json::from_str::<Content<'_>>(raw.get()) {
        Ok(content @ (Content::Text(_) | Content::Parts(_) | Content::None)) => {
            content_decode::parts(&content, Role::Tool)
        }
        Ok(Content::Wrong) | Err(_) => (vec![Part::text(raw.get())], true),
    }
}

/// Items that the client makes.
fn by_client(kind: &str) -> bool {
    kind.ends_with("_output") || matches!(kind, "mcp_approval_response" | "item_reference")
}

fn own_id<'v>(view: &'v ItemView<'_>) -> Option<&'v str> {
    let raw = view.rest.iter().find(|(key, _)| key == "id")?.1.get();
    raw.strip_prefix('"')?.strip_suffix('"')
}

fn message(view: ItemView<'_>) -> Option<Item> {
    let role = match view.role.filled()? {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        "developer" => Role::Developer,
        _ => return None,
    };
    let (mut parts, flat) = content_decode::parts(&view.content, role);
    if let Some(first) = parts.first_mut() {
        if let Some(kind) = view.kind.filled() {
            first.extra.push(FORMAT, "item.type", RawJson::string(kind));
        }
        keep(view.rest, ITEM, &mut first.extra);
    }
    Some(Item { role, message: true, flat, parts })
}
