//! From a body to the columns of a key.

use chrono::{DateTime, Utc};
use llm_store::KeyPatch;
use llm_store::defaults::empty_list;
use llm_types::{Error, Json};

use super::body::KeyBody;
use crate::budgets::{fits_parallel, not_negative};
use crate::period::{Period, ResetClock};
use crate::request::{Given, Outcome, list, raw};

pub(crate) fn bad(message: impl Into<String>) -> Error {
    Error::bad_request(message).with_type("bad_request_error")
}

/// Reads a duration that must be one.
pub(crate) fn period(text: &str, field: &str) -> Result<Period, Error> {
    Period::parse(text).ok_or_else(|| {
        bad(format!("Invalid {field}: `{text}`. Use a number and a unit: 30s, 5m, 24h, 7d, 2w, 1mo.")).with_param(field)
    })
}

/// The reset that follows from a budget's duration.
pub(crate) fn reset(clock: &ResetClock, duration: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    let period = period(duration, "budget_duration")?;
    clock
        .next(period, now)
        .ok_or_else(|| bad(format!("Invalid budget_duration: `{duration}`")).with_param("budget_duration"))
}

/// What a body says of how often a budget is set back: the duration and the next reset, or neither when it is null.
/// Nothing when the body does not say.
pub(crate) fn renewal(
    duration: &Given<String>,
    next: impl FnOnce(&str) -> Outcome<DateTime<Utc>>,
) -> Outcome<Option<(Option<String>, Option<DateTime<Utc>>)>> {
    Ok(match duration {
        None => None,
        Some(None) => Some((None, None)),
        Some(Some(text)) => Some((Some(text.clone()), Some(next(text)?))),
    })
}

/// Routes that a type of key stands for.
pub(super) fn routes_of(key_type: &str) -> Option<Vec<String>> {
    let group = match key_type {
        "llm_api" => "llm_api_routes",
        "management" => "management_routes",
        "read_only" => "info_routes",
        "default" => return Some(Vec::new()),
        _ => return None,
    };
    Some(vec![group.to_owned()])
}

/// The columns a body sets. `metadata` is what [`super::body::metadata`] made of it.
///
/// # Errors
/// 400 for durations and key types that are none, and for amounts below zero.
pub(super) fn patch(
    asked: &KeyBody,
    metadata: Option<&Json>,
    clock: &ResetClock,
    now: DateTime<Utc>,
) -> Outcome<KeyPatch> {
    let amounts = [("max_budget", asked.max_budget), ("soft_budget", asked.soft_budget), ("spend", asked.spend)];
    amounts.into_iter().try_for_each(|(name, given)| not_negative(name, given))?;
    fits_parallel(asked.max_parallel_requests)?;
    let mut patch = KeyPatch {
        key_alias: asked.key_alias.clone(),
        models: list(&asked.models),
        spend: asked.spend.flatten(),
        max_budget: asked.max_budget,
        user_id: asked.user_id.clone(),
        team_id: asked.team_id.clone(),
        agent_id: asked.agent_id.clone(),
        project_id: asked.project_id.clone(),
        organization_id: asked.organization_id.clone(),
        budget_id: asked.budget_id.clone(),
        max_parallel_requests: asked.max_parallel_requests,
        tpm_limit: asked.tpm_limit,
        rpm_limit: asked.rpm_limit,
        tpd_limit: asked.tpd_limit,
        allowed_cache_controls: list(&asked.allowed_cache_controls),
        allowed_routes: list(&asked.allowed_routes),
        policies: list(&asked.policies),
        access_group_ids: list(&asked.access_group_ids),
        config: raw(&asked.config),
        permissions: raw(&asked.permissions),
        model_max_budget: raw(&asked.model_max_budget),
        budget_fallbacks: raw(&asked.budget_fallbacks),
        aliases: raw(&asked.aliases),
        router_settings: raw(&asked.router_settings).map(Some),
        blocked: asked.blocked,
        auto_rotate: asked.auto_rotate,
        metadata: metadata.map(Json::to_raw),
        budget_limits: asked.budget_limits.as_ref().map(|l| Some(l.as_ref().map_or_else(empty_list, Json::to_raw))),
        ..KeyPatch::default()
    };
    times(&mut patch, asked, clock, now)?;
    if let Some(Some(kind)) = &asked.key_type {
        let routes =
            routes_of(kind).ok_or_else(|| bad(format!("Unknown key_type: `{kind}`")).with_param("key_type"))?;
        patch.key_type = Some(Some(kind.clone()));
        if patch.allowed_routes.as_ref().is_none_or(Vec::is_empty) {
            patch.allowed_routes = Some(routes);
        }
    }
    Ok(patch)
}

/// Expiry, budget reset, next rotation.
fn times(patch: &mut KeyPatch, asked: &KeyBody, clock: &ResetClock, now: DateTime<Utc>) -> Outcome<()> {
    match &asked.duration {
        None => {}
        // Both mean: never.
        Some(None) => patch.expires = Some(None),
        Some(Some(text)) if text == "-1" => patch.expires = Some(None),
        Some(Some(text)) => {
            let end = period(text, "duration")?.after(now);
            patch.expires = Some(Some(end.ok_or_else(|| bad("duration is too long").with_param("duration"))?));
        }
    }
    if let Some((duration, reset_at)) = renewal(&asked.budget_duration, |text| Ok(reset(clock, text, now)?))? {
        patch.budget_duration = Some(duration);
        patch.budget_reset_at = Some(reset_at);
    }
    if let Some(interval) = &asked.rotation_interval {
        patch.rotation_interval = Some(interval.clone());
        let next = interval.as_deref().map(|text| period(text, "rotation_interval")).transpose()?;
        patch.key_rotation_at = Some(next.and_then(|p| p.after(now)));
    }
    Ok(())
}

/// Fills defaults into a body for a new key, then ceilings: what is missing gets the ceiling, what is larger is refused.
///
/// # Errors
/// 400 when something is larger than its ceiling.
pub(super) fn bounded(body: &Json, defaults: Option<&Json>, ceilings: Option<&Json>) -> Outcome<Json> {
    let mut out = body.clone();
    let missing = |out: &Json, name: &str| out.get(name).is_none_or(Json::is_null);
    for (name, value) in defaults.and_then(Json::as_object).unwrap_or_default() {
        if missing(&out, name) {
            out.set(name, value.clone());
        }
    }
    for (name, ceiling) in ceilings.and_then(Json::as_object).unwrap_or_default() {
        if ceiling.is_null() {
            continue;
        }
        if missing(&out, name) {
            out.set(name, ceiling.clone());
            continue;
        }
        let size = |json: Option<&Json>| match json {
            Some(Json::String(text)) => {
                text.trim().parse().ok().or_else(|| Period::parse(text).map(|p| p.seconds() as f64))
            }
            other => other.and_then(Json::as_f64),
        };
        if let (Some(asked), Some(most)) = (size(out.get(name)), size(Some(ceiling)))
            && (asked > most || asked < 0.0)
        {
            let asked = out.get(name).map(ToString::to_string).unwrap_or_default();
            return Err(bad(format!(
                "{name} is over max limit set in config - user_value={asked}; max_value={ceiling}"
            ))
            .with_param(name)
            .into());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Problem;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn defaults_and_ceilings() {
        let defaults = json(r#"{"max_budget":1.0,"models":["a"]}"#);
        let ceilings = json(r#"{"max_budget":10,"duration":"30d","tpm_limit":1000,"rpm_limit":null}"#);
        let out = bounded(&json(r#"{"duration":"7d"}"#), Some(&defaults), Some(&ceilings)).unwrap();
        assert_eq!(out, json(r#"{"duration":"7d","max_budget":1.0,"models":["a"],"tpm_limit":1000}"#));
        for body in [r#"{"max_budget":11}"#, r#"{"duration":"31d"}"#, r#"{"tpm_limit":"1001"}"#, r#"{"duration":"-1"}"#]
        {
            let refused = bounded(&json(body), None, Some(&ceilings));
            assert!(matches!(refused, Err(Problem::Refused(e)) if e.status() == 400), "{body}");
        }
    }

    #[test]
    fn columns_follow_from_the_body() {
        let now = DateTime::from_timestamp(1_768_386_030, 0).unwrap();
        let asked = KeyBody::read(&json(
            r#"{"duration":"1h","budget_duration":"7d","models":null,"max_budget":null,"key_type":"llm_api","blocked":true}"#,
        ))
        .unwrap();
        let patch = patch(&asked, None, &ResetClock::default(), now).unwrap();
        assert_eq!(patch.expires.flatten().unwrap() - now, chrono::TimeDelta::hours(1));
        assert_eq!(patch.budget_reset_at.flatten().unwrap().to_rfc3339(), "2026-01-19T00:00:00+00:00");
        assert_eq!((patch.models, patch.max_budget, patch.blocked), (Some(vec![]), Some(None), Some(Some(true))));
        assert_eq!(patch.allowed_routes, Some(vec!["llm_api_routes".to_owned()]));
        let wrong = KeyBody::read(&json(r#"{"budget_duration":"soon"}"#)).unwrap();
        assert!(super::patch(&wrong, None, &ResetClock::default(), now).is_err());
    }
}
