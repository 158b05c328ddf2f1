//! Sessions over WebSockets: `GET /v1/realtime?model=`. The handshake is made with a deployment of the model group first:
//! whoever refuses it is told as an HTTP error. After it bytes go both ways as they are; the upstream's are read along for
//! what answers consumed, which is settled when the session is over.
//!
//! `guarded` carries those whose words guardrails judge. `mount` has the WebSockets of providers' own APIs: below `/openai`, Deepgram's `listen`, Gemini's Live API.

mod bridge;
mod ending;
mod guarded;
mod handshake;
mod mount;

use std::net::SocketAddr;
use std::sync::Arc;

use guarded::Guarded;
use http::Response;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use llm_accounts::{Credential, Identity, Intent, Reservation, credential};
use llm_client::{Handshake, Session};
use llm_http::Timeouts;
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::realtime::Dialect;
pub use mount::serve_mount;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::tail::{Facts, RelayTail};
use crate::pass::who::query;
use crate::pass::wish::Named;

/// How a session is carried.
#[derive(Debug, Default)]
struct Carried {
    /// What its events say of usage.
    dialect: Dialect,
    /// The client's first message names the model, which has to be allowed.
    setup: Option<bridge::Setup>,
    /// Guardrails judge what is said.
    guarded: Option<Guarded>,
}

/// Answers a request for a session.
pub async fn serve(core: &Core, name: &'static str, path: &str, mut parts: Parts, peer: SocketAddr) -> Response<Reply> {
    let client = parts.extensions.remove::<OnUpgrade>();
    let mut ctx = Context::new(core, name, OperationKind::Realtime, Format::OpenAiChat, parts, peer);
    let outcome = steps(core, &mut ctx, path, client).await;
    outcome.unwrap_or_else(|refused| crate::pass::refuse(core, &ctx, refused))
}

async fn steps(
    core: &Core,
    ctx: &mut Context,
    path: &str,
    client: Option<OnUpgrade>,
) -> Result<Response<Reply>, Refused> {
    let who = caller(core, ctx).await?;
    ctx.who = Some(Arc::clone(&who));
    let client = client
        .filter(|_| handshake::is_asked_for(&ctx.parts.headers))
        .ok_or_else(|| Error::bad_request(format!("{path} is a WebSocket: ask for an upgrade")).with_status(426))?;
    let model = query(&ctx.parts, "model").map(std::borrow::Cow::into_owned).filter(|m| !m.is_empty());
    let model = model.or_else(|| ctx.snapshot.settings.default_model.clone());
    let model = model.ok_or_else(|| Error::bad_request("the query parameter model is missing").with_param("model"))?;
    let group = crate::scope::group(&ctx.snapshot.engine.router, &who, &model).to_owned();
    let reservation = admit(core, ctx, &who, path, &model, &group).await?;
    let guarded = match Guarded::open(ctx, &group) {
        Ok(guarded) => guarded,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    let request = crate::pass::question(ctx, &group);
    let mut with = handshake(ctx);
    if let Some(limit) = request.timeout {
        with.timeouts.first_byte = with.timeouts.first_byte.map(|most| most.min(limit));
    }
    match ctx.snapshot.engine.clone().session(&core.http, request, &with).await {
        Ok(session) => {
            let carried = Carried { guarded, ..Carried::default() };
            Ok(begin(core, ctx, client, session, (reservation, carried)))
        }
        Err(failure) => Err(Refused::of(failure, reservation)),
    }
}

/// True for a request that wants a WebSocket.
#[must_use]
pub fn is_asked_for(parts: &Parts) -> bool {
    handshake::is_asked_for(&parts.headers)
}

fn handshake(ctx: &Context) -> Handshake {
    Handshake {
        query: handshake::query(&ctx.parts),
        headers: handshake::forwarded(&ctx.parts.headers),
        // A session may be silent for as long as it likes.
        timeouts: Timeouts { idle: None, ..ctx.snapshot.patience(ctx.snapshot.relays.settings.timeout) },
    }
}

/// The subprotocol that a client is answered with, where it offered some.
#[must_use]
pub fn spoken(headers: &http::HeaderMap) -> Option<http::HeaderValue> {
    handshake::spoken(headers)
}

/// Who calls. Keys stand in the headers; browsers, which cannot set any, name a subprotocol after them.
///
/// # Errors
/// 401 and its like.
pub async fn caller(core: &Core, ctx: &Context) -> Result<Arc<Identity>> {
    let headers = &ctx.parts.headers;
    let shown = credential(headers, ctx.snapshot.settings.key_header_name.as_deref());
    if shown != Credential::None {
        return core.identify_as(&shown, &ctx.parts).await;
    }
    if let Some(key) = handshake::key_of_protocols(headers) {
        return core.identify_as(&Credential::Key(key), &ctx.parts).await;
    }
    match query(&ctx.parts, handshake::KEY) {
        Some(key) if !key.is_empty() => core.identify_as(&Credential::Key(&key), &ctx.parts).await,
        _ => core.identify_as(&Credential::None, &ctx.parts).await,
    }
}

/// Permission, limits, budget: what one answer may cost is set aside.
async fn admit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    model: &str,
    group: &str,
) -> Result<Reservation> {
    let price = ctx.snapshot.price_bound(group, &crate::scope::of(who));
    let wish = Named::of(model).wish(ctx, group, price);
    let intent = Intent { max_output_tokens: Some(4096), choices: 1, price, ..wish.intent(ctx, 0) };
    let admitted = core.app.accounts.admit_shared(who, path, &intent).await;
    ctx.wish = Some(wish);
    admitted.inspect(|reservation| crate::region::bind_relay(ctx, reservation))
}

/// The client is told to switch; the bridge stands as long as both sides do.
fn begin(
    core: &Core,
    ctx: &Context,
    client: OnUpgrade,
    session: Session,
    (reservation, carried): (Reservation, Carried),
) -> Response<Reply> {
    let facts = Facts {
        provider: Arc::clone(&session.provider),
        model: Arc::clone(&session.model),
        call_type: OperationKind::Realtime.call_type(Format::OpenAiChat),
        agent: None,
    };
    let tail = RelayTail::new(core, ctx, session.from.clone(), facts, Some(reservation));
    match handshake::response(ctx, &session) {
        Some(response) => {
            tokio::spawn(bridge::run(client, session, tail, carried, Arc::clone(&core.app)));
            response
        }
        None => {
            let why = "the upstream's answer to the handshake is none";
            let error = Error::new(Kind::BadGateway, why);
            crate::errors::respond(&error, ctx.format, http::HeaderMap::new())
        }
    }
}
