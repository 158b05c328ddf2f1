//! A web search behind a gateway of Amazon Bedrock AgentCore: a tool of the Model Context Protocol, called by JSON-RPC.
//! <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-target-connector-web-search-tool.html>
//!
//! The reply is JSON, or server-sent events of which one holds it. Texts inside hold the results as JSON.

use llm_types::{Error, Format, Json, Result};

use super::found::words;
use super::{answer, one_text, query};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::sse::{Item, Splitter};
use crate::task::write;
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct AgentCore;

/// The tool when nobody names one: the usual target's.
const TOOL: &str = "web-search-tool___WebSearch";
/// Tools of other kinds are not for searches.
const SUFFIX: &str = "___WebSearch";
/// Characters of a query; longer ones are refused there.
const LONGEST: usize = 200;
/// Results when nobody says.
const RESULTS: u64 = 10;
/// Bytes of an event.
const EVENT: usize = 16 << 20;

impl TaskCodec for AgentCore {
    fn format(&self) -> Format {
        Format::AgentCoreSearch
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        let text = one_text(&query(&mut fields)?);
        let tool = request.str("tool_name").unwrap_or(TOOL);
        if !tool.ends_with(SUFFIX) {
            let why = format!("tool_name must end with {SUFFIX}: other tools of the gateway are not for searches");
            return Err(Error::bad_request(why).with_param("tool_name"));
        }
        let unknown = |(name, _): &(String, Json)| !matches!(name.as_str(), "max_results" | "tool_name");
        ctx.lost.extend(fields.iter().filter(|f| unknown(f)).map(|(name, _)| name.clone()));
        let most = request.fields.get("max_results").filter(|m| !m.is_null()).cloned();
        let arguments = Json::object([
            ("query", Json::from(text.chars().take(LONGEST).collect::<String>())),
            ("maxResults", most.unwrap_or_else(|| Json::from(RESULTS))),
        ]);
        let body = vec![
            ("jsonrpc".to_owned(), Json::from("2.0")),
            ("id".to_owned(), Json::from(1_u64)),
            ("method".to_owned(), Json::from("tools/call")),
            ("params".to_owned(), Json::object([("name", Json::from(tool)), ("arguments", arguments)])),
        ];
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = message(reply)?;
        if let Some(said) = tree.get("error").filter(|e| !e.is_null()) {
            return Err(errors::refused(reply, &said.to_string()));
        }
        let result = tree.get("result");
        let blocks = result.and_then(|r| r.get("content")?.as_array()).unwrap_or_default();
        let texts = || blocks.iter().filter_map(|block| block.get("text")?.as_str());
        if result.and_then(|r| r.get("isError")?.as_bool()) == Some(true) {
            return Err(errors::refused(reply, &texts().collect::<Vec<_>>().join("\n")));
        }
        let results = texts().flat_map(found).filter_map(|item| one(&item)).collect();
        Ok(answer(request, results))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::bedrock::error::decode(reply)
    }
}

/// The message of JSON-RPC: the reply itself, or the first event that answers, else the last one.
fn message(reply: &ReplyView<'_>) -> Result<Json> {
    let plain = serde_json::from_slice(reply.body);
    if let Ok(tree) = plain {
        return Ok(tree);
    }
    let mut events: Vec<Json> = Vec::new();
    let mut splitter = Splitter::new(EVENT);
    let mut tell = |item: Item<'_>| {
        if let Item::Frame(frame) = item
            && let Ok(event) = serde_json::from_slice::<Json>(&frame.data)
        {
            events.push(event);
        }
    };
    let read = splitter.feed(reply.body, &mut tell).and_then(|()| splitter.finish(&mut tell));
    read.map_err(|e| errors::invalid_reply(reply, &format!("an event is longer than {} bytes", e.limit)))?;
    let answers = events.iter().position(|e| e.get("result").is_some() || e.get("error").is_some());
    let at = answers.unwrap_or(events.len().saturating_sub(1));
    events.into_iter().nth(at).ok_or_else(|| errors::invalid_reply(reply, "neither JSON nor events"))
}

/// The results that a text holds: a list, or an object with one.
fn found(text: &str) -> Vec<Json> {
    let tree: Json = serde_json::from_str(text).unwrap_or_default();
    let list = tree.as_array().or_else(|| tree.get("results")?.as_array());
    list.unwrap_or_default().to_vec()
}

fn one(item: &Json) -> Option<Json> {
    item.as_object()?;
    let first = |keys: &[&str]| keys.iter().find_map(|key| words(item.get(key)?));
    let mut out = Json::object([
        ("title", first(&["title"]).unwrap_or_default()),
        ("url", first(&["url"]).unwrap_or_default()),
        ("snippet", first(&["text", "snippet"]).unwrap_or_default()),
    ]);
    if let Some(date) = first(&["publishedDate", "date"]) {
        out.set("date", date);
    }
    Some(out)
}
