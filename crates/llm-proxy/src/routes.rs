//! The one route table of the data plane: method, path, operation, permission.
//!
//! Model names stand in the middle of some paths and may hold slashes, which no segment router can match; the table
//! is a match on prefix and suffix. What it does not know goes to the management router. A route cannot be added
//! without saying who may call it.

mod told;

use http::Method;
use llm_providers::passthrough::{self, Mount};
use llm_types::{Format, OperationKind};

use crate::cache::routes::Verb as CacheVerb;
use crate::operate;
use crate::pass::stored;
use crate::rag;
use crate::resources::Resource;
use crate::responses::Verb;
use crate::{agents, mcp};

pub use told::all;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Anyone.
    Public,
    /// Any valid key.
    AnyKey,
    /// Any valid key; the call is charged and limited.
    Llm,
    /// Administrators.
    Admin,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A model is called.
    Call(OperationKind, Format),
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/search/tools`.
    SearchTools,
    /// `GET /v1/models/{id}`.
    Model,
    /// `GET /v1beta/models`.
    GoogleModels,
    /// `GET /v1beta/models/{id}`.
    GoogleModel,
    /// `/v1/responses/{response_id}` and below.
    Stored(Verb),
    /// `GET /model/info`.
    ModelInfo,
    /// `GET /v2/model/info`.
    ModelInfoPages,
    /// `GET /model_group/info`.
    ModelGroupInfo,
    /// `POST /utils/token_counter`.
    TokenCounter,
    /// `POST /utils/transform_request`.
    TransformRequest,
    /// `GET /utils/supported_openai_params`.
    SupportedParams,
    /// `GET /health`.
    Health,
    /// `GET /health/liveliness`.
    Liveliness,
    /// `GET /health/readiness`.
    Readiness,
    /// `GET /metrics`.
    Metrics,
    /// `GET /test`.
    Test,
    /// `GET /routes`.
    Routes,
    /// `GET /`.
    Home,
    /// `GET /cache/settings`.
    CacheSettings,
    /// `POST /cache/settings/test`.
    CacheSettingsTest,
    /// The rest of `/cache/*`.
    Cache(CacheVerb),
    /// `GET /openapi.json`.
    OpenApi,
    /// Pages, prices, what is public, trying things out.
    Operate(operate::Verb),
    /// `POST /router/explain`.
    Explain,
    /// `GET /router/decisions`.
    Decisions,
    /// `GET /router/decisions/{id}`.
    Decision,
    /// `GET /router/budgets`.
    RouterBudgets,
    /// `GET /adaptive_router/state`.
    Learned,
    /// `GET /v1/realtime`, a WebSocket.
    Realtime,
    /// `GET /v1/responses`, a WebSocket.
    ResponsesSocket,
    /// `/config/pass_through_endpoint`.
    Endpoints(stored::Verb),
    /// `POST /usage/ai/chat`.
    UsageChat,
    /// Retrieval: `/v1/rag/`.
    Rag(rag::Verb),
    /// MCP servers.
    Mcp(mcp::Verb),
    /// A2A agents.
    Agent(agents::Verb),
    /// Something that a provider keeps.
    Resource(Resource),
    /// Anything below a provider's mount goes to the provider.
    Pass(&'static Mount),
}

/// A matched route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'p> {
    /// What it does.
    pub action: Action,
    /// Who may call it.
    pub permission: Permission,
    /// Its canonical path, for logs and metrics.
    pub name: &'static str,
    /// The model named in the path.
    pub model: Option<&'p str>,
    /// The path asks for a stream, whatever the body says.
    pub streams: bool,
}

struct Row {
    method: Method,
    paths: &'static [&'static str],
    action: Action,
    permission: Permission,
}

const CHAT: Action = Action::Call(OperationKind::Generate, Format::OpenAiChat);
const COMPLETIONS: Action = Action::Call(OperationKind::Generate, Format::OpenAiCompletions);
const EMBEDDINGS: Action = Action::Call(OperationKind::Embed, Format::OpenAiEmbeddings);
const MESSAGES: Action = Action::Call(OperationKind::Generate, Format::AnthropicMessages);
const RESPONSES: Action = Action::Call(OperationKind::Generate, Format::OpenAiResponses);
const INPUT_TOKENS: Action = Action::Call(OperationKind::CountTokens, Format::OpenAiResponses);
const IMAGES: Action = Action::Call(OperationKind::Image, Format::OpenAiImages);
const IMAGE_EDITS: Action = Action::Call(OperationKind::ImageEdit, Format::OpenAiImages);
const IMAGE_VARIATIONS: Action = Action::Call(OperationKind::ImageVariation, Format::OpenAiImages);
const TRANSCRIPTIONS: Action = Action::Call(OperationKind::Transcribe, Format::OpenAiAudio);
const TRANSLATIONS: Action = Action::Call(OperationKind::Translate, Format::OpenAiAudio);
const SPEECH: Action = Action::Call(OperationKind::Speech, Format::OpenAiAudio);
const MODERATIONS: Action = Action::Call(OperationKind::Moderate, Format::OpenAiModerations);
const RERANK: Action = Action::Call(OperationKind::Rerank, Format::CohereRerank);
const OCR: Action = Action::Call(OperationKind::Ocr, Format::MistralOcr);
const SEARCH: Action = Action::Call(OperationKind::Search, Format::Search);
const VIDEOS: Action = Action::Call(OperationKind::Video, Format::OpenAiVideos);
const VIDEO_LIST: Action = Action::Call(OperationKind::VideoList, Format::OpenAiVideos);
const COUNT: Action = Action::Call(OperationKind::CountTokens, Format::AnthropicMessages);

const ENDPOINTS: &str = "/config/pass_through_endpoint";

/// The first path of a row is its canonical name.
static TABLE: &[Row] = &[
    row(Method::POST, &["/v1/chat/completions", "/chat/completions", "/queue/chat/completions"], CHAT, Permission::Llm),
    row(Method::POST, &[crate::cursor::CHAT], CHAT, Permission::Llm),
    row(Method::POST, &[crate::templates::TRY_OUT], CHAT, Permission::Admin),
    row(Method::POST, &["/v1/completions", "/completions"], COMPLETIONS, Permission::Llm),
    row(Method::POST, &["/v1/embeddings", "/embeddings"], EMBEDDINGS, Permission::Llm),
    row(Method::POST, &["/v1/messages"], MESSAGES, Permission::Llm),
    row(Method::POST, &["/v1/responses", "/responses", "/openai/v1/responses"], RESPONSES, Permission::Llm),
    row(
        Method::POST,
        &["/v1/responses/compact", "/responses/compact", "/openai/v1/responses/compact"],
        RESPONSES,
        Permission::Llm,
    ),
    row(
        Method::POST,
        &["/v1/responses/input_tokens", "/responses/input_tokens", "/openai/v1/responses/input_tokens"],
        INPUT_TOKENS,
        Permission::AnyKey,
    ),
    row(Method::POST, &["/v1/images/generations", "/images/generations"], IMAGES, Permission::Llm),
    row(Method::POST, &["/v1/images/edits", "/images/edits"], IMAGE_EDITS, Permission::Llm),
    row(Method::POST, &["/v1/images/variations", "/images/variations"], IMAGE_VARIATIONS, Permission::Llm),
    row(Method::POST, &["/v1/audio/transcriptions", "/audio/transcriptions"], TRANSCRIPTIONS, Permission::Llm),
    row(Method::POST, &["/v1/audio/translations", "/audio/translations"], TRANSLATIONS, Permission::Llm),
    row(Method::POST, &["/v1/audio/speech", "/audio/speech"], SPEECH, Permission::Llm),
    row(Method::POST, &["/v1/moderations", "/moderations"], MODERATIONS, Permission::Llm),
    row(Method::POST, &["/v1/rerank", "/v2/rerank", "/rerank"], RERANK, Permission::Llm),
    row(Method::POST, &["/v1/ocr", "/ocr"], OCR, Permission::Llm),
    row(Method::POST, &["/v1/search", "/search"], SEARCH, Permission::Llm),
    row(Method::GET, &["/v1/search/tools", "/search/tools"], Action::SearchTools, Permission::AnyKey),
    row(Method::POST, &["/usage/ai/chat"], Action::UsageChat, Permission::AnyKey),
    row(Method::POST, &["/v1/rag/ingest", "/rag/ingest"], Action::Rag(rag::Verb::Ingest), Permission::Llm),
    row(Method::POST, &["/v1/rag/query", "/rag/query"], Action::Rag(rag::Verb::Query), Permission::Llm),
    row(Method::POST, &["/v1/videos", "/videos"], VIDEOS, Permission::Llm),
    row(Method::GET, &["/v1/videos", "/videos"], VIDEO_LIST, Permission::Llm),
    row(Method::POST, &["/v1/messages/count_tokens"], COUNT, Permission::AnyKey),
    row(
        Method::GET,
        &["/v1/models", "/models", "/cursor/models", "/cursor/v1/models"],
        Action::Models,
        Permission::AnyKey,
    ),
    row(Method::GET, &["/model/info", "/v1/model/info"], Action::ModelInfo, Permission::AnyKey),
    row(Method::GET, &["/v2/model/info"], Action::ModelInfoPages, Permission::AnyKey),
    row(Method::GET, &["/model_group/info"], Action::ModelGroupInfo, Permission::AnyKey),
    row(Method::POST, &["/utils/token_counter"], Action::TokenCounter, Permission::AnyKey),
    row(Method::POST, &["/utils/transform_request"], Action::TransformRequest, Permission::AnyKey),
    row(Method::GET, &["/utils/supported_openai_params"], Action::SupportedParams, Permission::AnyKey),
    row(Method::GET, &["/health"], Action::Health, Permission::AnyKey),
    row(Method::GET, &["/health/liveliness", "/health/liveness"], Action::Liveliness, Permission::Public),
    row(Method::GET, &["/health/readiness"], Action::Readiness, Permission::Public),
    row(Method::GET, &["/metrics", "/metrics/"], Action::Metrics, Permission::AnyKey),
    row(Method::GET, &["/test"], Action::Test, Permission::Public),
    row(Method::GET, &["/routes"], Action::Routes, Permission::Public),
    row(Method::GET, &["/"], Action::Home, Permission::Public),
    row(Method::GET, &["/cache/ping"], Action::Cache(CacheVerb::Ping), Permission::Admin),
    row(Method::GET, &["/cache/settings"], Action::CacheSettings, Permission::Admin),
    row(Method::POST, &["/cache/settings/test"], Action::CacheSettingsTest, Permission::Admin),
    row(Method::POST, &["/cache/delete"], Action::Cache(CacheVerb::Delete), Permission::Admin),
    row(Method::POST, &["/cache/flushall"], Action::Cache(CacheVerb::Flush), Permission::Admin),
    row(Method::GET, &["/cache/redis/info"], Action::Cache(CacheVerb::Info), Permission::Admin),
    row(Method::GET, &["/v1/realtime", "/realtime", "/openai/v1/realtime"], Action::Realtime, Permission::Llm),
    row(
        Method::GET,
        &["/v1/responses", "/responses", "/openai/v1/responses"],
        Action::ResponsesSocket,
        Permission::Llm,
    ),
    row(Method::GET, &[ENDPOINTS], Action::Endpoints(stored::Verb::List), Permission::Admin),
    row(Method::POST, &[ENDPOINTS], Action::Endpoints(stored::Verb::Create), Permission::Admin),
    row(Method::DELETE, &[ENDPOINTS], Action::Endpoints(stored::Verb::Delete), Permission::Admin),
    row(Method::POST, &["/router/explain"], Action::Explain, Permission::Admin),
    row(Method::GET, &["/router/decisions"], Action::Decisions, Permission::Admin),
    row(Method::GET, &["/router/budgets"], Action::RouterBudgets, Permission::Admin),
    row(Method::GET, &["/adaptive_router/state"], Action::Learned, Permission::Admin),
    row(Method::GET, &["/openapi.json"], Action::OpenApi, Permission::Public),
];

const fn row(method: Method, paths: &'static [&'static str], action: Action, permission: Permission) -> Row {
    Row { method, paths, action, permission }
}

/// Paths with a model in the middle: what stands before it, what behind it, and the row they stand for.
const WITH_MODEL: &[(&str, &str, &str)] = &[
    ("/engines/", "/chat/completions", "/v1/chat/completions"),
    ("/openai/deployments/", "/chat/completions", "/v1/chat/completions"),
    ("/engines/", "/completions", "/v1/completions"),
    ("/openai/deployments/", "/completions", "/v1/completions"),
    ("/engines/", "/embeddings", "/v1/embeddings"),
    ("/openai/deployments/", "/embeddings", "/v1/embeddings"),
    ("/openai/deployments/", "/images/generations", "/v1/images/generations"),
    ("/openai/deployments/", "/images/edits", "/v1/images/edits"),
    ("/openai/deployments/", "/audio/transcriptions", "/v1/audio/transcriptions"),
    ("/openai/deployments/", "/audio/translations", "/v1/audio/translations"),
    ("/openai/deployments/", "/audio/speech", "/v1/audio/speech"),
    ("/v1/search/", "", "/v1/search"),
    ("/search/", "", "/v1/search"),
];

/// Finds the route of a request.
#[must_use]
pub fn find<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let plain = |path: &str| TABLE.iter().find(|r| r.paths.contains(&path) && accepts(r, method));
    if let Some(row) = plain(path) {
        return Some(Route::of(row, None));
    }
    if let Some(route) = crate::google::find(method, path).or_else(|| crate::responses::find(method, path)) {
        return Some(route);
    }
    for (before, behind, canonical) in WITH_MODEL {
        if let Some(model) = path.strip_prefix(before).and_then(|p| p.strip_suffix(behind))
            && !model.is_empty()
        {
            return plain(canonical).map(|row| Route::of(row, Some(model)));
        }
    }
    operated(method, path)
        .or_else(|| video(method, path))
        .or_else(|| one_model(method, path))
        .or_else(|| one_endpoint(method, path))
        .or_else(|| one_decision(method, path))
        .or_else(|| crate::resources::find(method, path))
        .or_else(|| mounted(method, path))
        .or_else(|| agents::find(method, path))
        .or_else(|| mcp::find(method, path))
}

fn operated(method: &Method, path: &str) -> Option<Route<'static>> {
    let get = if *method == Method::HEAD { &Method::GET } else { method };
    let (_, paths, verb, permission) = operate::ROWS.iter().find(|(m, paths, ..)| m == get && paths.contains(&path))?;
    let name = paths.first().copied().unwrap_or("/");
    Some(Route { action: Action::Operate(*verb), permission: *permission, name, model: None, streams: false })
}

fn one_model<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let model = path.strip_prefix("/v1/models/").or_else(|| path.strip_prefix("/models/")).filter(|m| !m.is_empty())?;
    (*method == Method::GET).then_some(Route {
        action: Action::Model,
        permission: Permission::AnyKey,
        name: "/v1/models/{model_id}",
        model: Some(model),
        streams: false,
    })
}

/// An endpoint of the database is changed, or those that a team may call are listed.
fn one_endpoint<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let rest = path.strip_prefix(ENDPOINTS)?.strip_prefix('/').filter(|rest| !rest.is_empty())?;
    let (verb, name, id) = match (method, rest.strip_prefix("team/")) {
        (&Method::GET, Some(team)) => (stored::Verb::OfTeam, "/config/pass_through_endpoint/team/{team_id}", team),
        (&Method::POST, _) => (stored::Verb::Update, "/config/pass_through_endpoint/{endpoint_id}", rest),
        _ => return None,
    };
    let action = Action::Endpoints(verb);
    Some(Route { action, permission: Permission::Admin, name, model: Some(id), streams: false })
}

/// A decision of the router.
fn one_decision<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let id = path.strip_prefix("/router/decisions/").filter(|id| !id.is_empty() && *method == Method::GET)?;
    let (action, permission) = (Action::Decision, Permission::Admin);
    Some(Route { action, permission, name: "/router/decisions/{decision_id}", model: Some(id), streams: false })
}

/// A path below a provider's mount: any method that an API may have.
fn mounted(method: &Method, path: &str) -> Option<Route<'static>> {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];
    let (mount, _) = passthrough::find(path).filter(|_| known.contains(method))?;
    let (action, permission) = (Action::Pass(mount), Permission::Llm);
    Some(Route { action, permission, name: mount.route, model: None, streams: false })
}

/// A route about one video; its id stands in for the model, which it names.
fn video<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let rest = path.strip_prefix("/v1/videos/").or_else(|| path.strip_prefix("/videos/"))?;
    let about = |kind, name, id: &'p str| Route {
        action: Action::Call(kind, Format::OpenAiVideos),
        permission: Permission::Llm,
        name,
        model: Some(id),
        streams: false,
    };
    let tail = |end: &str| rest.strip_suffix(end).filter(|id| !id.is_empty());
    match *method {
        Method::GET => Some(match tail("/content") {
            Some(id) => about(OperationKind::VideoContent, "/v1/videos/{video_id}/content", id),
            None => about(OperationKind::VideoStatus, "/v1/videos/{video_id}", tail("")?),
        }),
        Method::DELETE => Some(about(OperationKind::VideoDelete, "/v1/videos/{video_id}", tail("")?)),
        Method::POST => Some(about(OperationKind::VideoRemix, "/v1/videos/{video_id}/remix", tail("/remix")?)),
        _ => None,
    }
}

/// True for a path of the table, whatever the method.
#[must_use]
pub fn known(path: &str) -> bool {
    TABLE.iter().any(|r| r.paths.contains(&path))
}

/// The methods of a path of the table, as `Allow` lists them.
#[must_use]
pub fn methods(path: &str) -> String {
    let mut names: Vec<&str> = TABLE.iter().filter(|r| r.paths.contains(&path)).map(|r| r.method.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn accepts(row: &Row, method: &Method) -> bool {
    row.method == *method || (row.method == Method::GET && *method == Method::HEAD)
}

impl<'p> Route<'p> {
    fn of(row: &Row, model: Option<&'p str>) -> Self {
        let name = row.paths.first().copied().unwrap_or("/");
        Self { action: row.action, permission: row.permission, name, model, streams: false }
    }
}

#[cfg(test)]
mod tests;
