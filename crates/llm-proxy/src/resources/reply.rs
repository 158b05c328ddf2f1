//! Answers whose ids name the model group that keeps what they stand for.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use llm_types::{Json, RawJson};
use llm_wire::top::Top;
use llm_wire::{ids, interactions};

use super::Asked;
use super::table::Family;
use super::translated::id_in;

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

/// Calls that answer with what is in a file.
const CONTENTS: [&str; 3] = ["afile_content", "avector_store_file_content", "aretrieve_container_file_content"];

/// True for calls that answer with what is in a file.
pub(super) fn is_content(asked: &Asked<'_>) -> bool {
    CONTENTS.contains(&asked.what.call_type)
}

/// True where an answer in JSON has to be read: its ids name a group, it is told in other words, or it costs something.
pub(super) fn is_retold(asked: &Asked<'_>) -> bool {
    let Asked { what, home, .. } = asked;
    let by_group = home.group.is_some() && !is_content(asked);
    let by_house = what.family == Family::Files && home.target.provider.batches().is_some();
    by_group || by_house && what.call_type != "afile_content" || READ.contains(&what.call_type)
}

/// Interactions that are begun and thrown away, containers that are made: what they cost stands in a header.
const READ: [&str; 3] = ["acreate_interaction", "adelete_interaction", "acreate_container"];

/// An answer as clients see it.
pub(super) fn retold(asked: &Asked<'_>, body: Bytes) -> Bytes {
    let Asked { what, home, .. } = asked;
    if what.family == Family::Interactions {
        return interaction(asked, &body).unwrap_or(body);
    }
    let house = home.target.provider.batches().filter(|_| what.family == Family::Files);
    let body = house.and_then(|house| house.codec().file(&body)).map_or(body, |told| Bytes::from(told.to_string()));
    match (&home.group, &home.deployment) {
        (Some(_), Some(deployment)) if what.family == Family::Containers => {
            containers(&body, home.target.provider_id(), &deployment.id)
        }
        (Some(group), _) => marked(&body, group),
        (None, _) => body,
    }
}

/// The model by the client's name; what was thrown away, as LiteLLM says it.
fn interaction(asked: &Asked<'_>, body: &Bytes) -> Option<Bytes> {
    if asked.what.call_type == "adelete_interaction" {
        let id = id_in(asked.tail, "/interactions/", "");
        return Some(Bytes::from(interactions::deleted(&id).to_string()));
    }
    let quoted = RawJson::string(asked.shown?);
    let top = Top::parse(body).ok()?;
    top.get("model")?;
    Some(top.edited(&[("model", Some(quoted.get()))]))
}

/// Containers with ids that name who made them.
fn containers(body: &Bytes, provider: &str, deployment: &str) -> Bytes {
    let Ok(mut tree) = serde_json::from_slice::<Json>(body) else { return body.clone() };
    let name = |tree: &mut Json| {
        if tree.text("object").is_some_and(|kind| kind.starts_with("container") && kind != "container.file")
            && let Some(id) = tree.text("id").map(|id| ids::encode_made(ids::Made::Container, provider, deployment, id))
        {
            tree.set("id", id);
        }
    };
    name(&mut tree);
    if let Some(Json::Array(items)) = tree.get_mut("data") {
        items.iter_mut().for_each(name);
    }
    for place in ["first_id", "last_id"] {
        let id = tree.text(place).filter(|id| id.starts_with("cntr_"));
        if let Some(id) = id.map(|id| ids::encode_made(ids::Made::Container, provider, deployment, id)) {
            tree.set(place, id);
        }
    }
    Bytes::from(tree.to_string())
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
            ("id" | "input_file_id" | "output_file_id" | "training_file" | "validation_file", Json::String(id))
                if !matches!(id.as_str(), "" | "None") =>
            {
                *id = ids::encode(id, group);
            }
            ("data", Json::Array(items)) => items.iter_mut().for_each(|item| mark_anew(item, group)),
            _ => {}
        }
    }
}

/// Files, batches and fine-tuning jobs have such ids; lines of logs have others.
fn keeps(id: &str) -> bool {
    (["file", "batch", "assistant-", "ftjob"].iter().any(|kind| id.starts_with(kind))) && ids::decode(id).is_none()
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
