//! Budgets that are lists and objects: the windows of `budget_limits` and the models of `model_max_budget`. What is kept can be
//! held to: a budget that nobody could read would be none.

use llm_types::Json;

use super::fill::not_negative;
use crate::keys::period;
use crate::request::{FieldProblem, Outcome, Problem};

/// US dollars, also as a text: LiteLLM's pages send it so.
pub(crate) fn amount(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| json.as_str()?.trim().parse().ok())
}

/// A field of a model's budget, under both of its names.
pub(crate) fn named<'j>(entry: &'j Json, names: [&str; 2]) -> Option<&'j Json> {
    names.into_iter().find_map(|name| entry.get(name)).filter(|value| !value.is_null())
}

/// The names of a model's budget and of its window.
pub(crate) const MOST: [&str; 2] = ["budget_limit", "max_budget"];
pub(crate) const WINDOW: [&str; 2] = ["time_period", "budget_duration"];

/// Checks both fields of a body.
///
/// # Errors
/// 422 for what is no budget; 400 for amounts below zero or without end, and for durations that are none.
pub(crate) fn check(body: &Json) -> Outcome<()> {
    let given = |name: &str| body.get(name).filter(|value| !value.is_null());
    if let Some(windows) = given("budget_limits") {
        let list = windows.as_array().ok_or_else(|| wrong("budget_limits", "list_type", windows))?;
        for window in list {
            one("budget_limits", (window.get("max_budget"), window.get("budget_duration")), window)?;
            if window.get("max_budget").is_none() || window.get("budget_duration").is_none() {
                return Err(wrong("budget_limits", "missing", window));
            }
        }
    }
    given("model_max_budget").map_or(Ok(()), of_models)
}

/// Checks the budgets of models.
///
/// # Errors
/// As [`check`].
pub(crate) fn of_models(budgets: &Json) -> Outcome<()> {
    let field = "model_max_budget";
    let models = budgets.as_object().ok_or_else(|| wrong(field, "dict_type", budgets))?;
    for (_, entry) in models {
        let plain = amount(entry).is_some();
        if !plain && entry.as_object().is_none() {
            return Err(wrong(field, "dict_type", entry));
        }
        let most = named(entry, MOST).or(Some(entry).filter(|_| plain));
        one(field, (most, named(entry, WINDOW)), entry)?;
    }
    Ok(())
}

fn one(field: &'static str, (most, window): (Option<&Json>, Option<&Json>), entry: &Json) -> Outcome<()> {
    if let Some(most) = most {
        let most = amount(most).ok_or_else(|| wrong(field, "float_type", most))?;
        not_negative(field, Some(Some(most)))?;
    }
    match window {
        None => Ok(()),
        Some(Json::String(text)) => period(text, field).map(|_| ()).map_err(Problem::from),
        Some(_) => Err(wrong(field, "string_type", entry)),
    }
}

fn wrong(field: &str, kind: &'static str, input: &Json) -> Problem {
    let message = match kind {
        "list_type" => "Input should be a valid list",
        "dict_type" => "Input should be a valid dictionary",
        "float_type" => "Input should be a valid number",
        "string_type" => "Input should be a valid string",
        _ => "Field required",
    };
    Problem::Fields(vec![FieldProblem { field: field.to_owned(), kind, message, input: input.clone() }])
}
