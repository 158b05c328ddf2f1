//! A gateway of your own, from the crates below `llm-proxy`: LiteLLM's model list in, OpenAI and Anthropic clients
//! served, no keys, no store. `cargo run -p llm-examples --example custom_gateway -- --config FILE --port PORT`

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{body::Body, http::StatusCode, serve::ListenerExt};
use bytes::{Bytes, BytesMut};
use llm_client::{Answer, Call, Controls, Engine, EngineSettings, Prices, Target, TargetConfig, engine::Open};
use llm_http::{HttpClient, HttpConfig};
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::{Error, Format, Json, OperationKind};
use llm_wire::{registry::client_generate, top::Top};

fn engine(config: &Json) -> Result<Engine> {
    let entries = config.get("model_list").and_then(Json::as_array).context("model_list is missing")?;
    let deployments = entries.iter().enumerate().map(|(at, entry)| {
        let fields = |key| entry.get(key).and_then(Json::as_object).unwrap_or_default().to_vec();
        let config = TargetConfig { params: fields("litellm_params"), info: fields("model_info") };
        let target = Target::new(&config, &Prices::Builtin)?;
        let name = entry.get("model_name").and_then(Json::as_str).unwrap_or_default();
        let mut deployment = Deployment::new(at.to_string(), name, &*target.model);
        deployment.payload = Some(Arc::new(target));
        Ok(deployment)
    });
    let router = Arc::new(Router::new(deployments.collect::<Result<_, Error>>()?, RouterSettings::default()));
    Ok(Engine { router, prices: Prices::Builtin, settings: EngineSettings::default() })
}

async fn answer(engine: &Engine, http: &HttpClient, format: Format, body: Bytes) -> Result<Response, Error> {
    let embed = format == Format::OpenAiEmbeddings;
    let operation = if embed { OperationKind::Embed } else { OperationKind::Generate };
    let top = Top::parse(&body)?;
    let mut call = Call::new(operation, format, body.clone(), top.str("model").unwrap_or_default().as_ref());
    (call.stream, call.controls) = (top.is_true("stream"), Controls::from_top(&top));
    call.include_usage = top.get("stream_options").is_some_and(|o| o.contains("true"));
    let (body, kind) = match engine.answer(http, &call, &Open).await.map_err(|f| f.error)? {
        Answer::Whole { body, .. } => (Body::from(body), "application/json"),
        Answer::Bytes { body, .. } => (Body::new(*body), "application/octet-stream"),
        Answer::Stream { body, .. } => (Body::new(*body), "text/event-stream"),
    };
    Ok(([("content-type", kind)], body).into_response())
}

fn refusal(format: Format, error: &Error) -> Response {
    let mut out = BytesMut::new();
    let codec = client_generate(format).or_else(|| client_generate(Format::OpenAiChat));
    codec.into_iter().for_each(|codec| codec.encode_error(error, &mut out));
    let status = StatusCode::from_u16(error.status()).unwrap_or_default();
    (status, [("content-type", "application/json")], out.freeze()).into_response()
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let flag = |name| args.iter().skip_while(|a| *a != name).nth(1).context("--config FILE --port PORT");
    let config: Json = serde_saphyr::from_str(&std::fs::read_to_string(flag("--config")?)?)?;
    let shared = Arc::new((engine(&config)?, HttpClient::new(HttpConfig::default())));
    let mut app = axum::Router::new().route("/health/liveliness", get("I'm alive!"));
    for (path, format) in [
        ("/v1/chat/completions", Format::OpenAiChat),
        ("/v1/completions", Format::OpenAiCompletions),
        ("/v1/embeddings", Format::OpenAiEmbeddings),
        ("/v1/messages", Format::AnthropicMessages),
        ("/v1/responses", Format::OpenAiResponses),
    ] {
        let shared = Arc::clone(&shared);
        let serve = move |body: Bytes| async move {
            let (engine, http) = &*shared;
            answer(engine, http, format, body).await.unwrap_or_else(|error| refusal(format, &error))
        };
        app = app.route(path, post(serve).layer(DefaultBodyLimit::max(32 << 20)));
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", flag("--port")?.parse()?)).await?;
    Ok(axum::serve(listener.tap_io(|socket| drop(socket.set_nodelay(true))), app).await?)
}
