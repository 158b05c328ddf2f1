//! One request: its row, the price, and the sum they make.

use std::io::Write;

use anyhow::{Context as _, Result};
use llm_accounts::KeyDigest;
use llm_catalog::{CostOptions, Field, cost};
use llm_client::Target;
use llm_store::{SpendLogRow, Store};
use llm_types::{Json, Usage};

use crate::config::Loaded;

/// Prints every row with this id. Returns the exit code: 1 when there is none.
pub(super) async fn run(store: &Store, loaded: &Loaded, id: &str, out: &mut dyn Write) -> Result<u8> {
    let rows = store.table::<SpendLogRow>().by_request_id(id).await.context("cannot read the rows")?;
    for row in &rows {
        facts(row, out)?;
        let metadata: Json = row.metadata.as_ref().map(Json::from).unwrap_or_default();
        billed(row, &metadata, out)?;
        priced(row, &metadata, loaded, out)?;
    }
    if rows.is_empty() {
        writeln!(out, "no row has the id {id}; rows come a few seconds after their call")?;
    }
    Ok(u8::from(rows.is_empty()))
}

fn facts(row: &SpendLogRow, out: &mut dyn Write) -> std::io::Result<()> {
    let or_none = |text: &Option<String>| text.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| "none".to_owned());
    let call = row.litellm_call_id.clone().unwrap_or_default();
    writeln!(out, "request {} (call {call})", row.request_id)?;
    writeln!(out, "  {} {}, {}", row.start_time, or_none(&row.status), row.call_type)?;
    let (group, provider, id) = (or_none(&row.model_group), or_none(&row.custom_llm_provider), or_none(&row.model_id));
    writeln!(out, "  model {group}, answered by {provider}/{}, deployment {id}", row.model)?;
    let key = if KeyDigest::from_hex(&row.api_key).is_some() { row.api_key.get(..12) } else { None };
    writeln!(
        out,
        "  key {}, user {}, team {}, cache hit {}",
        key.unwrap_or(&row.api_key),
        or_none(&row.user),
        or_none(&row.team_id),
        or_none(&row.cache_hit)
    )?;
    writeln!(out, "  {} prompt tokens, {} completion tokens", row.prompt_tokens, row.completion_tokens)
}

/// What was computed when the call was settled.
fn billed(row: &SpendLogRow, metadata: &Json, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "  spend {} USD", row.spend)?;
    let Some(parts) = metadata.get("cost_breakdown").filter(|parts| parts.as_object().is_some()) else {
        return writeln!(out, "  no breakdown was kept: nothing was priced");
    };
    let part = |name: &str| parts.get(name).and_then(Json::as_f64).unwrap_or_default();
    let (input, output, tools) = (part("input_cost"), part("output_cost"), part("tool_usage_cost"));
    writeln!(out, "  billed: input {input} + output {output} + tools {tools} = {}", input + output + tools)?;
    for (name, what) in [
        ("cache_read_cost", "of the input, reading an upstream's cache"),
        ("cache_creation_cost", "of the input, writing it"),
        ("discount_amount", "discount"),
        ("margin_total_amount", "margin"),
    ] {
        if part(name) != 0.0 {
            writeln!(out, "    {what}: {}", part(name))?;
        }
    }
    Ok(())
}

/// The same computed again with the prices of now.
fn priced(row: &SpendLogRow, metadata: &Json, loaded: &Loaded, out: &mut dyn Write) -> std::io::Result<()> {
    let provider = row.custom_llm_provider.as_deref().unwrap_or_default();
    let deployment = loaded.deployments.iter().find(|d| row.model_id.as_deref() == Some(&*d.id));
    let target = deployment.and_then(|d| d.payload::<Target>());
    let price = match target {
        Some(target) => target.price(&loaded.prices, &row.model),
        None => loaded.prices.lookup_price(provider, None, &row.model),
    };
    let Some(price) = price else { return writeln!(out, "  no price is known for {provider}/{} now", row.model) };
    let of =
        if target.is_some() { "the deployment's" } else { "the model's; the deployment is not in the configuration" };
    writeln!(out, "  price now ({of}): {}", price.name())?;
    let usage = usage(row, metadata);
    for (tokens, field, what) in [
        (usage.input_text, Field::InputCostPerToken, "input"),
        (usage.cache_read, Field::CacheReadInputTokenCost, "from a cache"),
        (usage.output_text.saturating_add(usage.reasoning), Field::OutputCostPerToken, "output"),
    ] {
        if let (Some(rate), true) = (price.num(field), tokens > 0) {
            writeln!(out, "    {what}: {tokens} x {rate} = {}", rate * tokens as f64)?;
        }
    }
    let now = cost(price, provider, &usage, &CostOptions::default()).total;
    let same = (now - row.spend).abs() <= now.abs().max(row.spend.abs()) * 1e-9 + 1e-12;
    let verdict = if same {
        "as billed"
    } else {
        "not as billed: other prices then, a tier, a discount, a cache hit, or units that are no tokens"
    };
    writeln!(out, "    sum: {now} USD, {verdict}")
}

/// The tokens of a row in buckets that do not overlap.
fn usage(row: &SpendLogRow, metadata: &Json) -> Usage {
    let kept = metadata.get("usage_object");
    let detail = |group: &str, name: &str| {
        let found = kept.and_then(|usage| usage.get(group)).and_then(|details| details.get(name));
        found.and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
    };
    let whole = |n: i64| u64::try_from(n).unwrap_or_default();
    let cached = detail("prompt_tokens_details", "cached_tokens");
    let reasoning = detail("completion_tokens_details", "reasoning_tokens");
    Usage {
        input_text: whole(row.prompt_tokens).saturating_sub(cached),
        cache_read: cached,
        output_text: whole(row.completion_tokens).saturating_sub(reasoning),
        reasoning,
        ..Usage::default()
    }
}
