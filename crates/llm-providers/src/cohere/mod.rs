//! Cohere: the model's name says which language of chat is spoken; a deployment's base URL is the whole URL.

use std::borrow::Cow;

use llm_types::{Format, OperationKind, Result};

use crate::endpoint::{row_endpoint, row_protocols};
use crate::generated;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want};
use crate::row::ProviderRow;

/// Cohere, embeddings and rerank included.
#[derive(Debug)]
pub struct Cohere;

/// Cohere's chat, under LiteLLM's other name.
#[derive(Debug)]
pub struct CohereChat;

/// Where the first language of chat is.
const FIRST: &str = "/v1/chat";

impl Provider for Cohere {
    fn row(&self) -> &'static ProviderRow {
        &generated::COHERE
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        protocols(self.row(), want)
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }

    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        wire_model(model)
    }
}

impl Provider for CohereChat {
    fn row(&self) -> &'static ProviderRow {
        &generated::COHERE_CHAT
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        protocols(self.row(), want)
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }

    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        wire_model(model)
    }
}

/// `v1/command-r` is asked for in the first language, everything else in the second.
fn protocols(row: &ProviderRow, want: &Want<'_>) -> Protocols {
    let mut out = Protocols::default();
    if want.operation == OperationKind::Generate && want.model.starts_with("v1/") {
        out.push(Format::CohereChat);
        return out;
    }
    row_protocols(row, want)
}

fn wire_model(model: &str) -> Cow<'_, str> {
    Cow::Borrowed(model.strip_prefix("v1/").or_else(|| model.strip_prefix("v2/")).unwrap_or(model))
}

fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let first = call.format == Format::CohereChat;
    let format = if first { Format::CohereChatV2 } else { call.format };
    row_endpoint(row, &Call { format, ..*call }, out)?;
    if matches!(call.operation, OperationKind::Generate | OperationKind::Embed)
        && let Some(base) = call.api_base.filter(|b| !b.is_empty())
    {
        base.clone_into(&mut out.url);
    } else if first && let Some(base) = out.url.strip_suffix("/v2/chat") {
        out.url = format!("{base}{FIRST}");
    }
    if call.operation == OperationKind::Generate {
        out.set("accept", "application/json")?;
        out.set("request-source", "unspecified:litellm")?;
        out.set_extra(call.params)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use llm_types::Secret;

    use super::*;
    use crate::params::Params;

    fn url(model: &str, operation: OperationKind, api_base: Option<&str>) -> String {
        let (params, key) = (Params::without_env::<String>([]), Secret::new("k"));
        let want = Want { operation, format: Format::OpenAiChat, model };
        let call = Call {
            api_base,
            api_key: Some(&key),
            ..Call::new(operation, Cohere.protocols(&want).best().unwrap(), model, &params)
        };
        let mut out = Endpoint::default();
        Cohere.endpoint(&call, &mut out).unwrap();
        out.url
    }

    #[test]
    fn the_name_chooses_the_language_and_a_base_is_a_whole_url() {
        let chat = OperationKind::Generate;
        assert_eq!(url("command-a-03-2025", chat, None), "https://api.cohere.com/v2/chat");
        assert_eq!(url("v1/command-r", chat, None), "https://api.cohere.com/v1/chat");
        assert_eq!(url("v1/command-r", chat, Some("http://up.test/v1/chat")), "http://up.test/v1/chat");
        assert_eq!(url("command-r", chat, Some("http://up.test")), "http://up.test");
        assert_eq!(url("embed-v4.0", OperationKind::Embed, None), "https://api.cohere.com/v2/embed");
        assert_eq!(wire_model("v1/command-r"), "command-r");
    }
}
