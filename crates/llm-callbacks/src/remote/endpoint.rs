//! Where a service is, and how one proves who one is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri};
use llm_types::record::OwnCallback;

use super::service::{Param, ParamKind, Service};

/// Parameters of LiteLLM's that lead into the gateway's own network.
const OPERATORS: [&str; 2] = ["dd_agent_host", "dd_agent_port"];
/// What share of calls is told: of answered ones, of failed ones, of both.
const SHARES: [(&str, bool, bool); 3] = [
    ("arize_success_sampling_rate", true, false),
    ("arize_error_sampling_rate", false, true),
    ("langsmith_sampling_rate", true, true),
];

/// The shares of calls that a callback is told: answered, failed.
///
/// # Errors
/// For what is no number from 0 to 1.
pub(super) fn sampled(callback: &OwnCallback) -> Result<[f64; 2], String> {
    let mut out = [1.0, 1.0];
    for (name, success, failure) in SHARES {
        let service = name.split('_').next().unwrap_or_default();
        let Some(text) = callback.var(name).filter(|text| &*callback.name == service && !text.is_empty()) else {
            continue;
        };
        let share: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        let share = share.ok_or_else(|| format!("{name} is no number from 0 to 1"))?;
        let [of_success, of_failure] = &mut out;
        for (of, told) in [(of_success, success), (of_failure, failure)] {
            if told {
                *of = share;
            }
        }
    }
    Ok(out)
}

/// Stands before the name of a variable.
const REFERENCE: &str = "os.environ/";

/// What stands in bodies, by the operator's variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    /// Empty for one that nobody set.
    pub(super) fn get(&self, variable: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == variable).map_or("", |(_, value)| value)
    }

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&'static str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }
}

/// A service with its address and its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    service: Service,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    fields: Fields,
    /// The address is not the operator's: only public hosts are reached.
    guarded: bool,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.service.name(), self.host())
    }
}

impl Endpoint {
    /// The operator's, out of its environment.
    ///
    /// # Errors
    /// What is missing or wrong, for people.
    pub fn of_operator(service: Service, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        if service == Service::Otel {
            spoken(env)?;
        }
        match agent(service, env)? {
            Some(agent) => Ok(agent),
            None => Self::make(service, &|_| None, env),
        }
    }

    /// That of a key or a team. What it does not say is the operator's, but never for an address of its own: secrets go to the
    /// host that they are meant for. A reference to the environment is a way of saying the same; it may name the variable of
    /// that parameter only.
    ///
    /// # Errors
    /// What is missing or wrong, for people.
    pub fn of_caller(callback: &OwnCallback, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let service = Service::named(&callback.name).filter(|service| service.may_be_own());
        let service = service.ok_or_else(|| format!("`{}` is not served for single keys and teams", callback.name))?;
        if let Some(name) = OPERATORS.into_iter().find(|name| callback.var(name).is_some_and(|text| !text.is_empty())) {
            return Err(format!("{name} is for the operator of the gateway"));
        }
        sampled(callback)?;
        Self::make(service, &|name| callback.var(name).map(str::to_owned), env)
    }

    fn make(
        service: Service,
        own: &dyn Fn(&str) -> Option<String>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let (mut url, mut name, mut password, mut headers) = (None, String::new(), String::new(), Vec::new());
        let (mut guarded, mut fields) = (false, Fields::default());
        for param in service.params() {
            let given = [param.name, param.also].into_iter().filter(|name| !name.is_empty()).find_map(own);
            let reference = given.as_deref().and_then(|text| text.strip_prefix(REFERENCE));
            if let Some(variable) = reference.filter(|variable| param.variables().all(|own| own != *variable)) {
                return Err(format!("{} may not refer to {variable}", param.name));
            }
            let refers = reference.is_some();
            let operator = param.variables().filter_map(env).find(|text| !text.is_empty());
            let usual = || param.default.map(str::to_owned);
            let operator = operator.or_else(usual);
            if refers && guarded {
                return Err(format!("{} may not refer to the environment: the address is another one", param.name));
            }
            let foreign = guarded;
            let other = if foreign { usual() } else { operator.clone() };
            let value = given.filter(|_| !refers).or(other);
            let value = value.ok_or_else(|| match param.name {
                "" => format!("{} is missing", param.first_variable()),
                name => format!("{name} ({}) is missing", param.first_variable()),
            })?;
            match param.kind {
                ParamKind::Address => {
                    guarded = operator.as_deref().is_none_or(|known| bare(known) != bare(&value));
                    url = Some(address(service, &value)?);
                }
                ParamKind::Site(before) => {
                    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
                    if !value.chars().all(fine) {
                        return Err(format!("{} is no name of a site", param.called()));
                    }
                    guarded = operator.as_deref().is_none_or(|known| bare(known) != bare(&value));
                    url = Some(address(service, &format!("{before}{}", bare(&value)))?);
                }
                ParamKind::BasicName => name = value,
                ParamKind::BasicOf(of) => (name, password) = (of.to_owned(), value),
                ParamKind::Bearer if value.is_empty() => {}
                ParamKind::Bearer => headers.push((AUTHORIZATION, sendable(param, format!("Bearer {value}"))?)),
                ParamKind::BasicPassword => password = value,
                ParamKind::Headers => headers.extend(pairs(&value)?),
                ParamKind::Header(_) if value.is_empty() => {}
                ParamKind::Header(name) => {
                    headers.push((HeaderName::from_static(name), sendable(param, value)?));
                }
                ParamKind::Field => fields.0.push((param.first_variable(), value)),
            }
        }
        if !name.is_empty() {
            headers.push((AUTHORIZATION, basic(&name, &password)?));
        }
        headers.iter_mut().for_each(|(_, value)| value.set_sensitive(true));
        let url = url.ok_or_else(|| format!("{} has no address", service.name()))?;
        Ok(Self { service, url, headers, fields, guarded })
    }

    /// Which service it is.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Its host, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    pub(super) const fn url(&self) -> &Uri {
        &self.url
    }

    pub(super) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    pub(super) const fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(super) const fn guarded(&self) -> bool {
        self.guarded
    }
}

fn basic(name: &str, password: &str) -> Result<HeaderValue, String> {
    let encoded = STANDARD.encode(format!("{name}:{password}"));
    HeaderValue::try_from(format!("Basic {encoded}")).map_err(|_| "a key cannot be sent".to_owned())
}

fn sendable(param: &Param, value: String) -> Result<HeaderValue, String> {
    HeaderValue::try_from(value).map_err(|_| format!("{} cannot be sent", param.called()))
}

/// Spans go out over HTTP, in protobuf.
fn spoken(env: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    let variables = ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER"];
    let said =
        variables.into_iter().find_map(|name| env(name).filter(|text| !text.is_empty()).map(|text| (name, text)));
    match said {
        Some((name, text)) if text.contains("grpc") => Err(format!(
            "{name} is `{text}`: spans are sent over HTTP, so set it to otlp_http and the address to that of HTTP"
        )),
        _ => Ok(()),
    }
}

/// An agent of the operator's that takes logs in the place of the service itself.
fn agent(service: Service, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Endpoint>, String> {
    let filled = |name: &str| env(name).filter(|text| !text.is_empty());
    let Some(host) = filled("LITELLM_DD_AGENT_HOST").filter(|_| service == Service::Datadog) else { return Ok(None) };
    let port = filled("LITELLM_DD_AGENT_PORT").unwrap_or_else(|| "10518".to_owned());
    let (mut fields, mut headers) = (Fields::default(), Vec::new());
    for param in service.params() {
        let value = filled(param.first_variable()).or_else(|| param.default.map(str::to_owned));
        match (param.kind, value) {
            (ParamKind::Field, value) => fields.0.push((param.first_variable(), value.unwrap_or_default())),
            // An agent has a key of its own: this one may be missing.
            (ParamKind::Header(name), Some(key)) => {
                let mut value = sendable(param, key)?;
                value.set_sensitive(true);
                headers.push((HeaderName::from_static(name), value));
            }
            _ => {}
        }
    }
    let url = address(service, &format!("http://{host}:{port}"))?;
    Ok(Some(Endpoint { service, url, headers, fields, guarded: false }))
}

fn bare(address: &str) -> &str {
    address.trim().trim_end_matches('/')
}

fn address(service: Service, text: &str) -> Result<Uri, String> {
    let wrong = || format!("the address of {} is none: it begins with https:// or http://", service.name());
    let text = bare(text);
    let mut path = service.path();
    // Who runs it himself has it below another path.
    if service == Service::WeaveOtel && !text.ends_with("//trace.wandb.ai") {
        path = "/traces/otel/v1/traces";
    }
    let url: Uri = format!("{}{path}", without(text, path)).parse().map_err(|_| wrong())?;
    let web = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty());
    let plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if web && plain { Ok(url) } else { Err(wrong()) }
}

/// Some say the address with the path, or with what it begins with.
fn without<'t>(text: &'t str, path: &str) -> &'t str {
    let mut end = path.trim_end_matches('/');
    while !end.is_empty() {
        if let Some(rest) = text.strip_suffix(end) {
            return rest;
        }
        end = end.rsplit_once('/').map_or("", |(before, _)| before);
    }
    text
}

fn pairs(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let wrong = || "headers are written name=value, separated by commas".to_owned();
    let one = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        Ok((name, HeaderValue::try_from(value.trim()).map_err(|_| wrong())?))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests;
