//! A stream of the upstream: every event is a whole answer that holds what is new. It has no end marker; the finish
//! reason of a candidate says that it is complete.

use std::borrow::Cow;

use llm_types::generate::{Finish, FinishReason};
use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Kind, RawJson, UpstreamDetail, UsageSource};

use super::response_decode::{FEEDBACK, GROUNDING, unknown};
use super::stream_parts::Candidate;
use super::usage::{self, Grounding};
use super::wire::{CandidateIn, ReplyIn, block_reason, model_name};
use super::{FORMAT, error, logprobs};
use crate::codec::{ReplyContext, StreamDecoder};
use crate::framing::{Framing, Splitter};
use crate::openai::errors::provider_name;
use crate::sse::{Frame, Item};

/// How much of an event that comes in pieces is kept.
const PIECES_LIMIT: usize = 32 * 1024 * 1024;

/// Reads one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    seed: String,
    provider: String,
    started: bool,
    ended: bool,
    /// The prompt was refused: there are no candidates.
    blocked: bool,
    calls: usize,
    candidates: Vec<Candidate>,
    usage: Option<RawJson>,
    grounding: Grounding,
    /// An event that comes in pieces: what there is of it. Every byte is looked at once.
    pieces: Option<Box<Splitter>>,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.ended || frame.data.trim_ascii().is_empty() || frame.is_done() {
            return;
        }
        let data = without_line_ends(&frame.data);
        if self.pieces.is_some() {
            return self.piece(&data, sink);
        }
        let object = data.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice::<ReplyIn<'_>>(&data) {
            Ok(view) if object => self.event(view, sink),
            Err(_) if object => self.piece(&data, sink),
            _ => self.unreadable(sink),
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.ended {
            return;
        }
        if self.pieces.is_none() && (self.blocked || self.candidates.iter().any(Candidate::has_finish)) {
            return self.complete(sink);
        }
        let name = provider_name(&self.provider);
        let text = format!(
            "litellm.MidStreamFallbackError: {name}Exception - the stream ended before the answer was complete"
        );
        let detail = UpstreamDetail { provider: self.provider.clone(), ..UpstreamDetail::default() };
        self.fail(Error::upstream(Kind::MidStream, text, detail), sink);
    }
}

/// Line and paragraph separators (U+2028, U+2029) stand bare in Google's events. LiteLLM's reader takes them for ends of
/// lines and loses them, so its clients never see any.
fn without_line_ends(data: &[u8]) -> Cow<'_, [u8]> {
    let bare = |at: &usize| matches!(data.get(*at..*at + 3), Some(b"\xE2\x80\xA8" | b"\xE2\x80\xA9"));
    let mut found = memchr::memchr_iter(0xE2, data).filter(bare).peekable();
    if found.peek().is_none() {
        return Cow::Borrowed(data);
    }
    let (mut out, mut from) = (Vec::with_capacity(data.len()), 0);
    for at in found {
        out.extend_from_slice(data.get(from..at).unwrap_or_default());
        from = at + 3;
    }
    out.extend_from_slice(data.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

impl Decoder {
    pub(super) fn new(ctx: &ReplyContext) -> Self {
        Self {
            seed: ctx.fallback_id.clone(),
            provider: ctx.provider.clone(),
            started: false,
            ended: false,
            blocked: false,
            calls: 0,
            candidates: Vec::with_capacity(1),
            usage: None,
            grounding: Grounding::default(),
            pieces: None,
        }
    }

    /// Takes in a piece of an event, and reads the event once its braces are closed.
    fn piece(&mut self, data: &[u8], sink: &mut dyn EventSink) {
        let pieces = self.pieces.get_or_insert_with(|| Box::new(Splitter::new(Framing::JsonArray, PIECES_LIMIT)));
        let mut whole = None;
        let fed = pieces.feed(data, |item| {
            if let Item::Frame(frame) = item {
                whole = Some(frame.data.into_owned());
            }
        });
        match (fed, whole) {
            (Ok(()), None) => {}
            (Ok(()), Some(whole)) => {
                self.pieces = None;
                match serde_json::from_slice(&whole) {
                    Ok(view) => self.event(view, sink),
                    Err(_) => self.unreadable(sink),
                }
            }
            (Err(_), _) => self.unreadable(sink),
        }
    }

    fn unreadable(&mut self, sink: &mut dyn EventSink) {
        let text = "litellm.APIConnectionError: the upstream sent an event that is not JSON";
        self.fail(Error::upstream(Kind::InvalidReply, text, UpstreamDetail::default()), sink);
    }

    fn event(&mut self, view: ReplyIn<'_>, sink: &mut dyn EventSink) {
        if let Some(raw) = view.error.filter(|e| e.get() != "null") {
            return self.fail(error::in_stream(raw.get(), &self.provider), sink);
        }
        self.start(&view, sink);
        if let Some(raw) = view.usage.filter(|u| usage::is_there(u)) {
            let first = self.usage.replace(RawJson::borrowed(raw)).is_none();
            if first {
                self.usage(UsageSource::Partial, sink);
            }
        }
        if block_reason(view.feedback).is_some() {
            self.blocked = true;
        }
        if let Some(feedback) = view.feedback {
            self.tell(0, FEEDBACK, feedback.get(), sink);
        }
        for (at, candidate) in view.candidates.0.unwrap_or_default().into_iter().enumerate() {
            self.candidate(candidate, at, sink);
        }
    }

    fn start(&mut self, view: &ReplyIn<'_>, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        if let Some(id) = view.id.filled() {
            id.clone_into(&mut self.seed);
        }
        sink.event(Event::Start(Box::new(Start {
            silent: false,
            id: view.id.filled().unwrap_or_default().to_owned(),
            model: model_name(&view.model).to_owned(),
            created: None,
            service_tier: None,
            extra: unknown(&view.rest),
        })));
    }

    fn candidate(&mut self, view: CandidateIn<'_>, at: usize, sink: &mut dyn EventSink) {
        let position = u32::try_from(at).unwrap_or(u32::MAX);
        let index = view.index.0.and_then(|i| u32::try_from(i).ok()).unwrap_or(position);
        let at = self.candidates.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.candidates.push(Candidate::new(index));
            self.candidates.len() - 1
        });
        if let Some(json) = view.logprobs.and_then(|raw| logprobs::decode(raw.get())) {
            sink.event(Event::Logprobs { choice: index, json: Cow::Owned(json.get().to_owned()) });
        }
        let Some(state) = self.candidates.get_mut(at) else { return };
        for part in view.content.parts.0.unwrap_or_default() {
            state.part(part, &self.seed, &mut self.calls, sink);
        }
        if let Some(word) = view.finish.filled() {
            state.ends(word);
        }
        for (key, value) in &view.rest {
            if key == GROUNDING {
                self.grounding.add(value.get());
            }
            self.tell(index, key, value.get(), sink);
        }
    }

    fn tell(&self, choice: u32, key: &str, json: &str, sink: &mut dyn EventSink) {
        sink.event(Event::Opaque { choice, format: FORMAT, key: Cow::Borrowed(key), json: Cow::Borrowed(json) });
    }

    fn usage(&self, source: UsageSource, sink: &mut dyn EventSink) {
        if let Some(raw) = &self.usage {
            let mut report = usage::decode(raw.get(), self.grounding);
            report.usage.source = report.usage.source.min(source);
            sink.event(Event::Usage(Box::new(report)));
        }
    }

    fn complete(&mut self, sink: &mut dyn EventSink) {
        self.ended = true;
        self.usage(UsageSource::Reported, sink);
        self.candidates.iter_mut().for_each(|c| c.finish(sink));
        if self.candidates.is_empty() {
            sink.event(Event::Finish { choice: 0, finish: Finish::new(FinishReason::ContentFilter) });
        }
        sink.event(Event::End);
    }

    fn fail(&mut self, err: Error, sink: &mut dyn EventSink) {
        self.ended = true;
        if self.started {
            self.usage(UsageSource::Partial, sink);
        }
        sink.event(Event::Error(Box::new(err)));
        sink.event(Event::End);
    }
}

#[cfg(test)]
mod separators {
    use super::without_line_ends;

    #[test]
    fn separators_of_lines_are_lost() {
        let lost = |text: &str| String::from_utf8(without_line_ends(text.as_bytes()).into_owned()).unwrap();
        assert_eq!(lost("a \u{2028} b\u{2029}\u{2028}c\u{2014}d"), "a  bc\u{2014}d");
        assert_eq!(lost("\u{2026}"), "\u{2026}");
    }
}
