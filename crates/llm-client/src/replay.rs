//! A whole answer, told as the events of a stream: for providers that do not stream, and for cached answers.

use std::borrow::Cow;

use llm_types::generate::{GenerateResponse, Part, PartKind};
use llm_types::stream::{Delta, Event, EventSink, PartStart, Start};

/// Tells the events of an answer, in the order of the grammar.
pub fn replay(response: &GenerateResponse, sink: &mut dyn EventSink) {
    sink.event(Event::Start(Box::new(Start {
        silent: false,
        id: response.id.clone(),
        model: response.model.clone(),
        created: response.created,
        service_tier: response.service_tier.clone(),
        extra: response.extra.clone(),
    })));
    for choice in &response.choices {
        for (at, part) in choice.parts.iter().enumerate() {
            tell(choice.index, u32::try_from(at).unwrap_or(u32::MAX), part, sink);
        }
        let extras = choice.message_extra.format();
        for (key, json) in choice.message_extra.all() {
            if let Some(format) = extras {
                let json = Cow::Borrowed(json.get());
                sink.event(Event::Opaque { choice: choice.index, format, key: Cow::Borrowed(key), json });
            }
        }
        if let Some(logprobs) = &choice.logprobs {
            sink.event(Event::Logprobs { choice: choice.index, json: Cow::Borrowed(logprobs.get()) });
        }
    }
    for choice in &response.choices {
        let reason = llm_types::generate::FinishReason::Stop;
        let finish = choice.finish.clone().unwrap_or(llm_types::generate::Finish::new(reason));
        sink.event(Event::Finish { choice: choice.index, finish });
    }
    if let Some(usage) = &response.usage {
        sink.event(Event::Usage(Box::new(usage.clone())));
    }
    sink.event(Event::End);
}

fn tell(choice: u32, part: u32, content: &Part, sink: &mut dyn EventSink) {
    let (kind, deltas) = events(content);
    sink.event(Event::PartStart { choice, part, kind });
    deltas.into_iter().for_each(|delta| sink.event(Event::Delta { choice, part, delta }));
    sink.event(Event::PartEnd { choice, part });
}

fn events(part: &Part) -> (PartStart<'_>, Vec<Delta<'_>>) {
    let borrow = |text: &'_ str| -> Cow<'_, str> { Cow::Owned(text.to_owned()) };
    match &part.kind {
        PartKind::Text { text, citations } => {
            let mut deltas = vec![Delta::Text(Cow::Borrowed(text))];
            let format = llm_types::Format::AnthropicMessages;
            deltas.extend(citations.iter().map(|c| Delta::Citation { format, json: Cow::Borrowed(c.get()) }));
            (PartStart::Text, deltas)
        }
        PartKind::Thinking { text, signature } => {
            let mut deltas = vec![Delta::Thinking(Cow::Borrowed(text))];
            deltas.extend(signature.as_deref().map(|s| Delta::Signature(Cow::Borrowed(s))));
            (PartStart::Thinking, deltas)
        }
        PartKind::RedactedThinking { data } => (PartStart::RedactedThinking { data: Cow::Borrowed(data) }, Vec::new()),
        PartKind::Refusal(text) => (PartStart::Refusal, vec![Delta::Refusal(Cow::Borrowed(text))]),
        PartKind::ToolCall(call) => (
            PartStart::ToolCall { id: Cow::Borrowed(&call.id), name: Cow::Borrowed(&call.name) },
            vec![Delta::Arguments(Cow::Borrowed(&call.arguments))],
        ),
        PartKind::HostedTool { format, json } | PartKind::Opaque { format, json } => {
            (PartStart::Opaque { format: *format, json: borrow(json.get()) }, Vec::new())
        }
        PartKind::Image(_) | PartKind::Audio(_) | PartKind::Video(_) | PartKind::File(_) | PartKind::ToolResult(_) => {
            // Answers hold these only inside opaque fields of their format.
            (PartStart::Text, Vec::new())
        }
    }
}
