//! The model catalog: importing LiteLLM's price map into `data/models.jsonl`, and packing that into `llm-catalog`.

mod entry;
mod fields;
mod rules;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use entry::Entry;
use llm_catalog::pack::Packer;
use serde_json::{Map, Value};

use crate::generated::{Generated, root};

const DATA: &str = "data/models.jsonl";
const RULES: &str = "data/models.rules.toml";
const TARGET: &str = "crates/llm-catalog/src/generated";

/// Reads LiteLLM's price map (`model_prices_and_context_window.json`) and writes [`DATA`]. Returns the number of models.
///
/// The map's template (`sample_spec`) and its rules for unknown names are no models and are left out; our own rules are
/// in [`RULES`].
pub(crate) fn import(file: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let map: Map<String, Value> = serde_json::from_str(&text).context("not a price map")?;
    let mut entries = BTreeMap::new();
    for (name, fields) in map {
        if matches!(name.as_str(), "sample_spec" | "fallback_generalizations") {
            continue;
        }
        let Value::Object(fields) = fields else { bail!("{name}: not an object") };
        entries.insert(name.clone(), Entry::import(name, fields));
    }
    let mut out = String::new();
    for entry in entries.values() {
        out.push_str(&serde_json::to_string(entry)?);
        out.push('\n');
    }
    std::fs::write(root().join(DATA), out)?;
    Ok(entries.len())
}

/// Everything that is generated from [`DATA`] and [`RULES`].
pub(crate) fn generate() -> Result<Vec<Generated>> {
    let models = read()?;
    let names = fields::names(models.values());
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut packer = Packer::new(&known);
    for (name, fields) in &models {
        packer.add(name, fields)?;
    }
    let table = packer.pack("Made by `cargo xtask codegen` from data/models.jsonl.")?;
    let rules = std::fs::read_to_string(root().join(RULES)).context(RULES)?;
    Ok(vec![
        Generated::rust(&format!("{TARGET}/fields.rs"), &fields::source(&names))?,
        Generated::rust(&format!("{TARGET}/rules.rs"), &rules::source(&rules)?)?,
        Generated::rust(&format!("{TARGET}/models.rs"), &table_source(&table))?,
        Generated { path: format!("{TARGET}/models.txt").into(), content: table.text().into() },
        Generated { path: format!("{TARGET}/models.bin").into(), content: table.bytes().into() },
    ])
}

/// [`DATA`] in LiteLLM's shape.
fn read() -> Result<BTreeMap<String, Map<String, Value>>> {
    let text = std::fs::read_to_string(root().join(DATA)).context(DATA)?;
    let mut models = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let entry: Entry = serde_json::from_str(line).with_context(|| format!("{DATA}:{}", number + 1))?;
        let (name, fields) = entry.export();
        models.insert(name, fields);
    }
    Ok(models)
}

fn table_source(table: &llm_catalog::Table) -> String {
    let llm_catalog::Counts { models, cells, values, names } = table.counts();
    format!(
        "//! Made by `cargo xtask codegen` from {DATA}. Do not edit.

use crate::table::{{Counts, Table}};

/// The built-in models.
pub(crate) static TABLE: Table = Table::from_static(
    include_str!(\"models.txt\"),
    include_bytes!(\"models.bin\"),
    Counts {{ models: {models}, cells: {cells}, values: {values}, names: {names} }},
);
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_up_to_date() {
        let files = generate().unwrap();
        assert_eq!(crate::generated::stale(&files), Vec::<&Path>::new(), "run `cargo xtask codegen`");
    }

    #[test]
    fn the_table_gives_back_every_fact() {
        let models = read().unwrap();
        let catalog = llm_catalog::Catalog::builtin();
        assert_eq!(catalog.len(), models.len());
        for (name, fields) in &models {
            assert_eq!(&catalog.get(name).unwrap().to_json(), fields, "{name}");
        }
    }
}
