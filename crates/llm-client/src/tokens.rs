//! Counting the tokens of a conversation before it is sent.

use std::sync::Arc;

use bytes::BytesMut;
use llm_catalog::tokens;
use llm_http::Transport;
use llm_providers::{Quirk, Want};
use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::codec::EncodeContext;
use llm_wire::count::CountCodec;
use llm_wire::top::Top;

use crate::beside::{Beside, ask};
use crate::call::Call;
use crate::engine::Engine;
use crate::target::{CallFacts, Target};

/// How many tokens a prompt has, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Tokens.
    pub tokens: u64,
    /// The provider counted them; else they were counted here.
    pub by_provider: bool,
    /// The provider that counted them.
    pub counter: Option<&'static str>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
}

impl Counted {
    /// LiteLLM's word for who counted.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        if self.by_provider { "provider" } else { "local_estimate" }
    }
}

impl Engine {
    /// Tokens of a request's prompt. Providers that can count are asked; for all others, and when the provider does not
    /// answer, the tokens are counted here.
    ///
    /// # Errors
    /// 400 for an unknown model or a body that is not a request of the client's format.
    pub async fn count_tokens(&self, http: &dyn Transport, call: &Call) -> Result<Counted> {
        if call.format == Format::AnthropicMessages && !has_messages(&Top::parse(&call.body)?) {
            return Err(none());
        }
        let resolved = self.router.resolve(&call.model, &call.controls.scope())?;
        let deployment = self.router.members(&resolved.group).next().map(Arc::clone);
        let mut model = deployment.as_ref().map_or_else(|| Arc::clone(&call.model), |d| resolved.provider_model(d));
        if let Some(target) = deployment.as_ref().and_then(|d| d.payload::<Target>()) {
            model = target.model_of(&model);
            match self.ask_provider(http, call, target, &model).await {
                Ok(Some(tokens)) => {
                    return Ok(Counted { tokens, by_provider: true, counter: Some(target.provider.row().id), model });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the provider did not count the tokens; they are counted here"),
            }
        }
        Ok(Counted { tokens: here(call, &model)?, by_provider: false, counter: None, model })
    }

    /// Asks the provider, when it can count in one of its languages.
    async fn ask_provider(
        &self,
        http: &dyn Transport,
        call: &Call,
        target: &Target,
        model: &str,
    ) -> Result<Option<u64>> {
        if target.mock_response.is_some() {
            return Ok(None);
        }
        let Some((format, codec)) = language(call, target, model) else { return Ok(None) };
        let facts = CallFacts {
            operation: OperationKind::CountTokens,
            format,
            client_format: call.format,
            model,
            stream: false,
            betas: &[],
            headers: &call.headers,
        };
        let address = target.address(&facts)?;
        let wire_model = target.provider.wire_model(model);
        let mut ctx = EncodeContext { caps: target.caps(&self.prices, model), ..EncodeContext::for_model(&wire_model) };
        ctx.drop_params = true;
        let mut body = BytesMut::new();
        codec.encode(call.decoded()?, &mut ctx, &mut body)?;
        let beside = Beside {
            method: address.endpoint.method.clone(),
            url: codec.place(&address.endpoint.url),
            body: body.freeze(),
        };
        let (parts, body) = ask(http, &self.settings, &address, target.provider_id(), beside).await?;
        if !parts.status.is_success() {
            return Err(Error::internal(format!("{}: {}", parts.status, String::from_utf8_lossy(&body))));
        }
        codec.decode(&body).map(Some)
    }
}

/// The languages in which providers count, the client's own first.
const LANGUAGES: [Format; 4] =
    [Format::GeminiGenerate, Format::AnthropicMessages, Format::OpenAiResponses, Format::BedrockConverse];

/// The language in which a provider counts. Many hosts speak Messages and Responses, few of them count in it; clients of
/// Responses have a path of their own for it and are believed.
fn language(call: &Call, target: &Target, model: &str) -> Option<(Format, &'static dyn CountCodec)> {
    let counts = target.provider.row().quirks.has(Quirk::CountsPrompts);
    let asked = |f: Format| match f {
        Format::AnthropicMessages => counts,
        Format::OpenAiResponses => counts || call.format == f,
        _ => true,
    };
    std::iter::once(call.format).chain(LANGUAGES).filter(|f| asked(*f)).find_map(|f| {
        let codec = llm_wire::registry::count(f)?;
        let want = Want { operation: OperationKind::CountTokens, format: f, model };
        target.protocols(&want).has(f).then_some((f, codec))
    })
}

/// Counts with our own vocabularies: messages as they are, other prompts as the messages that they would be.
pub(crate) fn here(call: &Call, model: &str) -> Result<u64> {
    counted(call, model, true)
}

/// The same without the tools.
pub(crate) fn of_messages(call: &Call, model: &str) -> Result<u64> {
    counted(call, model, false)
}

fn counted(call: &Call, model: &str, tools: bool) -> Result<u64> {
    if call.format == Format::AnthropicMessages || call.format == Format::OpenAiChat {
        return messages(&Top::parse(&call.body)?, model, tools);
    }
    let chat = llm_wire::registry::upstream_generate(Format::OpenAiChat)
        .ok_or_else(|| Error::internal("no codec for chat"))?;
    let mut ctx = EncodeContext { drop_params: true, ..EncodeContext::for_model(model) };
    let mut body = BytesMut::new();
    chat.encode_request(call.decoded()?, &mut ctx, &mut body)?;
    messages(&Top::parse(&body)?, model, tools)
}

fn messages(top: &Top<'_>, model: &str, tools: bool) -> Result<u64> {
    let list = top.get("messages").ok_or_else(none)?;
    let options =
        tokens::MessageOptions { tools: top.get("tools").filter(|t| tools && *t != "null"), ..Default::default() };
    let count = with_system(list, top.get("system"), |all| tokens::count_messages(model, all, &options))
        .map_err(|e| Error::bad_request(format!("messages cannot be counted: {e}")).with_param("messages"))?;
    Ok(count as u64)
}

/// Messages with a system text, which is a message for whoever counts.
pub fn with_system<T>(messages: &str, system: Option<&str>, count: impl FnOnce(&str) -> T) -> T {
    match (system.filter(|s| !matches!(*s, "null" | "[]" | "\"\"")), messages.strip_prefix('[')) {
        (Some(system), Some(rest)) => {
            let comma = if rest.trim_start().starts_with(']') { "" } else { "," };
            count(&format!(r#"[{{"role":"system","content":{system}}}{comma}{rest}"#))
        }
        _ => count(messages),
    }
}

fn has_messages(top: &Top<'_>) -> bool {
    top.get("messages")
        .is_some_and(|list| list != "null" && list.trim_start_matches(['[', ' ', '\n', '\t', '\r']) != "]")
}

fn none() -> Error {
    Error::bad_request("messages is missing or empty").with_param("messages")
}
