//! Anthropic's Message Batches. <https://platform.claude.com/docs/en/api/creating-message-batches>

use bytes::{BufMut, BytesMut};
use llm_types::{Error, Format, Json, RawJson, Result};
use serde::Deserialize;

use super::moment::seconds;
use super::{Answered, Batch, BatchCodec, Counts, Failed, Line, Outcome, Times, invalid, page};
use crate::anthropic::status_of;
use crate::codec::ReplyView;
use crate::openai::object::Obj;

/// The codec.
#[derive(Debug)]
pub struct MessageBatches;

#[derive(Deserialize)]
struct Job {
    id: String,
    #[serde(default)]
    processing_status: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    ended_at: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    cancel_initiated_at: Option<String>,
    #[serde(default)]
    archived_at: Option<String>,
    #[serde(default)]
    request_counts: RequestCounts,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RequestCounts {
    processing: u64,
    succeeded: u64,
    errored: u64,
    canceled: u64,
    expired: u64,
}

#[derive(Deserialize)]
struct Jobs {
    #[serde(default)]
    data: Vec<Job>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct ResultLine {
    #[serde(default)]
    custom_id: String,
    result: Json,
}

impl BatchCodec for MessageBatches {
    fn request(&self, line: &Line<'_>, body: &str, out: &mut BytesMut) {
        let mut request = Obj::open(out);
        request.str("custom_id", &line.custom_id);
        request.key("params").put_slice(body.as_bytes());
    }

    fn outcome(&self, line: &[u8]) -> Result<Outcome> {
        let unread = |why: &str| invalid("a result of the batch", why);
        let ResultLine { custom_id, result } = serde_json::from_slice(line).map_err(|e| unread(&e.to_string()))?;
        let answer = match result.text("type") {
            Some("succeeded") => {
                let body = result.get("message").ok_or_else(|| unread("'message'"))?.to_raw();
                Ok(Answered { format: Format::AnthropicMessages, body })
            }
            Some("errored") => Err(errored(&result)),
            Some("canceled") => Err(never("canceled", "The request was canceled.")),
            Some("expired") => Err(never("expired", "The request expired before it was processed.")),
            other => return Err(unread(&format!("the result is {}", other.unwrap_or("of no type")))),
        };
        Ok(Outcome { custom_id, answer })
    }

    fn file(&self, reply: &[u8]) -> Option<Json> {
        super::files::told(reply)
    }

    fn batch(&self, job: &[u8]) -> Result<Batch> {
        let job: Job = serde_json::from_slice(job).map_err(|e| invalid("the batch", &e.to_string()))?;
        Ok(batch(job))
    }

    fn list(&self, reply: &[u8]) -> Result<Json> {
        let jobs: Jobs = serde_json::from_slice(reply).map_err(|e| invalid("the list", &e.to_string()))?;
        let batches: Vec<Batch> = jobs.data.into_iter().map(batch).collect();
        let next = batches.last().filter(|_| jobs.has_more).map(|last| last.id.as_str());
        Ok(page(&batches, next))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::anthropic::decode_error(reply)
    }

    fn drops_params(&self) -> bool {
        true
    }
}

fn batch(job: Job) -> Batch {
    let (ended, canceling) = (job.processing_status == "ended", job.processing_status == "canceling");
    let at = |text: &Option<String>| text.as_deref().and_then(seconds);
    let (created, end) = (at(&job.created_at), at(&job.ended_at));
    let c = &job.request_counts;
    let total = c.processing + c.succeeded + c.errored + c.canceled + c.expired;
    Batch {
        endpoint: "/v1/messages".to_owned(),
        // the requests came inline; LiteLLM says so in this way
        input_file_id: "None".to_owned(),
        status: match job.processing_status.as_str() {
            "ended" => "completed",
            "canceling" => "cancelling",
            _ => "in_progress",
        },
        // the results are asked for by the batch's own id
        output_file_id: ended.then(|| job.id.clone()),
        times: Times {
            created,
            in_progress: created.filter(|_| !ended && !canceling),
            expires: at(&job.expires_at),
            completed: end.filter(|_| ended),
            expired: at(&job.archived_at),
            cancelling: at(&job.cancel_initiated_at).filter(|_| canceling),
            ..Times::default()
        },
        counts: Some(Counts { total, completed: c.succeeded, failed: c.errored }),
        id: job.id,
        ..Batch::default()
    }
}

fn errored(result: &Json) -> Failed {
    let error = result.get("error");
    let error = error.and_then(|e| e.get("error")).or(error);
    let text = |key: &str| error.and_then(|e| e.get(key)).and_then(Json::as_str).unwrap_or_default().to_owned();
    let code = text("type");
    Failed { status: Some(status_of(&code)), code, message: text("message"), body: error.map(Json::to_raw) }
}

fn never(code: &str, message: &str) -> Failed {
    Failed { code: code.to_owned(), message: message.to_owned(), ..Failed::default() }
}

/// The body that begins a batch: all requests, each written by [`BatchCodec::request`].
#[must_use]
pub fn create(requests: &[RawJson]) -> bytes::Bytes {
    let mut out = BytesMut::with_capacity(requests.iter().map(|r| r.get().len() + 1).sum::<usize>() + 16);
    out.put_slice(b"{\"requests\":[");
    for (at, request) in requests.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        out.put_slice(request.get().as_bytes());
    }
    out.put_slice(b"]}");
    out.freeze()
}
