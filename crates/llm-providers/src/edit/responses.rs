//! A body for the Responses API: what models refuse by value. Everything else is the provider's to judge.

use std::borrow::Cow;

use llm_types::{Error, Field, FieldSet, Kind, Result};
use llm_wire::ModelCaps;

use super::draft::Draft;
use crate::params::Params;
use crate::provider::Provider;
use crate::quirk::Quirk;
use crate::rules::{self, Family, Policy, Values};

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

/// The smallest bound of an answer's tokens that the API takes; a smaller one, such as the `1` of a probe, is raised.
const LEAST_TOKENS: u64 = 16;

/// Judges `temperature` and `reasoning.effort` by the model's family, and raises bounds that are too small.
pub(super) fn edit(
    provider: &dyn Provider,
    model: &str,
    params: &Params,
    caps: &ModelCaps,
    policy: &Policy,
    draft: &mut Draft<'_>,
) -> Result<()> {
    let quirks = provider.quirks(model, params);
    if quirks.has(Quirk::SearchAsResponses)
        && let Some(tools) = draft.get("tools").filter(|tools| tools.contains("\"web_search_preview\""))
    {
        // The preview is OpenAI's.
        let tools = tools.replace("\"type\":\"web_search_preview\"", "\"type\":\"web_search\"");
        draft.set("tools", tools);
    }
    if draft.get("max_output_tokens").and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n < LEAST_TOKENS) {
        draft.set("max_output_tokens", LEAST_TOKENS.to_string());
    }
    if !quirks.has(Quirk::ReasoningFamilies) {
        return Ok(());
    }
    let effort = draft.json("reasoning").is_some_and(|r| r.get("effort").is_some_and(|e| !e.is_null()));
    if effort && caps.known && !caps.reasoning {
        if !policy.drop_params {
            return Err(no_effort(model));
        }
        draft.lose("reasoning");
    }
    // the o-series' own rule is chat's alone
    if draft.get("temperature").is_some() && Family::of(model) != Family::OSeries {
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

#[cfg(test)]
mod tests {
    use llm_catalog::Catalog;
    use llm_types::Format;
    use llm_wire::codec::Hints;
    use llm_wire::top::Top;

    use super::*;

    fn edited(model: &str, body: &str, drop_params: bool) -> Result<String> {
        let provider = crate::by_id("openai").unwrap();
        let caps = rules::caps(Catalog::builtin(), "openai", model);
        let (params, policy) = (Params::without_env::<String>([]), Policy { drop_params, ..Policy::default() });
        let top = Top::parse(body.as_bytes())?;
        let edit = super::super::generate(
            provider,
            Format::OpenAiResponses,
            model,
            &params,
            &caps,
            &top,
            &policy,
            &mut Hints::default(),
        )?;
        Ok(edit.map_or_else(|| body.to_owned(), |e| String::from_utf8_lossy(&e.body).into_owned()))
    }

    #[test]
    fn effort_is_for_models_that_think() {
        let body = r#"{"input":"Hi","reasoning":{"effort":"low"}}"#;
        assert_eq!(edited("gpt-5", body, false).unwrap(), body);
        assert_eq!(edited("no-such-model", body, false).unwrap(), body);
        assert_eq!(edited("gpt-4o", body, false).unwrap_err().kind, Kind::UnsupportedParams);
        assert_eq!(edited("gpt-4o", body, true).unwrap(), r#"{"input":"Hi"}"#);
    }

    #[test]
    fn bounds_that_the_api_refuses_are_raised() {
        let body = |n: &str| format!(r#"{{"input":"Hi","max_output_tokens":{n}}}"#);
        for (given, sent) in [("1", "16"), ("15", "16"), ("16", "16"), ("400", "400"), ("\"1\"", "\"1\"")] {
            assert_eq!(edited("gpt-4o", &body(given), false).unwrap(), body(sent));
        }
    }

    #[test]
    fn thinking_models_keep_their_temperature() {
        let body = r#"{"input":"Hi","temperature":0.3}"#;
        assert_eq!(edited("gpt-4o", body, false).unwrap(), body);
        assert_eq!(edited("gpt-5", body, false).unwrap_err().kind, Kind::UnsupportedParams);
        assert_eq!(edited("gpt-5", body, true).unwrap(), r#"{"input":"Hi"}"#);
        assert_eq!(edited("o3-mini", body, false).unwrap(), body);
    }
}
