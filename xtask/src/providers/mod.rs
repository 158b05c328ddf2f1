//! `data/providers.toml` becomes `crates/llm-providers/src/generated/rows.rs`.

mod put;
mod row;
mod words;

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use indexmap::IndexMap;

use crate::generated::{Generated, root};
use put::{auth, format_name, put_list, put_params, put_paths, put_tasks, write_tables};
use row::{NamedQuirks, Row, Table};
use words::{camel, field_set, list, quirk_set, set_name, shout, some, text};

/// Where the table is.
const SOURCE: &str = "data/providers.toml";
/// What is made of it.
const TARGET: &str = "crates/llm-providers/src/generated/rows.rs";

/// The generated files.
///
/// # Errors
/// When the table cannot be read or contradicts itself.
pub(crate) fn generate() -> Result<Vec<Generated>> {
    let source = std::fs::read_to_string(root().join(SOURCE)).context(SOURCE)?;
    Ok(vec![Generated::rust(TARGET, &rows(&source)?)?])
}

/// The generated file, not formatted yet.
///
/// # Errors
/// When the table cannot be read or contradicts itself; the row is named.
fn rows(toml: &str) -> Result<String> {
    let mut table: Table = toml::from_str(toml).context(SOURCE)?;
    table.provider.sort_by(|a, b| a.id.cmp(&b.id));
    let mut out = String::from(
        "// Generated from data/providers.toml by `cargo xtask codegen`. Do not edit.\n\n\
         use llm_types::{Field as F, FieldSet, Format, OperationKind};\n\n\
         use crate::provider::{Compatible, Provider};\n\
         use crate::quirk::{Quirk as Q, Quirks};\n\
         use crate::row::{Auth, BLANK, Cap, Header, ModelName, Paths, ProviderRow, RowFormat, Task};\n\n",
    );
    for (name, fields) in &table.params {
        writeln!(out, "/// The parameter set `{name}`.")?;
        writeln!(out, "pub(crate) const {}: FieldSet = {};\n", set_name(name), field_set(fields))?;
    }
    for row in &table.provider {
        write_row(row, &table.params, &mut out).with_context(|| format!("row {:?}", row.id))?;
    }
    write_tables(&table.provider, &mut out)?;
    Ok(out)
}

fn write_row(row: &Row, sets: &IndexMap<String, Vec<String>>, out: &mut String) -> Result<()> {
    let mut fields = Vec::new();
    let mut put = |key: &'static str, value: String| fields.push((key, value));
    put("id", text(&row.id));
    put("display_name", text(&row.name));
    put_list(&mut put, "prefixes", &row.prefixes);
    if let Some(base) = &row.base {
        put("api_base", some(base));
    }
    put_list(&mut put, "api_base_env", &row.base_env);
    put_list(&mut put, "api_key_env", &row.key_env);
    if let Some(auth) = auth(&row.auth)? {
        put("auth", auth);
    }
    if !row.headers.is_empty() {
        let all = row.headers.iter().map(|(k, v)| format!("Header {{ name: {}, value: {} }}", text(k), text(v)));
        put("headers", list(all));
    }
    match (&row.not_served, row.format.as_deref()) {
        (Some(format), None) => put("format", format!("RowFormat::NotServed({})", text(format))),
        (None, Some("anthropic")) => put("format", "RowFormat::Anthropic".into()),
        (None, None) => {}
        (None, Some(own)) => {
            put("format", "RowFormat::Own".into());
            put("chat_format", format_name(own)?);
        }
        (_, format) => bail!("a format {format:?} cannot stand here"),
    }
    if let Some(own) = &row.embed_format {
        put("embed_format", format_name(own)?);
    }
    put_tasks(row, &mut put)?;
    put_params(row, sets, &mut put)?;
    if !row.embed_params.is_empty() {
        put("embed_supported", field_set(&row.embed_params));
    }
    if !row.renames.is_empty() {
        put("renames", list(row.renames.iter().map(|(from, to)| format!("(F::{}, {})", camel(from), text(to)))));
    }
    if !row.quirks.is_empty() {
        put("quirks", quirk_set(&row.quirks));
    }
    if !row.quirks_for_model.is_empty() {
        let one = |n: &NamedQuirks| format!("({}, {})", list(n.like.iter().map(|l| text(l))), quirk_set(&n.quirks));
        put("quirks_like", list(row.quirks_for_model.iter().map(one)));
    }
    if !row.betas.is_empty() {
        put("betas", list(row.betas.iter().map(|(from, to)| format!("({}, {})", text(from), text(to)))));
    }
    match (&row.model_short, &row.model_dotted) {
        (Some(short), None) => put("model_name", format!("ModelName::Short({})", text(short))),
        (None, Some(dotted)) => put("model_name", format!("ModelName::Dotted({})", text(dotted))),
        (None, None) => {}
        _ => bail!("model_short and model_dotted exclude each other"),
    }
    put_paths(row, &mut put)?;
    if row.clean_reply {
        put("clean_reply", "true".into());
    }
    if let Some(proof) = &row.block_proof {
        put("block_proof", format!("Some({})", text(proof)));
    }
    put_list(&mut put, "hosts", &row.hosts);
    put_list(&mut put, "bare_models", &row.bare_models);
    writeln!(out, "pub(crate) static {}: ProviderRow = ProviderRow {{", shout(&row.id))?;
    for (key, value) in fields {
        writeln!(out, "    {key}: {value},")?;
    }
    out.push_str("    ..BLANK\n};\n\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_rows_are_fresh() {
        let files = generate().unwrap();
        assert!(crate::generated::stale(&files).is_empty(), "run `cargo xtask codegen`");
    }

    #[test]
    fn contradictions_are_named() {
        let row =
            |extra: &str| rows(&format!("[params]\nall = [\"seed\"]\n[[provider]]\nid = \"x\"\nname = \"X\"\n{extra}"));
        assert!(row("chat = \"/c\"\nparams = [\"@all\"]").is_ok());
        assert!(row("").is_err(), "neither a path nor not_served");
        assert!(row("chat = \"/c\"\nparams = [\"@all\"]\nparams_less = [\"tools\"]").is_err());
        assert!(row("chat = \"/c\"\nauth = \"magic\"").is_err());
    }
}
