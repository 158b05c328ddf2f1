//! The generated enums: `Field` names every fact, `Capability` every flag that says what a model can do.

use std::{collections::BTreeSet, fmt::Write as _};

use llm_catalog::{DERIVED_FIELDS, pack::base_name};
use serde_json::{Map, Value};

/// Fields that `llm-catalog` names in its code, so that they exist even when no model of the day has them.
const ALWAYS: &[&str] = &[
    "annotation_cost_per_page",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "cache_read_input_audio_token_cost",
    "cache_read_input_image_token_cost",
    "cache_read_input_token_cost",
    "citation_cost_per_token",
    "code_interpreter_cost_per_session",
    "computer_use_input_cost_per_1k_tokens",
    "computer_use_output_cost_per_1k_tokens",
    "file_search_cost_per_1k_calls",
    "file_search_cost_per_gb_per_day",
    "google_maps_grounding_cost_per_query",
    "input_cost_per_audio_per_second",
    "input_cost_per_audio_token",
    "input_cost_per_character",
    "input_cost_per_image",
    "input_cost_per_image_token",
    "input_cost_per_pixel",
    "input_cost_per_query",
    "input_cost_per_second",
    "input_cost_per_token",
    "input_cost_per_video_per_second",
    "input_cost_per_video_per_second_above_15s_interval",
    "input_cost_per_video_per_second_above_8s_interval",
    "input_cost_per_video_token",
    "litellm_provider",
    "max_input_tokens",
    "max_output_tokens",
    "max_tokens",
    "mode",
    "ocr_cost_per_credit",
    "ocr_cost_per_page",
    "output_cost_per_audio_token",
    "output_cost_per_character",
    "output_cost_per_image",
    "output_cost_per_image_0.5K",
    "output_cost_per_image_1024",
    "output_cost_per_image_1536",
    "output_cost_per_image_1K",
    "output_cost_per_image_2K",
    "output_cost_per_image_4K",
    "output_cost_per_image_512",
    "output_cost_per_image_token",
    "output_cost_per_pixel",
    "output_cost_per_reasoning_token",
    "output_cost_per_second",
    "output_cost_per_second_1080p",
    "output_cost_per_second_2k",
    "output_cost_per_second_480p",
    "output_cost_per_second_4k",
    "output_cost_per_second_720p",
    "output_cost_per_second_768p",
    "output_cost_per_token",
    "output_cost_per_video_per_second",
    "output_cost_per_video_token",
    "regional_endpoint_uplift_multiplier",
    "regional_processing_uplift_multiplier_eu",
    "regional_processing_uplift_multiplier_us",
    "supports_adaptive_thinking",
    "supports_legacy_thinking",
    "thinking_always_on",
    "vector_store_cost_per_gb_per_day",
    "web_search_billing_unit",
];

/// The sorted names of all fields. A field's number is its place.
pub(super) fn names<'m>(models: impl Iterator<Item = &'m Map<String, Value>>) -> Vec<String> {
    let mut names: BTreeSet<&str> = ALWAYS.iter().chain(DERIVED_FIELDS).copied().collect();
    names.extend(models.flat_map(|fields| fields.keys()).map(|name| base_name(name)));
    names.into_iter().map(str::to_owned).collect()
}

pub(super) fn source(names: &[String]) -> String {
    let mut out = String::from(
        "//! Made by `cargo xtask codegen` from data/models.jsonl. Do not edit.

/// A fact on a model, under LiteLLM's name without threshold and column suffix. Names with a colon are flattened from
/// nested facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Field {
",
    );
    for name in names {
        let _ = writeln!(out, "/// `{name}`\n{},", variant(name));
    }
    out.push_str(
        "}

impl Field {
    /// Every field, by number.
    pub const ALL: &[Self] = &[
",
    );
    for name in names {
        let _ = writeln!(out, "Self::{},", variant(name));
    }
    out.push_str("];\n/// Every field's name, by number: sorted.\npub const NAMES: &[&str] = &[\n");
    for name in names {
        let _ = writeln!(out, "{name:?},");
    }
    out.push_str(
        "];

    /// The field's number in a table.
    #[must_use]
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// LiteLLM's name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(usize::from(self.id())).copied().unwrap_or_default()
    }

    /// The field of a name without suffixes.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.binary_search(&name).ok().and_then(|place| Self::ALL.get(place).copied())
    }
}
",
    );
    capabilities(&mut out, names);
    out
}

fn capabilities(out: &mut String, names: &[String]) {
    let flags: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_capability(name)).collect();
    out.push_str(
        "
/// Something that a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
",
    );
    for name in &flags {
        let _ = writeln!(out, "/// `{name}`\n{},", capability(name));
    }
    out.push_str("}\n\nimpl Capability {\n/// Every capability.\npub const ALL: &[Self] = &[\n");
    for name in &flags {
        let _ = writeln!(out, "Self::{},", capability(name));
    }
    out.push_str("];\n\n/// The flag that says so.\n#[must_use]\npub const fn field(self) -> Field {\nmatch self {\n");
    for name in &flags {
        let _ = writeln!(out, "Self::{} => Field::{},", capability(name), variant(name));
    }
    out.push_str("}\n}\n}\n");
}

fn is_capability(name: &str) -> bool {
    name.starts_with("supports_") || name == "thinking_always_on"
}

/// Name of the `Capability` variant of a flag, given with or without `supports_`.
pub(super) fn capability(name: &str) -> String {
    variant(name.strip_prefix("supports_").unwrap_or(name))
}

fn variant(name: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => {
                out.push(if start { c.to_ascii_uppercase() } else { c });
                start = false;
            }
            '.' => {}
            _ => start = true,
        }
    }
    out
}
