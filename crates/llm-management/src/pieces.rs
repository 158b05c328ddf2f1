//! Answers that are too large to be held: the text of one JSON value in pieces, written while the client reads it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use llm_accounts::Problem;
use llm_store::StoreError;
use llm_types::Json;
use serde::Serialize;
use tokio::sync::mpsc;

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Pieces that wait for the client. What is beyond them is not asked of the store yet.
const WAITING: usize = 4;

/// A client that takes no piece for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a call answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A value.
    Whole(Json),
    /// The text of one.
    Pieces(Pieces),
}

impl From<Json> for Answer {
    fn from(json: Json) -> Self {
        Self::Whole(json)
    }
}

/// The text of an answer on its way. It breaks off, visibly to the client, where its writer failed.
#[derive(Debug)]
pub(crate) struct Pieces(mpsc::Receiver<Result<Bytes, BrokenOff>>);

#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer broke off")
    }
}

impl std::error::Error for BrokenOff {}

/// Why a writer stopped before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads any more.
    Left,
    /// The rest cannot be had.
    Failed(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.text())
    }
}

/// Takes the text of an answer.
#[derive(Debug)]
pub(crate) struct Writer {
    out: mpsc::Sender<Result<Bytes, BrokenOff>>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Text that stands in the answer as it is.
    pub(crate) async fn text(&mut self, text: &str) -> Result<(), Stop> {
        self.buffer.extend_from_slice(text.as_bytes());
        self.send(PIECE).await
    }

    /// A value.
    pub(crate) async fn json<T: Serialize + Sync + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.buffer, value).map_err(|error| Stop::Failed(error.to_string()))?;
        self.send(PIECE).await
    }

    /// Sends what there is when it is at least `least` bytes.
    async fn send(&mut self, least: usize) -> Result<(), Stop> {
        if self.buffer.len() < least || self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let sent = tokio::time::timeout(PATIENCE, self.out.send(Ok(piece))).await;
        sent.ok().and_then(Result::ok).ok_or(Stop::Left)
    }
}

/// An answer that `write` writes, on the runtime of the caller; it gives the writer back at the end. What can be refused must
/// have been refused before.
pub(crate) fn written<W>(write: impl FnOnce(Writer) -> W) -> Answer
where
    W: Future<Output = Result<Writer, Stop>> + Send + 'static,
{
    let (out, pieces) = mpsc::channel(WAITING);
    let broken = out.clone();
    let writing = write(Writer { out, buffer: Vec::new() });
    tokio::spawn(async move {
        let written = match writing.await {
            Ok(mut writer) => writer.send(0).await,
            Err(stop) => Err(stop),
        };
        if let Err(Stop::Failed(error)) = written {
            tracing::error!(error, "an answer broke off");
            drop(broken.send(Err(BrokenOff)).await);
        }
    });
    Answer::Pieces(Pieces(pieces))
}

impl Pieces {
    /// The response that carries them.
    pub(crate) fn response(self) -> Response<Body> {
        let next = async |Self(mut pieces): Self| pieces.recv().await.map(|piece| (piece, Self(pieces)));
        let mut response = Response::new(Body::from_stream(stream::unfold(self, next)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
