//! Responses over a WebSocket, `GET /v1/responses`: the client says `response.create`, and is told the events of the
//! stream that `POST /v1/responses` would answer with, one frame each. One response is made after the other; each is a
//! call of its own, with its own check of the key, limits, guardrails and bill.
//!
//! Facts: OpenAI's guide to the WebSocket mode.

pub mod asked;
mod told;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use llm_types::{Error, Format, OperationKind, Result};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Book;
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{self, Context, Refused};
use crate::pass::who::query;
use crate::realtime;
use crate::tail::Ledger;
use asked::Asked;

/// Requests that may wait while a response is made. More are not read before there is room.
const WAITING: usize = 16;

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Out = SplitSink<Socket, Message>;

/// Answers a request for a connection.
pub async fn serve(core: &Core, name: &'static str, path: &str, mut parts: Parts, peer: SocketAddr) -> Response<Reply> {
    let client = parts.extensions.remove::<OnUpgrade>();
    let mut ctx = Context::new(core, name, OperationKind::Generate, Format::OpenAiResponses, parts, peer);
    match begin(core, &mut ctx, path, client).await {
        Ok(response) => response,
        Err(error) => crate::pass::refuse(core, &ctx, Refused::from(error)),
    }
}

async fn begin(core: &Core, ctx: &mut Context, path: &str, client: Option<OnUpgrade>) -> Result<Response<Reply>> {
    ctx.who = Some(realtime::caller(core, ctx).await?);
    let key = ctx.parts.headers.get("sec-websocket-key").filter(|_| realtime::is_asked_for(&ctx.parts)).cloned();
    let (Some(client), Some(key), Some(core)) = (client, key, core.myself()) else {
        return Err(Error::bad_request(format!("{path} is a WebSocket: ask for an upgrade")).with_status(426));
    };
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|_| Error::bad_request("sec-websocket-key is none"))?;
    let mut response = Response::new(Reply::EMPTY);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(HeaderName::from_static("sec-websocket-accept"), accept);
    if let Some(protocol) = realtime::spoken(&ctx.parts.headers) {
        headers.insert(HeaderName::from_static("sec-websocket-protocol"), protocol);
    }
    let mut parts = ctx.parts.clone();
    // Each response has an id of its own.
    parts.headers.remove("x-litellm-call-id");
    let model = query(&parts, "model").map(std::borrow::Cow::into_owned).filter(|m| !m.is_empty());
    let connection = Connection { core, parts, peer: ctx.peer, route: ctx.route, model, book: Arc::new(Book::small()) };
    let largest = ctx.snapshot.settings.max_request_bytes;
    tokio::spawn(async move {
        match client.await {
            Ok(upgraded) => {
                let config = WebSocketConfig::default().max_message_size(Some(largest)).max_frame_size(Some(largest));
                let socket = Socket::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                connection.run(socket).await;
            }
            Err(error) => tracing::debug!(%error, "the client of a connection is gone"),
        }
    });
    Ok(response)
}

/// What holds for all responses of a connection.
struct Connection {
    core: Arc<Core>,
    /// Head of the handshake.
    parts: Parts,
    peer: SocketAddr,
    route: &'static str,
    /// The model for requests that name none.
    model: Option<String>,
    /// Answers that are kept nowhere else: they can be gone on from as long as the connection stands.
    book: Arc<Book>,
}

/// The client is gone.
struct Gone;

impl Connection {
    async fn run(self, socket: Socket) {
        let (mut out, mut from) = socket.split();
        let mut waiting = VecDeque::new();
        loop {
            let text = match waiting.pop_front() {
                Some(text) => text,
                None => match next(&mut from).await {
                    Some(text) => text,
                    None => break,
                },
            };
            let turn = self.turn(&text, &mut out);
            tokio::pin!(turn);
            let ended = loop {
                tokio::select! {
                    biased;
                    ended = &mut turn => break ended,
                    more = next(&mut from), if waiting.len() < WAITING => match more {
                        Some(text) => waiting.push_back(text),
                        // A response that is being made ends here: it is settled as interrupted.
                        None => break Err(Gone),
                    },
                }
            };
            if ended.is_err() {
                break;
            }
        }
        let _ = out.close().await; // the client may have closed before
    }

    async fn turn(&self, text: &str, out: &mut Out) -> Result<(), Gone> {
        let asked = match asked::read(text, self.model.as_deref()) {
            Ok(asked) => asked,
            Err(error) => return told::error(&error, out).await,
        };
        let mut ctx = Context::new(
            &self.core,
            self.route,
            OperationKind::Generate,
            Format::OpenAiResponses,
            self.parts.clone(),
            self.peer,
        );
        ctx.book = Some(Arc::clone(&self.book));
        match self.answer(&mut ctx, asked).await {
            Ok(response) => told::events(response, out).await,
            Err(refused) => {
                let error = Ledger::refused(&self.core, &ctx, *refused);
                told::error(&error, out).await
            }
        }
    }

    async fn answer(&self, ctx: &mut Context, asked: Asked) -> Result<Response<Reply>, Box<Refused>> {
        // A key may have been blocked since the handshake.
        let who = realtime::caller(&self.core, ctx).await.map_err(Refused::from).map_err(Box::new)?;
        ctx.who = Some(Arc::clone(&who));
        if !asked.generate {
            return super::warm::answer(&self.core, ctx, &who, &asked.body).await.map_err(|e| Box::new(e.into()));
        }
        Box::pin(flow::asked(&self.core, ctx, &who, None, &asked.body, Vec::new())).await.map_err(Box::new)
    }
}

/// The next message of text; nothing when the client is gone.
async fn next(from: &mut SplitStream<Socket>) -> Option<String> {
    loop {
        match from.next().await? {
            Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => return Some(String::from_utf8_lossy(&bytes).into_owned()),
            Ok(Message::Close(_)) => return None,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a connection broke off");
                return None;
            }
        }
    }
}
