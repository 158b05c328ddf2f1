//! Vertex AI's batch prediction jobs and the JSON interface of Cloud Storage.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Shelf, echo, json as reply, of_type, query, text_of, unescaped};
use crate::reply::Reply;

/// The reply to a request for jobs or objects.
pub(super) fn answer(shelf: &Shelf, head: &Parts, body: &[u8]) -> Option<Reply> {
    let path = head.uri.path();
    if path == "/google/token" {
        return Some(reply(200, &json!({"access_token": "sim-google", "expires_in": 3600, "token_type": "Bearer"})));
    }
    let storage = path.split_once("/storage/v1/b/").map(|(before, rest)| (before.ends_with("/upload"), rest));
    let jobs = path.split_once("/batchPredictionJobs").map(|(parent, rest)| (parent, rest.trim_start_matches('/')));
    let token = head.headers.get("authorization").and_then(|v| v.to_str().ok());
    match (storage, jobs) {
        (None, None) => None,
        _ if token != Some("Bearer sim-google") => Some(error(401, "UNAUTHENTICATED", "Invalid credentials")),
        (Some((upload, rest)), _) => Some(object(shelf, head, upload, rest, body)),
        (_, Some((parent, rest))) => Some(job(shelf, head, parent, rest, body)),
    }
}

fn error(status: u16, word: &str, message: &str) -> Reply {
    reply(status, &json!({"error": {"code": status, "message": message, "status": word}}))
}

fn object(shelf: &Shelf, head: &Parts, upload: bool, rest: &str, body: &[u8]) -> Reply {
    let (bucket, object) = rest.split_once("/o").unwrap_or((rest, ""));
    let name = if upload { query(head, "name") } else { Some(unescaped(object.trim_start_matches('/'))) };
    let name = name.unwrap_or_default();
    let uri = format!("gs://{bucket}/{name}");
    let facts = |size: usize| {
        json!({"kind": "storage#object", "id": format!("{bucket}/{name}/1724179044000000"), "name": name,
            "bucket": bucket, "size": size.to_string(), "timeCreated": "2024-08-20T18:37:24.100Z"})
    };
    let mut objects = shelf.objects.lock();
    if upload && head.method == Method::POST {
        objects.insert(uri, body.to_vec());
        return reply(200, &facts(body.len()));
    }
    let found = objects.get(&uri).cloned();
    match (&head.method, found) {
        (_, None) => error(404, "NOT_FOUND", &format!("No such object: {bucket}/{name}")),
        (&Method::DELETE, Some(_)) => {
            objects.remove(&uri);
            of_type(204, "application/json", bytes::Bytes::new())
        }
        (_, Some(bytes)) if query(head, "alt").as_deref() == Some("media") => {
            of_type(200, "application/octet-stream", bytes.into())
        }
        (_, Some(bytes)) => reply(200, &facts(bytes.len())),
    }
}

fn job(shelf: &Shelf, head: &Parts, parent: &str, rest: &str, body: &[u8]) -> Reply {
    let mut jobs = shelf.jobs.lock();
    if rest.is_empty() && head.method == Method::POST {
        let Ok(asked) = serde_json::from_slice::<Value>(body) else {
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");
        };
        let input = asked["inputConfig"]["gcsSource"]["uris"][0].as_str().unwrap_or_default();
        let known = shelf.objects.lock().contains_key(input);
        if !known || !asked["model"].as_str().unwrap_or_default().starts_with("publishers/") {
            return error(400, "INVALID_ARGUMENT", "the input or the model does not exist");
        }
        let id = (3_814_889_423_749_775_360_u64 + jobs.len() as u64).to_string();
        let parent = parent.trim_start_matches("/v1/");
        let mut told = asked.clone();
        told["name"] = json!(format!("{parent}/batchPredictionJobs/{id}"));
        told["state"] = json!("JOB_STATE_PENDING");
        told["createTime"] = json!("2024-08-20T18:30:24.100435Z");
        jobs.insert(id, told.clone());
        return reply(200, &told);
    }
    if rest.is_empty() {
        let ours: Vec<&Value> = jobs.values().filter(|job| job["name"].is_string()).collect();
        return reply(200, &json!({"batchPredictionJobs": ours}));
    }
    let (id, verb) = rest.split_once(':').unwrap_or((rest, ""));
    let Some(job) = jobs.get_mut(id) else { return error(404, "NOT_FOUND", "The BatchPredictionJob does not exist.") };
    if verb == "cancel" {
        job["state"] = json!("JOB_STATE_CANCELLING");
        return reply(200, &json!({}));
    }
    if job["state"] == "JOB_STATE_PENDING" {
        finish(shelf, id, job);
    }
    reply(200, job)
}

/// Writes the predictions and says where they are.
fn finish(shelf: &Shelf, id: &str, job: &mut Value) {
    let mut objects = shelf.objects.lock();
    let input = job["inputConfig"]["gcsSource"]["uris"][0].as_str().unwrap_or_default();
    let lines = objects.get(input).cloned().unwrap_or_default();
    let prefix = job["outputConfig"]["gcsDestination"]["outputUriPrefix"].as_str().unwrap_or_default();
    let folder = format!("{prefix}/prediction-model-{id}");
    let model = job["model"].as_str().and_then(|m| m.rsplit('/').next()).unwrap_or_default();
    let lines = String::from_utf8_lossy(&lines).into_owned();
    let answers: String = lines.lines().map(|line| format!("{}\n", prediction(line, model))).collect();
    objects.insert(format!("{folder}/predictions.jsonl"), answers.into_bytes());
    job["state"] = json!("JOB_STATE_SUCCEEDED");
    job["endTime"] = json!("2024-08-20T18:37:24.100435Z");
    job["outputInfo"] = json!({"gcsOutputDirectory": folder});
    job["completionStats"] = json!({"successfulCount": lines.lines().count().to_string()});
}

fn prediction(line: &str, model: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let request = &line["request"];
    let last = request["contents"].as_array().or_else(|| request["messages"].as_array()).and_then(|all| all.last());
    let text = last.map(|turn| turn["parts"][0]["text"].as_str().map_or_else(|| text_of(turn), str::to_owned));
    let mut out = json!({"status": "", "processed_time": "2024-08-20T18:37:24.102004+00:00", "request": request});
    match echo(&text.unwrap_or_default()) {
        None => {
            out["status"] = json!("Bad Request: simulated failure");
            out["response"] = json!({});
        }
        Some(text) if line["custom_id"].is_string() => {
            out["custom_id"] = line["custom_id"].clone();
            out["response"] = json!({"id": "msg_vrtx_sim", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 1000, "output_tokens": 100}});
        }
        Some(text) => {
            out["response"] = json!({
                "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100},
                "modelVersion": model, "responseId": "sim-response"});
        }
    }
    out
}
