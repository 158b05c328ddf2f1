//! Who calls, where clients of a provider's API show the gateway's key in that provider's own way.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use llm_accounts::{Credential, Identity, basic_user, credential};
use llm_providers::passthrough::{Mount, Scheme};
use llm_types::Result;

use crate::core::Core;
use crate::read::decode_path;

/// The caller of a provider's API.
///
/// # Errors
/// 401 and its like.
pub async fn of_mount(core: &Core, mount: &Mount, parts: &Parts, key_header: Option<&str>) -> Result<Arc<Identity>> {
    if mount.scheme == Scheme::Langfuse
        && let Some(user) = basic_user(&parts.headers)
    {
        return core.identify_as(&Credential::Key(&user), parts).await;
    }
    let shown = credential(&parts.headers, key_header);
    if let (Credential::None, Some(name)) = (shown, mount.query)
        && let Some(key) = query(parts, name)
    {
        return core.identify_as(&Credential::Key(&key), parts).await;
    }
    core.identify_as(&shown, parts).await
}

/// A parameter of the query, its escapes resolved.
#[must_use]
pub fn query<'p>(parts: &'p Parts, name: &str) -> Option<Cow<'p, str>> {
    let pairs = parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)?;
    Some(if value.contains(['%', '+']) {
        Cow::Owned(decode_path(&value.replace('+', " ")))
    } else {
        Cow::Borrowed(value)
    })
}

/// The name of a pair of a query, as it is written.
#[must_use]
pub fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// What lists of OpenAI's kind are asked for, as LiteLLM writes it out.
const LISTED: [&str; 2] = ["limit=20", "order=desc"];

/// What a query does not say of what lists are asked for.
#[must_use]
pub fn unsaid(query: &[impl AsRef<str>]) -> Vec<&'static str> {
    let said = |usual: &str| query.iter().any(|pair| name_of(pair.as_ref()) == name_of(usual));
    LISTED.into_iter().filter(|usual| !said(usual)).collect()
}
