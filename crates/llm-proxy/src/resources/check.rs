//! What a request has to have before anybody is asked: the fields that LiteLLM wants, a purpose that there is, lines that
//! are requests. Uploads that are too large to be held are the provider's to judge.

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use llm_client::resources::BATCH;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;
use serde::de::IgnoredAny;

use crate::validation::{self, Fault};

/// Purposes that an upload may have. <https://platform.openai.com/docs/api-reference/files/create>, and LiteLLM's `messages`.
const PURPOSES: [&str; 10] = [
    "assistants",
    "assistants_output",
    BATCH,
    "batch_output",
    "fine-tune",
    "fine-tune-results",
    "vision",
    "user_data",
    "evals",
    "messages",
];
/// What a line of a batch has to have.
const LINE: [&str; 4] = ["custom_id", "method", "url", "body"];
/// Lists whose `limit` LiteLLM declares as a whole number.
const PAGED: [&str; 5] =
    ["alist_batches", "alist_fine_tuning_jobs", "avector_store_list", "alist_containers", "alist_skills"];
/// Files of a page at the most.
const FILES: i64 = 10_000;

/// Looks at a request. `body`: where it is known; `native`: its lines are in the provider's own words.
///
/// # Errors
/// 400 or 422, naming what is wrong.
pub(super) async fn request(call_type: &str, parts: &Parts, body: Option<Bytes>, native: bool) -> Result<()> {
    match (call_type, body) {
        ("acreate_file", Some(body)) => upload(&parts.headers, body, native).await,
        ("afile_list", _) => files(parts),
        (call_type, _) if PAGED.contains(&call_type) => validation::whole_number(parts, "limit").map(drop),
        ("acreate_batch", Some(body)) => {
            Top::parse(&body)?;
            let missing = missing(&body, &["input_file_id", "endpoint", "completion_window"]);
            missing.map_or(Ok(()), |name| Err(Error::bad_request(needed(name)).with_param(name)))
        }
        ("acreate_fine_tuning_job", Some(body)) => {
            // What is no JSON is the provider's to refuse.
            let Ok(top) = Top::parse(&body) else { return Ok(()) };
            validation::texts(&top, &["model", "training_file"], &["suffix", "validation_file"])
        }
        _ => Ok(()),
    }
}

fn needed(name: &str) -> String {
    format!("Missing required parameter: '{name}'.")
}

/// The first field that a body should have and has not.
fn missing(body: &[u8], wanted: &[&'static str]) -> Option<&'static str> {
    let top = Top::parse(body).ok()?;
    wanted.iter().find(|name| top.get(name).is_none_or(|value| value == "null")).copied()
}

/// A page of files has a bound of its own.
fn files(parts: &Parts) -> Result<()> {
    match validation::whole_number(parts, "limit")? {
        Some(limit) if !(1..=FILES).contains(&limit) => {
            let why = format!("Invalid 'limit': expected a value from 1 to {FILES}, but got {limit} instead.");
            Err(Error::bad_request(why).with_param("limit"))
        }
        _ => Ok(()),
    }
}

async fn upload(headers: &HeaderMap, body: Bytes, native: bool) -> Result<()> {
    let form = match crate::form::boundary(headers) {
        Some(boundary) => crate::form::whole(body, &boundary).await?,
        None => crate::form::Form::default(),
    };
    let fields: Json = serde_json::from_slice(&form.fields).unwrap_or_default();
    let purpose = fields.text("purpose");
    let without = purpose.is_none().then(|| Fault::missing("purpose", Json::Null));
    let faults: Vec<Fault> = without.into_iter().chain(validation::file("file", &fields, &form.files)).collect();
    let (Some(purpose), Some(file)) = (purpose, form.files.iter().find(|file| file.name == "file")) else {
        return Err(validation::refused(faults));
    };
    if !PURPOSES.contains(&purpose) {
        let why = format!("Invalid purpose: {purpose}. It has to be one of {}", PURPOSES.join(", "));
        return Err(Error::bad_request(why).with_param("purpose"));
    }
    named(file)?;
    expiry(&fields)?;
    if purpose == BATCH { requests(file, native) } else { Ok(()) }
}

/// A name may become a part of a path.
fn named(file: &FilePart) -> Result<()> {
    let name = file.filename.as_deref().unwrap_or_default();
    if name.contains('\0') || name.split(['/', '\\']).any(|part| part == "..") {
        return Err(Error::bad_request("the name of a file may not lead out of its folder").with_param("file"));
    }
    Ok(())
}

fn expiry(fields: &Json) -> Result<()> {
    let of = |name: &str| fields.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let wrong = |why: &str| Err(Error::bad_request(why).with_param("expires_after"));
    match (of("expires_after[anchor]"), of("expires_after[seconds]")) {
        (None, None) => Ok(()),
        (Some(anchor), Some(_)) if anchor != "created_at" => wrong("expires_after[anchor] has to be 'created_at'"),
        (Some(_), Some(seconds)) if seconds.parse::<i64>().is_err() => {
            wrong("expires_after[seconds] has to be an integer")
        }
        (Some(_), Some(_)) => Ok(()),
        _ => wrong("expires_after has both an anchor and seconds"),
    }
}

/// The file of a batch: a name that says what it is, and requests.
fn requests(file: &FilePart, native: bool) -> Result<()> {
    let name = file.filename.as_deref().unwrap_or_default();
    let wrong = |why: String| Err(Error::bad_request(format!("{why}. The file was not passed on")).with_param("file"));
    if !name.to_ascii_lowercase().ends_with(".jsonl") {
        return wrong(format!("the file of a batch is a .jsonl file, and this is '{name}'"));
    }
    let mut none = true;
    for (at, line) in file.data.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        none = false;
        let Ok(top) = Top::parse(line) else {
            let kind = if serde_json::from_slice::<IgnoredAny>(line).is_ok() { "a JSON object" } else { "valid JSON" };
            return wrong(format!("line {} of the file is not {kind}", at + 1));
        };
        let wanted: &[&str] = if native { &["request"] } else { &LINE };
        if let Some(key) = wanted.iter().find(|key| top.get(key).is_none()) {
            let why = format!("{} Line {} of the file has none. The file was not passed on", needed(key), at + 1);
            return Err(Error::bad_request(why).with_param(*key));
        }
    }
    if none { wrong("the file of a batch has no requests".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, data: &str) -> FilePart {
        let data = Bytes::copy_from_slice(data.as_bytes());
        FilePart { name: "file".into(), filename: Some(name.into()), data, ..FilePart::default() }
    }

    #[test]
    fn lines_of_batches_are_requests() {
        let line = r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}"#;
        let told = |name: &str, data: &str| requests(&file(name, data), false).map_err(|e| e.param.unwrap_or_default());
        assert_eq!(told("a.JSONL", &format!("{line}\r\n\n{line}\n")), Ok(()));
        for (name, data, param) in [
            ("a.txt", line, "file"),
            ("a.jsonl", " \n\n", "file"),
            ("a.jsonl", "nonsense", "file"),
            ("a.jsonl", "[1]", "file"),
            ("a.jsonl", r#"{"custom_id":"a","method":"POST","body":{}}"#, "url"),
        ] {
            assert_eq!(told(name, data), Err(param.to_owned()), "{name} {data}");
        }
        assert!(requests(&file("a.jsonl", r#"{"request":{}}"#), true).is_ok());
        assert!(named(&file("../a.jsonl", "")).is_err() && named(&file("a..b/c.txt", "")).is_ok());
    }

    #[test]
    fn bodies_have_what_they_need() {
        let of = |body: &str| missing(body.as_bytes(), &["input_file_id", "endpoint"]);
        assert_eq!(of(r#"{"endpoint":"x","input_file_id":"f"}"#), None);
        assert_eq!(of(r#"{"endpoint":"x","input_file_id":null}"#), Some("input_file_id"));
        assert_eq!(of("no JSON: the provider says so"), None);
    }
}
