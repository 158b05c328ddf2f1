//! Finding the entry of a model under the many names that callers use.

use llm_types::Usage;

use crate::{
    Catalog, Field, ModelRef, Rules,
    rules::{Shorten, SizeClass},
};

impl Catalog {
    /// The entry for `model` as called on `provider`, in LiteLLM's order: `provider/model`, `model`, then both again
    /// with version, region or fine-tuning suffixes taken off, then `model` without its first path segment. Each is
    /// tried as written, then in any case, and counts only if its label belongs to the provider.
    ///
    /// `provider` may be empty when unknown; `model` may carry the provider as its prefix. Exact names are found
    /// without allocating.
    #[must_use]
    pub fn lookup(&self, provider: &str, model: &str) -> Option<ModelRef<'_>> {
        let rules = Rules::of(provider);
        let search = Search { catalog: self, provider, rules };
        let bare = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
        let (own, bare) = match bare {
            // "perplexity/sonar" called on perplexity is the entry of that name, not "perplexity/perplexity/sonar".
            Some(bare) if !provider.is_empty() => (true, bare),
            _ => (false, model),
        };
        let prefixed = |name: &str| if own { search.take(&[model]) } else { search.with_provider(name) };
        prefixed(bare)
            .or_else(|| search.take(&[model]))
            .or_else(|| {
                let short = shorten(rules.shorten, bare);
                let changed = short != bare;
                changed.then(|| search.with_provider(short).or_else(|| search.take(&[short]))).flatten()
            })
            .or_else(|| own.then(|| search.take(&[bare])).flatten())
            .or_else(|| rules.affixes.iter().find_map(|(before, after)| search.affixed(before, bare, after)))
            .or_else(|| match model.split_once('/') {
                Some((_, rest)) if provider.is_empty() => search.take(&[rest]),
                _ => None,
            })
    }

    /// [`Catalog::lookup`] for pricing: tries the region's own entry (`provider/region/model`) first, and falls back
    /// to the price class for the number of parameters in the name where the provider has such classes.
    #[must_use]
    pub fn lookup_price(&self, provider: &str, region: Option<&str>, model: &str) -> Option<ModelRef<'_>> {
        let bare = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        region
            .and_then(|region| self.exact(&[provider, "/", region, "/", bare]))
            .or_else(|| self.lookup(provider, model))
            .or_else(|| self.exact(&[size_class(Rules::of(provider), bare)?]))
    }

    /// The entry for a generated image, whose key may carry quality and size (`hd/1024-x-1792/dall-e-3`).
    ///
    /// `size` is `1024x1024` or `1024-x-1024`; `quality` as in the request. Falls back to [`Catalog::lookup_price`].
    #[must_use]
    pub fn lookup_image(
        &self,
        provider: &str,
        model: &str,
        size: Option<&str>,
        quality: Option<&str>,
    ) -> Option<ModelRef<'_>> {
        let bare = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        let size = size.filter(|size| *size != "auto").unwrap_or("1024-x-1024");
        let size = if size.contains("-x-") { size.to_owned() } else { size.replace('x', "-x-") };
        let last = bare.rsplit('/').next().unwrap_or(bare);
        let quality = quality.filter(|quality| *quality != "auto");
        let with_quality = quality.and_then(|quality| {
            self.exact(&[provider, "/", quality, "/", &size, "/", bare])
                .or_else(|| self.exact(&[quality, "/", provider, "/", &size, "/", bare]))
                .or_else(|| self.exact(&[quality, "/", &size, "/", last]))
        });
        with_quality
            .or_else(|| self.exact(&[provider, "/", &size, "/", bare]))
            .or_else(|| self.exact(&[provider, "/standard/", &size, "/", bare]))
            .or_else(|| self.exact(&["standard/", &size, "/", last]))
            .or_else(|| self.exact(&[&size, "/", last]))
            .filter(|found| Rules::of(provider).accept(provider, found.provider()))
            .or_else(|| self.lookup_price(provider, None, model))
    }
}

/// The names under which a call may be priced, best first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Priced<'a> {
    /// Id of the provider that was called.
    pub provider: &'a str,
    /// Region it was called in, where regions have their own prices.
    pub region: Option<&'a str>,
    /// The deployment's `base_model`: the operator says what is behind an Azure deployment's name.
    pub base_model: Option<&'a str>,
    /// The model as called.
    pub model: &'a str,
    /// The model that the upstream says answered.
    pub response_model: Option<&'a str>,
}

impl Catalog {
    /// The entry that prices a call, in LiteLLM's order: `base_model`, the model as called, the model that answered.
    /// A deployment's own prices come before all of them: see [`crate::CustomPrice`].
    #[must_use]
    pub fn priced(&self, call: &Priced<'_>) -> Option<ModelRef<'_>> {
        let by = |name: &str| self.lookup_price(call.provider, call.region, name);
        let base = call.base_model.and_then(|base| by(base).or_else(|| self.lookup("", base)));
        base.or_else(|| by(call.model)).or_else(|| call.response_model.and_then(by))
    }

    /// What a routing model costs on top of the model it routed to, in USD. 0 for models that are no routers, and when
    /// the router's own entry already priced the call.
    #[must_use]
    pub fn router_fee(&self, provider: &str, requested: &str, priced: Option<ModelRef<'_>>, usage: &Usage) -> f64 {
        let rules = Rules::of(provider);
        let requested = requested.to_ascii_lowercase();
        if !rules.router_words.iter().any(|word| requested.contains(word)) {
            return 0.0;
        }
        let fee = self.get(rules.router_entry).filter(|fee| priced.is_none_or(|priced| priced.name() != fee.name()));
        fee.and_then(|fee| fee.num(Field::InputCostPerToken)).unwrap_or(0.0) * usage.total_input() as f64
    }
}

struct Search<'c, 'p> {
    catalog: &'c Catalog,
    provider: &'p str,
    rules: &'static Rules,
}

impl<'c> Search<'c, '_> {
    fn take(&self, pieces: &[&str]) -> Option<ModelRef<'c>> {
        let fits = |found: &ModelRef<'_>| self.rules.accept(self.provider, found.provider());
        self.catalog.exact(pieces).or_else(|| self.catalog.any_case(pieces)).filter(fits)
    }

    fn with_provider(&self, name: &str) -> Option<ModelRef<'c>> {
        if self.provider.is_empty() { None } else { self.take(&[self.provider, "/", name]) }
    }

    fn affixed(&self, before: &str, name: &str, after: &str) -> Option<ModelRef<'c>> {
        self.take(&[self.provider, "/", before, name, after]).or_else(|| self.take(&[before, name, after]))
    }
}

/// Takes off what names a version, a region or a tune of a model rather than the model.
fn shorten(how: Shorten, name: &str) -> &str {
    match how {
        Shorten::Version => {
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
            if base.len() < name.len() { base.strip_suffix('-').unwrap_or(name) } else { name }
        }
        Shorten::Aws => shorten_aws(name),
        // ft:gpt-4o-mini:org:suffix:id is priced as ft:gpt-4o-mini
        Shorten::No if name.starts_with("ft:") => match name.match_indices(':').nth(1) {
            Some((second, _)) => name.get(..second).unwrap_or(name),
            None => name,
        },
        Shorten::No => name,
    }
}

fn shorten_aws(name: &str) -> &str {
    const ROUTES: [&str; 8] =
        // tidy: provider-id: route words that stand before model names of that host
        ["bedrock/", "converse/", "converse_like/", "invoke/", "agent/", "async_invoke/", "openai/", "mantle/"];
    const GEOS: [&str; 8] = ["us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global."];
    let mut rest = name;
    while let Some(next) = ROUTES.iter().find_map(|route| rest.strip_prefix(route)) {
        rest = next;
    }
    // arn:aws:bedrock:region:account:inference-profile/us.vendor.model
    if rest.starts_with("arn:") {
        rest = rest.rsplit('/').next().unwrap_or(rest);
    }
    if let Some((region, model)) = rest.split_once('/')
        && region.bytes().filter(|b| *b == b'-').count() >= 2
        && region.bytes().next_back().is_some_and(|b| b.is_ascii_digit())
    {
        rest = model;
    }
    GEOS.iter().find_map(|geo| rest.strip_prefix(geo)).unwrap_or(rest)
}

/// The price class of a model by the `70b` or `8x7b` in its name.
fn size_class(rules: &Rules, model: &str) -> Option<&'static str> {
    if rules.sizes.is_empty() {
        return None;
    }
    let smallest = |classes: &'static [SizeClass], billions: f64| {
        classes.iter().find(|class| billions <= class.billions).map(|class| class.entry)
    };
    let class = match parameters(model) {
        Some((experts, billions)) if experts > 1.0 && !rules.expert_sizes.is_empty() => {
            smallest(rules.expert_sizes, experts * billions)
        }
        Some((_, billions)) => smallest(rules.sizes, billions),
        None => None,
    };
    class.or_else(|| (!rules.unsized_entry.is_empty()).then_some(rules.unsized_entry))
}

/// Experts and billions of parameters: (8, 7) for `mixtral-8x7b`, (1, 70) for `llama-70B`.
fn parameters(model: &str) -> Option<(f64, f64)> {
    let bytes = model.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (at, _) = bytes.iter().enumerate().find(|(at, b)| b.eq_ignore_ascii_case(&b'b') && *at > 0 && digit(at - 1))?;
    let start = (0..at).rev().take_while(|at| digit(*at)).last()?;
    let billions: f64 = model.get(start..at)?.parse().ok()?;
    let experts = start.checked_sub(2).filter(|at| bytes.get(at + 1).is_some_and(|b| b.eq_ignore_ascii_case(&b'x')));
    let experts = experts.and_then(|end| {
        let start = (0..=end).rev().take_while(|at| digit(*at)).last()?;
        model.get(start..=end)?.parse().ok()
    });
    Some((experts.unwrap_or(1.0), billions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        assert_eq!(parameters("accounts/x/mixtral-8x7b-instruct"), Some((8.0, 7.0)));
        assert_eq!(parameters("Llama-3-70B-chat"), Some((1.0, 70.0)));
        assert_eq!(parameters("gemma"), None);
        assert_eq!(parameters("big"), None);
    }

    #[test]
    fn names_are_shortened() {
        for (how, name, short) in [
            (Shorten::Version, "gemini-1.5-pro-001", "gemini-1.5-pro"),
            (Shorten::Version, "gemini-1.5-pro", "gemini-1.5-pro"),
            (Shorten::Aws, "us.anthropic.claude-x-v1:0", "anthropic.claude-x-v1:0"),
            (Shorten::Aws, "converse/us-east-1/amazon.nova", "amazon.nova"),
            (Shorten::Aws, "arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova", "amazon.nova"),
            (Shorten::No, "ft:gpt-4o-mini:org:name:id", "ft:gpt-4o-mini"),
            (Shorten::No, "ft:gpt-4o-mini", "ft:gpt-4o-mini"),
        ] {
            assert_eq!(shorten(how, name), short, "{name}");
        }
    }
}
