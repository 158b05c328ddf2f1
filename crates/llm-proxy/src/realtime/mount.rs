//! WebSockets of providers' own APIs, with the gateway's credentials.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Response;
use http::header::HeaderName;
use http::request::Parts;
use hyper::upgrade::OnUpgrade;
use llm_accounts::Identity;
use llm_client::{Handshake, Tariff};
use llm_providers::Endpoint;
use llm_providers::passthrough::{Live, Mount, Passing, listening, safe};
use llm_types::{Error, Format, Kind, OperationKind, Result};
use llm_wire::realtime::Dialect;

use super::bridge::Setup;
use super::{Carried, admit, begin, caller, handshake};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::who::query;

/// Where a session goes, and what is remembered for its end.
struct Asked {
    endpoint: Endpoint,
    with: Handshake,
    tariff: Tariff,
    carried: Carried,
    /// The model as far as it is known before the session begins.
    model: String,
}

/// Answers a request for a WebSocket of a provider's own API.
pub async fn serve_mount(
    core: &Core,
    mount: &'static Mount,
    path: &str,
    mut parts: Parts,
    peer: SocketAddr,
) -> Response<Reply> {
    let client = parts.extensions.remove::<OnUpgrade>();
    let mut ctx = Context::new(core, mount.route, OperationKind::Realtime, Format::OpenAiChat, parts, peer);
    let outcome = mounted(core, &mut ctx, mount, path, client).await;
    outcome.unwrap_or_else(|refused| crate::pass::refuse(core, &ctx, refused))
}

async fn mounted(
    core: &Core,
    ctx: &mut Context,
    mount: &'static Mount,
    path: &str,
    client: Option<OnUpgrade>,
) -> Result<Response<Reply>, Refused> {
    let who = caller(core, ctx).await?;
    ctx.who = Some(Arc::clone(&who));
    let rest = mount.below(path).unwrap_or_default();
    let asked = match mount.live {
        Some(Live::OpenAi) if ctx.snapshot.relays.settings.websockets => openai(ctx, mount, rest),
        Some(Live::Deepgram) => deepgram(ctx, mount, rest),
        Some(Live::Gemini) if rest == "live" => gemini(ctx, &who, mount),
        _ => {
            let why = "WebSockets are not passed through here (enable_openai_websocket_passthrough)";
            Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"))
        }
    }?;
    let client = client.ok_or_else(|| Error::bad_request("this connection cannot be upgraded").with_status(426))?;
    let Asked { endpoint, with, tariff, carried, model } = asked;
    let reservation = admit(core, ctx, &who, path, &model, &model).await?;
    let session = match crate::region::permits(ctx, None) {
        Ok(()) => ctx.snapshot.engine.clone().upgrade(&core.http, endpoint, &with, tariff).await,
        Err(error) => Err(error),
    };
    match session {
        Ok(session) => Ok(begin(core, ctx, client, session, (reservation, carried))),
        Err(error) => Err(Refused::after(error, reservation)),
    }
}

/// OpenAI's own sockets: whatever the path, with the model of the query.
fn openai(ctx: &Context, mount: &Mount, rest: &str) -> Result<Asked> {
    safe(rest)?;
    let with = handshake(ctx);
    let model = query(&ctx.parts, "model").map(std::borrow::Cow::into_owned).unwrap_or_default();
    let named = if model.is_empty() { String::new() } else { format!("model={model}&") };
    let asked = format!("{named}{}", with.query);
    let endpoint = placed(ctx, mount, rest, asked.trim_end_matches('&'))?;
    let tariff = tariff(mount, &model);
    Ok(Asked { endpoint, with, tariff, carried: Carried::default(), model })
}

fn placed(ctx: &Context, mount: &Mount, rest: &str, query: &str) -> Result<Endpoint> {
    let mut endpoint = Endpoint::default();
    let given = ctx.snapshot.relays.given(mount, rest);
    mount.place(&Passing { rest, query, given, own: false }, &mut endpoint)?;
    Ok(endpoint)
}

fn tariff(mount: &Mount, model: &str) -> Tariff {
    Tariff { provider: Arc::from(mount.provider), model: Arc::from(model), ..Tariff::default() }
}

/// Deepgram's transcripts while somebody speaks. What has no price for streams is refused: its sessions would be free.
fn deepgram(ctx: &Context, mount: &Mount, rest: &str) -> Result<Asked> {
    if !matches!(rest, "v1/listen" | "listen") {
        return Err(Error::new(Kind::NotFound, format!("nothing is passed on below /{}/{rest}", mount.path)));
    }
    let mut with = handshake(ctx);
    // subprotocols are how browsers show the gateway's key
    with.headers.remove(HeaderName::from_static("sec-websocket-protocol"));
    let asked = listening(query(&ctx.parts, "model").as_deref(), &with.query)?;
    let own = format!("{}/{}", mount.provider, asked.priced_as);
    if ctx.snapshot.engine.prices.get(&own).is_none() {
        let why = format!("No streaming price for '{own}': add it to the model cost map to enable it");
        return Err(Error::bad_request(why).with_param("model"));
    }
    let endpoint = placed(ctx, mount, "listen", &asked.query)?;
    let tariff = Tariff { addons: asked.addons, ..tariff(mount, &asked.priced_as) };
    let dialect = Dialect::Deepgram { channels: asked.channels };
    let carried = Carried { dialect, ..Carried::default() };
    Ok(Asked { endpoint, with, tariff, carried, model: asked.model })
}

/// Gemini's Live API on Vertex AI. Which model it is for is said by the client's first message.
fn gemini(ctx: &Context, who: &Arc<Identity>, mount: &Mount) -> Result<Asked> {
    let mut with = handshake(ctx);
    with.headers.remove(HeaderName::from_static("sec-websocket-protocol"));
    let mut endpoint = Endpoint::default();
    let given = ctx.snapshot.relays.given(mount, "live");
    let resource = mount.live(&Passing { rest: "live", query: &with.query, given, own: false }, &mut endpoint)?;
    let model = query(&ctx.parts, "model").map(std::borrow::Cow::into_owned).unwrap_or_default();
    let (who, snapshot) = (Arc::clone(who), Arc::clone(&ctx.snapshot));
    let setup = Setup { who, snapshot, provider: mount.provider, resource };
    let tariff = tariff(mount, &model);
    let carried = Carried { dialect: Dialect::Gemini, setup: Some(setup), guarded: None };
    Ok(Asked { endpoint, with, tariff, carried, model })
}
