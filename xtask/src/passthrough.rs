//! `data/passthrough.toml` becomes `crates/llm-providers/src/generated/mounts.rs`.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use serde::Deserialize;

use crate::generated::{Generated, root};

/// Where the table is.
const SOURCE: &str = "data/passthrough.toml";
/// What is made of it.
const TARGET: &str = "crates/llm-providers/src/generated/mounts.rs";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    mount: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    path: String,
    #[serde(default)]
    also: Vec<String>,
    provider: String,
    base: Option<String>,
    #[serde(default)]
    base_env: Vec<String>,
    #[serde(default)]
    key_env: Vec<String>,
    #[serde(default)]
    key_optional: bool,
    #[serde(default)]
    headers: IndexMap<String, String>,
    query: Option<String>,
    basic: Option<String>,
    #[serde(default)]
    own_key: bool,
    #[serde(default)]
    by_model: bool,
    #[serde(default)]
    admin: bool,
    indexes: Option<String>,
    scheme: Option<String>,
    live: Option<String>,
    #[serde(default)]
    live_only: bool,
    target: Option<String>,
    #[serde(default)]
    prices: IndexMap<String, u32>,
}

/// The generated file.
///
/// # Errors
/// When the table cannot be read or contradicts itself.
pub(crate) fn generate() -> Result<Vec<Generated>> {
    let source = std::fs::read_to_string(root().join(SOURCE)).context(SOURCE)?;
    Ok(vec![Generated::rust(TARGET, &mounts(&source)?)?])
}

fn mounts(toml: &str) -> Result<String> {
    let table: Table = toml::from_str(toml).context(SOURCE)?;
    let mut out = String::from(
        "// Generated from data/passthrough.toml by `cargo xtask codegen`. Do not edit.\n\n\
         use crate::passthrough::{AwsJson, Indexes, Live, Mount, Scheme};\nuse crate::row::Header;\n\n\
         /// Where providers are mounted; longer paths come before those that they lie below.\n\
         pub(crate) static MOUNTS: &[Mount] = &[\n",
    );
    let mut rows: Vec<(&str, &Row)> =
        table.mount.iter().flat_map(|r| r.also.iter().chain([&r.path]).map(move |p| (p.as_str(), r))).collect();
    rows.sort_by_key(|(path, _)| (std::cmp::Reverse(path.matches('/').count()), *path));
    ensure!(rows.windows(2).all(|w| w.first().map(|r| r.0) != w.last().map(|r| r.0)), "a path stands there twice");
    for (path, row) in rows {
        write(path, row, &mut out).with_context(|| format!("mount {path:?}"))?;
    }
    out.push_str("];\n");
    Ok(out)
}

fn write(path: &str, row: &Row, out: &mut String) -> Result<()> {
    let list = |items: &[String]| format!("&{items:?}");
    let some = |text: &Option<String>| text.as_ref().map_or_else(|| "None".to_owned(), |t| format!("Some({t:?})"));
    let service;
    let scheme = match row.scheme.as_deref() {
        None | Some("plain") => "Plain",
        Some("azure") => "Azure",
        Some("bedrock") => "Bedrock",
        Some("vertex") => "Vertex",
        Some("discovery") => "Discovery",
        Some("langfuse") => "Langfuse",
        Some("provider") => "Provider",
        Some("aws_json") => {
            service = aws_json(row)?;
            &service
        }
        Some(other) => bail!("there is no scheme {other:?}"),
    };
    let live = match row.live.as_deref() {
        None => "None",
        Some("openai") => "Some(Live::OpenAi)",
        Some("deepgram") => "Some(Live::Deepgram)",
        Some("gemini") => "Some(Live::Gemini)",
        Some(other) => bail!("there is no language {other:?} of sessions"),
    };
    let indexes = match row.indexes.as_deref() {
        None => "None",
        Some("path") => "Some(Indexes::Path)",
        Some("body") => "Some(Indexes::Body)",
        Some(other) => bail!("there is no place {other:?} for the name of an index"),
    };
    ensure!(row.live.is_some() || !row.live_only, "only sessions, and none");
    let one_path = row.scheme.as_deref() == Some("aws_json");
    ensure!(one_path || row.target.is_none() && row.prices.is_empty(), "`target` and `prices` belong to aws_json");
    let headers: Vec<String> =
        row.headers.iter().map(|(name, value)| format!("Header {{ name: {name:?}, value: {value:?} }}")).collect();
    let shows = !headers.is_empty() || row.query.is_some() || row.basic.is_some();
    ensure!(shows || row.key_env.is_empty(), "a key without a place to show it");
    writeln!(
        out,
        "Mount {{ path: {path:?}, route: {:?}, provider: {:?}, base: {}, base_env: {}, key_env: {}, key_optional: {}, \
         headers: &[{}], query: {}, basic: {}, own_key: {}, by_model: {}, admin: {}, indexes: {indexes}, \
         scheme: Scheme::{scheme}, \
         live: {live}, live_only: {} }},",
        format!("/{path}/{{endpoint}}"),
        row.provider,
        some(&row.base),
        list(&row.base_env),
        list(&row.key_env),
        row.key_optional,
        headers.join(", "),
        some(&row.query),
        some(&row.basic),
        row.own_key,
        row.by_model,
        row.admin,
        row.live_only,
    )?;
    Ok(())
}

fn aws_json(row: &Row) -> Result<String> {
    let target = row.target.as_ref().context("aws_json needs a `target`")?;
    let prices: Vec<_> = row.prices.iter().collect();
    Ok(format!("AwsJson(AwsJson {{ target: {target:?}, prices: &{prices:?} }})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_mounts_are_fresh() {
        let files = generate().unwrap();
        assert!(crate::generated::stale(&files).is_empty(), "run `cargo xtask codegen`");
    }

    #[test]
    fn contradictions_are_named() {
        assert!(mounts("[[mount]]\npath = \"x\"\nprovider = \"x\"\nscheme = \"magic\"").is_err());
        assert!(mounts("[[mount]]\npath = \"x\"\nprovider = \"x\"\nscheme = \"aws_json\"").is_err());
        assert!(mounts("[[mount]]\npath = \"x\"\nprovider = \"x\"\ntarget = \"t\"").is_err());
        assert!(mounts("[[mount]]\npath = \"x\"\nprovider = \"x\"\nkey_env = [\"K\"]").is_err());
        assert!(mounts("[[mount]]\npath = \"x\"\nalso = [\"x\"]\nprovider = \"x\"").is_err());
    }
}
