//! Searches in vector stores of houses that are asked in another way than OpenAI.

use llm_catalog::{CostOptions, cost};
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::stores::{Found, Search, StoreHouse};
use llm_types::record::Cost;
use llm_types::{Error, Json, Kind, Result, Usage};

use super::{Keeper, Question, Told};
use crate::answer::Report;
use crate::relay::RelayHead;

/// What was found, and what finding it cost.
#[derive(Debug)]
pub struct Searched {
    /// OpenAI's page of results.
    pub page: Json,
    /// Who answered.
    pub from: RelayHead,
    /// What is settled.
    pub report: Box<Report>,
}

impl From<Searched> for Told {
    fn from(searched: Searched) -> Self {
        Self::json(&searched.page, searched.from, searched.report)
    }
}

impl Keeper<'_> {
    /// Searches a store. `body` is OpenAI's:
    /// <https://platform.openai.com/docs/api-reference/vector-stores/search>
    ///
    /// # Errors
    /// What the house refuses; a search without a query.
    pub async fn search(&self, house: &dyn StoreHouse, store: &str, body: &Json) -> Result<Searched> {
        let params = &self.target.params;
        let query = query(body)?;
        let mut spent = Cost::default();
        let mut vector = None;
        if let Some(embedder) = house.embedder(params)? {
            let made = self.engine.vector(self.http, &embedder.model, &embedder.params, &query).await?;
            spent = made.1;
            vector = Some(made.0);
        }
        let limit = body.get("max_num_results").and_then(Json::as_i64);
        let wanted = Search { store, query: &query, vector: vector.as_ref(), limit, body };
        let mut endpoint = Endpoint::default();
        let asked = house.search(&wanted, &self.resource(), &mut endpoint)?;
        let question = Question { endpoint, body: Body::from(asked), limit: self.small(), model: house.model(params) };
        let said = self.ask(question, |view| house.decode_error(view)).await?;
        let reply: Json = serde_json::from_slice(&said.body)
            .map_err(|e| Error::new(Kind::InvalidReply, format!("the results cannot be read: {e}")))?;
        let found = house.found(&reply, params);
        let page = Json::object([
            ("object", Json::from("vector_store.search_results.page")),
            ("search_query", Json::from(query)),
            ("data", Json::Array(found.iter().map(Found::json).collect())),
        ]);
        let mut report = said.report;
        self.charge(house, spent, &mut report);
        Ok(Searched { page, from: said.from, report })
    }

    /// The vector and the search itself are paid for.
    fn charge(&self, house: &dyn StoreHouse, spent: Cost, report: &mut Report) {
        let provider = self.target.provider_id();
        let mut add = |total: f64, original: f64| {
            report.cost.total += total;
            report.cost.original += original;
            report.cost.input += original;
        };
        add(spent.total, spent.original);
        let entry = house.price().and_then(|name| self.engine.prices.lookup_price(provider, None, name));
        if let Some(entry) = entry {
            let one = Usage { queries: 1, ..Usage::default() };
            let price = cost(entry, provider, &one, &CostOptions::default());
            let adjusted = self.engine.settings.adjustments.of(provider).apply(price.total);
            add(adjusted.total, adjusted.original);
        }
    }
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
