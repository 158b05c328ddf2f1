//! Bedrock's model invocation jobs: lines of `{"recordId", "modelInput"}` become `{"recordId", "modelOutput"}`.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html>

use bytes::{BufMut, BytesMut};
use llm_types::{Error, Format, Json, Result};
use serde::Deserialize;

use super::moment::seconds;
use super::{Answered, Batch, BatchCodec, Counts, Failed, Line, Outcome, Times, invalid, page};
use crate::codec::ReplyView;
use crate::openai::object::Obj;

/// The codec.
#[derive(Debug)]
pub struct InvocationJobs;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_arn: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    submit_time: Option<String>,
    #[serde(default)]
    last_modified_time: Option<String>,
    #[serde(default)]
    end_time: Option<String>,
    #[serde(default)]
    job_expiration_time: Option<String>,
    #[serde(default)]
    input_data_config: Json,
    #[serde(default)]
    output_data_config: Json,
    #[serde(default)]
    job_name: Option<String>,
    #[serde(default)]
    client_request_token: Option<String>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    role_arn: Option<String>,
    #[serde(default)]
    timeout_duration_in_hours: Option<u64>,
    #[serde(default)]
    total_record_count: Option<u64>,
    #[serde(default)]
    success_record_count: Option<u64>,
    #[serde(default)]
    error_record_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jobs {
    #[serde(default)]
    invocation_job_summaries: Vec<Job>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    record_id: String,
    #[serde(default)]
    model_output: Option<Json>,
    #[serde(default)]
    error: Option<Json>,
}

impl BatchCodec for InvocationJobs {
    fn request(&self, line: &Line<'_>, body: &str, out: &mut BytesMut) {
        let mut record = Obj::open(out);
        record.str("recordId", &line.custom_id);
        record.key("modelInput").put_slice(body.as_bytes());
    }

    fn outcome(&self, line: &[u8]) -> Result<Outcome> {
        let unread = |why: &str| invalid("a result of the batch", why);
        let record: Record = serde_json::from_slice(line).map_err(|e| unread(&e.to_string()))?;
        let answer = match (record.error, record.model_output) {
            (Some(error), _) => Err(failed(&error)),
            (None, Some(output)) => Ok(Answered { format: format(&output), body: output.to_raw() }),
            (None, None) => return Err(unread("it has neither an answer nor an error")),
        };
        Ok(Outcome { custom_id: record.record_id, answer })
    }

    fn batch(&self, job: &[u8]) -> Result<Batch> {
        let job: Job = serde_json::from_slice(job).map_err(|e| invalid("the batch", &e.to_string()))?;
        Ok(batch(&job))
    }

    fn list(&self, reply: &[u8]) -> Result<Json> {
        let jobs: Jobs = serde_json::from_slice(reply).map_err(|e| invalid("the list", &e.to_string()))?;
        let batches: Vec<Batch> = jobs.invocation_job_summaries.iter().map(batch).collect();
        Ok(page(&batches, jobs.next_token.as_deref()))
    }

    /// The jobs answer in JSON, the places of files in XML.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        let text = String::from_utf8_lossy(reply.body);
        let Some(code) = element(&text, "Code") else { return crate::bedrock::error::decode(reply) };
        let message = format!("{code}: {}", element(&text, "Message").unwrap_or_default());
        let body = Json::object([("message", Json::from(message))]).to_string();
        crate::bedrock::error::decode(&ReplyView { body: body.as_bytes(), ..*reply })
    }
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

/// The language of an answer, by its shape: a file of results does not name the model.
fn format(output: &Json) -> Format {
    let has = |key: &str| output.get(key).is_some();
    if output.text("type") == Some("message") {
        Format::AnthropicMessages
    } else if output.get("output").is_some_and(|o| o.get("message").is_some()) {
        Format::BedrockConverse
    } else if has("choices") {
        Format::OpenAiChat
    } else if has("embedding") || has("embeddings") || has("embeddingsByType") {
        Format::BedrockEmbed
    } else {
        Format::BedrockText
    }
}

fn failed(error: &Json) -> Failed {
    let text = |key: &str| error.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let code = text("errorCode").unwrap_or_default();
    let message = text("errorMessage").unwrap_or_default();
    Failed { status: Some(code.parse().unwrap_or(400)), code, message, body: Some(error.to_raw()) }
}

fn batch(job: &Job) -> Batch {
    let status = match job.status.as_str() {
        "Scheduled" | "InProgress" => "in_progress",
        "PartiallyCompleted" | "Completed" => "completed",
        "Failed" => "failed",
        "Stopping" => "cancelling",
        "Stopped" => "cancelled",
        "Expired" => "expired",
        _ => "validating",
    };
    let at = |text: &Option<String>| text.as_deref().and_then(seconds);
    let end = |of: &str| at(&job.end_time).filter(|_| status == of);
    let uri = |config: &Json, of: &str| Some(config.get(of)?.get("s3Uri")?.as_str()?.to_owned());
    let input = uri(&job.input_data_config, "s3InputDataConfig").unwrap_or_default();
    let output = uri(&job.output_data_config, "s3OutputDataConfig").filter(|_| status == "completed");
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let hours = job.timeout_duration_in_hours.map(|hours| hours.to_string());
    let metadata = [
        ("jobName", &job.job_name),
        ("clientRequestToken", &job.client_request_token),
        ("modelId", &job.model_id),
        ("roleArn", &job.role_arn),
        ("timeoutDurationInHours", &hours),
    ];
    let embeds = job.model_id.as_deref().is_some_and(|model| model.contains("embed"));
    Batch {
        id: job.job_arn.clone(),
        endpoint: if embeds { "/v1/embeddings" } else { "/v1/chat/completions" }.to_owned(),
        status,
        // the job writes below a folder of its own, beside a manifest
        output_file_id: output
            .map(|folder| format!("{}/{}/{}.out", folder.trim_end_matches('/'), last(&job.job_arn), last(&input))),
        input_file_id: input,
        model: job.model_id.clone(),
        error: job.message.clone().map(|message| (job.status.clone(), message)),
        times: Times {
            created: at(&job.submit_time),
            in_progress: at(&job.last_modified_time).filter(|_| status == "in_progress"),
            expires: at(&job.job_expiration_time),
            completed: end("completed"),
            failed: end("failed"),
            expired: end("expired"),
            cancelled: end("cancelled"),
            ..Times::default()
        },
        counts: job.total_record_count.map(|total| Counts {
            total,
            completed: job.success_record_count.unwrap_or_default(),
            failed: job.error_record_count.unwrap_or_default(),
        }),
        metadata: metadata.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v.clone()?))).collect(),
    }
}
