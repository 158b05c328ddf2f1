//! Streams that have to be judged whole: the answer is asked for whole, judged, and told as a stream then.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use llm_client::Call;
use llm_guardrails::{Guards, Mode};
use llm_types::{Error, Json, OperationKind, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::{errors, recall};

/// An answer that is held back, and how the client wants it.
#[derive(Debug)]
pub struct Held {
    usage: bool,
}

/// Makes a call whole whose stream nobody could judge; nothing where it may stream. A form that is still coming is read to its
/// end: the wish may stand behind the file.
///
/// # Errors
/// 400 for a body that is no object; what reading the form fails with.
pub async fn hold(guards: &Guards, call: &mut Call) -> Result<Option<Held>> {
    let conversation = call.operation == OperationKind::Generate;
    let judged = match conversation {
        true => call.stream && guards.needs_whole(),
        // The events of pictures say nothing; other operations do not stream.
        false => speaks(guards, call),
    };
    if !judged {
        return Ok(None);
    }
    if let Some(upload) = call.upload.clone() {
        *call = upload.whole(call).await?;
    }
    let top = Top::parse(&call.body)?;
    let streams = match top.get("stream") {
        _ if conversation => true,
        None => return Ok(None),
        Some(wish) => is_yes(wish),
    };
    // Whatever the wish says, the upstream does not get it: it may read it another way than we do.
    let whole = top.edited(&[("stream", None), ("stream_options", None)]);
    call.replace_body(whole);
    call.stream = false;
    Ok(streams.then_some(Held { usage: call.include_usage }))
}

/// True for an answer whose words are judged, however it comes.
pub fn speaks(guards: &Guards, call: &Call) -> bool {
    matches!(call.operation, OperationKind::Transcribe | OperationKind::Translate) && guards.has(Mode::PostCall)
}

/// The ways in which a form says yes, where everything is text.
fn is_yes(raw: &str) -> bool {
    let text = raw.trim_matches('"').to_ascii_lowercase();
    matches!(text.as_str(), "true" | "1" | "yes" | "on")
}

impl Held {
    /// The whole answer as the stream that the client asked for.
    ///
    /// # Errors
    /// When it cannot be told as one.
    pub fn told(&self, call: &Call, whole: &Bytes, response: Response<Reply>) -> Result<Response<Reply>> {
        let mut headers = response.into_parts().0.headers;
        headers.remove(CONTENT_LENGTH);
        let told = match call.operation {
            OperationKind::Generate => recall::streamed(call.format, call.echo.as_deref(), self.usage, whole, headers),
            _ => transcript(whole, headers),
        };
        told.ok_or_else(|| Error::internal("the answer cannot be told as a stream"))
    }
}

/// A transcript as the events of OpenAI's stream: all of it, and that it is done.
fn transcript(whole: &Bytes, mut headers: HeaderMap) -> Option<Response<Reply>> {
    let answer: Json = serde_json::from_slice(whole).ok()?;
    let text = answer.text("text")?;
    let mut done = Json::object([("type", "transcript.text.done"), ("text", text)]);
    if let Some(usage) = answer.get("usage") {
        done.set("usage", usage.clone());
    }
    let delta = Json::object([("type", "transcript.text.delta"), ("delta", text)]);
    let mut out = BytesMut::new();
    for event in [delta, done] {
        out.extend_from_slice(format!("data: {event}\n\n").as_bytes());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    Some(errors::whole(200, out.freeze(), headers))
}
