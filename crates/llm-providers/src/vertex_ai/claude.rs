//! Claude on Vertex AI: Anthropic's Messages without a model, with a version of Google's own.
//! <https://docs.claude.com/en/api/claude-on-vertex-ai>

use bytes::Bytes;
use llm_types::json::raw_str;
use llm_types::{Format, RawJson, Result};
use llm_wire::top::Top;

use crate::anthropic::set_betas;
use crate::generated;
use crate::provider::{Call, Endpoint};

/// The version that stands in bodies.
const VERSION: &str = "\"vertex-2023-10-16\"";

/// Makes a body one of Vertex AI's.
pub(super) fn prepare(call: &Call<'_>, body: &Bytes) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let mut edits = vec![("model", None), ("anthropic_version", Some(VERSION))];
    // LiteLLM writes the instructions of Messages clients as blocks
    let native = call.client_format == Format::AnthropicMessages;
    let blocks = top.get("system").and_then(raw_str).filter(|_| native).map(|text| {
        let text = RawJson::string(&text);
        format!("[{{\"type\":\"text\",\"text\":{}}}]", text.get())
    });
    if let Some(blocks) = &blocks {
        edits.push(("system", Some(blocks)));
    }
    let betas = betas(call)?;
    if let Some(betas) = betas.as_ref().filter(|_| top.get("anthropic_beta").is_none()) {
        edits.push(("anthropic_beta", Some(betas.get())));
    }
    Ok(top.edited(&edits))
}

/// The betas of the call, as they stand in its header, as a list; nothing when there are none.
fn betas(call: &Call<'_>) -> Result<Option<RawJson>> {
    let mut probe = Endpoint::default();
    probe.set_extra(call.params)?;
    set_betas(&generated::VERTEX_AI, call, false, &mut probe)?;
    let header = probe.headers.get("anthropic-beta").and_then(|v| v.to_str().ok());
    Ok(header.and_then(|h| RawJson::of(&h.split(',').collect::<Vec<_>>()).ok()))
}
