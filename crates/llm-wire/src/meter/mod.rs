//! Usage of answers that nobody decodes: bytes pass by, and what they say of consumption is noticed.
//!
//! A relay forwards a language that it need not know. Languages tell their counts in objects that are told apart by
//! their own fields ([`counts`]), so one reader serves every host: whole JSON answers, server-sent events, JSON lines,
//! AWS's event stream, the pieces of a JSON array. Nothing is changed or held back; what cannot be read is not billed.

mod counts;
mod interactions;

use bytes::BytesMut;
use llm_types::generate::UsageReport;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::framing::{Framing, Splitter};
use crate::relay::scan::{string_after, string_value};
use crate::sse::Item;
use counts::Counts;

/// Bytes of a whole answer that are kept for reading; of longer ones nothing is known.
const WHOLE: usize = 32 << 20;
/// Bound of one event.
const EVENT: usize = 32 << 20;

/// What passed.
#[derive(Debug, Default)]
pub struct Metered {
    /// What was consumed, when the answer said so.
    pub usage: Option<UsageReport>,
    /// The upstream's id of the answer.
    pub id: Option<String>,
    /// The model as the upstream named it.
    pub model: Option<String>,
    /// The answer is complete.
    pub finished: bool,
    /// Bytes of visible text.
    text_bytes: u64,
    /// Events with visible text.
    text_events: u64,
}

impl Metered {
    /// Tokens written, estimated: hosts send about one token an event, and about four bytes make a token.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.text_events.max(self.text_bytes / 4)
    }
}

/// Reads along.
#[derive(Debug)]
pub struct Meter {
    shape: Shape,
    counts: Counts,
    seen: Metered,
    images: bool,
}

#[derive(Debug)]
enum Shape {
    /// Not yet known whether it is one value or an array of them.
    Json,
    Whole(BytesMut),
    Events(Box<Splitter>),
    /// Nothing that can be read, or too much of it.
    Deaf,
}

impl Meter {
    /// A meter for the answer to a request of `path`; `content_type` is the answer's. Nothing for answers that say
    /// nothing of usage: sounds, pictures, texts.
    #[must_use]
    pub fn new(path: &str, content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let events = |framing| Shape::Events(Box::new(Splitter::new(framing, EVENT)));
        let shape = match kind.as_str() {
            "text/event-stream" => events(Framing::Sse),
            "application/vnd.amazon.eventstream" if path.contains("/invoke") => events(Framing::AwsChunks),
            "application/vnd.amazon.eventstream" => events(Framing::AwsEventStream),
            "application/x-ndjson" | "application/jsonl" | "application/stream+json" => events(Framing::JsonLines),
            "application/json" => Shape::Json,
            kind if kind.ends_with("+json") => Shape::Json,
            _ => return None,
        };
        Some(Self { shape, counts: Counts::default(), seen: Metered::default(), images: path.contains("/images/") })
    }

    /// Counts that headers told (`x-amzn-bedrock-input-token-count`); they hold where the body tells none.
    pub fn counted(&mut self, input: u64, output: u64) {
        self.counts.headers(input, output);
    }

    /// The upstream's id of the answer, as soon as it passed; of answers that are no streams at their end only.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.seen.id.as_deref()
    }

    /// Takes in what passes.
    pub fn feed(&mut self, chunk: &[u8]) {
        if matches!(self.shape, Shape::Json) {
            let Some(first) = chunk.iter().find(|b| !b.is_ascii_whitespace()) else { return };
            self.shape = match first {
                b'[' => Shape::Events(Box::new(Splitter::new(Framing::JsonArray, EVENT))),
                _ => Shape::Whole(BytesMut::new()),
            };
        }
        let Self { shape, counts, seen, .. } = self;
        let deaf = match shape {
            Shape::Whole(kept) if kept.len() + chunk.len() <= WHOLE => {
                kept.extend_from_slice(chunk);
                false
            }
            Shape::Whole(_) => true,
            Shape::Events(splitter) => splitter
                .feed(chunk, |item| {
                    if let Item::Frame(frame) = item {
                        event(&frame.data, counts, seen);
                    }
                })
                .is_err(),
            Shape::Json | Shape::Deaf => false,
        };
        if deaf {
            self.shape = Shape::Deaf;
        }
    }

    /// What passed. `complete`: the answer came to its end.
    #[must_use]
    pub fn finish(mut self, complete: bool) -> Metered {
        let Self { shape, counts, seen, images } = &mut self;
        match shape {
            Shape::Whole(kept) => {
                probe(kept, counts, seen);
                seen.finished = complete;
                if *images {
                    counts.images(kept);
                }
                counts.predictions(kept);
            }
            Shape::Events(splitter) => {
                // A last event without its empty line; one that broke off says nothing.
                let _ = splitter.finish(|item| {
                    if let Item::Frame(frame) = item {
                        event(&frame.data, counts, seen);
                    }
                });
            }
            Shape::Json | Shape::Deaf => {}
        }
        self.seen.usage = self.counts.report();
        self.seen
    }
}

/// What may stand in an event that is worth reading.
const WORDS: [&[u8]; 6] =
    [b"\"usage\"", b"\"usageMetadata\"", b"billed_units", b"invocationMetrics", b"\"message_start\"", b"\"response\""];

fn event(data: &[u8], counts: &mut Counts, seen: &mut Metered) {
    if data.trim_ascii() == b"[DONE]" {
        seen.finished = true;
        return;
    }
    for key in [b"\"content\":".as_slice(), b"\"text\":", b"\"delta\":", b"\"thinking\":"] {
        if let Some(text) = string_after(data, key).filter(|n| *n > 0) {
            seen.text_bytes += text as u64;
            seen.text_events += 1;
            break;
        }
    }
    let end = |key: &[u8]| string_value(data, key).is_some();
    if end(b"\"finish_reason\":") || end(b"\"stop_reason\":") || end(b"\"finishReason\":") || end(b"\"stopReason\":") {
        seen.finished = true;
    }
    if seen.id.is_none() || WORDS.iter().any(|word| memmem::find(data, word).is_some()) {
        probe(data, counts, seen);
    }
}

/// The fields that matter, whoever wrote them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Probe<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "responseId")]
    response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow, rename = "modelVersion")]
    model_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, rename = "usageMetadata")]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<&'a RawValue>,
    /// Anthropic's `message_start`.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    /// Events of Responses; Cohere's last one.
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    /// Cohere's `message-end`.
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    /// Events of Google's interactions.
    #[serde(borrow)]
    interaction: Option<&'a RawValue>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
}

fn probe(data: &[u8], counts: &mut Counts, seen: &mut Metered) {
    let Ok(all) = serde_json::from_slice::<Probe<'_>>(data) else { return };
    let text = |raw: Option<&RawValue>| raw.and_then(|r| llm_types::json::raw_str(r.get())).map(|t| t.into_owned());
    take(&all, counts, seen);
    let kind = text(all.kind.or(all.event_type)).unwrap_or_default();
    let ends = ["message_stop", "message-end", "response.completed", "interaction.complete", "interaction.completed"];
    seen.finished |= ends.contains(&kind.as_str());
    for inner in [all.message, all.response, all.delta, all.interaction].into_iter().flatten() {
        if inner.get().starts_with('{')
            && let Ok(inner) = serde_json::from_str::<Probe<'_>>(inner.get())
        {
            take(&inner, counts, seen);
        }
    }
}

fn take(all: &Probe<'_>, counts: &mut Counts, seen: &mut Metered) {
    let text = |raw: Option<&RawValue>| raw.and_then(|r| llm_types::json::raw_str(r.get())).map(|t| t.into_owned());
    let full = |raw: Option<&RawValue>| text(raw).filter(|t| !t.is_empty());
    seen.id = seen.id.take().or_else(|| full(all.id).or_else(|| full(all.response_id)));
    seen.model = seen.model.take().or_else(|| full(all.model).or_else(|| full(all.model_version)));
    let object = text(all.object).unwrap_or_default();
    let there = |raw: Option<&RawValue>| raw.map(RawValue::get).filter(|t| t.starts_with('{')).map(str::to_owned);
    if let Some(usage) = there(all.usage) {
        counts.usage(&usage, object == "response");
    }
    if let Some(usage) = there(all.usage_metadata) {
        counts.gemini(&usage);
    }
    if let Some(meta) = there(all.meta) {
        counts.cohere_meta(&meta);
    }
    if let Some(metrics) = there(all.metrics) {
        counts.bedrock_metrics(&metrics);
    }
}

#[cfg(test)]
mod tests;
