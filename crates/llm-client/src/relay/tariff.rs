//! What a relay costs.

use std::sync::Arc;

use bytes::Bytes;
use llm_catalog::CostOptions;
use llm_types::record::Cost;
use llm_types::{Usage, UsageSource};
use llm_wire::meter::Metered;

use crate::answer::Report;
use crate::count::{Prompt, unfinished};
use crate::engine::Engine;
use crate::price::{self, Adjustments};
use crate::target::{Prices, Target};

/// Whose prices hold.
#[derive(Debug, Clone, Default)]
pub struct Tariff {
    /// The provider's id; empty for hosts that nobody knows.
    pub provider: Arc<str>,
    /// The model, as far as the request named it.
    pub model: Arc<str>,
    /// The deployment that is called, with prices of its own.
    pub target: Option<Arc<Target>>,
    /// Further entries of the provider's price table that are charged for the same usage.
    pub addons: Vec<&'static str>,
    /// US dollars of a call whose answer has no price.
    pub flat: f64,
    /// The request, for counting where the answer does not say what was consumed; empty: nothing is estimated.
    pub prompt: Bytes,
}

/// The tariff with the prices in force.
#[derive(Debug)]
pub(crate) struct Biller {
    pub(super) tariff: Tariff,
    prices: Prices,
    adjustments: Arc<Adjustments>,
}

impl Biller {
    pub(crate) fn new(tariff: Tariff, engine: &Engine) -> Self {
        Self { tariff, prices: engine.prices.clone(), adjustments: Arc::clone(&engine.settings.adjustments) }
    }

    /// Fills in what an answer consumed and cost.
    pub(crate) fn book(&self, seen: Metered, complete: bool, report: &mut Report) {
        let model: Arc<str> = match (&*self.tariff.model, &seen.model) {
            ("", Some(named)) => Arc::from(named.as_str()),
            _ => Arc::clone(&self.tariff.model),
        };
        let written = seen.written();
        report.response_id = seen.id;
        match seen.usage {
            Some(mut told) => {
                if !complete && !seen.finished {
                    unfinished(&mut told, written);
                }
                report.usage = told.usage;
                report.usage_raw = told.raw.map(|(_, raw)| raw);
            }
            // Something was written and nobody said how much.
            None if written > 0 && !self.tariff.prompt.is_empty() => {
                report.estimated = true;
                report.usage = Usage {
                    input_text: Prompt { body: self.tariff.prompt.clone(), format: None }.count(&model),
                    output_text: written,
                    source: UsageSource::Estimated,
                    ..Usage::default()
                };
            }
            None => {}
        }
        self.price(&model, report);
    }

    /// Fills in what a usage cost.
    pub(crate) fn price(&self, model: &str, report: &mut Report) {
        let provider = &*self.tariff.provider;
        if !report.usage.is_empty() {
            let entry = match &self.tariff.target {
                Some(target) => target.price(&self.prices, model),
                None => self.prices.lookup_price(provider, None, model),
            };
            match entry {
                Some(entry) => {
                    let options = CostOptions::default();
                    report.cost = self.adjustments.price(provider, entry, &report.usage, &options);
                }
                None if self.tariff.flat == 0.0 => {
                    report.cost_problem = Some(price::unknown(provider, model));
                }
                None => {}
            }
        }
        for addon in &self.tariff.addons {
            let entry = self.prices.lookup_price(provider, None, addon).filter(|_| !report.usage.is_empty());
            if let Some(entry) = entry {
                let more = self.adjustments.price(provider, entry, &report.usage, &CostOptions::default());
                report.cost.total += more.total;
                report.cost.original += more.original;
                report.cost.tools += more.total;
                report.cost.discount += more.discount;
                report.cost.margin += more.margin;
            }
        }
        if report.cost.total == 0.0 && self.tariff.flat > 0.0 {
            report.cost = Cost { total: self.tariff.flat, original: self.tariff.flat, ..Cost::default() };
        }
    }
}
