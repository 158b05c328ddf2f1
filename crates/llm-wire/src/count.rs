//! Counting the tokens of a prompt at its provider: beside the place where it would be answered.

use std::fmt;

use bytes::BytesMut;
use llm_types::Result;
use llm_types::generate::GenerateRequest;

use crate::codec::EncodeContext;

/// How the upstreams of a format are asked for the tokens of a prompt.
pub trait CountCodec: Send + Sync + fmt::Debug {
    /// Where tokens are counted, of the URL (with its query) where the same prompt is answered.
    fn place(&self, url: &str) -> String;

    /// Writes the request: the fields that make up the prompt, without those on generation.
    ///
    /// # Errors
    /// As for a request that generates.
    fn encode(&self, req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()>;

    /// Reads the number of tokens off the answer.
    ///
    /// # Errors
    /// `InvalidReply` when the body is not such an answer.
    fn decode(&self, body: &[u8]) -> Result<u64>;
}

/// A URL with another path; the query stays.
pub(crate) fn with_path(url: &str, path: impl FnOnce(&str) -> String) -> String {
    match url.split_once('?') {
        Some((head, query)) => format!("{}?{query}", path(head)),
        None => path(url),
    }
}
