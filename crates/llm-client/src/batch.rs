//! Requests and answers of batches: written and read as those of single calls, but sent by others, in files.

use bytes::{Bytes, BytesMut};
use llm_http::Transport;
use llm_types::{Error, Format, OperationKind, Result, Usage};
use llm_wire::batches::{Answered, hints};
use llm_wire::codec::{ReplyContext, ReplyView};
use llm_wire::top::Top;

use crate::attempt::fetched;
use crate::call::Call;
use crate::engine::Engine;
use crate::pictures::translated;
use crate::plan::{Planner, now_seconds};
use crate::target::Target;

/// A request in the provider's language.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its body, one JSON object.
    pub body: String,
    /// `anthropic-beta` values that it needs.
    pub betas: String,
}

/// An answer in OpenAI's words.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// The model that answered; empty when nobody says.
    pub model: String,
    /// Its body, one JSON object.
    pub body: Bytes,
    /// What it consumed, where the provider says so.
    pub usage: Option<Usage>,
}

impl Engine {
    /// Writes a request of OpenAI's language in the one of a deployment's provider. `drop_params`: parameters that the
    /// provider does not take are left out whatever the configuration says.
    ///
    /// # Errors
    /// As for a single call before it is sent.
    pub async fn batch_request(
        &self,
        http: &dyn Transport,
        target: &Target,
        model: &str,
        operation: OperationKind,
        body: &str,
        drop_params: bool,
    ) -> Result<Written> {
        let format = if operation == OperationKind::Embed { Format::OpenAiEmbeddings } else { Format::OpenAiChat };
        let top = Top::parse(body.as_bytes())?;
        let body = top.edited(&[("stream", None), ("stream_options", None)]);
        let mut call = Call::new(operation, format, body, model);
        call.controls.drop_params = drop_params.then_some(true);
        let mut fetched = fetched(self, http, &call, target, model).await?;
        if let Some(facts) = translated(&call, target, model) {
            crate::objects::types(&self.settings, http, &call, (target, &facts), &mut fetched).await;
        }
        let planner = Planner {
            call: &call,
            target,
            model,
            prices: &self.prices,
            settings: &self.settings,
            edits_answer: false,
            fetched: &fetched,
            cached: None,
        };
        let (plan, body) = planner.plan()?;
        if !plan.more.is_empty() {
            return Err(Error::bad_request("this provider takes one input in a request").with_param("input"));
        }
        let betas = plan.address.endpoint.headers.get("anthropic-beta").and_then(|v| v.to_str().ok());
        let body: Vec<u8> = body.slices().flat_map(|piece| piece.iter().copied()).collect();
        let body = String::from_utf8(body).map_err(|_| Error::internal("a request that is no text"))?;
        Ok(Written { body, betas: betas.unwrap_or_default().to_owned() })
    }

    /// Tells an answer of a provider in OpenAI's words. `model` stands for one that the answer does not name; `name` is
    /// the request's, for answers without an id.
    ///
    /// # Errors
    /// `InvalidReply` when it is no answer of its language.
    pub fn batch_answer(&self, target: &Target, model: &str, name: &str, answered: &Answered) -> Result<Told> {
        let text = answered.body.get();
        let mut ctx = ReplyContext {
            fallback_id: format!("chatcmpl-{name}"),
            created: now_seconds(),
            hints: hints(text),
            upstream: Some(answered.format),
            provider: target.provider_id().to_owned(),
            ..ReplyContext::default()
        };
        let view = ReplyView { status: 200, provider: target.provider_id(), headers: &[], body: text.as_bytes() };
        let mut out = BytesMut::with_capacity(text.len() + 256);
        if let Some(codec) = llm_wire::registry::upstream_generate(answered.format) {
            let mut response = codec.decode_response(&view, &ctx)?;
            llm_providers::reply::normalise(target.provider.row(), Format::OpenAiChat, &mut response);
            if response.model.is_empty() {
                ctx.model = Some(model.to_owned()).filter(|m| !m.is_empty());
                model.clone_into(&mut response.model);
            }
            let client = llm_wire::registry::client_generate(Format::OpenAiChat).ok_or_else(no_codec)?;
            client.encode_response(&response, &ctx, &mut out);
            let body = out.freeze();
            let id = Top::parse(&body)?.str("id").map(std::borrow::Cow::into_owned).unwrap_or_default();
            return Ok(Told { id, model: response.model, body, usage: response.usage.map(|told| told.usage) });
        }
        let codec = llm_wire::registry::upstream_embed(answered.format).ok_or_else(no_codec)?;
        let response = codec.decode_response(&view, &ctx)?;
        ctx.model = Some(model.to_owned());
        let client = llm_wire::registry::client_embed(Format::OpenAiEmbeddings).ok_or_else(no_codec)?;
        client.encode_response(&response, &ctx, &mut out);
        let usage = response.usage.map(|told| told.usage);
        Ok(Told { id: name.to_owned(), model: model.to_owned(), body: out.freeze(), usage })
    }
}

fn no_codec() -> Error {
    Error::internal("no codec for the answers of a batch")
}
