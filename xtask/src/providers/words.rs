//! Words and sets, as Rust.

use anyhow::{Context, Result};
use indexmap::IndexMap;

pub(super) fn quirk_set(quirks: &[String]) -> String {
    format!("Quirks::of({})", list(quirks.iter().map(|q| format!("Q::{}", camel(q)))))
}

/// The set of the named fields; a name with `@` is a parameter set.
pub(super) fn field_set(fields: &[String]) -> String {
    let plain: Vec<_> = fields.iter().filter(|f| !f.starts_with('@')).collect();
    let mut sets: Vec<String> = fields.iter().filter_map(|f| f.strip_prefix('@')).map(set_name).collect();
    if !plain.is_empty() {
        sets.push(format!("FieldSet::of({})", list(plain.iter().map(|f| format!("F::{}", camel(f))))));
    }
    let first = if sets.is_empty() { "FieldSet::EMPTY".to_owned() } else { sets.remove(0) };
    sets.into_iter().fold(first, |all, more| format!("{all}.union({more})"))
}

/// The fields that a list of names and sets means.
pub(super) fn members<'a>(fields: &'a [String], sets: &'a IndexMap<String, Vec<String>>) -> Result<Vec<&'a str>> {
    let mut all = Vec::new();
    for field in fields {
        match field.strip_prefix('@') {
            Some(name) => {
                let set = sets.get(name).with_context(|| format!("there is no parameter set {name:?}"))?;
                all.extend(set.iter().map(String::as_str));
            }
            None => all.push(field),
        }
    }
    Ok(all)
}

pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    format!("&[{}]", items.collect::<Vec<_>>().join(", "))
}

pub(super) fn text(value: &str) -> String {
    format!("{value:?}")
}

pub(super) fn some(value: &str) -> String {
    format!("Some({value:?})")
}

pub(super) fn camel(name: &str) -> String {
    let words = name.split(['_', '-']);
    words.filter_map(|w| w.split_at_checked(1)).map(|(first, rest)| first.to_uppercase() + rest).collect()
}

pub(super) fn set_name(name: &str) -> String {
    format!("{}_PARAMS", shout(name))
}

pub(super) fn shout(name: &str) -> String {
    let upper = name.to_uppercase().replace('-', "_");
    if upper.starts_with(|c: char| c.is_ascii_digit()) { format!("N{upper}") } else { upper }
}
