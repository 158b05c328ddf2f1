//! What listening and speaking consume: seconds, tokens or characters.

use llm_types::generate::UsageReport;
use llm_types::{Format, Json, Usage, UsageSource};
use serde::Deserialize;

/// Characters of a text that becomes speech.
pub(crate) fn characters(text: &str) -> UsageReport {
    let usage = Usage { characters_in: text.chars().count() as u64, source: UsageSource::Reported, ..Usage::default() };
    UsageReport { usage, raw: None }
}

/// Seconds of sound.
pub(crate) fn seconds(seconds: f64) -> UsageReport {
    UsageReport { usage: Usage { seconds_in: seconds, source: UsageSource::Reported, ..Usage::default() }, raw: None }
}

/// `{"type":"duration","seconds"}`, or `{"type":"tokens","input_tokens","input_token_details","output_tokens"}`.
#[derive(Deserialize)]
struct Told {
    seconds: Option<f64>,
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    input_token_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    audio_tokens: u64,
}

fn told(usage: &Json) -> Option<UsageReport> {
    let raw = usage.to_raw();
    let told: Told = raw.read().ok()?;
    let audio = told.input_token_details.map_or(0, |d| d.audio_tokens).min(told.input_tokens);
    let usage = Usage {
        seconds_in: told.seconds.unwrap_or(0.0),
        input_text: told.input_tokens - audio,
        input_audio: audio,
        output_text: told.output_tokens,
        source: UsageSource::Reported,
        ..Usage::default()
    };
    (!usage.is_empty()).then_some(UsageReport { usage, raw: Some((Format::OpenAiAudio, raw)) })
}

/// The usage of a whole reply: its usage object, else its duration.
pub(super) fn of_reply(reply: &Json) -> Option<UsageReport> {
    let object = reply.get("usage").filter(|u| !u.is_null()).and_then(told);
    object.or_else(|| {
        let duration = reply.get("duration")?;
        let length = duration.as_f64().or_else(|| duration.as_str()?.parse().ok())?;
        Some(seconds(length))
    })
}

/// Whether an event is the last one: `transcript.text.done`, `speech.audio.done`, Mistral's `transcription.done`. Events
/// without a type are of a host that has no such end.
pub(super) fn is_done(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow, default, rename = "type")]
        kind: Option<std::borrow::Cow<'a, str>>,
    }
    let event: Result<Event<'_>, _> = serde_json::from_slice(data);
    event.is_ok_and(|event| event.kind.is_none_or(|kind| kind.ends_with(".done")))
}

/// The usage that the last event of a stream (`transcript.text.done`, `speech.audio.done`) tells.
pub(super) fn in_event(data: &[u8]) -> Option<UsageReport> {
    if !data.windows(7).any(|w| w == b"\"usage\"") {
        return None;
    }
    let event: Json = serde_json::from_slice(data).ok()?;
    event.get("usage").filter(|u| !u.is_null()).and_then(told)
}
