//! The web is searched: one request and one answer, those of Perplexity's search, for houses that differ in names.
//!
//! `query` (a text or a list), `max_results`, `search_domain_filter`, `country`, `max_tokens_per_page` are told in the
//! house's words ([`ask`]); other fields are the house's own and pass. The answer ([`found`]) is
//! `{"object":"search","results":[{title,url,snippet,date,last_updated}]}`.

pub mod agentcore;
mod ask;
pub mod bing;
pub mod duckduckgo;
mod found;
mod houses;

use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, Result, Usage, UsageSource};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write::{self, Fields};
use crate::task::{TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

pub(crate) use houses::of;

/// How a house is asked and where its answer has what.
#[derive(Debug)]
pub struct House {
    format: Format,
    /// Asked by a query string instead of JSON.
    get: bool,
    /// It is not told a type of the body that a query string does not have.
    untyped: bool,
    query: Query,
    /// The name of the bound on results, and the most it may be.
    most: Option<(&'static str, u64)>,
    domains: Domains,
    country: Option<(&'static str, Case)>,
    /// The name of the bound on tokens of a page.
    tokens: Option<&'static str>,
    /// What is always said unless the client says otherwise (by one of these names, the first of which is said), as JSON.
    fixed: &'static [(&'static [&'static str], &'static str)],
    /// Fields of the client's that stand deeper in the body: name and place.
    deeper: &'static [(&'static str, &'static str)],
    /// The body is a list of one.
    listed: bool,
    /// A field of the house that asks for a longer search, and what stands behind the path of the short one.
    short: Option<(&'static str, &'static str)>,
    /// The most results that are kept of an answer.
    keep: Option<u64>,
    /// Fields of a result that go on as they are.
    also: Also,
    /// Fields beside the results that go on: the house's name and the client's.
    beside: Beside,
    /// Where results are: keys, or positions in lists. All these places, in this order.
    results: &'static [&'static [&'static str]],
    /// An answer without results is none.
    strict: bool,
    /// A field that tells of what kind a result is, and the kind that counts.
    kind: Option<(&'static str, &'static str)>,
    title: &'static [&'static str],
    url: &'static [&'static str],
    snippet: &'static [&'static str],
    date: &'static [&'static str],
    /// Where it is told when a page was last read.
    updated: &'static [&'static str],
    /// Points in time are told as days.
    days: bool,
}

/// How the query is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    /// As one text.
    Text(&'static str),
    /// As it came, text or list.
    AsIs(&'static str),
    /// As a list, and a text by this name besides.
    List(&'static str, &'static str),
}

/// How domains are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domains {
    /// As a list.
    List(&'static str),
    /// As two lists: what is wanted, and what is not (written with a `-` in front).
    Lists(&'static str, &'static str),
    /// The first one, and another field that says that it is wanted.
    First(&'static str, (&'static str, &'static str)),
    /// As `site:` terms behind the query.
    Sites,
    /// The same, with the query in parentheses and these words between.
    SitesApart(&'static str),
    /// Not at all.
    None,
}

/// Fields of a result that go on as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Also {
    /// None.
    None,
    /// This one.
    One(&'static str),
    /// All.
    All,
}

/// Fields beside the results that go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// These: the house's name and the client's.
    These(&'static [(&'static str, &'static str)]),
    /// All.
    All,
}

/// How a country is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    AsIs,
    Lower,
    Upper,
    /// As the language that is spoken there.
    Language,
}

impl TaskCodec for House {
    fn format(&self) -> Format {
        self.format
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        let long = self.short.and_then(|(name, _)| write::take(&mut fields, name)).and_then(|v| v.as_bool());
        let beside = self.short.filter(|_| long != Some(true)).map(|(_, tail)| tail.to_owned());
        let body = self.body(&mut fields, ctx)?;
        if self.get {
            let mut out = TaskOut { beside, ..asked_by_url(body)? };
            if self.untyped {
                out.headers.clear();
            }
            return Ok(out);
        }
        let body = match self.listed {
            true => TaskBody::Json(Json::Array(vec![Json::Object(body)]).to_string().into()),
            false => write::json(body),
        };
        Ok(TaskOut { body, beside, ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree = tree(reply)?;
        let results = self.found(request, &tree);
        if self.strict && results.is_none() {
            return Err(errors::invalid_reply(reply, "a search without results"));
        }
        Ok(answer_with(request, results.unwrap_or_default(), self.beside(&tree)))
    }
}

/// An answer as a tree.
fn tree(reply: &ReplyView<'_>) -> Result<Json> {
    let tree: Json = serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
    match tree.as_object().is_none() && tree.as_array().is_none() {
        true => Err(errors::invalid_reply(reply, "a search without an object")),
        false => Ok(tree),
    }
}

/// Bytes of names and values that a URL takes.
const LONGEST: usize = 60_000;

/// Fields as the query of a URL, lists item by item. The houses' clients name a type for the body that there is not.
///
/// # Errors
/// 400 for more than a URL takes: a list repeats its name with each item.
fn asked_by_url(fields: Fields) -> Result<TaskOut> {
    let (mut query, mut length) = (Vec::with_capacity(fields.len()), 0);
    for (name, value) in fields {
        let values = if let Json::Array(items) = value { items } else { vec![value] };
        for value in values {
            let value = write::text(&value);
            length += name.len() + value.len() + 2;
            if length > LONGEST {
                let why = format!("a search of this provider has at most {LONGEST} bytes of parameters");
                return Err(Error::bad_request(why));
            }
            query.push((name.clone(), value));
        }
    }
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Ok(TaskOut { query, headers, method: Some("GET"), ..TaskOut::default() })
}

/// How many results the client wants.
fn bound(request: &TaskRequest) -> Option<u64> {
    u64::try_from(request.fields.get("max_results")?.as_i64()?).ok()
}

/// Results as the client reads them.
fn answer(request: &TaskRequest, results: Vec<Json>) -> TaskReply {
    answer_with(request, results, Vec::new())
}

fn answer_with(request: &TaskRequest, results: Vec<Json>, beside: Fields) -> TaskReply {
    let mut body = Json::object([("object", Json::from("search")), ("results", Json::Array(results))]);
    body.extend(beside);
    TaskReply::json(body.to_string(), Some(usage(request)))
}

/// The query as one text.
///
/// # Errors
/// `BadRequest` without one.
fn query(fields: &mut Fields) -> Result<Json> {
    let query = write::take(fields, "query").filter(|q| !q.is_null());
    query.ok_or_else(|| Error::bad_request("Missing required parameter: 'query'.").with_param("query"))
}

fn one_text(query: &Json) -> String {
    match query.as_array() {
        Some(items) => items.iter().map(write::text).collect::<Vec<_>>().join(" "),
        None => write::text(query),
    }
}

/// Each query counts.
fn usage(request: &TaskRequest) -> UsageReport {
    let queries = request.fields.get("query").and_then(Json::as_array).map_or(1, |list| list.len().max(1));
    let usage = Usage { queries: queries as u64, source: UsageSource::Reported, ..Usage::default() };
    UsageReport { usage, raw: None }
}

#[cfg(test)]
mod tests;
