//! Sessions over WebSockets: events go both ways as JSON texts, in OpenAI's words.
//! <https://platform.openai.com/docs/api-reference/realtime>
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! let client = llm_client::Client::from_env();
//! let mut session = client.realtime("openai/gpt-realtime", &[]).await?;
//! session.send(r#"{"type":"response.create","response":{"instructions":"Say hi."}}"#).await?;
//! while let Some(event) = session.next().await? {
//!     if event.contains("\"response.done\"") {
//!         break;
//!     }
//! }
//! let report = session.close().await;
//! println!("{} tokens, {} USD", report.usage.total_tokens(), report.cost.total);
//! # Ok(()) }
//! ```

use std::time::Duration;

use base64::Engine as _;
use bytes::{Buf as _, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use llm_http::Timeouts;
use llm_router::RouteRequest;
use llm_types::{Error, Kind, Result, Usage};
use llm_wire::realtime::{Message, Messages, SessionMeter, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Client;
use super::calls::Params;
use crate::answer::Report;
use crate::session::{Handshake, Session};

/// Bytes of a message at the most.
const LONGEST: usize = 32 << 20;
/// How much is read at once.
const CHUNK: usize = 16 << 10;
/// How long the other side may take to say farewell.
const FAREWELL: Duration = Duration::from_secs(5);

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// What a side says that leaves as it should.
const NORMAL: u16 = 1000;

/// A session that stands.
#[derive(Debug)]
pub struct Realtime {
    session: Session,
    messages: Messages,
    meter: SessionMeter,
    /// What came and was not looked at.
    came: BytesMut,
    /// What still has to go out.
    out: BytesMut,
    /// We said farewell.
    left: bool,
    over: bool,
    error: Option<Error>,
}

impl Client {
    /// Begins a session with a model.
    ///
    /// # Errors
    /// The provider's refusal; `BadRequest` for a provider without such sessions.
    pub async fn realtime(&self, model: &str, params: Params<'_>) -> Result<Realtime> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("sec-websocket-key"), nonce()?);
        let limit = self.engine.settings.request_timeout;
        let connect = Some(self.engine.settings.connect_timeout);
        let with = Handshake {
            query: String::new(),
            headers,
            // A session may be silent for as long as it likes.
            timeouts: Timeouts { connect, first_byte: limit, ..Timeouts::NONE },
        };
        let engine = self.engine_of(model, params)?;
        let begun = engine.session(&*self.http, RouteRequest::new(model), &with).await;
        let session = begun.map_err(|failure| failure.error)?;
        Ok(Realtime {
            session,
            messages: Messages::default(),
            meter: SessionMeter::default(),
            came: BytesMut::new(),
            out: BytesMut::new(),
            left: false,
            over: false,
            error: None,
        })
    }
}

impl Realtime {
    /// Sends an event, a JSON text.
    ///
    /// # Errors
    /// `MidStream` when the session is over.
    pub async fn send(&mut self, event: &str) -> Result<()> {
        if self.over {
            return Err(Error::new(Kind::MidStream, "the session is over"));
        }
        self.out.extend_from_slice(&frame(TEXT, event.as_bytes(), true));
        self.flush().await
    }

    /// The next event, a JSON text; nothing when the session is over. It may be dropped and called again, as `select!` does:
    /// no event is lost.
    ///
    /// # Errors
    /// `MidStream` when the session breaks off, `TooLarge` for an event of more than 32 MB.
    pub async fn next(&mut self) -> Result<Option<String>> {
        while !self.over {
            self.flush().await?;
            match self.messages.next(LONGEST) {
                Ok(Some(message)) => {
                    if let Some(event) = self.heard(message).await? {
                        return Ok(Some(event));
                    }
                }
                Ok(None) => self.read().await?,
                Err(error) => return Err(self.broke(error)),
            }
        }
        Ok(None)
    }

    /// What the session consumed until now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// Ends the session: what it consumed and cost, and by which error it ended, if by one.
    pub async fn close(mut self) -> Box<Report> {
        if !self.over {
            self.left = true;
            self.out.extend_from_slice(&frame(CLOSE, &NORMAL.to_be_bytes(), true));
            // Events that are still under way are read for what they consumed.
            let farewell = async { while let Ok(Some(_)) = self.next().await {} };
            if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
                tracing::debug!("a realtime session was left without a farewell");
            }
        }
        let usage = self.meter.usage();
        self.session.report(usage, self.meter.id(), self.error.take())
    }

    async fn heard(&mut self, message: Message) -> Result<Option<String>> {
        match message.opcode {
            CLOSE => {
                self.over = true;
                if self.left {
                    return Ok(None);
                }
                self.out.extend_from_slice(&frame(CLOSE, &message.payload, true));
                // Whoever said farewell may be gone already.
                let _ = self.session.io.write_all_buf(&mut self.out).await;
                let code = message.payload.get(..2).map_or(NORMAL, |mut code| code.get_u16());
                if matches!(code, NORMAL | 1001) {
                    return Ok(None);
                }
                let why = String::from_utf8_lossy(message.payload.get(2..).unwrap_or_default()).into_owned();
                let why = format!("{}Exception - the session was closed with {code}: {why}", self.session.provider);
                Err(self.broke(Error::new(Kind::MidStream, why)))
            }
            PING => {
                self.out.extend_from_slice(&frame(PONG, &message.payload, true));
                Ok(None)
            }
            PONG => Ok(None),
            _ => Ok(Some(String::from_utf8_lossy(&message.payload).into_owned())),
        }
    }

    async fn read(&mut self) -> Result<()> {
        self.came.reserve(CHUNK);
        match self.session.io.read_buf(&mut self.came).await {
            Ok(0) | Err(_) if self.left => {
                self.over = true;
                Ok(())
            }
            Ok(0) => Err(self.broke(Error::new(Kind::MidStream, "the provider ended the session"))),
            Ok(_) => {
                let came = self.came.split();
                self.meter.feed(&came);
                self.messages.feed(&came);
                Ok(())
            }
            Err(error) => Err(self.broke(lost(&error))),
        }
    }

    /// What does not go out now goes out before anything else.
    async fn flush(&mut self) -> Result<()> {
        while !self.out.is_empty() {
            if let Err(error) = self.session.io.write_buf(&mut self.out).await {
                return Err(self.broke(lost(&error)));
            }
        }
        let flushed = self.session.io.flush().await;
        flushed.map_err(|error| self.broke(lost(&error)))
    }

    /// The session is over, by an error.
    fn broke(&mut self, error: Error) -> Error {
        self.over = true;
        self.out.clear();
        self.error.get_or_insert(error).clone()
    }
}

fn lost(error: &std::io::Error) -> Error {
    Error::new(Kind::MidStream, format!("the session broke off: {error}"))
}

/// What a handshake is told apart by. RFC 6455, section 4.1.
fn nonce() -> Result<HeaderValue> {
    let text = base64::engine::general_purpose::STANDARD.encode(llm_providers::unique::bits().to_be_bytes());
    HeaderValue::try_from(text).map_err(|e| Error::internal(e.to_string()))
}
