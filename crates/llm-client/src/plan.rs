//! The plan of one attempt: which language, which lane, which bytes go where.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use llm_http::Body;
use llm_providers::{Policy, Quirk, Want, edit, provider::not_served, rules};
use llm_types::embed::{EmbedInput, EmbedRequest};
use llm_types::{Error, Field, FieldSet, Format, OperationKind, Result};
use llm_wire::ModelCaps;
use llm_wire::codec::{EncodeContext, Hints, ReplyContext, UpstreamCodec};
use llm_wire::framing::Framing;
use llm_wire::gemini::cached;
use llm_wire::top::{Top, splice};

use crate::cached::{Cached, Wish};
use crate::call::Call;
use crate::engine::EngineSettings;
use crate::media::Inlined;
use crate::searches;
use crate::target::{Address, CallFacts, Prices, Target, quoted};
use crate::wording::plain_ids;

/// What an attempt sends, and how its answer is read.
#[derive(Debug)]
pub(crate) struct Plan {
    pub address: Arc<Address>,
    /// The language towards the provider.
    pub upstream: Format,
    /// The answer may go on as it comes.
    pub relay: bool,
    /// How a stream is cut.
    pub framing: Framing,
    /// The upstream cannot stream: its whole answer is told as a stream.
    pub told: bool,
    /// Our usage event is hidden from the client.
    pub hide_usage: bool,
    pub ctx: ReplyContext,
    pub lost: Vec<String>,
    /// Headers that the client asked for in the body.
    pub headers: Vec<(String, String)>,
    /// Bodies of further requests, for upstreams that take one input at a time.
    pub more: Vec<Bytes>,
}

/// What a plan is made of.
pub(crate) struct Planner<'a> {
    pub call: &'a Call,
    pub target: &'a Target,
    /// The model as the provider knows it.
    pub model: &'a str,
    pub prices: &'a Prices,
    pub settings: &'a EngineSettings,
    /// The answer may be changed on its way: a guardrail stands there.
    pub edits_answer: bool,
    /// URLs of the request that were fetched, see [`crate::media`].
    pub fetched: &'a Inlined,
    /// What the provider keeps of the conversation, see [`crate::cached`].
    pub cached: Option<Cached>,
}

/// The bytes to send and what has to be remembered for the answer.
#[derive(Default)]
struct Encoded {
    pieces: Vec<Bytes>,
    hints: Hints,
    lost: Vec<String>,
    betas: Vec<&'static str>,
    /// Headers that the client asked for in the body (`extra_headers`).
    headers: Vec<(String, String)>,
    /// Bodies of further requests.
    more: Vec<Bytes>,
}

/// Headers of the client that go on as they are; what is Claude's alone is its provider's to write.
fn forwarded(headers: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    headers.iter().filter(|(name, _)| name.starts_with("x-") && edit::may_be_said(name)).cloned()
}

impl Planner<'_> {
    /// Makes the plan.
    ///
    /// # Errors
    /// `UnsupportedParams` and `BadRequest` when the provider cannot be asked this; what the provider refuses.
    pub(crate) fn plan(&self) -> Result<(Plan, Body)> {
        let row = self.target.provider.row();
        let want = Want { operation: self.call.operation, format: self.call.format, model: self.model };
        let best = self.target.protocols(&want).best().ok_or_else(|| not_served(row, &want))?;
        let elsewhere = searches::elsewhere(self.target, self.call) || self.responses_only();
        let upstream = if elsewhere { Format::OpenAiResponses } else { best };
        if let Some(beside) = self.call.beside.filter(|_| upstream != self.call.format) {
            let why = format!("provider {} does not serve {}{beside}", row.id, self.call.format);
            return Err(Error::bad_request(why).with_param("model"));
        }
        let caps = self.target.provider.caps(self.model, self.target.caps(self.prices, self.model));
        let policy = self.policy();
        let codec = llm_wire::registry::upstream_generate(upstream);
        let told = self.call.stream
            && codec.is_some_and(|c| {
                c.format() != self.call.format && c.stream_decoder(&ReplyContext::default()).is_none()
            });
        let encoded = match (self.call.operation, self.call.format == upstream) {
            (OperationKind::Embed, true) => self.embeddings(&caps, &policy)?,
            (OperationKind::Embed, false) => self.embeddings_translated(upstream, &caps, &policy)?,
            (_, true) => self.same_format(upstream, &caps, &policy)?,
            (_, false) => self.translated(upstream, &caps, &policy, !told)?,
        };
        let facts = CallFacts {
            operation: self.call.operation,
            format: upstream,
            client_format: self.call.format,
            model: self.model,
            stream: self.call.stream && !told,
            betas: &encoded.betas,
            headers: &self.call.headers,
        };
        let mut address = self.target.address(&facts)?;
        let body = self.prepared(&facts, encoded.pieces, &mut address)?;
        let usual = codec.map_or(Framing::Sse, UpstreamCodec::framing);
        let framing = address.framing.unwrap_or(usual);
        let relay = self.call.format == upstream
            && framing == Framing::Sse
            && row.clean_reply
            && encoded.hints == Hints::default()
            && !self.edits_answer
            && self.call.operation == OperationKind::Generate;
        let bridged = self.call.format == Format::OpenAiResponses && upstream != Format::OpenAiResponses;
        let ctx = ReplyContext {
            deployment: String::new(),
            model: self.call.echo.as_deref().map(str::to_owned),
            fallback_id: self.fallback_id(),
            created: now_seconds(),
            include_usage: self.call.include_usage,
            prompt_tokens_estimate: 0,
            hints: encoded.hints,
            upstream: Some(upstream),
            provider: self.target.provider_id().to_owned(),
            upstream_model: bridged.then(|| self.model.to_owned()),
            tool_choice: if bridged { self.tool_choice() } else { None },
            stream_errors: llm_providers::reply::stream_errors(row),
            block_proof: row.block_proof,
            count: Some(crate::count::tokens_of),
        };
        let plan = Plan {
            address,
            upstream,
            relay,
            framing,
            told,
            hide_usage: self.call.stream && !self.call.include_usage,
            ctx,
            lost: encoded.lost,
            headers: forwarded(&self.call.headers).chain(encoded.headers).collect(),
            more: encoded.more,
        };
        Ok((plan, body))
    }

    /// The last changes that a provider wants, to the body and to where it goes.
    fn prepared(&self, facts: &CallFacts<'_>, pieces: Vec<Bytes>, address: &mut Arc<Address>) -> Result<Body> {
        let call = self.target.provider_call(facts);
        let provider = self.target.provider;
        if !provider.prepares(&call) && !provider.steers(&call) {
            return Ok(Body::pieces(pieces));
        }
        let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
        pieces.iter().for_each(|p| whole.extend_from_slice(p));
        let mut body = provider.prepare(&call, whole.freeze())?;
        if provider.steers(&call) {
            let mut endpoint = address.endpoint.clone();
            body = provider.steer(&call, body, &mut endpoint)?;
            *address = Arc::new(address.moved(endpoint)?);
        }
        Ok(Body::from(body))
    }

    /// The id of an answer whose upstream gave none, or one of another format: ours, in the client's spelling.
    fn fallback_id(&self) -> String {
        let prefix = match self.call.format {
            Format::AnthropicMessages => "msg_",
            Format::OpenAiResponses => "resp_",
            Format::OpenAiCompletions => "cmpl-",
            Format::GeminiGenerate => "",
            _ => "chatcmpl-",
        };
        format!("{prefix}{}", self.call.id)
    }

    /// The client's `tool_choice` as it came.
    fn tool_choice(&self) -> Option<llm_types::RawJson> {
        let top = Top::parse(&self.call.body).ok()?;
        llm_types::RawJson::parse(top.get("tool_choice").filter(|c| *c != "null")?).ok()
    }

    fn policy(&self) -> Policy {
        let (own, controls) = (&self.target.policy, &self.call.controls);
        let mut policy = own.clone();
        policy.client = Some(self.call.format);
        policy.drop_params = controls.drop_params.or(self.target.own_drop_params).unwrap_or(self.settings.drop_params);
        policy.modify_params =
            controls.modify_params.or(self.target.own_modify_params).unwrap_or(self.settings.modify_params);
        policy.disable_stop_sequence_limit = self.settings.disable_stop_sequence_limit;
        policy.allowed_openai_params.extend(controls.allowed_openai_params.iter().cloned());
        policy.additional_drop_params.extend(controls.additional_drop_params.iter().cloned());
        policy
    }

    /// Client and provider speak the same language: the body is spliced, or edited field by field.
    fn same_format(&self, upstream: Format, caps: &ModelCaps, policy: &Policy) -> Result<Encoded> {
        let body = self.body()?;
        let top = Top::parse(&body)?;
        let mut hints = Hints::default();
        let provider = self.target.provider;
        let params = &self.target.params;
        let edited = edit::generate(provider, upstream, self.model, params, caps, &top, policy, &mut hints)?;
        let model = quoted(&provider.wire_model(self.model));
        let betas = if upstream == Format::AnthropicMessages { edit::betas(&top) } else { Vec::new() };
        let Some(edit) = edited else {
            let pieces = self.spliced(&body, &top, model, upstream);
            return Ok(Encoded { pieces, hints, betas, ..Encoded::default() });
        };
        let top = Top::parse(&edit.body)?;
        let pieces = self.spliced(&edit.body, &top, model, upstream);
        Ok(Encoded { pieces, hints, betas, lost: edit.lost, headers: edit.headers, ..Encoded::default() })
    }

    fn spliced(&self, body: &Bytes, top: &Top<'_>, model: Bytes, upstream: Format) -> Vec<Bytes> {
        match top.get("model") {
            _ if !upstream.model_in_body() => vec![top.edited(&[("model", None)])],
            Some(old) => splice(body, old, model).to_vec(),
            None => {
                let text = String::from_utf8_lossy(&model).into_owned();
                vec![top.edited(&[("model", Some(&text))])]
            }
        }
    }

    /// Client and provider speak different languages: decode, check, encode.
    fn translated(&self, upstream: Format, caps: &ModelCaps, policy: &Policy, may_stream: bool) -> Result<Encoded> {
        let mut request = self.request()?;
        request.stream &= may_stream;
        let provider = self.target.provider;
        let wire_model = provider.wire_model(self.model);
        let mut ctx = self.encode_context(&wire_model, caps, policy);
        if self.call.format == Format::OpenAiResponses {
            request.drop_field(Field::Store); // whoever bridges keeps the answer, or does not
            llm_wire::openai::responses::bridge(&mut request, &mut ctx);
        }
        if upstream != Format::OpenAiChat {
            request.extra.remove("max_tokens"); // the smaller word, beside `max_completion_tokens`
        }
        if upstream != Format::GeminiGenerate && !provider.row().quirks.has(Quirk::KeepThoughtIds) {
            plain_ids(&mut request);
        }
        self.fetched.put_into(&mut request);
        llm_wire::openai::tool_choice::narrow(&mut request);
        if let Some(cached) = &self.cached {
            cached.put_into(&mut request);
        }
        edit::clear(&mut request, policy);
        let renamed = match self.call.format {
            Format::AnthropicMessages => {
                crate::cleared::clear(&mut request, self.call.body.len(), &|text| match text {
                    Some(text) => crate::count::tokens_of(self.model, text),
                    None => crate::tokens::here(self.call, self.model).unwrap_or_default(),
                });
                edit::Bridge { provider, model: self.model, params: &self.target.params, caps, upstream }
                    .cross(&mut request)
            }
            _ => Vec::new(),
        };
        let present = rules::present(&request, self.model, upstream, policy);
        let dropped = rules::check(provider, self.model, &self.target.params, caps, present, &request, policy)?;
        rules::drop_fields(&mut request, dropped);
        let mut lost: Vec<String> = dropped.iter().map(|f| f.name().to_owned()).collect();
        let codec = llm_wire::registry::upstream_generate(upstream)
            .ok_or_else(|| Error::internal(format!("no codec for {upstream}")))?;
        let mut out = BytesMut::with_capacity(self.call.body.len() + 256);
        codec.encode_request(&request, &mut ctx, &mut out)?;
        let EncodeContext { lost: bent, mut hints, betas, .. } = ctx;
        lost.extend(bent);
        hints.tool_names.extend(renamed);
        let mut body = out.freeze();
        let top = Top::parse(&body)?;
        let edited =
            edit::generate(provider, upstream, self.model, &self.target.params, caps, &top, policy, &mut hints)?;
        let mut headers = Vec::new();
        if let Some(edit) = edited {
            lost.extend(edit.lost);
            body = edit.body;
            headers = edit.headers;
        }
        let top = Top::parse(&body)?;
        let pieces = self.spliced(&body, &top, quoted(&wire_model), upstream);
        Ok(Encoded { pieces, hints, lost, betas, headers, more: Vec::new() })
    }

    /// What the request's marks want to be kept at the provider.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub(crate) fn cached_content(&self) -> Result<Option<Wish>> {
        let want = Want { operation: self.call.operation, format: self.call.format, model: self.model };
        if self.target.protocols(&want).best() != Some(Format::GeminiGenerate) {
            return Ok(None);
        }
        let facts = CallFacts {
            operation: self.call.operation,
            format: Format::GeminiGenerate,
            client_format: self.call.format,
            model: self.model,
            stream: false,
            betas: &[],
            headers: &self.call.headers,
        };
        let provider = self.target.provider;
        let Some(place) = provider.cached_contents(&self.target.provider_call(&facts)) else { return Ok(None) };
        let mut request = self.request()?;
        self.fetched.put_into(&mut request);
        let Some(turns) = cached::marked(&request) else { return Ok(None) };
        if !Wish::is_enough(self.model, &cached::texts(&request, &turns)) {
            return Ok(None);
        }
        let caps = provider.caps(self.model, self.target.caps(self.prices, self.model));
        let wire_model = provider.wire_model(self.model);
        let mut ctx = self.encode_context(&wire_model, &caps, &self.policy());
        let content = cached::content(&request, &turns, &place.model, &mut ctx)?;
        Ok(Some(Wish { turns, content, url: place.url, address: self.target.address(&facts)? }))
    }

    fn encode_context<'m>(&self, model: &'m str, caps: &ModelCaps, policy: &Policy) -> EncodeContext<'m> {
        let allowed = policy.allowed_openai_params.iter().filter_map(|n| Field::from_name(n));
        EncodeContext {
            provider: self.target.provider.row().id,
            caps: *caps,
            drop_params: policy.drop_params,
            modify_params: policy.modify_params,
            allowed: allowed.collect::<FieldSet>(),
            ..EncodeContext::for_model(model)
        }
    }

    /// The provider's embeddings have a language of their own: edit, decode, encode.
    fn embeddings_translated(&self, upstream: Format, caps: &ModelCaps, policy: &Policy) -> Result<Encoded> {
        let Encoded { pieces, mut lost, headers, .. } = self.embeddings(caps, policy)?;
        let body: Vec<u8> = pieces.iter().flat_map(|b| b.iter().copied()).collect();
        let codec = llm_wire::registry::client_embed(self.call.format)
            .ok_or_else(|| Error::internal(format!("no codec for {}", self.call.format)))?;
        let request = codec.decode_request(&llm_wire::RequestView { path: "", query: "", body: &body })?;
        let codec = llm_wire::registry::upstream_embed(upstream)
            .ok_or_else(|| Error::internal(format!("no codec for {upstream}")))?;
        let model = self.target.provider.wire_model(self.model);
        let mut ctx = self.encode_context(&model, caps, policy);
        let mut write = |request: &EmbedRequest| {
            let mut out = BytesMut::with_capacity(body.len() + 64);
            codec.encode_request(request, &mut ctx, &mut out).map(|()| out.freeze())
        };
        let (first, more) = match request.input.split_first() {
            Some((first, rest)) if codec.one_by_one(&model) && !rest.is_empty() => {
                let bare = EmbedRequest { input: Vec::new(), ..request.clone() };
                let one = |input: &EmbedInput| EmbedRequest { input: vec![input.clone()], ..bare.clone() };
                let more: Result<Vec<Bytes>> = rest.iter().map(|input| write(&one(input))).collect();
                (write(&one(first))?, more?)
            }
            _ => (write(&request)?, Vec::new()),
        };
        lost.extend(ctx.lost);
        Ok(Encoded { pieces: vec![first], hints: ctx.hints, lost, betas: ctx.betas, headers, more })
    }

    fn embeddings(&self, caps: &ModelCaps, policy: &Policy) -> Result<Encoded> {
        let body = self.body()?;
        let top = Top::parse(&body)?;
        let edited = edit::embeddings(self.target.provider, self.model, &self.target.params, caps, &top, policy)?;
        let model = quoted(&self.target.provider.wire_model(self.model));
        let edit = edited.unwrap_or_else(|| edit::Edited { body: body.into_owned(), ..edit::Edited::default() });
        let top = Top::parse(&edit.body)?;
        let pieces = self.spliced(&edit.body, &top, model, Format::OpenAiEmbeddings);
        Ok(Encoded { pieces, lost: edit.lost, headers: edit.headers, ..Encoded::default() })
    }
}

pub(crate) fn now_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
