//! Vertex AI's batch prediction. Gemini's lines are `{"request"}`, whose labels keep the client's name of a request as
//! LiteLLM writes them; Claude's have a `custom_id`.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini>

use bytes::{BufMut, BytesMut};
use llm_types::{Error, Format, Json, Result};
use serde::Deserialize;

use super::moment::seconds;
use super::{Answered, Batch, BatchCodec, Counts, Failed, Line, Outcome, Times, base32, invalid, page};
use crate::codec::ReplyView;
use crate::openai::object::Obj;
use crate::top::Top;

/// The codec.
#[derive(Debug)]
pub struct BatchPrediction;

/// The label with what a label may hold of a name.
const LABEL: &str = "litellm_custom_id";
/// Labels with all of it, in base32.
const RAW: &str = "litellm_custom_id_raw";
/// Before the base32 of a label.
const MARK: &str = "b32_";
/// Characters of a label at the most.
const LONGEST: usize = 63;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    name: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    create_time: Option<String>,
    #[serde(default)]
    start_time: Option<String>,
    #[serde(default)]
    end_time: Option<String>,
    #[serde(default)]
    input_config: Json,
    #[serde(default)]
    output_info: Json,
    #[serde(default)]
    completion_stats: Option<Stats>,
    #[serde(default)]
    error: Json,
}

/// Whole numbers, which Google writes as texts.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Stats {
    successful_count: Json,
    failed_count: Json,
    incomplete_count: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Jobs {
    #[serde(default)]
    batch_prediction_jobs: Vec<Job>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
struct Prediction {
    #[serde(default)]
    custom_id: Option<String>,
    #[serde(default)]
    request: Json,
    #[serde(default)]
    response: Json,
    #[serde(default)]
    status: Json,
}

impl BatchCodec for BatchPrediction {
    fn request(&self, line: &Line<'_>, body: &str, out: &mut BytesMut) {
        let top = Top::parse(body.as_bytes()).ok();
        let claude = top.as_ref().is_some_and(|top| top.get("anthropic_version").is_some());
        let mut request = Obj::open(out);
        if claude {
            request.str("custom_id", &line.custom_id);
        }
        match top.filter(|_| !claude) {
            None => request.key("request").put_slice(body.as_bytes()),
            Some(top) => {
                let mut labels = top.read::<Json>("labels").unwrap_or_else(|| Json::Object(Vec::new()));
                name(&line.custom_id, &mut labels);
                let named = top.edited(&[("labels", Some(&labels.to_string()))]);
                request.key("request").put_slice(&named);
            }
        }
    }

    fn outcome(&self, line: &[u8]) -> Result<Outcome> {
        let line: Prediction =
            serde_json::from_slice(line).map_err(|e| invalid("a result of the batch", &e.to_string()))?;
        let named = || line.request.get("labels").and_then(named);
        let custom_id = line.custom_id.clone().or_else(named).unwrap_or_else(|| "unknown".to_owned());
        let answer = match (problem(&line.status), format(&line.response)) {
            (None, Some(format)) => Ok(Answered { format, body: line.response.to_raw() }),
            (None, None) => return Err(invalid("a result of the batch", "it has neither an answer nor an error")),
            (Some(message), _) => {
                Err(Failed { code: "vertex_ai_error".to_owned(), message, ..Failed::default() }) // tidy: provider-id, LiteLLM's word
            }
        };
        Ok(Outcome { custom_id, answer })
    }

    fn batch(&self, job: &[u8]) -> Result<Batch> {
        let job: Job = serde_json::from_slice(job).map_err(|e| invalid("the batch", &e.to_string()))?;
        Ok(batch(&job))
    }

    fn list(&self, reply: &[u8]) -> Result<Json> {
        let jobs: Jobs = serde_json::from_slice(reply).map_err(|e| invalid("the list", &e.to_string()))?;
        let batches: Vec<Batch> = jobs.batch_prediction_jobs.iter().map(batch).collect();
        Ok(page(&batches, Some(jobs.next_page_token).filter(|token| !token.is_empty()).as_deref()))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::gemini::decode_error(reply)
    }
}

/// The language of an answer.
fn format(response: &Json) -> Option<Format> {
    let has = |key: &str| response.get(key).is_some();
    if response.text("type") == Some("message") {
        Some(Format::AnthropicMessages)
    } else if has("choices") {
        Some(Format::OpenAiChat)
    } else {
        (has("candidates") || has("promptFeedback") || has("usageMetadata")).then_some(Format::GeminiGenerate)
    }
}

/// A status that tells of a failure: a text, or Google's error object.
fn problem(status: &Json) -> Option<String> {
    match status {
        Json::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        object @ Json::Object(fields) if !fields.is_empty() => {
            Some(object.text("message").map_or_else(|| object.to_string(), str::to_owned))
        }
        _ => None,
    }
}

/// Writes a name into labels.
fn name(custom_id: &str, labels: &mut Json) {
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c) { c } else { '_' };
    let plain: String = custom_id.to_lowercase().chars().map(legal).take(LONGEST).collect();
    labels.set(LABEL, plain.as_str());
    let coded = base32::encode(custom_id.as_bytes());
    let pieces = coded.as_bytes().chunks(LONGEST - MARK.len());
    for (at, piece) in pieces.enumerate() {
        let key = if at == 0 { RAW.to_owned() } else { format!("{RAW}_{at}") };
        labels.set(&key, format!("{MARK}{}", String::from_utf8_lossy(piece)));
    }
}

/// The name in labels.
fn named(labels: &Json) -> Option<String> {
    let text = |key: &str| labels.text(key);
    let mut coded = String::new();
    for at in 0.. {
        let key = if at == 0 { RAW.to_owned() } else { format!("{RAW}_{at}") };
        match text(&key).and_then(|piece| piece.strip_prefix(MARK)) {
            Some(piece) => coded.push_str(piece),
            None => break,
        }
    }
    let raw = Some(coded).filter(|coded| !coded.is_empty());
    let raw = raw.and_then(|coded| base32::decode(&coded)).and_then(|bytes| String::from_utf8(bytes).ok());
    raw.or_else(|| text(LABEL).map(str::to_owned))
}

fn batch(job: &Job) -> Batch {
    let status = match job.state.as_str() {
        "JOB_STATE_QUEUED" | "JOB_STATE_PENDING" => "validating",
        "JOB_STATE_RUNNING" | "JOB_STATE_PAUSED" | "JOB_STATE_UPDATING" => "in_progress",
        "JOB_STATE_SUCCEEDED" | "JOB_STATE_PARTIALLY_SUCCEEDED" => "completed",
        "JOB_STATE_CANCELLING" => "cancelling",
        "JOB_STATE_CANCELLED" => "cancelled",
        "JOB_STATE_EXPIRED" => "expired",
        _ => "failed",
    };
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let at = |text: &Option<String>| text.as_deref().and_then(seconds);
    let end = |of: &str| at(&job.end_time).filter(|_| status == of);
    let input = job.input_config.get("gcsSource").and_then(|source| source.get("uris"));
    let input = input.and_then(|uris| uris.as_str().or_else(|| uris.as_array()?.first()?.as_str()));
    let output = job.output_info.text("gcsOutputDirectory").filter(|_| status == "completed");
    let text = |key: &str| job.error.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    Batch {
        id: last(&job.name),
        endpoint: "/v1/chat/completions".to_owned(),
        input_file_id: input.unwrap_or_default().to_owned(),
        status,
        output_file_id: output.map(|folder| format!("{}/predictions.jsonl", folder.trim_end_matches('/'))),
        model: Some(last(&job.model)).filter(|model| !model.is_empty()),
        error: text("message").map(|message| (text("code").unwrap_or_default(), message)),
        times: Times {
            created: at(&job.create_time),
            in_progress: at(&job.start_time),
            completed: end("completed"),
            failed: end("failed"),
            expired: end("expired"),
            cancelled: end("cancelled"),
            ..Times::default()
        },
        counts: job.completion_stats.as_ref().map(|stats| {
            let (completed, failed) = (number(&stats.successful_count), number(&stats.failed_count));
            Counts { total: completed + failed + number(&stats.incomplete_count), completed, failed }
        }),
        metadata: Vec::new(),
    }
}

fn number(value: &Json) -> u64 {
    let whole = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    whole.and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
}
