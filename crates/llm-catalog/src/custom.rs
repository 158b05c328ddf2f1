//! Prices of one deployment.

use serde_json::{Map, Value as JsonValue};

use crate::{
    Field,
    model::ModelRef,
    pack::{PackError, Packer},
    table::Table,
};

/// Prices and facts of one deployment: what its `litellm_params` and `model_info` say, over what is known of its model.
#[derive(Debug)]
pub struct CustomPrice {
    table: Table,
}

impl CustomPrice {
    /// `base`: the model that the deployment serves, if known. `fields`: the deployment's own, in LiteLLM's names;
    /// unknown names are kept, `null` leaves the base's value.
    ///
    /// A deployment with a price per token, per second or by tier has its own price list: of the base's prices only
    /// the plain token prices stand in for what it leaves out, so that a threshold or cache price of the public list
    /// never replaces a negotiated one. A price per second alone replaces the token prices too. A deployment that
    /// only changes other prices changes just those.
    ///
    /// # Errors
    /// When a value is too long to be kept.
    pub fn new(name: &str, base: Option<ModelRef<'_>>, fields: &Map<String, JsonValue>) -> Result<Self, PackError> {
        let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
        let per_token = given("input_cost_per_token") || given("output_cost_per_token");
        let own_list = per_token || given("input_cost_per_second") || given("tiered_pricing");
        let mut merged = base.map(|base| base.to_json()).unwrap_or_default();
        if own_list {
            merged.retain(|name, _| {
                let token_price = matches!(name.as_str(), "input_cost_per_token" | "output_cost_per_token");
                !is_price(name) || (token_price && per_token)
            });
        }
        merged.extend(fields.iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.clone(), value.clone())));
        let mut packer = Packer::new(Field::NAMES);
        packer.add(name, &merged)?;
        Ok(Self { table: packer.pack("deployment")? })
    }

    /// True when `fields` say anything about money, so that a [`CustomPrice`] is worth making.
    #[must_use]
    pub fn has_prices(fields: &Map<String, JsonValue>) -> bool {
        fields.iter().any(|(name, value)| !value.is_null() && is_price(name))
    }

    /// The deployment as a model, to be given to [`fn@crate::cost`].
    #[must_use]
    pub fn model(&self) -> ModelRef<'_> {
        ModelRef { table: &self.table, place: self.table.place(0) }
    }
}

fn is_price(name: &str) -> bool {
    name.contains("cost") || matches!(name, "tiered_pricing" | "off_peak_pricing")
}
