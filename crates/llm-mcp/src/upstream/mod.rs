//! Sessions with servers behind: opened, asked, closed.

mod carrier;
mod http;
mod openapi;
mod sse;
mod stdio;

use std::sync::Arc;

use bytes::Bytes;
use llm_http::{Timeouts, Transport};
use llm_types::{Json, RawJson};

use crate::fault::Fault;
use crate::hub::Hub;
use crate::registry::Visible;
use crate::rpc::Message;
use crate::server::Wire;
use crate::version;

use carrier::Carrier;
pub(crate) use openapi::Documents;
pub(crate) use stdio::Children;

/// An answer of a server may be so long, in bytes.
const LONGEST: usize = 64 << 20;

/// A session with a server.
#[derive(Debug)]
pub(crate) enum Session<'t> {
    /// Streamable HTTP.
    Http(http::HttpSession<'t>),
    /// Events and posts.
    Sse(Box<sse::SseSession<'t>>),
    /// A child process, which others ask too.
    Stdio(Arc<stdio::Child>),
    /// An API that speaks no MCP.
    Api(Box<openapi::ApiSession<'t>>),
}

impl<'t> Session<'t> {
    /// Opens a session: the server is reached and the versions are agreed on.
    pub(crate) async fn open(hub: &Hub, transport: &'t dyn Transport, to: &Visible) -> Result<Self, Fault> {
        let carrier = || Carrier {
            transport,
            signer: Arc::clone(&hub.signer),
            proof: to.proof.clone(),
            timeouts: Timeouts { total: Some(to.server.timeout), ..Timeouts::default() },
        };
        Ok(match &to.server.wire {
            Wire::Http(url) => Self::Http(http::HttpSession::open(carrier(), url, &to.headers).await?),
            Wire::Sse(url) => Self::Sse(Box::new(sse::SseSession::open(carrier(), url, &to.headers).await?)),
            Wire::Stdio(command) => Self::Stdio(hub.children.get(command).await?),
            Wire::OpenApi(api) => {
                let opened = openapi::ApiSession::open(carrier(), &hub.documents, api, &to.headers).await?;
                Self::Api(Box::new(opened))
            }
        })
    }

    /// Asks for something. The result, as text.
    pub(crate) async fn ask(&mut self, method: &str, params: &str) -> Result<RawJson, Fault> {
        match self {
            Self::Http(session) => session.ask(method, params).await,
            Self::Sse(session) => session.ask(method, params).await,
            Self::Stdio(child) => child.ask(method, params).await,
            Self::Api(session) => session.ask(method, params).await,
        }
    }

    /// Ends the session; the server may forget it.
    pub(crate) fn close(self) {
        match self {
            Self::Http(session) => session.close(),
            Self::Sse(_) | Self::Stdio(_) | Self::Api(_) => {}
        }
    }
}

/// The parameters of `initialize`: we are a client that can do nothing for a server.
fn hello() -> String {
    let text = |text: &str| Json::from(text);
    let info = Json::object([("name", text("llm-proxy")), ("version", text(env!("CARGO_PKG_VERSION")))]);
    let params =
        [("protocolVersion", text(version::NEWEST)), ("capabilities", Json::Object(Vec::new())), ("clientInfo", info)];
    Json::object(params).to_string()
}

/// The version that a server's answer to `initialize` names.
fn agreed(result: &RawJson) -> Result<&'static str, Fault> {
    let result: Json = result.read().map_err(|_| Fault::Broken("its greeting is no JSON"))?;
    let named = result.text("protocolVersion").unwrap_or_default();
    version::KNOWN.into_iter().find(|v| *v == named).ok_or(Fault::Broken("its protocol version is unknown"))
}

/// What a message of a server means for the one who waits for the answer `id`.
enum Heard {
    /// It is the answer.
    Answer(Result<RawJson, Fault>),
    /// It asks something, and gets this.
    Asks(Bytes),
    /// Something else.
    Nothing,
}

fn heard(data: &[u8], id: u64) -> Heard {
    match Message::read(data) {
        Ok(Message::Answer { id: of, outcome }) if of == id.to_string() => Heard::Answer(outcome.map_err(Fault::Told)),
        Ok(Message::Request(request)) => Heard::Asks(crate::rpc::reply_to(&request)),
        Ok(_) => Heard::Nothing,
        Err(_) => Heard::Answer(Err(Fault::Broken("a message that is none"))),
    }
}
