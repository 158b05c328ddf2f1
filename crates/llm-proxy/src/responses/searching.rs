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

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::inner::{self, Failed};
use crate::{rag, searched};

const NAME: &str = "litellm_file_search";
/// How often a model may be asked for one request.
const ROUNDS: usize = 5;
/// Questions of one call that are searched for.
const QUERIES: usize = 5;
/// What is asked for when results are to be told.
const RESULTS: &str = "file_search_call.results";

/// What a request wants to be searched.
#[derive(Debug)]
pub struct Wish {
    stores: Vec<String>,
    /// `filters`, `max_num_results`, `ranking_options`.
    options: Json,
    /// The other tools.
    rest: Vec<Json>,
}

/// The stores that a request wants to be searched here; nothing where the model's host searches itself.
///
/// # Errors
/// 403 for a store that the caller may not search, 400 for a tool without one.
pub fn read(ctx: &Context, who: &Identity, path_model: Option<&str>, top: &Top<'_>) -> Result<Option<Wish>> {
    let asks = ctx.format == Format::OpenAiResponses && ctx.operation == OperationKind::Generate;
    let Some(raw) = top.get("tools").filter(|raw| asks && raw.contains("file_search")) else { return Ok(None) };
    if top.is_true("background") || crate::read::beside(ctx).is_some() {
        return Ok(None);
    }
    let router = &ctx.snapshot.engine.router;
    let model = top.str("model");
    let Some(named) = model.as_deref().or(path_model) else { return Ok(None) };
    let group = who.alias(named, |name| router.has_group(name)).unwrap_or(named);
    let language = ctx.snapshot.engine.language(group, ctx.operation, ctx.format);
    if language.is_none_or(|language| language == ctx.format) {
        return Ok(None);
    }
    let Ok(tools) = serde_json::from_str::<Vec<Json>>(raw) else { return Ok(None) };
    let (ours, rest): (Vec<Json>, Vec<Json>) =
        tools.into_iter().partition(|tool| tool.text("type") == Some("file_search"));
    let Some(first) = ours.first() else { return Ok(None) };
    searched::body(who, top)?;
    let mut options = Json::Object(Vec::new());
    for name in ["filters", "max_num_results", "ranking_options"] {
        if let Some(value) = first.get(name).filter(|value| !value.is_null()) {
            options.set(name, value.clone());
        }
    }
    let stores: Vec<String> = ours.iter().flat_map(|tool| tool.texts("vector_store_ids")).map(str::to_owned).collect();
    if stores.is_empty() {
        return Err(Error::bad_request("file_search needs vector_store_ids").with_param("tools"));
    }
    Ok(Some(Wish { stores, options, rest }))
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
        for call in calls {
            let done = wish.run(core, ctx, who, &call).await?;
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
        store.set("enum", Json::Array(self.stores.iter().map(|id| Json::from(id.as_str())).collect()));
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
        // A wish for a certain tool is for the first answer.
        if forced && round > 1 {
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
    async fn run(&self, core: &Core, ctx: &Context, who: &Arc<Identity>, call: &Json) -> Result<Made, Refused> {
        let arguments = call.text("arguments").unwrap_or_default();
        let arguments: Json = serde_json::from_str(arguments).unwrap_or_default();
        let queries: Vec<String> = arguments.texts("queries").take(QUERIES).map(str::to_owned).collect();
        let only = arguments.text("vector_store_id").filter(|id| self.stores.iter().any(|store| store == id));
        let mut made = Made { id: call.text("call_id").unwrap_or_default().to_owned(), queries, ..Made::default() };
        for query in &made.queries {
            for store in self.stores.iter().filter(|store| only.is_none_or(|only| only == store.as_str())) {
                match self.search(core, ctx, who, store, query).await {
                    Ok(page) => {
                        let found = page.get("data").and_then(Json::as_array).unwrap_or_default();
                        made.found.extend(found.iter().cloned());
                    }
                    Err(Failed { error, .. }) if error.kind == Kind::PermissionDenied => return Err(error.into()),
                    Err(Failed { error, .. }) => {
                        tracing::warn!(call = %ctx.id, %store, error = %error.message, "a vector store was not searched");
                        made.failed = true;
                    }
                }
            }
        }
        Ok(made)
    }

    async fn search(
        &self,
        core: &Core,
        ctx: &Context,
        who: &Arc<Identity>,
        store: &str,
        query: &str,
    ) -> Result<Json, Failed> {
        let path = format!("/v1/vector_stores/{}/search", rag::segment(store)?);
        let mut body = self.options.clone();
        body.set("query", query);
        rag::kept(core, ctx, who, &path, DEFAULT, rag::json(&body)).await
    }
}

/// A call that was made.
#[derive(Debug, Default)]
struct Made {
    id: String,
    queries: Vec<String>,
    /// OpenAI's results.
    found: Vec<Json>,
    failed: bool,
}

impl Made {
    /// What the model is told.
    fn told(&self) -> String {
        if self.found.is_empty() {
            return if self.failed { "The search failed.".to_owned() } else { "Nothing was found.".to_owned() };
        }
        let one = |(at, result): (usize, &Json)| {
            let name = result.text("filename").or_else(|| result.text("file_id")).unwrap_or_default();
            format!("[{}] {name}\n{}", at + 1, text(result))
        };
        self.found.iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
    }

    /// What the client is told.
    fn item(&self, results: bool) -> Json {
        let result = |found: &Json| {
            let of = |name: &str| found.get(name).cloned().unwrap_or_default();
            Json::object([
                ("file_id", of("file_id")),
                ("filename", of("filename")),
                ("score", of("score")),
                ("attributes", of("attributes")),
                ("text", Json::from(text(found))),
            ])
        };
        let told = if results { Json::Array(self.found.iter().map(result).collect()) } else { Json::Null };
        let failed = self.failed && self.found.is_empty();
        Json::object([
            ("id", Json::from(format!("fs_{}", self.id))),
            ("type", Json::from("file_search_call")),
            ("status", Json::from(if failed { "failed" } else { "completed" })),
            ("queries", Json::Array(self.queries.iter().map(|query| Json::from(query.as_str())).collect())),
            ("results", told),
        ])
    }
}

fn text(result: &Json) -> String {
    let parts = result.get("content").and_then(Json::as_array).unwrap_or_default();
    parts.iter().filter_map(|part| part.text("text")).collect::<Vec<_>>().join("\n")
}

/// Tells in the last answer what was searched, and which files its text stands on. What the model still wished to search is
/// no call of the client's.
fn tell(answer: &mut Json, made: &[Made], results: bool) {
    let Some(Json::Array(output)) = answer.get_mut("output") else { return };
    output.retain(|item| item.text("name") != Some(NAME));
    let mut files: Vec<(&str, &str)> = Vec::new();
    for found in made.iter().flat_map(|made| &made.found) {
        let file = (found.text("file_id").unwrap_or_default(), found.text("filename").unwrap_or_default());
        if !file.0.is_empty() && !files.contains(&file) {
            files.push(file);
        }
    }
    let message = output.iter_mut().rev().find(|item| item.text("type") == Some("message"));
    if let Some(Json::Array(parts)) = message.and_then(|message| message.get_mut("content"))
        && let Some(part) = parts.iter_mut().rev().find(|part| part.text("type") == Some("output_text"))
    {
        let end = part.text("text").unwrap_or_default().chars().count() as u64;
        let cited = files.iter().map(|(id, name)| {
            Json::object([
                ("type", Json::from("file_citation")),
                ("index", Json::from(end)),
                ("file_id", Json::from(*id)),
                ("filename", Json::from(*name)),
            ])
        });
        let own = part.get("annotations").and_then(Json::as_array).unwrap_or_default().to_vec();
        part.set("annotations", Json::Array(own.into_iter().chain(cited).collect()));
    }
    output.splice(0..0, made.iter().map(|made| made.item(results)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn wish() -> Wish {
        Wish { stores: vec!["vs_1".to_owned()], options: Json::Object(Vec::new()), rest: Vec::new() }
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
    }

    #[test]
    fn answers_tell_what_was_searched() {
        let found =
            json(r#"{"file_id":"file-1","filename":"a.txt","score":0.9,"content":[{"type":"text","text":"T"}]}"#);
        let made = Made {
            id: "c".to_owned(),
            queries: vec!["q".to_owned()],
            found: vec![found.clone(), found],
            failed: false,
        };
        assert_eq!(made.told(), "[1] a.txt\nT\n\n[2] a.txt\nT");
        let mut answer = json(
            r#"{"output":[{"type":"function_call","name":"litellm_file_search"},{"type":"message","content":[{"type":"output_text","text":"Grün"}]}]}"#,
        );
        tell(&mut answer, &[made], false);
        let wanted = r#"{"output":[{"id":"fs_c","type":"file_search_call","status":"completed","queries":["q"],"results":null},{"type":"message","content":[{"type":"output_text","text":"Grün","annotations":[{"type":"file_citation","index":4,"file_id":"file-1","filename":"a.txt"}]}]}]}"#;
        assert_eq!(answer.to_string(), wanted);
        let failed = Made { failed: true, ..Made::default() };
        assert_eq!((failed.told().as_str(), failed.item(true).text("status")), ("The search failed.", Some("failed")));
    }
}
