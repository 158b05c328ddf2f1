//! Agents that are asked like models: a conversation goes, a text comes. They know no parameters of models.
//!
//! | codec | who | request | stream |
//! |---|---|---|---|
//! | [`A2a`] | agents of the A2A protocol | JSON-RPC `message/send` | `message/stream`, SSE of updates |
//! | [`LangGraph`] | LangGraph's server | `{assistant_id, input: {messages}}` | SSE of messages |
//! | [`Langflow`] | Langflow's flows | `{input_value}` | none |
//! | [`BedrockAgent`] | agents of Amazon Bedrock | `{inputText, enableTrace}` | AWS's events, always |
//! | [`AgentCoreRuntime`] | agents in AgentCore's runtimes | `{prompt}` | SSE, where the agent streams |
//! | [`VertexAgent`] | agents of Vertex AI's engine | `{class_method, input}` | JSON lines, always |

mod a2a;
mod agentcore;
mod bedrock;
mod langflow;
mod langgraph;
mod talk;
#[cfg(test)]
mod tests;
mod vertex;

pub use a2a::A2a;
pub use agentcore::AgentCoreRuntime;
pub use bedrock::BedrockAgent;
pub use langflow::Langflow;
pub use langgraph::LangGraph;
pub use vertex::VertexAgent;

use std::fmt::Write as _;

use llm_types::generate::{Choice, Finish, FinishReason, GenerateRequest, GenerateResponse, Part, PartKind};
use llm_types::{Error, Format};

use crate::codec::{EncodeContext, ReplyView};
use crate::dialect;
use crate::openai::chat;
use crate::openai::errors::{failed, of_status, provider_name};
use crate::prompt::said;

/// An answer of one text.
fn answer(text: &str) -> GenerateResponse {
    let finish = Some(Finish::new(FinishReason::Stop));
    let choice = Choice { parts: vec![Part::text(text)], finish, ..Choice::default() };
    GenerateResponse { choices: vec![choice], ..GenerateResponse::default() }
}

/// What is said last, for agents that keep the conversation.
fn last(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) -> String {
    let mute = |part: &Part| !matches!(part.kind, PartKind::Text { .. } | PartKind::ToolResult(_));
    if req.turns.last().is_some_and(|turn| turn.parts.iter().any(mute)) {
        ctx.lost.push("messages.block without text".to_owned());
    }
    req.turns.last().map(|turn| said(turn).into_owned()).unwrap_or_default()
}

/// A name made of a text (FNV-1a): codecs have no randomness, and a message that is sent again after a broken connection
/// is the same message.
fn id_of(kind: &str, text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut id = format!("{kind}-");
    // writing into memory cannot fail
    let _ = write!(id, "{hash:016x}");
    id
}

fn error(reply: &ReplyView<'_>) -> Error {
    dialect::error(reply, of_status(reply.status), &provider_name(reply.provider))
}

/// Reports what an agent cannot be told.
fn lose(req: &GenerateRequest, ctx: &mut EncodeContext<'_>) {
    if req.extra.format() != Some(Format::OpenAiChat) {
        chat::lose_extra(&req.extra, "", ctx);
    }
    if !req.tools.is_empty() {
        ctx.lost.push("tools".to_owned());
    }
    if req.max_output_tokens.is_some() || req.sampling.temperature.is_some() || req.sampling.top_p.is_some() {
        ctx.lost.push("sampling".to_owned());
    }
}
