//! What Deepgram's `listen` says of the sound that it heard. It bills seconds of sound, each channel by itself.
//! <https://developers.deepgram.com/reference/speech-to-text/listen-streaming>

use llm_types::{Usage, UsageSource};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    #[serde(default)]
    request_id: Option<String>,
    /// Seconds: of all that was heard (`Metadata`), of this piece (`Results`).
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    start: Option<f64>,
    #[serde(default)]
    channels: Option<u64>,
    /// The channel of a piece, and how many there are.
    #[serde(default)]
    channel_index: Vec<u64>,
}

/// The sound so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Seconds by the last word, `Metadata`.
    whole: Option<f64>,
    /// The end of the last piece, for sessions that break off before it.
    end: f64,
    channels: Option<u64>,
    seen: u64,
    /// Channels that the query names.
    declared: u64,
    /// `Results` that came.
    pub(super) results: u64,
}

impl Heard {
    /// Nothing was heard yet. `declared`: channels that the query names.
    pub(super) fn new(declared: u64) -> Self {
        Self { declared, ..Self::default() }
    }

    /// Takes in an event and tells the id of the session, where it names it.
    pub(super) fn event(&mut self, event: &[u8]) -> Option<String> {
        let event: Event<'_> = serde_json::from_slice(event).ok()?;
        let seconds = |value: Option<f64>| value.filter(|s| s.is_finite() && *s >= 0.0);
        match event.kind {
            "Metadata" => {
                self.whole = seconds(event.duration).filter(|s| *s > 0.0).or(self.whole);
                self.channels = event.channels.filter(|n| *n > 0).or(self.channels);
            }
            "Results" => {
                if let (Some(start), Some(duration)) = (seconds(event.start), seconds(event.duration)) {
                    self.end = self.end.max(start + duration);
                }
                if let [_, all] = event.channel_index.as_slice() {
                    self.seen = self.seen.max(*all);
                }
                self.results += 1;
            }
            _ => {}
        }
        event.request_id
    }

    /// What was heard.
    #[allow(clippy::cast_precision_loss, reason = "channels are few")]
    pub(super) fn usage(&self) -> Usage {
        let channels = self.channels.unwrap_or(if self.seen > 0 { self.seen } else { self.declared.max(1) });
        let seconds_in = self.whole.unwrap_or(self.end) * channels as f64;
        let source = if seconds_in > 0.0 { UsageSource::Reported } else { UsageSource::Unknown };
        Usage { seconds_in, source, ..Usage::default() }
    }
}
