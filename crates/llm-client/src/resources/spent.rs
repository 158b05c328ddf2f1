//! What a finished batch consumed and cost.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use llm_catalog::{CostOptions, cost};
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::resource::Resource;
use llm_types::record::Cost;
use llm_types::{Error, Kind, Result, Usage};
use llm_wire::meter::Meter;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Batches, Keeper, Question, RESULTS};
use crate::answer::Report;
use crate::task::escaped;

/// What of OpenAI's batch object says what it consumed.
#[derive(Debug, Deserialize)]
pub struct Finished<'a> {
    /// Its id.
    pub id: String,
    /// `completed`, for one.
    #[serde(default)]
    pub status: String,
    /// The model that answered.
    #[serde(default)]
    pub model: Option<String>,
    /// The file with its answers.
    #[serde(default)]
    pub output_file_id: Option<String>,
    /// What it consumed by its own words.
    #[serde(borrow, default)]
    pub usage: Option<&'a RawValue>,
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

impl Keeper<'_> {
    /// Usage by model: what the batch says of itself, else the sum over its output file.
    ///
    /// # Errors
    /// When the file cannot be had or read.
    pub async fn consumed(&self, batch: &Finished<'_>) -> Result<BTreeMap<String, Usage>> {
        let mut out = BTreeMap::new();
        if let (Some(usage), Some(model)) = (batch.usage, &batch.model) {
            let body = format!("{{\"object\":\"response\",\"usage\":{}}}", usage.get());
            if let Some((_, usage)) = usage_of(body.as_bytes()) {
                out.insert(model.clone(), usage);
                return Ok(out);
            }
        }
        let Some(file) = &batch.output_file_id else { return Ok(out) };
        if let Some(house) = self.target.provider.batches() {
            let batches = Batches { keeper: *self, house, may_use: &|_| true };
            let told = batches.results(file, batch.model.as_deref()).await?;
            return Ok(told.map(|(results, _)| results.usage).unwrap_or_default());
        }
        let bytes = self.download(file, RESULTS).await?;
        for line in bytes.split(|b| *b == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { continue };
            let Some(body) = line.response.and_then(|r| r.body) else { continue };
            if let Some((model, usage)) = usage_of(body.get().as_bytes()) {
                out.entry(model.unwrap_or_default()).and_modify(|sum: &mut Usage| sum.merge(&usage)).or_insert(usage);
            }
        }
        Ok(out)
    }

    /// A file of a house that keeps files as OpenAI does, of `limit` bytes at the most.
    ///
    /// # Errors
    /// What the house says; when it is longer.
    pub async fn download(&self, file: &str, limit: usize) -> Result<Bytes> {
        let path = format!("/files/{}/content", escaped(file));
        let mut endpoint = Endpoint::default();
        self.target.provider.resource(&Resource { path: &path, ..self.resource() }, &mut endpoint)?;
        endpoint.method = Method::GET;
        endpoint.headers.remove(CONTENT_TYPE);
        let question = Question { endpoint, body: Body::empty(), limit, model: None };
        let refused = |status: u16| Error::new(Kind::BadGateway, format!("the file {file} was answered with {status}"));
        Ok(self.ask(question, |view| refused(view.status)).await?.body)
    }

    /// Fills in what a batch consumed and cost.
    pub fn price_batch(&self, by_model: &BTreeMap<String, Usage>, report: &mut Report) {
        let provider = self.target.provider_id();
        let prices = &self.engine.prices;
        let options = CostOptions { batch: true, ..CostOptions::default() };
        let mut total = Usage::default();
        let mut sum = Cost::default();
        for (model, usage) in by_model {
            total.merge(usage);
            let model = self.model.unwrap_or(model);
            let entry = match self.deployment {
                Some(_) => self.target.price(prices, model),
                None => prices.lookup_price(provider, None, model),
            };
            let Some(entry) = entry else {
                report.cost_problem = Some(format!("no price is known for {provider}/{model}"));
                continue;
            };
            let c = cost(entry, provider, usage, &options);
            let adjusted = self.engine.settings.adjustments.of(provider).apply(c.total);
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
}

fn usage_of(body: &[u8]) -> Option<(Option<String>, Usage)> {
    let mut meter = Meter::new("", "application/json")?;
    meter.feed(body);
    let seen = meter.finish(true);
    Some((seen.model, seen.usage?.usage))
}
