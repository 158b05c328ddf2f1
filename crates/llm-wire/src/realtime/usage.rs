//! Events of a session. `input_tokens` contains the cached ones; the details split both sides by modality.

use llm_types::{Usage, UsageSource};
use serde::Deserialize;

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) usage: Option<Usage>,
    pub(super) session: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    #[serde(default)]
    response: Option<Response>,
    #[serde(default)]
    session: Option<Session>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Session {
    id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Response {
    usage: Option<Counts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(alias = "input_tokens_details")]
    input_token_details: Option<Details>,
    #[serde(alias = "output_tokens_details")]
    output_token_details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    audio_tokens: u64,
    image_tokens: u64,
    cached_tokens: u64,
    reasoning_tokens: u64,
    cached_tokens_details: Option<Modalities>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Modalities {
    audio_tokens: u64,
    image_tokens: u64,
}

/// Reads an event; nothing for those that say nothing.
pub(super) fn read(event: &[u8]) -> Option<Seen> {
    let event: Event<'_> = serde_json::from_slice(event).ok()?;
    match event.kind {
        "response.done" | "response.completed" => {
            let usage = event.response.and_then(|r| r.usage).map(|counts| buckets(&counts));
            Some(Seen { usage, ..Seen::default() })
        }
        "session.created" => Some(Seen { session: event.session.and_then(|s| s.id), ..Seen::default() }),
        _ => None,
    }
}

fn buckets(counts: &Counts) -> Usage {
    let none = Details::default();
    let (input, output) =
        (counts.input_token_details.as_ref().unwrap_or(&none), counts.output_token_details.as_ref().unwrap_or(&none));
    let cached = input.cached_tokens_details.as_ref();
    let cached_audio = cached.map_or(0, |c| c.audio_tokens).min(input.cached_tokens);
    let cached_image = cached.map_or(0, |c| c.image_tokens).min(input.cached_tokens - cached_audio);
    let cached_text = input.cached_tokens - cached_audio - cached_image;
    let audio = input.audio_tokens.saturating_sub(cached_audio);
    let image = input.image_tokens.saturating_sub(cached_image);
    let text = [cached_text, cached_audio, cached_image, audio, image];
    Usage {
        input_text: text.into_iter().fold(counts.input_tokens, u64::saturating_sub),
        input_audio: audio,
        input_image: image,
        cache_read: cached_text,
        cache_read_audio: cached_audio,
        cache_read_image: cached_image,
        output_text: counts.output_tokens.saturating_sub(output.audio_tokens).saturating_sub(output.reasoning_tokens),
        reasoning: output.reasoning_tokens.min(counts.output_tokens),
        output_audio: output.audio_tokens.min(counts.output_tokens),
        source: UsageSource::Reported,
        ..Usage::default()
    }
}
