//! From a body to the columns of a budget.

use chrono::{DateTime, Utc};
use llm_store::{BudgetPatch, Patch as _};

use super::body::BudgetBody;
use crate::keys::{bad, instant, renewal, reset};
use crate::period::ResetClock;
use crate::request::{Given, Outcome};

/// The columns that a body sets.
///
/// # Errors
/// 400 for negative amounts and limits, and for durations and times that are none.
pub(crate) fn patch(asked: &BudgetBody, clock: &ResetClock, now: DateTime<Utc>) -> Outcome<BudgetPatch> {
    let amounts = [
        ("max_budget", asked.max_budget),
        ("soft_budget", asked.soft_budget),
        ("temp_budget_increase", asked.temp_budget_increase),
    ];
    amounts.into_iter().try_for_each(|(name, given)| not_negative(name, given))?;
    let limits = [("tpm_limit", asked.tpm_limit), ("rpm_limit", asked.rpm_limit), ("tpd_limit", asked.tpd_limit)];
    limits_not_negative(asked.max_parallel_requests, &limits)?;
    if let Some(Some(models)) = &asked.model_max_budget {
        super::of_models(&models.0)?;
    }
    let mut patch = BudgetPatch {
        max_budget: asked.max_budget,
        soft_budget: asked.soft_budget,
        max_parallel_requests: asked.max_parallel_requests,
        tpm_limit: asked.tpm_limit,
        rpm_limit: asked.rpm_limit,
        tpd_limit: asked.tpd_limit,
        model_max_budget: asked.model_max_budget.as_ref().map(|m| m.as_ref().map(|m| m.0.to_raw())),
        allowed_models: asked.allowed_models.clone().map(Option::unwrap_or_default),
        temp_budget_increase: asked.temp_budget_increase,
        temp_budget_expiry: time("temp_budget_expiry", &asked.temp_budget_expiry)?,
        ..BudgetPatch::default()
    };
    if let Some((duration, reset_at)) = renewal(&asked.budget_duration, |text| Ok(reset(clock, text, now)?))? {
        patch.budget_duration = Some(duration);
        patch.budget_reset_at = Some(reset_at);
    }
    if let Some(at) = time("budget_reset_at", &asked.budget_reset_at)? {
        patch.budget_reset_at = Some(at);
    }
    Ok(patch)
}

/// True when the body says nothing of a budget but perhaps which one.
pub(crate) fn is_silent(patch: &BudgetPatch) -> bool {
    patch.changes().is_empty()
}

/// Refuses a number below zero, and one that is none.
///
/// # Errors
/// 400 naming the field.
pub(crate) fn not_negative(name: &'static str, given: Given<f64>) -> Outcome<()> {
    match given.flatten() {
        Some(number) if !number.is_finite() => {
            Err(bad(format!("{name} must be a finite number")).with_param(name).into())
        }
        Some(number) if number < 0.0 => Err(bad(format!("{name} cannot be negative")).with_param(name).into()),
        _ => Ok(()),
    }
}

/// The same for limits, of parallel requests and others.
///
/// # Errors
/// 400 naming the field.
pub(crate) fn limits_not_negative(parallel: Given<i64>, others: &[(&'static str, Given<i64>)]) -> Outcome<()> {
    fits_parallel(parallel)?;
    [(PARALLEL, parallel)]
        .iter()
        .chain(others)
        .try_for_each(|(name, given)| not_negative(name, given.map(|g| g.map(|n| n as f64))))
}

const PARALLEL: &str = "max_parallel_requests";

/// Refuses more parallel requests than LiteLLM's column, an integer of 32 bits, holds.
///
/// # Errors
/// 400 naming the field.
pub(crate) fn fits_parallel(given: Given<i64>) -> Outcome<()> {
    match given.flatten() {
        Some(number) if i32::try_from(number).is_err() => {
            Err(bad(format!("{PARALLEL} cannot be above {}", i32::MAX)).with_param(PARALLEL).into())
        }
        _ => Ok(()),
    }
}

fn time(name: &'static str, given: &Given<String>) -> Outcome<Given<DateTime<Utc>>> {
    match given {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(text)) => match instant(text) {
            Some(at) => Ok(Some(Some(at))),
            None => Err(bad(format!("Invalid {name}: `{text}` is not a time")).with_param(name).into()),
        },
    }
}
