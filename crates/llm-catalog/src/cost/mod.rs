//! What a call costs: a plain sum of buckets times rates, after the rates have been chosen.
//!
//! Rules (those of LiteLLM 1.104.5, whose recorded prices are the test):
//!
//! - A prompt of more than N thousand tokens, cached ones included, is billed wholly at the highest exceeded
//!   `_above_{N}k_tokens` rates, answer and cache too. A `tiered_pricing` table replaces the flat rates in the same way.
//! - Missing cache prices fall back to the input price, a missing one-hour write to the normal write; 0.0 is a price.
//! - A service tier picks its column, `_above_..._priority` before `_above_...`; what is missing there is standard.
//! - Batch work takes the `_batches` column, else half of what the call would cost.
//! - Off-peak rates replace all others while a window is open.
//! - Audio in costs nothing where the table has no price for it; images and video in then cost the entry's plain input
//!   price, without tiers; reasoning, audio and images out cost the output price.
//! - Units (images, seconds, characters, pages, queries) and hosted tools are added on top.

mod adjust;
mod breakdown;
mod off_peak;
mod ranges;
mod rates;
mod tools;
mod units;

use llm_types::{ServiceTier, Usage};

pub use adjust::{Adjusted, Adjustment};
pub use breakdown::CostBreakdown;
pub use ranges::{TokenPrices, token_prices};

use crate::{Column, Field, ModelRef, Rules};
use rates::Rates;

/// What a price depends on besides model and usage. The default is a plain call that is priced now.
#[derive(Debug, Clone, Copy, Default)]
pub struct CostOptions<'a> {
    /// The tier asked for, used when the usage does not say which one was given.
    pub service_tier: Option<ServiceTier>,
    /// Done through a batch API.
    pub batch: bool,
    /// Moment of the call, in seconds since 1970, for off-peak prices. `None`: now.
    pub at: Option<u64>,
    /// How long the upstream worked, in seconds, for models that are billed by time only.
    pub response_seconds: Option<f64>,
    /// Data residency region of a regional host (`eu`, `us`).
    pub data_residency: Option<&'a str>,
    /// Vertex location the call was served from.
    pub vertex_location: Option<&'a str>,
    /// `1024x1024` of an image call, for models priced by pixel or size class.
    pub image_size: Option<&'a str>,
    /// `720p`, `1080p`, `4k` of a video call.
    pub video_resolution: Option<&'a str>,
    /// Most results asked of a search provider.
    pub max_results: Option<u64>,
}

impl CostOptions<'_> {
    fn column(&self, usage: &Usage, rules: &Rules) -> Column {
        let tier = usage.service_tier.or(self.service_tier);
        match tier {
            _ if self.batch => Column::Batches,
            Some(ServiceTier::Batch) => Column::Batches,
            _ if rules.one_column => Column::Standard,
            Some(ServiceTier::Flex) => Column::Flex,
            Some(ServiceTier::Priority) => Column::Priority,
            Some(ServiceTier::UltraFast) => Column::UltraFast,
            Some(ServiceTier::Standard) | None => Column::Standard,
        }
    }
}

/// Prices a call, in USD.
///
/// `provider` is the id that the call went to; its [`Rules`] apply. A model without prices costs 0.
#[must_use]
pub fn cost(model: ModelRef<'_>, provider: &str, usage: &Usage, options: &CostOptions<'_>) -> CostBreakdown {
    let rules = Rules::of(provider);
    if let Some(reported) = usage.reported_cost.filter(|cost| rules.trust_reported && *cost >= 0.0) {
        return CostBreakdown { output: reported, total: reported, reported: true, ..CostBreakdown::default() };
    }
    let column = options.column(usage, rules);
    let rates = Rates::choose(model, rules, usage.total_input(), column, options.at);
    let mut bill = CostBreakdown::default();
    if rules.flat {
        flat_tokens(&mut bill, &rates, usage)
    } else {
        tokens(&mut bill, &rates, usage, rules)
    }
    uplift(&mut bill, model, usage, options);
    units::add(&mut bill, model, &rates, usage, options);
    tools::add(&mut bill, model, rules, usage);
    bill.total = bill.input + bill.output + bill.tools;
    bill
}

/// So many of something that most calls have none of: its price is looked up for those that have.
fn priced(count: f64, price: impl FnOnce() -> f64) -> f64 {
    if count == 0.0 { 0.0 } else { count * price() }
}

fn tokens(bill: &mut CostBreakdown, rates: &Rates<'_>, usage: &Usage, rules: &Rules) {
    let times = |count: u64, rate: f64| if count == 0 { 0.0 } else { count as f64 * rate };
    let cached = |field| rates.unit(field).unwrap_or(rates.cache_read);
    bill.cache_read = times(usage.cache_read, rates.cache_read)
        + priced(usage.cache_read_audio as f64, || cached(Field::CacheReadInputAudioTokenCost))
        + priced(usage.cache_read_image as f64, || cached(Field::CacheReadInputImageTokenCost));
    bill.cache_write =
        times(usage.cache_write_5m, rates.cache_write) + times(usage.cache_write_1h, rates.cache_write_1h);
    bill.input_text = times(usage.input_text, rates.input) + times(usage.unsplit, rates.input);
    let own = |price: Option<f64>| if rules.uniform_input { rates.input } else { price.unwrap_or(0.0) };
    let or_plain = |field| rates.standard(field).or_else(|| rates.standard(Field::InputCostPerToken));
    bill.input_audio = priced(usage.input_audio as f64, || own(rates.column(Field::InputCostPerAudioToken)));
    bill.input_image = priced(usage.input_image as f64, || own(or_plain(Field::InputCostPerImageToken)));
    let input_video = priced(usage.input_video as f64, || own(or_plain(Field::InputCostPerVideoToken)));
    let citation = priced(usage.citation as f64, || rates.standard(Field::CitationCostPerToken).unwrap_or(0.0));
    bill.input = bill.input_text
        + bill.cache_read
        + bill.cache_write
        + bill.input_audio
        + bill.input_image
        + input_video
        + citation;

    let out = |field| rates.standard(field).unwrap_or(rates.output);
    bill.output_text = times(usage.output_text, rates.output);
    bill.reasoning = times(usage.reasoning, rates.reasoning);
    bill.output_audio = priced(usage.output_audio as f64, || out(Field::OutputCostPerAudioToken));
    bill.output_image = priced(usage.output_image as f64, || out(Field::OutputCostPerImageToken));
    let output_video = priced(usage.output_video as f64, || out(Field::OutputCostPerVideoToken));
    bill.output = bill.output_text + bill.reasoning + bill.output_audio + bill.output_image + output_video;
}

/// Providers that bill the whole prompt at one price and reasoning on top of the answer.
fn flat_tokens(bill: &mut CostBreakdown, rates: &Rates<'_>, usage: &Usage) {
    let price = |field| rates.standard(field).unwrap_or(0.0);
    bill.input_text = (usage.total_input() + usage.unsplit) as f64 * price(Field::InputCostPerToken);
    bill.input = bill.input_text + usage.citation as f64 * price(Field::CitationCostPerToken);
    bill.output_text = usage.total_output() as f64 * price(Field::OutputCostPerToken);
    bill.reasoning = usage.reasoning as f64 * price(Field::OutputCostPerReasoningToken);
    bill.output = bill.output_text + bill.reasoning;
}

/// Multipliers for where and how fast tokens were computed.
fn uplift(bill: &mut CostBreakdown, model: ModelRef<'_>, usage: &Usage, options: &CostOptions<'_>) {
    let residency = match options.data_residency {
        Some(region) if region.eq_ignore_ascii_case("eu") => model.num(Field::RegionalProcessingUpliftMultiplierEu),
        Some(region) if region.eq_ignore_ascii_case("us") => model.num(Field::RegionalProcessingUpliftMultiplierUs),
        _ => None,
    };
    let location = options
        .vertex_location
        .filter(|location| !location.eq_ignore_ascii_case("global"))
        .and_then(|_| model.num(Field::RegionalEndpointUpliftMultiplier));
    let geo = usage.inference_geo.and_then(|geo| match geo {
        llm_types::InferenceGeo::Us => model.num(Field::GeoUs),
        llm_types::InferenceGeo::Eu => model.num(Field::GeoEu),
    });
    let everything = [residency, location, geo].into_iter().flatten().product::<f64>();
    bill.scale(everything);
    if let Some(fast) = model.num(Field::SpeedFast).filter(|_| usage.fast) {
        bill.scale_uncached(fast);
    }
}

/// Rounds a price to billionths of a dollar, the unit of the ledger. Round once, when a call is settled.
///
/// What is no number is 0; what does not fit is the largest number.
#[must_use]
pub fn nano_dollars(usd: f64) -> i64 {
    (usd * 1e9).round() as i64
}
