//! What calls cost, would cost, and what is left of the router's budgets.

use bytes::Bytes;
use http::Response;
use llm_catalog::cost::{CostBreakdown, CostOptions, cost};
use llm_catalog::tokens::{self, MessageOptions};
use llm_catalog::{Field, ModelRef};
use llm_client::Target;
use llm_types::{Error, Format, Json, RawJson, Result, Usage};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// Questions about money that no store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `POST /spend/calculate`.
    Calculate,
    /// `POST /cost/estimate`.
    Estimate,
    /// `GET /provider/budgets`.
    Providers,
    /// `GET /router/budgets`.
    Router,
}

/// Answers one.
///
/// # Errors
/// 400 for what cannot be priced.
pub fn serve(verb: Verb, snapshot: &Snapshot, body: &Bytes) -> Result<Response<Reply>> {
    Ok(answer(&match verb {
        Verb::Calculate => calculate(snapshot, body)?,
        Verb::Estimate => estimate(snapshot, body)?,
        Verb::Providers => providers(snapshot),
        Verb::Router => router(snapshot),
    }))
}

fn number(n: f64) -> Json {
    serde_json::Number::from_f64(n).map_or(Json::Null, Json::Number)
}

/// `{model, messages}`: what the prompt costs; `{completion_response}`: what that answer cost.
fn calculate(snapshot: &Snapshot, body: &Bytes) -> Result<Json> {
    let top = Top::parse(body)?;
    let response = top.read::<Json>("completion_response").filter(|r| r.as_object().is_some());
    let asked = top.str("model").map(|m| m.into_owned());
    let (model, usage) = match &response {
        Some(response) => {
            let named = response.get("model").and_then(Json::as_str).map(str::to_owned);
            let model = asked.or(named).ok_or_else(no_model)?;
            let usage = response.get("usage").filter(|u| u.as_object().is_some());
            let usage = usage.ok_or_else(|| bad("completion_response has no usage", "completion_response"))?;
            (model, used(response, &usage.to_raw()))
        }
        None => {
            let model = asked.ok_or_else(no_model)?;
            let messages = top.get("messages").filter(|m| *m != "null");
            let messages = messages.ok_or_else(|| {
                bad("either messages with a model, or completion_response must be given", "completion_response")
            })?;
            let count = tokens::count_messages(&model, messages, &MessageOptions::default())
                .map_err(|e| bad(&format!("messages cannot be counted: {e}"), "messages"))?;
            (model, Usage { input_text: count as u64, ..Usage::default() })
        }
    };
    Ok(Json::object([("cost", number(priced(snapshot, &model, &usage)?.0.total))]))
}

/// The tokens that an answer tells, in the language it is in.
fn used(response: &Json, usage: &RawJson) -> Usage {
    let is = |field: &str, value: &str| response.get(field).and_then(Json::as_str) == Some(value);
    let format = match () {
        () if is("type", "message") => Format::AnthropicMessages,
        () if is("object", "response") => Format::OpenAiResponses,
        () => Format::OpenAiChat,
    };
    llm_wire::usage::report(format, std::slice::from_ref(usage)).usage
}

fn bad(why: &str, param: &'static str) -> Error {
    Error::bad_request(why).with_param(param)
}

fn no_model() -> Error {
    bad("model is missing", "model")
}

/// The cost of a usage of a model: a group's first deployment, or a model of the table. With its provider and its prices per
/// token.
fn priced(snapshot: &Snapshot, model: &str, usage: &Usage) -> Result<(CostBreakdown, String, Rates)> {
    let engine = &snapshot.engine;
    let bill = |entry: ModelRef<'_>, provider: &str| {
        (cost(entry, provider, usage, &CostOptions::default()), provider.to_owned(), Rates::of(entry))
    };
    let group = engine.router.resolve(model, &llm_router::Scope::default()).ok();
    let served = group.and_then(|group| engine.router.members(&group.group).next().cloned());
    if let Some(target) = served.as_ref().and_then(|deployment| deployment.payload::<Target>()) {
        let name = if target.model.contains('*') { model } else { &*target.model };
        if let Some(entry) = target.price(&engine.prices, name) {
            return Ok(bill(entry, target.provider_id()));
        }
    }
    let resolved = llm_providers::resolve(model, None, None);
    let found = resolved.ok().and_then(|resolved| {
        let id = resolved.provider.row().id;
        Some(bill(engine.prices.lookup_price(id, None, &resolved.model)?, id))
    });
    found.ok_or_else(|| bad(&format!("no price is known for the model {model}"), "model"))
}

/// US dollars per token.
#[derive(Debug, Clone, Copy)]
struct Rates([Option<f64>; 5]);

impl Rates {
    const NAMES: [&'static str; 5] = [
        "input_cost_per_token",
        "output_cost_per_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "output_cost_per_reasoning_token",
    ];

    fn of(entry: ModelRef<'_>) -> Self {
        let fields = [
            Field::InputCostPerToken,
            Field::OutputCostPerToken,
            Field::CacheReadInputTokenCost,
            Field::CacheCreationInputTokenCost,
            Field::OutputCostPerReasoningToken,
        ];
        Self(fields.map(|field| entry.num(field)))
    }
}

/// `POST /cost/estimate`: what a call of so many tokens costs, and so many calls a day and a month.
fn estimate(snapshot: &Snapshot, body: &Bytes) -> Result<Json> {
    let top = Top::parse(body)?;
    let model = top.str("model").ok_or_else(no_model)?;
    let count = |field: &'static str| top.read::<u64>(field);
    let must = |field: &'static str| count(field).ok_or_else(|| bad(&format!("{field} is missing or no count"), field));
    let or_none = |field: &'static str| count(field).unwrap_or_default();
    let (input, output) = (must("input_tokens")?, must("output_tokens")?);
    let [read, written, reasoning] =
        ["cache_read_input_tokens", "cache_creation_input_tokens", "reasoning_tokens"].map(or_none);
    let usage = Usage {
        input_text: input.saturating_sub(read).saturating_sub(written),
        cache_read: read,
        cache_write_5m: written,
        output_text: output.saturating_sub(reasoning),
        reasoning,
        ..Usage::default()
    };
    let (bill, provider, Rates(rates)) = priced(snapshot, &model, &usage)?;
    let mut out = vec![("model", Json::from(&*model))];
    let counts = [input, output, read, written, reasoning];
    let counted =
        ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "reasoning_tokens"];
    out.extend(counted.into_iter().zip(counts.map(Json::from)));
    let parts = [
        ("", bill.total),
        ("input_", bill.input),
        ("output_", bill.output),
        ("margin_", 0.0),
        ("cache_read_", bill.cache_read),
        ("cache_creation_", bill.cache_write),
        ("reasoning_", bill.reasoning),
    ];
    let mut named: Vec<(String, Json)> = out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    named.extend(parts.map(|(part, usd)| (format!("{part}cost_per_request"), number(usd))));
    for (span, field) in [("daily", "num_requests_per_day"), ("monthly", "num_requests_per_month")] {
        let calls = count(field);
        named.push((field.to_owned(), calls.map_or(Json::Null, Json::from)));
        // Counts of calls are far below what a float counts exactly.
        let of = |usd: f64| calls.map_or(Json::Null, |calls| number(usd * calls as f64));
        named.extend(parts.map(|(part, usd)| (format!("{span}_{part}cost"), of(usd))));
    }
    named.extend(Rates::NAMES.into_iter().map(str::to_owned).zip(rates.map(|rate| rate.map_or(Json::Null, number))));
    named.push(("provider".to_owned(), Json::from(provider)));
    Ok(Json::Object(named))
}

/// `GET /provider/budgets`: `provider_budget_config`, as LiteLLM tells it.
fn providers(snapshot: &Snapshot) -> Json {
    let all = snapshot.engine.router.budgets(std::time::Instant::now());
    let of_provider = all.iter().filter_map(|b| Some((b.owner.strip_prefix("provider ")?.to_owned(), b)));
    let told = of_provider.map(|(name, b)| {
        let reset = b.ends_ms.and_then(|ms| chrono::DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
        let reset = reset.map_or(Json::Null, |at| Json::from(at.format("%Y-%m-%dT%H:%M:%SZ").to_string()));
        let fields = [
            ("budget_limit", number(b.limit)),
            ("time_period", Json::from(b.period.as_str())),
            ("spend", number(b.spent)),
            ("budget_reset_at", reset),
        ];
        (name, Json::object(fields))
    });
    Json::object([("providers", Json::Object(told.collect()))])
}

/// The router's budgets of providers, deployments and tags.
fn router(snapshot: &Snapshot) -> Json {
    let all = snapshot.engine.router.budgets(std::time::Instant::now());
    let told = all.iter().map(|b| {
        Json::object([
            ("owner", Json::from(b.owner.as_str())),
            ("spend", number(b.spent)),
            ("budget_limit", number(b.limit)),
            ("reset_at_ms", Json::from(b.ends_ms)),
        ])
    });
    Json::object([("data", Json::Array(told.collect()))])
}
