//! Forms that are large: the fields before the file are read, the rest goes to the upstream as it comes. Nobody holds
//! it, so that it can go out only once. Where the upstream wants no form it is read whole after all.

mod sending;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use llm_types::{Error, Json, Kind, Result};
use llm_wire::form;
use llm_wire::task::{FilePart, TaskRequest};
use llm_wire::top::Top;

use crate::call::Call;

pub(crate) use sending::{Sending, goes_as_it_comes};

/// A piece of a form.
#[derive(Debug)]
pub enum Piece {
    /// A text field.
    Field(String, Json),
    /// A file begins: all about it, and its first bytes.
    File(FilePart),
    /// More bytes of the file.
    Data(Bytes),
}

/// The pieces of a form in the order in which they come.
pub trait Pieces: Send {
    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// What the client is told: its form broke off, is too large, or has a field where it may not be.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece>>>;
}

/// The rest of a form: what comes behind the first bytes of the last one of [`Call::files`].
#[derive(Clone)]
pub struct Upload {
    state: Arc<Mutex<State>>,
    limit: usize,
}

#[derive(Default)]
struct State {
    rest: Option<Box<dyn Pieces>>,
    /// Some of it went out.
    begun: bool,
    /// Why no more of it comes.
    failed: Option<Error>,
    held: Option<Held>,
    /// The request with all that went out.
    seen: Option<TaskRequest>,
}

/// A rest that was read.
#[derive(Clone)]
struct Held {
    fields: Vec<(String, Json)>,
    files: Arc<[FilePart]>,
}

impl Upload {
    /// The rest of a form. `limit`: bytes of it that may be held where an upstream wants the whole.
    #[must_use]
    pub fn new(rest: Box<dyn Pieces>, limit: usize) -> Self {
        Self { state: Arc::new(Mutex::new(State { rest: Some(rest), ..State::default() })), limit }
    }

    /// Some of it went out: it cannot be sent again.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.lock().begun
    }

    /// Reads what is left and forgets it: a client that hears of a refusal while it sends may not read it.
    pub async fn drain(&self) {
        let Some(mut rest) = self.lock().rest.take() else { return };
        while let Some(Ok(_)) = std::future::poll_fn(|cx| rest.poll_piece(cx)).await {}
    }

    /// Why the client's part of the upload failed, if it did.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.lock().failed.clone()
    }

    /// It was read whole already.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().held.is_some()
    }

    /// The request with all that went out.
    pub(crate) fn seen(&self) -> Option<TaskRequest> {
        self.lock().seen.clone()
    }

    /// The call with the whole form, read now.
    ///
    /// # Errors
    /// 413 when it is larger than may be held; what the client's part failed with.
    pub async fn whole(&self, call: &Call) -> Result<Call> {
        let (held, rest) = {
            let mut state = self.lock();
            (state.held.clone(), state.rest.take())
        };
        let held = match (held, rest) {
            (Some(held), _) => held,
            (None, None) => {
                let gone = || Error::internal("the upload went out before, it cannot be read again");
                return Err(self.failure().unwrap_or_else(gone));
            }
            (None, Some(rest)) => match collect(rest, &call.files, self.limit).await {
                Ok(held) => {
                    self.lock().held = Some(held.clone());
                    held
                }
                Err(error) => {
                    self.lock().failed = Some(error.clone());
                    return Err(error);
                }
            },
        };
        let mut whole = call.clone();
        whole.upload = None;
        whole.files = held.files;
        if !held.fields.is_empty() {
            whole.replace_body(Bytes::from(merged(&call.body, &held.fields)?.to_string()));
        }
        Ok(whole)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// The fields of a body and further ones of its form.
fn merged(body: &Bytes, more: &[(String, Json)]) -> Result<Json> {
    let mut fields: Vec<(String, Json)> = Vec::new();
    for (name, raw) in Top::parse(body)?.iter() {
        let value = serde_json::from_str(raw).map_err(|e| Error::bad_request(e.to_string()).with_param(name))?;
        fields.push((name.to_owned(), value));
    }
    for (name, value) in more {
        form::add(&mut fields, name, value.clone());
    }
    Ok(Json::Object(fields))
}

async fn collect(mut rest: Box<dyn Pieces>, begun: &[FilePart], limit: usize) -> Result<Held> {
    let mut files = begun.to_vec();
    let mut fields = Vec::new();
    let mut data = BytesMut::new();
    let mut size: usize = files.iter().map(|f| f.data.len()).sum();
    let close = |files: &mut Vec<FilePart>, data: &mut BytesMut| {
        if let Some(file) = files.last_mut()
            && file.more.take().is_some()
            && !data.is_empty()
        {
            file.data = std::mem::take(data).freeze();
        }
    };
    while let Some(piece) = std::future::poll_fn(|cx| rest.poll_piece(cx)).await {
        size += match piece? {
            Piece::Field(name, value) => {
                let len = value.as_str().map_or(0, str::len);
                fields.push((name, value));
                len
            }
            Piece::File(file) => {
                close(&mut files, &mut data);
                let len = file.data.len();
                files.push(file);
                len
            }
            Piece::Data(bytes) => {
                if let (true, Some(file)) = (data.is_empty(), files.last()) {
                    data.extend_from_slice(&file.data);
                }
                data.extend_from_slice(&bytes);
                bytes.len()
            }
        };
        if size > limit {
            let mb = limit / 1_048_576;
            let why = format!("Request size is too large. Max size is {mb} MB for a model that does not take forms");
            return Err(Error::new(Kind::TooLarge, why));
        }
    }
    close(&mut files, &mut data);
    Ok(Held { fields, files: files.into() })
}

#[cfg(test)]
mod tests;
