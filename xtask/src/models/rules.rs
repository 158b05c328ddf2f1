//! `data/models.rules.toml` as Rust.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::fields::capability;

#[derive(Deserialize)]
struct File {
    family: Vec<Family>,
    #[serde(flatten)]
    providers: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    inclusive_thresholds: Option<bool>,
    one_column: Option<bool>,
    cached_share: Option<f64>,
    flat: Option<bool>,
    uniform_input: Option<bool>,
    trust_reported: Option<bool>,
    web_search: Option<f64>,
    file_search: Option<f64>,
    storage_gb_day: Option<f64>,
    computer: Option<(f64, f64)>,
    shorten: Option<Shorten>,
    label_prefix: Option<String>,
    borrow: Option<Vec<String>>,
    any_label: Option<bool>,
    sizes: Option<Vec<(f64, String)>>,
    expert_sizes: Option<Vec<(f64, String)>>,
    unsized_entry: Option<String>,
    router_words: Option<Vec<String>>,
    router_entry: Option<String>,
    affixes: Option<Vec<(String, String)>>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Shorten {
    No,
    Version,
    Aws,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    shape: String,
    from: Option<(u32, u32)>,
    to: Option<(u32, u32)>,
    provider: Option<String>,
    #[serde(default)]
    facts: Facts,
    #[serde(default)]
    supports: Vec<String>,
    #[serde(default)]
    fills: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Facts {
    mode: Option<String>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    /// Legacy twin of `max_output_tokens`.
    #[serde(rename = "max_tokens")]
    _max_tokens: Option<u64>,
}

pub(super) fn source(text: &str) -> Result<String> {
    let file: File = toml::from_str(text).context("data/models.rules.toml")?;
    let mut out = String::from(
        "//! Made by `cargo xtask codegen` from data/models.rules.toml. Do not edit.

use crate::{
    Capability, Rules, Shorten, SizeClass,
    family::{Family, Shape},
};

/// Rules by provider id, sorted.
pub(crate) static RULES: &[(&str, Rules)] = &[
",
    );
    for (provider, row) in &file.providers {
        let _ = writeln!(out, "({provider:?}, Rules {{ {} ..Rules::DEFAULT }}),", row.fields());
    }
    out.push_str("];\n\n/// What is known of model families.\npub(crate) static FAMILIES: &[Family] = &[\n");
    for family in &file.family {
        let _ = writeln!(out, "{},", family.literal());
    }
    out.push_str("];\n");
    Ok(out)
}

impl Row {
    fn fields(&self) -> String {
        let mut out = String::new();
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(out, "{name}: {value},");
            }
        };
        field("inclusive_thresholds", self.inclusive_thresholds.map(|v| v.to_string()));
        field("one_column", self.one_column.map(|v| v.to_string()));
        field("cached_share", self.cached_share.map(number));
        field("flat", self.flat.map(|v| v.to_string()));
        field("uniform_input", self.uniform_input.map(|v| v.to_string()));
        field("trust_reported", self.trust_reported.map(|v| v.to_string()));
        field("web_search", self.web_search.map(number));
        field("file_search", self.file_search.map(number));
        field("storage_gb_day", self.storage_gb_day.map(number));
        field("computer", self.computer.map(|(a, b)| format!("({}, {})", number(a), number(b))));
        field("shorten", self.shorten.as_ref().map(|v| format!("Shorten::{v:?}")));
        field("label_prefix", self.label_prefix.as_ref().map(|v| format!("{v:?}")));
        field("borrow", self.borrow.as_ref().map(|v| format!("&{v:?}")));
        field("any_label", self.any_label.map(|v| v.to_string()));
        field("sizes", self.sizes.as_deref().map(sizes));
        field("expert_sizes", self.expert_sizes.as_deref().map(sizes));
        field("unsized_entry", self.unsized_entry.as_ref().map(|v| format!("{v:?}")));
        field("router_words", self.router_words.as_ref().map(|v| format!("&{v:?}")));
        field("router_entry", self.router_entry.as_ref().map(|v| format!("{v:?}")));
        field("affixes", self.affixes.as_ref().map(|v| format!("&{v:?}")));
        out
    }
}

impl Family {
    fn literal(&self) -> String {
        let supports: Vec<String> =
            self.supports.iter().map(|name| format!("Capability::{}", capability(name))).collect();
        let limits = self.facts.max_input_tokens.zip(self.facts.max_output_tokens);
        format!(
            "Family {{ shape: Shape::{}, from: {:?}, to: {:?}, provider: {:?}, mode: {:?}, limits: {:?}, supports: &[{}], fills: &{:?} }}",
            capability(&self.shape),
            self.from,
            self.to,
            self.provider,
            self.facts.mode,
            limits,
            supports.join(", "),
            self.fills,
        )
    }
}

fn number(value: f64) -> String {
    if value.is_infinite() { "f64::INFINITY".to_owned() } else { format!("{value:?}") }
}

fn sizes(classes: &[(f64, String)]) -> String {
    let entries = classes
        .iter()
        .map(|(billions, entry)| format!("SizeClass {{ billions: {}, entry: {entry:?} }}", number(*billions)));
    format!("&[{}]", entries.collect::<Vec<_>>().join(", "))
}
