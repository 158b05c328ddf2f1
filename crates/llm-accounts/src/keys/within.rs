//! Each thing that is asked for a key, held against the key that makes the call.

use chrono::{DateTime, Utc};

use super::body::KeyBody;
use super::bounds::{Own, lifetime, routes_asked, too_long};
use super::rights::forbidden;
use crate::period::Period;
use crate::purse::{Owner, nanos};
use crate::request::Outcome;
use crate::{Identity, ModelList};

/// What was asked, when it counts: for a new key an absent field is the widest there is.
pub(super) fn asked_or_widest<T>(given: Option<&Option<T>>, new: bool) -> Option<Option<&T>> {
    match given {
        Some(given) => Some(given.as_ref()),
        None => new.then_some(None),
    }
}

pub(super) fn within_routes(by: &Identity, asked: &KeyBody, new: bool) -> Outcome<()> {
    if by.allowed_routes.is_empty() {
        return Ok(());
    }
    let given = routes_asked(asked);
    let Some(routes) = asked_or_widest(given.as_ref(), new) else { return Ok(()) };
    // A pattern covers more than the path it is made of, so it has to be one of the caller's.
    let within = |route: &String| {
        by.allowed_routes.contains(route)
            || !route.contains(['*', '{']) && route.starts_with('/') && crate::in_routes(&by.allowed_routes, route)
    };
    let fine = routes.is_some_and(|routes| !routes.is_empty() && routes.iter().all(within));
    if fine {
        Ok(())
    } else {
        Err(forbidden("`allowed_routes` must be within those of the key that makes the call.").into())
    }
}

pub(super) fn within_models(by: &Identity, asked: &KeyBody, new: bool) -> Outcome<()> {
    if !by.fences.is_empty() {
        // One list of a key cannot say what several say together.
        return Err(forbidden("Who is limited by several rules of roles and scopes makes no keys.").into());
    }
    if by.lists.key.allows_all() || by.lists.key.is_teams() {
        return Ok(());
    }
    let Some(models) = asked_or_widest(asked.models.as_ref(), new) else { return Ok(()) };
    let directory = by.directory.load();
    let fine = models.is_some_and(|models| {
        !ModelList::new(models).allows_all() && models.iter().all(|m| by.lists.key.allows(m, &directory))
    });
    if fine { Ok(()) } else { Err(forbidden("`models` must be within those of the key that makes the call.").into()) }
}

pub(super) fn within_budget(by: &Identity, asked: &KeyBody, own: &Own, new: bool) -> Outcome<()> {
    let cap = by.bounds.budgets.iter().find(|b| b.owner == Owner::Key).and_then(|b| b.cap);
    let Some(cap) = cap.filter(|_| !by.is_session()) else { return Ok(()) };
    if let Some(max) = asked_or_widest(asked.max_budget.as_ref(), new)
        && !max.is_some_and(|max| max.is_finite() && nanos(*max) <= cap.max)
    {
        return Err(forbidden("`max_budget` must be within that of the key that makes the call.").into());
    }
    // The same money in a shorter window is more money.
    let window = asked.budget_duration.as_ref().and_then(Option::as_deref).and_then(Period::parse);
    let longest = own.window().map_or(i64::MAX, Period::seconds);
    match window {
        Some(window) if window.seconds() < longest => {
            Err(forbidden("`budget_duration` must not be shorter than that of the key that makes the call.").into())
        }
        _ => Ok(()),
    }
}

pub(super) fn within_rates(asked: &KeyBody, own: &Own) -> Outcome<()> {
    for (name, most) in own.rates() {
        let given = match name {
            "tpm_limit" => asked.tpm_limit,
            "rpm_limit" => asked.rpm_limit,
            "tpd_limit" => asked.tpd_limit,
            _ => asked.max_parallel_requests,
        };
        if let (Some(given), Some(most)) = (given, most)
            && given.is_none_or(|given| given > most)
        {
            let why = format!("`{name}` must be within that of the key that makes the call.");
            return Err(forbidden(why).with_param(name).into());
        }
    }
    Ok(())
}

pub(super) fn within_lifetime(by: &Identity, asked: &KeyBody, new: bool, now: DateTime<Utc>) -> Outcome<()> {
    let Some(end) = lifetime(by) else { return Ok(()) };
    let Some(asked) = asked_or_widest(asked.duration.as_ref(), new) else { return Ok(()) };
    let until = asked.and_then(|d| Period::parse(d)).and_then(|p| p.after(now));
    if until.is_some_and(|until| until <= end) { Ok(()) } else { Err(too_long()) }
}
