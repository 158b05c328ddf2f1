//! The body of a request that passes a form on: its fields as the upstream wants them, its files as they come.

use std::collections::VecDeque;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use llm_http::BoxError;
use llm_types::{Error, Json, Result};
use llm_wire::task::{FilePart, More, TaskBody, TaskOut, TaskRequest};

use super::{Piece, Pieces, Upload};
use crate::form;

/// Bytes at the end of a file that are remembered: more than the longest page of an Ogg file.
const LAST: usize = 128 << 10;

/// The request anew, with what came since: further fields and files.
pub(crate) type Again = Box<dyn Fn(&[(String, Json)], &[FilePart]) -> Result<(TaskRequest, TaskOut)> + Send>;

/// True when a request is a form whose last file, and no other one, is still coming.
pub(crate) fn goes_as_it_comes(out: &TaskOut) -> bool {
    let TaskBody::Form { files, .. } = &out.body else { return false };
    files.iter().position(|f| f.more.is_some()).is_some_and(|at| at + 1 == files.len())
}

/// A form on its way.
pub(crate) struct Sending {
    upload: Upload,
    again: Again,
    boundary: String,
    /// The request but for its body.
    first: TaskOut,
    /// Text fields that went out.
    fields: Vec<(String, String)>,
    /// The client's fields that came behind the first file, and its files with their first bytes.
    late: Vec<(String, Json)>,
    files: Vec<FilePart>,
    /// Files that go out. The last one may be one that the upstream does not get.
    written: usize,
    passes: bool,
    out: VecDeque<Bytes>,
    rest: Option<Box<dyn Pieces>>,
    over: bool,
}

impl Sending {
    /// Begins with a request that [`goes_as_it_comes`]. `given`: fields that the client set; what is set for it comes
    /// last, for the client may still set it.
    pub(crate) fn new(
        upload: &Upload,
        mut first: TaskOut,
        files: Vec<FilePart>,
        given: impl Fn(&str) -> bool,
        again: Again,
    ) -> Self {
        let boundary = form::boundary();
        let mut text = BytesMut::new();
        let mut out = VecDeque::new();
        let mut fields = Vec::new();
        let mut written = 0;
        if let TaskBody::Form { fields: all, files } = take(&mut first.body) {
            fields.extend(all.into_iter().filter(|(name, _)| name == "model" || given(name.trim_end_matches("[]"))));
            for (name, value) in &fields {
                form::field(&mut text, &boundary, name, value);
            }
            written = files.len();
            for file in files {
                form::file(&mut text, &boundary, &file);
                out.push_back(text.split().freeze());
                out.push_back(file.data);
                if file.more.is_none() {
                    text.extend_from_slice(b"\r\n");
                }
            }
        }
        Self {
            upload: upload.clone(),
            again,
            boundary,
            first,
            fields,
            late: Vec::new(),
            files,
            written,
            passes: true,
            out,
            rest: None,
            over: false,
        }
    }

    /// The media type of the body.
    pub(crate) fn content_type(&self) -> Option<http::HeaderValue> {
        form::content_type(&self.boundary)
    }

    fn piece(&mut self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Data(bytes) => {
                if let Some(more) = self.files.last_mut().and_then(|f| f.more.as_mut()) {
                    remember(more, &bytes);
                }
                if self.passes {
                    self.out.push_back(bytes);
                }
            }
            Piece::Field(name, value) => self.late.push((name, value)),
            Piece::File(file) => {
                self.end_of_file();
                self.files.push(file);
                let mut text = BytesMut::new();
                let (_, files) = self.form()?;
                self.passes = files.len() > self.written;
                if let (true, Some(file)) = (self.passes, files.into_iter().nth(self.written)) {
                    form::file(&mut text, &self.boundary, &file);
                    self.out.extend([text.freeze(), file.data]);
                    self.written += 1;
                }
            }
        }
        Ok(())
    }

    fn end_of_file(&mut self) {
        if take(&mut self.passes) {
            self.out.push_back(Bytes::from_static(b"\r\n"));
        }
    }

    /// All that came: the fields that were not written yet, and the end.
    fn end(&mut self) -> Result<()> {
        self.end_of_file();
        let (fields, files) = self.form()?;
        if files.len() != self.written {
            return Err(misplaced("a file"));
        }
        let mut text = BytesMut::new();
        let before = take(&mut self.fields);
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in fields.iter().chain(&before) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        for name in names {
            // What went out is the beginning of what there is, or it was wrong.
            let mut went = before.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
            for (_, value) in fields.iter().filter(|(n, _)| n == name) {
                match went.next() {
                    None => form::field(&mut text, &self.boundary, name, value),
                    Some(known) if known == value => {}
                    Some(_) => return Err(misplaced(name)),
                }
            }
            if went.next().is_some() {
                return Err(misplaced(name));
            }
        }
        form::end(&mut text, &self.boundary);
        self.out.push_back(text.freeze());
        self.rest = None;
        self.over = true;
        Ok(())
    }

    /// The form with all that came until now.
    fn form(&mut self) -> Result<(Vec<(String, String)>, Vec<FilePart>)> {
        let (request, out) = (self.again)(&self.late, &self.files)?;
        self.upload.lock().seen = Some(request);
        let first = &self.first;
        let same = (&first.path, &first.beside, &first.query, &first.headers, first.method)
            == (&out.path, &out.beside, &out.query, &out.headers, out.method);
        match out.body {
            TaskBody::Form { fields, files } if same => Ok((fields, files)),
            _ => Err(misplaced("a field")),
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut state = self.upload.lock();
        state.failed = Some(error.clone());
        state.rest = self.rest.take();
        drop(state);
        self.over = true;
        Poll::Ready(Some(Err(error.into())))
    }
}

fn misplaced(what: &str) -> Error {
    Error::bad_request(format!("{what} stands behind the file: in a form of this size it has to stand before it"))
}

fn remember(more: &mut More, bytes: &Bytes) {
    more.len += bytes.len() as u64;
    if bytes.len() >= LAST {
        more.last = bytes.slice(bytes.len() - LAST..);
        return;
    }
    let keep = more.last.len().min(LAST - bytes.len());
    let mut last = BytesMut::with_capacity(keep + bytes.len());
    last.extend_from_slice(&more.last.slice(more.last.len() - keep..));
    last.extend_from_slice(bytes);
    more.last = last.freeze();
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.out.pop_front() {
                if bytes.is_empty() {
                    continue;
                }
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.over {
                return Poll::Ready(None);
            }
            if this.rest.is_none() {
                let mut state = this.upload.lock();
                state.begun = true;
                this.rest = state.rest.take();
            }
            let Some(rest) = this.rest.as_mut() else {
                return this.fail(Error::internal("an upload was sent twice"));
            };
            let outcome = match ready!(rest.poll_piece(cx)) {
                None => this.end(),
                Some(piece) => piece.and_then(|piece| this.piece(piece)),
            };
            if let Err(error) = outcome {
                return this.fail(error);
            }
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.upload.lock().rest = Some(rest);
        }
    }
}
