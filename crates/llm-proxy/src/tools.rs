//! Utilities: token counts, the request a provider would get, parameters it takes.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_accounts::Identity;
use llm_catalog::tokens::{self, MessageOptions};
use llm_client::{Call, Counted, Target, with_system};
use llm_router::Scope;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// `POST /utils/token_counter`: `{model, prompt | messages | contents, system, tools}`; with `?call_endpoint=true` the
/// provider counts, where it can.
///
/// # Errors
/// 400 when there is nothing to count.
pub async fn token_counter(
    core: &Core,
    snapshot: &Snapshot,
    who: Option<&Identity>,
    parts: &Parts,
    body: Bytes,
) -> Result<Response<Reply>> {
    let top = Top::parse(&body)?;
    let asked = top.str("model").ok_or_else(|| Error::bad_request("model is missing").with_param("model"))?;
    let scope = who.map(crate::scope::of).unwrap_or_default();
    let used = model_used(snapshot, &scope, &asked);
    let given = |field: &str| top.get(field).filter(|v| !matches!(*v, "null" | "[]" | "\"\""));
    let format = match () {
        () if given("contents").is_some() => Some(Format::GeminiGenerate),
        () if given("messages").is_some() && asks_provider(parts) => Some(Format::OpenAiChat),
        () => None,
    };
    if let Some(format) = format {
        let mut call = Call::new(OperationKind::CountTokens, format, body.clone(), asked.as_ref());
        call.controls.team.clone_from(&scope.team_id);
        let counted = snapshot.engine.count_tokens(&core.http, &call).await?;
        if counted.by_provider || format == Format::GeminiGenerate {
            return Ok(told(&asked, &counted));
        }
    }
    let tokens = match (given("messages"), given("prompt")) {
        (Some(messages), _) => conversation(&top, messages, &used)?,
        // a prompt with a system text or tools is a turn
        (None, Some(prompt)) if given("system").or(given("tools")).is_some() => {
            conversation(&top, &format!(r#"[{{"role":"user","content":{prompt}}}]"#), &used)?
        }
        (None, Some(prompt)) => match llm_types::json::raw_str(prompt) {
            Some(text) => tokens::count(&used, &text),
            None => tokens::count(&used, prompt),
        },
        (None, None) if top.get("messages").or(top.get("prompt")).is_some_and(|v| v != "null") => 0,
        _ => return Err(Error::bad_request("prompt or messages or contents must be provided")),
    };
    Ok(told(&asked, &Counted { tokens: tokens as u64, by_provider: false, counter: None, model: used.into() }))
}

/// Counts messages, the system text that stands beside them and their tools.
fn conversation(top: &Top<'_>, messages: &str, model: &str) -> Result<usize> {
    let tools = top.get("tools").filter(|t| *t != "null");
    with_system(messages, top.get("system"), |all| {
        let options = MessageOptions { tools, ..MessageOptions::default() };
        tokens::count_messages(model, all, &options)
    })
    .map_err(|e| Error::bad_request(format!("messages cannot be counted: {e}")).with_param("messages"))
}

fn asks_provider(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair.eq_ignore_ascii_case("call_endpoint=true"))
}

fn told(asked: &str, counted: &Counted) -> Response<Reply> {
    let original = counted.by_provider.then(|| Json::object([("input_tokens", counted.tokens)]));
    let tokenizer = counted.counter.map_or("openai_tokenizer".to_owned(), |house| format!("{house}_api"));
    answer(&Json::object([
        ("total_tokens", Json::from(counted.tokens)),
        ("request_model", Json::from(asked)),
        ("model_used", Json::from(counted.model.as_ref())),
        ("tokenizer_type", Json::from(tokenizer)),
        ("count_source", Json::from(counted.source())),
        ("original_response", Json::from(original)),
        ("error", Json::from(false)),
        ("error_message", Json::Null),
        ("status_code", Json::Null),
    ]))
}

/// The provider's name of the model that a group stands for.
fn model_used(snapshot: &Snapshot, who: &Scope, asked: &str) -> String {
    snapshot
        .engine
        .router
        .first(asked, who)
        .and_then(|d| d.payload::<Target>().map(|t| t.model.to_string()))
        .filter(|m| !m.contains('*'))
        .unwrap_or_else(|| asked.to_owned())
}

/// `POST /utils/transform_request`: `{call_type, request_body}` → what the provider would be sent.
///
/// # Errors
/// What the call itself would be refused for.
pub fn transform_request(snapshot: &Snapshot, body: Bytes) -> Result<Response<Reply>> {
    let top = Top::parse(&body)?;
    let inner = top
        .get("request_body")
        .ok_or_else(|| Error::bad_request("request_body is missing").with_param("request_body"))?;
    let kind = top.str("call_type").unwrap_or_default();
    let (operation, format) = match kind.trim_start_matches('a') {
        "completion" | "" => (OperationKind::Generate, Format::OpenAiChat),
        "embedding" => (OperationKind::Embed, Format::OpenAiEmbeddings),
        "nthropic_messages" => (OperationKind::Generate, Format::AnthropicMessages),
        "text_completion" => (OperationKind::Generate, Format::OpenAiCompletions),
        "responses" => (OperationKind::Generate, Format::OpenAiResponses),
        "generate_content" | "generate_content_stream" => (OperationKind::Generate, Format::GeminiGenerate),
        other => return Err(Error::bad_request(format!("call_type {other} cannot be shown")).with_param("call_type")),
    };
    let inner = Bytes::copy_from_slice(inner.as_bytes());
    let request = Top::parse(&inner)?;
    let model = request.str("model").unwrap_or_default().into_owned();
    let mut call = Call::new(operation, format, inner.clone(), model);
    call.stream = request.is_true("stream") || kind.ends_with("generate_content_stream");
    let shown = snapshot.engine.show(&call)?;
    let headers = shown.headers.iter().map(|(n, v)| (n.as_str(), Json::from(v.as_str())));
    let text = String::from_utf8_lossy(&shown.body).into_owned();
    let body = serde_json::from_str::<Json>(&text).unwrap_or(Json::String(text));
    Ok(answer(&Json::object([
        ("raw_request_api_base", Json::from(shown.url)),
        ("raw_request_body", body),
        ("raw_request_headers", Json::object(headers)),
    ])))
}

/// `GET /utils/supported_openai_params?model=`.
///
/// # Errors
/// 400 for a model without a provider.
pub fn supported_params(snapshot: &Snapshot, parts: &Parts) -> Result<Response<Reply>> {
    let query = parts.uri.query().unwrap_or_default();
    let model = query.split('&').find_map(|p| p.strip_prefix("model=")).map(crate::read::decode_path);
    let model = model.ok_or_else(|| Error::bad_request("model is missing").with_param("model"))?;
    let resolved = llm_providers::resolve(&model, None, None)?;
    let row = resolved.provider.row();
    let caps = llm_client::target::caps_of(&snapshot.engine.prices, row.id, &resolved.model);
    let names = row.supported(&resolved.model, &caps).iter().map(|f| Json::from(f.name())).collect();
    Ok(answer(&Json::object([("supported_openai_params", Json::Array(names))])))
}
