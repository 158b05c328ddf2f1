//! Documents are put in order of their relevance. Clients ask as LiteLLM's `/rerank` takes it, which is Cohere's shape;
//! the houses differ in what they call things. The answer is always `{id, results, meta}`.
//!
//! Facts: the houses' API references, and recordings of what LiteLLM sends and answers.

mod request_encode;
mod response_decode;

use llm_types::{Format, Result};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec of a dialect.
#[derive(Debug)]
pub struct Rerank {
    format: Format,
    wants: Wants,
    tells: Tells,
    tokens: Tokens,
}

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// As clients write it.
    Cohere,
    /// The same with `top_k`.
    TopK,
    /// `texts`, and how to truncate them.
    Tei,
    /// `passages` and a query, each an object with a text.
    Passages,
    /// A query for each document.
    Pairs,
    /// `inputs`, and parameters apart.
    Inputs,
    /// `records` with titles.
    Records,
}

/// Where a reply holds its scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// The whole reply is the answer.
    Answer,
    /// `results`.
    Results,
    /// `data`.
    Data,
    /// A bare list of `{index, score, text}`.
    List,
    /// `rankings` of `{index, logit}`.
    Rankings,
    /// `scores`, one for each document.
    Scores,
    /// `results` of `{index, score, input}`.
    Scored,
    /// `records` of `{id, score, content}`, the id an index.
    Records,
}

/// What `meta.tokens` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokens {
    /// Nothing.
    None,
    /// What the prompt took.
    Input,
    /// What the prompt took, and the rest of the total.
    Both,
    /// The same; the total is told as searches.
    BothAsSearches,
    /// The total as the input, and no output.
    Total,
    /// What we count ourselves.
    Counted,
    /// Searches, one for each record.
    Searches,
}

const fn dialect(format: Format, wants: Wants, tells: Tells, tokens: Tokens) -> Rerank {
    Rerank { format, wants, tells, tokens }
}

/// Cohere, and those who copy it.
pub static COHERE: Rerank = dialect(Format::CohereRerank, Wants::Cohere, Tells::Answer, Tokens::None);
/// Jina and Together.
pub static JINA: Rerank = dialect(Format::JinaRerank, Wants::Cohere, Tells::Results, Tokens::None);
/// Infinity.
pub static INFINITY: Rerank = dialect(Format::InfinityRerank, Wants::Cohere, Tells::Results, Tokens::Both);
/// vLLM.
pub static VLLM: Rerank = dialect(Format::VllmRerank, Wants::Cohere, Tells::Results, Tokens::Input);
/// Voyage.
pub static VOYAGE: Rerank = dialect(Format::VoyageRerank, Wants::TopK, Tells::Data, Tokens::Total);
/// Fireworks.
pub static FIREWORKS: Rerank = dialect(Format::FireworksRerank, Wants::Cohere, Tells::Data, Tokens::BothAsSearches);
/// Hugging Face's Text Embeddings Inference.
pub static TEI: Rerank = dialect(Format::TeiRerank, Wants::Tei, Tells::List, Tokens::Counted);
/// NVIDIA NIM.
pub static NIM: Rerank = dialect(Format::NimRerank, Wants::Passages, Tells::Rankings, Tokens::None);
/// DeepInfra.
pub static DEEPINFRA: Rerank = dialect(Format::DeepInfraRerank, Wants::Pairs, Tells::Scores, Tokens::Total);
/// IBM watsonx.
pub static WATSONX: Rerank = dialect(Format::WatsonxRerank, Wants::Inputs, Tells::Scored, Tokens::Total);
/// Google's ranking.
pub static GOOGLE: Rerank = dialect(Format::GoogleRerank, Wants::Records, Tells::Records, Tokens::Searches);

impl TaskCodec for Rerank {
    fn format(&self) -> Format {
        self.format
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        request_encode::encode(self.wants, request, ctx.model)
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        response_decode::decode(self, request, reply, ctx)
    }
}

#[cfg(test)]
mod tests;
