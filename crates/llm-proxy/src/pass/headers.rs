//! Which headers of a relayed message go on.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use llm_accounts::{is_credential, without_credential};
use llm_client::RelayHead;
use llm_http::end_to_end;
use llm_providers::keys::chooses_account;

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::flow::Context;

/// Headers of a request that end here besides those of the connection: they are ours to write, or say things that only
/// the gateway should know. Coded answers could not be read for their usage.
const OURS: [&str; 6] = ["host", "content-length", "accept-encoding", "cookie", "origin", "referer"];

/// Whose credential a message shows where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// The operator's: nothing of the client's chooses an account.
    Ours,
    /// The client's, beside the gateway's key: it goes on, with what says whose account is meant.
    Theirs,
    /// Nobody's, but for what the client marks to pass.
    Nobodys,
}

/// The client's headers that go on.
#[must_use]
pub fn forwarded(ctx: &Context, whose: Credentials) -> HeaderMap {
    let mut headers = ctx.parts.headers.clone();
    end_to_end(&mut headers);
    without_credential(&mut headers, ctx.snapshot.settings.key_header_name.as_deref());
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let text = name.as_str();
            OURS.contains(&text)
                || text.starts_with("x-litellm-")
                || chooses_account(text) && whose != Credentials::Theirs
        })
        .cloned()
        .collect();
    ours.iter().for_each(|name| drop(headers.remove(name)));
    passed(&ctx.parts.headers, &mut headers, whose);
    crate::via::tell(&ctx.parts.headers, &mut headers);
    headers
}

/// For endpoints that forward none: what says how to read the body, and what was marked to pass.
#[must_use]
pub fn of_body(ctx: &Context, whose: Credentials) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in [CONTENT_TYPE, http::header::ACCEPT] {
        if let Some(value) = ctx.parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    passed(&ctx.parts.headers, &mut headers, whose);
    crate::via::tell(&ctx.parts.headers, &mut headers);
    headers
}

/// `x-pass-foo` goes on as `foo`, whatever else is forwarded; what chooses an account not beside the operator's credential.
fn passed(given: &HeaderMap, out: &mut HeaderMap, whose: Credentials) {
    for (name, value) in given {
        let Some(bare) = name.as_str().strip_prefix("x-pass-") else { continue };
        out.remove(name);
        if let Ok(bare) = HeaderName::try_from(bare)
            && !OURS.contains(&bare.as_str())
            && (whose != Credentials::Ours || !chooses_account(bare.as_str()))
        {
            out.insert(bare, value.clone());
        }
    }
}

/// True when the client shows a credential beside the gateway's key.
#[must_use]
pub fn shows_own(ctx: &Context) -> bool {
    let mut headers = ctx.parts.headers.clone();
    without_credential(&mut headers, ctx.snapshot.settings.key_header_name.as_deref());
    headers.keys().any(is_credential)
}

/// Credentials and signatures of AWS clients: the gateway signs anew.
pub fn without_signature(headers: &mut HeaderMap) {
    for name in
        ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "amz-sdk-invocation-id", "amz-sdk-request"]
    {
        headers.remove(name);
    }
}

/// The answer for the client: the upstream's status and headers, and ours.
#[must_use]
pub fn response(ctx: &Context, parts: http::response::Parts, from: &RelayHead, body: Reply) -> Response<Reply> {
    let mut headers = parts.headers;
    end_to_end(&mut headers);
    headers.remove(http::header::SET_COOKIE);
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-litellm-call-id", &ctx.id);
    put("x-litellm-version", LITELLM_VERSION);
    put("x-litellm-model-api-base", &from.url);
    if let Some(deployment) = &from.deployment {
        put("x-litellm-model-id", &deployment.id);
        put("x-litellm-model-group", &deployment.group);
    }
    if let Some(who) = &ctx.who {
        crate::answer::limits::of_caller(&mut headers, who);
        if let Some(spend) = who.spend() {
            crate::answer::number(&mut headers, const { HeaderName::from_static("x-litellm-key-spend") }, spend);
        }
    }
    crate::answer::decision(&mut headers, from.decision);
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    response
}
