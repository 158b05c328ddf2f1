//! Counting the tokens of a conversation before it is sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Uri};
use llm_catalog::tokens;
use llm_http::{Timeouts, Transport};
use llm_providers::Want;
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::codec::EncodeContext;
use llm_wire::top::Top;

use crate::call::Call;
use crate::engine::Engine;
use crate::target::{CallFacts, Target};

impl Engine {
    /// Tokens of a Messages request. Providers that speak Anthropic's format count themselves; for all others, and
    /// when the provider does not answer, the tokens are counted here.
    ///
    /// # Errors
    /// 400 for an unknown model or a body that is not a Messages request.
    pub async fn count_tokens(&self, http: &dyn Transport, call: &Call) -> Result<u64> {
        let resolved = self.router.resolve(&call.model, &llm_router::Scope::default())?;
        let deployment = self.router.members(&resolved.group).next().map(Arc::clone);
        let model = deployment.as_ref().map_or_else(|| Arc::clone(&call.model), |d| resolved.provider_model(d));
        if let Some(target) = deployment.as_ref().and_then(|d| d.payload::<Target>()) {
            match self.ask(http, call, target, &target.model_of(&model)).await {
                Ok(Some(count)) => return Ok(count),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the provider did not count the tokens; they are counted here"),
            }
        }
        let top = Top::parse(&call.body)?;
        let messages =
            top.get("messages").ok_or_else(|| Error::bad_request("messages is missing").with_param("messages"))?;
        let options = tokens::MessageOptions { tools: top.get("tools").filter(|t| *t != "null"), ..Default::default() };
        let mut count = tokens::count_messages(&model, messages, &options)
            .map_err(|e| Error::bad_request(format!("messages cannot be counted: {e}")).with_param("messages"))?;
        if let Some(system) = top.get("system").filter(|s| *s != "null") {
            count += tokens::count(&model, llm_types::json::raw_str(system).as_deref().unwrap_or(system));
        }
        Ok(count as u64)
    }

    /// Asks the provider, when it speaks Anthropic's format.
    async fn ask(&self, http: &dyn Transport, call: &Call, target: &Target, model: &str) -> Result<Option<u64>> {
        let want = Want { operation: OperationKind::CountTokens, format: Format::AnthropicMessages, model };
        if target.mock_response.is_some() || !target.protocols(&want).has(Format::AnthropicMessages) {
            return Ok(None);
        }
        let facts = CallFacts {
            operation: OperationKind::CountTokens,
            format: Format::AnthropicMessages,
            client_format: call.format,
            model,
            stream: false,
            betas: &[],
            headers: &call.headers,
        };
        let address = target.address(&facts)?;
        let mut body = BytesMut::new();
        let mut ctx = EncodeContext { caps: target.caps(&self.prices, model), ..EncodeContext::for_model(model) };
        ctx.drop_params = true;
        llm_wire::anthropic::encode_count_request(call.decoded()?, &mut ctx, &mut body)?;
        let mut request = Request::new(llm_http::Body::from(Bytes::from(body)));
        *request.method_mut() = address.endpoint.method.clone();
        *request.uri_mut() = beside_messages(&address.endpoint.url)?;
        *request.headers_mut() = address.endpoint.headers.clone();
        let timeouts = Timeouts {
            connect: Some(self.settings.connect_timeout),
            total: self.settings.request_timeout,
            ..Timeouts::NONE
        };
        let reply = http.send(request, timeouts).await.map_err(|e| Error::internal(e.message()))?;
        let status = reply.status();
        let body = reply.into_body().collect(1 << 20).await.map_err(|e| Error::internal(e.message()))?;
        if !status.is_success() {
            return Err(Error::internal(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        llm_wire::anthropic::decode_count(&body).map(Some)
    }
}

/// Where tokens are counted: below the place where messages are answered.
fn beside_messages(url: &str) -> Result<Uri> {
    let (path, query) = url.split_once('?').map_or((url, ""), |(path, query)| (path, query));
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("{path}/count_tokens{mark}{query}");
    url.parse().map_err(|e| Error::internal(format!("the provider's URL {url} is wrong: {e}")))
}
