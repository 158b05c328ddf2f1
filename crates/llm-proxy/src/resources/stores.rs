//! Searches in vector stores of houses that are asked in another way than OpenAI.

use llm_catalog::{CostOptions, cost};
use llm_client::{RelayHead, Report};
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::stores::{Found, Search, StoreHouse};
use llm_types::record::Cost;
use llm_types::{Error, Json, Kind, Result, Usage};

use super::Asked;
use super::ask::{Question, ask, resource};
use super::choose::Home;
use super::request::Sent;
use super::translated::{Outcome, Served, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

/// What was found, and what finding it cost.
pub(super) struct Searched {
    /// OpenAI's page of results.
    pub(super) page: Json,
    pub(super) from: RelayHead,
    pub(super) report: Box<Report>,
}

/// Answers where a house's stores are searched in its own way.
///
/// # Errors
/// What the client did wrong, what the house refuses; what is not a search.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let target = &asked.home.target;
    let Some(house) = target.provider.stores(&target.model) else { return Ok(Outcome::Relay(sent)) };
    if asked.what.call_type != "avector_store_search" {
        let why = format!("vector stores of the provider {} can only be searched", target.provider_id());
        return Err(Error::bad_request(why).with_param("custom_llm_provider"));
    }
    let store = id_in(asked.tail, "/vector_stores/", "/search");
    let body: Json = serde_json::from_slice(&whole(sent).await?).map_err(|e| Error::bad_request(e.to_string()))?;
    let Searched { page, from, report, .. } = search(core, ctx, asked.home, house, &store, &body).await?;
    Ok(Outcome::Served(Served::json(&page, from, report)))
}

/// Searches. `body` is the client's.
///
/// # Errors
/// As [`serve`].
pub(super) async fn search(
    core: &Core,
    ctx: &Context,
    home: &Home,
    house: &dyn StoreHouse,
    store: &str,
    body: &Json,
) -> Result<Searched> {
    let params = &home.target.params;
    let query = query(body)?;
    let mut spent = Cost::default();
    let mut vector = None;
    if let Some(embedder) = house.embedder(params)? {
        let engine = &ctx.snapshot.engine;
        let (made, price) = engine.vector(&core.http, &embedder.model, &embedder.params, &query).await?;
        vector = Some(made);
        spent = price;
    }
    let limit = body.get("max_num_results").and_then(Json::as_i64);
    let wanted = Search { store, query: &query, vector: vector.as_ref(), limit, body };
    let mut endpoint = Endpoint::default();
    let asked = house.search(&wanted, &resource(home), &mut endpoint)?;
    let limit = ctx.snapshot.engine.settings.max_reply_bytes;
    let question = Question { endpoint, body: Body::from(asked), limit, model: house.model(params) };
    let said = ask(core, ctx, home, question, |view| house.decode_error(view)).await?;
    let reply: Json = serde_json::from_slice(&said.body)
        .map_err(|e| Error::new(Kind::InvalidReply, format!("the results cannot be read: {e}")))?;
    let found = house.found(&reply, params);
    let page = Json::object([
        ("object", Json::from("vector_store.search_results.page")),
        ("search_query", Json::from(query)),
        ("data", Json::Array(found.iter().map(Found::json).collect())),
    ]);
    let mut report = said.report;
    charge(ctx, home, house, spent, &mut report);
    Ok(Searched { page, from: said.from, report })
}

/// The query, which may be a list of texts.
fn query(body: &Json) -> Result<String> {
    let query = match body.get("query") {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(texts)) => texts.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    };
    if query.trim().is_empty() {
        return Err(Error::bad_request("query is missing").with_param("query"));
    }
    Ok(query)
}

/// The vector and the search itself are paid for.
fn charge(ctx: &Context, home: &Home, house: &dyn StoreHouse, spent: Cost, report: &mut Report) {
    let (provider, engine) = (home.target.provider_id(), &ctx.snapshot.engine);
    let mut add = |total: f64, original: f64| {
        report.cost.total += total;
        report.cost.original += original;
        report.cost.input += original;
    };
    add(spent.total, spent.original);
    let entry = house.price().and_then(|name| engine.prices.lookup_price(provider, None, name));
    if let Some(entry) = entry {
        let one = Usage { queries: 1, ..Usage::default() };
        let price = cost(entry, provider, &one, &CostOptions::default());
        let adjusted = engine.settings.adjustments.of(provider).apply(price.total);
        add(adjusted.total, adjusted.original);
    }
}
