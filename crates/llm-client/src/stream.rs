//! A streamed answer: carried event by event or byte by byte, and reported exactly once.
//!
//! A stream never ends silently. It ends complete, it is continued by another model where fallbacks are configured, or it
//! ends with an error event in the client's own format; the connection to the client is closed properly either way. When the client hangs up first, dropping the body settles the report
//! with what was seen until then.

mod begin;
mod broken;
mod continued;
mod upstream;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use llm_http::ReplyBody;
use llm_router::{Attempts, InFlight};
use llm_types::generate::GenerateResponse;
use llm_types::stream::{Event, EventFilter};
use llm_types::{Error, Format, Kind};
use llm_wire::codec::{Generate, ReplyContext, StreamDecoder};
use llm_wire::relay::StreamRelay;

use crate::answer::{Head, Report};
use crate::count::Counter;
use crate::errand::Loser;
use crate::onward::Onward;
use crate::pipe::{Pipe, Writer, through};
use crate::tail::Tail;
use crate::tap::Tap;
use crate::transport::transport_error;
use continued::Continued;

/// Bound of one upstream event. Images in a stream are large; a line without end must not fill the memory.
pub(crate) const EVENT_LIMIT: usize = 32 << 20;

/// The bytes of a streamed answer in the client's format.
pub struct StreamBody {
    upstream: ReplyBody,
    lane: Lane,
    codec: &'static dyn llm_wire::codec::ClientCodec<Generate>,
    ctx: ReplyContext,
    /// Output that the client has not taken yet.
    ready: BytesMut,
    /// Relayed bytes that the client has not taken yet, behind `ready`.
    relayed: Bytes,
    over: bool,
    /// Something was handed over: the call cannot be tried elsewhere any more.
    primed: bool,
    report: Box<Report>,
    counter: Counter,
    tail: Option<Box<dyn Tail>>,
    /// The deployment counts the call as running until the body is gone.
    in_flight: Option<InFlight>,
    /// Reads a relayed stream beside it, when somebody wants the content.
    tap: Option<Tap>,
    /// What becomes of it when it breaks off.
    watch: Watch,
    /// Why it broke off; the client does not know yet.
    broke: Option<Error>,
    /// What was relayed, for a model that has to go on; nothing when nobody may, or it became too much.
    kept: Option<Kept>,
    /// Tokens that were written when the tail was last asked whether it may go on.
    asked: u64,
    /// The bills of models that broke off before.
    before: Option<Box<Report>>,
    /// Another call for the same answer, which was hung up on: billed when it is known how long the answer is.
    owed: Option<Box<(Head, Loser)>>,
}

/// Who hears of an answer that breaks off.
#[derive(Default)]
enum Watch {
    #[default]
    Nobody,
    /// The router, which counts it.
    Router(Box<Attempts>),
    /// The router, and then another model.
    Onward(Box<Onward>),
}

/// Relayed pieces, shared with what was sent.
#[derive(Default)]
struct Kept {
    pieces: Vec<Bytes>,
    bytes: usize,
}

/// Of an answer that is relayed, this much is kept for a model that may have to go on.
const KEPT_BYTES: usize = 1 << 20;

enum Lane {
    /// The bytes go on as they came.
    Relay(Box<StreamRelay>),
    /// Every event is read and written anew.
    Translate(Box<Pipe>),
    /// Everything was written at once.
    Replay(Box<Writer>),
    /// Another model goes on.
    Continued(Box<Continued>),
}

impl StreamBody {
    /// A stream whose bytes go on as they came.
    pub(crate) fn relay(
        upstream: ReplyBody,
        format: Format,
        hide_usage: bool,
        codec: &'static dyn llm_wire::codec::ClientCodec<Generate>,
        ctx: ReplyContext,
        counter: Counter,
    ) -> Self {
        let relay = StreamRelay::new(format, ctx.model.as_deref(), hide_usage, EVENT_LIMIT);
        Self::new(upstream, Lane::Relay(Box::new(relay)), codec, ctx, counter)
    }

    /// A stream that is read and written anew.
    pub(crate) fn translate(
        upstream: ReplyBody,
        pipe: Pipe,
        codec: &'static dyn llm_wire::codec::ClientCodec<Generate>,
        ctx: ReplyContext,
        counter: Counter,
    ) -> Self {
        Self::new(upstream, Lane::Translate(Box::new(pipe)), codec, ctx, counter)
    }

    fn new(
        upstream: ReplyBody,
        lane: Lane,
        codec: &'static dyn llm_wire::codec::ClientCodec<Generate>,
        ctx: ReplyContext,
        counter: Counter,
    ) -> Self {
        Self {
            upstream,
            lane,
            codec,
            ctx,
            ready: BytesMut::new(),
            relayed: Bytes::new(),
            over: false,
            primed: false,
            report: Box::default(),
            counter,
            tail: None,
            in_flight: None,
            tap: None,
            watch: Watch::Nobody,
            broke: None,
            kept: None,
            asked: 0,
            before: None,
            owed: None,
        }
    }

    /// A whole answer, told as a stream.
    pub(crate) fn replay(
        response: &GenerateResponse,
        filters: Vec<Box<dyn EventFilter>>,
        want_content: bool,
        codec: &'static dyn llm_wire::codec::ClientCodec<Generate>,
        ctx: ReplyContext,
        counter: Counter,
    ) -> Result<Self, Error> {
        let encoder = codec.stream_encoder(&ctx).ok_or_else(|| Error::internal("this format does not stream"))?;
        let mut writer = Writer::new(encoder, want_content);
        let mut filters = filters;
        crate::replay::replay(response, &mut |e: Event<'_>| through(&mut filters, &mut writer, e));
        let mut body = Self::new(ReplyBody::from(Bytes::new()), Lane::Replay(Box::new(writer)), codec, ctx, counter);
        if let Lane::Replay(writer) = &mut body.lane {
            body.ready = writer.out.split();
        }
        body.report.first_byte = Some(Instant::now());
        body.over = true;
        Ok(body)
    }

    /// Counts the call as running until the body is gone.
    pub(crate) fn keep(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    /// Reads the relayed bytes beside the stream.
    pub(crate) fn set_tap(&mut self, decoder: Option<Box<dyn StreamDecoder>>) {
        self.tap = decoder.map(Tap::new);
    }

    /// Another model may go on when the answer breaks off: what the client has is kept.
    pub(crate) fn keep_answer(&mut self) {
        match &mut self.lane {
            Lane::Relay(_) => self.kept = Some(Kept::default()),
            Lane::Translate(pipe) => pipe.writer.partial = Some(Box::default()),
            Lane::Replay(_) | Lane::Continued(_) => {}
        }
    }

    /// Tells the router when the answer breaks off.
    pub(crate) fn watch(&mut self, attempts: Box<Attempts>) {
        self.watch = Watch::Router(attempts);
    }

    /// Tells the router when the answer breaks off, and lets another model go on.
    pub(crate) fn go_on_with(&mut self, onward: Box<Onward>) {
        self.watch = Watch::Onward(onward);
    }

    /// What the client has of it can be continued.
    pub(crate) fn keeps_answer(&self) -> bool {
        match &self.lane {
            Lane::Relay(_) => self.kept.is_some(),
            Lane::Translate(pipe) => pipe.writer.partial.is_some(),
            Lane::Replay(_) | Lane::Continued(_) => false,
        }
    }

    /// Another call for this answer was hung up on.
    pub(crate) fn owes(&mut self, head: Head, loser: Loser) {
        self.owed = Some(Box::new((head, loser)));
    }

    /// Who is told when the stream is over. Without a tail the report is lost.
    pub fn set_tail(&mut self, tail: Box<dyn Tail>) {
        self.tail = Some(tail);
    }

    /// Settles the report. Does nothing the second time.
    fn settle(&mut self, interrupted: bool) {
        let Some(tail) = self.tail.take() else { return };
        let mut report = std::mem::take(&mut self.report);
        report.error = report.error.take().or_else(|| self.broke.take());
        report.interrupted = interrupted;
        report.upstream_done = Some(Instant::now());
        match &mut self.lane {
            Lane::Relay(relay) => {
                let seen = relay.take_seen();
                if let (None, Some(raw)) = (&report.error, &seen.error) {
                    report.error = Some(self.counter.error_in_stream(raw, &self.ctx));
                }
                self.counter.relayed(seen, &mut report);
            }
            Lane::Translate(pipe) => pipe.writer.settle(&self.counter, &mut report),
            Lane::Replay(writer) => writer.settle(&self.counter, &mut report),
            Lane::Continued(continued) => continued.settle(&mut report),
        }
        if let Some(error) = &report.error {
            match std::mem::take(&mut self.watch) {
                Watch::Router(mut attempts) => drop(attempts.broke(error, Instant::now())),
                Watch::Onward(mut onward) => drop(onward.attempts.broke(error, Instant::now())),
                Watch::Nobody => {}
            }
        }
        if let Some(in_flight) = self.in_flight.take() {
            in_flight.finish(report.consumed(), Instant::now());
        }
        if let Some((head, loser)) = self.owed.take().map(|owed| *owed) {
            loser.settle(&head, &self.before.as_ref().map_or(report.usage, |before| before.usage));
        }
        if let Some(before) = self.before.take() {
            report.add(&before);
        }
        if let Some(tap) = self.tap.take() {
            report.content = Some(tap.finish());
        }
        tail.done(report);
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            // The bill is made before the client has the end: whoever was answered is in the ledger.
            if (this.over || this.end_marked()) && this.broke.is_none() {
                this.settle(false);
            }
            if !this.ready.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(this.ready.split().freeze()))));
            }
            if !this.relayed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.relayed)))));
            }
            if let Some(error) = this.broke.take() {
                this.mend(error);
                continue;
            }
            if this.over {
                return Poll::Ready(None);
            }
            if let Lane::Continued(continued) = &mut this.lane {
                let went = std::task::ready!(continued.poll(cx));
                this.went_on(went);
                this.stop_if_it_has_to();
                continue;
            }
            match Pin::new(&mut this.upstream).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => this.upstream_end(),
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        this.chunk(data);
                        this.stop_if_it_has_to();
                    }
                }
                // Behind the end marker nothing can be missing.
                Poll::Ready(Some(Err(_))) if this.end_marked() => this.upstream_end(),
                Poll::Ready(Some(Err(e))) => {
                    let mut error = transport_error(&e, this.counter.provider());
                    if !e.is_timeout() {
                        error.kind = Kind::MidStream;
                    }
                    this.fail(error);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.ready.is_empty() && self.relayed.is_empty() && self.tail.is_none()
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // Clients may leave behind the end marker, without waiting for the end of the body.
        let told = self.over || self.end_marked();
        let complete = told && self.ready.is_empty() && self.relayed.is_empty();
        self.settle(!complete);
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = match &self.lane {
            Lane::Relay(_) => "relay",
            Lane::Translate(_) => "translate",
            Lane::Replay(_) => "replay",
            Lane::Continued(_) => "continued",
        };
        f.debug_struct("StreamBody").field("lane", &lane).field("over", &self.over).finish_non_exhaustive()
    }
}
