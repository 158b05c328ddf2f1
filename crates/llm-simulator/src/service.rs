//! One request: recorded, checked, scripted, answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use crate::connection::{Breaker, Ending};
use crate::dialects::{service, text};
use crate::faults::Fault;
use crate::ids::{Sequence, hash};
use crate::prompt::Prompt;
use crate::record::{Ended, Recorded};
use crate::reply::{Frame, Framing, Payload, Reply, upto};
use crate::route::{Dialect, Route};
use crate::script::Script;
use crate::sending::{Body, Sender, plain};
use crate::server::State;
use crate::{batches, control, form, marker, openai, route};

/// Bodies beyond this are answered with 413.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Delay of [`Fault::Slow`] without `delay_ms`.
const SLOW_MS: u64 = 3_000;

/// Everything an answer depends on.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) route: &'a Route,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a str,
    /// The body; of a form its fields, see [`form`].
    pub(crate) body: &'a Value,
    pub(crate) prompt: &'a Prompt,
    pub(crate) script: &'a Script,
    pub(crate) models: &'a [String],
    pub(crate) lenient: bool,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) request_id: String,
    seed: u64,
}

impl Call<'_> {
    /// Letters and digits fixed by this request and `purpose`.
    pub(crate) fn word(&self, purpose: &str, length: usize) -> String {
        Sequence::new(self.seed ^ hash(purpose.as_bytes())).word(length)
    }
}

/// Answers one request of a connection. Faults that leave no response pull the breaker and never return.
pub(crate) async fn serve(
    state: Arc<State>,
    breaker: Arc<Breaker>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (head, incoming) = request.into_parts();
    let path = format!("{}{}", state.config.prefix, head.uri.path());
    let dialect = route::dialect(&path, &head.headers);
    let Ok(body) = Limited::new(incoming, LARGEST_BODY).collect().await else {
        return Ok(plain(service(dialect).complaints().fault(Fault::Status(413), None, "")));
    };
    let body = body.to_bytes();
    if head.uri.path().starts_with("/__sim/") {
        return Ok(plain(control::answer(&state, &head.method, head.uri.path(), &body)));
    }
    let http2 = head.version == http::Version::HTTP_2;
    let index = state.log.push(Recorded {
        index: 0,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        http2,
        headers: head.headers.clone(),
        body: body.clone(),
        ended: Ended::Open,
    });
    let sender = Sender { state, breaker, index, http2 };
    let (reply, script) = reply(&sender, &head, dialect, &body).await;
    Ok(sender.send(reply, &script))
}

/// The reply to a recorded request and the script it is sent under.
async fn reply(sender: &Sender, head: &Parts, dialect: Dialect, body: &[u8]) -> (Reply, Script) {
    let state = &sender.state;
    let (method, path) = (head.method.as_str(), head.uri.path());
    if let Some(reply) = batches::answer(&state.shelf, head, body) {
        return (unauthorized(state, head, dialect).unwrap_or(reply), Script::default());
    }
    let Some(route) = route::find(&head.method, &format!("{}{path}", state.config.prefix), &head.headers) else {
        return (service(dialect).complaints().unknown_path(method, path), Script::default());
    };
    if let Some(reply) = unauthorized(state, head, dialect) {
        return (reply, Script::default());
    }
    let kind = text(&head.headers, "content-type").unwrap_or_default();
    let json = match form::boundary(kind) {
        _ if !matches!(head.method, Method::POST | Method::PUT) => Some(Value::Null),
        Some(boundary) => form::parse(body, boundary),
        None => serde_json::from_slice(body).ok(),
    };
    let mut call = Call {
        route: &route,
        headers: &head.headers,
        query: head.uri.query().unwrap_or_default(),
        body: json.as_ref().unwrap_or(&Value::Null),
        prompt: &Prompt::default(),
        script: &Script::default(),
        models: &state.config.models,
        lenient: state.config.lenient,
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs()),
        request_id: Sequence::new(state.seed ^ sender.index).word(24),
        seed: state.seed ^ sender.index.wrapping_mul(0x9e37_79b9),
    };
    let prompt = prompt(&call);
    call.prompt = &prompt;
    let script = match choose(state, &call, path, body) {
        Ok(script) => script,
        Err(why) => return (service(dialect).complaints().bad_script(&why), Script::default()),
    };
    call.script = &script;
    before_head(&script, sender).await;
    let reply = if let Some(reply) = instead(&call) {
        reply
    } else if openai::needs_version(dialect, head.uri.query().unwrap_or_default(), path) {
        service(dialect).complaints().unknown_path(method, path)
    } else if json.is_none() {
        service(dialect).complaints().unreadable()
    } else {
        altered(service(dialect).answer(&call, state), &call)
    };
    (service(dialect).finished(reply, &call), script)
}

fn prompt(call: &Call<'_>) -> Prompt {
    let mut prompt = service(call.route.dialect).prompt(call);
    if prompt.model.is_empty() {
        prompt.model = call.route.model.clone().unwrap_or_default();
    }
    prompt
}

fn unauthorized(state: &State, head: &Parts, dialect: Dialect) -> Option<Reply> {
    let required = state.config.require_key.as_deref()?;
    let given = service(dialect).key(&head.headers, head.uri.query().unwrap_or_default());
    if given == Some(required) { None } else { Some(service(dialect).complaints().unauthorized(given)) }
}

/// The script of a request: programmed, header, marker, model name, or none.
fn choose(state: &State, call: &Call<'_>, path: &str, body: &[u8]) -> Result<Script, String> {
    // the model of the path (an Azure deployment) counts even when the body names another
    let model = call.route.model.as_deref().unwrap_or(&call.prompt.model);
    if let Some(script) = state.rules.lock().take(model, path, body) {
        return Ok(script);
    }
    let header = call.headers.get("x-sim-script").and_then(|value| value.to_str().ok());
    let (source, script) = if let Some(json) = header {
        (json, Some(marker::parse_header(json)))
    } else if let Some(inside) = call.prompt.marker.as_deref() {
        (inside, Some(marker::parse(inside)))
    } else {
        (model, marker::parse_model(model))
    };
    let mut script = script.unwrap_or_else(|| Ok(Script::default()))?;
    if call.prompt.tool_result.is_some() {
        // the tools were called already: the marker is an older turn's
        script.tools.clear();
    }
    if let Some(times) = script.times {
        let mut used = state.used.lock();
        let count = used.entry(format!("{model} {source}")).or_default();
        *count += 1;
        if *count > times {
            script.fault = None;
        }
    }
    Ok(script)
}

/// Waits, and breaks the connection when no response is to come.
async fn before_head(script: &Script, sender: &Sender) {
    let slow = if script.fault == Some(Fault::Slow) { Some(SLOW_MS) } else { None };
    if let Some(ms) = script.delay_ms.or(slow) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let ending = match script.fault {
        Some(Fault::Close) => Ending::Close,
        Some(Fault::Reset) if script.after.is_none() => Ending::Reset,
        Some(Fault::Garbage) => {
            Ending::RawThenClose(Bytes::from_static(b"\x16\x03\x01 this is not HTTP \x00\xff\xfe\r\n\r\n"))
        }
        _ => return,
    };
    sender.state.log.end(sender.index, Ended::Fault);
    sender.breaker.pull(ending);
    std::future::pending::<()>().await;
}

/// Faults that replace the whole reply.
fn instead(call: &Call<'_>) -> Option<Reply> {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
    let raw = |status, headers: Vec<(&'static str, String)>, body: &'static [u8]| {
        Some(Reply { status, headers, payload: Payload::Whole(Bytes::from_static(body)) })
    };
    let html = || vec![("content-type", "text/html".to_owned())];
    match call.script.fault? {
        Fault::Empty => raw(500, Vec::new(), b""),
        Fault::Html => raw(502, html(), page.as_bytes()),
        Fault::WrongType => raw(200, html(), b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"),
        Fault::Gzip => {
            let kind =
                if call.prompt.stream { service(call.route.dialect).stream_type(call) } else { "application/json" };
            let headers = vec![("content-type", kind.to_owned()), ("content-encoding", "gzip".to_owned())];
            raw(200, headers, b"\x1f\x8b\x08\x00 this is not gzip \xff\xff\xff\xff")
        }
        fault @ (Fault::Status(_) | Fault::Context | Fault::Policy | Fault::Quota) => {
            let complaints = service(call.route.dialect).complaints();
            let mut reply = complaints.fault(fault, call.script.message.as_deref(), &call.prompt.model);
            let default = if reply.status == 429 { Some("1") } else { None };
            let retry_after = call.script.retry_after.as_deref().or(default).filter(|value| !value.is_empty());
            reply.headers.extend(retry_after.map(|value| ("retry-after", value.to_owned())));
            Some(reply)
        }
        _ => None,
    }
}

/// Faults that change a reply with the provider's words.
fn altered(mut reply: Reply, call: &Call<'_>) -> Reply {
    let message = call.script.message.as_deref();
    let complaints = service(call.route.dialect).complaints();
    let bare = |frames: &[Frame]| frames.iter().any(|frame| frame.framing == Framing::Bytes);
    reply.payload = match (call.script.fault, reply.payload) {
        (Some(Fault::ErrorEvent), Payload::Frames(frames)) if !bare(&frames) => {
            let (mut head, _) = upto(frames, call.script.chunks_before_fault());
            head.push(complaints.event(call, message));
            Payload::Frames(head)
        }
        // sound and pictures have no place for an error but instead of them
        (Some(Fault::ErrorEvent), _) => {
            reply.headers.retain(|(name, _)| *name != "content-type");
            reply.headers.push(("content-type", "application/json".to_owned()));
            Payload::Whole(Bytes::from(complaints.body(message)))
        }
        (Some(Fault::Malformed), Payload::Whole(bytes)) => Payload::Whole(bytes.slice(..bytes.len() / 2)),
        (_, payload) => payload,
    };
    reply
}
