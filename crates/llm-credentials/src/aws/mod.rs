//! AWS: Signature 4, and where the keys for it come from.
//!
//! The signature is the library `aws-sigv4`. The chain of key sources is ours: `aws-config` brings three service SDKs
//! and an HTTP stack of its own behind an adapter, for half a dozen small requests that have to go through our transport
//! anyway.
//!
//! | file | what |
//! |---|---|
//! | [`sign`] | the signature |
//! | [`chain`] | which source is asked, in which order |
//! | [`sts`], [`xml`] | roles: `AssumeRole`, `AssumeRoleWithWebIdentity` |
//! | [`profile`], [`ini`] | profiles of the shared configuration files |
//! | [`sso`], [`process`], [`container`], [`imds`] | what a profile or the machine leads to |

mod chain;
mod container;
mod imds;
mod ini;
mod process;
mod profile;
mod sign;
mod sso;
mod sts;
mod xml;

#[cfg(test)]
mod tests;

use http::Request;
use llm_http::Body;
use llm_types::auth::AwsAuth;
use llm_types::{Result, Secret};

use crate::flow::{Flow, bearer};
use crate::shelf::{Issued, Key, KeyOf, Shelf};

pub(crate) use chain::environment;
pub(crate) use sign::{Signing, sign};

/// A pair of keys, with a token when they are temporary.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) token: Option<Secret>,
}

/// Where temporary keys are remembered.
pub(crate) type KeyShelf = Shelf<Keys>;

/// Signs `request`, or shows the API key that makes a signature unnecessary.
pub(crate) async fn apply(flow: Flow<'_>, shelf: &KeyShelf, need: &AwsAuth, request: &mut Request<Body>) -> Result<()> {
    if let Some(key) = need.bearer.as_ref().filter(|key| !key.is_empty()) {
        return bearer(request, key.expose());
    }
    let keys = keys(flow, shelf, need).await?;
    let signing = Signing { service: &need.service, region: &need.region, now: flow.ambient.now(), also: &[] };
    sign(request, &keys, signing)
}

/// The keys that `need` leads to.
pub(crate) async fn keys(flow: Flow<'_>, shelf: &KeyShelf, need: &AwsAuth) -> Result<Keys> {
    let need = chain::completed(flow.ambient, need);
    if let Some(keys) = chain::at_hand(flow.ambient, &need) {
        return Ok(keys);
    }
    shelf.get(key(&need), flow.ambient.now(), || Box::pin(chain::fetch(flow, &need))).await
}

/// Under which key the keys of `need` are remembered.
pub(crate) fn remembered(ambient: &crate::Ambient, need: &AwsAuth) -> Key {
    key(&chain::completed(ambient, need))
}

/// The keys that `need` leads to, whatever is remembered: for tokens that are remembered themselves.
pub(crate) async fn fresh_keys(flow: Flow<'_>, need: &AwsAuth) -> Result<Keys> {
    let need = chain::completed(flow.ambient, need);
    match chain::at_hand(flow.ambient, &need) {
        Some(keys) => Ok(keys),
        None => Ok(chain::fetch(flow, &need).await?.value),
    }
}

/// What tells one set of facts from another; not the service, which keys do not depend on.
fn key(need: &AwsAuth) -> Key {
    KeyOf::new("aws")
        .text(&need.region)
        .secret(need.access_key_id.as_ref())
        .secret(need.secret_access_key.as_ref())
        .secret(need.session_token.as_ref())
        .maybe(need.profile.as_deref())
        .maybe(need.role.as_deref())
        .maybe(need.session_name.as_deref())
        .maybe(need.external_id.as_deref())
        .secret(need.web_identity_token.as_ref())
        .maybe(need.sts_endpoint.as_deref())
        .pairs(&need.session_tags)
        .end()
}

/// Keys that do not end by themselves.
fn lasting(keys: Keys) -> Issued<Keys> {
    Issued { value: keys, expires: None }
}
