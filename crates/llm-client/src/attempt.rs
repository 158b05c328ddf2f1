//! One attempt: encode or splice, send, read until it is certain whether it answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use llm_http::{ReplyBody, Transport};
use llm_providers::Want;
use llm_router::{Attempt, Deployment, InFlight};
use llm_types::Kind;
use llm_types::generate::GenerateResponse;
use llm_types::stream::EventFilter;
use llm_types::{Error, OperationKind};
use llm_wire::codec::{ClientCodec, Generate, ReplyView};
use llm_wire::framing::Framing;
use llm_wire::relay::Whole;
use llm_wire::task::{FollowUp, FollowUrl, Next, TaskBody};
use llm_wire::top::{Top, splice};

use crate::answer::{Answer, Head, Report};
use crate::call::Call;
use crate::count::Counter;
use crate::engine::{Engine, Gate};
use crate::follow::Follower;
use crate::media::Inlined;
use crate::pipe::{Pipe, Writer};
use crate::plan::{Plan, Planner};
use crate::send::{Sender, build, classed, decode_error, header_pairs, injected, timeouts};
use crate::stream::StreamBody;
use crate::target::{Target, quoted};
use crate::transport::transport_error;

/// What an attempt was made with, for logs of failures.
#[derive(Debug, Clone)]
pub struct Made {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// The provider's id.
    pub provider: &'static str,
    /// Its address, without query, when it was known.
    pub api_base: Option<Arc<str>>,
    /// Something was sent.
    pub sent: bool,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub made: Made,
}

/// Makes one attempt.
pub(crate) async fn attempt(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
) -> Result<Answer, Box<Failed>> {
    let mut made = Made {
        deployment: Arc::clone(&at.deployment),
        model: Arc::clone(&at.model),
        provider: "",
        api_base: None,
        sent: false,
    };
    match Box::pin(run(engine, http, call, at, gate, &mut made)).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(Box::new(Failed { error, made })),
    }
}

async fn run(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    at: Attempt,
    gate: &dyn Gate,
    made: &mut Made,
) -> Result<Answer, Error> {
    let payload = at.deployment.payload.clone().ok_or_else(|| Error::internal("a deployment without a target"))?;
    let target = payload.downcast::<Target>().map_err(|_| Error::internal("a deployment without a target"))?;
    made.provider = target.provider_id();
    let model = target.model_of(&at.model);
    made.model = Arc::clone(&model);
    if at.fallbacks == 0 {
        injected(call, at.timeouts.limit).await?;
    }
    if let Some(mock) = call.controls.mock_response.as_ref().or(target.mock_response.as_ref()) {
        return crate::mock::answer(engine, call, at, &target, &model, mock);
    }
    if call.operation.is_task() {
        return crate::task::run(engine, http, call, at, gate, &target, made).await;
    }
    let filters = gate.filters();
    let fetched = fetched(engine, http, call, &target, &model).await.map_err(classed)?;
    let planner = Planner {
        call,
        target: &target,
        model: &model,
        prices: &engine.prices,
        settings: &engine.settings,
        edits_answer: !filters.is_empty(),
        fetched: &fetched,
    };
    let (mut plan, body) = planner.plan().map_err(classed)?;
    made.api_base = Some(Arc::clone(&plan.address.base));
    let counter = Counter::new(engine, &target, &model, plan.upstream, call);
    let timeouts = timeouts(&engine.settings, at.timeouts.limit, call.stream && !plan.told);
    let address = Arc::clone(&plan.address);
    let sender = Sender { http, settings: &engine.settings, gate, counter: &counter, address: &address, timeouts };
    let mut request = build(&address, body, &plan.headers);
    if let Some(beside) = call.beside {
        *request.uri_mut() = crate::task::uri(&address.uri, None, beside, &[])?;
    }
    let wants_stream = call.stream && !plan.told;
    let sent = sender.send(request, made, &|view| decode_error(&counter, wants_stream, view)).await?;
    let head = Head::new(&at, model, &counter, &address, &sent, std::mem::take(&mut plan.lost));
    let streams = call.stream && call.operation == OperationKind::Generate;
    if at.fallbacks > 0 && streams {
        plan.ctx.model = Some(at.group.to_string()); // after a fallback, streams name its group
    } else if at.fallbacks > 0 || plan.ctx.model.is_none() {
        // ... and whole answers name the provider's model; so do all when the model came only from the URL.
        plan.ctx.model = Some(head.model.to_string());
    }
    let doing = Doing { call, plan, head, counter: &counter, sender: &sender, limit: engine.settings.max_reply_bytes };
    if streams {
        return doing.stream(sent.body, filters, at.in_flight).await;
    }
    doing.whole(sent.body).await
}

/// The URLs of the request that the upstream wants as bytes.
async fn fetched(
    engine: &Engine,
    http: &dyn Transport,
    call: &Call,
    target: &Target,
    model: &str,
) -> Result<Inlined, Error> {
    let want = Want { operation: call.operation, format: call.format, model };
    let upstream = target.protocols(&want).best().filter(|u| *u != call.format);
    let Some(upstream) = upstream else { return Ok(Inlined::default()) };
    let Some(codec) = llm_wire::registry::upstream_generate(upstream) else { return Ok(Inlined::default()) };
    if call.operation != OperationKind::Generate || memchr_http(&call.body) {
        return Ok(Inlined::default());
    }
    let all = target.provider.fetches(upstream, model);
    let wanted = |url: &str| all && url.starts_with("http") || codec.fetches(model, url);
    Inlined::fetch(http, &engine.settings.fetch, &wanted, call.decoded()?).await
}

/// True when no URL stands in a body.
fn memchr_http(body: &[u8]) -> bool {
    !body.windows(4).any(|w| w == b"http")
}

/// An attempt whose request was answered with a success.
struct Doing<'a> {
    call: &'a Call,
    plan: Plan,
    head: Head,
    counter: &'a Counter,
    sender: &'a Sender<'a>,
    limit: usize,
}

impl Doing<'_> {
    async fn stream(
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
        let Self { call, plan, head, counter, .. } = self;
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
            all.extend(filters);
            let pipe = Pipe::new(plan.framing, decoder, all, Writer::new(encoder, call.want_content));
            StreamBody::translate(body, pipe, codec, plan.ctx, counter.clone())
        };
        out.keep(in_flight);
        out.prime().await?;
        Ok(Answer::Stream { head, body: Box::new(out) })
    }

    /// The whole reply, after what had to be asked behind the first one.
    async fn followed(&mut self, body: ReplyBody) -> Result<Followed, Error> {
        let provider = self.counter.provider();
        let mut bytes = body.collect(self.limit).await.map_err(|e| transport_error(&e, provider))?;
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
            bytes = reply.collect(self.limit).await.map_err(|e| transport_error(&e, provider))?;
        }
        Ok(Followed::Whole(bytes))
    }

    /// The replies to further requests of an embedding, in order.
    async fn further(&self) -> Result<Vec<Bytes>, Error> {
        let follower = Follower::new(self.sender);
        let provider = self.counter.provider();
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
            all.push(reply.collect(self.limit).await.map_err(|e| transport_error(&e, provider))?);
        }
        Ok(all)
    }

    async fn whole(mut self, body: ReplyBody) -> Result<Answer, Error> {
        let (call, counter) = (self.call, self.counter);
        let mut report = Box::new(Report { first_byte: Some(Instant::now()), ..Report::default() });
        let Followed::Whole(bytes) = self.followed(body).await? else {
            return Err(Error::internal("a stream came where none was asked for"));
        };
        report.upstream_done = Some(Instant::now());
        let plan = &self.plan;
        if call.operation == OperationKind::Embed {
            let more = self.further().await?;
            let body = embeddings(plan, &self.head, &bytes, &more, counter, &mut report)?;
            report.upstream_done = Some(Instant::now());
            return Ok(Answer::Whole { head: self.head, body, report });
        }
        if plan.relay
            && let Some(body) = relay_whole(plan, &bytes, counter, &mut report)
        {
            if call.want_content {
                report.content = self.decode(&bytes).ok().map(Box::new); // the tap
            }
            return Ok(Answer::Whole { head: self.head, body, report });
        }
        let mut response = self.decode(&bytes)?;
        report.response_id = Some(response.id.clone());
        let written = match (&response.usage, counter.tells()) {
            (Some(_), _) => 0,
            (None, true) => counter.count(&response.text()),
            (None, false) => counter.written(&bytes),
        };
        counter.book(response.usage.clone(), written, &mut report);
        counter.tell(&mut response.usage, &report);
        let codec = llm_wire::registry::client_generate(call.format).ok_or_else(|| no_codec(call))?;
        let mut out = BytesMut::with_capacity(bytes.len() + 256);
        codec.encode_response(&response, &plan.ctx, &mut out);
        report.content = call.want_content.then(|| Box::new(response));
        Ok(Answer::Whole { head: self.head, body: out.freeze(), report })
    }

    fn decode(&self, bytes: &[u8]) -> Result<GenerateResponse, Error> {
        let upstream = self.plan.upstream;
        let codec = llm_wire::registry::upstream_generate(upstream)
            .ok_or_else(|| Error::internal(format!("no codec for {upstream}")))?;
        let pairs = header_pairs(&self.head.upstream_headers);
        let view = ReplyView { status: 200, provider: self.counter.provider(), headers: &pairs, body: bytes };
        let mut response = codec.decode_response(&view, &self.plan.ctx)?;
        llm_providers::reply::normalise(self.counter.target.provider.row(), self.call.format, &mut response);
        Ok(response)
    }
}

/// What came in the end.
enum Followed {
    Whole(Bytes),
    Stream(ReplyBody),
}

fn no_codec(call: &Call) -> Error {
    Error::internal(format!("the format {} cannot be streamed", call.format))
}

/// A whole answer that goes on as it came, but for the model name; nothing when it has to be read and written anew.
fn relay_whole(plan: &Plan, bytes: &Bytes, counter: &Counter, report: &mut Report) -> Option<Bytes> {
    let whole = Whole::read(plan.upstream, bytes)?;
    report.response_id = whole.id.and_then(|id| llm_types::json::raw_str(id.get())).map(std::borrow::Cow::into_owned);
    let usage = whole.usage.map(llm_types::RawJson::borrowed);
    let usage = usage.map(|raw| llm_wire::usage::report(plan.upstream, std::slice::from_ref(&raw)));
    let written = if usage.is_none() { counter.written(bytes) } else { 0 };
    counter.book(usage, written, report);
    Some(match (&plan.ctx.model, whole.model) {
        (Some(model), Some(old)) => glue(&splice(bytes, old.get(), quoted(model))),
        _ => bytes.clone(),
    })
}

fn glue(pieces: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|p| out.extend_from_slice(p));
    out.freeze()
}

fn embeddings(
    plan: &Plan,
    head: &Head,
    bytes: &Bytes,
    more: &[Bytes],
    counter: &Counter,
    report: &mut Report,
) -> Result<Bytes, Error> {
    let row = counter.target.provider.row();
    if row.clean_reply
        && plan.upstream == llm_types::Format::OpenAiEmbeddings
        && let Ok(top) = Top::parse(bytes)
        && top.get("data").is_some()
    {
        let usage = top.get("usage").filter(|u| *u != "null").and_then(|u| llm_types::RawJson::parse(u).ok());
        let usage = usage.map(|raw| llm_wire::usage::report(plan.upstream, std::slice::from_ref(&raw)));
        counter.book(usage, 0, report);
        return Ok(match (&plan.ctx.model, top.get("model")) {
            (Some(model), Some(old)) => glue(&splice(bytes, old, quoted(model))),
            _ => bytes.clone(),
        });
    }
    let codec = llm_wire::registry::upstream_embed(plan.upstream)
        .ok_or_else(|| Error::internal(format!("no codec for {}", plan.upstream)))?;
    let pairs = header_pairs(&head.upstream_headers);
    let view = |body| ReplyView { status: 200, provider: counter.provider(), headers: &pairs, body };
    let mut response = codec.decode_response(&view(bytes), &plan.ctx)?;
    for bytes in more {
        let further = codec.decode_response(&view(bytes), &plan.ctx)?;
        response.join(further);
    }
    if response.usage.is_none() && plan.upstream != llm_types::Format::OpenAiEmbeddings {
        response.usage = Some(counter.embedded());
    }
    counter.book(response.usage.clone(), 0, report);
    let client = llm_wire::registry::client_embed(llm_types::Format::OpenAiEmbeddings)
        .ok_or_else(|| Error::internal("no codec for embeddings"))?;
    let mut out = BytesMut::with_capacity(bytes.len() + 64);
    client.encode_response(&response, &plan.ctx, &mut out);
    Ok(out.freeze())
}
