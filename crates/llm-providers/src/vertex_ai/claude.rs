//! Claude on Vertex AI: Anthropic's Messages without a model, with a version of Google's own.
//! <https://docs.claude.com/en/api/claude-on-vertex-ai>

use bytes::Bytes;
use llm_types::{Format, RawJson, Result};
use llm_wire::top::Top;
use memchr::memmem;

use crate::anthropic::{guest, set_betas};
use crate::generated;
use crate::provider::{Call, Endpoint};

/// The version that stands in bodies.
const VERSION: &str = "\"vertex-2023-10-16\"";

/// The beta of searches, and how the type of the tool begins.
const SEARCH_BETA: &str = "web-search-2025-03-05";
const SEARCH_TOOL: &[u8] = b"\"web_search_";

/// Makes a body one of Vertex AI's.
pub(super) fn prepare(call: &Call<'_>, body: &Bytes) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let mut edits = vec![("model", None), ("anthropic_version", Some(VERSION))];
    let moved = guest::edits(&generated::VERTEX_AI, call, &top);
    edits.extend(moved.iter().map(|(name, new)| (*name, new.as_deref())));
    // What Messages clients ask for stands in the header alone, as LiteLLM sends it.
    let native = call.client_format == Format::AnthropicMessages;
    let betas = if native { None } else { betas(call)? };
    if let Some(betas) = betas.as_ref().filter(|_| top.get("anthropic_beta").is_none()) {
        edits.push(("anthropic_beta", Some(betas.get())));
    }
    Ok(top.edited(&edits))
}

/// Searches of the web are in beta here: a body that may make some says so in a header.
pub(super) fn show_search(body: &Bytes, out: &mut Endpoint) -> Result<()> {
    let names_search = |text: &[u8]| memmem::find(text, SEARCH_TOOL).is_some();
    // Most bodies name none anywhere: they are not read once more.
    let tools = names_search(body) && Top::parse(body)?.get("tools").is_some_and(|t| names_search(t.as_bytes()));
    let told = out.headers.get("anthropic-beta").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if !tools || told.contains(SEARCH_BETA) {
        return Ok(());
    }
    let all = if told.is_empty() { SEARCH_BETA.to_owned() } else { format!("{told},{SEARCH_BETA}") };
    out.set("anthropic-beta", &all)
}

/// The betas of the call, as they stand in its header, as a list; nothing when there are none.
fn betas(call: &Call<'_>) -> Result<Option<RawJson>> {
    let mut probe = Endpoint::default();
    probe.set_extra(call.params)?;
    set_betas(&generated::VERTEX_AI, call, false, &mut probe)?;
    let header = probe.headers.get("anthropic-beta").and_then(|v| v.to_str().ok());
    Ok(header.and_then(|h| RawJson::of(&h.split(',').collect::<Vec<_>>()).ok()))
}
