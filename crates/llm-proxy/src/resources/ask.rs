//! A house is asked in its own words, and its answer is read whole.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::request;
use http::response::Parts;
use llm_client::{Relay, RelayHead, Report, Tariff};
use llm_http::{Body, Timeouts};
use llm_providers::{Endpoint, resource::Resource};
use llm_types::{Error, Json, Kind, Result};
use llm_wire::ReplyView;

use super::choose::Home;
use super::{Asked, failed};
use crate::core::Core;
use crate::flow::Context;
use crate::pass::who::query;

/// A house of one kind, asked for somebody.
pub(super) struct House<'a, H: ?Sized + 'static> {
    pub(super) core: &'a Core,
    pub(super) ctx: &'a Context,
    pub(super) asked: &'a Asked<'a>,
    pub(super) house: &'static H,
}

impl<H: ?Sized + 'static> House<'_, H> {
    /// Asks the house and reads the whole answer.
    ///
    /// # Errors
    /// As [`ask`], a refusal as clients of the call hear it.
    pub(super) async fn ask(&self, endpoint: Endpoint, body: Body) -> Result<Said> {
        let limit = self.ctx.snapshot.engine.settings.max_reply_bytes;
        let question = Question { endpoint, body, limit, model: None };
        ask(self.core, self.ctx, self.asked.home, question, |view| failed::viewed(self.asked, view)).await
    }
}

/// What of a list a client asks for: how many entries, and behind which one. Ids of ours are those of the house again.
pub(super) fn page(parts: &request::Parts) -> (Option<u32>, Option<String>) {
    let after = query(parts, "after");
    let after = after.map(|id| llm_wire::ids::decode(&id).map_or_else(|| id.into_owned(), |(id, _)| id));
    (query(parts, "limit").and_then(|n| n.parse().ok()), after)
}

/// What a house said.
pub(super) struct Said {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) from: RelayHead,
    pub(super) report: Box<Report>,
}

impl Said {
    /// The answer as JSON.
    ///
    /// # Errors
    /// `InvalidReply` for anything else.
    pub(super) fn json(&self) -> Result<Json> {
        serde_json::from_slice(&self.body)
            .map_err(|e| Error::new(Kind::InvalidReply, format!("the provider's answer cannot be read: {e}")))
    }

    /// Lets somebody look at it.
    pub(super) fn viewed<T>(&self, provider: &str, look: impl FnOnce(&ReplyView<'_>) -> T) -> T {
        let headers = self.parts.headers.iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)));
        let headers: Vec<(&str, &str)> = headers.collect();
        look(&ReplyView { status: self.parts.status.as_u16(), provider, headers: &headers, body: &self.body })
    }
}

/// A question.
pub(super) struct Question {
    /// Where it goes; its method counts.
    pub(super) endpoint: Endpoint,
    /// What is asked.
    pub(super) body: Body,
    /// Bytes of the answer that are read at the most.
    pub(super) limit: usize,
    /// The model whose usage the answer tells.
    pub(super) model: Option<String>,
}

/// Asks a house. `read` reads an answer that is none of success.
///
/// # Errors
/// What credentials, transport and house say.
pub(super) async fn ask(
    core: &Core,
    ctx: &Context,
    home: &Home,
    question: Question,
    read: impl FnOnce(&ReplyView<'_>) -> Error,
) -> Result<Said> {
    let Question { endpoint, body, limit, model } = question;
    let target = &home.target;
    let timeout = Some(ctx.snapshot.relays.settings.timeout);
    let connect = Some(ctx.snapshot.engine.settings.connect_timeout);
    let metered = model.is_some();
    let model = model.or_else(|| home.model.clone()).unwrap_or_default();
    let relay = Relay {
        method: endpoint.method.clone(),
        endpoint,
        headers: HeaderMap::new(),
        body,
        timeouts: Timeouts { connect, first_byte: timeout, idle: timeout, ..Timeouts::NONE },
        tariff: Tariff { provider: Arc::from(target.provider_id()), model: Arc::from(model), ..Tariff::default() },
        metered,
    };
    let relayed = ctx.snapshot.engine.relay(&core.http, relay).await?;
    let (parts, mut from) = (relayed.parts, relayed.from);
    from.deployment.clone_from(&home.deployment);
    let (body, report) = relayed.body.collect(limit).await?;
    let said = Said { parts, body, from, report };
    if said.parts.status.is_success() { Ok(said) } else { Err(said.viewed(target.provider_id(), read)) }
}

/// The resource that a house is asked for, whose path it knows itself.
pub(super) fn resource(home: &Home) -> Resource<'_> {
    let target = &home.target;
    Resource {
        path: "",
        query: "",
        model: home.model.as_deref().unwrap_or_default(),
        api_base: target.api_base.as_deref(),
        api_key: target.api_key.as_ref(),
        params: &target.params,
    }
}
