//! Files are the cases: `fixtures/anthropic-messages` for what is read and written back, `cases` for requests of chat
//! clients and what becomes of them. `UPDATE=1` rewrites the expected parts.

mod cases;
mod replies;
mod round_trip;
mod streams;

use std::path::{Path, PathBuf};

use llm_types::Json;

/// The fixtures with this ending, as (name, text).
fn fixtures(ending: &str) -> Vec<(String, String)> {
    let found = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/anthropic-messages"), ending);
    assert!(found.len() > 5, "no fixtures {ending}");
    found.into_iter().map(|p| (name(&p), std::fs::read_to_string(p).unwrap())).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<PathBuf> = all.filter(|p| p.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn json(text: &[u8]) -> Json {
    serde_json::from_slice(text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(text)))
}

/// The tree with the keys of its outer objects sorted: their order is free, that of schemas and inputs is not.
fn sorted(tree: &Json) -> Json {
    match tree {
        Json::Object(fields) => {
            let mut fields: Vec<(String, Json)> =
                fields.iter().map(|(k, v)| (k.clone(), if is_raw(k) { v.clone() } else { sorted(v) })).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(fields)
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn is_raw(key: &str) -> bool {
    matches!(key, "input_schema" | "input" | "schema" | "metadata" | "usage")
}
