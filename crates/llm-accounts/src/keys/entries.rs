//! Limits that are lists and objects (budgets of models, windows of money, rates of models, tags and tool servers), held against
//! those of the key that makes the call.

use llm_store::{BudgetRow, VerificationToken};
use llm_types::Json;

use super::rights::forbidden;
use crate::request::Outcome;

/// Fields of a key's row, then of its metadata; bodies have all of them at the top, and the latter in `metadata` as well.
const COLUMNS: [&str; 2] = ["model_max_budget", "budget_limits"];
const METADATA: [&str; 4] = ["model_rpm_limit", "model_tpm_limit", "tag_rpm_limit", "mcp_rpm_limit"];

/// What the gateway notes beside a limit.
const NOTED: [&str; 2] = ["reset_at", "spend"];

/// The limits of a key and of the budget that it refers to, as a body says them; those that say nothing are left out.
pub(super) fn of_row(row: &VerificationToken, budget: Option<&BudgetRow>) -> Json {
    let metadata: Json = row.metadata.read().unwrap_or_default();
    let windows = row.budget_limits.as_ref().and_then(|raw| raw.read().ok());
    let models = row.model_max_budget.read().ok().filter(says_something);
    let models = models.or_else(|| budget?.model_max_budget.as_ref()?.read().ok());
    let columns = [models, windows];
    let columns = COLUMNS.into_iter().zip(columns).filter_map(|(name, value)| Some((name, value?)));
    let within = METADATA.into_iter().filter_map(|name| Some((name, metadata.get(name)?.clone())));
    Json::object(columns.chain(within).filter(|(_, value)| says_something(value)))
}

/// A new key has the limits of the key that makes it where its body names none.
pub(super) fn inherit(own: &Json, body: &mut Json) {
    for (name, value) in own.as_object().unwrap_or_default() {
        if !asked(body, name).is_some_and(says_something) {
            body.set(name, value.clone());
        }
    }
}

/// Who replaces the metadata of a key that has these limits does not mean to lift them: what the body does not name stays.
pub(super) fn keep(own: &Json, body: &Json, before: &Json, metadata: &mut Json) {
    for name in METADATA.into_iter().filter(|name| own.get(name).is_some() && asked(body, name).is_none()) {
        if let Some(value) = before.get(name) {
            metadata.set(name, value.clone());
        }
    }
}

/// Checks that what a body says of a limit is no more than each entry of the caller's key. `there`: the limits of the key that
/// is changed, which may stay as they are; none for a new key, which needs them all.
///
/// # Errors
/// 403 naming the limit.
pub(super) fn within(own: &Json, there: Option<&Json>, body: &Json) -> Outcome<()> {
    for (name, most) in own.as_object().unwrap_or_default() {
        let given = asked(body, name);
        let stays = there.is_some_and(|there| given.is_none_or(|given| there.get(name) == Some(given)));
        if !stays && !given.is_some_and(|given| lower(most, given)) {
            let why = format!("`{name}` must be within that of the key that makes the call.");
            return Err(forbidden(why).with_param(name.as_str()).into());
        }
    }
    Ok(())
}

fn asked<'j>(body: &'j Json, name: &str) -> Option<&'j Json> {
    let within = || body.get("metadata").filter(|_| METADATA.contains(&name)).and_then(|metadata| metadata.get(name));
    body.get(name).or_else(within)
}

fn says_something(value: &Json) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty()) || value.as_array().is_some_and(|list| !list.is_empty())
}

/// Everything that `most` limits, `given` limits at least as much: numbers no larger, texts (periods) the same.
fn lower(most: &Json, given: &Json) -> bool {
    match (most, given) {
        (Json::Object(fields), Json::Object(_)) => fields
            .iter()
            .filter(|(name, value)| !NOTED.contains(&name.as_str()) && !value.is_null())
            .all(|(name, value)| given.get(name).is_some_and(|given| lower(value, given))),
        (Json::Array(entries), Json::Array(others)) => {
            entries.iter().all(|entry| others.iter().any(|other| lower(entry, other)))
        }
        _ => match (most.as_f64(), given.as_f64()) {
            (Some(most), Some(given)) => given <= most,
            _ => most == given,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_stays_or_becomes_lower() {
        let json = |text: &str| -> Json { serde_json::from_str(text).unwrap() };
        let own = json(
            r#"{"model_max_budget":{"m":{"budget_limit":5,"time_period":"30d"}},"model_rpm_limit":{"m":3},
            "budget_limits":[{"budget_duration":"1d","max_budget":2,"reset_at":"x"}]}"#,
        );
        let wide = json(r#"{"model_rpm_limit":{"m":9}}"#);
        let fine = |body: &str| within(&own, Some(&wide), &json(body)).is_ok();
        assert!(within(&own, None, &json("{}")).is_err(), "a new key has them");
        for body in [
            "{}",
            r#"{"metadata":{"tags":["a"]}}"#,
            r#"{"metadata":{"model_rpm_limit":{"m":9}}}"#,
            r#"{"model_max_budget":{"m":{"budget_limit":5.0,"time_period":"30d"},"n":{"budget_limit":9,"time_period":"1d"}}}"#,
            r#"{"budget_limits":[{"budget_duration":"7d","max_budget":9},{"budget_duration":"1d","max_budget":1}]}"#,
            r#"{"metadata":{"model_rpm_limit":{"m":2}}}"#,
        ] {
            assert!(fine(body), "{body}");
        }
        for body in [
            r#"{"model_max_budget":null}"#,
            r#"{"model_max_budget":{}}"#,
            r#"{"model_max_budget":{"m":{"budget_limit":6,"time_period":"30d"}}}"#,
            r#"{"model_max_budget":{"m":{"budget_limit":5,"time_period":"1d"}}}"#,
            r#"{"budget_limits":[]}"#,
            r#"{"budget_limits":[{"budget_duration":"1d","max_budget":2.5}]}"#,
            r#"{"model_rpm_limit":{"n":1}}"#,
            r#"{"metadata":{"model_rpm_limit":null}}"#,
        ] {
            assert!(!fine(body), "{body}");
        }
        let mut new = json(r#"{"model_rpm_limit":{"m":1},"budget_limits":[],"metadata":null}"#);
        inherit(&own, &mut new);
        assert!(within(&own, None, &new).is_ok());
        assert_eq!(new.get("model_rpm_limit").unwrap().to_string(), r#"{"m":1}"#);
        let mut metadata = json(r#"{"tags":["a"]}"#);
        keep(
            &own,
            &json(r#"{"metadata":{"tags":["a"]}}"#),
            &json(r#"{"model_rpm_limit":{"m":9},"x":1}"#),
            &mut metadata,
        );
        assert_eq!(metadata.to_string(), r#"{"tags":["a"],"model_rpm_limit":{"m":9}}"#);
    }
}
