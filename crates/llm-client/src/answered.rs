//! What becomes of a success: a stream that is carried, or a whole answer told as one.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use llm_http::ReplyBody;
use llm_router::{InFlight, Seconds};
use llm_types::generate::GenerateResponse;
use llm_types::stream::EventFilter;
use llm_types::{Error, Format, Kind};
use llm_wire::codec::{ClientCodec, Generate, ReplyView};
use llm_wire::framing::Framing;
use llm_wire::task::{FollowUp, FollowUrl, Next, TaskBody};

use crate::answer::{Answer, Head};
use crate::call::Call;
use crate::count::Counter;
use crate::follow::Follower;
use crate::pipe::{Pipe, Writer};
use crate::plan::Plan;
use crate::send::{Sender, decode_error, header_pairs};
use crate::stream::StreamBody;
use crate::transport::transport_error;
/// An attempt whose request was answered with a success.
pub(crate) struct Answered<'a> {
    pub call: &'a Call,
    pub plan: Plan,
    pub head: Head,
    pub counter: &'a Counter,
    pub sender: &'a Sender<'a>,
    pub limit: usize,
    /// How long the first content of a stream may take from the sending of the request.
    pub first_token: Option<Seconds>,
    /// Another model may go on when a stream breaks off.
    pub continuable: bool,
    /// Another model is asked when a content filter cut the answer.
    pub filtered_elsewhere: bool,
}

impl Answered<'_> {
    /// The answer as a stream.
    pub(crate) async fn stream(
        mut self,
        mut body: ReplyBody,
        filters: Vec<Box<dyn EventFilter>>,
        in_flight: InFlight,
    ) -> Result<Answer, Error> {
        let call = self.call;
        let codec = llm_wire::registry::client_generate(call.format).ok_or_else(|| no_codec(call))?;
        let kind = self.head.upstream_headers.get(CONTENT_TYPE).map(|v| v.as_bytes()).unwrap_or_default().to_vec();
        if [b"text/html".as_slice(), b"text/xml", b"application/xml"].iter().any(|page| kind.starts_with(page)) {
            let page = String::from_utf8_lossy(&kind).into_owned();
            let provider = self.head.provider;
            let why =
                format!("litellm.BadGatewayError: {provider}Exception - a page ({page}) came instead of a stream");
            return Err(Error::new(Kind::BadGateway, why));
        }
        if self.plan.told || kind.starts_with(b"application/json") && self.plan.framing == Framing::Sse {
            // The provider did not stream: its whole answer is told as events.
            let bytes = match self.followed(body).await? {
                Followed::Whole(bytes) => bytes,
                Followed::Stream(stream) => {
                    body = stream;
                    return self.streamed(body, filters, in_flight, codec).await;
                }
            };
            let response = self.decode(&bytes)?;
            let ctx = std::mem::take(&mut self.plan.ctx);
            let mut body = StreamBody::replay(&response, filters, call.want_content, codec, ctx, self.counter.clone())?;
            body.keep(in_flight);
            return Ok(Answer::Stream { head: self.head, body: Box::new(body) });
        }
        self.streamed(body, filters, in_flight, codec).await
    }

    async fn streamed(
        self,
        body: ReplyBody,
        filters: Vec<Box<dyn EventFilter>>,
        in_flight: InFlight,
        codec: &'static dyn ClientCodec<Generate>,
    ) -> Result<Answer, Error> {
        let Self { call, plan, head, counter, continuable, first_token, .. } = self;
        let mut out = if plan.relay && filters.is_empty() {
            let tap = call.want_content.then(|| llm_wire::registry::upstream_generate(plan.upstream)).flatten();
            let tap = tap.and_then(|codec| codec.stream_decoder(&plan.ctx));
            let mut relayed = StreamBody::relay(body, plan.upstream, plan.hide_usage, codec, plan.ctx, counter.clone());
            relayed.set_tap(tap);
            relayed
        } else {
            let upstream = llm_wire::registry::upstream_generate(plan.upstream).ok_or_else(|| no_codec(call))?;
            let decoder = upstream.stream_decoder(&plan.ctx).ok_or_else(|| no_codec(call))?;
            let encoder = codec.stream_encoder(&plan.ctx).ok_or_else(|| no_codec(call))?;
            let mut all = llm_providers::reply::filters(counter.target.provider.row());
            all.extend(crate::thoughts::filter(plan.upstream).filter(|_| plan.upstream != call.format));
            all.extend(crate::estimate::filter(call, plan.upstream, counter));
            all.extend(filters);
            let pipe = Pipe::new(plan.framing, decoder, all, Writer::new(encoder, call.want_content));
            StreamBody::translate(body, pipe, codec, plan.ctx, counter.clone())
        };
        out.keep(in_flight);
        if continuable {
            out.keep_answer();
        }
        let late = first_token.map(|limit| head.sent + limit.0);
        out.prime(late).await?;
        Ok(Answer::Stream { head, body: Box::new(out) })
    }

    /// All of a reply. One that is longer than allowed is not read to its end, and not asked for again.
    async fn read(&self, reply: ReplyBody) -> Result<Bytes, Error> {
        let read = reply.collect_within(self.limit).await.map_err(|e| transport_error(&e, self.counter.provider()))?;
        read.ok_or_else(|| {
            let most = self.limit as f64 / 1_048_576.0;
            let why = format!("Response size is too large. Max size is {most} MB");
            Error::bad_request(why).with_type("bad_request_error").with_param("content-length")
        })
    }

    /// The whole reply, after what had to be asked behind the first one.
    pub(crate) async fn followed(&mut self, body: ReplyBody) -> Result<Followed, Error> {
        let provider = self.counter.provider();
        let mut bytes = self.read(body).await?;
        let codec = llm_wire::registry::upstream_generate(self.plan.upstream);
        let Some(codec) = codec.filter(|_| self.plan.upstream != self.call.format) else {
            return Ok(Followed::Whole(bytes));
        };
        let follower = Follower::new(self.sender);
        for step in 0_u32.. {
            let pairs = header_pairs(&self.head.upstream_headers);
            let view = ReplyView { status: 200, provider, headers: &pairs, body: &bytes };
            let Next::Send { after, request } = codec.next(step, self.call.stream, &view)? else { break };
            let streams = request.streams;
            let reply = follower.send(after, *request, &|view| codec.decode_error(view)).await?;
            if streams {
                self.plan.told = false;
                return Ok(Followed::Stream(reply));
            }
            bytes = self.read(reply).await?;
        }
        Ok(Followed::Whole(bytes))
    }

    /// The replies to further requests of an embedding, in order.
    pub(crate) async fn further(&self) -> Result<Vec<Bytes>, Error> {
        let follower = Follower::new(self.sender);
        let mut all = Vec::with_capacity(self.plan.more.len());
        for body in &self.plan.more {
            let request = FollowUp {
                method: "POST",
                url: FollowUrl::Beside(String::new()),
                body: TaskBody::Json(body.clone()),
                streams: false,
            };
            let read = |view: &ReplyView<'_>| decode_error(self.counter, false, view);
            let reply = follower.send(Duration::ZERO, request, &read).await?;
            all.push(self.read(reply).await?);
        }
        Ok(all)
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<GenerateResponse, Error> {
        let upstream = self.plan.upstream;
        let codec = llm_wire::registry::upstream_generate(upstream)
            .ok_or_else(|| Error::internal(format!("no codec for {upstream}")))?;
        let pairs = header_pairs(&self.head.upstream_headers);
        let view = ReplyView { status: 200, provider: self.counter.provider(), headers: &pairs, body: bytes };
        let mut response = codec.decode_response(&view, &self.plan.ctx)?;
        llm_providers::reply::normalise(self.counter.target.provider.row(), self.call.format, &mut response);
        if upstream == Format::OpenAiChat {
            llm_providers::reply::think_tags(&mut response);
        }
        if upstream != self.call.format {
            crate::thoughts::split(upstream, &mut response);
        }
        Ok(response)
    }
}

/// What came in the end.
pub(crate) enum Followed {
    Whole(Bytes),
    Stream(ReplyBody),
}

pub(crate) fn no_codec(call: &Call) -> Error {
    Error::internal(format!("the format {} cannot be streamed", call.format))
}
