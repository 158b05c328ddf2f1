//! What registered vector stores know of a question goes into the conversation, before its last message, as LiteLLM does
//! it: for stores that a chat request names in `vector_store_ids`, or in a `file_search` tool.

use std::sync::Arc;

use bytes::Bytes;
use llm_client::resources::{Question, Searched};
use llm_client::{Call, Report, StreamBody, Target};
use llm_http::Body;
use llm_providers::{Endpoint, resource::Resource};
use llm_types::record::Cost;
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};
use llm_wire::top::Top;

use super::ask::keeper;
use super::choose::kept;
use super::found::Found;
use crate::answer::tell_own;
use crate::body::Reply;
use crate::core::Core;
use crate::edited::Edited;
use crate::flow::Context;

/// What stands before the texts.
const PREFIX: &str = "Context:\n\n";

/// What was found for a call.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// OpenAI's pages of results, one for each store that was searched.
    pages: Vec<Json>,
    spent: Cost,
}

/// Searches the stores that a call names and puts what they know before its last message. A store that fails is told to
/// the log, and the question goes without it.
pub async fn add(core: &Core, ctx: &Context, call: &mut Call) -> Knowledge {
    let stores = &ctx.snapshot.relays.settings.vector_stores;
    let chat = call.format == Format::OpenAiChat && call.operation == OperationKind::Generate;
    if stores.is_empty() || !chat {
        return Knowledge::default();
    }
    Box::pin(add_from(core, ctx, call, stores)).await
}

async fn add_from(core: &Core, ctx: &Context, call: &mut Call, stores: &[(String, Arc<Target>)]) -> Knowledge {
    let mut out = Knowledge::default();
    let Ok(top) = Top::parse(&call.body) else { return out };
    let Some(named) = Named::read(&top, stores) else { return out };
    let mut messages: Vec<Json> = top.read("messages").unwrap_or_default();
    let query = messages.last().and_then(question);
    for (store, target, options) in &named.stores {
        let Some(query) = &query else { break };
        let mut asked = options.clone();
        asked.set("query", query.as_str());
        match look(core, ctx, store, target, &asked).await {
            Ok((page, cost)) => {
                out.spent.add_errand(&cost);
                if let Some(context) = told(&page) {
                    messages.insert(messages.len().saturating_sub(1), context);
                }
                out.pages.push(page);
            }
            Err(error) => {
                tracing::warn!(store = %store, error = %error.message, "a vector store was not searched");
            }
        }
    }
    let messages = Json::Array(messages).to_string();
    let tools = named.tools.map(|tools| Json::Array(tools).to_string());
    let mut edits = vec![("vector_store_ids", None), ("messages", Some(messages.as_str()))];
    edits.extend(tools.as_deref().map(|tools| ("tools", Some(tools).filter(|tools| *tools != "[]"))));
    let body = top.edited(&edits);
    call.replace_body(body);
    out
}

impl Knowledge {
    /// The answer with what was found at each message, and the bill with what finding it cost.
    #[must_use]
    pub fn tell(&self, body: Bytes, report: &mut Report) -> Bytes {
        report.cost.add_errand(&self.spent);
        if self.pages.is_empty() {
            return body;
        }
        let Ok(mut tree) = serde_json::from_slice::<Json>(&body) else { return body };
        let Some(Json::Array(choices)) = tree.get_mut("choices") else { return body };
        for message in choices.iter_mut().filter_map(|choice| choice.get_mut("message")) {
            tell_own(message, [("search_results", Json::Array(self.pages.clone()))]);
        }
        Bytes::from(tree.to_string())
    }
}

impl Knowledge {
    /// What finding it cost.
    #[must_use]
    pub const fn spent(&self) -> Cost {
        self.spent
    }

    /// A streamed answer that tells it at its end; as it is, where nothing was found.
    #[must_use]
    pub fn stream(self, body: Box<StreamBody>) -> Reply {
        if self.pages.is_empty() {
            return Reply::Stream(body);
        }
        Reply::Edited(Box::new(Edited::new(body, Found(Json::Array(self.pages)))))
    }
}

/// The stores that a request names.
struct Named<'s> {
    /// Id, who keeps it, and options of the search.
    stores: Vec<(String, &'s Arc<Target>, Json)>,
    /// The tools that are left; nothing when they stay as they are.
    tools: Option<Vec<Json>>,
}

impl<'s> Named<'s> {
    /// Nothing when no store is named that is registered, and no field has to be taken out.
    fn read(top: &Top<'_>, known: &'s [(String, Arc<Target>)]) -> Option<Self> {
        let find = |id: &str| known.iter().find(|(known, _)| known == id).map(|(_, target)| target);
        let plain: Vec<String> = top.read("vector_store_ids").unwrap_or_default();
        let mut out = Self { stores: Vec::new(), tools: None };
        let empty = || Json::Object(Vec::new());
        for id in plain {
            out.stores.extend(find(&id).map(|target| (id, target, empty())));
        }
        let tools: Vec<Json> = top.get("tools").and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
        let ids = |tool: &Json| -> Vec<String> {
            let ids = tool.get("vector_store_ids").and_then(Json::as_array).unwrap_or_default();
            ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
        };
        let ours = |tool: &Json| !ids(tool).is_empty() && ids(tool).iter().all(|id| find(id).is_some());
        let (mine, rest): (Vec<Json>, Vec<Json>) = tools.into_iter().partition(ours);
        for tool in &mine {
            let mut options = empty();
            for name in ["filters", "max_num_results", "ranking_options"] {
                if let Some(value) = tool.get(name) {
                    options.set(name, value.clone());
                }
            }
            for id in ids(tool) {
                out.stores.extend(find(&id).map(|target| (id, target, options.clone())));
            }
        }
        out.tools = (!mine.is_empty()).then_some(rest);
        (!out.stores.is_empty() || top.get("vector_store_ids").is_some()).then_some(out)
    }
}

/// The text of a message: of its first part where it has several.
fn question(message: &Json) -> Option<String> {
    let text = match message.get("content")? {
        Json::String(text) => Some(text.as_str()),
        Json::Array(parts) => parts.iter().find_map(|part| part.text("text")),
        _ => None,
    };
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// The page of a store.
async fn look(core: &Core, ctx: &Context, store: &str, target: &Arc<Target>, body: &Json) -> Result<(Json, Cost)> {
    let home = kept(Arc::clone(target));
    let keeper = keeper(core, ctx, &home);
    if let Some(house) = target.provider.stores(&target.model) {
        let Searched { page, report, .. } = keeper.search(house, store, body).await?;
        return Ok((page, report.cost));
    }
    let path = format!("/vector_stores/{store}/search");
    let mut endpoint = Endpoint::default();
    target.provider.resource(&Resource { path: &path, ..keeper.resource() }, &mut endpoint)?;
    endpoint.set("content-type", "application/json")?;
    let limit = ctx.snapshot.engine.settings.max_reply_bytes;
    let question = Question { endpoint, body: Body::from(body.to_string()), limit, model: None };
    let said = keeper.ask(question, llm_wire::openai::errors::decode).await?;
    let page = serde_json::from_slice(&said.body)
        .map_err(|e| Error::new(Kind::InvalidReply, format!("the results cannot be read: {e}")))?;
    Ok((page, said.report.cost))
}

/// The message with what a page says; nothing when it says nothing.
fn told(page: &Json) -> Option<Json> {
    let results = page.get("data").and_then(Json::as_array).unwrap_or_default();
    let contents = results.iter().filter_map(|result| result.get("content").and_then(Json::as_array)).flatten();
    let texts = contents.filter_map(|content| content.text("text")).filter(|t| !t.is_empty());
    let texts: String = texts.map(|text| format!("{text}\n\n")).collect();
    (!texts.is_empty())
        .then(|| Json::object([("role", Json::from("user")), ("content", Json::from(format!("{PREFIX}{texts}")))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Arc<Target> {
        let params = vec![("model".to_owned(), Json::from("openai/*"))]; // tidy: provider-id, any will do
        let config = llm_client::TargetConfig { params, info: Vec::new() };
        Arc::new(Target::new(&config, &llm_client::Prices::Builtin).unwrap())
    }

    #[test]
    fn stores_are_named_by_ids_and_by_tools() {
        let known = [("vs_1".to_owned(), target()), ("vs_2".to_owned(), target())];
        let read = |body: &str| {
            let body = body.to_owned();
            let top = Top::parse(body.as_bytes()).unwrap();
            Named::read(&top, &known).map(|n| {
                let stores: Vec<(String, String)> =
                    n.stores.into_iter().map(|(id, _, o)| (id, o.to_string())).collect();
                (stores, n.tools.map(|tools| tools.len()))
            })
        };
        assert_eq!(read(r#"{"vector_store_ids":["vs_1","vs_9"]}"#), Some((vec![("vs_1".into(), "{}".into())], None)));
        let tools =
            r#"{"tools":[{"type":"file_search","vector_store_ids":["vs_2"],"max_num_results":3},{"type":"function"}]}"#;
        assert_eq!(read(tools), Some((vec![("vs_2".into(), r#"{"max_num_results":3}"#.into())], Some(1))));
        assert_eq!(read(r#"{"tools":[{"type":"file_search","vector_store_ids":["vs_9"]}]}"#), None);
        assert_eq!(read(r#"{"vector_store_ids":["vs_9"]}"#), Some((vec![], None)), "it is taken out all the same");
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn results_are_a_message() {
        let page =
            serde_json::from_str(r#"{"data":[{"content":[{"type":"text","text":"a"}]},{"content":[{"text":"b"}]}]}"#);
        let said = told(&page.unwrap()).unwrap();
        assert_eq!(said.to_string(), r#"{"role":"user","content":"Context:\n\na\n\nb\n\n"}"#);
        assert_eq!(told(&serde_json::from_str(r#"{"data":[]}"#).unwrap()), None);
    }
}
