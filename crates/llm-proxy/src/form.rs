//! Bodies that come as forms: their text fields become the JSON body that the rest of the flow reads, their files stay
//! bytes beside it. A large form is read up to its file; the rest goes to the upstream as it comes.

mod pieces;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use llm_client::{Piece, Upload};
use llm_types::{Error, Json, Kind, Result};
use llm_wire::form::add;
use llm_wire::task::FilePart;

use crate::flow::Context;
use crate::safety;
use pieces::{Parts, Rest};

/// Forms up to this size are read whole: they can be sent again, and fields may stand behind the file there.
const SMALL: usize = 16 << 20;

/// A form, read.
#[derive(Debug, Default)]
pub struct Form {
    /// Text fields as a JSON object.
    pub fields: Bytes,
    /// Files; the last one only in part where something is still to come.
    pub files: Vec<FilePart>,
    /// What is still to come.
    pub upload: Option<Upload>,
}

/// How a form is read.
#[derive(Debug, Clone, Copy)]
struct Manner {
    /// Bytes that are held at the most.
    held: usize,
    /// Bytes that pass at the most; nothing: a form is read whole.
    pass: Option<usize>,
    /// The whole, or each piece of what passes.
    time: Duration,
    /// The model is known before any field is.
    model: bool,
    /// Content-Length.
    told: Option<usize>,
}

/// The boundary of a `multipart/form-data` body; nothing for other bodies.
#[must_use]
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(headers.get(CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// Reads a form. Texts that are numbers, truth values, arrays or objects become such; a field that comes several
/// times, or whose name ends in `[]`, becomes an array under the bare name. `has_model`: the path names a model.
///
/// # Errors
/// `BadRequest` for a body that is no form or has too many parts, 413 when it is too large, 408 when it does not come.
pub async fn read<B>(ctx: &Context, body: B, boundary: &str, has_model: bool) -> Result<Form>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<crate::body::BoxError>,
{
    let settings = &ctx.snapshot.settings;
    let manner = Manner {
        held: settings.max_request_bytes,
        pass: ctx.operation.is_task().then_some(settings.max_upload_bytes.max(settings.max_request_bytes)),
        time: settings.body_timeout,
        model: has_model || settings.default_model.is_some(),
        told: ctx.parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok()),
    };
    let snapshot = std::sync::Arc::clone(&ctx.snapshot);
    let check = move |name: &str, value: &Json| safety::field(&snapshot, name, value);
    match tokio::time::timeout(manner.time, front(body, boundary, manner, check)).await {
        Ok(read) => read,
        Err(_) => Err(crate::flow::body_timeout()),
    }
}

/// Reads a form that is there.
///
/// # Errors
/// `BadRequest` for a body that is no form or has too many parts.
pub async fn whole(body: Bytes, boundary: &str) -> Result<Form> {
    let manner = Manner { held: body.len(), pass: None, time: Duration::ZERO, model: true, told: None };
    front(http_body_util::Full::new(body), boundary, manner, |_, _| Ok(())).await
}

/// Reads until the rest can pass, or to the end.
async fn front<B>(
    body: B,
    boundary: &str,
    manner: Manner,
    check: impl Fn(&str, &Json) -> Result<()> + Send + 'static,
) -> Result<Form>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<crate::body::BoxError>,
{
    let most = manner.pass.unwrap_or(manner.held);
    if manner.told.is_some_and(|n| n > most) {
        return Err(too_large(most));
    }
    let small = manner.told.is_some_and(|n| n <= SMALL);
    let mut parts = Parts::new(body, boundary, most, manner.held);
    let mut fields: Vec<(String, Json)> = Vec::new();
    let mut files: Vec<FilePart> = Vec::new();
    let mut data = BytesMut::new();
    let mut size = 0;
    while let Some(piece) = parts.next().await? {
        let begins = matches!(piece, Piece::File(_));
        size += match piece {
            Piece::Field(name, value) => {
                let len = value.as_str().map_or(0, str::len);
                add(&mut fields, &name, value);
                len
            }
            Piece::File(file) => {
                close(&mut files, &mut data, true);
                files.push(file);
                files.last().map_or(0, |f| f.data.len())
            }
            Piece::Data(bytes) => {
                if let (true, Some(file)) = (data.is_empty(), files.last()) {
                    data.extend_from_slice(&file.data);
                }
                data.extend_from_slice(&bytes);
                bytes.len()
            }
        };
        let model =
            manner.model || fields.iter().any(|(n, v)| n == "model" && v.as_str().is_some_and(|m| !m.is_empty()));
        if manner.pass.is_some()
            && model
            && parts.in_file()
            && !small
            && (size > SMALL || begins && manner.told.is_some())
        {
            close(&mut files, &mut data, false);
            let rest = Rest::new(parts.stream().boxed(), manner.time, check);
            let upload = Some(Upload::new(Box::new(rest), manner.held));
            return Ok(Form { fields: Bytes::from(Json::Object(fields).to_string()), files, upload });
        }
        if size > manner.held {
            return Err(if model { too_large(manner.held) } else { model_is_late(manner.held) });
        }
    }
    close(&mut files, &mut data, true);
    Ok(Form { fields: Bytes::from(Json::Object(fields).to_string()), files, upload: None })
}

/// Gives the last file what came of it, if more than its beginning did.
fn close(files: &mut [FilePart], data: &mut BytesMut, whole: bool) {
    let Some(file) = files.last_mut() else { return };
    if !data.is_empty() {
        file.data = std::mem::take(data).freeze();
    }
    if whole {
        file.more = None;
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(Kind::TooLarge, format!("Request size is too large. Max size is {} MB", limit / 1_048_576))
}

fn model_is_late(limit: usize) -> Error {
    let mb = limit / 1_048_576;
    let why = format!("Request size is too large. In a form of more than {mb} MB 'model' has to stand before the file");
    Error::new(Kind::TooLarge, why).with_param("model")
}

#[cfg(test)]
mod tests;
