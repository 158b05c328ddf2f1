//! What a finished batch cost: it is charged to whoever sees it finished first, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use llm_catalog::{CostOptions, cost};
use llm_client::{Relay, Report, Tariff};
use llm_http::{Body, Timeouts};
use llm_providers::{Endpoint, resource};
use llm_types::record::Cost;
use llm_types::{Kind, RawJson, Result, Usage};
use llm_wire::meter::Meter;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::choose::Home;
use super::{owed, translated};
use crate::core::Core;
use crate::flow::Context;

/// Bytes of an output file that are read at the most.
const OUTPUT: usize = 512 << 20;

#[derive(Debug, Deserialize)]
struct Batch<'a> {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    output_file_id: Option<String>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

/// A line of an output file.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    response: Option<Answer<'a>>,
}

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// Fills in what a batch consumed and cost, when it is done and was not charged before.
pub(super) async fn bill(core: &Core, ctx: &Context, home: &Home, body: &Bytes, report: &mut Report) {
    let Ok(batch) = serde_json::from_slice::<Batch<'_>>(body) else { return };
    if batch.status != "completed" {
        return;
    }
    let object = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok());
    match owed::Ledger::new(core, ctx).claim(&batch.id, "batch", object).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::error!(batch = %batch.id, %error, "whether a batch was charged cannot be found out; it is not charged now");
            return;
        }
    }
    match consumed(core, ctx, home, &batch).await {
        Ok(by_model) => price(ctx, home, &by_model, report),
        Err(error) => {
            report.cost_problem = Some(format!("the output of the batch cannot be read: {}", error.message));
            tracing::error!(batch = %batch.id, error = %error.message, "a batch cannot be priced");
        }
    }
}

/// Usage by model: what the batch says of itself, else the sum over its output file.
async fn consumed(core: &Core, ctx: &Context, home: &Home, batch: &Batch<'_>) -> Result<BTreeMap<String, Usage>> {
    let mut out = BTreeMap::new();
    if let (Some(usage), Some(model)) = (batch.usage, &batch.model) {
        let body = format!("{{\"object\":\"response\",\"usage\":{}}}", usage.get());
        if let Some((_, usage)) = usage_of(body.as_bytes()) {
            out.insert(model.clone(), usage);
            return Ok(out);
        }
    }
    let Some(file) = &batch.output_file_id else { return Ok(out) };
    if let Some(house) = home.target.provider.batches() {
        let house = translated::House { core, ctx, home, house };
        return house.consumed(file, batch.model.as_deref()).await;
    }
    let bytes = download(core, ctx, home, file, OUTPUT).await?;
    for line in bytes.split(|b| *b == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { continue };
        let Some(body) = line.response.and_then(|r| r.body) else { continue };
        if let Some((model, usage)) = usage_of(body.get().as_bytes()) {
            out.entry(model.unwrap_or_default()).and_modify(|sum: &mut Usage| sum.merge(&usage)).or_insert(usage);
        }
    }
    Ok(out)
}

fn usage_of(body: &[u8]) -> Option<(Option<String>, Usage)> {
    let mut meter = Meter::new("", "application/json")?;
    meter.feed(body);
    let seen = meter.finish(true);
    Some((seen.model, seen.usage?.usage))
}

/// A file of a house that keeps files as OpenAI does, of `limit` bytes at the most.
///
/// # Errors
/// What the house says; when it is longer.
pub(super) async fn download(core: &Core, ctx: &Context, home: &Home, file: &str, limit: usize) -> Result<Bytes> {
    let target = &home.target;
    let path = format!("/files/{file}/content");
    let resource = resource::Resource {
        path: &path,
        query: "",
        model: "",
        api_base: target.api_base.as_deref(),
        api_key: target.api_key.as_ref(),
        params: &target.params,
    };
    let mut endpoint = Endpoint::default();
    target.provider.resource(&resource, &mut endpoint)?;
    let relay = Relay {
        method: http::Method::GET,
        endpoint,
        headers: http::HeaderMap::new(),
        body: Body::empty(),
        timeouts: Timeouts { first_byte: Some(ctx.snapshot.relays.settings.timeout), ..Timeouts::default() },
        tariff: Tariff { provider: Arc::from(target.provider_id()), ..Tariff::default() },
        metered: false,
    };
    let relayed = ctx.snapshot.engine.clone().relay(&core.http, relay).await?;
    let (status, (bytes, _)) = (relayed.parts.status, relayed.body.collect(limit).await?);
    if !status.is_success() {
        return Err(llm_types::Error::new(Kind::BadGateway, format!("the file {file} was answered with {status}")));
    }
    Ok(bytes)
}

fn price(ctx: &Context, home: &Home, by_model: &BTreeMap<String, Usage>, report: &mut Report) {
    let provider = home.target.provider_id();
    let prices = &ctx.snapshot.engine.prices;
    let options = CostOptions { batch: true, ..CostOptions::default() };
    let mut total = Usage::default();
    let mut sum = Cost::default();
    for (model, usage) in by_model {
        total.merge(usage);
        let model = home.model.as_deref().unwrap_or(model);
        let entry = match home.deployment {
            Some(_) => home.target.price(prices, model),
            None => prices.lookup_price(provider, None, model),
        };
        let Some(entry) = entry else {
            report.cost_problem = Some(format!("no price is known for {provider}/{model}"));
            continue;
        };
        let c = cost(entry, provider, usage, &options);
        let adjusted = ctx.snapshot.engine.settings.adjustments.of(provider).apply(c.total);
        sum.total += adjusted.total;
        sum.original += adjusted.original;
        sum.discount += adjusted.discount_amount;
        sum.margin += adjusted.margin_amount;
        sum.input += c.input;
        sum.output += c.output;
        sum.cache_read += c.cache_read;
        sum.cache_write += c.cache_write;
        sum.reasoning += c.reasoning;
    }
    total.source = by_model.values().map(|u| u.source).min().unwrap_or_default();
    report.usage = total;
    report.cost = sum;
}
