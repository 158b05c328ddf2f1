//! Media that a request only names and whose type its host wants to know: who keeps it is asked.

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, Request, Uri};
use llm_http::{Body, Timeouts, Transport};
use llm_types::generate::MediaSource;
use llm_types::{Error, Json, Result};

use crate::call::Call;
use crate::engine::EngineSettings;
use crate::media::{Inlined, sources};
use crate::target::{Address, CallFacts, Target};
use crate::transport::transport_error;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Names of one request that are asked for; those behind have to be told their types.
const MOST: usize = 32;
/// Bytes of an answer.
const BYTES: usize = 64 << 10;

/// Notes the types of what the request names without one. A type that cannot be had is for the request's writer to
/// miss.
pub(crate) async fn types(
    settings: &EngineSettings,
    http: &dyn Transport,
    call: &Call,
    (target, facts): (&Target, &CallFacts<'_>),
    media: &mut Inlined,
) {
    let Ok(request) = call.decoded() else { return };
    let asks = target.provider_call(facts);
    let mut places: Vec<(&str, String)> = Vec::new();
    for part in request.turns.iter().flat_map(|t| &t.parts) {
        sources(part, &mut |source, kind| {
            if let MediaSource::Url(url) = source
                && kind.is_none()
                && places.len() < MOST
                && places.iter().all(|(known, _)| known != url)
            {
                places.extend(target.provider.media_facts(&asks, url).map(|place| (url.as_str(), place)));
            }
        });
    }
    if places.is_empty() {
        return;
    }
    let Ok(address) = target.address(facts) else { return };
    let asked = places.into_iter().map(|(url, place)| {
        let address = &address;
        async move { (url, kind(settings, http, address, &place).await) }
    });
    for (url, kind) in join_all(asked).await {
        match kind {
            Ok(kind) => media.types.push((url.to_owned(), kind)),
            Err(error) => tracing::warn!(%error, url, "the type of what a request names cannot be had"),
        }
    }
}

/// Asks with the login of the call and nothing else of it: its headers are for its host.
async fn kind(settings: &EngineSettings, http: &dyn Transport, address: &Address, place: &str) -> Result<String> {
    let login = address.endpoint.auth.as_ref().ok_or_else(|| Error::internal("there is no login to ask with"))?;
    let uri: Uri =
        place.parse().map_err(|e| Error::internal(format!("the address {} is wrong: {e}", llm_http::shown(place))))?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    settings.signer.apply(http, login, &mut request).await?;
    let timeouts = Timeouts { connect: Some(settings.connect_timeout), total: Some(LIMIT), ..Timeouts::NONE };
    let reply = http.send(request, timeouts).await.map_err(|e| transport_error(&e, "storage"))?;
    let (parts, body) = reply.into_parts();
    let body = body.collect(BYTES).await.map_err(|e| transport_error(&e, "storage"))?;
    if !parts.status.is_success() {
        return Err(Error::internal(format!("it was answered with {}", parts.status)));
    }
    let reply = serde_json::from_slice::<Json>(&body).unwrap_or_default();
    let kind = reply.text("contentType").filter(|kind| !kind.is_empty());
    kind.map(str::to_owned).ok_or_else(|| Error::internal("it has no type"))
}
