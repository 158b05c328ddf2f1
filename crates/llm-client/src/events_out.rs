//! Events of an upstream that go on to the client as they are, whole ones only. One that was broken off is not shown;
//! the client is told instead.

use bytes::{BufMut, Bytes, BytesMut};
use llm_types::generate::UsageReport;
use llm_types::{Error, Json, Kind};
use llm_wire::codec::StreamErrors;
use llm_wire::openai::errors;
use llm_wire::relay::Cutter;
use llm_wire::sse::{Item, Splitter};
use llm_wire::task::TaskCodec;

/// Events that are longer are an error, in bytes: a picture is one event.
const LONGEST: usize = 64 << 20;

/// The events of one stream.
#[derive(Debug)]
pub(crate) struct Events {
    codec: &'static dyn TaskCodec,
    provider: &'static str,
    splitter: Splitter,
    cutter: Cutter,
    /// The usage that an event told.
    pub(crate) usage: Option<UsageReport>,
    /// What is wrong with the stream: the upstream's own error among the events, or ours.
    pub(crate) error: Option<Error>,
    /// The event came after which nothing is missing.
    finished: bool,
}

impl Events {
    pub(crate) fn new(codec: &'static dyn TaskCodec, provider: &'static str) -> Self {
        let splitter = Splitter::new(LONGEST);
        Self { codec, provider, splitter, cutter: Cutter::default(), usage: None, error: None, finished: false }
    }

    /// Takes a read of the upstream and gives what goes on: whole events.
    pub(crate) fn pass(&mut self, read: Bytes) -> Bytes {
        if let Err(error) = self.look(&read) {
            let told = told(&error);
            self.error = Some(error);
            return told;
        }
        self.cutter.chunk(read)
    }

    /// The upstream is over: what is still to be said. Without an error, and nothing missing, that is what is held:
    /// some forget the empty line behind their last event.
    pub(crate) fn last(&mut self, error: Option<&Error>) -> Bytes {
        let held = self.cutter.finish();
        let (codec, provider) = (self.codec, self.provider);
        let mut seen =
            Seen { codec, provider, usage: &mut self.usage, error: &mut self.error, finished: &mut self.finished };
        let whole = error.is_none() && self.splitter.finish(|item| seen.take(item)).is_ok();
        if whole && (self.finished || self.error.is_some()) {
            return held;
        }
        let early = || Error::new(Kind::MidStream, "the upstream's stream ended before the answer was complete");
        let error = error.cloned().unwrap_or_else(early);
        let told = told(&error);
        self.error = Some(error);
        told
    }

    /// Takes a read that does not go on.
    pub(crate) fn read(&mut self, read: &[u8]) {
        if let Err(error) = self.look(read) {
            self.error = Some(error);
        }
    }

    /// Looks for usage, errors and the end among the events.
    fn look(&mut self, read: &[u8]) -> Result<(), Error> {
        let (codec, provider) = (self.codec, self.provider);
        let mut seen =
            Seen { codec, provider, usage: &mut self.usage, error: &mut self.error, finished: &mut self.finished };
        let looked = self.splitter.feed(read, |item| seen.take(item));
        looked.map_err(|e| Error::new(Kind::MidStream, format!("an event is longer than {} bytes", e.limit)))
    }
}

/// What is looked for.
struct Seen<'a> {
    codec: &'static dyn TaskCodec,
    provider: &'static str,
    usage: &'a mut Option<UsageReport>,
    error: &'a mut Option<Error>,
    finished: &'a mut bool,
}

impl Seen<'_> {
    fn take(&mut self, item: Item<'_>) {
        let Item::Frame(frame) = item else { return };
        *self.finished |= frame.is_done() || self.codec.is_last_event(&frame.data);
        if let Some(told) = self.codec.usage_in_event(&frame.data) {
            *self.usage = Some(told);
        }
        if let Some(raw) = error_of(&frame.data) {
            *self.error = Some(errors::decode_in_stream(&raw, self.provider, StreamErrors::ByCode));
        }
    }
}

/// An error as an event, in the words of the clients of these routes.
fn told(error: &Error) -> Bytes {
    let mut out = BytesMut::from(&b"data: "[..]);
    errors::encode(error, &mut out);
    out.put_slice(b"\n\n");
    out.freeze()
}

/// The error object of an event. Pictures are long, so the few bytes at its start are looked at first.
fn error_of(data: &[u8]) -> Option<String> {
    let start = data.get(..200).unwrap_or(data);
    if !start.windows(7).any(|w| w == b"\"error\"") {
        return None;
    }
    let event: Json = serde_json::from_slice(data).ok()?;
    event.get("error").filter(|e| !e.is_null()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(events: &mut Events, reads: &[&'static str]) -> String {
        let mut out = Vec::new();
        for read in reads {
            out.extend_from_slice(&events.pass(Bytes::from_static(read.as_bytes())));
        }
        String::from_utf8(out).unwrap()
    }

    fn events() -> Events {
        Events::new(&llm_wire::openai::audio::OPENAI, "openai")
    }

    const DELTA: &str = "data: {\"type\":\"transcript.text.delta\"}\n\n";
    const DONE: &str = "data: {\"type\":\"transcript.text.done\",\"text\":\"hi\"}\n\n";

    #[test]
    fn half_an_event_is_held_back() {
        let mut events = events();
        assert_eq!(passed(&mut events, &["data: {\"type\":\"tran", "script.text.delta\"}\n\ndata: {"]), DELTA);
        let told = events.last(None);
        assert!(told.starts_with(b"data: {\"error\":{\"message\":") && told.ends_with(b"}\n\n"));
        assert_eq!(events.error.unwrap().kind, Kind::MidStream);
    }

    #[test]
    fn an_end_is_complete_behind_the_last_event() {
        let mut events = events();
        assert_eq!(passed(&mut events, &[DONE]), DONE);
        assert_eq!((events.last(None).len(), events.error.is_none()), (0, true));
        // some forget the empty line
        let mut bare = self::events();
        assert_eq!(passed(&mut bare, &[DONE.trim_end()]), "");
        assert_eq!(bare.last(None), DONE.trim_end());
        let mut early = self::events();
        passed(&mut early, &[DELTA]);
        assert!(!early.last(None).is_empty());
        let mut broken = self::events();
        passed(&mut broken, &[DELTA]);
        assert!(broken.last(Some(&Error::new(Kind::MidStream, "gone"))).windows(4).any(|w| w == b"gone"));
    }

    #[test]
    fn an_upstreams_own_error_goes_on_and_is_noticed() {
        let mut events = events();
        let error = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n";
        assert_eq!(passed(&mut events, &[error]), error);
        assert!(events.error.as_ref().unwrap().message.contains("boom"));
    }
}
