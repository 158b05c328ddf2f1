//! Headers of answers and of errors.

use std::cell::RefCell;
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use llm_client::{Call, Head, Target};
use llm_router::{AutoChoice, How, Tier};

use super::LITELLM_VERSION;
use super::limits::{of_caller, of_group};
use crate::flow::{Context, Refused};

/// A header's name, checked when we are built: an answer has thirty of them.
macro_rules! name {
    ($text:literal) => {
        const { HeaderName::from_static($text) }
    };
}
pub(super) use name;

/// The headers of an error.
#[must_use]
pub fn error_headers(ctx: &Context, refused: &Refused) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    put(&mut headers, name!("x-litellm-call-id"), &ctx.id);
    headers.insert(name!("x-litellm-version"), const { HeaderValue::from_static(LITELLM_VERSION) });
    headers.insert(name!("x-litellm-response-cost"), const { HeaderValue::from_static("0") });
    key_spend(&mut headers, ctx);
    let limit =
        ctx.wish.as_ref().and_then(|wish| wish.controls.timeout).or(ctx.snapshot.engine.settings.request_timeout);
    if let Some(limit) = limit {
        number(&mut headers, name!("x-litellm-timeout"), limit.as_secs_f64());
    }
    decision(&mut headers, refused.made.as_ref().and_then(|f| f.decision));
    if let Some(made) = refused.made.as_ref().and_then(|f| f.last.as_ref()) {
        put(&mut headers, name!("x-litellm-model-id"), &made.deployment.id);
        let group = ctx.wish.as_ref().map_or(&made.deployment.group, |wish| &wish.group);
        put(&mut headers, name!("x-litellm-model-group"), group);
    }
    if let Some(upstream) = &refused.error.upstream {
        for (name, value) in &upstream.headers {
            text(&mut headers, &format!("llm_provider-{name}"), value);
        }
    }
    for (name, value) in llm_accounts::limit_headers(&refused.error) {
        text(&mut headers, name, &value);
    }
    headers
}

/// The headers of an answer that several calls made.
#[must_use]
pub fn bare_headers(ctx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    put(&mut headers, name!("x-litellm-call-id"), &ctx.id);
    headers.insert(name!("x-litellm-version"), const { HeaderValue::from_static(LITELLM_VERSION) });
    key_spend(&mut headers, ctx);
    headers
}

/// Which policies the call had, and by what they came.
fn policies(headers: &mut HeaderMap, policies: &[(String, Option<String>)]) {
    if policies.is_empty() {
        return;
    }
    let names: Vec<&str> = policies.iter().map(|(name, _)| name.as_str()).collect();
    put(headers, name!("x-litellm-applied-policies"), &names.join(","));
    let sources = policies.iter().filter_map(|(name, via)| Some(format!("{name}={}", via.as_ref()?)));
    let sources = sources.collect::<Vec<_>>().join("; ");
    if !sources.is_empty() {
        put(headers, name!("x-litellm-policy-sources"), &sources);
    }
}

/// Headers that every answered call has.
pub(super) fn common(ctx: &Context, call: &Call, head: Option<&Head>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(48);
    put(&mut headers, name!("x-litellm-call-id"), &ctx.id);
    headers.insert(name!("x-litellm-version"), const { HeaderValue::from_static(LITELLM_VERSION) });
    if let Some(who) = &ctx.who {
        of_caller(&mut headers, who);
    }
    if !ctx.guardrails.is_empty() {
        put(&mut headers, name!("x-litellm-applied-guardrails"), &ctx.guardrails.join(","));
    }
    policies(&mut headers, &ctx.policies);
    let Some(head) = head else {
        put(&mut headers, name!("x-litellm-model-group"), &call.model);
        return headers;
    };
    decision(&mut headers, head.decision);
    chosen(&mut headers, head);
    let d = &head.deployment;
    put(&mut headers, name!("x-litellm-model-id"), &d.id);
    // As it was asked for, unless another group answers; an alias stays one.
    let group = if head.fallbacks > 0 { &d.group } else { &call.model };
    put(&mut headers, name!("x-litellm-model-group"), group);
    match d.payload::<Target>() {
        Some(target) if d.model.contains('*') => {
            let name = format!("{}/{}", target.provider_id(), head.model);
            put(&mut headers, name!("x-litellm-model-name"), &name);
        }
        Some(_) => put(&mut headers, name!("x-litellm-model-name"), &d.model),
        None => put(&mut headers, name!("x-litellm-model-name"), &head.model),
    }
    let base = d.payload::<Target>().and_then(|t| t.headers.api_base.clone());
    let base = base.or_else(|| HeaderValue::from_str(head.api_base.as_deref()?).ok());
    if let Some(base) = base {
        headers.insert(name!("x-litellm-model-api-base"), base);
    }
    if let Some(region) = &d.region {
        put(&mut headers, name!("x-litellm-model-region"), region);
    }
    headers.insert(name!("x-litellm-attempted-retries"), HeaderValue::from(head.retries));
    headers.insert(name!("x-litellm-attempted-fallbacks"), HeaderValue::from(head.fallbacks));
    headers.insert(name!("x-litellm-max-retries"), HeaderValue::from(head.max_retries));
    if let Some(timeout) = head.timeout {
        number(&mut headers, name!("x-litellm-timeout"), timeout);
    }
    if call.controls.priority.is_some() {
        headers.insert(name!("x-litellm-request-prioritization-used"), const { HeaderValue::from_static("True") });
    }
    if !head.lost.is_empty() {
        put(&mut headers, name!("x-llm-dropped-params"), &head.lost.join(","));
    }
    of_group(&mut headers, ctx, &d.group);
    provider_headers(&mut headers, &head.upstream_headers);
    headers
}

/// What the key has spent, without this call. The master key has no row; LiteLLM tells 0 for it.
pub(super) fn key_spend(headers: &mut HeaderMap, ctx: &Context) {
    if let Some(who) = &ctx.who {
        number(headers, name!("x-litellm-key-spend"), who.spend().unwrap_or(0.0));
    }
}

/// What an auto router made of the request.
fn chosen(headers: &mut HeaderMap, head: &Head) {
    let Some(AutoChoice { model, how }) = &head.auto else { return };
    let mut told = |name: HeaderName, value: &str| put(headers, name, value);
    match how {
        How::Complexity { tier, score } => {
            told(name!("x-litellm-complexity-router-model"), model);
            told(name!("x-litellm-complexity-router-tier"), tier.name());
            number(headers, name!("x-litellm-complexity-router-score"), *score);
        }
        How::Semantic { .. } => {}
        How::Quality { tier, keyword, complexity } => {
            told(name!("x-litellm-quality-router-model"), model);
            told(name!("x-litellm-quality-router-via"), if keyword.is_some() { "keyword" } else { "quality_tier" });
            let tier = tier.map(|tier| tier.to_string());
            let parts = [
                (name!("x-litellm-quality-router-tier"), tier.as_deref()),
                (name!("x-litellm-quality-router-keyword"), keyword.as_deref()),
                (name!("x-litellm-quality-router-complexity"), complexity.map(Tier::name)),
            ];
            parts
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .for_each(|(name, value)| told(name, value));
        }
        How::Adaptive { .. } => told(name!("x-litellm-adaptive-router-model"), model),
    }
}

/// Under which the router's decisions can be read back: `GET /router/decisions/{id}`.
pub(crate) fn decision(headers: &mut HeaderMap, id: Option<llm_router::DecisionId>) {
    if let Some(value) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        headers.insert(name!("x-llm-decision-id"), value);
    }
}

/// No answer is guessed the type of, nor shown in frames of others; pages that say more of it keep what they say.
pub(crate) fn guarded(headers: &mut HeaderMap) {
    headers.insert(name!("x-content-type-options"), const { HeaderValue::from_static("nosniff") });
    headers.insert(name!("x-frame-options"), const { HeaderValue::from_static("DENY") });
    let own = headers.entry(name!("content-security-policy"));
    own.or_insert(const { HeaderValue::from_static("frame-ancestors 'none'") });
}

/// Every header of the upstream comes back with the prefix `llm_provider-`; rate limits also under their own name.
fn provider_headers(headers: &mut HeaderMap, upstream: &HeaderMap) {
    for (name, value) in upstream {
        if matches!(name.as_str(), "connection" | "transfer-encoding" | "set-cookie") {
            continue;
        }
        if name.as_str().starts_with("x-ratelimit-") {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(prefixed(name), value.clone());
    }
}

thread_local! {
    /// The same few upstream headers come again and again; their prefixed names are made once.
    static PREFIXED: RefCell<Vec<(HeaderName, HeaderName)>> = const { RefCell::new(Vec::new()) };
}

fn prefixed(name: &HeaderName) -> HeaderName {
    PREFIXED.with_borrow_mut(|known| {
        if let Some((_, long)) = known.iter().find(|(short, _)| short == name) {
            return long.clone();
        }
        let long = HeaderName::from_bytes(format!("llm_provider-{name}").as_bytes()).unwrap_or_else(|_| name.clone());
        if known.len() < 64 {
            known.push((name.clone(), long.clone()));
        }
        long
    })
}

pub(super) fn durations(headers: &mut HeaderMap, ctx: &Context, upstream: Duration) {
    let all = ctx.started.elapsed();
    milliseconds(headers, name!("x-litellm-response-duration-ms"), all);
    milliseconds(headers, name!("x-litellm-overhead-duration-ms"), all.saturating_sub(upstream));
}

/// Milliseconds with three places, without floating point.
fn milliseconds(headers: &mut HeaderMap, name: HeaderName, time: Duration) {
    let us = time.as_micros();
    if let Ok(value) = HeaderValue::try_from(format!("{}.{:03}", us / 1000, us % 1000)) {
        headers.insert(name, value);
    }
}

fn text(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
        put(headers, name, value);
    }
}

/// A header whose name is known when we are built: nothing is parsed or allocated for it.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).or_else(|_| {
        let clean: String = value.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        HeaderValue::from_str(&clean)
    });
    if let Ok(value) = value {
        headers.insert(name, value);
    }
}

pub(crate) fn number(headers: &mut HeaderMap, name: HeaderName, value: f64) {
    headers.insert(name, numeral(value));
}

/// A number as the value of a header.
pub(super) fn numeral(value: f64) -> HeaderValue {
    const ZERO: HeaderValue = HeaderValue::from_static("0");
    if value == 0.0 {
        return ZERO; // most discounts and margins are
    }
    // Python writes small numbers as 1.5e-05; clients parse both, and plain decimals read better.
    let mut text = value.to_string();
    if text.len() > 32 {
        text = format!("{value:e}");
    }
    HeaderValue::try_from(text).unwrap_or(ZERO) // what writes a number, a header can hold
}
