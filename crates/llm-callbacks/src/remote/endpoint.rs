//! Where a service is, and how one proves who one is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri};
use llm_types::record::OwnCallback;

use super::service::{ParamKind, Service};

/// Stands before the name of a variable.
const REFERENCE: &str = "os.environ/";

/// A service with its address and its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    service: Service,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    project: String,
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
        Self::make(service, &|_| None, env)
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
        Self::make(service, &|name| callback.var(name).map(str::to_owned), env)
    }

    fn make(
        service: Service,
        own: &dyn Fn(&str) -> Option<String>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let (mut url, mut name, mut password, mut headers) = (None, String::new(), String::new(), Vec::new());
        let (mut guarded, mut project) = (false, String::new());
        for param in service.params() {
            let given = own(param.name).or_else(|| own(param.also));
            let reference = given.as_deref().and_then(|text| text.strip_prefix(REFERENCE));
            if let Some(variable) = reference.filter(|variable| *variable != param.variable) {
                return Err(format!("{} may not refer to {variable}", param.name));
            }
            let refers = reference.is_some();
            let operator = env(param.variable).filter(|text| !text.is_empty());
            let usual = || param.default.map(str::to_owned);
            let operator = operator.or_else(usual);
            if refers && guarded {
                return Err(format!("{} may not refer to the environment: the address is another one", param.name));
            }
            let foreign = guarded;
            let other = if foreign { usual() } else { operator.clone() };
            let value = given.filter(|_| !refers).or(other);
            let value = value.ok_or_else(|| format!("{} ({}) is missing", param.name, param.variable))?;
            match param.kind {
                ParamKind::Address => {
                    guarded = operator.as_deref().is_none_or(|known| bare(known) != bare(&value));
                    url = Some(address(service, &value)?);
                }
                ParamKind::BasicName => name = value,
                ParamKind::BasicPassword => password = value,
                ParamKind::Headers => headers.extend(pairs(&value)?),
                ParamKind::Header(_) if value.is_empty() => {}
                ParamKind::Header(name) => {
                    let value = HeaderValue::try_from(value).map_err(|_| format!("{} cannot be sent", param.name))?;
                    headers.push((HeaderName::from_static(name), value));
                }
                ParamKind::Project => project = value,
            }
        }
        if !name.is_empty() {
            let encoded = STANDARD.encode(format!("{name}:{password}"));
            let value =
                HeaderValue::try_from(format!("Basic {encoded}")).map_err(|_| "a key cannot be sent".to_owned())?;
            headers.push((AUTHORIZATION, value));
        }
        headers.iter_mut().for_each(|(_, value)| value.set_sensitive(true));
        let url = url.ok_or_else(|| format!("{} has no address", service.name()))?;
        Ok(Self { service, url, headers, project, guarded })
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

    pub(super) fn project(&self) -> &str {
        &self.project
    }

    pub(super) const fn guarded(&self) -> bool {
        self.guarded
    }
}

fn bare(address: &str) -> &str {
    address.trim().trim_end_matches('/')
}

fn address(service: Service, text: &str) -> Result<Uri, String> {
    let wrong = || format!("the address of {} is none: it begins with https:// or http://", service.name());
    // Some say the address with the version that the path begins with.
    let text = bare(text);
    let text = text.strip_suffix("/api/v1").filter(|_| service.path().starts_with("/api/v1")).unwrap_or(text);
    let url: Uri = format!("{text}{}", service.path()).parse().map_err(|_| wrong())?;
    let web = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty());
    let plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if web && plain { Ok(url) } else { Err(wrong()) }
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
mod tests {
    use llm_types::Secret;

    use super::*;

    fn env(name: &str) -> Option<String> {
        let known = [
            ("LANGFUSE_HOST", "http://langfuse.internal:3000"),
            ("LANGFUSE_PUBLIC_KEY", "pk-operator"),
            ("LANGFUSE_SECRET_KEY", "sk-operator"),
            ("OPENAI_API_KEY", "sk-openai"),
        ];
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn own(vars: &[(&str, &str)]) -> Result<Endpoint, String> {
        let vars = vars.iter().map(|(name, value)| ((*name).into(), Secret::new(*value))).collect();
        let callback = OwnCallback { name: "langfuse".into(), success: true, failure: true, vars };
        Endpoint::of_caller(&callback, &env)
    }

    fn shown(endpoint: &Endpoint) -> (String, String, bool) {
        let (_, basic) = endpoint.headers.first().unwrap();
        let encoded = basic.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let opened = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        (endpoint.url.to_string(), opened, endpoint.guarded)
    }

    #[test]
    fn secrets_of_the_operator_go_to_the_operators_host_only() {
        let internal = "http://langfuse.internal:3000/api/public/ingestion".to_owned();
        let all = own(&[]).unwrap();
        assert_eq!(shown(&all), (internal.clone(), "pk-operator:sk-operator".to_owned(), false));
        let same = own(&[
            ("langfuse_host", "http://langfuse.internal:3000/"),
            ("langfuse_public_key", "pk-team"),
            ("langfuse_secret", "os.environ/LANGFUSE_SECRET_KEY"),
        ]);
        assert_eq!(shown(&same.unwrap()), (internal, "pk-team:sk-operator".to_owned(), false));
        let elsewhere = [("langfuse_host", "https://us.cloud.langfuse.com"), ("langfuse_public_key", "pk-team")];
        assert_eq!(own(&elsewhere).unwrap_err(), "langfuse_secret_key (LANGFUSE_SECRET_KEY) is missing");
        let stolen = [elsewhere[0], elsewhere[1], ("langfuse_secret_key", "os.environ/LANGFUSE_SECRET_KEY")];
        assert!(own(&stolen).unwrap_err().contains("may not refer to the environment"));
        let other = [("langfuse_public_key", "os.environ/OPENAI_API_KEY")];
        assert_eq!(own(&other).unwrap_err(), "langfuse_public_key may not refer to OPENAI_API_KEY");
        let full = own(&[elsewhere[0], elsewhere[1], ("langfuse_secret_key", "sk-team")]).unwrap();
        let url = "https://us.cloud.langfuse.com/api/public/ingestion".to_owned();
        assert_eq!(shown(&full), (url, "pk-team:sk-team".to_owned(), true));
        assert_eq!(format!("{full:?}"), "langfuse at us.cloud.langfuse.com");
        for address in ["ftp://x", "x", "https://a:b@h", ""] {
            assert!(address.is_empty() || own(&[("langfuse_host", address)]).is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_no_secret_has_a_default_everywhere() {
        let vars = [("langsmith_base_url", "https://eu.api.smith.langchain.com/api/v1"), ("langsmith_api_key", "ls-1")];
        let vars = vars.map(|(name, value)| (name.into(), Secret::new(value))).into();
        let callback = OwnCallback { name: "langsmith".into(), success: true, failure: true, vars };
        let env = |name: &str| (name == "LANGSMITH_PROJECT").then(|| "the operator's".to_owned());
        let endpoint = Endpoint::of_caller(&callback, &env).unwrap();
        assert_eq!(endpoint.url.to_string(), "https://eu.api.smith.langchain.com/api/v1/runs/batch");
        assert_eq!((endpoint.project(), endpoint.guarded), ("litellm-completion", true));
        let headers: Vec<_> = endpoint.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(headers, [("x-api-key", "ls-1")]);
    }

    #[test]
    fn the_operator_names_headers() {
        let env = |name: &str| match name {
            "GENERIC_LOGGER_ENDPOINT" => Some("https://logs.example.com/in?x=1".to_owned()),
            "GENERIC_LOGGER_HEADERS" => Some("Authorization=Bearer a=b, x-team = red".to_owned()),
            _ => None,
        };
        let endpoint = Endpoint::of_operator(Service::GenericApi, &env).unwrap();
        assert_eq!(endpoint.url.to_string(), "https://logs.example.com/in?x=1");
        let headers: Vec<_> = endpoint.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(headers, [("authorization", "Bearer a=b"), ("x-team", "red")]);
        assert!(!endpoint.guarded);
        let none = Endpoint::of_operator(Service::GenericApi, &|_| None);
        assert_eq!(none.unwrap_err(), "endpoint (GENERIC_LOGGER_ENDPOINT) is missing");
    }
}
