//! A deployment made ready: everything about it that does not change from call to call.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use llm_catalog::{Catalog, CustomPrice, ModelRef};
use llm_http::shown;
use llm_providers::{Call as ProviderCall, Endpoint, Params, Policy, Provider, Want, resolve};
use llm_types::{Error, Format, Json, OperationKind, Result, Secret};
use llm_wire::ModelCaps;
use llm_wire::framing::Framing;

use crate::own::MayBring;
pub use crate::price::Prices;

/// What a configuration says of a deployment.
#[derive(Debug, Clone, Default)]
pub struct TargetConfig {
    /// `litellm_params`, in order, references resolved.
    pub params: Vec<(String, Json)>,
    /// `model_info`, in order.
    pub info: Vec<(String, Json)>,
}

/// A deployment made ready.
pub struct Target {
    /// The provider.
    pub provider: &'static dyn Provider,
    /// The model as the provider knows it; holds `*` for wildcard deployments.
    pub model: Arc<str>,
    /// The model of the price table, where it is not the provider's (Azure).
    pub base_model: Option<String>,
    /// The base URL, if one was configured.
    pub api_base: Option<String>,
    /// The key, if one was configured.
    pub api_key: Option<Secret>,
    /// All parameters that are neither OpenAI fields nor ours.
    pub params: Params,
    /// Parameters that every call gets unless the client sets them: raw JSON by name.
    pub defaults: Vec<(String, String)>,
    /// Cache marks that every request gets.
    pub(crate) marks: crate::marks::Points,
    /// The model is served in its house's Responses API only: clients of other languages are translated.
    pub responses_only: bool,
    /// What happens to parameters the provider does not take.
    pub policy: Policy,
    /// The deployment overrides the general policy.
    pub own_drop_params: Option<bool>,
    /// The deployment overrides the general policy.
    pub own_modify_params: Option<bool>,
    /// `mock_response`.
    pub mock_response: Option<Json>,
    /// `model_info`, as it was written.
    pub info: Params,
    /// What health checks call instead (`model_info.health_check_model`).
    pub checked_as: Option<Arc<Self>>,
    /// What the model can do; for wildcard deployments asked per call.
    caps: Option<ModelCaps>,
    /// What clients may bring along (`configurable_clientside_auth_params`).
    pub may_bring: MayBring,
    /// The address is a client's own.
    pub(crate) at_clients: bool,
    /// Its own prices.
    price: Option<CustomPrice>,
    /// The built-in table's entry, once looked up.
    entry: OnceLock<Option<ModelRef<'static>>>,
    /// Values of the response headers that name this deployment, made once.
    pub headers: TargetHeaders,
    /// Where each format goes, once known.
    endpoints: [OnceLock<Arc<Address>>; FORMATS],
}

const FORMATS: usize = 8;

/// Where a request goes: URL and headers, ready to be cloned.
#[derive(Debug)]
pub struct Address {
    /// The URL.
    pub uri: Uri,
    /// Method and headers.
    pub endpoint: Endpoint,
    /// The configured base, else the URL without its query, for headers and logs.
    pub base: Arc<str>,
    /// What it is the address of.
    pub of: (OperationKind, Format),
    /// How its streams are cut, where not as the format's usually are.
    pub framing: Option<Framing>,
}

impl Address {
    /// The same address with another URL and other headers.
    ///
    /// # Errors
    /// When the URL cannot be parsed.
    pub(crate) fn moved(&self, endpoint: Endpoint) -> Result<Self> {
        let uri = Uri::from_str(&endpoint.url)
            .map_err(|e| Error::internal(format!("the provider's URL {} is wrong: {e}", shown(&endpoint.url))))?;
        Ok(Self { uri, endpoint, base: Arc::clone(&self.base), of: self.of, framing: self.framing })
    }
}

/// What LiteLLM's configurations write in front of a model that is to be asked in the Responses API.
const RESPONSES: &str = "responses/";

impl Target {
    /// Makes a deployment ready.
    ///
    /// # Errors
    /// When no provider can be found for its model, or a value has the wrong shape.
    pub fn new(config: &TargetConfig, catalog: &Catalog) -> Result<Self> {
        Self::with_params(config, config.params.iter().cloned().collect(), catalog)
    }

    /// `params`: those of the configuration, with the environment that they may fall back on.
    pub(crate) fn with_params(config: &TargetConfig, params: Params, catalog: &Catalog) -> Result<Self> {
        let full = params.str("model").ok_or_else(|| Error::bad_request("litellm_params.model is missing"))?;
        let api_base = params.str("api_base").or_else(|| params.str("base_url")).map(str::to_owned);
        let resolved = resolve(full, params.str("custom_llm_provider"), api_base.as_deref())?;
        let provider = resolved.provider;
        let (model, marked) = match resolved.model.strip_prefix(RESPONSES) {
            Some(rest) => (Arc::<str>::from(rest), true),
            None => (Arc::from(resolved.model.as_ref()), false),
        };
        let info: Params = config.info.iter().cloned().collect();
        let base_model = info.str("base_model").or_else(|| params.str("base_model")).map(str::to_owned);
        let known = catalog.lookup(provider.row().id, base_model.as_deref().unwrap_or(&model));
        let price = own_price(&model, known, config)?;
        let wildcard = model.contains('*');
        let mode = info.str("mode").or_else(|| known.and_then(|entry| entry.mode()));
        let responses_only = marked || mode == Some("responses");
        Ok(Self {
            caps: (!wildcard).then(|| caps_of(catalog, provider.row().id, base_model.as_deref().unwrap_or(&model))),
            provider,
            base_model,
            api_base: api_base.clone(),
            api_key: params.secret("api_key"),
            defaults: crate::defaults::of(&params),
            marks: crate::marks::Points::parse(params.get("cache_control_injection_points"))?,
            policy: Policy {
                allowed_openai_params: params.strings("allowed_openai_params").map(str::to_owned).collect(),
                additional_drop_params: params.strings("additional_drop_params").map(str::to_owned).collect(),
                ..Policy::default()
            },
            responses_only,
            own_drop_params: params.bool("drop_params"),
            own_modify_params: params.bool("modify_params"),
            mock_response: params.get("mock_response").cloned(),
            price,
            may_bring: MayBring::read(params.get("configurable_clientside_auth_params"))?,
            at_clients: false,
            entry: OnceLock::new(),
            headers: TargetHeaders::new(api_base.as_deref()),
            endpoints: std::array::from_fn(|_| OnceLock::new()),
            checked_as: checked_as(config, &info, catalog)?,
            model,
            params,
            info,
        })
    }

    /// The provider's id.
    #[must_use]
    pub fn provider_id(&self) -> &'static str {
        self.provider.row().id
    }

    /// Its address without query, for logs: the configured one, else one that was called.
    #[must_use]
    pub fn base(&self) -> Option<Arc<str>> {
        let called = || self.endpoints.iter().find_map(|slot| Some(Arc::clone(&slot.get()?.base)));
        self.api_base.as_deref().map(|base| Arc::from(shown(base))).or_else(called)
    }

    /// The model as the provider knows it, of the name that the router made: only wildcards take theirs from there.
    #[must_use]
    pub fn model_of(&self, routed: &Arc<str>) -> Arc<str> {
        if !self.model.contains('*') {
            return Arc::clone(&self.model);
        }
        match routed.strip_prefix(self.provider_id()).and_then(|m| m.strip_prefix('/')) {
            Some(model) => Arc::from(model),
            None => Arc::clone(routed),
        }
    }

    /// What the model can do.
    #[must_use]
    pub fn caps(&self, catalog: &Catalog, model: &str) -> ModelCaps {
        self.caps
            .unwrap_or_else(|| caps_of(catalog, self.provider.row().id, self.base_model.as_deref().unwrap_or(model)))
    }

    /// The entry that prices a call.
    pub fn price<'a>(&'a self, catalog: &'a Catalog, model: &str) -> Option<ModelRef<'a>> {
        if let Some(own) = &self.price {
            return Some(own.model());
        }
        if std::ptr::eq(catalog, Catalog::builtin()) && !self.model.contains('*') {
            return *self.entry.get_or_init(|| self.look_up(Catalog::builtin(), model));
        }
        self.look_up(catalog, model)
    }

    /// The entry that prices images: it may be one of a size and a quality.
    pub fn image_price<'a>(
        &'a self,
        catalog: &'a Catalog,
        model: &str,
        sizing: &llm_wire::task::Sizing,
    ) -> Option<ModelRef<'a>> {
        if let Some(own) = &self.price {
            return Some(own.model());
        }
        let model = self.base_model.as_deref().unwrap_or(model);
        catalog.lookup_image(
            self.provider.row().id,
            model,
            sizing.image_size.as_deref(),
            sizing.image_quality.as_deref(),
        )
    }

    fn look_up<'c>(&self, catalog: &'c Catalog, model: &str) -> Option<ModelRef<'c>> {
        catalog.lookup_price(
            self.provider.row().id,
            self.params.str("region_name").or_else(|| self.params.str("aws_region_name")),
            self.base_model.as_deref().unwrap_or(model),
        )
    }

    /// Where a call goes. The outcome is kept where it does not depend on the call.
    ///
    /// # Errors
    /// When the provider refuses (no key, no base URL) or its URL cannot be parsed.
    pub fn address(&self, call: &CallFacts<'_>) -> Result<Arc<Address>> {
        let slot = (!self.model.contains('*')).then(|| self.endpoints.get(slot(call.operation, call.format))).flatten();
        if let Some(kept) = slot.and_then(OnceLock::get)
            && kept.of == (call.operation, call.format)
            && call.betas.is_empty()
            && call.headers.is_empty()
        {
            return Ok(Arc::clone(kept));
        }
        let mut endpoint = Endpoint::default();
        let provider_call = self.provider_call(call);
        self.provider.endpoint(&provider_call, &mut endpoint)?;
        if self.at_clients && endpoint.auth.is_some() {
            let why = "this model is asked with the operator's identity, which goes to no address of a client's";
            return Err(Error::bad_request(why).with_param("api_base"));
        }
        let uri = Uri::from_str(&endpoint.url)
            .map_err(|e| Error::internal(format!("the provider's URL {} is wrong: {e}", shown(&endpoint.url))))?;
        let base = self.api_base.as_deref().unwrap_or(&endpoint.url);
        let base = Arc::from(shown(base));
        let keep = !endpoint.per_request && call.betas.is_empty() && call.headers.is_empty();
        let framing = self.provider.framing(&provider_call);
        let address = Arc::new(Address { uri, endpoint, base, of: (call.operation, call.format), framing });
        if keep && let Some(slot) = slot {
            let _ = slot.set(Arc::clone(&address)); // another format of the same slot may be there already
        }
        Ok(address)
    }

    /// The provider's last change to a task's request.
    pub fn prepare_task(&self, call: &CallFacts<'_>, address: &Address, out: &mut llm_wire::task::TaskOut) {
        self.provider.prepare_task(&self.provider_call(call), &address.endpoint, out);
    }

    /// The call as the provider is told of it.
    #[must_use]
    pub fn provider_call<'a>(&'a self, call: &CallFacts<'a>) -> ProviderCall<'a> {
        ProviderCall {
            operation: call.operation,
            format: call.format,
            client_format: call.client_format,
            model: call.model,
            stream: call.stream,
            api_base: self.api_base.as_deref(),
            api_key: self.api_key.as_ref(),
            params: &self.params,
            betas: call.betas,
            client_headers: call.headers,
        }
    }

    /// The languages in which the provider can serve the call, best first.
    #[must_use]
    pub fn protocols(&self, want: &Want<'_>) -> llm_providers::Protocols {
        self.provider.protocols(want)
    }
}

/// Header values that name a deployment.
#[derive(Debug, Clone, Default)]
pub struct TargetHeaders {
    /// `x-litellm-model-api-base`, when one was configured.
    pub api_base: Option<http::HeaderValue>,
}

impl TargetHeaders {
    fn new(api_base: Option<&str>) -> Self {
        let base = api_base.and_then(|base| http::HeaderValue::from_str(&shown(base)).ok());
        Self { api_base: base }
    }
}

/// What an address depends on.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields of `llm_providers::Call`")]
pub struct CallFacts<'a> {
    pub operation: OperationKind,
    pub format: Format,
    pub client_format: Format,
    pub model: &'a str,
    pub stream: bool,
    pub betas: &'a [&'static str],
    pub headers: &'a [(String, String)],
}

const fn slot(operation: OperationKind, format: Format) -> usize {
    match (operation, format) {
        (OperationKind::CountTokens, _) => 7,
        (_, Format::OpenAiChat) => 0,
        (_, Format::OpenAiResponses) => 1,
        (_, Format::OpenAiCompletions) => 2,
        (_, Format::OpenAiEmbeddings) => 3,
        (_, Format::AnthropicMessages) => 4,
        (OperationKind::Generate, _) => 5,
        _ => 6,
    }
}

fn own_price(model: &str, known: Option<ModelRef<'_>>, config: &TargetConfig) -> Result<Option<CustomPrice>> {
    let mut fields = serde_json::Map::new();
    for (name, value) in config.info.iter().chain(&config.params) {
        let price = name.contains("cost_per")
            || name.ends_with("_pricing")
            || name.starts_with("max_") && name.ends_with("_tokens");
        if price && let Ok(value) = serde_json::to_value(value) {
            fields.insert(name.clone(), value);
        }
    }
    if !CustomPrice::has_prices(&fields) {
        return Ok(None);
    }
    CustomPrice::new(model, known, &fields)
        .map(Some)
        .map_err(|e| Error::bad_request(format!("the prices of {model} cannot be read: {e}")))
}

/// What the catalog knows of a model, as encoders want it.
#[must_use]
pub fn caps_of(catalog: &Catalog, provider: &str, model: &str) -> ModelCaps {
    llm_providers::rules::caps(catalog, provider, model)
}

/// The target that health checks call, where it is another one.
fn checked_as(config: &TargetConfig, info: &Params, catalog: &Catalog) -> Result<Option<Arc<Target>>> {
    let Some(model) = info.str("health_check_model") else { return Ok(None) };
    let mut other = config.clone();
    other.info.retain(|(name, _)| name != "health_check_model");
    other.params.retain(|(name, _)| name != "model");
    other.params.push(("model".to_owned(), Json::from(model)));
    Target::new(&other, catalog).map(Arc::new).map(Some)
}

/// A duration of a number of seconds in a configuration or header.
#[must_use]
pub fn seconds(value: f64) -> Option<Duration> {
    (value > 0.0).then(|| Duration::from_secs_f64(value.min(LONGEST)))
}

/// Seconds; clients name any number, and clocks end somewhere.
const LONGEST: f64 = 1e9;

/// A model name as JSON, for splicing.
#[must_use]
pub fn quoted(model: &str) -> Bytes {
    let mut out = bytes::BytesMut::new();
    llm_wire::top::write_str(model, &mut out);
    out.freeze()
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("provider", &self.provider.row().id)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
