//! Replies.

use llm_types::generate::UsageReport;
use llm_types::{Json, Result, Usage, UsageSource};

use super::{Rerank, Tells, Tokens};
use crate::codec::{ReplyContext, ReplyView};
use crate::openai::errors;
use crate::python;
use crate::task::{TaskReply, TaskRequest};

pub(super) fn decode(
    dialect: &Rerank,
    request: &TaskRequest,
    reply: &ReplyView<'_>,
    ctx: &ReplyContext,
) -> Result<TaskReply> {
    let tree: Json = serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
    let broken = || errors::invalid_reply(reply, "an order without results");
    let meta = match dialect.tells {
        Tells::Answer => tree.get("meta").cloned().unwrap_or_default(),
        Tells::List => counted(request, &tree, ctx),
        _ => meta(dialect.tokens, &tree),
    };
    let results = results(dialect.tells, request, &tree).ok_or_else(broken)?;
    let id = tree.text("id").unwrap_or(&ctx.fallback_id);
    let usage = usage(dialect.tokens, &meta);
    let mut answer = Json::object([("id", Json::from(id)), ("results", results)]);
    if !meta.is_null() {
        answer.set("meta", meta);
    }
    Ok(TaskReply::json(answer.to_string(), Some(usage)))
}

fn results(tells: Tells, request: &TaskRequest, tree: &Json) -> Option<Json> {
    let documents = request.fields.get("documents").and_then(Json::as_array).unwrap_or_default();
    let list = |key: &str| tree.get(key).and_then(Json::as_array);
    let items: Vec<Json> = match tells {
        Tells::Answer => return tree.get("results").filter(|r| r.as_array().is_some()).cloned(),
        Tells::Results => list("results")?.iter().map(|r| result(r, "relevance_score", r.get("document"))).collect(),
        Tells::Data => list("data")
            .or_else(|| list("results"))?
            .iter()
            .map(|r| result(r, "relevance_score", r.get("document")))
            .collect(),
        Tells::List => {
            let shown = request.fields.get("return_documents").and_then(Json::as_bool) == Some(true);
            let told = |r: &&Json| ["index", "score"].iter().all(|key| r.get(key).is_some_and(|v| !v.is_null()));
            let text = |r: &Json| {
                let told = r.text("text").filter(|t| !t.is_empty());
                let text = told.or_else(|| text_of(documents.get(usize::try_from(r.get("index")?.as_i64()?).ok()?)?));
                text.filter(|_| shown).map(Json::from)
            };
            tree.as_array()?.iter().filter(told).map(|r| result(r, "score", text(r).as_ref())).collect()
        }
        Tells::Rankings => {
            let of = |r: &Json| documents.get(usize::try_from(r.get("index")?.as_i64()?).ok()?);
            list("rankings")?.iter().map(|r| result(r, "logit", of(r))).collect()
        }
        Tells::Scores => {
            let one = |(at, score): (usize, &Json)| {
                Json::object([("index", Json::from(at as u64)), ("relevance_score", score.clone())])
            };
            list("scores")?.iter().enumerate().map(one).collect()
        }
        Tells::Records => {
            let one = |r: &Json| {
                let index = r.text("id").and_then(|id| id.parse::<u64>().ok());
                let item = Json::object([
                    ("index", index.map_or(Json::Null, Json::from)),
                    ("score", r.get("score").cloned().unwrap_or_default()),
                ]);
                result(&item, "score", r.get("content"))
            };
            list("records")?.iter().map(one).collect()
        }
        Tells::Scored => list("results")?.iter().map(|r| result(r, "score", r.get("input"))).collect(),
    };
    Some(Json::Array(items))
}

/// The text of a document: the document, or its `text`.
fn text_of(document: &Json) -> Option<&str> {
    document.as_str().or_else(|| document.get("text")?.as_str())
}

/// `{index, relevance_score, document}`, a bare text as `{"text"}`.
fn result(item: &Json, score: &str, document: Option<&Json>) -> Json {
    let field = |name: &str| item.get(name).cloned().unwrap_or_default();
    let mut out = Json::object([("index", field("index")), ("relevance_score", field(score))]);
    match document {
        None | Some(Json::Null) => {}
        Some(Json::String(text)) => out.set("document", Json::object([("text", text.as_str())])),
        Some(other) => out.set("document", other.clone()),
    }
    out
}

/// `meta` of the tokens that the upstream counted.
fn meta(tokens: Tokens, tree: &Json) -> Json {
    let usage = tree.get("usage").unwrap_or(tree);
    let count = |names: &[&str]| names.iter().find_map(|n| u64::try_from(usage.get(n)?.as_i64()?).ok());
    let total = count(&["total_tokens", "input_tokens", "input_token_count"]);
    let input = count(&["prompt_tokens", "input_tokens"]);
    let mut out = Json::object([("billed_units", Json::object([("total_tokens", total)]))]);
    let pair = |input: Option<u64>, output: Option<u64>| {
        let mut pair = Json::object([("input_tokens", input)]);
        if let Some(output) = output {
            pair.set("output_tokens", output);
        }
        pair
    };
    match tokens {
        Tokens::None | Tokens::Counted => {}
        Tokens::Searches => {
            let searches = tree.get("records").and_then(Json::as_array).map_or(0, <[Json]>::len);
            out.set("billed_units", Json::object([("search_units", searches as u64)]));
        }
        Tokens::Input => out.set("tokens", pair(input, None)),
        Tokens::Both | Tokens::BothAsSearches => {
            out.set("tokens", pair(input, Some(total.unwrap_or(0).saturating_sub(input.unwrap_or(0)))));
            if tokens == Tokens::BothAsSearches {
                out.set("billed_units", Json::object([("search_units", total.unwrap_or(0))]));
            }
        }
        Tokens::Total => out.set("tokens", pair(total, Some(0))),
    }
    out
}

/// The model by whose tokenizer LiteLLM counts what it does not know.
const COUNTED_AS: &str = "gpt-4";

/// `meta` of a host that counts nothing: one search, and tokens as LiteLLM counts them, of query and texts in one line
/// and of the reply as Python prints it.
fn counted(request: &TaskRequest, reply: &Json, ctx: &ReplyContext) -> Json {
    let count = |text: &str| ctx.count.map_or(0, |count| count(COUNTED_AS, text));
    let documents = request.fields.get("documents").and_then(Json::as_array).unwrap_or_default();
    let mut asked = format!("{} ", request.str("query").unwrap_or_default());
    for text in documents.iter().filter_map(text_of) {
        asked.push_str(text);
        asked.push(' ');
    }
    let (input, output) = (count(&asked), count(&python::repr(reply)));
    Json::object([
        ("api_version", Json::object([("version", "1.0")])),
        ("billed_units", Json::object([("search_units", 1_u64)])),
        ("tokens", Json::object([("input_tokens", input), ("output_tokens", output)])),
    ])
}

/// What is paid: searches where they are counted, else tokens.
fn usage(tokens: Tokens, meta: &Json) -> UsageReport {
    let billed = |name: &str| u64::try_from(meta.get("billed_units")?.get(name)?.as_i64()?).ok();
    let (searches, total) = match tokens {
        Tokens::BothAsSearches => (None, billed("search_units")),
        _ => (billed("search_units"), billed("total_tokens")),
    };
    let usage = Usage {
        queries: searches.unwrap_or(0),
        input_text: if searches.is_some() { 0 } else { total.unwrap_or(0) },
        source: UsageSource::Reported,
        ..Usage::default()
    };
    UsageReport { usage, raw: None }
}
