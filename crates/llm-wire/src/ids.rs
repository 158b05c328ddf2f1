//! Ids of files, batches and fine-tuning jobs that name the model group whose deployment keeps them, as LiteLLM writes them:
//! `file-`, `batch_` or (here only) `ftjob-`, and base64 of `litellm:{id};model,{group}`.

mod made;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use made::{Made, MadeId, decode_made, encode_made};

/// What the base64 of `litellm:` begins with, whatever follows.
const START: &str = "bGl0ZWxsbT";
const PREFIXES: [&str; 3] = ["file-", "batch_", "ftjob-"];

/// An id for clients.
#[must_use]
pub fn encode(id: &str, group: &str) -> String {
    let job = id.starts_with("ftjob") || id.contains("/tuningJobs/");
    coded(
        if id.starts_with("batch") {
            "batch_"
        } else if job {
            "ftjob-"
        } else {
            "file-"
        },
        id,
        group,
    )
}

/// An id for clients, of a batch whose own id does not say that it is one.
#[must_use]
pub fn encode_batch(id: &str, group: &str) -> String {
    coded("batch_", id, group)
}

fn coded(prefix: &str, id: &str, group: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(format!("litellm:{id};model,{group}")))
}

/// Before everything else in ids of files that several groups keep.
const MANAGED: &str = "litellm_proxy:";

/// An id for clients, of a file that several groups keep, as LiteLLM writes it. `unique` is a text that no other has.
#[must_use]
pub fn encode_managed(unique: &str, groups: &[String]) -> String {
    let groups = groups.join(",");
    let plain = format!("{MANAGED}application/octet-stream;unified_id,{unique};target_model_names,{groups}");
    URL_SAFE_NO_PAD.encode(plain)
}

/// The groups that keep a file; nothing for ids of others.
#[must_use]
pub fn decode_managed(id: &str) -> Option<Vec<String>> {
    let plain = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
    let text = String::from_utf8(plain).ok()?;
    let names = text.strip_prefix(MANAGED)?.split(';').find_map(|field| field.strip_prefix("target_model_names,"))?;
    Some(names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

/// The upstream's id and the group of an id; nothing for ids of others.
#[must_use]
pub fn decode(id: &str) -> Option<(String, String)> {
    let coded = PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix))?;
    let plain = URL_SAFE_NO_PAD.decode(coded.trim_end_matches('=')).ok()?;
    let text = String::from_utf8(plain).ok()?;
    let (id, group) = text.strip_prefix("litellm:")?.split_once(";model,")?;
    (!id.is_empty() && !group.is_empty()).then(|| (id.to_owned(), group.to_owned()))
}

/// A text (a path, a body) with the upstream's ids in the place of ours, and the group that they name. Ids of several
/// groups cannot be meant by one request: the first one counts, the others stay.
#[must_use]
pub fn resolved(text: &str) -> (Cow<'_, str>, Option<String>) {
    let mut group: Option<String> = None;
    let mut out = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(START)).map(|at| at + from) {
        from = at + START.len();
        let head = text.get(..at).unwrap_or_default();
        let Some(prefix) = PREFIXES.iter().find(|prefix| head.ends_with(*prefix)) else { continue };
        let begin = at - prefix.len();
        let coded = text.get(at..).unwrap_or_default();
        let len = coded.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(coded.len());
        let Some((id, named)) = text.get(begin..at + len).and_then(decode) else { continue };
        if group.as_deref().is_some_and(|g| g != named) {
            continue;
        }
        group = Some(named);
        out.push_str(text.get(copied..begin).unwrap_or_default());
        out.push_str(&id);
        copied = at + len;
        from = copied;
    }
    if group.is_none() {
        return (Cow::Borrowed(text), None);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    (Cow::Owned(out), group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_the_group() {
        let file = encode("file-abc", "gpt-4o/eu");
        assert_eq!(file, "file-bGl0ZWxsbTpmaWxlLWFiYzttb2RlbCxncHQtNG8vZXU");
        assert_eq!(decode(&file), Some(("file-abc".to_owned(), "gpt-4o/eu".to_owned())));
        let batch = encode("batch_1", "g");
        assert!(batch.starts_with("batch_") && decode(&batch).unwrap().0 == "batch_1");
        for other in ["file-abc", "batch_1", "", "file-bGl0ZWxsbTp4", "resp_bGl0ZWxsbTpmaWxlLWFiYzttb2RlbCxn"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }

    #[test]
    fn ids_are_resolved_inside_of_texts() {
        let (a, b) = (encode("file-a", "g"), encode("batch_b", "g"));
        let text = format!("{{\"input_file_id\":\"{a}\",\"x\":[\"{b}\",\"file-plain\"]}}");
        let (out, group) = resolved(&text);
        assert_eq!(out, r#"{"input_file_id":"file-a","x":["batch_b","file-plain"]}"#);
        assert_eq!(group.as_deref(), Some("g"));
        let path = format!("/v1/files/{a}/content");
        assert_eq!(resolved(&path).0, "/v1/files/file-a/content");
        assert_eq!(resolved("/v1/files/file-x"), (Cow::Borrowed("/v1/files/file-x"), None));
    }

    #[test]
    fn ids_name_several_groups() {
        let id =
            encode_managed("c4843482-b176-4901-8292-7523fd0f2c6e", &["gpt-4o-mini".to_owned(), "gemini".to_owned()]);
        assert!(id.starts_with("bGl0ZWxsbV9wcm94eTph"), "{id}");
        assert_eq!(decode_managed(&id).unwrap(), ["gpt-4o-mini", "gemini"]);
        assert_eq!(decode_managed(&format!("{id}==")).unwrap().len(), 2);
        for other in ["file-abc", "", "bGl0ZWxsbTp4"] {
            assert_eq!(decode_managed(other), None, "{other}");
        }
    }
}
