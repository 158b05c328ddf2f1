//! The SDK: model calls from a program, without a gateway.
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! let client = llm_client::Client::from_env();
//! let answer = client.completion("openai/gpt-4o-mini", "Say hi.").await?;
//! println!("{} ({} USD)", answer.text(), llm_client::sdk::completion_cost(&answer));
//! # Ok(()) }
//! ```
//!
//! A conversation is a list of turns, and whatever chat completions can say is a whole body, tools for one:
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! use llm_client::sdk::{Ask, Role, Turn};
//! let client = llm_client::Client::from_env();
//! let turns = vec![Turn::text(Role::System, "Be short."), Turn::text(Role::User, "Who was Ada?")];
//! println!("{}", client.completion("anthropic/claude-sonnet-4-5", turns).await?.text());
//!
//! let body = r#"{"messages": [{"role": "user", "content": "Weather in Paris?"}],
//!     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]}"#;
//! let answer = client.completion("anthropic/claude-sonnet-4-5", Ask::body(body)?).await?;
//! for call in answer.tool_calls() {
//!     println!("{} wants {} with {}", call.id, call.name, call.arguments);
//! }
//! # Ok(()) }
//! ```
//!
//! A stream hands on chunks of chat completions as JSON text:
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! let client = llm_client::Client::from_env();
//! let report = client.stream("openai/gpt-4o-mini", "Count to three.", &[], |chunk| println!("{chunk}")).await?;
//! println!("{} tokens, {} USD", report.usage.output_text, report.cost.total);
//! # Ok(()) }
//! ```
//!
//! Bodies of other operations are [`Json`], as their clients write them:
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! use llm_client::sdk::Json;
//! let client = llm_client::Client::from_env();
//! let body = Json::object([("prompt", "a lighthouse at dusk"), ("size", "1024x1024")]);
//! let drawn = client.image_generation("openai/gpt-image-1", body, &[]).await?;
//! println!("{} ({} USD)", drawn.json()?, drawn.cost());
//! # Ok(()) }
//! ```
//!
//! Parameters that are no texts, or hold for all calls, are the client's: [`Client::with_params`].
//!
//! - [`calls`]: the other operations: text completions, Responses, Messages, images, audio, videos, moderation, rerank, OCR,
//!   search, counting tokens.
//! - [`resources`]: what providers keep: files, batches, fine-tuning jobs, vector stores, assistants and threads, containers,
//!   evaluations, skills, interactions, stored responses, secrets of realtime sessions.
//! - [`realtime`]: sessions over WebSockets.

mod bridged;
pub mod calls;
mod kept;
pub mod realtime;
mod relayed;
pub mod resources;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Body as _;
use llm_http::{HttpClient, HttpConfig, Transport};
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::generate::{GenerateResponse, PartKind};
use llm_types::record::Cost;
use llm_types::{Format, OperationKind, Result};
use llm_wire::sse::{Item, Splitter};

// What calls take and give: a program needs no other crate for them.
pub use llm_types::generate::{Role, ToolCall, Turn};
pub use llm_types::{Error, Json};
pub use llm_wire::task::FilePart;

use crate::answer::{Answer, Report};
use crate::call::Call;
use crate::engine::{Engine, EngineSettings, Open};
use crate::target::{Prices, Target, TargetConfig};

/// The id of a model's one deployment.
const DEPLOYMENT: &str = "sdk";

/// Calls models by `provider/model` name.
pub struct Client {
    http: Arc<dyn Transport>,
    engine: Engine,
    params: Vec<(String, Json)>,
}

/// What to ask: a prompt, turns, or a whole request body in OpenAI's chat format.
#[derive(Debug, Clone)]
pub enum Ask {
    /// One user message.
    Prompt(String),
    /// A conversation.
    Turns(Vec<Turn>),
    /// A body in OpenAI's chat format; `model` and `stream` are set by the call.
    Body(Json),
}

impl Ask {
    /// A whole request body, from its text.
    ///
    /// # Errors
    /// `BadRequest` for a text that is no JSON.
    pub fn body(json: &str) -> Result<Self> {
        let why = |e: serde_json::Error| Error::bad_request(format!("the body is no JSON: {e}"));
        serde_json::from_str(json).map(Self::Body).map_err(why)
    }
}

impl From<&str> for Ask {
    fn from(text: &str) -> Self {
        Self::Prompt(text.to_owned())
    }
}
impl From<String> for Ask {
    fn from(text: String) -> Self {
        Self::Prompt(text)
    }
}
impl From<Vec<Turn>> for Ask {
    fn from(turns: Vec<Turn>) -> Self {
        Self::Turns(turns)
    }
}
impl From<Json> for Ask {
    fn from(body: Json) -> Self {
        Self::Body(body)
    }
}

/// An answer with what it consumed.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The answer.
    pub response: GenerateResponse,
    /// What it consumed and cost.
    pub report: Box<Report>,
}

impl Completion {
    /// The visible text of the first choice.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        self.response.text()
    }

    /// Tools that the first choice calls.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        let parts = self.response.choices.first().map(|choice| choice.parts.as_slice()).unwrap_or_default();
        parts.iter().filter_map(|part| if let PartKind::ToolCall(call) = &part.kind { Some(call) } else { None })
    }
}

/// What a call cost, in US dollars.
#[must_use]
pub fn completion_cost(completion: &Completion) -> f64 {
    completion.report.cost.total
}

impl Client {
    /// A client that finds provider keys in the environment (`OPENAI_API_KEY`, ...).
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(Arc::new(HttpClient::new(HttpConfig::default())), EngineSettings::default())
    }

    /// A client over a transport.
    #[must_use]
    pub fn new(http: Arc<dyn Transport>, settings: EngineSettings) -> Self {
        let router = Arc::new(Router::new(Vec::new(), RouterSettings::default()));
        Self { http, engine: Engine { router, prices: Prices::Builtin, settings }, params: Vec::new() }
    }

    /// The same client with `litellm_params` for every call; those of a call win. Here they may be objects and lists
    /// (`extra_headers`, `litellm_embedding_config`).
    ///
    /// # Errors
    /// `BadRequest` for what is no object.
    pub fn with_params(&self, params: Json) -> Result<Self> {
        let Json::Object(params) = params else {
            return Err(Error::bad_request("the parameters have to be an object"));
        };
        Ok(Self { http: Arc::clone(&self.http), engine: self.engine.clone(), params })
    }

    /// Asks a model.
    ///
    /// # Errors
    /// Whatever the provider or the way to it refuses.
    pub async fn completion(&self, model: &str, ask: impl Into<Ask>) -> Result<Completion> {
        self.completion_with(model, ask, &[]).await
    }

    /// Asks a model, with `litellm_params` such as `api_base` and `api_key`.
    ///
    /// # Errors
    /// As [`Self::completion`].
    pub async fn completion_with(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        params: &[(&str, &str)],
    ) -> Result<Completion> {
        let mut call = call(model, ask.into(), false)?;
        call.want_content = true;
        match self.answer(model, params, &call).await? {
            Answer::Whole { mut report, .. } => {
                let response = report.content.take().ok_or_else(|| Error::internal("an answer without content"))?;
                Ok(Completion { response: *response, report })
            }
            Answer::Stream { .. } | Answer::Bytes { .. } => Err(Error::internal("a stream for a plain call")),
        }
    }

    /// Asks a model and hands on every `chat.completion.chunk` (JSON text) as it comes. Returns what it consumed.
    ///
    /// # Errors
    /// As [`Self::completion`]; an error after the first chunk is an `error` chunk and stands in the report.
    pub async fn stream(
        &self,
        model: &str,
        ask: impl Into<Ask>,
        params: &[(&str, &str)],
        chunk: impl FnMut(&str) + Send,
    ) -> Result<Box<Report>> {
        self.run_stream(model, call(model, ask.into(), true)?, params, chunk).await
    }

    /// As [`Self::stream`], in the words of another format: the body and the data of every event are its own
    /// (`Format::OpenAiResponses`, `Format::AnthropicMessages`, `Format::GeminiGenerate`, `Format::OpenAiCompletions`).
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub async fn stream_as(
        &self,
        format: Format,
        model: &str,
        mut body: Json,
        params: &[(&str, &str)],
        chunk: impl FnMut(&str) + Send,
    ) -> Result<Box<Report>> {
        if format.model_in_body() {
            body.set("model", model);
            body.set("stream", true);
        }
        let mut call = Call::new(OperationKind::Generate, format, Bytes::from(body.to_string()), model);
        call.stream = true;
        self.run_stream(model, call, params, chunk).await
    }

    async fn run_stream(
        &self,
        model: &str,
        call: Call,
        params: &[(&str, &str)],
        mut chunk: impl FnMut(&str) + Send,
    ) -> Result<Box<Report>> {
        let Answer::Stream { mut body, .. } = self.answer(model, params, &call).await? else {
            return Err(Error::internal("a plain answer for a stream"));
        };
        let (tell, told) = tokio::sync::oneshot::channel();
        body.set_tail(Box::new(|report: Box<Report>| drop(tell.send(report))));
        let mut splitter = Splitter::new(crate::stream::EVENT_LIMIT);
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            let Ok(data) = frame.map_err(|e| match e {})?.into_data() else { continue };
            let fed = splitter.feed(&data, |item| {
                if let Item::Frame(frame) = item
                    && !frame.is_done()
                    && let Ok(text) = std::str::from_utf8(&frame.data)
                {
                    chunk(text);
                }
            });
            fed.map_err(|e| Error::internal(format!("an event of more than {} bytes", e.limit)))?;
        }
        drop(body);
        told.await.map_err(|_| Error::internal("the stream ended without a report"))
    }

    /// Turns texts into vectors: the body of OpenAI's embeddings answer, and what it cost.
    ///
    /// # Errors
    /// As [`Self::completion`].
    pub async fn embedding(&self, model: &str, input: &[&str], params: &[(&str, &str)]) -> Result<(Bytes, Cost)> {
        let input = Json::Array(input.iter().map(|t| Json::from(*t)).collect());
        let body = Json::object([("model", Json::from(model)), ("input", input)]);
        let call = Call::new(OperationKind::Embed, Format::OpenAiEmbeddings, Bytes::from(body.to_string()), model);
        match self.answer(model, params, &call).await? {
            Answer::Whole { body, report, .. } => Ok((body, report.cost)),
            Answer::Stream { .. } | Answer::Bytes { .. } => Err(Error::internal("a stream for embeddings")),
        }
    }

    async fn answer(&self, model: &str, params: &[(&str, &str)], call: &Call) -> Result<Answer> {
        self.engine_of(model, params)?.answer(&*self.http, call, &Open).await.map_err(|f| f.error)
    }

    /// This model, made ready.
    fn target_of(&self, model: &str, params: &[(&str, &str)]) -> Result<Target> {
        let mut config = TargetConfig::default();
        config.params.push(("model".to_owned(), Json::from(model)));
        let own = |name: &str| name == "model" || params.iter().any(|(given, _)| *given == name);
        config.params.extend(self.params.iter().filter(|(name, _)| !own(name)).cloned());
        config.params.extend(params.iter().map(|(k, v)| ((*k).to_owned(), Json::from(*v))));
        Target::new(&config, &self.engine.prices)
    }

    /// An engine whose one deployment is this model.
    fn engine_of(&self, model: &str, params: &[(&str, &str)]) -> Result<Engine> {
        let mut deployment = Deployment::new(DEPLOYMENT, model, model);
        deployment.payload = Some(Arc::new(self.target_of(model, params)?));
        let router = Arc::new(Router::new(vec![deployment], RouterSettings::default()));
        Ok(Engine { router, ..self.engine.clone() })
    }
}

fn call(model: &str, ask: Ask, stream: bool) -> Result<Call> {
    let mut body = match ask {
        Ask::Body(body) => body,
        Ask::Prompt(text) => chat_body(&[Turn::text(Role::User, text)])?,
        Ask::Turns(turns) => chat_body(&turns)?,
    };
    body.set("model", model);
    if stream {
        body.set("stream", true);
    }
    let mut call = Call::new(OperationKind::Generate, Format::OpenAiChat, Bytes::from(body.to_string()), model);
    call.stream = stream;
    Ok(call)
}

fn chat_body(turns: &[Turn]) -> Result<Json> {
    use llm_types::generate::GenerateRequest;
    use llm_wire::codec::EncodeContext;
    let codec =
        llm_wire::registry::upstream_generate(Format::OpenAiChat).ok_or_else(|| Error::internal("no chat codec"))?;
    let request = GenerateRequest { turns: turns.to_vec(), ..GenerateRequest::default() };
    let mut ctx = EncodeContext::for_model("");
    let mut out = bytes::BytesMut::new();
    codec.encode_request(&request, &mut ctx, &mut out)?;
    serde_json::from_slice(&out).map_err(|e| Error::internal(e.to_string()))
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
