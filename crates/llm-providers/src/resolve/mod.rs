//! From a model string to a provider, in LiteLLM's order.

use std::borrow::Cow;

use llm_types::{Error, Result};

use crate::provider::Provider;
use crate::registry::{all, by_id, by_prefix};

/// Who serves a model, and what the model is called there.
#[derive(Debug, Clone)]
pub struct Resolved<'a> {
    /// The provider.
    pub provider: &'static dyn Provider,
    /// The model as the provider knows it.
    pub model: Cow<'a, str>,
}

/// Finds the provider of a model string.
///
/// An explicit `custom_llm_provider` wins; then the first segment of the model, where it names a provider; then the
/// host of `api_base`, where it is known; then bare model names that are known.
///
/// # Errors
/// `BadRequest` when nothing names a provider.
pub fn resolve<'a>(model: &'a str, custom_llm_provider: Option<&str>, api_base: Option<&str>) -> Result<Resolved<'a>> {
    if let Some(id) = custom_llm_provider.filter(|id| !id.is_empty()) {
        let provider = by_prefix(id).ok_or_else(|| unknown(id))?;
        return Ok(Resolved { provider, model: within(model, provider, id) });
    }
    if let Some((prefix, rest)) = model.split_once('/')
        && !rest.is_empty()
        && let Some(provider) = by_prefix(prefix)
    {
        return Ok(Resolved { provider, model: inside(model, rest, provider) });
    }
    if let Some(provider) = api_base.and_then(by_host).or_else(|| by_bare_name(model)) {
        return Ok(Resolved { provider, model: Cow::Borrowed(model) });
    }
    Err(Error::bad_request(format!(
        "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model={model}\n Pass \
         model as E.g. For 'Huggingface' inference endpoints pass in `completion(model='huggingface/starcoder',..)` \
         Learn more: https://docs.litellm.ai/docs/providers"
    ))
    .with_param("model"))
}

/// Without the provider's own prefix, if it is there.
fn within<'a>(model: &'a str, provider: &'static dyn Provider, id: &str) -> Cow<'a, str> {
    match model.split_once('/') {
        Some((prefix, rest)) if prefix == id || prefix == provider.row().id => inside(model, rest, provider),
        _ => Cow::Borrowed(model),
    }
}

/// Some hosts list models whose own names begin with the host's name: those keep it.
fn inside<'a>(model: &'a str, rest: &'a str, provider: &'static dyn Provider) -> Cow<'a, str> {
    let kept = !rest.contains('/') && provider.row().bare_models.contains(&model);
    Cow::Borrowed(if kept { model } else { rest })
}

fn unknown(id: &str) -> Error {
    let near = all().map(|p| p.row().id).min_by_key(|known| distance(known, id));
    let hint = near.filter(|n| distance(n, id) <= 2).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
    Error::bad_request(format!("there is no provider {id:?}.{hint}")).with_param("custom_llm_provider")
}

/// The provider at a base URL: its host must be the same, its path must begin with the known one on a segment's
/// border. Never by a part of the host's name: keys must not be sent to strangers.
#[must_use]
pub fn by_host(api_base: &str) -> Option<&'static dyn Provider> {
    let rest = api_base.split_once("://").map_or(api_base, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    all().find(|p| {
        p.row().hosts.iter().any(|known| match rest.strip_prefix(known) {
            Some(tail) => tail.is_empty() || tail.starts_with('/'),
            None => false,
        })
    })
}

fn by_bare_name(model: &str) -> Option<&'static dyn Provider> {
    let listed = llm_catalog::Catalog::builtin().get(model).and_then(|m| m.provider()).and_then(by_label);
    listed.or_else(|| {
        all().find(|p| {
            p.row().bare_models.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some("") => model == "*",
                Some(head) => model.starts_with(head),
                None => model == *pattern,
            })
        })
    })
}

/// The provider of a label of the price map, which may carry a class (`vertex_ai-language-models`).
fn by_label(label: &str) -> Option<&'static dyn Provider> {
    by_prefix(label).or_else(|| {
        let cuts = label.match_indices(['-', '_']).map(|(at, _)| at).collect::<Vec<_>>();
        cuts.into_iter().rev().find_map(|at| by_id(label.get(..at)?))
    })
}

/// Edits that turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.bytes().enumerate() {
            let left = row.get(j).copied().unwrap_or_default();
            let Some(cell) = row.get_mut(j + 1) else { break };
            let next = (before + usize::from(x != y)).min(left + 1).min(*cell + 1);
            before = std::mem::replace(cell, next);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
