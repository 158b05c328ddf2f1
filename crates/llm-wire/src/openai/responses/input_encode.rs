//! The conversation, as items.
//!
//! Of turns of Messages LiteLLM writes results and calls first and the texts behind them.

use llm_types::Format;
use llm_types::generate::{Part, PartKind, Role, ToolCall, ToolResult, Turn};

use super::{FORMAT, ITEM, content_encode, reasoning};
use crate::codec::EncodeContext;
use crate::openai::chat::TOOL_IMAGES;
use crate::openai::object::Arr;

/// Writes all turns.
pub(crate) fn items(turns: &[Turn], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    for turn in turns {
        let parts: Vec<&Part> = turn.parts.iter().collect();
        match turn.extra.format() {
            Some(FORMAT) => in_order(turn, &parts, ctx, list),
            Some(Format::OpenAiChat) if turn.role == Role::Assistant => in_order(turn, &parts, ctx, list),
            _ => calls_first(turn, &parts, ctx, list),
        }
    }
}

/// Items in the order of their parts; parts of content that follow each other are one message.
fn in_order(turn: &Turn, parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let mut rest = parts;
    if rest.is_empty() {
        message(turn, &[], ctx, list);
    }
    while let Some((first, _)) = rest.split_first() {
        let count = if content_encode::is_content(first) {
            let count = message_run(rest);
            message(turn, rest.get(..count).unwrap_or(rest), ctx, list);
            count
        } else {
            item(rest, ctx, list)
        };
        rest = rest.get(count.max(1)..).unwrap_or_default();
    }
}

fn calls_first(turn: &Turn, parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let (content, others): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|p| content_encode::is_content(p));
    let mut rest = others.as_slice();
    let mut images: Vec<&Part> = Vec::new();
    while let Some((first, tail)) = rest.split_first() {
        if let PartKind::ToolResult(result) = &first.kind {
            output(first, result, &mut images, ctx, list);
            rest = tail;
        } else {
            let count = item(rest, ctx, list);
            rest = rest.get(count.max(1)..).unwrap_or_default();
        }
    }
    if !images.is_empty() {
        let mut obj = list.obj();
        obj.str("type", "message");
        obj.str("role", "user");
        let mut content = obj.arr("content");
        content_encode::text(TOOL_IMAGES, Role::User, &mut content);
        images.into_iter().for_each(|p| content_encode::part(p, Role::User, ctx, &mut content));
    }
    if !content.is_empty() {
        message(turn, &content, ctx, list);
    }
}

/// Parts of content that belong to one message: up to the next that begins another.
pub(crate) fn message_run(parts: &[&Part]) -> usize {
    let begins = |p: &Part| p.extra.fields_for(FORMAT).any(|(key, _)| key.starts_with(ITEM));
    let rest = parts.iter().skip(1).take_while(|p| content_encode::is_content(p) && !begins(p));
    rest.count() + 1
}

fn message(turn: &Turn, parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let native = turn.extra.format() == Some(FORMAT);
    let mut obj = list.obj();
    if !native {
        obj.str("type", "message");
    }
    obj.str(
        "role",
        match turn.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        },
    );
    match parts {
        [one] if native && turn.flat && one.as_text().is_some() => obj.opt_str("content", one.as_text()),
        many => {
            let mut content = obj.arr("content");
            many.iter().for_each(|p| content_encode::part(p, turn.role, ctx, &mut content));
        }
    }
    if let Some(first) = parts.first() {
        obj.inner(&first.extra, FORMAT, ITEM);
    }
}

/// Writes the item that the first part stands for; tells how many parts it took.
fn item(parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) -> usize {
    let count = reasoning::run(parts);
    if count > 0 {
        reasoning::encode(parts.get(..count).unwrap_or(parts), ctx, list);
        return count;
    }
    let Some(part) = parts.first() else { return 0 };
    match &part.kind {
        PartKind::ToolCall(of) => call(part, of, list),
        PartKind::ToolResult(result) => output(part, result, &mut Vec::new(), ctx, list),
        PartKind::HostedTool { format: FORMAT, json } => list.text(json.get()),
        PartKind::HostedTool { format, .. } | PartKind::Opaque { format, .. } => {
            ctx.lost.push(format!("messages.{format} block"));
        }
        _ => {}
    }
    1
}

fn call(part: &Part, call: &ToolCall, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    obj.str("type", "function_call");
    obj.str("call_id", &call.id);
    obj.str("name", &call.name);
    obj.str("arguments", &call.arguments);
    obj.extra(&part.extra, FORMAT, |_| true);
}

/// Writes what a tool answered. Of other formats' answers the texts are joined and pictures put aside for a message
/// of the user.
fn output<'t>(
    part: &'t Part,
    result: &'t ToolResult,
    images: &mut Vec<&'t Part>,
    ctx: &mut EncodeContext<'_>,
    list: &mut Arr<'_>,
) {
    let native = part.extra.format() == Some(FORMAT);
    let mut obj = list.obj();
    obj.str("type", "function_call_output");
    obj.str("call_id", &result.call_id);
    if native {
        obj.opt_str("name", result.name.as_deref());
        match result.parts.as_slice() {
            [one] if result.flat && one.as_text().is_some() => obj.opt_str("output", one.as_text()),
            many => {
                let mut content = obj.arr("output");
                many.iter().for_each(|p| content_encode::part(p, Role::Tool, ctx, &mut content));
            }
        }
        return obj.extra(&part.extra, FORMAT, |_| true);
    }
    let (pictures, others): (Vec<&Part>, Vec<&Part>) =
        result.parts.iter().partition(|p| matches!(p.kind, PartKind::Image(_)));
    let mut texts: Vec<&str> = others.iter().filter_map(|p| p.as_text()).collect();
    if !pictures.is_empty() {
        texts.push(crate::openai::chat::TOOL_IMAGE_ALONE);
    }
    images.extend(pictures);
    let text = texts.join("\n");
    if others.iter().all(|p| p.as_text().is_some()) {
        return obj.str("output", &text);
    }
    let mut content = obj.arr("output");
    if !text.is_empty() {
        content_encode::text(&text, Role::Tool, &mut content);
    }
    let files = others.iter().filter(|p| p.as_text().is_none());
    files.for_each(|p| content_encode::part(p, Role::Tool, ctx, &mut content));
}
