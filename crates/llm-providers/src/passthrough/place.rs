//! The address of what is passed on, and the credential that it is shown.

use base64::Engine as _;
use llm_types::{Error, Kind, OperationKind, Result, Secret};

use super::path::decoded;
use super::{Given, Mount, Passing, Scheme, google};
use crate::aws;
use crate::keys;
use crate::params::Params;
use crate::provider::{Call, Endpoint};
use crate::template;

impl Mount {
    /// Where something goes and what it is shown. The method is the client's.
    ///
    /// # Errors
    /// `Authentication` without a credential, `BadRequest` without an address.
    pub fn place(&self, passing: &Passing<'_>, out: &mut Endpoint) -> Result<()> {
        let none = Params::default();
        let params = passing.given.map_or(&none, |g| g.params);
        match self.scheme {
            Scheme::Bedrock => super::aws::place(self, passing, params, out)?,
            Scheme::Vertex => google::place(self, passing, params, out)?,
            Scheme::Discovery => google::discovery(self, passing, params, out)?,
            Scheme::Provider => provider(self, passing, params, out)?,
            Scheme::AwsJson(service) => service.place(self, passing, params, out)?,
            Scheme::Plain | Scheme::Langfuse | Scheme::Azure => {
                let base = self.base(passing.given, params).ok_or_else(|| self.no_base())?;
                out.url = join(&base, passing.rest);
                self.show_key(passing, params, out)?;
            }
        }
        let mut query: Vec<String> = pairs(passing.query)
            .filter(|pair| passing.own || !keys::is_key_pair(pair))
            .filter(|pair| self.query.is_none_or(|own| name(pair) != own))
            .map(str::to_owned)
            .collect();
        if let Some(own) = self.query
            && !passing.own
        {
            let key = self.key(passing.given, params).ok_or_else(|| self.no_key())?;
            query.push(format!("{own}={}", aws::escaped(key.expose())));
        }
        if self.scheme == Scheme::Azure && !query.iter().any(|pair| name(pair) == "api-version") {
            let version = params.str("api_version").map(str::to_owned).or_else(|| params.env("AZURE_API_VERSION"));
            query.extend(version.map(|v| format!("api-version={v}")));
        }
        if !query.is_empty() {
            let mark = if out.url.contains('?') { '&' } else { '?' };
            out.url = format!("{}{mark}{}", out.url, query.join("&"));
        }
        out.set_extra(params)
    }

    pub(super) fn base(&self, given: Option<Given<'_>>, params: &Params) -> Option<String> {
        let own = given.and_then(|g| g.api_base).filter(|b| !b.is_empty()).map(str::to_owned);
        own.or_else(|| self.base_of_environment(params))
    }

    /// The base that the environment or the table says.
    pub(super) fn base_of_environment(&self, params: &Params) -> Option<String> {
        let env = self.base_env.iter().find_map(|name| params.env(name));
        env.or_else(|| template::fill(self.base?, params, None))
    }

    fn key(&self, given: Option<Given<'_>>, params: &Params) -> Option<Secret> {
        let own = given.and_then(|g| g.api_key).filter(|k| !k.is_empty()).cloned();
        own.or_else(|| self.key_env.iter().find_map(|name| params.env(name)).map(Secret::new))
    }

    pub(super) fn show_key(&self, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
        if passing.own || self.headers.is_empty() && self.basic.is_none() {
            return Ok(());
        }
        let key = match self.key(passing.given, params) {
            Some(key) => key,
            None if self.key_optional => return Ok(()),
            None => return Err(self.no_key()),
        };
        for header in self.headers {
            if let Some(value) = template::fill(header.value, params, Some(&key)) {
                out.set(header.name, &value)?;
            }
        }
        if let Some(basic) = self.basic {
            let text = template::fill(basic, params, Some(&key)).ok_or_else(|| self.no_key())?;
            let coded = base64::engine::general_purpose::STANDARD.encode(text);
            out.set("authorization", &format!("Basic {coded}"))?;
        }
        Ok(())
    }

    pub(super) fn no_base(&self) -> Error {
        let names = self.base_env.join(" or ");
        Error::bad_request(format!("the pass-through /{} has no address: set {names}", self.path))
    }

    fn no_key(&self) -> Error {
        let names = self.key_env.join(" or ");
        Error::new(
            Kind::Authentication,
            format!(
                "Required '{names}' in environment, or a deployment with use_in_pass_through, to make pass-through calls to {}.",
                self.provider
            ),
        )
    }
}

/// As the provider's model calls are addressed: its host and its credential.
fn provider(mount: &Mount, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
    let provider = crate::by_id(mount.provider).ok_or_else(|| mount.no_base())?;
    let row = provider.row();
    let api_base = passing.given.and_then(|g| g.api_base);
    let model = params.str("model").unwrap_or_default();
    let call = Call {
        api_base,
        api_key: passing.given.and_then(|g| g.api_key),
        ..Call::new(OperationKind::Generate, row.chat_format, model, params)
    };
    provider.endpoint(&call, out)?;
    let base = row.base(api_base, params).ok_or_else(|| mount.no_base())?;
    out.url = join(&base, passing.rest);
    Ok(())
}

/// Base and path as one URL. A version that both have stands there once: bases are configured with and without it.
pub(super) fn join(base: &str, rest: &str) -> String {
    let (base, query) = base.split_once('?').map_or((base, None), |(b, q)| (b, Some(q)));
    let base = base.trim_end_matches('/');
    let mut rest = rest.trim_start_matches('/');
    let (first, behind) = rest.split_once('/').unwrap_or((rest, ""));
    let versioned = first.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
    if versioned && base.rsplit('/').next() == Some(first) {
        rest = behind;
    }
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}/{rest}") };
    match query {
        Some(query) => format!("{url}?{query}"),
        None => url,
    }
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter(|pair| !pair.is_empty())
}

fn name(pair: &str) -> std::borrow::Cow<'_, str> {
    decoded(pair.split('=').next().unwrap_or_default())
}
