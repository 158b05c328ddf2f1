//! The web is searched: one request and one answer, those of Perplexity's search, for houses that differ in names.
//!
//! `query` (a text or a list), `max_results`, `search_domain_filter`, `country`, `max_tokens_per_page` are told in the
//! house's words; other fields are the house's own and pass. The answer is
//! `{"object":"search","results":[{title,url,snippet,date,last_updated}]}`.

pub mod agentcore;
pub mod bing;
mod houses;

use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, Result, Usage, UsageSource};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write::{self, Fields};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

pub(crate) use houses::of;

/// How a house is asked and where its answer has what.
#[derive(Debug)]
pub struct House {
    format: Format,
    /// Asked by a query string instead of JSON.
    get: bool,
    query: Query,
    /// The name of the bound on results, and the most it may be.
    most: Option<(&'static str, u64)>,
    domains: Domains,
    country: Option<(&'static str, Case)>,
    /// The name of the bound on tokens of a page.
    tokens: Option<&'static str>,
    /// What is always said unless the client says otherwise, as JSON.
    fixed: &'static [(&'static str, &'static str)],
    /// The body is a list of one.
    listed: bool,
    /// A field of the house that asks for a longer search, and what stands behind the path of the short one.
    short: Option<(&'static str, &'static str)>,
    /// The most results that are kept of an answer, where the house takes no bound.
    keep: Option<u64>,
    /// Fields of a result that go on as they are.
    also: Also,
    /// Where the results are: keys, or positions in lists.
    results: &'static [&'static str],
    title: &'static [&'static str],
    url: &'static [&'static str],
    snippet: &'static [&'static str],
    date: &'static [&'static str],
}

/// How the query is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    /// As one text.
    Text(&'static str),
    /// As it came, text or list.
    AsIs(&'static str),
    /// As a list, and as one text besides.
    List(&'static str, &'static str),
}

/// How domains are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domains {
    /// As a list.
    List(&'static str),
    /// As two lists: what is wanted, and what is not (written with a `-` in front).
    Lists(&'static str, &'static str),
    /// As `site:` terms behind the query.
    Sites,
    /// The same, with the query in parentheses.
    SitesApart,
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

/// How a country is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    AsIs,
    Lower,
    Upper,
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
            let text = |(name, value): (String, Json)| (name, write::text(&value));
            let query = body.into_iter().map(text).collect();
            return Ok(TaskOut { query, beside, method: Some("GET"), ..TaskOut::default() });
        }
        let body = match self.listed {
            true => crate::task::TaskBody::Json(Json::Array(vec![Json::Object(body)]).to_string().into()),
            false => write::json(body),
        };
        Ok(TaskOut { body, beside, ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<TaskReply> {
        let tree: Json =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        if tree.as_object().is_none() && tree.as_array().is_none() {
            return Err(errors::invalid_reply(reply, "a search without an object"));
        }
        // No results at all is what an empty search looks like.
        let found = self.results.iter().try_fold(&tree, |at, key| below(at, key));
        let found = found.and_then(Json::as_array).unwrap_or_default();
        let mut results: Vec<Json> = found.iter().filter_map(|item| self.result(item)).collect();
        if let Some(keep) = self.keep {
            let asked = bound(request).unwrap_or(keep).clamp(1, keep);
            results.truncate(usize::try_from(asked).unwrap_or(usize::MAX));
        }
        Ok(answer(request, results))
    }
}

/// How many results the client wants.
fn bound(request: &TaskRequest) -> Option<u64> {
    u64::try_from(request.fields.get("max_results")?.as_i64()?).ok()
}

/// Results as the client reads them.
fn answer(request: &TaskRequest, results: Vec<Json>) -> TaskReply {
    let body = Json::object([("object", Json::from("search")), ("results", Json::Array(results))]);
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

impl House {
    fn body(&self, fields: &mut Fields, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
        let query = query(fields)?;
        let domains = write::take(fields, "search_domain_filter");
        let domains = domains.as_ref().and_then(Json::as_array).unwrap_or_default();
        let mut said: Fields = Vec::new();
        self.ask(query, domains, &mut said);
        if let Some(most) = write::take(fields, "max_results") {
            match self.most {
                Some((name, cap)) => {
                    let number = most.as_i64().and_then(|n| u64::try_from(n).ok());
                    said.push((name.to_owned(), number.map_or(most, |n| Json::from(n.min(cap)))));
                }
                None if self.keep.is_some() => {}
                None => ctx.lost.push("max_results".to_owned()),
            }
        }
        match self.domains {
            Domains::List(name) if !domains.is_empty() => said.push((name.to_owned(), Json::Array(domains.to_vec()))),
            Domains::Lists(wanted, unwanted) => split(domains, wanted, unwanted, fields, &mut said),
            Domains::None if !domains.is_empty() => ctx.lost.push("search_domain_filter".to_owned()),
            _ => {}
        }
        if let Some(country) = write::take(fields, "country") {
            match self.country {
                Some((name, Case::Lower)) => {
                    said.push((name.to_owned(), Json::from(write::text(&country).to_lowercase())));
                }
                Some((name, Case::Upper)) => {
                    said.push((name.to_owned(), Json::from(write::text(&country).to_uppercase())));
                }
                Some((name, Case::AsIs)) => said.push((name.to_owned(), country)),
                None => ctx.lost.push("country".to_owned()),
            }
        }
        if let Some(tokens) = write::take(fields, "max_tokens_per_page") {
            match self.tokens {
                Some(name) => said.push((name.to_owned(), tokens)),
                None => ctx.lost.push("max_tokens_per_page".to_owned()),
            }
        }
        for (name, value) in self.fixed {
            if fields.iter().chain(&said).all(|(known, _)| known != name) {
                said.push(((*name).to_owned(), serde_json::from_str(value).unwrap_or_default()));
            }
        }
        said.append(fields);
        Ok(said)
    }

    fn ask(&self, query: Json, domains: &[Json], said: &mut Fields) {
        let text = one_text(&query);
        let sites: Vec<String> = domains.iter().filter_map(Json::as_str).map(|d| format!("site:{d}")).collect();
        let text = match (self.domains, sites.as_slice()) {
            (Domains::Sites, [_, ..]) => format!("{text} ({})", sites.join(" OR ")),
            (Domains::SitesApart, [_, ..]) => format!("({text}) ({})", sites.join(" OR ")),
            _ => text,
        };
        match self.query {
            Query::Text(name) => said.push((name.to_owned(), Json::from(text))),
            Query::AsIs(name) => said.push((name.to_owned(), query)),
            Query::List(list, one) => {
                let items = query.as_array().map_or_else(|| vec![query.clone()], <[Json]>::to_vec);
                said.push((list.to_owned(), Json::Array(items)));
                said.push((one.to_owned(), Json::from(text)));
            }
        }
    }

    /// A result; nothing for what has no address (advertisements, boxes).
    fn result(&self, item: &Json) -> Option<Json> {
        let inside = |key: &str| key.split('.').try_fold(item, |at, key| at.get(key)).and_then(words);
        let first = |keys: &[&str]| keys.iter().find_map(|key| inside(key));
        let mut out = Json::object([
            ("title", Json::from(first(self.title).unwrap_or_default())),
            ("url", Json::from(first(self.url)?)),
            ("snippet", Json::from(first(self.snippet).unwrap_or_default())),
        ]);
        if let Some(date) = first(self.date) {
            out.set("date", date);
        }
        if let Some(updated) = first(&["last_updated"]) {
            out.set("last_updated", updated);
        }
        for (name, value) in item.as_object().unwrap_or_default() {
            let goes = match self.also {
                Also::None => false,
                Also::One(known) => name == known && !value.is_null(),
                Also::All => out.get(name).is_none(),
            };
            if goes {
                out.set(name, value.clone());
            }
        }
        Some(out)
    }
}

/// Domains as two lists; a list that the client writes in the house's own words wins.
fn split(domains: &[Json], wanted: &str, unwanted: &str, fields: &Fields, said: &mut Fields) {
    let names = || domains.iter().filter_map(Json::as_str).filter(|d| !d.trim_start_matches('-').is_empty());
    let lists: [(&str, Vec<&str>); 2] = [
        (wanted, names().filter(|d| !d.starts_with('-')).collect()),
        (unwanted, names().filter_map(|d| d.strip_prefix('-')).collect()),
    ];
    for (name, list) in lists {
        if !list.is_empty() && fields.iter().all(|(known, _)| known != name) {
            said.push((name.to_owned(), Json::Array(list.into_iter().map(Json::from).collect())));
        }
    }
}

/// A text, or a list of texts.
fn words(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Array(items) if !items.is_empty() => {
            Some(items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ... "))
        }
        _ => None,
    }
}

fn below<'j>(json: &'j Json, key: &str) -> Option<&'j Json> {
    match key.parse::<usize>() {
        Ok(at) => json.as_array()?.get(at),
        // a short form without the boxes around its results
        Err(_) if json.as_array().is_some() => Some(json),
        Err(_) => json.get(key),
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
