//! Answers: `{id, finish_reason, message: {content: [..], tool_calls: [..], citations: [..]}, usage}`.

use bytes::BytesMut;
use llm_types::generate::{Choice, Finish, FinishReason, GenerateResponse, Part, PartKind, ToolCall};
use llm_types::{Extra, Format, RawJson, Result};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::codec::ReplyView;
use crate::cohere::usage::UsageView;
use crate::openai::chat::Arguments;
use crate::openai::errors::invalid_reply;
use crate::openai::object::{Arr, Obj};
use crate::openai::wire::{Count, List, Text, view};

view!(lenient ReplyIn {
    id = "id": Text<'a>,
    message = "message": Option<Box<MessageIn<'a>>>,
    usage = "usage": UsageView<'a>,
    finish_reason = "finish_reason": Text<'a>,
});

view!(lenient MessageIn {
    content = "content": List<ContentIn<'a>>,
    tool_calls = "tool_calls": List<CallIn<'a>>,
    citations = "citations": List<&'a RawValue>,
});

view!(lenient ContentIn {
    text = "text": Text<'a>,
});

view!(lenient CallIn {
    id = "id": Text<'a>,
    function = "function": FunctionIn<'a>,
});

view!(lenient FunctionIn {
    name = "name": Text<'a>,
    arguments = "arguments": Arguments<'a>,
});

/// Reads an answer.
pub(super) fn decode(reply: &ReplyView<'_>) -> Result<GenerateResponse> {
    let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
    let message = view.message.ok_or_else(|| invalid_reply(reply, "provider returned a response with no 'message'"))?;
    let calls = message.tool_calls.0.unwrap_or_default();
    let mut parts = Vec::new();
    if calls.is_empty() {
        let text = message.content.0.unwrap_or_default().iter().filter_map(|c| c.text.0.as_deref()).collect::<String>();
        parts.push(Part::text(text));
    }
    for call in &calls {
        parts.push(Part::new(PartKind::ToolCall(ToolCall {
            id: call.id.filled().unwrap_or_default().to_owned(),
            name: call.function.name.filled().unwrap_or_default().to_owned(),
            arguments: call.function.arguments.text().into_owned(),
        })));
    }
    let mut message_extra = Extra::new(Format::OpenAiChat);
    if let Some(annotations) = annotations(&message.citations.0.unwrap_or_default()) {
        message_extra.push(Format::OpenAiChat, "annotations", annotations);
    }
    let raw = view.finish_reason.filled().map(|word| (FORMAT, word.to_owned()));
    let finish = Finish { raw, ..Finish::new(FinishReason::Stop) };
    Ok(GenerateResponse {
        id: view.id.filled().unwrap_or_default().to_owned(),
        choices: vec![Choice { parts, finish: Some(finish), message_extra, ..Choice::default() }],
        usage: view.usage.tokens.report().or_else(|| view.usage.billed.report()),
        ..GenerateResponse::default()
    })
}

view!(lenient CitationIn {
    start = "start": Count,
    end = "end": Count,
    sources = "sources": List<SourceIn<'a>>,
});

view!(lenient SourceIn {
    kind = "type": Text<'a>,
    id = "id": Text<'a>,
    document = "document": DocumentIn<'a>,
});

view!(lenient DocumentIn {
    id = "id": Text<'a>,
    title = "title": Text<'a>,
    url = "url": Text<'a>,
});

/// Citations of documents as OpenAI's annotations; nothing when there are none. A document without an address is named
/// by `source:<id>`.
fn annotations(citations: &[&RawValue]) -> Option<RawJson> {
    let mut out = BytesMut::new();
    let mut count = 0;
    {
        let mut list = Arr::open(&mut out);
        for raw in citations {
            let citation: CitationIn<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            let documents = citation.sources.0.unwrap_or_default();
            for source in documents.iter().filter(|s| s.kind.filled() == Some("document")) {
                count += 1;
                let mut annotation = list.obj();
                annotation.str("type", "url_citation");
                let mut inner: Obj<'_> = annotation.obj("url_citation");
                inner.u64("start_index", citation.start.0.unwrap_or(0));
                inner.u64("end_index", citation.end.0.unwrap_or(0));
                inner.str("title", source.document.title.filled().unwrap_or_default());
                let id = source.document.id.filled().or(source.id.filled()).unwrap_or_default();
                match source.document.url.filled() {
                    Some(url) => inner.str("url", url),
                    None => inner.str("url", &format!("source:{id}")),
                }
            }
        }
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    RawJson::parse(text).ok().filter(|_| count > 0)
}
