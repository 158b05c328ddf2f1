//! `cargo xtask costs`: prices recorded calls and compares with the reference.

use std::{collections::BTreeMap, io::Write, path::Path};

use anyhow::{Context as _, Result};
use llm_catalog::{Catalog, CostOptions, cost};
use llm_types::{ServiceTier, Usage};
use serde::Deserialize;

/// A recorded call, with usage in LiteLLM's shape: `prompt_tokens` contains what was read from and written to caches.
#[derive(Deserialize)]
struct Row {
    model: String,
    provider: String,
    shape: String,
    usage: Recorded,
    service_tier: Option<String>,
    prompt_cost: f64,
    completion_cost: f64,
}

#[derive(Deserialize)]
struct Recorded {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: u64,
    #[serde(default)]
    cache_read_input_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Details,
    #[serde(default)]
    completion_tokens_details: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    cached_tokens: u64,
    audio_tokens: u64,
    image_tokens: u64,
    reasoning_tokens: u64,
}

impl Recorded {
    fn usage(&self) -> Usage {
        let (input, output) = (&self.prompt_tokens_details, &self.completion_tokens_details);
        let cache_read = self.cache_read_input_tokens.max(input.cached_tokens);
        let taken = cache_read + self.cache_creation_input_tokens + input.audio_tokens + input.image_tokens;
        Usage {
            input_text: self.prompt_tokens.saturating_sub(taken),
            cache_read,
            cache_write_5m: self.cache_creation_input_tokens,
            input_audio: input.audio_tokens,
            input_image: input.image_tokens,
            output_text: self.completion_tokens.saturating_sub(output.reasoning_tokens + output.audio_tokens),
            reasoning: output.reasoning_tokens,
            output_audio: output.audio_tokens,
            ..Usage::default()
        }
    }
}

/// The reference was recorded while the off-peak windows were open: a Saturday.
const RECORDED_AT: u64 = 1_795_262_400;

/// Prices every row of `file`, prints how many equal the reference, and groups those that do not.
pub(crate) fn run(out: &mut impl Write, file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let (mut equal, mut total) = (0_usize, 0_usize);
    for (number, line) in text.lines().enumerate() {
        let row: Row = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
        total += 1;
        match difference(&row) {
            None => equal += 1,
            Some(difference) => {
                groups.entry((row.provider, row.shape)).or_default().push(format!("{}: {difference}", row.model));
            }
        }
    }
    for ((provider, shape), rows) in &groups {
        writeln!(out, "{provider} {shape}: {} rows, e.g. {}", rows.len(), rows.first().map_or("", String::as_str))?;
    }
    writeln!(out, "costs: {equal}/{total} equal")?;
    Ok(())
}

fn difference(row: &Row) -> Option<String> {
    let Some(model) = Catalog::builtin().lookup_price(&row.provider, None, &row.model) else {
        return Some("unknown model".to_owned());
    };
    let service_tier = row.service_tier.as_deref().and_then(ServiceTier::parse);
    let options = CostOptions { service_tier, at: Some(RECORDED_AT), ..CostOptions::default() };
    let bill = cost(model, &row.provider, &row.usage.usage(), &options);
    let same = close(bill.input, row.prompt_cost) && close(bill.output, row.completion_cost);
    (!same).then(|| {
        format!(
            "{:?} input {} for {}, output {} for {}",
            row.service_tier, bill.input, row.prompt_cost, bill.output, row.completion_cost
        )
    })
}

/// Equal to 1e-9, and to 1e-12 around zero.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= (1e-9 * ours.abs().max(theirs.abs())).max(1e-12)
}
