//! The handshake of a WebSocket, as far as it passes through: the client's key goes to the upstream, whose proof comes
//! back to the client. Extensions are not agreed on: frames have to be readable.

use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use llm_client::Session;
use llm_providers::keys::is_key_pair;

use crate::answer::LITELLM_VERSION;
use crate::body::Reply;
use crate::flow::Context;
use crate::pass::who::name_of;

/// The query parameter in which a key may stand.
pub(super) const KEY: &str = "api_key";
/// What a subprotocol begins with that is a key.
const PROTOCOL: &str = "openai-insecure-api-key.";
/// The subprotocol of sessions.
const REALTIME: &str = "realtime";
const PROTOCOLS: HeaderName = HeaderName::from_static("sec-websocket-protocol");
const ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");

/// True for a request that wants a WebSocket.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let has = |name: &HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(word))
    };
    has(&UPGRADE, "websocket") && has(&CONNECTION, "upgrade") && headers.contains_key("sec-websocket-key")
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(&PROTOCOLS).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).map(str::trim).filter(|v| !v.is_empty())
}

/// The key that a subprotocol is.
pub(super) fn key_of_protocols(headers: &HeaderMap) -> Option<&str> {
    protocols(headers).find_map(|p| p.strip_prefix(PROTOCOL))
}

/// Of the subprotocols that a client offers the first that is no key.
pub(super) fn spoken(headers: &HeaderMap) -> Option<HeaderValue> {
    let first = protocols(headers).find(|p| !p.starts_with(PROTOCOL))?;
    HeaderValue::from_str(first).ok()
}

/// The client's headers that the upstream sees.
pub(super) fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for name in ["sec-websocket-key", "openai-beta", "user-agent", "openai-safety-identifier"] {
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), headers.get(name)) {
            out.insert(name, value.clone());
        }
    }
    crate::via::tell(headers, &mut out);
    let offered: Vec<&str> = protocols(headers).filter(|p| !p.starts_with(PROTOCOL)).collect();
    if let Ok(value) = HeaderValue::from_str(&offered.join(", "))
        && !offered.is_empty()
    {
        out.insert(PROTOCOLS, value);
    }
    out
}

/// The query that the upstream sees: without the model, which has another name there, and without keys.
pub(super) fn query(parts: &Parts) -> String {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty());
    let ours = ["model", KEY];
    let ours = |pair: &&str| ours.contains(&name_of(pair)) || is_key_pair(pair);
    let rest: Vec<&str> = pairs.filter(|pair| !ours(pair)).collect();
    rest.join("&")
}

/// What the client is told; nothing when the upstream gave no proof.
pub(super) fn response(ctx: &Context, session: &Session) -> Option<Response<Reply>> {
    let theirs = &session.parts.headers;
    let accept = theirs.get(&ACCEPT)?.clone();
    let mut response = Response::new(Reply::EMPTY);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(ACCEPT, accept);
    let offered = protocols(&ctx.parts.headers);
    let chosen = theirs.get(&PROTOCOLS).and_then(|v| v.to_str().ok()).map(str::to_owned);
    // A browser that offered subprotocols takes no answer without one.
    let chosen = chosen.or_else(|| offered.into_iter().find(|p| *p == REALTIME).map(str::to_owned));
    if let Some(Ok(chosen)) = chosen.map(HeaderValue::try_from) {
        headers.insert(PROTOCOLS, chosen);
    }
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-litellm-call-id", &ctx.id);
    put("x-litellm-version", LITELLM_VERSION);
    if let Some(deployment) = &session.from.deployment {
        put("x-litellm-model-id", &deployment.id);
        put("x-litellm-model-group", &deployment.group);
    }
    crate::answer::decision(headers, session.from.decision);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in of {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn upgrades_are_asked_for() {
        let key = ("sec-websocket-key", "x");
        assert!(is_asked_for(&headers(&[("upgrade", "WebSocket"), ("connection", "keep-alive, Upgrade"), key])));
        assert!(!is_asked_for(&headers(&[("upgrade", "h2c"), ("connection", "Upgrade"), key])));
        assert!(!is_asked_for(&headers(&[("upgrade", "websocket"), ("connection", "Upgrade")])));
    }

    #[test]
    fn keys_do_not_go_on() {
        let given = headers(&[
            ("sec-websocket-protocol", "realtime, openai-insecure-api-key.sk-a, openai-beta.realtime-v1"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("authorization", "Bearer sk-a"),
            ("sec-websocket-key", "x"),
        ]);
        assert_eq!(key_of_protocols(&given), Some("sk-a"));
        let out = forwarded(&given);
        assert_eq!(out.get(PROTOCOLS).unwrap(), "realtime, openai-beta.realtime-v1");
        assert_eq!(out.keys().map(HeaderName::as_str).collect::<Vec<_>>().len(), 3, "{out:?}");
        let uri = "/v1/realtime?model=m&api_key=sk-a&intent=transcription";
        let (parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        assert_eq!(query(&parts), "intent=transcription");
    }
}
