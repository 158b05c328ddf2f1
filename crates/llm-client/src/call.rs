//! What is asked of the engine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use llm_router::{FallbackLists, RequestFallbacks, RouterSettings};
use llm_types::generate::GenerateRequest;
use llm_types::{Error, Format, Json, OperationKind, RawJson, Result};
use llm_wire::RequestView;
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use crate::upload::Upload;

/// The header that says which gateways a request has passed.
pub const VIA: &str = "x-llm-via";

/// A request as it came, and what was read off its top level.
#[derive(Debug, Clone)]
pub struct Call {
    /// The kind of call.
    pub operation: OperationKind,
    /// The client's format.
    pub format: Format,
    /// The body, one JSON object. Shared, never changed.
    pub body: Bytes,
    /// The model group to route to: what the client named, after aliases of its key or team.
    pub model: Arc<str>,
    /// The name to write into the answer; none keeps the provider's (the model came only from the URL).
    pub echo: Option<Arc<str>>,
    /// Wanted as a stream.
    pub stream: bool,
    /// The client asked for a usage report in the stream.
    pub include_usage: bool,
    /// Headers of the client that go on to the provider, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Somebody wants the content: a callback, a guardrail, the cache.
    pub want_content: bool,
    /// Per-request control of reliability and parameters.
    pub controls: Controls,
    /// The path, for messages.
    pub route: &'static str,
    /// Our id of the call.
    pub id: Arc<str>,
    /// Files of a form whose fields are the body.
    pub files: Arc<[FilePart]>,
    /// What is still to come of the last file, and of the form behind it.
    pub upload: Option<Upload>,
    /// Which gateways it has passed, this one included: [`VIA`] of requests to addresses that the operator chose. Nothing: not
    /// told.
    pub via: Option<Arc<str>>,
    /// What stands behind the provider's address (`/compact`); served by providers of the client's own format only.
    pub beside: Option<&'static str>,
    decoded: OnceLock<Box<GenerateRequest>>,
}

/// Per-request control of reliability and parameters: body fields and headers of LiteLLM's proxy.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    /// `num_retries`.
    pub num_retries: Option<u32>,
    /// `timeout`, `request_timeout` or the header.
    pub timeout: Option<Duration>,
    /// `stream_timeout` or the header.
    pub stream_timeout: Option<Duration>,
    /// `max_fallbacks`.
    pub max_fallbacks: Option<u32>,
    /// `fallbacks`: model names (or objects with overrides), or maps of lists as in router settings.
    pub fallbacks: Option<RequestFallbacks>,
    /// `context_window_fallbacks`.
    pub context_window_fallbacks: Option<FallbackLists>,
    /// `content_policy_fallbacks`.
    pub content_policy_fallbacks: Option<FallbackLists>,
    /// `disable_fallbacks`.
    pub disable_fallbacks: bool,
    /// `drop_params`.
    pub drop_params: Option<bool>,
    /// `modify_params`.
    pub modify_params: Option<bool>,
    /// `allowed_openai_params`.
    pub allowed_openai_params: Vec<String>,
    /// `additional_drop_params`.
    pub additional_drop_params: Vec<String>,
    /// Tags of the request.
    pub tags: Arc<[Arc<str>]>,
    /// `mock_response`, where the caller may use it.
    pub mock_response: Option<Json>,
    /// Fault injection, where allowed: the error class that the first attempt ends with.
    pub mock_error: Option<Error>,
    /// `mock_timeout`: the first attempt ends in a timeout after the request's timeout.
    pub mock_timeout: bool,
    /// Team that the caller belongs to: deployments of other teams are hidden.
    pub team: Option<Arc<str>>,
    /// Tags among them that key or team policy put there.
    pub inherited_tags: Arc<[Arc<str>]>,
    /// The client's `User-Agent`.
    pub user_agent: Option<Arc<str>>,
    /// `allowed_model_region`: the only region that may answer.
    pub region: Option<Arc<str>>,
    /// The least quality that an auto router may choose (`x-litellm-min-quality-tier`, `metadata.min_quality_tier`).
    pub min_quality_tier: Option<i64>,
    /// Hash of the caller's key.
    pub key_hash: Option<Arc<str>>,
    /// Session that the client named.
    pub session: Option<Arc<str>>,
    /// `priority`: who goes first when there are not enough places, the lowest number.
    pub priority: Option<i64>,
    /// The mark that prompts get which may be cached, where neither client nor operator marks any.
    pub cache_mark: Option<Arc<Json>>,
    /// `router_settings` of the caller's key and team.
    pub settings: Option<Arc<RouterSettings>>,
    /// An address and a key that the client brings along, where it may.
    pub own: Option<Arc<crate::own::Own>>,
}

impl Call {
    /// A call without controls.
    #[must_use]
    pub fn new(operation: OperationKind, format: Format, body: Bytes, model: impl Into<Arc<str>>) -> Self {
        let model = model.into();
        Self {
            operation,
            format,
            body,
            echo: Some(Arc::clone(&model)),
            model,
            stream: false,
            include_usage: false,
            headers: Vec::new(),
            want_content: false,
            controls: Controls::default(),
            route: "",
            id: Arc::from(""),
            files: Arc::default(),
            upload: None,
            via: None,
            beside: None,
            decoded: OnceLock::new(),
        }
    }

    /// Puts another body in place of the client's: a guardrail edited it.
    pub fn replace_body(&mut self, body: Bytes) {
        self.body = body;
        self.decoded = OnceLock::new();
    }

    /// The same call to another group.
    pub(crate) fn to_group(&self, model: &Arc<str>) -> Self {
        let mut changed = self.clone();
        changed.model = Arc::clone(model);
        changed
    }

    /// The same call with fields of the body replaced: a fallback wants it so.
    pub(crate) fn with_fields(&self, fields: &[(String, RawJson)]) -> Result<Self> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), Some(value.get()))).collect();
        let mut changed = self.clone();
        changed.replace_body(Top::parse(&self.body)?.edited(&fields));
        Ok(changed)
    }

    /// The conversation in canonical form, read once.
    ///
    /// # Errors
    /// `BadRequest` when the body is not a request of the client's format.
    pub fn decoded(&self) -> Result<&GenerateRequest> {
        if let Some(done) = self.decoded.get() {
            return Ok(done);
        }
        let codec = llm_wire::registry::client_generate(self.format)
            .ok_or_else(|| Error::internal(format!("no codec for the format {}", self.format)))?;
        let view = RequestView { path: "", query: "", body: &self.body };
        let mut request = codec.decode_request(&view)?;
        if !self.format.model_in_body() {
            request.stream = self.stream; // the path says so
        }
        if request.model.is_empty() {
            self.model.as_ref().clone_into(&mut request.model);
        }
        Ok(self.decoded.get_or_init(|| Box::new(request)))
    }
}

impl Controls {
    /// Reads the control fields off a body. Values of a wrong shape are ignored, as LiteLLM does.
    #[must_use]
    pub fn from_top(top: &Top<'_>) -> Self {
        let seconds = |key: &str| top.read::<f64>(key).and_then(crate::target::seconds);
        let tags: Vec<Arc<str>> = top.read("tags").unwrap_or_default();
        Self {
            num_retries: top.read("num_retries"),
            timeout: seconds("timeout").or_else(|| seconds("request_timeout")),
            stream_timeout: seconds("stream_timeout"),
            max_fallbacks: top.read("max_fallbacks"),
            fallbacks: top.get("fallbacks").and_then(|raw| RequestFallbacks::parse(raw).ok()),
            context_window_fallbacks: top.read("context_window_fallbacks"),
            content_policy_fallbacks: top.read("content_policy_fallbacks"),
            disable_fallbacks: top.is_true("disable_fallbacks"),
            drop_params: top.read("drop_params"),
            modify_params: top.read("modify_params"),
            allowed_openai_params: top.read("allowed_openai_params").unwrap_or_default(),
            additional_drop_params: top.read("additional_drop_params").unwrap_or_default(),
            tags: tags.into(),
            priority: top.read("priority"),
            region: top.str("allowed_model_region").filter(|r| !r.is_empty()).map(|r| Arc::from(r.as_ref())),
            min_quality_tier: top.get("metadata").and_then(|m| Top::parse(m.as_bytes()).ok()?.read("min_quality_tier")),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_timeout() {
        let timeout = |text: &str| {
            let body = format!("{{\"timeout\":{text}}}");
            Controls::from_top(&Top::parse(body.as_bytes()).unwrap()).timeout.map(|t| t.as_secs())
        };
        assert_eq!(timeout("2.5"), Some(2));
        assert_eq!(timeout("1e300"), Some(1_000_000_000));
        assert_eq!(timeout("-1"), None);
        assert_eq!(timeout("null"), None);
    }
}
