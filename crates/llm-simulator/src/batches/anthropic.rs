//! Message Batches: <https://platform.claude.com/docs/en/api/creating-message-batches>

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Shelf, echo, json as reply, of_type, text_of};
use crate::reply::Reply;

/// A batch.
#[derive(Debug)]
pub(super) struct Batch {
    requests: Vec<Value>,
    ended: bool,
    canceled: bool,
}

/// The reply to a request for Message Batches.
pub(super) fn answer(shelf: &Shelf, head: &Parts, body: &[u8]) -> Option<Reply> {
    let (_, rest) = head.uri.path().split_once("/v1/messages/batches")?;
    let mut batches = shelf.batches.lock();
    let segments: Vec<&str> = rest.split('/').filter(|s| !s.is_empty()).collect();
    Some(match (&head.method, segments.as_slice()) {
        _ if !head.headers.contains_key("anthropic-version") => {
            error(400, "invalid_request_error", "anthropic-version: header is required")
        }
        (&Method::POST, []) => match requests(body) {
            Err(why) => error(400, "invalid_request_error", &why),
            Ok(requests) => {
                let id = format!("msgbatch_sim{:04}", batches.len());
                let batch = Batch { requests, ended: false, canceled: false };
                let told = job(&id, &batch);
                batches.insert(id, batch);
                reply(200, &told)
            }
        },
        (&Method::GET, []) => {
            let data: Vec<Value> = batches.iter().map(|(id, batch)| job(id, batch)).collect();
            let (first, last) = (batches.keys().next(), batches.keys().next_back());
            reply(200, &json!({"data": data, "has_more": false, "first_id": first, "last_id": last}))
        }
        (_, [id, rest @ ..]) => match (batches.get_mut(*id), &head.method, rest) {
            (Some(batch), &Method::GET, []) => {
                batch.ended = true;
                reply(200, &job(id, batch))
            }
            (Some(batch), &Method::POST, ["cancel"]) => {
                batch.canceled = !batch.ended;
                reply(200, &job(id, batch))
            }
            (Some(batch), &Method::GET, ["results"]) if batch.ended => {
                of_type(200, "application/x-jsonl", results(batch).into())
            }
            _ => error(404, "not_found_error", "Not found"),
        },
        _ => error(405, "invalid_request_error", "Method Not Allowed"),
    })
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    reply(status, &json!({"type": "error", "error": {"type": kind, "message": message}}))
}

/// The requests of a body, as strictly as the service reads them.
fn requests(body: &[u8]) -> Result<Vec<Value>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let list = body["requests"].as_array().filter(|list| !list.is_empty()).ok_or("requests: Field required")?;
    for (at, request) in list.iter().enumerate() {
        let id = request["custom_id"].as_str().unwrap_or_default();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || id.len() > 64 || !id.chars().all(legal) {
            return Err(format!("requests.{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"));
        }
        let params = &request["params"];
        for field in ["model", "max_tokens", "messages"] {
            if params[field].is_null() {
                return Err(format!("requests.{at}.params.{field}: Field required"));
            }
        }
        if params["messages"].as_array().into_iter().flatten().any(|m| m["role"] == "system") {
            return Err(format!("requests.{at}.params.messages: Unexpected role \"system\""));
        }
    }
    Ok(list.clone())
}

fn job(id: &str, batch: &Batch) -> Value {
    let status = match (batch.ended, batch.canceled) {
        (true, _) => "ended",
        (_, true) => "canceling",
        _ => "in_progress",
    };
    let all = batch.requests.len();
    let failing = batch.requests.iter().filter(|r| answered(r).is_none()).count();
    let counts = match (batch.ended, batch.canceled) {
        (false, _) => json!({"processing": all, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}),
        (true, true) => json!({"processing": 0, "succeeded": 0, "errored": 0, "canceled": all, "expired": 0}),
        _ => {
            json!({"processing": 0, "succeeded": all - failing, "errored": failing, "canceled": 0, "expired": 0})
        }
    };
    json!({
        "id": id, "type": "message_batch", "processing_status": status, "request_counts": counts,
        "ended_at": batch.ended.then_some("2024-08-20T18:37:24.100435Z"),
        "created_at": "2024-08-20T18:30:24.100435Z", "expires_at": "2024-08-21T18:30:24.100435Z",
        "archived_at": null, "cancel_initiated_at": batch.canceled.then_some("2024-08-20T18:31:24.100435Z"),
        "results_url": batch.ended.then(|| format!("https://api.anthropic.com/v1/messages/batches/{id}/results")),
    })
}

fn answered(request: &Value) -> Option<String> {
    echo(&request["params"]["messages"].as_array().and_then(|all| all.last()).map(text_of).unwrap_or_default())
}

/// The results, in another order than the requests: the service promises none.
fn results(batch: &Batch) -> String {
    let line = |(at, request): (usize, &Value)| {
        let result = match answered(request) {
            _ if batch.canceled => json!({"type": "canceled"}),
            None => json!({"type": "errored", "error": {"type": "error", "error": {
                "type": "invalid_request_error", "message": "simulated failure"}}}),
            Some(text) => json!({"type": "succeeded", "message": {
                "id": format!("msg_sim{at:04}"), "type": "message", "role": "assistant",
                "model": request["params"]["model"], "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 1000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                    "output_tokens": 100}}}),
        };
        format!("{}\n", json!({"custom_id": request["custom_id"], "result": result}))
    };
    batch.requests.iter().enumerate().rev().map(line).collect()
}
