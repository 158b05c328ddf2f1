use llm_types::generate::{Choice, Part, PartKind};
use llm_types::{Extra, Format, Json, RawJson};

/// Thinking that stands at the head of the text between `<think>` and `</think>` becomes a part of its own.
pub(super) fn think_tags(parts: &mut Vec<Part>) {
    if parts.iter().any(|p| matches!(p.kind, PartKind::Thinking { .. })) {
        return;
    }
    let Some(first) = parts.first_mut() else { return };
    let PartKind::Text { text, .. } = &mut first.kind else { return };
    let Some((thoughts, rest)) = text.strip_prefix("<think>").and_then(|t| t.split_once("</think>")) else { return };
    let (thoughts, rest) = (thoughts.to_owned(), rest.to_owned());
    *text = rest;
    parts.insert(0, Part::new(PartKind::Thinking { text: thoughts, signature: None }));
}

/// `{"type": "reasoning", "summary": [{"type": "summary_text", "text", "signature"}]}` is thinking.
pub(super) fn reasoning(parts: &mut Vec<Part>) {
    if !parts.iter().any(|p| matches!(p.kind, PartKind::Opaque { .. })) {
        return;
    }
    let old = std::mem::take(parts);
    for part in old {
        match &part.kind {
            PartKind::Opaque { json, .. } => match thoughts(json) {
                Some(thoughts) => parts.extend(thoughts),
                None => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
}

/// The thoughts of a reasoning object.
fn thoughts(json: &RawJson) -> Option<Vec<Part>> {
    let tree: Json = json.read().ok()?;
    if tree.text("type") != Some("reasoning") {
        return None;
    }
    let summaries = tree.get("summary").and_then(Json::as_array)?;
    let text = |s: &Json, key: &str| s.text(key).map(str::to_owned);
    let part = |s: &Json| {
        let kind = PartKind::Thinking { text: text(s, "text").unwrap_or_default(), signature: text(s, "signature") };
        Part::new(kind)
    };
    Some(summaries.iter().map(part).collect())
}

/// An empty text beside nothing else is no text.
pub(super) fn drop_lone_empty_text(parts: &mut Vec<Part>) {
    let [only] = parts.as_slice() else { return };
    if only.as_text() == Some("") {
        parts.clear();
    }
}

/// Thoughts that stood in the field `reasoning`, refusals and fields of the choice stay where they were, alone.
pub(super) fn own_fields(choice: &mut Choice) {
    let own: Vec<_> = choice.extra.all().map(|(key, json)| (format!("beside.{key}"), json.clone())).collect();
    choice.extra = Extra::new(Format::OpenAiChat);
    own.into_iter().for_each(|(key, json)| choice.extra.push(Format::OpenAiChat, key, json));
    if let Some(text) = choice.message_extra.remove("reasoning") {
        choice.parts.retain(|p| !matches!(p.kind, PartKind::Thinking { .. }));
        choice.message_extra.push(Format::OpenAiChat, "beside.reasoning", text);
    }
    let refusal = choice.parts.iter().position(|p| matches!(p.kind, PartKind::Refusal(_)));
    if let Some(at) = refusal
        && let PartKind::Refusal(text) = choice.parts.remove(at).kind
    {
        choice.message_extra.push(Format::OpenAiChat, "beside.refusal", RawJson::string(&text));
    }
}
