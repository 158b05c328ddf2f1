//! A form piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use http_body::Body;
use http_body_util::{BodyDataStream, LengthLimitError, Limited};
use llm_client::{Piece, Pieces};
use llm_types::{Error, Json, Result};
use llm_wire::form::value;
use llm_wire::task::{FilePart, More};
use multer::{Field, Multipart};
use tokio::time::Sleep;

use crate::body::BoxError;

/// Parts of a form at the most.
const MOST_PARTS: usize = 1000;
/// Bytes of a file that come with its beginning, where it has so many: what it is stands there.
const BEGINNING: usize = 64 << 10;

/// The parts of a form.
pub(super) struct Parts {
    parts: Multipart<'static>,
    file: Option<Field<'static>>,
    count: usize,
    /// Bytes of the whole at the most.
    most: usize,
    /// Bytes of text that may still come.
    text: usize,
}

impl Parts {
    pub(super) fn new<B>(body: B, boundary: &str, most: usize, text: usize) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let parts = Multipart::new(BodyDataStream::new(Limited::new(body, most)), boundary);
        Self { parts, file: None, count: 0, most, text }
    }

    /// More of a file may come.
    pub(super) const fn in_file(&self) -> bool {
        self.file.is_some()
    }

    /// The next piece.
    ///
    /// # Errors
    /// `BadRequest` for what is no form, 413.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(file) = &mut self.file {
            if let Some(data) = file.chunk().await.map_err(|e| unreadable(&e, self.most))? {
                return Ok(Some(Piece::Data(data)));
            }
            self.file = None;
        }
        let Some(mut part) = self.parts.next_field().await.map_err(|e| unreadable(&e, self.most))? else {
            return Ok(None);
        };
        self.count += 1;
        if self.count > MOST_PARTS {
            return Err(Error::bad_request(format!("the form has more than {MOST_PARTS} parts")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let Some(filename) = part.file_name().map(str::to_owned) else {
            let text = self.text(&mut part).await?;
            let text = String::from_utf8_lossy(&text);
            let value = value(&name, &text);
            return Ok(Some(Piece::Field(name, value)));
        };
        let content_type = part.content_type().map(ToString::to_string);
        let mut data = BytesMut::new();
        while data.len() < BEGINNING
            && let Some(more) = part.chunk().await.map_err(|e| unreadable(&e, self.most))?
        {
            data.extend_from_slice(&more);
        }
        self.file = Some(part);
        let (filename, more) = (Some(filename), Some(More::default()));
        Ok(Some(Piece::File(FilePart { name, filename, content_type, data: data.freeze(), more })))
    }

    async fn text(&mut self, part: &mut Field<'static>) -> Result<BytesMut> {
        let mut text = BytesMut::new();
        while let Some(more) = part.chunk().await.map_err(|e| unreadable(&e, self.most))? {
            self.text = self.text.checked_sub(more.len()).ok_or_else(|| super::too_large(self.most))?;
            text.extend_from_slice(&more);
        }
        Ok(text)
    }

    /// The pieces that are still to come, and nothing behind an error.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Piece>> + Send {
        futures_util::stream::unfold(Some(self), |parts| async {
            let mut parts = parts?;
            match parts.next().await.transpose()? {
                Ok(piece) => Some((Ok(piece), Some(parts))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

fn unreadable(error: &multer::Error, most: usize) -> Error {
    if let multer::Error::StreamReadFailed(inner) = error
        && inner.is::<LengthLimitError>()
    {
        return super::too_large(most);
    }
    Error::bad_request(format!("the form cannot be read: {error}"))
}

/// What is left of a form once its fields were judged: a field that would have to be judged too is refused.
pub(super) struct Rest<F> {
    pieces: BoxStream<'static, Result<Piece>>,
    /// How long a piece may take.
    time: Duration,
    clock: Pin<Box<Sleep>>,
    check: F,
}

impl<F: Fn(&str, &Json) -> Result<()>> Rest<F> {
    pub(super) fn new(pieces: BoxStream<'static, Result<Piece>>, time: Duration, check: F) -> Self {
        Self { pieces: pieces.fuse().boxed(), time, clock: Box::pin(tokio::time::sleep(time)), check }
    }
}

impl<F: Fn(&str, &Json) -> Result<()> + Send> Pieces for Rest<F> {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece>>> {
        let Poll::Ready(piece) = self.pieces.poll_next_unpin(cx) else {
            ready!(self.clock.as_mut().poll(cx));
            return Poll::Ready(Some(Err(crate::flow::body_timeout())));
        };
        self.clock.as_mut().reset(tokio::time::Instant::now() + self.time);
        Poll::Ready(piece.map(|piece| {
            let piece = piece?;
            if let Piece::Field(name, value) = &piece {
                (self.check)(name, value)?;
                if llm_client::task::steers(name) || name == "user" {
                    let why = format!("'{name}' has to stand before the file in a form of more than 16 MB");
                    return Err(Error::bad_request(why).with_param(name));
                }
            }
            Ok(piece)
        }))
    }
}

impl<F> fmt::Debug for Rest<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").finish_non_exhaustive()
    }
}
