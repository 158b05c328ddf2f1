//! A body for the Responses API: what models refuse by value. Everything else is the provider's to judge.

use std::borrow::Cow;

use llm_types::{Error, Field, FieldSet, Kind, Result};
use llm_wire::ModelCaps;

use super::draft::Draft;
use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::Quirk;
use crate::rules::{self, Policy, Values};

/// The draft's values under the names that rules ask for.
struct View<'d, 't>(&'d Draft<'t>);

impl Values for View<'_, '_> {
    fn raw(&self, field: Field) -> Option<Cow<'_, str>> {
        match field {
            Field::ReasoningEffort => self.0.get("reasoning").map(Cow::Borrowed),
            _ => self.0.get(field.name()).map(Cow::Borrowed),
        }
    }
}

/// Judges `temperature` and `reasoning.effort` by the model's family.
pub(super) fn edit(
    provider: &dyn Provider,
    model: &str,
    params: &Params,
    caps: &ModelCaps,
    policy: &Policy,
    draft: &mut Draft<'_>,
) -> Result<()> {
    if !provider.quirks(model, params).has(Quirk::ReasoningFamilies) {
        return Ok(());
    }
    let effort = draft.json("reasoning").is_some_and(|r| r.get("effort").is_some_and(|e| !e.is_null()));
    if effort && caps.known && !caps.reasoning {
        if !policy.drop_params {
            return Err(no_effort(model));
        }
        draft.lose("reasoning");
    }
    if draft.get("temperature").is_some() {
        let present = FieldSet::of(&[Field::Temperature]);
        let dropped = rules::check(provider, model, params, caps, present, &View(draft), policy)?;
        if dropped.has(Field::Temperature) {
            draft.lose("temperature");
        }
    }
    Ok(())
}

fn no_effort(model: &str) -> Error {
    let message = format!(
        "{model} doesn't support `reasoning.effort` (its model cost map entry lacks `supports_reasoning`). To drop \
         unsupported params set `litellm.drop_params = True`"
    );
    Error::new(Kind::UnsupportedParams, message)
}
