//! `file_search` of the Responses API for models whose hosts do not know it: the model is told a function, what it looks for is
//! searched in the vector stores, and it is asked again with the results, until it answers. Each answer and each search is
//! authorized, limited, billed and logged by itself.
//!
//! The function has LiteLLM's name; the items of the answer are OpenAI's:
//! <https://platform.openai.com/docs/guides/tools-file-search>

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::Identity;
use llm_providers::resource::DEFAULT;
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};
use llm_wire::top::Top;

use super::made::{Made, tell};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::inner::{self, Failed};
use crate::rag::Missed;
use crate::{rag, searched};

pub(super) const NAME: &str = "litellm_file_search";
/// How often a model may be asked for one request.
const ROUNDS: usize = 5;
/// Questions of one call that are searched for.
const QUERIES: usize = 5;
/// Calls of one answer that are searched for; those behind them are told so.
const CALLS: usize = 5;
/// Stores that a request may name: each is searched for each question.
const STORES: usize = 10;
/// What a tool says of how its stores are searched.
const OPTIONS: [&str; 3] = ["filters", "max_num_results", "ranking_options"];
/// What is asked for when results are to be told.
const RESULTS: &str = "file_search_call.results";

/// What a request wants to be searched.
#[derive(Debug)]
pub struct Wish {
    /// Each with the options of the tool that names it.
    stores: Vec<(String, Json)>,
    /// The other tools.
    rest: Vec<Json>,
}

/// The stores that a request wants to be searched here; nothing where the model's host searches itself.
///
/// # Errors
/// 403 for a store that the caller may not search, 400 for a tool without one and for too many.
pub fn read(ctx: &Context, who: &Identity, path_model: Option<&str>, top: &Top<'_>) -> Result<Option<Wish>> {
    let asks = ctx.format == Format::OpenAiResponses && ctx.operation == OperationKind::Generate;
    let Some(raw) = top.get("tools").filter(|raw| asks && raw.contains("file_search")) else { return Ok(None) };
    if top.is_true("background") || crate::read::beside(ctx).is_some() {
        return Ok(None);
    }
    let router = &ctx.snapshot.engine.router;
    let model = top.str("model");
    let Some(named) = model.as_deref().or(path_model) else { return Ok(None) };
    let group = crate::scope::group(router, who, named);
    let scope = crate::scope::of(who);
    let language = ctx.snapshot.engine.language(group, &scope, ctx.operation, ctx.format);
    if language.is_none_or(|language| language == ctx.format) {
        return Ok(None);
    }
    let Ok(tools) = serde_json::from_str::<Vec<Json>>(raw) else { return Ok(None) };
    let (ours, rest): (Vec<Json>, Vec<Json>) =
        tools.into_iter().partition(|tool| tool.text("type") == Some("file_search"));
    if ours.is_empty() {
        return Ok(None);
    }
    searched::body(who, top)?;
    let stores = stores(&ours);
    if stores.is_empty() {
        return Err(Error::bad_request("file_search needs vector_store_ids").with_param("tools"));
    }
    if stores.len() > STORES {
        let why = format!("file_search takes {STORES} vector stores at most, got {}", stores.len());
        return Err(Error::bad_request(why).with_param("tools"));
    }
    Ok(Some(Wish { stores, rest }))
}

/// The stores of tools, once for each way in which they are to be searched.
fn stores(tools: &[Json]) -> Vec<(String, Json)> {
    let mut out: Vec<(String, Json)> = Vec::new();
    for tool in tools {
        let said = OPTIONS.iter().filter_map(|name| Some((*name, tool.get(name).filter(|v| !v.is_null())?.clone())));
        let options = Json::Object(said.map(|(name, value)| (name.to_owned(), value)).collect());
        for id in tool.texts("vector_store_ids") {
            let store = (id.to_owned(), options.clone());
            if !out.contains(&store) {
                out.push(store);
            }
        }
    }
    out
}

/// Answers a request.
///
/// # Errors
/// What it, or a call inside of it, is refused for.
pub async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    top: &Top<'_>,
    wish: Wish,
) -> Result<Response<Reply>, Refused> {
    let tools = Json::Array(wish.rest.iter().cloned().chain([wish.tool()]).collect()).to_string();
    let mut turns = turns(top)?;
    let mut made: Vec<Made> = Vec::new();
    for round in 1.. {
        let body = wish.body(top, &turns, &tools, round);
        let (head, body) = inner::round(core, ctx, who, path_model.clone(), round, &body).await?;
        let mut answer = inner::read(&body)?;
        let calls: Vec<Json> = calls(&answer).cloned().collect();
        let ours = calls.iter().all(|call| call.text("name") == Some(NAME));
        if calls.is_empty() || !ours || round == ROUNDS {
            tell(&mut answer, &made, top.get("include").is_some_and(|include| include.contains(RESULTS)));
            return Ok(inner::finished(ctx, top, head, Bytes::from(answer.to_string()))?);
        }
        turns.extend(answer.get("output").and_then(Json::as_array).unwrap_or_default().iter().cloned());
        for (at, call) in calls.iter().enumerate() {
            let done = if at < CALLS { wish.run(core, ctx, who, call).await? } else { Made::left(call) };
            let result = [("type", "function_call_output"), ("call_id", call.text("call_id").unwrap_or_default())];
            let mut result = Json::object(result);
            result.set("output", done.told());
            turns.push(result);
            made.push(done);
        }
    }
    Err(Error::internal("a conversation without an end").into())
}

/// The calls of functions in an answer.
fn calls(answer: &Json) -> impl Iterator<Item = &Json> {
    let output = answer.get("output").and_then(Json::as_array).unwrap_or_default();
    output.iter().filter(|item| item.text("type") == Some("function_call"))
}

/// The input as a list.
fn turns(top: &Top<'_>) -> Result<Vec<Json>> {
    match top.get("input").and_then(|raw| serde_json::from_str::<Json>(raw).ok()) {
        Some(Json::String(text)) => {
            Ok(vec![Json::object([("role", Json::from("user")), ("content", Json::from(text))])])
        }
        Some(Json::Array(items)) => Ok(items),
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(_) => Err(Error::bad_request("input must be a text or a list").with_param("input")),
    }
}

impl Wish {
    /// The function that a model is told.
    fn tool(&self) -> Json {
        let text = |kind: &str, what: &str| Json::object([("type", kind), ("description", what)]);
        let mut queries = text("array", "What to look for, in one wording or several.");
        queries.set("items", Json::object([("type", "string")]));
        let mut store = text("string", "Where to look; everywhere when nothing is said.");
        let mut ids: Vec<&str> = Vec::new();
        for (id, _) in &self.stores {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        store.set("enum", Json::Array(ids.into_iter().map(Json::from).collect()));
        let schema = Json::object([
            ("type", Json::from("object")),
            ("properties", Json::object([("queries", queries), ("vector_store_id", store)])),
            ("required", Json::Array(vec![Json::from("queries")])),
        ]);
        Json::object([
            ("type", Json::from("function")),
            ("name", Json::from(NAME)),
            ("description", Json::from("Looks into the documents that belong to this conversation.")),
            ("parameters", schema),
            ("strict", Json::from(false)),
        ])
    }

    /// The request as it stands now, whole.
    fn body(&self, top: &Top<'_>, turns: &[Json], tools: &str, round: usize) -> Bytes {
        let input = Json::Array(turns.to_vec()).to_string();
        let choice = top.get("tool_choice").and_then(|raw| serde_json::from_str::<Json>(raw).ok());
        let certain = choice.as_ref().is_some_and(|choice| choice.text("type") == Some("file_search"));
        let forced = choice.is_some_and(|choice| !matches!(choice.as_str(), None | Some("auto" | "none"))) || certain;
        let named = Json::object([("type", "function"), ("name", NAME)]).to_string();
        let mut edits = vec![("input", Some(input.as_str())), ("tools", Some(tools)), ("stream", None)];
        // What is wished for in the last answer is not searched any more. A wish for a certain tool is for the first answer.
        if round == ROUNDS {
            edits.push(("tool_choice", Some("\"none\"")));
        } else if forced && round > 1 {
            edits.push(("tool_choice", Some("\"auto\"")));
        } else if certain {
            edits.push(("tool_choice", Some(named.as_str())));
        }
        let include: Option<Vec<String>> = top.read("include");
        let kept = include.map(|all| all.into_iter().filter(|name| name != RESULTS).map(Json::from).collect());
        let kept = kept.map(|list: Vec<Json>| Json::Array(list).to_string());
        edits.extend(kept.as_deref().map(|list| ("include", Some(list).filter(|list| *list != "[]"))));
        edits.push(("stream_options", None));
        top.edited(&edits)
    }

    /// Searches what a call asks for. A search that fails is told to the model; what the caller may not do ends the request.
    async fn run(&self, core: &Core, ctx: &mut Context, who: &Arc<Identity>, call: &Json) -> Result<Made, Refused> {
        let arguments = call.text("arguments").unwrap_or_default();
        let arguments: Json = serde_json::from_str(arguments).unwrap_or_default();
        let queries: Vec<String> = arguments.texts("queries").take(QUERIES).map(str::to_owned).collect();
        let only = arguments.text("vector_store_id").filter(|id| self.stores.iter().any(|(store, _)| store == id));
        let mut made = Made { id: call.text("call_id").unwrap_or_default().to_owned(), queries, ..Made::default() };
        for query in &made.queries {
            for (store, options) in self.stores.iter().filter(|(store, _)| only.is_none_or(|only| only == store)) {
                match search(core, ctx, who, (store, options), query).await? {
                    Ok(page) => {
                        let found = page.get("data").and_then(Json::as_array).unwrap_or_default();
                        made.found.extend(found.iter().cloned());
                    }
                    Err(error) => {
                        tracing::warn!(call = %ctx.id, %store, error = %error.message, "a vector store was not searched");
                        made.failed = true;
                    }
                }
            }
        }
        Ok(made)
    }
}

/// Searches a store: its answer, or why the model is told none.
///
/// # Errors
/// What the caller may not do. It is recorded as the call that was refused.
async fn search(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (store, options): (&str, &Json),
    query: &str,
) -> Result<Result<Json>, Refused> {
    let path = format!("/v1/vector_stores/{}/search", rag::segment(store)?);
    let mut body = options.clone();
    body.set("query", query);
    let mut own = rag::beside(ctx);
    match rag::asked(core, &mut own, who, &path, DEFAULT, rag::json(&body)).await {
        Ok(page) => Ok(Ok(page)),
        // A host's own refusal is that of the operator's account.
        Err(Missed::Refused(refused))
            if refused.error.kind == Kind::PermissionDenied && refused.error.upstream.is_none() =>
        {
            own.format = ctx.format;
            *ctx = own;
            Err(*refused)
        }
        Err(Missed::Refused(refused)) => Ok(Err(Failed::booked(core, &own, *refused).error)),
        Err(Missed::Failed(Failed { error, .. })) => Ok(Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn wish() -> Wish {
        Wish { stores: vec![("vs_1".to_owned(), Json::Object(Vec::new()))], rest: Vec::new() }
    }

    #[test]
    fn a_certain_tool_is_for_the_first_answer() {
        let asked = br#"{"model":"m","input":"a","stream":true,"tool_choice":{"type":"file_search"},"include":["x","file_search_call.results"]}"#;
        let top = Top::parse(asked).unwrap();
        let turns = turns(&top).unwrap();
        let body = |round| String::from_utf8(wish().body(&top, &turns, "[]", round).to_vec()).unwrap();
        let first = r#"{"model":"m","input":[{"role":"user","content":"a"}],"tool_choice":{"type":"function","name":"litellm_file_search"},"include":["x"],"tools":[]}"#;
        assert_eq!(body(1), first);
        assert!(body(2).contains(r#""tool_choice":"auto""#), "{}", body(2));
        assert!(body(ROUNDS).contains(r#""tool_choice":"none""#), "{}", body(ROUNDS));
    }

    #[test]
    fn each_store_is_searched_as_its_tool_says() {
        let tools = json(
            r#"[{"type":"file_search","vector_store_ids":["a","b"],"max_num_results":3},
            {"type":"file_search","vector_store_ids":["a","a"],"filters":{"type":"eq"},"max_num_results":null}]"#,
        );
        let told = stores(tools.as_array().unwrap());
        let told: Vec<(&str, String)> = told.iter().map(|(id, options)| (id.as_str(), options.to_string())).collect();
        let (few, filtered) = (r#"{"max_num_results":3}"#.to_owned(), r#"{"filters":{"type":"eq"}}"#.to_owned());
        assert_eq!(told, [("a", few.clone()), ("b", few), ("a", filtered)]);
    }
}
