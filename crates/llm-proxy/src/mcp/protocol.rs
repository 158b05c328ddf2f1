//! Streamable HTTP, without sessions: every request is answered by itself. There is nothing to listen to (GET) and nothing
//! to end (DELETE).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use llm_accounts::Identity;
use llm_mcp::{Fault, Message, Request, RpcError, View, answer, rpc, version};
use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use super::view::Place;
use super::{call, discover, held, view};
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::{Context, Refused};
use crate::tail::Ledger;

/// A version that the server does not speak (MCP).
const UNSUPPORTED_VERSION: i64 = -32022;

/// Answers a message.
pub(super) async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (place, path): (Place<'_>, &str),
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    if ctx.parts.method != Method::POST {
        let mut response = errors::fixed(405, "{\"detail\":\"Method Not Allowed\"}");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let header = |name| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    // A page of another site may post anything but JSON without asking.
    if !header(CONTENT_TYPE).to_ascii_lowercase().starts_with("application/json") {
        return Ok(errors::fixed(415, "{\"detail\":\"Content-Type must be application/json\"}"));
    }
    let Some(form) = Form::wanted(header(ACCEPT)) else {
        return Ok(errors::fixed(406, "{\"detail\":\"Accept must name application/json or text/event-stream\"}"));
    };
    if let Some(refusal) = other_version(&ctx.parts.headers) {
        return Ok(form.reply(400, rpc::answer("null", &Err(refusal))));
    }
    let mut view = view::of(ctx, who, place)?;
    let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
    let request = match Message::read(&body) {
        Ok(Message::Request(request)) => request,
        Ok(Message::Notification { .. } | Message::Answer { .. }) => return Ok(accepted()),
        Err(error) => return Ok(form.reply(400, rpc::answer("null", &Err(error)))),
    };
    // Whoever asks nobody shows nothing; but clients of one server want to know whether they need a token.
    if !matches!((place, request.method.as_str()), (Place::All, "initialize" | "ping")) {
        held::show(core, who, &mut view, &mut None).await?;
    }
    if !matches!(place, Place::All) && discover::wants_token(&view.servers) {
        // Only a status makes clients get a token.
        let name = view.servers.first().map_or("", |visible| &visible.server.name);
        let error = Fault::Anonymous.told(name);
        let mut response = form.reply(401, rpc::answer(request.id.get(), &Err(error)));
        response.headers_mut().insert(WWW_AUTHENTICATE, discover::own_token(core, ctx, path));
        return Ok(response);
    }
    let (status, outcome) = one(core, ctx, who, path, &view, &request).await;
    Ok(form.reply(status, rpc::answer(request.id.get(), &outcome)))
}

/// The answer to a request, and its status.
async fn one(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    view: &View,
    request: &Request,
) -> (u16, Result<RawJson, RpcError>) {
    if request.method != "tools/call" {
        return (200, answer::answer(&core.app.mcp, &core.http, view, request).await);
    }
    let name = Top::parse(request.params.get().as_bytes()).ok().and_then(|top| top.str("name").map(|n| n.into_owned()));
    let Some(name) = name else {
        return (200, Err(RpcError::new(rpc::INVALID_PARAMS, "name must be a text")));
    };
    match call::tool(core, ctx, who, (path, view), &name, &request.params).await {
        Ok(result) => (200, Ok(result)),
        Err(call::Failed::Told(error)) => (200, Err(error)),
        Err(call::Failed::Refused(refused)) => {
            let error = RpcError::new(rpc::INTERNAL_ERROR, refused.error.message.clone());
            let status = refused.error.status();
            Ledger::refused(core, ctx, *refused);
            (status, Err(error))
        }
    }
}

/// The refusal of a version that is not spoken here. Without the header any will do.
fn other_version(headers: &HeaderMap) -> Option<RpcError> {
    let asked = headers.get("mcp-protocol-version")?.to_str().unwrap_or_default();
    if version::KNOWN.contains(&asked) {
        return None;
    }
    let supported = version::KNOWN.iter().map(|v| Json::from(*v)).collect();
    let data = Json::object([("supported", Json::Array(supported)), ("requested", Json::from(asked))]);
    let mut error = RpcError::new(UNSUPPORTED_VERSION, "Unsupported protocol version");
    error.data = Some(data.to_raw());
    Some(error)
}

fn accepted() -> Response<Reply> {
    errors::whole(202, Bytes::new(), HeaderMap::new())
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Events,
}

impl Form {
    /// JSON unless the client takes events only; nothing when it takes neither.
    fn wanted(accept: &str) -> Option<Self> {
        let takes = |kind: &str| accept.split(',').any(|part| part.split(';').next().is_some_and(|t| t.trim() == kind));
        if accept.is_empty() || takes("application/json") || takes("*/*") || takes("application/*") {
            return Some(Self::Json);
        }
        takes("text/event-stream").then_some(Self::Events)
    }

    fn reply(self, status: u16, body: Bytes) -> Response<Reply> {
        if self == Self::Json {
            return errors::json(status, body, HeaderMap::new());
        }
        let mut out = BytesMut::new();
        llm_wire::sse::write(Some("message"), &body, &mut out);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        errors::whole(status, out.freeze(), headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_take_the_form_that_is_accepted() {
        for (accept, wanted) in [
            ("application/json, text/event-stream", Some(Form::Json)),
            ("text/event-stream", Some(Form::Events)),
            ("text/event-stream;q=0.5", Some(Form::Events)),
            ("*/*", Some(Form::Json)),
            ("", Some(Form::Json)),
            ("text/html", None),
        ] {
            assert_eq!(Form::wanted(accept), wanted, "{accept}");
        }
    }
}
