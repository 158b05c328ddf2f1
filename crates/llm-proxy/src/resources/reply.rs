//! Answers whose ids name the model group that keeps what they stand for.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use llm_types::Json;
use llm_wire::ids;

/// Fields that hold ids of files and batches.
const IDS: [&str; 8] = [
    "id",
    "input_file_id",
    "output_file_id",
    "error_file_id",
    "first_id",
    "last_id",
    "training_file",
    "validation_file",
];

/// True for answers in JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|kind| kind.contains("json"))
}

/// The answer with ids that name the group. What is no JSON object stays.
pub(super) fn marked(body: &Bytes, group: &str) -> Bytes {
    let Ok(mut tree) = serde_json::from_slice::<Json>(body) else { return body.clone() };
    mark(&mut tree, group);
    Bytes::from(tree.to_string())
}

fn mark(tree: &mut Json, group: &str) {
    let Json::Object(fields) = tree else { return };
    for (name, value) in fields {
        match value {
            Json::String(id) if IDS.contains(&name.as_str()) && keeps(id) => *id = ids::encode(id, group),
            Json::Array(items) if name == "data" => items.iter_mut().for_each(|item| mark(item, group)),
            _ => {}
        }
    }
}

/// As [`marked`], for answers that were told anew: their ids have forms of other houses.
pub(super) fn marked_anew(body: &Bytes, group: &str) -> Bytes {
    let Ok(mut tree) = serde_json::from_slice::<Json>(body) else { return body.clone() };
    mark_anew(&mut tree, group);
    Bytes::from(tree.to_string())
}

fn mark_anew(tree: &mut Json, group: &str) {
    let batch = tree.text("object") == Some("batch");
    let Json::Object(fields) = tree else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("id", Json::String(id)) if batch => *id = ids::encode_batch(id, group),
            // only batches are listed
            ("first_id" | "last_id", Json::String(id)) => *id = ids::encode_batch(id, group),
            ("id" | "input_file_id" | "output_file_id", Json::String(id)) if !matches!(id.as_str(), "" | "None") => {
                *id = ids::encode(id, group);
            }
            ("data", Json::Array(items)) => items.iter_mut().for_each(|item| mark_anew(item, group)),
            _ => {}
        }
    }
}

/// Files and batches have such ids; jobs and lines of logs have others.
fn keeps(id: &str) -> bool {
    (id.starts_with("file") || id.starts_with("batch") || id.starts_with("assistant-")) && ids::decode(id).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_objects_and_lists_are_marked() {
        let body = br#"{"id":"batch_1","input_file_id":"file-a","output_file_id":null,"model":"m","data":[{"id":"file-b","n":1.50}]}"#;
        let out = marked(&Bytes::from_static(body), "g");
        let json: Json = serde_json::from_slice(&out).unwrap();
        let id = |json: &Json, name: &str| json.text(name).map(str::to_owned).unwrap();
        assert_eq!(ids::decode(&id(&json, "id")), Some(("batch_1".to_owned(), "g".to_owned())));
        assert_eq!(ids::decode(&id(&json, "input_file_id")).unwrap().0, "file-a");
        assert!(id(&json.get("data").unwrap().as_array().unwrap()[0], "id").starts_with("file-bGl0ZWxsbT"));
        assert!(String::from_utf8_lossy(&out).contains("\"output_file_id\":null,\"model\":\"m\""));
    }

    #[test]
    fn ids_of_other_houses_are_marked() {
        let body = br#"{"object":"list","data":[{"id":"msgbatch_1","object":"batch","input_file_id":"None","output_file_id":"gs://b/o"}],"first_id":"msgbatch_1"}"#;
        let json: Json = serde_json::from_slice(&marked_anew(&Bytes::from_static(body), "g")).unwrap();
        let text = |json: &Json, name: &str| json.text(name).map(str::to_owned).unwrap();
        let batch = &json.get("data").unwrap().as_array().unwrap()[0];
        assert!(text(batch, "id").starts_with("batch_") && text(batch, "id") == text(&json, "first_id"));
        assert_eq!(ids::decode(&text(batch, "id")), Some(("msgbatch_1".to_owned(), "g".to_owned())));
        assert_eq!(text(batch, "input_file_id"), "None");
        assert_eq!(ids::decode(&text(batch, "output_file_id")).unwrap().0, "gs://b/o");
    }
}
