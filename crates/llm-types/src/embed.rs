//! Embeddings: texts (or token lists) become vectors.

use crate::generate::UsageReport;
use crate::{Extra, RawJson};

/// What is asked of an embedding model.
#[derive(Debug, Clone, Default)]
pub struct EmbedRequest {
    /// The model as the client named it.
    pub model: String,
    /// One entry per vector wanted.
    pub input: Vec<EmbedInput>,
    /// True when the client sent a bare value instead of a list.
    pub single: bool,
    /// `float` or `base64`.
    pub encoding_format: Option<String>,
    /// Length of the vectors.
    pub dimensions: Option<u64>,
    /// End user id.
    pub user: Option<String>,
    /// Cohere-style purpose of the vectors.
    pub input_type: Option<String>,
    /// Unknown fields.
    pub extra: Extra,
}

/// One thing to embed.
#[derive(Debug, Clone, PartialEq)]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// A text already cut into tokens.
    Tokens(Vec<u32>),
    /// Anything else (images, multimodal objects), carried as it came.
    Other(RawJson),
}

/// The vectors.
#[derive(Debug, Clone, Default)]
pub struct EmbedResponse {
    /// The model as the upstream named it.
    pub model: String,
    /// The vectors, in the order of the input.
    pub data: Vec<Embedding>,
    /// What it consumed.
    pub usage: Option<UsageReport>,
    /// Unknown fields.
    pub extra: Extra,
}

impl EmbedResponse {
    /// Puts another answer behind this one: its vectors are numbered on, its tokens are added.
    pub fn join(&mut self, other: Self) {
        let first = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        let moved = |e: Embedding| Embedding { index: first.saturating_add(e.index), ..e };
        self.data.extend(other.data.into_iter().map(moved));
        match (&mut self.usage, other.usage) {
            (Some(all), Some(more)) => {
                all.usage.merge(&more.usage);
                all.raw = None; // the upstream's words are of one answer only
            }
            (all @ None, more) => *all = more,
            (Some(_), None) => {}
        }
    }
}

/// One vector.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// Position in the input.
    pub index: u32,
    /// The vector: a list of numbers or base64 text, as the upstream wrote it.
    pub vector: RawJson,
}
