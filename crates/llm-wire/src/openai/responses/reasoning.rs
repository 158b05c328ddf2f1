//! Items of thoughts.
//!
//! OpenAI's own are summaries with an encrypted whole; open models show the whole in `content`. Where LiteLLM bridges
//! to a model that signs its thoughts, the signed blocks lie in `encrypted_content` as JSON.

use llm_types::generate::{Part, PartKind};
use llm_types::{Extra, RawJson};

use super::content_decode::keep;
use super::item_decode::ItemView;
use super::{FORMAT, FULL_TEXT, MORE};
use crate::codec::EncodeContext;
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{Content, Text, view};

view!(lenient SummaryView {
    kind = "type": Text<'a>,
    text = "text": Text<'a>,
});

view!(lenient BlockView {
    kind = "type": Text<'a>,
    thinking = "thinking": Text<'a>,
    signature = "signature": Text<'a>,
    data = "data": Text<'a>,
});

const SEALED_FIELD: &str = "encrypted_content";

/// How OpenAI's encrypted thoughts begin (a Fernet token). Other providers' signatures mean nothing to it.
const SEALED: &str = "gAAAA";

/// Reads an item of thoughts. What OpenAI sealed is the proof of its thoughts in an answer, so that clients of every
/// format can send it back. In a request it is a field of the item: other providers would refuse it as a proof.
pub(crate) fn decode(view: ItemView<'_>, answer: bool) -> Vec<Part> {
    if let Some(parts) = view.encrypted.filled().and_then(signed_blocks) {
        return parts;
    }
    let sealed = view.encrypted.filled().filter(|_| answer);
    let marked = |text: &str, full: bool| {
        let mut extra = Extra::new(FORMAT);
        if full {
            extra.push(FORMAT, FULL_TEXT, yes());
        }
        let kind = PartKind::Thinking { text: text.to_owned(), signature: None };
        Part { kind, cache_control: None, extra }
    };
    let summary = view.summary.0.unwrap_or_default();
    let mut parts: Vec<Part> = summary.iter().filter_map(|s| s.text.0.as_deref()).map(|t| marked(t, false)).collect();
    if let Content::Parts(list) = &view.content {
        let texts = list.iter().filter_map(|raw| serde_json::from_str::<SummaryView<'_>>(raw.get()).ok());
        parts.extend(texts.filter_map(|s| s.text.0.map(|t| marked(&t, true))));
    }
    match (parts.split_last_mut(), sealed) {
        (Some((last, before)), sealed) => {
            before.iter_mut().for_each(|p| p.extra.push(FORMAT, MORE, yes()));
            if let PartKind::Thinking { signature, .. } = &mut last.kind {
                *signature = sealed.map(str::to_owned);
            }
        }
        (None, Some(data)) => parts.push(Part::new(PartKind::RedactedThinking { data: data.to_owned() })),
        (None, None) => parts.push(Part::new(PartKind::Thinking { text: String::new(), signature: None })),
    }
    if let Some(last) = parts.last_mut() {
        if last.extra.format().is_none() {
            last.extra = Extra::new(FORMAT);
        }
        if let Some(kept) = view.encrypted.filled().filter(|_| !answer) {
            last.extra.push(FORMAT, SEALED_FIELD, RawJson::string(kept));
        }
        keep(view.rest, "", &mut last.extra);
    }
    parts
}

fn yes() -> RawJson {
    RawJson::parse("true").unwrap_or_default()
}

/// Signed blocks of another provider that LiteLLM put into `encrypted_content`.
fn signed_blocks(sealed: &str) -> Option<Vec<Part>> {
    if !sealed.starts_with('[') {
        return None;
    }
    let blocks: Vec<BlockView<'_>> = serde_json::from_str(sealed).ok()?;
    let text = |t: Text<'_>| t.0.unwrap_or_default().into_owned();
    let part = |b: BlockView<'_>| {
        Part::new(match b.kind.filled() {
            Some("redacted_thinking") => PartKind::RedactedThinking { data: text(b.data) },
            _ => PartKind::Thinking { signature: b.signature.filled().map(str::to_owned), text: text(b.thinking) },
        })
    };
    Some(blocks.into_iter().map(part).collect())
}

/// How many of the parts at the front belong to one item of thoughts; 0 when the first is no thought.
pub(crate) fn run(parts: &[&Part]) -> usize {
    let mut count = 0;
    for part in parts {
        let goes_on = match &part.kind {
            PartKind::Thinking { .. } if part.extra.format() == Some(FORMAT) => part.extra.get(MORE).is_some(),
            PartKind::Thinking { signature, .. } => signature.is_none(),
            PartKind::RedactedThinking { .. } => false,
            _ => break,
        };
        count += 1;
        if !goes_on {
            break;
        }
    }
    count
}

/// Writes the thoughts of one item for an upstream. What only another provider can read is left out.
pub(crate) fn encode(parts: &[&Part], ctx: &mut EncodeContext<'_>, list: &mut Arr<'_>) {
    let native = parts.last().is_some_and(|p| p.extra.format() == Some(FORMAT));
    let readable = sealed(parts).filter(|s| native || s.starts_with(SEALED));
    if !native && readable.is_none() && texts(parts, false).all(str::is_empty) {
        ctx.lost.push("messages.thinking".to_owned());
        return;
    }
    write(parts, readable, &mut list.obj());
}

/// Writes the thoughts of one item for a client. Items that have no id get this one.
pub(crate) fn encode_output(parts: &[&Part], id: &str, list: &mut Arr<'_>) {
    let mut obj = list.obj();
    if parts.last().is_some_and(|p| p.extra.fields_for(FORMAT).all(|(key, _)| key != "id")) {
        obj.str("id", id);
    }
    write(parts, sealed(parts), &mut obj);
}

fn sealed<'t>(parts: &[&'t Part]) -> Option<&'t str> {
    parts.iter().rev().find_map(|p| match &p.kind {
        PartKind::Thinking { signature, .. } => signature.as_deref(),
        PartKind::RedactedThinking { data } => Some(data.as_str()),
        _ => None,
    })
}

fn texts<'t>(parts: &[&'t Part], full: bool) -> impl Iterator<Item = &'t str> {
    parts.iter().filter_map(move |p| match &p.kind {
        PartKind::Thinking { text, .. } if p.extra.get(FULL_TEXT).is_some() == full => Some(text.as_str()),
        _ => None,
    })
}

fn write(parts: &[&Part], sealed: Option<&str>, obj: &mut Obj<'_>) {
    obj.str("type", "reasoning");
    write_texts(texts(parts, false), "summary_text", &mut obj.arr("summary"));
    if texts(parts, true).next().is_some() {
        write_texts(texts(parts, true), "reasoning_text", &mut obj.arr("content"));
    }
    obj.opt_str(SEALED_FIELD, sealed);
    if let Some(last) = parts.last() {
        obj.extra(&last.extra, FORMAT, |key| !matches!(key, MORE | FULL_TEXT));
    }
}

fn write_texts<'t>(texts: impl Iterator<Item = &'t str>, kind: &str, list: &mut Arr<'_>) {
    for text in texts.filter(|t| !t.is_empty()) {
        let mut obj: Obj<'_> = list.obj();
        obj.str("type", kind);
        obj.str("text", text);
    }
}
