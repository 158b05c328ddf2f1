//! Limits as headers of answers: those of the caller's key, what is left of them, what is left of a group's.

use std::cell::RefCell;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use llm_accounts::Identity;
use llm_types::trail::LimitLeft;

use super::headers::name;
use crate::flow::Context;

/// The limits of the caller's key.
pub(crate) fn of_caller(headers: &mut HeaderMap, who: &Identity) {
    for (name, value) in who.limit_headers() {
        headers.insert(name, value); // in place of what an upstream of our kind says of its own key
    }
}

/// What is left of the caller's limits, and the limits: `x-ratelimit-{whose}-remaining-{kind}`, `-limit-`.
pub(super) fn left(headers: &mut HeaderMap, all: &[LimitLeft]) {
    for limit in all {
        for (what, value) in [("remaining", limit.remaining), ("limit", limit.limit)] {
            if let Some(name) = name_of(limit, what) {
                headers.insert(name, HeaderValue::from(value));
            }
        }
    }
}

thread_local! {
    /// Callers have limits of a few kinds; their names are made once.
    static LIMITS: RefCell<Vec<([&'static str; 3], HeaderName)>> = const { RefCell::new(Vec::new()) };
}

fn name_of(limit: &LimitLeft, what: &'static str) -> Option<HeaderName> {
    LIMITS.with_borrow_mut(|known| {
        let of = [limit.whose, what, limit.kind];
        if let Some((_, name)) = known.iter().find(|(known, _)| *known == of) {
            return Some(name.clone());
        }
        let name = format!("x-ratelimit-{}-{what}-{}", limit.whose, limit.kind);
        let name = HeaderName::try_from(name).ok()?;
        known.push((of, name.clone()));
        Some(name)
    })
}

/// What is left this minute of the `rpm` and `tpm` of a group's deployments; what the provider says of its own limits wins.
pub(super) fn of_group(headers: &mut HeaderMap, ctx: &Context, group: &str) {
    let Some(group) = ctx.snapshot.limited.get(group) else { return };
    let rates = ctx.snapshot.engine.router.rates(group, std::time::Instant::now());
    for (limit, used, limit_name, left_name) in [
        (rates.rpm, rates.used_requests, name!("x-ratelimit-limit-requests"), name!("x-ratelimit-remaining-requests")),
        (rates.tpm, rates.used_tokens, name!("x-ratelimit-limit-tokens"), name!("x-ratelimit-remaining-tokens")),
    ] {
        if let Some(limit) = limit {
            headers.insert(limit_name, HeaderValue::from(limit));
            headers.insert(left_name, HeaderValue::from(limit.saturating_sub(used)));
        }
    }
}
