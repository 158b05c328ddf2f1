use std::borrow::Cow;

use llm_catalog::{Catalog, Field as Fact};
use llm_types::{Error, Field, FieldSet, Kind, Result};

use super::{ModelCaps, Policy, Values};

/// The families of OpenAI's models whose parameters differ. Azure deployments say theirs in their name, or through
/// `base_model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Everything is taken.
    Plain,
    /// `o1`, `o3`, `o4-mini` ...: they always think.
    OSeries,
    /// `gpt-5` and later: they think as much as they are told.
    Gpt5,
    /// `gpt-5-search-api` and the like: they search.
    Gpt5Search,
}

const NO_SAMPLING: FieldSet =
    FieldSet::of(&[Field::Logprobs, Field::TopLogprobs, Field::TopP, Field::PresencePenalty, Field::FrequencyPenalty]);

const GPT5_LESS: FieldSet = FieldSet::of(&[
    Field::PresencePenalty,
    Field::FrequencyPenalty,
    Field::Stop,
    Field::LogitBias,
    Field::Modalities,
    Field::Prediction,
    Field::Audio,
    Field::WebSearchOptions,
]);

const UNLESS_THINKING: FieldSet = FieldSet::of(&[Field::Logprobs, Field::TopLogprobs, Field::TopP]);

const SEARCH: FieldSet = FieldSet::of(&[
    Field::MaxTokens,
    Field::MaxCompletionTokens,
    Field::Stream,
    Field::StreamOptions,
    Field::WebSearchOptions,
    Field::ServiceTier,
    Field::SafetyIdentifier,
    Field::ResponseFormat,
    Field::User,
    Field::Store,
    Field::Verbosity,
    Field::MaxRetries,
]);

impl Family {
    /// The family that a model's name tells.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let name = model.rsplit_once("ft:").map_or(model, |(_, rest)| rest);
        let next = name.contains("gpt-5") || name.contains("gpt-6") || name.contains("gpt5_series/");
        if next && name.contains("search") {
            return Self::Gpt5Search;
        }
        if next && !name.contains("gpt-5-chat") {
            return Self::Gpt5;
        }
        let o = name.contains("o_series/") || name.split(['/', '-', '_', '.']).any(is_o);
        if o && !name.starts_with("gpt-") { Self::OSeries } else { Self::Plain }
    }

    /// The family sends `max_completion_tokens` for `max_tokens`.
    #[must_use]
    pub const fn completion_tokens(self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// What the family takes of what the row takes.
    pub(super) fn supported(self, model: &str, row: FieldSet, caps: &ModelCaps, values: &dyn Values) -> FieldSet {
        match self {
            Self::Plain => row,
            Self::OSeries => {
                let mut set = row.minus(NO_SAMPLING);
                set.insert(Field::ReasoningEffort);
                let entry = Catalog::builtin().lookup("", model);
                if entry.is_some_and(|m| m.flag(Fact::SupportsParallelFunctionCalling) != Some(true)) {
                    set.remove(Field::ParallelToolCalls);
                }
                if caps.known && !caps.tools {
                    set = set.minus(FieldSet::of(&[Field::Tools, Field::ToolChoice, Field::ParallelToolCalls]));
                }
                if caps.known && !caps.structured_output {
                    set.remove(Field::ResponseFormat);
                }
                set
            }
            Self::Gpt5 => {
                let mut set = row.minus(GPT5_LESS);
                set.insert(Field::ReasoningEffort);
                set.insert(Field::Verbosity);
                if thinks(caps, values) { set.minus(UNLESS_THINKING) } else { set }
            }
            Self::Gpt5Search => SEARCH.intersection(row.union(FieldSet::of(&[Field::Verbosity, Field::User]))),
        }
    }

    /// Judges values of parameters that are taken in general. Answers those that have to be left out.
    pub(super) fn judge_values(
        self,
        model: &str,
        present: FieldSet,
        caps: &ModelCaps,
        values: &dyn Values,
        policy: &Policy,
    ) -> Result<FieldSet> {
        let mut drop = FieldSet::EMPTY;
        if self == Self::Plain {
            return Ok(drop);
        }
        let mut refuse = |field: Field, message: String| {
            drop.insert(field);
            if policy.drop_params { Ok(()) } else { Err(Error::new(Kind::UnsupportedParams, message)) }
        };
        let free = self == Self::Gpt5 && !thinks_as(model, caps, values);
        if present.has(Field::Temperature)
            && !free
            && let Some(value) = values.raw(Field::Temperature)
            && value.parse::<f64>().is_ok_and(|t| (t - 1.0).abs() > f64::EPSILON)
        {
            refuse(Field::Temperature, temperature_message(self, &value))?;
        }
        if present.has(Field::ReasoningEffort)
            && let Some(value) = effort(values)
        {
            let denied = match value.as_ref() {
                "xhigh" => caps.known && !caps.effort_xhigh,
                _ => false,
            };
            if denied {
                refuse(
                    Field::ReasoningEffort,
                    format!(
                        "reasoning_effort='{value}' is not supported for model={model}. To drop unsupported params set \
                         `litellm.drop_params = True`"
                    ),
                )?;
            }
        }
        Ok(drop)
    }
}

fn temperature_message(family: Family, value: &str) -> String {
    match family {
        Family::OSeries => format!(
            "O-series models don't support temperature={value}. Only temperature=1 is supported. To drop unsupported \
             openai params from the call, set `litellm.drop_params = True`"
        ),
        _ => format!(
            "gpt-5 models (including gpt-5-codex) don't support temperature={value}. Only temperature=1 is supported. \
             For gpt-5.1, temperature is supported when reasoning_effort='none' (or not specified, as it defaults to \
             'none'). To drop unsupported params set `litellm.drop_params = True`"
        ),
    }
}

fn is_o(segment: &str) -> bool {
    segment.strip_prefix('o').is_some_and(|rest| rest.starts_with(['1', '3', '4']) && rest.len() == 1)
}

/// The effort that the request names: a text, or an object that holds it.
fn effort(values: &dyn Values) -> Option<Cow<'_, str>> {
    let raw = values.raw(Field::ReasoningEffort)?;
    if let Some(text) = llm_types::json::raw_str(&raw) {
        return Some(Cow::Owned(text.into_owned()));
    }
    let object: llm_types::Json = serde_json::from_str(&raw).ok()?;
    object.get("effort").and_then(|e| e.as_str()).map(|e| Cow::Owned(e.to_owned()))
}

fn thinks(caps: &ModelCaps, values: &dyn Values) -> bool {
    !caps.effort_none || effort(values).is_some_and(|e| e != "none")
}

/// As [`thinks`], but a model that thinks by default does so when nobody says a word.
fn thinks_as(model: &str, caps: &ModelCaps, values: &dyn Values) -> bool {
    if thinks(caps, values) {
        return true;
    }
    if effort(values).is_some() {
        return false;
    }
    let entry = Catalog::builtin().lookup("", model);
    entry.and_then(|m| m.text(Fact::DefaultReasoningEffort)).is_some_and(|default| default != "none")
}
