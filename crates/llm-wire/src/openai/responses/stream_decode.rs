//! Streams of Responses upstreams.

use std::borrow::Cow;

use llm_types::stream::{Event, EventSink, PartStart, Start};
use llm_types::{Error, Extra, Kind as ErrorKind};
use serde_json::value::RawValue;

use super::FORMAT;
use super::content_decode::keep;
use super::response_decode::{self, ReplyIn, list_content};
use super::stream_parts::{Kind, Parts, Place};
use super::stream_view::{EventView, ItemHead};
use crate::codec::{ReplyContext, StreamDecoder, StreamErrors};
use crate::openai::wire::{Content, List, Text, view};
use crate::openai::{errors, usage};
use crate::sse::Frame;

/// Reads events.
#[derive(Debug)]
pub(crate) struct ResponsesStreamDecoder {
    provider: String,
    started: bool,
    over: bool,
    parts: Parts,
}

view!(lenient MessageView {
    content = "content": Content<'a>,
    summary = "summary": List<TextView<'a>>,
});

view!(lenient TextView {
    kind = "type": Text<'a>,
    text = "text": Text<'a>,
    refusal = "refusal": Text<'a>,
});

impl ResponsesStreamDecoder {
    pub(crate) fn new(ctx: &ReplyContext) -> Self {
        Self { provider: ctx.provider.clone(), started: false, over: false, parts: Parts::default() }
    }

    fn event(&mut self, view: EventView<'_>, raw: &[u8], sink: &mut dyn EventSink) {
        let Some(kind) = view.kind.filled() else {
            if let Some(error) = view.error {
                self.fail(errors::decode_in_stream(error.get(), &self.provider, StreamErrors::ByCode), sink);
            }
            return;
        };
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => self.start(view.response, sink),
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let status = kind.trim_start_matches("response.").to_owned();
                self.terminal(view.response, &status, sink);
            }
            "error" => {
                let text = String::from_utf8_lossy(raw);
                let said = view.error.map_or(text.as_ref(), RawValue::get);
                self.fail(errors::decode_in_stream(said, &self.provider, StreamErrors::ByCode), sink);
            }
            _ => self.of_output(view, sink),
        }
    }

    /// Events of the output. Those that repeat what was told (`*.part.done`, `*_text.done`) and the progress of tools
    /// that the provider runs need nothing; unknown ones are ignored.
    fn of_output(&mut self, view: EventView<'_>, sink: &mut dyn EventSink) {
        let item = view.output_index.0.unwrap_or(0);
        let piece = view.content_index.0.or(view.summary_index.0).unwrap_or(0);
        let at = |kind| Place { item, piece, kind };
        let Some(kind) = view.kind.0.as_deref() else { return };
        if !is_known(kind) {
            return;
        }
        self.start(None, sink);
        match kind {
            "response.output_item.added" => self.item(item, view.item, false, sink),
            "response.output_item.done" => self.item(item, view.item, true, sink),
            "response.output_text.delta" => {
                if let Some(list) = view.logprobs.and_then(|l| list_content(l.get())) {
                    let json = Cow::Owned(format!("{{\"content\":[{list}]}}"));
                    sink.event(Event::Logprobs { choice: 0, json });
                }
                self.parts.say(at(Kind::Text), view.delta.0.unwrap_or_default(), sink);
            }
            "response.refusal.delta" => self.parts.say(at(Kind::Refusal), view.delta.0.unwrap_or_default(), sink),
            "response.reasoning_summary_text.delta" => {
                self.parts.say(at(Kind::Summary), view.delta.0.unwrap_or_default(), sink);
            }
            "response.reasoning_text.delta" => {
                self.parts.say(at(Kind::Thoughts), view.delta.0.unwrap_or_default(), sink)
            }
            "response.output_text.done" => self.parts.whole(at(Kind::Text), view.text.0.unwrap_or_default(), sink),
            "response.refusal.done" => self.parts.whole(at(Kind::Refusal), view.refusal.0.unwrap_or_default(), sink),
            "response.function_call_arguments.delta" => {
                self.parts.arguments(item, view.delta.0.unwrap_or_default(), sink);
            }
            "response.function_call_arguments.done" => {
                self.parts.all_arguments(item, view.arguments.0.unwrap_or_default(), sink);
            }
            "response.output_text.annotation.added" => {
                if let Some(json) = view.annotation {
                    self.parts.cite(at(Kind::Text), json.get(), sink);
                }
            }
            _ => {}
        }
    }

    /// An item begins or is complete.
    fn item(&mut self, at: u64, raw: Option<&RawValue>, done: bool, sink: &mut dyn EventSink) {
        let Some(raw) = raw else { return };
        let head: ItemHead<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        match head.kind.filled() {
            Some("function_call") => {
                self.parts.call(at, &head, sink);
                if done {
                    self.parts.all_arguments(at, head.arguments.0.unwrap_or_default(), sink);
                }
            }
            Some("reasoning") if done => self.parts.seal(at, head.encrypted.filled(), raw.get(), sink),
            Some("message" | "reasoning") | None => {}
            Some(_) if done => {
                let kind = PartStart::HostedCall { format: FORMAT, json: Cow::Borrowed(raw.get()) };
                self.parts.whole_block(kind, sink);
            }
            Some(_) => {}
        }
        if done {
            self.parts.close_item(at, sink);
        }
    }

    /// The answer begins, with what its first event says of it.
    fn start(&mut self, response: Option<&RawValue>, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let view: ReplyIn<'_> = response.and_then(|r| serde_json::from_str(r.get()).ok()).unwrap_or_default();
        let mut extra = Extra::new(FORMAT);
        keep(view.rest, "", &mut extra);
        sink.event(Event::Start(Box::new(Start {
            silent: false,
            id: view.id.0.unwrap_or_default().into_owned(),
            model: view.model.0.unwrap_or_default().into_owned(),
            created: view.created.0.filter(|t| *t > 0),
            service_tier: view.service_tier.0.map(Into::into),
            extra,
        })));
    }

    fn terminal(&mut self, response: Option<&RawValue>, named: &str, sink: &mut dyn EventSink) {
        self.start(response, sink);
        let view: ReplyIn<'_> = response.and_then(|r| serde_json::from_str(r.get()).ok()).unwrap_or_default();
        if let Some(raw) = view.usage.filter(|u| u.get() != "null") {
            sink.event(Event::Usage(Box::new(usage::decode(raw, FORMAT))));
        }
        // Some hosts leave the status to the name of the event.
        let status = view.status.filled().unwrap_or(named).to_owned();
        if status == "failed" {
            let error = response_decode::failure(&view, &self.provider);
            return self.fail(error, sink);
        }
        if self.parts.is_empty() {
            self.untold(&view, sink);
        }
        self.parts.close_all(sink);
        let finish = response_decode::finish(&status, view.details.reason.filled(), &self.parts.kinds);
        sink.event(Event::Finish { choice: 0, finish });
        self.over = true;
        sink.event(Event::End);
    }

    /// Some hosts tell the whole output only at the end.
    fn untold(&mut self, view: &ReplyIn<'_>, sink: &mut dyn EventSink) {
        let Content::Parts(items) = &view.output else { return };
        for (at, &raw) in items.iter().enumerate() {
            let at = at as u64;
            let message: MessageView<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            for (piece, part) in message.summary.0.unwrap_or_default().into_iter().enumerate() {
                let place = Place { item: at, piece: piece as u64, kind: Kind::Summary };
                self.parts.say(place, part.text.0.unwrap_or_default(), sink);
            }
            if let Content::Parts(list) = message.content {
                for (piece, part) in list.into_iter().enumerate() {
                    let part: TextView<'_> = serde_json::from_str(part.get()).unwrap_or_default();
                    let kind = match part.kind.filled() {
                        Some("refusal") => Kind::Refusal,
                        Some("reasoning_text") => Kind::Thoughts,
                        _ => Kind::Text,
                    };
                    let text = part.text.0.or(part.refusal.0).unwrap_or_default();
                    self.parts.say(Place { item: at, piece: piece as u64, kind }, text, sink);
                }
            }
            self.item(at, Some(raw), true, sink);
        }
    }

    fn fail(&mut self, error: Error, sink: &mut dyn EventSink) {
        self.parts.close_all(sink);
        self.over = true;
        sink.event(Event::Error(Box::new(error)));
        sink.event(Event::End);
    }
}

/// True for events of the output that say something.
fn is_known(kind: &str) -> bool {
    matches!(
        kind,
        "response.output_item.added"
            | "response.output_item.done"
            | "response.output_text.delta"
            | "response.output_text.done"
            | "response.output_text.annotation.added"
            | "response.refusal.delta"
            | "response.refusal.done"
            | "response.reasoning_summary_text.delta"
            | "response.reasoning_text.delta"
            | "response.function_call_arguments.delta"
            | "response.function_call_arguments.done"
    )
}

impl StreamDecoder for ResponsesStreamDecoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.over || frame.data.trim_ascii().is_empty() || frame.is_done() {
            return;
        }
        let mut view: EventView<'_> = match serde_json::from_slice(&frame.data) {
            Ok(view) => view,
            Err(e) => {
                let error = self.error(ErrorKind::InvalidReply, &format!("an event of the stream is not JSON: {e}"));
                return self.fail(error, sink);
            }
        };
        if view.kind.filled().is_none() {
            view.kind = Text(frame.event.as_deref().map(|e| Cow::Owned(e.to_owned())));
        }
        self.event(view, &frame.data, sink);
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if !self.over {
            let error = errors::cut_off(&self.provider);
            self.fail(error, sink);
        }
    }
}

impl ResponsesStreamDecoder {
    fn error(&self, kind: ErrorKind, text: &str) -> Error {
        errors::failed(kind, &self.provider, text)
    }
}
