//! A gateway of your own, from the crates below `llm-proxy`: LiteLLM's model list in, OpenAI and Anthropic clients
//! served, no keys, no store. `custom_gateway --config FILE --port PORT`
use std::{convert::Infallible, sync::Arc};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Either, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, header::HeaderValue, service::service_fn};
use hyper_util::rt::TokioIo;
use llm_client::{Answer, Call, Controls, Engine, EngineSettings, Prices, StreamBody, Target, TargetConfig, engine::Open};
use llm_http::{HttpClient, HttpConfig};
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::{Error, Format, Json, OperationKind};
use llm_wire::{registry::client_generate, top::Top};

type Reply = Response<Either<StreamBody, Full<Bytes>>>;

fn engine(config: &Json) -> Result<Engine> {
    let entries = config.get("model_list").and_then(Json::as_array).context("model_list is missing")?;
    let deployments = entries.iter().enumerate().map(|(at, entry)| {
        let fields = |key| entry.get(key).and_then(Json::as_object).unwrap_or_default().to_vec();
        let target = Target::new(&TargetConfig { params: fields("litellm_params"), info: fields("model_info") }, &Prices::Builtin)?;
        let name = entry.get("model_name").and_then(Json::as_str).unwrap_or_default();
        let mut deployment = Deployment::new(at.to_string(), name, &*target.model);
        deployment.payload = Some(Arc::new(target));
        Ok(deployment)
    });
    let router = Arc::new(Router::new(deployments.collect::<Result<_, Error>>()?, RouterSettings::default()));
    Ok(Engine { router, prices: Prices::Builtin, settings: EngineSettings::default() })
}

async fn serve(req: Request<Incoming>, engine: &Engine, http: &HttpClient) -> Result<Reply, (Format, Error)> {
    let (operation, format) = match req.uri().path() {
        "/v1/messages" => (OperationKind::Generate, Format::AnthropicMessages),
        "/v1/completions" => (OperationKind::Generate, Format::OpenAiCompletions),
        "/v1/embeddings" => (OperationKind::Embed, Format::OpenAiEmbeddings),
        "/v1/chat/completions" => (OperationKind::Generate, Format::OpenAiChat),
        _ => return Ok(Response::new(Either::Right(Full::from("\"I'm alive!\"")))),
    };
    let told = |e| (format, e);
    let body = req.into_body().collect().await.map_err(|e| told(Error::bad_request(e.to_string())))?.to_bytes();
    let top = Top::parse(&body).map_err(told)?;
    let mut call = Call::new(operation, format, body.clone(), top.str("model").unwrap_or_default().as_ref());
    (call.stream, call.controls) = (top.is_true("stream"), Controls::from_top(&top));
    call.include_usage = top.get("stream_options").is_some_and(|o| o.contains("true"));
    let (body, kind) = match engine.answer(http, &call, &Open).await.map_err(|f| told(f.error))? {
        Answer::Whole { body, .. } => (Either::Right(Full::new(body)), "application/json"),
        Answer::Stream { body, .. } => (Either::Left(*body), "text/event-stream"),
    };
    let mut reply = Response::new(body);
    reply.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    Ok(reply)
}

fn refusal(format: Format, error: &Error) -> Reply {
    let mut out = BytesMut::new();
    client_generate(format).or_else(|| client_generate(Format::OpenAiChat)).into_iter().for_each(|c| c.encode_error(error, &mut out));
    let mut reply = Response::new(Either::Right(Full::new(out.freeze())));
    *reply.status_mut() = StatusCode::from_u16(error.status()).unwrap_or_default();
    reply.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    reply
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let flag = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).context(format!("{name} is missing"));
    let config: Json = serde_saphyr::from_str(&std::fs::read_to_string(flag("--config")?)?)?;
    let (engine, http) = (Arc::new(engine(&config)?), Arc::new(HttpClient::new(HttpConfig::default())));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", flag("--port")?.parse::<u16>()?)).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        let (engine, http) = (Arc::clone(&engine), Arc::clone(&http));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(move |req| {
            let (engine, http) = (Arc::clone(&engine), Arc::clone(&http));
            async move { Ok::<_, Infallible>(serve(req, &engine, &http).await.unwrap_or_else(|(f, e)| refusal(f, &e))) }
        })));
    }
}
