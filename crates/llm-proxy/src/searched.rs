//! Vector stores that a request names, against what its caller may search (`object_permission.vector_stores`).

use llm_accounts::Identity;
use llm_types::{Json, Result};
use llm_wire::ids;
use llm_wire::top::Top;

/// Fields of a body below which stores are named: those of chat and Responses, of assistants, of retrieval.
const FIELDS: [&str; 5] = ["vector_store_ids", "vector_store_id", "tools", "tool_resources", "retrieval_config"];

/// Checks a body.
///
/// # Errors
/// 403 for a store that the caller may not search.
pub fn body(who: &Identity, top: &Top<'_>) -> Result<()> {
    if who.searches_all() {
        return Ok(());
    }
    let mut named = Vec::new();
    // A field that stands twice counts twice: whoever reads it may take either.
    for (name, raw) in top.iter().filter(|(name, _)| FIELDS.contains(name)) {
        if let Ok(json) = serde_json::from_str::<Json>(raw) {
            collect(name, &json, &mut named);
        }
    }
    named.iter().try_for_each(|id| one(who, id))
}

/// Checks one store, known by its own id or one of ours that names a model group.
///
/// # Errors
/// As [`body`].
pub fn one(who: &Identity, id: &str) -> Result<()> {
    let (plain, _) = ids::resolved(id);
    who.may_search(&[id, &plain])
}

/// The ids at any depth: in lists, in tools, in the resources of tools.
fn collect(name: &str, json: &Json, out: &mut Vec<String>) {
    match json {
        Json::String(id) if matches!(name, "vector_store_ids" | "vector_store_id") => out.push(id.clone()),
        Json::Array(items) => items.iter().for_each(|item| collect(name, item, out)),
        Json::Object(fields) => fields.iter().for_each(|(name, value)| collect(name, value, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let body = serde_json::from_str(
            r#"{"vector_store_ids":["a"],"tools":[{"type":"file_search","vector_store_ids":["b","c"]}],
               "tool_resources":{"file_search":{"vector_store_ids":["d"]}},"retrieval_config":{"vector_store_id":"e"},
               "messages":"vector_store_ids"}"#,
        );
        let mut out = Vec::new();
        collect("", &body.unwrap(), &mut out);
        assert_eq!(out, ["a", "b", "c", "d", "e"]);
    }
}
