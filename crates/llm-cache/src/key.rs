//! The key of a request, by LiteLLM's recipe: the parameters as text, hashed.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{names, python};

/// The kinds of calls whose answers are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallType {
    /// Chat.
    Completion,
    /// Legacy completions.
    TextCompletion,
    /// Embeddings.
    Embedding,
    /// Transcription.
    Transcription,
    /// Rerank.
    Rerank,
    /// Responses.
    Responses,
    /// Anthropic's Messages.
    AnthropicMessages,
}

impl CallType {
    /// LiteLLM's name, as in `supported_call_types` (there also with an `a` before it).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::TextCompletion => "text_completion",
            Self::Embedding => "embedding",
            Self::Transcription => "transcription",
            Self::Rerank => "rerank",
            Self::Responses => "responses",
            Self::AnthropicMessages => "anthropic_messages",
        }
    }

    /// The parameters that come first in the source text.
    pub(crate) const fn first(self) -> &'static [&'static str] {
        match self {
            Self::Completion | Self::AnthropicMessages => &["model", "messages"],
            Self::TextCompletion => &["model", "prompt"],
            Self::Embedding | Self::Responses => &["model", "input"],
            Self::Transcription => &["model", "file"],
            Self::Rerank => &["model", "query", "documents"],
        }
    }
}

/// What a key depends on besides the request's fields.
#[derive(Debug, Clone, Copy)]
pub struct KeyOptions<'a> {
    /// The kind of call.
    pub call: CallType,
    /// The caching group of the model, else the model group as the client named it. Stands in for `model`.
    pub model: &'a str,
    /// Put before the key, with a colon: the request's namespace, else that of the caller's metadata, else the settings'.
    pub namespace: Option<&'a str>,
    /// Fields that are not parameters known to LiteLLM count too (`enable_caching_on_provider_specific_optional_params`).
    pub provider_specific: bool,
    /// Checksum or name of an uploaded file. Stands in for `file`.
    pub file: Option<&'a str>,
    /// With tenant isolation: whose answers these are. LiteLLM shares answers between callers, so a key with a tenant is
    /// none that LiteLLM would find.
    pub tenant: Option<&'a str>,
}

impl<'a> KeyOptions<'a> {
    /// A call without anything special.
    #[must_use]
    pub const fn new(call: CallType, model: &'a str) -> Self {
        Self { call, model, namespace: None, provider_specific: false, file: None, tenant: None }
    }
}

/// The key of a request: SHA-256, in hexadecimal, of `name: value` for each parameter that is set, without anything
/// between; with a namespace, `namespace:` before it. Values are written as Python prints them. The order of the fields
/// does not matter; of a field that comes twice the last one counts.
///
/// `fields` are the names and JSON texts of the body's top level.
#[must_use]
pub fn key<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, options: &KeyOptions<'_>) -> String {
    let mut hasher = Hasher::new();
    // A hasher takes everything.
    let _ = source(fields, options, &mut hasher);
    let hash = hex::encode(hasher.finish());
    match options.namespace {
        Some(namespace) if !namespace.is_empty() => format!("{namespace}:{hash}"),
        _ => hash,
    }
}

/// The keys of an embedding request's items: as [`key()`], with the item in the place of `input`.
#[must_use]
pub fn item_keys<'a>(fields: &[(&'a str, &'a str)], items: &[&'a str], options: &KeyOptions<'_>) -> Vec<String> {
    let others = || fields.iter().copied().filter(|(name, _)| *name != "input");
    items.iter().map(|item| key(others().chain([("input", *item)]), options)).collect()
}

/// Writes the text that is hashed.
///
/// # Errors
/// When `out` refuses a write.
pub fn source<'a, W: fmt::Write>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    options: &KeyOptions<'_>,
    out: &mut W,
) -> fmt::Result {
    let counts = |name: &str| names::known(name) || (options.provider_specific && !names::owned(name));
    let mut taken: Vec<((u8, usize), &str, &str)> = Vec::with_capacity(16);
    for (name, value) in fields {
        if !counts(name) || matches!(name, "model" | "file") {
            continue;
        }
        match taken.iter_mut().find(|(_, known, _)| *known == name) {
            Some(known) => known.2 = value,
            None => taken.push((names::place(options.call, name), name, value)),
        }
    }
    let streams = taken.iter().any(|(_, name, value)| *name == "stream" && *value != "null");
    if matches!(options.call, CallType::Completion) && !streams {
        // LiteLLM's chat call fills in the default.
        taken.retain(|(_, name, _)| *name != "stream");
        taken.push((names::place(options.call, "stream"), "stream", "false"));
    }
    taken.sort_unstable();
    write!(out, "model: {}", options.model)?;
    if let Some(file) = options.file {
        write!(out, "file: {file}")?;
    }
    for (_, name, value) in taken {
        if value != "null" {
            write!(out, "{name}: ")?;
            python::str(value, out)?;
        }
    }
    match options.tenant {
        Some(tenant) => write!(out, "\0tenant: {tenant}"),
        None => Ok(()),
    }
}

/// Gathers small pieces before they are hashed.
struct Hasher {
    hash: Sha256,
    pending: Vec<u8>,
}

impl Hasher {
    const ROOM: usize = 4096;

    fn new() -> Self {
        Self { hash: Sha256::new(), pending: Vec::with_capacity(Self::ROOM) }
    }

    fn finish(mut self) -> impl AsRef<[u8]> {
        self.hash.update(&self.pending);
        self.hash.finalize()
    }
}

impl fmt::Write for Hasher {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.pending.len() + piece.len() > Self::ROOM {
            self.hash.update(&self.pending);
            self.pending.clear();
        }
        if piece.len() > Self::ROOM {
            self.hash.update(piece);
        } else {
            self.pending.extend_from_slice(piece.as_bytes());
        }
        Ok(())
    }
}
