//! Answers to tasks that go on as they come: sound, or events that nobody looks into but for their usage.

use llm_http::ReplyBody;
use llm_router::InFlight;
use llm_types::generate::UsageReport;
use llm_wire::sse::{self, Item};
use llm_wire::task::TaskCodec;

use crate::answer::Report;
use crate::carried::{Carried, Reader};
use crate::count::Counter;

/// Events that are longer are not looked into, in bytes.
const LONGEST_EVENT: usize = 4 << 20;

/// The bytes of a task's answer.
pub type ByteStream = Carried<TaskReader>;

/// Knows what a task consumed: the request says it, or one of the events.
#[derive(Debug)]
pub struct TaskReader {
    codec: &'static dyn TaskCodec,
    usage: Option<UsageReport>,
    /// The bytes are events, one of which may tell the usage.
    events: Option<sse::Splitter>,
    counter: Counter,
}

impl ByteStream {
    /// `usage`: what the request says; `events`: whether the bytes are events.
    pub(crate) fn of_task(
        upstream: ReplyBody,
        in_flight: InFlight,
        codec: &'static dyn TaskCodec,
        usage: Option<UsageReport>,
        events: bool,
        counter: Counter,
    ) -> Self {
        let events = events.then(|| sse::Splitter::new(LONGEST_EVENT));
        let mut body = Self::new(upstream, TaskReader { codec, usage, events, counter });
        body.keep(in_flight);
        body
    }
}

impl Reader for TaskReader {
    fn provider(&self) -> &str {
        self.counter.provider()
    }

    fn read(&mut self, bytes: &[u8]) {
        let Some(events) = &mut self.events else { return };
        let (codec, usage) = (self.codec, &mut self.usage);
        let looked = events.feed(bytes, |item| look(codec, item, usage));
        if looked.is_err() {
            self.events = None; // no events after all
        }
    }

    fn book(&mut self, _complete: bool, report: &mut Report) {
        if let Some(mut events) = self.events.take() {
            let (codec, usage) = (self.codec, &mut self.usage);
            // The last event may lack its empty line. Too long: it tells no usage.
            let _too_long = events.finish(|item| look(codec, item, usage));
        }
        self.counter.book(Some(self.usage.take().unwrap_or_default()), 0, report);
    }
}

/// Looks for the usage in an event.
fn look(codec: &dyn TaskCodec, item: Item<'_>, usage: &mut Option<UsageReport>) {
    if let Item::Frame(frame) = item
        && let Some(told) = codec.usage_in_event(&frame.data)
    {
        *usage = Some(told);
    }
}
