//! An address and a key that a client brings along.

use std::sync::Arc;

use llm_client::{Own, Target};
use llm_http::{
    Body, BoxFuture, EgressPolicy, FetchError, FetchLimits, Fetched, HttpClient, ReplyBody, Timeouts, Transport,
    TransportError, UpgradeReply,
};
use llm_router::Scope;
use llm_types::Secret;
use llm_wire::top::Top;

use crate::snapshot::Snapshot;

/// What a client brings along of what it may.
#[must_use]
pub(crate) fn read(snapshot: &Snapshot, top: &Top<'_>, who: &Scope, group: &str) -> Option<Own> {
    let said = |name: &str| top.str(name).filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned);
    let (base, key) = (said("api_base").or_else(|| said("base_url")), said("api_key"));
    let base = base.filter(|base| may(snapshot, who, group, "api_base", base));
    let key = key.filter(|key| may(snapshot, who, group, "api_key", key)).map(Secret::new);
    if base.is_none() && key.is_none() {
        return None;
    }
    let knows = |base: &str| targets(snapshot, who, group).iter().any(|t| t.may_bring.knows(base));
    let known = base.as_deref().is_none_or(knows);
    Some(Own { base, key, guarded: !known })
}

/// A client may set this parameter for a group.
pub(crate) fn may(snapshot: &Snapshot, who: &Scope, group: &str, name: &str, value: &str) -> bool {
    snapshot.settings.allow_client_side_credentials
        || targets(snapshot, who, group).iter().any(|target| target.may_bring.allows(name, value))
}

fn targets(snapshot: &Snapshot, who: &Scope, group: &str) -> Vec<Arc<Target>> {
    let router = &snapshot.engine.router;
    let Ok(found) = router.resolve(group, who) else { return Vec::new() };
    let payloads = router.members(&found.group).filter_map(|d| d.payload.clone());
    payloads.filter_map(|payload| payload.downcast::<Target>().ok()).collect()
}

/// A transport that reaches public addresses only, for addresses of clients.
pub(crate) struct Guarded(pub(crate) HttpClient);

impl Transport for Guarded {
    fn send(
        &self,
        req: http::Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<http::Response<ReplyBody>, TransportError>> {
        Box::pin(async move { self.0.request_guarded(req, timeouts, &EgressPolicy::default()).await })
    }

    fn upgrade(
        &self,
        req: http::Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<UpgradeReply, TransportError>> {
        self.0.upgrade(req, timeouts)
    }

    fn fetch<'a>(&'a self, url: &'a str, limits: &'a FetchLimits) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        self.0.fetch(url, limits)
    }
}
