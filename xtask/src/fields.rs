//! `data/fields.toml` → `docs/fidelity.md`: what becomes of each field of a chat request in each format.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use llm_types::{Field, Format};
use serde::Deserialize;

use crate::generated::{Generated, root};

const SOURCE: &str = "data/fields.toml";
const TARGET: &str = "docs/fidelity.md";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    formats: Vec<String>,
    field: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    degree: Degree,
    /// Only for the test that compares the table with the codecs.
    #[serde(rename = "example")]
    _example: String,
    #[serde(rename = "with")]
    _with: Option<String>,
    #[serde(default)]
    left_out: Vec<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Degree {
    /// Without it the answer differs in degree.
    Tuning,
    /// Without it the answer is another answer.
    Meaning,
}

/// The generated page.
///
/// # Errors
/// When the table cannot be read, or names what is not there.
pub(crate) fn generate() -> Result<Vec<Generated>> {
    let source = std::fs::read_to_string(root().join(SOURCE)).context(SOURCE)?;
    let table: Table = toml::from_str(&source).context(SOURCE)?;
    for format in &table.formats {
        Format::from_name(format).with_context(|| format!("there is no format {format:?}"))?;
    }
    for row in &table.field {
        Field::from_name(&row.name).with_context(|| format!("there is no field {:?}", row.name))?;
        for format in &row.left_out {
            ensure!(table.formats.contains(format), "{}: {format:?} is not among the formats", row.name);
        }
    }
    Ok(vec![Generated { path: TARGET.into(), content: page(&table)?.into_bytes() }])
}

fn page(table: &Table) -> Result<String> {
    let mut out = String::from(
        "<!-- Made by `cargo xtask codegen` from data/fields.toml. Do not edit. -->\n\n# Fidelity\n\n\
         What becomes of the fields of a chat request on the way to a model host, by the language that the host speaks.\n\n\
         - **mapped**: written in the host's own words, or handed on as it is.\n\
         - *tuning*: left out; the answer differs in degree.\n\
         - **meaning**: left out; the answer is another answer.\n\n\
         A field that a provider does not take is refused (400 `UnsupportedParamsError`) unless `drop_params` is on, whatever its\n\
         language could say; what was left out stands in the response header `x-llm-dropped-params`. Streams and their usage reports are asked for in every\n\
         language, where need be by the URL. A test encodes every field into\n\
         every language and compares with this table (`crates/llm-wire/tests/fidelity.rs`).\n\n",
    );
    writeln!(out, "| field | {} |", table.formats.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(table.formats.len()))?;
    for row in &table.field {
        let cell = |format: &String| match (row.left_out.contains(format), row.degree) {
            (false, _) => "mapped",
            (true, Degree::Tuning) => "*tuning*",
            (true, Degree::Meaning) => "**meaning**",
        };
        let cells: Vec<&str> = table.formats.iter().map(cell).collect();
        writeln!(out, "| `{}` | {} |", row.name, cells.join(" | "))?;
    }
    Ok(out)
}
