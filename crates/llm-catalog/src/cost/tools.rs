//! Tools that the provider hosts and bills by use.

use llm_types::Usage;

use super::{CostBreakdown, priced};
use crate::{Catalog, Field, ModelRef, Rules};

pub(super) fn add(bill: &mut CostBreakdown, model: ModelRef<'_>, rules: &Rules, usage: &Usage) {
    let mut tools = web_search(model, rules, usage);
    let or = |field, otherwise: f64| model.num(field).unwrap_or(otherwise);
    tools += priced(usage.maps_queries as f64, || or(Field::GoogleMapsGroundingCostPerQuery, 0.0));
    tools += priced(usage.file_searches as f64, || or(Field::FileSearchCostPer1kCalls, rules.file_search));
    tools += priced(usage.storage_gb_days, || {
        or(Field::VectorStoreCostPerGbPerDay, or(Field::FileSearchCostPerGbPerDay, rules.storage_gb_day))
    });
    tools += priced(usage.code_sessions as f64, || code_session(model));
    let per_1k =
        |field, otherwise: f64| model.num(field).filter(|price| *price > 0.0).map_or(otherwise, |price| price / 1000.0);
    tools += priced(usage.computer_input as f64, || per_1k(Field::ComputerUseInputCostPer1kTokens, rules.computer.0));
    tools += priced(usage.computer_output as f64, || per_1k(Field::ComputerUseOutputCostPer1kTokens, rules.computer.1));
    bill.tools = tools;
}

fn web_search(model: ModelRef<'_>, rules: &Rules, usage: &Usage) -> f64 {
    if usage.web_searches() == 0 {
        return 0.0;
    }
    let medium = model.num(Field::SearchContextMedium).unwrap_or(rules.web_search);
    let price = |field| model.num(field).unwrap_or(medium);
    let (low, high) = (price(Field::SearchContextLow), price(Field::SearchContextHigh));
    if model.text(Field::WebSearchBillingUnit) == Some("per_prompt") {
        // However many queries the model made, the grounded prompt is billed once.
        return if usage.web_search_high > 0 {
            high
        } else if usage.web_search_medium > 0 {
            medium
        } else {
            low
        };
    }
    usage.web_search_low as f64 * low + usage.web_search_medium as f64 * medium + usage.web_search_high as f64 * high
}

/// The model's own price of a session, else that of its provider's `container` entry.
fn code_session(model: ModelRef<'_>) -> f64 {
    let own = model.num(Field::CodeInterpreterCostPerSession);
    own.or_else(|| {
        let container = Catalog::builtin().exact(&[model.provider()?, "/container"])?;
        container.num(Field::CodeInterpreterCostPerSession)
    })
    .unwrap_or(0.0)
}
