//! Batches of requests: the lines of files in OpenAI's words, and what houses that keep batches in another way make of
//! them. The requests and answers inside are translated by the codecs of their formats; here is only what stands around
//! them. <https://platform.openai.com/docs/api-reference/batch>

pub mod anthropic;
mod base32;
mod batch;
pub mod bedrock;
mod files;
mod line;
pub mod moment;
pub mod vertex;

use std::fmt;

use bytes::BytesMut;
use llm_types::{Error, Format, Json, RawJson, Result};

use crate::codec::{Hints, ReplyView};

pub use batch::{Batch, Counts, Times, page};
pub use line::{Line, failure, lines, success};

/// How a house writes down requests, jobs and results.
pub trait BatchCodec: Send + Sync + fmt::Debug {
    /// Writes a request as it stands in the house's file or list: one JSON object. `body` is the request in the house's
    /// own language, one JSON object.
    fn request(&self, line: &Line<'_>, body: &str, out: &mut BytesMut);

    /// Reads a line of results.
    ///
    /// # Errors
    /// `InvalidReply` when it is none.
    fn outcome(&self, line: &[u8]) -> Result<Outcome>;

    /// Reads a job.
    ///
    /// # Errors
    /// `InvalidReply` when it is none.
    fn batch(&self, job: &[u8]) -> Result<Batch>;

    /// Reads a page of jobs and tells it as OpenAI's list.
    ///
    /// # Errors
    /// `InvalidReply` when it is none.
    fn list(&self, reply: &[u8]) -> Result<Json>;

    /// What the house's own interface for files says, in OpenAI's words; nothing where it speaks them, and for answers
    /// that tell of no files.
    fn file(&self, _reply: &[u8]) -> Option<Json> {
        None
    }

    /// Reads an error reply.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error;

    /// True where parameters that the house does not take are left out of a batch's requests, as LiteLLM does, whatever
    /// the configuration says.
    fn drops_params(&self) -> bool {
        false
    }
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The client's name of the request.
    pub custom_id: String,
    /// Its answer.
    pub answer: std::result::Result<Answered, Failed>,
}

/// An answer as the house wrote it.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its language.
    pub format: Format,
    /// Its body.
    pub body: RawJson,
}

/// A request that failed.
#[derive(Debug, Clone, Default)]
pub struct Failed {
    /// The status it would have been answered with; none when it was never made.
    pub status: Option<u16>,
    /// What kind of failure it is.
    pub code: String,
    /// Why it failed.
    pub message: String,
    /// The house's own error object.
    pub body: Option<RawJson>,
}

/// What the reader of an answer is told when nobody remembers the request: JSON that was asked for by a tool is
/// recognized by the tool's name.
#[must_use]
pub fn hints(answer: &str) -> Hints {
    let tool = format!("\"{}\"", crate::anthropic::JSON_TOOL);
    Hints { json_tool: answer.contains(&tool), ..Hints::default() }
}

fn invalid(what: &str, why: &str) -> Error {
    Error::new(llm_types::Kind::InvalidReply, format!("{what} cannot be read: {why}"))
}

#[cfg(test)]
mod tests;
