//! Streams of chat upstreams.

use std::borrow::Cow;

use llm_types::stream::{Event, EventSink, Start};
use llm_types::{Error, Kind, RawJson};
use serde_json::value::RawValue;

use super::FORMAT;
use super::content_decode;
use super::message_view::MessageView;
use super::stream_choice::{ChoiceState, Kind as TextKind};
use crate::codec::{ReplyContext, StreamDecoder, StreamErrors};
use crate::openai::few::Few;
use crate::openai::wire::{Content, Count, Rest, Text, view};
use crate::openai::{errors, finish, usage};
use crate::sse::Frame;

view!(lenient ChunkIn {
    id = "id": Text<'a>,
    object = "object": Text<'a>,
    created = "created": Count,
    model = "model": Text<'a>,
    choices = "choices": Few<ChoiceIn<'a>>,
    usage = "usage": Option<&'a RawValue>,
    service_tier = "service_tier": Text<'a>,
    // in every chunk of OpenAI's: told once, with the start
    fingerprint = "system_fingerprint": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
    // random padding against traffic analysis
    obfuscation = "obfuscation": Text<'a>,
});

view!(lenient ChoiceIn {
    index = "index": Count,
    delta = "delta": MessageView<'a>,
    // some providers send the last chunk with a whole message in place of a delta
    message = "message": Option<Box<MessageView<'a>>>,
    // legacy text completions
    text = "text": Text<'a>,
    finish_reason = "finish_reason": Text<'a>,
    logprobs = "logprobs": Option<&'a RawValue>,
});

/// Reads chunks, of chat and of legacy text completions.
#[derive(Debug)]
pub(crate) struct ChatStreamDecoder {
    seed: String,
    provider: String,
    errors: StreamErrors,
    block_proof: Option<&'static str>,
    started: bool,
    over: bool,
    /// A chunk came.
    told: bool,
    choices: Vec<ChoiceState>,
    /// Unknown fields of the chunks so far, to tell only what is new.
    seen: Vec<(String, String)>,
}

impl ChoiceIn<'_> {
    /// Neither text nor thoughts nor a call.
    fn says_nothing(&self) -> bool {
        let delta = self.message.as_deref().unwrap_or(&self.delta);
        let said = [&self.text, &delta.reasoning_content, &delta.reasoning, &delta.refusal];
        let content = match &delta.content {
            Content::Text(text) => !text.is_empty(),
            Content::Parts(list) => !list.is_empty(),
            Content::None | Content::Wrong => false,
        };
        let called =
            delta.tool_calls.0.as_ref().is_some_and(|calls| !calls.is_empty()) || delta.function_call.is_some();
        !content && !called && said.iter().all(|text| text.filled().is_none())
    }
}

impl ChatStreamDecoder {
    pub(crate) fn new(ctx: &ReplyContext) -> Self {
        Self {
            seed: ctx.fallback_id.clone(),
            provider: ctx.provider.clone(),
            errors: ctx.stream_errors,
            block_proof: ctx.block_proof,
            started: false,
            over: false,
            told: false,
            choices: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn start(&mut self, chunk: &ChunkIn<'_>, sink: &mut dyn EventSink) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        if self.seed.is_empty() {
            chunk.id.filled().unwrap_or_default().clone_into(&mut self.seed);
        }
        let mut extra = llm_types::Extra::new(FORMAT);
        if let Some(fingerprint) = chunk.fingerprint {
            extra.push(FORMAT, "system_fingerprint", RawJson::borrowed(fingerprint));
        }
        for (key, value) in &self.seen {
            extra.push(FORMAT, key.as_str(), RawJson::parse(value.as_str()).unwrap_or_default());
        }
        sink.event(Event::Start(Box::new(Start {
            id: chunk.id.filled().unwrap_or_default().to_owned(),
            model: chunk.model.filled().unwrap_or_default().to_owned(),
            created: chunk.created.0.filter(|t| *t > 0),
            service_tier: chunk.service_tier.filled().map(str::to_owned),
            silent: chunk.choices.iter().all(ChoiceIn::says_nothing),
            extra,
        })));
    }

    /// Tells unknown fields of the chunk that are new; before the start they are kept for it.
    fn unknown(&mut self, fields: &Rest<'_>, sink: &mut dyn EventSink) {
        for (key, value) in fields {
            let json = value.get();
            match self.seen.iter_mut().find(|(k, _)| k == key) {
                Some((_, old)) if old == json => continue,
                Some((_, old)) => json.clone_into(old),
                None => self.seen.push((key.clone().into_owned(), json.to_owned())),
            }
            if self.started {
                let key = Cow::Owned(format!("chunk.{key}"));
                sink.event(Event::Opaque { choice: 0, format: FORMAT, key, json: Cow::Borrowed(json) });
            }
        }
    }

    fn choice(&mut self, view: ChoiceIn<'_>, sink: &mut dyn EventSink) {
        let index = view.index.0.and_then(|i| u32::try_from(i).ok()).unwrap_or(0);
        let at = self.choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState::new(index));
            self.choices.len() - 1
        });
        let Some(state) = self.choices.get_mut(at) else { return };
        if let Some(json) = view.logprobs {
            sink.event(Event::Logprobs { choice: index, json: Cow::Borrowed(json.get()) });
        }
        state.say(TextKind::Text, view.text.0.unwrap_or_default(), sink);
        delta(view.message.map_or(view.delta, |m| *m), state, &self.seed, self.block_proof, sink);
        if let Some(word) = view.finish_reason.filled() {
            state.ends(finish::decode(word));
        }
        for (key, json) in &view.rest {
            let key = Cow::Owned(format!("choice.{key}"));
            sink.event(Event::Opaque { choice: index, format: FORMAT, key, json: Cow::Borrowed(json.get()) });
        }
    }

    fn fail(&mut self, error: Error, sink: &mut dyn EventSink) {
        self.choices.iter_mut().for_each(|c| c.close(sink));
        self.over = true;
        sink.event(Event::Error(Box::new(error)));
        sink.event(Event::End);
    }

    fn complete(&mut self, sink: &mut dyn EventSink) {
        if self.choices.iter().any(ChoiceState::failed_silently) {
            return self.fail(errors::gave_up(&self.provider), sink);
        }
        if !self.started {
            self.start(&ChunkIn::default(), sink);
        }
        self.choices.iter_mut().for_each(|c| c.finish(sink));
        self.over = true;
        sink.event(Event::End);
    }

    fn error(&self, kind: Kind, text: &str) -> Error {
        errors::failed(kind, &self.provider, text)
    }
}

/// Reads a delta into events.
fn delta(
    mut view: MessageView<'_>,
    state: &mut ChoiceState,
    seed: &str,
    proof: Option<&str>,
    sink: &mut dyn EventSink,
) {
    let (refusal, specific) = view.take_refusal();
    let blocks = view.thinking_blocks.0.unwrap_or_default();
    blocks.iter().for_each(|b| state.thought(b, sink));
    if blocks.is_empty() {
        // one of them: providers in transition send the same text in both
        let text = [view.reasoning_content.0, view.reasoning.0].into_iter().flatten().find(|t| !t.is_empty());
        state.say(TextKind::Thinking, text.unwrap_or_default(), sink);
    }
    match view.content {
        Content::Text(text) => state.say(TextKind::Text, text, sink),
        Content::Parts(list) => list.into_iter().for_each(|raw| content_part(raw, state, proof, sink)),
        Content::None | Content::Wrong => {}
    }
    state.say(TextKind::Refusal, refusal.unwrap_or_default(), sink);
    view.tool_calls.0.unwrap_or_default().iter().for_each(|c| state.call(c, seed, sink));
    if let Some(function) = view.function_call.filter(|f| f.says_anything()) {
        state.function(function.name.filled(), function.arguments.text(), sink);
    }
    let specific = specific.map(|json| ("provider_specific_fields", json));
    let rest = view.rest.iter().map(|(key, json)| (key.as_ref(), Cow::Borrowed(json.get())));
    for (key, json) in rest.chain(specific) {
        let key = Cow::Borrowed(key);
        sink.event(Event::Opaque { choice: state.index, format: FORMAT, key, json });
    }
}

/// Mistral streams lists of parts. Thoughts in them are told again as blocks with this proof, as LiteLLM does.
fn content_part(raw: &RawValue, state: &mut ChoiceState, proof: Option<&str>, sink: &mut dyn EventSink) {
    use llm_types::generate::PartKind;
    let mut parts = Vec::new();
    if content_decode::part(raw, "content", &mut parts).is_err() {
        return;
    }
    for part in parts {
        match part.kind {
            PartKind::Text { text, .. } => state.say(TextKind::Text, Cow::Owned(text), sink),
            PartKind::Thinking { text, .. } => {
                state.say(TextKind::Thinking, Cow::Borrowed(&text), sink);
                if let Some(proof) = proof.filter(|_| !text.is_empty()) {
                    state.tell_again(&text, proof, sink);
                }
            }
            PartKind::Refusal(text) => state.say(TextKind::Refusal, Cow::Owned(text), sink),
            _ => {
                let (key, json) = (Cow::Borrowed("content_part"), Cow::Borrowed(raw.get()));
                sink.event(Event::Opaque { choice: state.index, format: FORMAT, key, json });
            }
        }
    }
}

impl StreamDecoder for ChatStreamDecoder {
    fn frame(&mut self, frame: &Frame<'_>, sink: &mut dyn EventSink) {
        if self.over {
            return;
        }
        // Bedrock tells errors by the frames around this format's chunks.
        if let Some(error) = crate::bedrock::error::in_stream(frame, &self.provider) {
            return self.fail(error, sink);
        }
        if frame.data.trim_ascii().is_empty() {
            return;
        }
        if frame.is_done() {
            // A marker behind nothing ends nothing.
            return if self.told { self.complete(sink) } else { self.fail(errors::cut_off(&self.provider), sink) };
        }
        let chunk: ChunkIn<'_> = match serde_json::from_slice(&frame.data) {
            Ok(chunk) => chunk,
            Err(e) => {
                let error = self.error(Kind::InvalidReply, &format!("a chunk of the stream is not JSON: {e}"));
                return self.fail(error, sink);
            }
        };
        if let Some(raw) = chunk.error {
            return self.fail(errors::decode_in_stream(raw.get(), &self.provider, self.errors), sink);
        }
        if frame.event.as_deref() == Some("error") {
            let text = String::from_utf8_lossy(&frame.data);
            return self.fail(errors::decode_in_stream(&text, &self.provider, self.errors), sink);
        }
        self.told = true;
        self.unknown(&chunk.rest, sink);
        if !chunk.choices.is_empty() || chunk.usage.is_some() {
            self.start(&chunk, sink);
        }
        for choice in chunk.choices {
            self.choice(choice, sink);
        }
        if let Some(raw) = chunk.usage {
            sink.event(Event::Usage(Box::new(usage::decode(raw, FORMAT))));
        }
    }

    fn end(&mut self, sink: &mut dyn EventSink) {
        if self.over {
            return;
        }
        if self.choices.iter().any(ChoiceState::has_finish) {
            return self.complete(sink);
        }
        let error = errors::cut_off(&self.provider);
        self.fail(error, sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::ClientCodec;
    use crate::sse::{Item, Splitter};

    /// What a chat client gets of a stream.
    fn told(stream: &str, ctx: &ReplyContext) -> String {
        let mut decoder = ChatStreamDecoder::new(ctx);
        let mut encoder = super::super::Chat.stream_encoder(ctx).unwrap();
        let mut out = bytes::BytesMut::new();
        let mut splitter = Splitter::new(4096);
        let fed = splitter.feed(stream.as_bytes(), |item| {
            if let Item::Frame(frame) = item {
                decoder.frame(&frame, &mut |e: Event<'_>| encoder.event(&e, &mut out));
            }
        });
        fed.unwrap();
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn thoughts_in_parts_are_told_again_as_blocks() {
        let list = "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm\"}]}]}}]}\n\n";
        let block = r#""thinking_blocks":[{"type":"thinking","thinking":"Hm","signature":"p"}]"#;
        let ctx = ReplyContext { block_proof: Some("p"), ..ReplyContext::default() };
        let text = told(list, &ctx);
        assert!(text.contains(r#""reasoning_content":"Hm""#) && text.contains(block), "{text}");
        assert!(!told(list, &ReplyContext::default()).contains("thinking_blocks"));
        let field = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n";
        assert!(!told(field, &ctx).contains("thinking_blocks"));
    }

    #[test]
    fn errors_name_the_provider() {
        let ctx = ReplyContext { provider: "acme".to_owned(), ..ReplyContext::default() };
        let mut decoder = ChatStreamDecoder::new(&ctx);
        let mut error = None;
        let frame = Frame::data(b"{\"error\":{\"message\":\"no\",\"code\":500}}");
        decoder.frame(&frame, &mut |e: Event<'_>| {
            if let Event::Error(e) = e {
                error = Some(e.message.clone());
            }
        });
        assert!(error.unwrap().contains("AcmeException - no"));
    }
}
