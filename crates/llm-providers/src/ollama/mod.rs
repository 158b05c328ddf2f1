//! Ollama: bases may name an operation; bodies of generation go as bytes, as LiteLLM sends them.

use llm_types::{OperationKind, Result};

use crate::endpoint::row_endpoint;
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::row::ProviderRow;

/// Generation from prompts.
#[derive(Debug)]
pub struct Ollama;

/// Chat.
#[derive(Debug)]
pub struct OllamaChat;

/// Paths that a base may end with: they are left out.
const OPERATIONS: [&str; 4] = ["/api/generate", "/api/chat", "/api/embed", "/api/embeddings"];

impl Provider for Ollama {
    fn row(&self) -> &'static ProviderRow {
        &generated::OLLAMA
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }
}

impl Provider for OllamaChat {
    fn row(&self) -> &'static ProviderRow {
        &generated::OLLAMA_CHAT
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }
}

fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let base = row.base(call.api_base, call.params);
    let base = base.as_deref().map(|b| {
        let b = b.trim_end_matches('/');
        OPERATIONS.iter().find_map(|path| b.strip_suffix(path)).unwrap_or(b)
    });
    row_endpoint(row, &Call { api_base: base, ..*call }, out)?;
    if call.operation == OperationKind::Generate {
        out.set("content-type", "application/octet-stream")?;
        out.set_extra(call.params)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use llm_types::Format;

    use super::*;
    use crate::params::Params;

    #[test]
    fn bases_may_name_an_operation() {
        let params = Params::without_env::<String>([]);
        for (base, expected) in [
            (None, "http://localhost:11434/api/chat"),
            (Some("http://h:1/"), "http://h:1/api/chat"),
            (Some("http://h:1/api/generate"), "http://h:1/api/chat"),
        ] {
            let call =
                Call { api_base: base, ..Call::new(OperationKind::Generate, Format::OllamaChat, "llama3.1", &params) };
            let mut out = Endpoint::default();
            OllamaChat.endpoint(&call, &mut out).unwrap();
            assert_eq!(out.url, expected);
            assert!(!out.headers.contains_key("authorization"), "no key is needed");
        }
    }
}
