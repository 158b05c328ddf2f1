//! Answers that a provider keeps: read, deleted, stopped where they were made.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use llm_http::{Body, Timeouts, Transport};
use llm_providers::{Quirk, Want};
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::ReplyView;
use llm_wire::meter::Meter;

use crate::answer::Report;
use crate::beside::ask_with;
use crate::engine::Engine;
use crate::relay::{Biller, RelayHead, Tariff, target_of};
use crate::send::header_pairs;
use crate::target::{CallFacts, Target};

/// What is done with a stored answer.
#[derive(Debug, Clone)]
pub struct StoredCall {
    /// The deployment that made it.
    pub deployment: String,
    /// The method.
    pub method: Method,
    /// What stands behind the address of Responses: `/resp_1/cancel`.
    pub path: String,
    /// A query, without `?`.
    pub query: String,
}

/// What a deployment says of an answer that it keeps.
#[derive(Debug)]
pub struct StoredReply {
    /// The upstream's headers.
    pub headers: HeaderMap,
    /// The body of a success.
    pub body: Bytes,
    /// Who answered.
    pub from: RelayHead,
    /// The provider's id.
    pub provider: Arc<str>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// What the answer consumed by its own words, and what that costs. It was billed when it was made, unless it was made
    /// behind the back of who asked for it.
    pub report: Box<Report>,
}

impl Engine {
    /// Asks the deployment that made an answer.
    ///
    /// # Errors
    /// `NotFound` when the deployment is gone; what its provider and the way to it say.
    pub async fn stored(&self, http: &dyn Transport, call: &StoredCall) -> Result<StoredReply> {
        const FORMAT: Format = Format::OpenAiResponses;
        let deployment = self.router.deployment(&call.deployment).ok_or_else(|| gone(&call.deployment))?;
        let target = target_of(deployment)?;
        let model = &*target.model;
        let want = Want { operation: OperationKind::Generate, format: FORMAT, model };
        if !target.protocols(&want).has(FORMAT) {
            let why = format!("provider {} keeps no responses", target.provider_id());
            return Err(Error::new(Kind::NotFound, why).with_param("response_id"));
        }
        let facts = CallFacts {
            operation: OperationKind::Generate,
            format: FORMAT,
            client_format: FORMAT,
            model,
            stream: false,
            betas: &[],
            headers: &[],
        };
        let address = target.address(&facts)?;
        let provider = target.provider_id();
        let url = behind(&address.endpoint.url, &call.path, &call.query);
        // A request to stop is an empty object, as OpenAI's clients and LiteLLM write it.
        let body = if call.method == Method::POST { Body::from("{}") } else { Body::empty() };
        let quirks = target.provider.row().quirks;
        let typed = match call.method {
            Method::GET => quirks.has(Quirk::TypedLookups),
            Method::DELETE => quirks.has(Quirk::TypedRemovals),
            _ => true,
        };
        let written = (body, address.endpoint.headers.get(CONTENT_TYPE).filter(|_| typed).cloned());
        let limits = &self.settings;
        let timeouts =
            Timeouts { connect: Some(limits.connect_timeout), total: limits.request_timeout, ..Timeouts::NONE };
        let asked = (call.method.clone(), &*url);
        let sent = Instant::now();
        let (parts, body) = ask_with(http, limits, &address, provider, asked, written, timeouts).await?;
        if parts.status.is_success() {
            let report = self.told(&target, &parts.headers, &body);
            let (took, url) = (sent.elapsed(), Arc::from(llm_http::shown(&address.endpoint.url)));
            let deployment = Some(Arc::clone(deployment));
            let from = RelayHead { deployment, url, sent, took, retries: 0, failed: Vec::new(), decision: None };
            let (provider, model) = (Arc::from(provider), Arc::clone(&target.model));
            return Ok(StoredReply { headers: parts.headers, body, from, provider, model, report });
        }
        let pairs = header_pairs(&parts.headers);
        let view = ReplyView { status: parts.status.as_u16(), provider, headers: &pairs, body: &body };
        let codec = llm_wire::registry::upstream_generate(FORMAT);
        let own = target.provider.decode_error(&view).or_else(|| codec.map(|c| c.decode_error(&view)));
        Err(own.unwrap_or_else(|| Error::internal("no codec for Responses")))
    }

    /// What a stored answer says of its consumption.
    fn told(&self, target: &Arc<Target>, headers: &HeaderMap, body: &[u8]) -> Box<Report> {
        let mut report = Box::new(Report::default());
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
        let Some(mut meter) = Meter::new("", kind) else { return report };
        meter.feed(body);
        let tariff = Tariff {
            provider: Arc::from(target.provider_id()),
            model: Arc::clone(&target.model),
            target: Some(Arc::clone(target)),
            ..Tariff::default()
        };
        Biller::new(tariff, self).book(meter.finish(true), true, &mut report);
        report
    }
}

fn gone(deployment: &str) -> Error {
    let why = format!("The deployment {deployment} that made this response is not served any more");
    Error::new(Kind::NotFound, why).with_param("response_id")
}

/// A URL with more behind its path and in its query.
fn behind(url: &str, path: &str, query: &str) -> String {
    let (base, own) = url.split_once('?').unwrap_or((url, ""));
    let queries: Vec<&str> = [own, query].into_iter().filter(|q| !q.is_empty()).collect();
    let mark = if queries.is_empty() { "" } else { "?" };
    format!("{}{path}{mark}{}", base.trim_end_matches('/'), queries.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_add_up() {
        assert_eq!(behind("https://h/v1/responses", "/r", ""), "https://h/v1/responses/r");
        assert_eq!(behind("https://h/r?api-version=1", "/x/cancel", "a=b"), "https://h/r/x/cancel?api-version=1&a=b");
    }
}
