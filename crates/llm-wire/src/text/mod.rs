//! Languages of hosts that complete texts: a prompt goes, a text comes. None of them knows tools, several roles or
//! pictures; conversations become prompts, see [`crate::prompt`].
//!
//! | codec | host | request | stream |
//! |---|---|---|---|
//! | [`Tgi`] | Hugging Face's text generation inference, Predibase | `inputs`, `parameters` | SSE of tokens |
//! | [`TeiEmbed`] | its feature extraction | `inputs` | none |
//! | [`WatsonxText`] | IBM watsonx.ai | `input`, `parameters`, `model_id` | SSE of results |
//! | [`TritonGenerate`] | NVIDIA Triton | `text_input`, or tensors | SSE of texts |
//! | [`NlpCloud`] | NLP Cloud | `text` | bare text |
//! | [`Replicate`] | Replicate | `input`; answers are fetched | SSE elsewhere |
//! | [`Petals`], [`AlephAlpha`] | Petals, Aleph Alpha | `inputs`; `prompt` | none |
//! | [`Bytez`] | Bytez | `messages`, `params` | bare text |
//! | [`AnthropicComplete`] | Anthropic, of old | `prompt` | SSE of completions |

mod aleph_alpha;
mod anthropic;
mod bare;
mod bytez;
mod lines;
mod nlp_cloud;
mod petals;
mod replicate;
mod tei;
mod tgi;
mod triton;
mod watsonx;

pub use aleph_alpha::AlephAlpha;
pub use anthropic::AnthropicComplete;
pub use bytez::Bytez;
pub use nlp_cloud::NlpCloud;
pub use petals::Petals;
pub use replicate::Replicate;
pub use replicate::version as replicate_version;
pub use tei::TeiEmbed;
pub use tgi::Tgi;
pub use triton::{TritonEmbed, TritonGenerate, as_tensors};
pub use watsonx::{WatsonxEmbed, WatsonxText};

use llm_types::embed::{EmbedInput, EmbedRequest};
use llm_types::generate::{Choice, Finish, FinishReason, GenerateRequest, GenerateResponse, Part, UsageReport};
use llm_types::{Error, FieldSet, Format, Result};

use crate::codec::EncodeContext;
use crate::openai::chat;
use crate::openai::errors::failed;
use crate::openai::object::Obj;
use crate::prompt;

/// An answer of one text.
fn answer(text: &str, finish: Finish, usage: Option<UsageReport>) -> GenerateResponse {
    let choice = Choice { parts: vec![Part::text(text)], finish: Some(finish), ..Choice::default() };
    GenerateResponse { choices: vec![choice], usage, ..GenerateResponse::default() }
}

/// A plain end.
const fn stop() -> Finish {
    Finish::new(FinishReason::Stop)
}

/// Writes parameters that have no name of their own here but were let through, and fields that nobody knows; a template
/// is not for the host. Reports what cannot be said.
fn write_rest(req: &GenerateRequest, named: FieldSet, ctx: &mut EncodeContext<'_>, obj: &mut Obj<'_>) {
    chat::write_others(req, named, obj);
    let apart = |key: &str| chat::is_apart(key) || prompt::FIELDS.contains(&key);
    chat::write_extras(req, |key| !apart(key), obj);
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if !req.tools.is_empty() {
        ctx.lost.push("tools".to_owned());
    }
    if req.turns.iter().flat_map(|t| &t.parts).any(|p| p.as_text().is_none()) {
        ctx.lost.push("messages.block without text".to_owned());
    }
}

/// Writes the fields that stand beside everything else: the gateway takes them out again.
fn write_apart(req: &GenerateRequest, obj: &mut Obj<'_>) {
    chat::write_extras(req, chat::is_apart, obj);
}

/// The texts to embed.
fn texts(req: &EmbedRequest) -> Result<Vec<&str>> {
    fn text(input: &EmbedInput) -> Result<&str> {
        match input {
            EmbedInput::Text(text) => Ok(text),
            _ => Err(Error::bad_request("Invalid value for 'input': expected texts").with_param("input")),
        }
    }
    req.input.iter().map(text).collect()
}
