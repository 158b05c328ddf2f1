//! What a call would cost, or did, by the prices in force.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_accounts::Identity;
use llm_catalog::tokens::{self, MessageOptions};
use llm_catalog::{CostBreakdown, CostOptions, ModelRef, cost};
use llm_client::Target;
use llm_types::{Error, Format, Json, Kind, Result, Usage};

use crate::body::Reply;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// Days of a month, in projections.
const MONTH: f64 = 30.0;

/// A model with its price.
struct Priced<'s> {
    provider: &'static str,
    entry: ModelRef<'s>,
    deployed: Option<&'s Target>,
}

/// Finds the price of a group that the caller may use, or of a model by the provider's name.
fn priced<'s>(snapshot: &'s Snapshot, who: Option<&Arc<Identity>>, model: &str) -> Result<Priced<'s>> {
    let (prices, router) = (&snapshot.engine.prices, &snapshot.engine.router);
    let served = router.deployments().iter().find(|d| &**d.public_name() == model);
    if let Some(deployment) = served
        && who.is_none_or(|who| who.may_use(model))
        && let Some(target) = deployment.payload::<Target>()
        && let Some(entry) = target.price(prices, &target.model)
    {
        return Ok(Priced { provider: target.provider_id(), entry, deployed: Some(target) });
    }
    let unknown = || Error::new(Kind::NotFound, format!("No price is known for the model {model}")).with_param("model");
    let resolved = llm_providers::resolve(model, None, None).map_err(|_| unknown())?;
    let provider = resolved.provider.row().id;
    let entry = prices.lookup_price(provider, None, &resolved.model).ok_or_else(unknown)?;
    Ok(Priced { provider, entry, deployed: None })
}

fn read(body: &Bytes) -> Result<Json> {
    let tree = crate::read::json(body)?;
    if tree.as_object().is_some() { Ok(tree) } else { Err(Error::bad_request("the body must be an object")) }
}

fn model_of(tree: &Json) -> Result<&str> {
    let model = tree.text("model").filter(|model| !model.is_empty());
    model.ok_or_else(|| Error::bad_request("model is missing").with_param("model"))
}

/// `POST /cost/estimate`: the cost of a call with these counts, by day and month too.
pub(super) fn estimate(snapshot: &Snapshot, who: Option<&Arc<Identity>>, body: &Bytes) -> Result<Response<Reply>> {
    let tree = read(body)?;
    let model = model_of(&tree)?;
    let count = |name: &'static str, needed: bool| match tree.get(name).filter(|v| !v.is_null()) {
        None if needed => Err(Error::bad_request(format!("{name} is missing")).with_param(name)),
        None => Ok(None),
        Some(value) => match value.as_i64().and_then(|n| u64::try_from(n).ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(Error::bad_request(format!("{name} must be a whole number, 0 or more")).with_param(name)),
        },
    };
    let needed = |name| count(name, true).map(Option::unwrap_or_default);
    let given = |name| count(name, false).map(Option::unwrap_or_default);
    let (input, output) = (needed("input_tokens")?, needed("output_tokens")?);
    let (cached, written) = (given("cache_read_input_tokens")?, given("cache_creation_input_tokens")?);
    let reasoning = given("reasoning_tokens")?;
    let (daily, monthly) = (count("num_requests_per_day", false)?, count("num_requests_per_month", false)?);
    let Priced { provider, entry, .. } = priced(snapshot, who, model)?;
    let usage = Usage {
        input_text: input.saturating_sub(cached.saturating_add(written)),
        cache_read: cached,
        cache_write_5m: written,
        output_text: output.saturating_sub(reasoning),
        reasoning,
        ..Usage::default()
    };
    let bill = cost(entry, provider, &usage, &CostOptions::default());
    let adjusted = snapshot.engine.settings.adjustments.of(provider).apply(bill.total);
    let mut out = Json::object([
        ("model", Json::from(model)),
        ("input_tokens", Json::from(input)),
        ("output_tokens", Json::from(output)),
        ("cache_read_input_tokens", Json::from(cached)),
        ("cache_creation_input_tokens", Json::from(written)),
        ("reasoning_tokens", Json::from(reasoning)),
        ("num_requests_per_day", Json::from(daily)),
        ("num_requests_per_month", Json::from(monthly)),
    ]);
    let parts = parts(&bill, adjusted.total, adjusted.margin_amount);
    for (name, amount) in &parts {
        out.set(&format!("{name}_per_request"), Json::from(*amount));
    }
    let month = monthly.map(|n| n as f64).or(daily.map(|n| n as f64 * MONTH));
    for (period, calls) in [("daily", daily.map(|n| n as f64)), ("monthly", month)] {
        for (name, amount) in &parts {
            out.set(&format!("{period}_{name}"), calls.map_or(Json::Null, |calls| Json::from(amount * calls)));
        }
    }
    let rates = entry.to_json();
    let rate = |name: &str| rates.get(name).and_then(serde_json::Value::as_f64).map_or(Json::Null, Json::from);
    for name in [
        "input_cost_per_token",
        "output_cost_per_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "output_cost_per_reasoning_token",
    ] {
        out.set(name, rate(name));
    }
    out.set("provider", provider);
    Ok(answer(&out))
}

/// The parts of a bill, by their names in the answer.
fn parts(bill: &CostBreakdown, total: f64, margin: f64) -> [(&'static str, f64); 7] {
    [
        ("cost", total),
        ("input_cost", bill.input),
        ("output_cost", bill.output),
        ("margin_cost", margin),
        ("cache_read_cost", bill.cache_read),
        ("cache_creation_cost", bill.cache_write),
        ("reasoning_cost", bill.reasoning),
    ]
}

/// `POST /spend/calculate`: the cost of a prompt, or of an answer.
pub(super) fn calculate(snapshot: &Snapshot, who: Option<&Arc<Identity>>, body: &Bytes) -> Result<Response<Reply>> {
    let tree = read(body)?;
    let given = |name: &str| tree.get(name).filter(|value| !value.is_null());
    let (model, usage) = match (given("completion_response"), given("messages")) {
        (Some(reply), _) => (model_of(&tree).or_else(|_| model_of(reply))?, usage_of(reply)?),
        (None, Some(messages)) => {
            let model = model_of(&tree)?;
            let text = messages.to_string();
            let known = priced(snapshot, who, model)?.deployed.map_or(model, |target| &target.model).to_owned();
            let count = tokens::count_messages(&known, &text, &MessageOptions::default())
                .map_err(|e| Error::bad_request(format!("messages cannot be counted: {e}")).with_param("messages"))?;
            (model, Usage { input_text: count as u64, ..Usage::default() })
        }
        (None, None) => {
            return Err(Error::bad_request(
                "Bad Request - Either 'model' and 'messages' or 'completion_response' must be given",
            ));
        }
    };
    let Priced { provider, entry, .. } = priced(snapshot, who, model)?;
    let bill = cost(entry, provider, &usage, &CostOptions::default());
    let adjusted = snapshot.engine.settings.adjustments.of(provider).apply(bill.total);
    Ok(answer(&Json::object([("cost", Json::from(adjusted.total))])))
}

/// The tokens that an answer tells, in the language it is in.
fn usage_of(reply: &Json) -> Result<Usage> {
    let usage = reply.get("usage").filter(|usage| usage.as_object().is_some());
    let usage = usage
        .ok_or_else(|| Error::bad_request("completion_response has no usage").with_param("completion_response"))?;
    let is = |field: &str, value: &str| reply.text(field) == Some(value);
    let format = match () {
        () if is("type", "message") => Format::AnthropicMessages,
        () if is("object", "response") => Format::OpenAiResponses,
        () => Format::OpenAiChat,
    };
    Ok(llm_wire::usage::report(format, &[usage.to_raw()]).usage)
}

/// `GET /utils/model_info`: what the price table says of a model.
pub(super) fn model(snapshot: &Snapshot, parts: &Parts) -> Result<Response<Reply>> {
    let query = |name: &str| crate::pass::who::query(parts, name).filter(|value| !value.is_empty());
    let model = query("model").ok_or_else(|| Error::bad_request("model is missing").with_param("model"))?;
    let provider = query("custom_llm_provider");
    let resolved = llm_providers::resolve(&model, provider.as_deref(), None)?;
    let entry = snapshot.engine.prices.lookup(resolved.provider.row().id, &resolved.model);
    let entry = entry.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("The price table does not know the model {model}")).with_param("model")
    })?;
    let mut facts = entry.to_json();
    facts.insert("key".to_owned(), entry.name().into());
    let text = serde_json::Value::Object(facts).to_string();
    let tree: Json = serde_json::from_str(&text).map_err(|e| Error::internal(e.to_string()))?;
    Ok(answer(&Json::object([("model_info", tree)])))
}
