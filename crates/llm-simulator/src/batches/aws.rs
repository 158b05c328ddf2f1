//! Bedrock's model invocation jobs, and S3 with buckets in the path.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Shelf, echo, json as reply, of_type, text_of, unescaped};
use crate::reply::Reply;

/// The reply to a request for jobs or objects.
pub(super) fn answer(shelf: &Shelf, head: &Parts, body: &[u8]) -> Option<Reply> {
    let path = unescaped(head.uri.path());
    let service = head.headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if let Some(rest) = path.strip_prefix("/model-invocation-job") {
        if !service.contains("/bedrock/aws4_request") && !service.starts_with("Bearer ") {
            return Some(reply(403, &json!({"message": "The request is not signed."})));
        }
        return Some(job(shelf, &head.method, rest, body));
    }
    let mut pieces = path.trim_start_matches('/').splitn(2, '/');
    let (bucket, key) = (pieces.next()?, pieces.next()?);
    if !key.contains("litellm-b") || bucket.is_empty() {
        return None;
    }
    let hash = head.headers.contains_key("x-amz-content-sha256");
    if !hash || !service.contains("/s3/aws4_request") {
        return Some(xml(403, "AccessDenied", "Access Denied"));
    }
    let uri = format!("s3://{bucket}/{key}");
    let mut objects = shelf.objects.lock();
    let mut out = match (&head.method, objects.get(&uri).cloned()) {
        (&Method::PUT, _) => {
            objects.insert(uri, body.to_vec());
            of_type(200, "application/xml", bytes::Bytes::new())
        }
        (_, None) => return Some(xml(404, "NoSuchKey", "The specified key does not exist.")),
        (&Method::DELETE, Some(_)) => {
            objects.remove(&uri);
            of_type(204, "application/xml", bytes::Bytes::new())
        }
        (&Method::HEAD, Some(bytes)) => {
            let mut out = of_type(200, "application/octet-stream", bytes::Bytes::new());
            out.headers.push(("content-length", bytes.len().to_string()));
            out
        }
        (_, Some(bytes)) => of_type(200, "application/octet-stream", bytes.into()),
    };
    out.headers.push(("last-modified", "Tue, 20 Aug 2024 18:37:24 GMT".to_owned()));
    Some(out)
}

fn xml(status: u16, code: &str, message: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    of_type(status, "application/xml", text.into())
}

fn job(shelf: &Shelf, method: &Method, rest: &str, body: &[u8]) -> Reply {
    let mut jobs = shelf.jobs.lock();
    if rest.is_empty() && *method == Method::POST {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        for field in ["modelId", "jobName", "roleArn"] {
            if asked[field].as_str().is_none_or(str::is_empty) {
                return reply(400, &json!({"message": format!("1 validation error detected: {field} is missing")}));
            }
        }
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/sim{:09}", jobs.len());
        let mut told = asked.clone();
        told["jobArn"] = json!(arn);
        told["status"] = json!("Submitted");
        told["submitTime"] = json!("2024-08-20T18:30:24Z");
        jobs.insert(arn.clone(), told);
        return reply(200, &json!({"jobArn": arn}));
    }
    if rest == "s" {
        let ours: Vec<&Value> = jobs.values().filter(|job| job["jobArn"].is_string()).collect();
        return reply(200, &json!({"invocationJobSummaries": ours}));
    }
    let arn = rest.trim_start_matches('/');
    let (arn, stop) = arn.strip_suffix("/stop").map_or((arn, false), |arn| (arn, true));
    let Some(job) = jobs.get_mut(arn) else { return reply(404, &json!({"message": "The job does not exist."})) };
    if stop {
        job["status"] = json!("Stopping");
        return reply(200, &json!({}));
    }
    if job["status"] == "Submitted" {
        finish(shelf, arn, job);
    }
    reply(200, job)
}

/// Writes the results where the service does.
fn finish(shelf: &Shelf, arn: &str, job: &mut Value) {
    let mut objects = shelf.objects.lock();
    let input = job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].as_str().unwrap_or_default();
    let lines = objects.get(input).cloned().unwrap_or_default();
    let lines = String::from_utf8_lossy(&lines).into_owned();
    let folder = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].as_str().unwrap_or_default();
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let output = format!("{folder}{}/{}.out", last(arn), last(input));
    let answers: String = lines.lines().map(|line| format!("{}\n", record(line))).collect();
    objects.insert(output, answers.into_bytes());
    job["status"] = json!("Completed");
    job["endTime"] = json!("2024-08-20T18:37:24Z");
}

/// The answer to a record, in the shape of its request.
fn record(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let input = &line["modelInput"];
    let mut out = json!({"recordId": line["recordId"], "modelInput": input});
    let text = input["messages"].as_array().and_then(|all| all.last()).map(text_of).unwrap_or_default();
    let (key, said) = match echo(&text) {
        None => ("error", json!({"errorCode": 400, "errorMessage": "simulated failure"})),
        Some(text) if input["anthropic_version"].is_string() => (
            "modelOutput",
            json!({"id": "msg_bdrk_sim", "type": "message", "role": "assistant", "model": "claude",
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 1000, "output_tokens": 100}}),
        ),
        Some(_) if input["inputText"].is_string() => {
            ("modelOutput", json!({"embedding": [0.25, -0.5], "inputTextTokenCount": 1000}))
        }
        Some(text) => (
            "modelOutput",
            json!({"output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn",
                "usage": {"inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100}}),
        ),
    };
    out[key] = said;
    out
}
