//! What a provider keeps or does beside answering calls: files, batches, fine-tuning jobs, vector stores, threads,
//! sessions. Their paths are OpenAI's, below its base; where a house has paths of its own, they are its own.

use llm_types::{Error, Format, OperationKind, Result, Secret};

use crate::endpoint::{join, no_base, row_credential};
use crate::params::Params;
use crate::provider::{Call, Endpoint};
use crate::row::{ProviderRow, RowFormat};

/// LiteLLM's provider of resources that name none.
pub const DEFAULT: &str = "openai"; // tidy: provider-id, it stands in LiteLLM's interface
/// The same for skills.
pub const DEFAULT_OF_SKILLS: &str = "anthropic"; // tidy: provider-id, it stands in LiteLLM's interface
/// The same for Google's interactions and agents.
pub const DEFAULT_OF_INTERACTIONS: &str = "gemini"; // tidy: provider-id, it stands in LiteLLM's interface
/// Who reads documents that go into a vector store, when nobody says.
pub const DEFAULT_OF_OCR: &str = "mistral/mistral-ocr-latest"; // tidy: provider-id, it stands in LiteLLM's interface

/// A resource of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its path, without version: `/files/file-1`.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: &'a str,
    /// The model of a session.
    pub model: &'a str,
    /// The base URL of the configuration.
    pub api_base: Option<&'a str>,
    /// Its key.
    pub api_key: Option<&'a Secret>,
    /// Its other parameters.
    pub params: &'a Params,
}

impl<'a> Resource<'a> {
    /// The same as a call, for what both have in common.
    pub(crate) fn call(&self, format: Format) -> Call<'a> {
        Call {
            client_format: format,
            api_base: self.api_base,
            api_key: self.api_key,
            ..Call::new(OperationKind::Relay, format, self.model, self.params)
        }
    }

    /// The first segment of its path: what it is.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    pub(crate) fn with_query(&self, mut url: String) -> String {
        if !self.query.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(self.query);
        }
        url
    }
}

/// Hosts that speak OpenAI's language have its resources below their base.
pub(crate) fn row_resource(row: &ProviderRow, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    if row.format != RowFormat::OpenAi || matches!(resource.kind(), "interactions" | "agents" | "skills") {
        return Err(not_served(row, resource));
    }
    let base = row.base(resource.api_base, resource.params).ok_or_else(|| no_base(row))?;
    out.url = resource.with_query(join(&base, resource.path, row));
    row_credential(row, &resource.call(row.chat_format), out)?;
    out.set_extra(resource.params)
}

/// A session over a WebSocket: `/realtime?model=`.
pub(crate) fn row_realtime(row: &ProviderRow, session: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let query = format!("model={}", crate::aws::escaped(session.model));
    let query = if session.query.is_empty() { query } else { format!("{query}&{}", session.query) };
    row_resource(row, &Resource { path: "/realtime", query: &query, ..*session }, out)?;
    out.url = websocket(&out.url);
    Ok(())
}

/// The same address for a WebSocket.
pub(crate) fn websocket(url: &str) -> String {
    match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => format!("wss://{rest}"),
        (_, Some(rest)) => format!("ws://{rest}"),
        _ => url.to_owned(),
    }
}

/// What a client is told of a resource that a provider cannot be asked for.
pub(crate) fn not_served(row: &ProviderRow, resource: &Resource<'_>) -> Error {
    Error::bad_request(format!("{} of the provider {} are not served", resource.kind(), row.id))
        .with_param("custom_llm_provider")
}

#[cfg(test)]
mod tests {
    use llm_types::Json;

    use super::*;

    fn placed(provider: &str, path: &str, query: &str, params: &Params, base: Option<&str>) -> Result<Endpoint> {
        let key = Secret::new("k");
        let mut out = Endpoint::default();
        let resource = Resource { path, query, model: "m/1", api_base: base, api_key: Some(&key), params };
        let provider = crate::by_id(provider).unwrap();
        let placed = match path {
            "/realtime" => provider.realtime(&resource, &mut out),
            _ => provider.resource(&resource, &mut out),
        };
        placed.map(|()| out)
    }

    #[test]
    fn every_house_has_its_paths() {
        let none = Params::without_env::<String>([]);
        let dated = Params::without_env([("api_version", Json::from("2024-10-21"))]);
        for (provider, path, params, base, url, header) in [
            ("openai", "/files", &none, None, "https://api.openai.com/v1/files?a=1", "authorization"),
            ("openai", "/batches/b", &none, Some("http://h/v1/"), "http://h/v1/batches/b?a=1", "authorization"),
            (
                "azure",
                "/files",
                &dated,
                Some("https://z.test/"),
                "https://z.test/openai/files?a=1&api-version=2024-10-21",
                "api-key",
            ),
            ("anthropic", "/skills", &none, None, "https://api.anthropic.com/v1/skills?a=1&beta=true", "x-api-key"),
            (
                "gemini",
                "/interactions/i",
                &none,
                None,
                "https://generativelanguage.googleapis.com/v1beta/interactions/i?a=1",
                "x-goog-api-key",
            ),
            ("openai", "/realtime", &none, None, "wss://api.openai.com/v1/realtime?model=m%2F1&a=1", "authorization"),
            (
                "azure",
                "/realtime",
                &dated,
                Some("https://z.test/openai"),
                "wss://z.test/openai/realtime?api-version=2024-10-21&deployment=m/1&a=1",
                "api-key",
            ),
        ] {
            let out = placed(provider, path, "a=1", params, base).unwrap();
            assert_eq!(out.url, url, "{provider}");
            assert!(out.headers.contains_key(header), "{provider}");
        }
        let v1 = Params::without_env([("api_version", Json::from("v1"))]);
        let out = placed("azure", "/batches", "", &v1, Some("https://z.test/openai/v1")).unwrap();
        assert_eq!(out.url, "https://z.test/openai/v1/batches");
    }

    #[test]
    fn what_a_house_does_not_keep_is_said() {
        let none = Params::without_env::<String>([]);
        for (provider, path) in [
            ("cohere", "/files"),
            ("openai", "/interactions"),
            ("anthropic", "/assistants"),
            ("gemini", "/batches"),
            ("cohere", "/realtime"),
        ] {
            let error = placed(provider, path, "", &none, Some("http://h")).unwrap_err();
            assert!(error.message.contains(&path[1..]) && error.message.contains(provider), "{}", error.message);
        }
    }
}
