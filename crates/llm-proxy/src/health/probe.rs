//! One tiny call to a deployment, in the way of its `mode`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use llm_client::engine::Open;
use llm_client::{Answer, Call, Engine, Target, TargetConfig};
use llm_http::Transport;
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::{Error, Format, Json, OperationKind};

use crate::snapshot::Snapshot;

/// How long a call may take where `health_check_timeout` says nothing, as in LiteLLM.
const PATIENCE: Duration = Duration::from_secs(60);
const PROMPT: &str = "test from litellm";

/// What is called: the deployment, or its `health_check_model`.
pub(super) fn target_of(deployment: &Deployment) -> Option<Arc<Target>> {
    let target = deployment.payload.clone()?.downcast::<Target>().ok()?;
    Some(target.checked_as.clone().unwrap_or(target))
}

/// How a deployment is.
pub(super) enum Condition {
    Well,
    Ill(Error),
    /// It was not called: for models of its mode there is no call that costs next to nothing.
    Unknown(String),
}

/// Makes the call.
pub(super) async fn probe(http: &dyn Transport, snapshot: &Snapshot, deployment: &Arc<Deployment>) -> Condition {
    let Some(target) = target_of(deployment) else {
        return Condition::Ill(Error::internal("a deployment without a target"));
    };
    let known = target.price(&snapshot.engine.prices, &target.model).and_then(|p| p.mode());
    let mode = target.info.str("mode").or(known).unwrap_or("chat");
    let Some((operation, format, body)) = request(mode, &target) else {
        return Condition::Unknown(format!("models of the mode {mode} are not checked"));
    };
    let limit = target.info.get("health_check_timeout").and_then(Json::as_f64).and_then(llm_client::target::seconds);
    let mut call = Call::new(operation, format, Bytes::from(body.to_string()), Arc::clone(&deployment.group));
    call.controls.num_retries = Some(0);
    call.controls.disable_fallbacks = true;
    call.controls.drop_params = Some(true);
    call.controls.timeout = Some(limit.unwrap_or(PATIENCE));
    let engine = Engine { router: Arc::new(alone(deployment, &target)), ..snapshot.engine.clone() };
    match engine.answer(http, &call, &Open).await {
        Ok(_) => Condition::Well,
        Err(failure) => Condition::Ill(failure.error),
    }
}

/// Calls a model with parameters that nobody stored; why it cannot be called, or nothing when it can.
///
/// # Errors
/// 400 for parameters that make no deployment.
pub async fn try_out(
    http: &dyn Transport,
    snapshot: &Snapshot,
    params: Vec<(String, Json)>,
    info: Vec<(String, Json)>,
) -> Result<Option<String>, Error> {
    without_references(&params)?;
    let target = Target::new(&TargetConfig { params, info }, &snapshot.engine.prices)?.tried();
    let mut deployment = Deployment::new("try-out", Arc::from("try-out"), Arc::clone(&target.model));
    deployment.payload = Some(Arc::new(target) as Arc<dyn std::any::Any + Send + Sync>);
    Ok(match probe(http, snapshot, &Arc::new(deployment)).await {
        Condition::Well => None,
        Condition::Ill(error) => Some(error.message),
        Condition::Unknown(why) => Some(why),
    })
}

/// References would make the operator's secrets those of whoever tries them out.
fn without_references(params: &[(String, Json)]) -> Result<(), Error> {
    let refers = |json: &Json| json.to_string().contains("os.environ/") || json.to_string().contains("oidc/");
    match params.iter().find(|(_, value)| refers(value)) {
        Some((name, _)) => {
            let why = format!("litellm_params.{name}: references to the environment are not resolved here");
            Err(Error::bad_request(why).with_param(name.as_str()))
        }
        None => Ok(()),
    }
}

/// What a search tool is asked that is tried out.
pub const QUERY: &str = "test";

/// How long such a search may take, as in LiteLLM.
const SEARCH_PATIENCE: Duration = Duration::from_secs(10);

/// Searches with parameters that nobody stored: how many results there are, or why there are none.
///
/// # Errors
/// 400 for parameters that make no search tool.
pub async fn try_search(
    http: &dyn Transport,
    snapshot: &Snapshot,
    provider: &str,
    params: Vec<(String, Json)>,
) -> Result<Result<usize, Error>, Error> {
    without_references(&params)?;
    let own = params.into_iter().filter(|(name, _)| !["search_provider", "model"].contains(&name.as_str()));
    let model = ("model".to_owned(), Json::from(format!("{provider}/search")));
    let config = TargetConfig { params: std::iter::once(model).chain(own).collect(), info: Vec::new() };
    let target = Arc::new(Target::new(&config, &snapshot.engine.prices)?.tried());
    let deployment = Deployment::new("try-out", Arc::from("try-out"), Arc::clone(&target.model));
    let body = Json::object([
        ("search_tool_name", Json::from("try-out")),
        ("query", Json::from(QUERY)),
        ("max_results", Json::from(1_u64)),
    ]);
    let body = Bytes::from(body.to_string());
    let mut call = Call::new(OperationKind::Search, Format::Search, body, Arc::clone(&deployment.group));
    call.controls.num_retries = Some(0);
    call.controls.drop_params = Some(true);
    call.controls.timeout = Some(SEARCH_PATIENCE);
    let engine = Engine { router: Arc::new(alone(&deployment, &target)), ..snapshot.engine.clone() };
    Ok(match engine.answer(http, &call, &Open).await {
        Ok(Answer::Whole { body, .. }) => {
            let tree: Json = serde_json::from_slice(&body).unwrap_or_default();
            Ok(tree.get("results").and_then(Json::as_array).map_or(0, <[Json]>::len))
        }
        Ok(_) => Err(Error::internal("results that are a stream")),
        Err(failure) => Err(failure.error),
    })
}

/// A router that knows this deployment only: checks move no counter of the real one.
fn alone(deployment: &Deployment, target: &Arc<Target>) -> Router {
    let mut only = Deployment::new("check", Arc::clone(&deployment.group), Arc::clone(&target.model));
    only.payload = Some(Arc::clone(target) as Arc<dyn std::any::Any + Send + Sync>);
    Router::new(vec![only], RouterSettings::default())
}

/// The smallest request of a mode.
fn request(mode: &str, target: &Target) -> Option<(OperationKind, Format, Json)> {
    let prompt = target.info.str("health_check_prompt").unwrap_or(PROMPT);
    let with =
        |fields: Vec<(&'static str, Json)>| Json::object([("model", Json::from("check"))].into_iter().chain(fields));
    Some(match mode {
        "chat" | "completion" | "responses" => {
            let message = Json::object([("role", "user"), ("content", prompt)]);
            let mut fields = vec![("messages", Json::Array(vec![message]))];
            let tokens = target.info.get("health_check_max_tokens").cloned().unwrap_or_else(|| Json::from(5_u64));
            fields.push(("max_tokens", tokens));
            if let Some(effort) = target.info.get("health_check_reasoning_effort") {
                fields.push(("reasoning_effort", effort.clone()));
            }
            (OperationKind::Generate, Format::OpenAiChat, with(fields))
        }
        "embedding" => {
            let input = Json::Array(vec![Json::from(prompt)]);
            (OperationKind::Embed, Format::OpenAiEmbeddings, with(vec![("input", input)]))
        }
        "rerank" => {
            let documents = Json::Array(vec![Json::from("my sample text")]);
            let fields = vec![("query", Json::from(prompt)), ("documents", documents)];
            (OperationKind::Rerank, Format::CohereRerank, with(fields))
        }
        "moderation" => (OperationKind::Moderate, Format::OpenAiModerations, with(vec![("input", Json::from(prompt))])),
        "image_generation" => (OperationKind::Image, Format::OpenAiImages, with(vec![("prompt", Json::from(prompt))])),
        "audio_speech" => {
            let voice = target.info.str("health_check_voice").unwrap_or("alloy");
            let fields = vec![("input", Json::from(prompt)), ("voice", Json::from(voice))];
            (OperationKind::Speech, Format::OpenAiAudio, with(fields))
        }
        _ => return None,
    })
}
