//! Azure AI Foundry: many houses' models behind one address, Claude among them in its own language.

mod images;
mod ocr;
mod stores;

use bytes::Bytes;
use llm_types::{Format, OperationKind, Result};
use llm_wire::task::TaskOut;
use llm_wire::top::Top;

use crate::anthropic::guest;
use crate::azure::entra::{Directory, directory};
use crate::endpoint::{no_base, no_key, row_protocols};
use crate::generated;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want};
use crate::row::ProviderRow;
use crate::stores::StoreHouse;

/// The provider.
#[derive(Debug)]
pub struct AzureAi;

/// Hosts of Microsoft's own, which take the key in a header of its own.
const OWN_HOSTS: [&str; 2] = [".services.ai.azure.com", ".openai.azure.com"];

impl Provider for AzureAi {
    fn row(&self) -> &'static ProviderRow {
        &generated::AZURE_AI
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        if want.operation == OperationKind::Generate && is_claude(want.model) {
            let mut out = Protocols::default();
            out.push(Format::AnthropicMessages);
            return out;
        }
        let mut out = Protocols::default();
        if drawn(want.operation) {
            out.push(images::format(want.model));
            return out;
        }
        if want.operation == OperationKind::Ocr {
            out.push(ocr::format(want.model));
            return out;
        }
        row_protocols(self.row(), want).iter().filter(|f| *f != Format::AnthropicMessages).for_each(|f| out.push(f));
        out
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        if drawn(call.operation) {
            return images::endpoint(row, call, out);
        }
        if call.operation == OperationKind::Ocr {
            return ocr::endpoint(row, call, out);
        }
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        let base = base.trim_end_matches('/');
        let own = OWN_HOSTS.iter().any(|host| base.contains(host));
        out.url = match call.operation {
            OperationKind::Rerank => crate::endpoint::join(base, "/v1/rerank", row),
            OperationKind::Transcribe => crate::endpoint::join(base, "/audio/transcriptions", row),
            OperationKind::Translate => crate::endpoint::join(base, "/audio/translations", row),
            OperationKind::Speech => crate::endpoint::join(base, "/audio/speech", row),
            _ => url(base, call.format, own),
        };
        if let Some(version) = call.params.str("api_version") {
            out.url = format!("{}?api-version={version}", out.url);
        }
        let key = row.key(call.api_key, call.params);
        let directory = if key.is_none() { directory(call.params) } else { None };
        match (key, directory) {
            (Some(key), _) if call.format == Format::AnthropicMessages => {
                out.set("x-api-key", key.expose())?;
                if call.client_format != Format::AnthropicMessages {
                    out.set("api-key", key.expose())?;
                }
            }
            (Some(key), _) if own && call.operation != OperationKind::Rerank => out.set("api-key", key.expose())?,
            (Some(key), _) => out.set("authorization", &format!("Bearer {}", key.expose()))?,
            (None, Some(Directory::Token(token))) => out.set("authorization", &format!("Bearer {}", token.expose()))?,
            (None, Some(Directory::Ask(need))) => out.auth = Some(need),
            (None, None) => return Err(no_key(row)),
        }
        if call.format == Format::AnthropicMessages {
            out.set("anthropic-version", "2023-06-01")?;
            out.per_request = true;
        }
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)?;
        crate::anthropic::set_betas(row, call, false, out)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.format == Format::AnthropicMessages
    }

    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let top = Top::parse(&body)?;
        Ok(guest::edited(&body, &top, &guest::edits(self.row(), call, &top)))
    }

    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        Some(&stores::Indexes)
    }

    fn prepare_task(&self, call: &Call<'_>, _endpoint: &Endpoint, out: &mut TaskOut) {
        if call.format == Format::AzureImages {
            out.remove_field("model");
        }
    }
}

const fn drawn(operation: OperationKind) -> bool {
    matches!(operation, OperationKind::Image | OperationKind::ImageEdit)
}

fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude")
}

fn url(base: &str, format: Format, own: bool) -> String {
    match format {
        Format::AnthropicMessages if base.ends_with("/v1/messages") => base.to_owned(),
        Format::AnthropicMessages => format!("{}/anthropic/v1/messages", base.trim_end_matches("/anthropic")),
        Format::OpenAiEmbeddings => format!("{base}/embeddings"),
        _ if base.ends_with("/chat/completions") => base.to_owned(),
        _ if own && base.contains(".services.ai.") && !base.contains("/models") => {
            format!("{base}/models/chat/completions")
        }
        _ => format!("{base}/chat/completions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_host_and_the_language() {
        let cases = [
            (
                "https://r.services.ai.azure.com",
                Format::OpenAiChat,
                "https://r.services.ai.azure.com/models/chat/completions",
            ),
            (
                "https://r.services.ai.azure.com/anthropic",
                Format::AnthropicMessages,
                "https://r.services.ai.azure.com/anthropic/v1/messages",
            ),
            (
                "https://r.inference.ai.azure.com",
                Format::OpenAiChat,
                "https://r.inference.ai.azure.com/chat/completions",
            ),
            (
                "https://r.inference.ai.azure.com",
                Format::OpenAiEmbeddings,
                "https://r.inference.ai.azure.com/embeddings",
            ),
        ];
        for (base, format, expected) in cases {
            assert_eq!(url(base, format, OWN_HOSTS.iter().any(|h| base.contains(h))), expected);
        }
    }
}
