//! OpenAI's files and batches: <https://platform.openai.com/docs/api-reference/files>,
//! <https://platform.openai.com/docs/api-reference/batch>. Azure's are the same below `/openai`.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Shelf, echo, json as reply, of_type, query, text_of, unescaped};
use crate::form;
use crate::reply::Reply;

/// A file.
#[derive(Debug, Clone)]
pub(super) struct File {
    name: String,
    purpose: String,
    data: Vec<u8>,
}

/// The reply to a request for files or batches.
pub(super) fn answer(shelf: &Shelf, head: &Parts, body: &[u8]) -> Option<Reply> {
    let path = head.uri.path();
    let below = |kind: &str| {
        let (_, rest) = path.split_once(kind)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.split('/').skip(1).map(unescaped).collect::<Vec<_>>())
    };
    let (files, batches) = (below("/files"), below("/batches"));
    let (kind, rest) = files.map(|rest| (true, rest)).or_else(|| batches.map(|rest| (false, rest)))?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    if !head.headers.contains_key("authorization") && !head.headers.contains_key("api-key") {
        return Some(error(401, "invalid_request_error", "You didn't provide an API key."));
    }
    Some(if kind { file(shelf, head, &rest, body) } else { batch(shelf, head, &rest, body) })
}

fn error(status: u16, kind: &str, message: &str) -> Reply {
    reply(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": null}}))
}

fn file(shelf: &Shelf, head: &Parts, rest: &[&str], body: &[u8]) -> Reply {
    let mut files = shelf.files.lock();
    match (&head.method, rest) {
        (&Method::POST, []) => {
            let kind = head.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
            let parts = form::boundary(kind).and_then(|boundary| form::parts(body, boundary)).unwrap_or_default();
            let part = |name: &str| parts.iter().find(|part| part.name == name);
            let (Some(file), Some(purpose)) = (part("file"), part("purpose")) else {
                return error(400, "invalid_request_error", "'file' and 'purpose' are required properties");
            };
            let id = format!("file-sim{:04}", files.len());
            let purpose = String::from_utf8_lossy(purpose.data).into_owned();
            let name = file.filename.clone().unwrap_or_default();
            let file = File { name, purpose, data: file.data.to_vec() };
            let told = object(&id, &file);
            files.insert(id, file);
            reply(200, &told)
        }
        (&Method::GET, []) => {
            let purpose = query(head, "purpose");
            let fits = |file: &File| purpose.as_ref().is_none_or(|purpose| *purpose == file.purpose);
            let all = files.iter().rev().filter(|(_, file)| fits(file));
            reply(200, &list(all.map(|(id, file)| object(id, file)).collect(), head))
        }
        (method, [id, rest @ ..]) => match (files.get(*id).cloned(), method, rest) {
            (Some(file), &Method::GET, []) => reply(200, &object(id, &file)),
            (Some(file), &Method::GET, ["content"]) => of_type(200, "application/octet-stream", file.data.into()),
            (Some(_), &Method::DELETE, []) => {
                files.remove(*id);
                reply(200, &json!({"id": id, "object": "file", "deleted": true}))
            }
            _ => error(404, "invalid_request_error", &format!("No such File object: {id}")),
        },
        _ => error(405, "invalid_request_error", "Method Not Allowed"),
    }
}

fn object(id: &str, file: &File) -> Value {
    json!({"id": id, "object": "file", "bytes": file.data.len(), "created_at": 1_724_178_624, "expires_at": null,
        "filename": file.name, "purpose": file.purpose, "status": "processed"})
}

/// A page, as long as the query says. The latest come first.
fn list(mut data: Vec<Value>, head: &Parts) -> Value {
    let limit = query(head, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
    let after = query(head, "after");
    let behind = after.and_then(|after| data.iter().position(|one| one["id"] == after.as_str()));
    data.drain(..behind.map_or(0, |at| at + 1));
    let has_more = data.len() > limit;
    data.truncate(limit);
    let id = |one: Option<&Value>| one.map(|one| one["id"].clone());
    json!({"object": "list", "first_id": id(data.first()), "last_id": id(data.last()), "has_more": has_more, "data": data})
}

fn batch(shelf: &Shelf, head: &Parts, rest: &[&str], body: &[u8]) -> Reply {
    let mut jobs = shelf.jobs.lock();
    match (&head.method, rest) {
        (&Method::POST, []) => {
            let asked: Value = serde_json::from_slice(body).unwrap_or_default();
            for field in ["input_file_id", "endpoint", "completion_window"] {
                if asked[field].as_str().is_none_or(str::is_empty) {
                    let why = format!("Missing required parameter: '{field}'.");
                    return error(400, "invalid_request_error", &why);
                }
            }
            let input = asked["input_file_id"].as_str().unwrap_or_default();
            if !shelf.files.lock().contains_key(input) {
                return error(400, "invalid_request_error", &format!("No such File object: {input}"));
            }
            let id = format!("batch_sim{:04}", jobs.len());
            let told = json!({"id": id, "object": "batch", "endpoint": asked["endpoint"], "errors": null,
                "input_file_id": input, "completion_window": asked["completion_window"], "status": "validating",
                "output_file_id": null, "error_file_id": null, "created_at": 1_724_178_624,
                "metadata": asked["metadata"]});
            jobs.insert(id, told.clone());
            reply(200, &told)
        }
        (&Method::GET, []) => {
            let ours = jobs.values().rev().filter(|job| job["object"] == "batch");
            reply(200, &list(ours.cloned().collect(), head))
        }
        (method, [id, rest @ ..]) => match (jobs.get_mut(*id).filter(|job| job["object"] == "batch"), method, rest) {
            (Some(job), &Method::GET, []) => {
                if job["status"] == "validating" {
                    done(shelf, job);
                }
                reply(200, job)
            }
            (Some(job), &Method::POST, ["cancel"]) => {
                job["status"] = json!("cancelling");
                reply(200, job)
            }
            _ => error(404, "invalid_request_error", &format!("No batch found with id '{id}'.")),
        },
        _ => error(405, "invalid_request_error", "Method Not Allowed"),
    }
}

/// The batch is done: its answers are a file.
fn done(shelf: &Shelf, job: &mut Value) {
    let mut files = shelf.files.lock();
    let input = files.get(job["input_file_id"].as_str().unwrap_or_default()).map(|file| file.data.clone());
    let requests: Vec<Value> = input
        .unwrap_or_default()
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let lines: Vec<String> = requests.iter().enumerate().map(line).collect();
    let id = format!("file-simout{:04}", files.len());
    files.insert(
        id.clone(),
        File { name: "out.jsonl".to_owned(), purpose: "batch_output".to_owned(), data: lines.concat().into_bytes() },
    );
    job["status"] = json!("completed");
    job["output_file_id"] = json!(id);
    job["request_counts"] = json!({"total": requests.len(), "completed": requests.len(), "failed": 0});
}

fn line((at, request): (usize, &Value)) -> String {
    let body = &request["body"];
    let said = body["messages"].as_array().and_then(|all| all.last()).map(text_of).unwrap_or_default();
    let (status, body) = match echo(&said) {
        Some(text) => (
            200,
            json!({"id": format!("chatcmpl-sim{at:04}"), "object": "chat.completion", "created": 1_724_178_624,
                "model": body["model"], "choices": [{"index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text, "refusal": null}}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}),
        ),
        None => (400, json!({"error": {"message": "simulated failure", "type": "invalid_request_error"}})),
    };
    let line = json!({"id": format!("batch_req_sim{at:04}"), "custom_id": request["custom_id"],
        "response": {"status_code": status, "request_id": format!("sim{at:04}"), "body": body}, "error": null});
    format!("{line}\n")
}
