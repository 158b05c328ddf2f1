//! Agents that are asked like a model (`litellm_params.custom_llm_provider`): a message becomes a conversation, its answer a
//! message. The words are those of A2A 0.3 and 1.0 (<https://a2a-protocol.org/latest/specification/>), the events of a stream
//! LiteLLM's; they come together, when the answer is there.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Response};
use llm_accounts::Identity;
use llm_client::engine::Open;
use llm_client::{Answer, Call, Engine, RelayHead, Report, Target, TargetConfig};
use llm_guardrails::Mode;
use llm_router::{Deployment, Router, RouterSettings};
use llm_types::record::Cost;
use llm_types::{Error, Format, Json, Kind, OperationKind};
use uuid::Uuid;

use super::call;
use super::message::{self, Message};
use super::{Agent, headers};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass;
use crate::pass::judged::Judge;

/// Parameters that are the agent's own, and none of the model's.
const OF_AGENT: [&str; 13] = [
    "custom_llm_provider",
    "model",
    "is_public",
    "agent_name",
    "agent_id",
    "agent_card_params",
    "cost_per_query",
    "guardrails",
    "require_trace_id_on_calls_to_agent",
    "require_trace_id_on_calls_by_agent",
    "max_iterations",
    "max_budget_per_session",
    "make_public",
];

/// Where an agent with these parameters is asked; `url`: the address of its card.
///
/// # Errors
/// Why there is no such place.
pub(super) fn target(
    provider: &str,
    params: &Json,
    url: Option<&str>,
    prices: &llm_catalog::Catalog,
) -> Result<Target, Error> {
    let named = params.text("model").filter(|model| !model.is_empty()).unwrap_or("agent");
    let whole = format!("{provider}/");
    let model = if named.starts_with(&whole) { named.to_owned() } else { whole + named };
    let mut all = vec![("model".to_owned(), Json::from(model))];
    let own = params.as_object().unwrap_or_default().iter();
    all.extend(own.filter(|(name, _)| !OF_AGENT.contains(&name.as_str())).cloned());
    if let Some(url) = url.filter(|_| params.get("api_base").is_none_or(Json::is_null)) {
        all.push(("api_base".to_owned(), Json::from(url)));
    }
    Target::new(&TargetConfig { params: all, info: Vec::new() }, prices)
}

/// What is said, and what is to be said along with the answer.
struct Said {
    role: &'static str,
    text: String,
    /// The message, as it came.
    message: Json,
    metadata: Json,
}

/// Reads the message of a request; a text for the client where it is none.
fn said(body: &Bytes) -> Result<Said, String> {
    let tree: Json = serde_json::from_slice(body).map_err(|_| "the body is no JSON".to_owned())?;
    let params = tree.get("params").cloned().unwrap_or_default();
    let message = params.get("message").filter(|message| message.as_object().is_some()).cloned();
    let message = message.ok_or_else(|| "params.message has to be an object".to_owned())?;
    let mut texts = Vec::new();
    for part in message.get("parts").and_then(Json::as_array).unwrap_or_default() {
        let kind = part.text("kind").filter(|kind| !kind.is_empty()).unwrap_or("text");
        match part.text("text").filter(|_| kind == "text") {
            Some(text) => texts.push(text),
            None => return Err("this agent is asked through a provider and takes parts of text only".to_owned()),
        }
    }
    if texts.is_empty() {
        return Err("params.message.parts has to have a text".to_owned());
    }
    let role = message.text("role").unwrap_or_default().to_ascii_lowercase();
    let role = match role.strip_prefix("role_").unwrap_or(&role) {
        "agent" | "assistant" => "assistant",
        "system" => "system",
        _ => "user",
    };
    let mut metadata = Json::Object(Vec::new());
    for place in [params.get("metadata"), message.get("metadata")].into_iter().flatten() {
        place.as_object().unwrap_or_default().iter().for_each(|(name, value)| metadata.set(name, value.clone()));
    }
    Ok(Said { role, text: texts.join("\n"), message, metadata })
}

/// Answers a message.
pub(super) async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    (agent, target): (&Agent, &Arc<Target>),
    (message, body): (&Message, Bytes),
) -> Result<Response<Reply>, Refused> {
    if !message.says() {
        let why = format!("Agent '{}' is asked through a provider: it has messages and no tasks", agent.name);
        return Ok(message::error(400, &message.id, message::NOT_SERVED, &why));
    }
    let reservation = call::admit(core, ctx, who, path, agent, message).await?;
    let judge = match Judge::of_names(ctx, &agent.guardrails) {
        Ok(judge) => judge,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    let body = match call::judge_request(ctx, judge.as_ref(), body).await {
        Ok(body) => body,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    let said = match said(&body) {
        Ok(said) => said,
        Err(why) => return Ok(message::error(400, &message.id, message::INVALID_PARAMS, &why)),
    };
    let (from, text, mut report) = match ask(core, ctx, who, (agent, target, judge.as_ref()), &said).await {
        Ok(asked) => asked,
        Err(error) => return Err(Refused::after(error, reservation)),
    };
    if agent.cost > 0.0 {
        report.cost = Cost { total: agent.cost, original: agent.cost, ..Cost::default() };
        report.cost_problem = None;
    }
    let facts = call::facts(who, agent, message);
    let mut tail = Box::new(pass::tail::RelayTail::new(core, ctx, from.clone(), facts, Some(reservation)));
    let result = Bytes::from(result(message, &text).to_string());
    let judged = match judge.as_ref().filter(|judge| judge.guards.has(Mode::PostCall)) {
        Some(judge) => pass::judged::passed(ctx, judge, &http::HeaderMap::new(), result).await.map(|(bytes, _)| bytes),
        None => Ok(result),
    };
    tail.judged(&ctx.guardrails);
    let bytes = match judged {
        Ok(bytes) => bytes,
        Err(error) => {
            report.error = Some(error.clone());
            llm_client::Tail::done(tail, report);
            return Ok(crate::pass::stopped(ctx, error));
        }
    };
    llm_client::Tail::done(tail, report);
    let mut response = Response::new(());
    let (kind, bytes) = match message.streams() {
        true => ("text/event-stream", events(message, &said, &bytes)),
        false => ("application/json", whole(message, &bytes)),
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(pass::headers::response(ctx, response.into_parts().0, &from, Reply::Whole(bytes)))
}

/// Asks the provider.
async fn ask(
    core: &Core,
    ctx: &Context,
    who: &Identity,
    (agent, target, judge): (&Agent, &Arc<Target>, Option<&Judge<'_>>),
    said: &Said,
) -> Result<(RelayHead, String, Box<Report>), Error> {
    let group: Arc<str> = Arc::from(format!("{}{}", call::MODEL, agent.name));
    let turn = Json::object([("role", said.role), ("content", said.text.as_str())]);
    let mut body = Json::object([("model", Json::from(&*group)), ("messages", Json::Array(vec![turn]))]);
    if said.metadata.as_object().is_some_and(|fields| !fields.is_empty()) {
        body.set("metadata", said.metadata.clone());
    }
    let body = Bytes::from(body.to_string());
    let mut call = Call::new(OperationKind::Generate, Format::OpenAiChat, body, Arc::clone(&group));
    call.route = ctx.route;
    call.id = Arc::from(&*ctx.id);
    let told = headers::of(ctx, who, agent, judge, false);
    // Who calls is told to agents of the house, not to whoever sells the model.
    let own = |name: &str| name.starts_with("x-litellm-") || name == "a2a-version";
    let told = told.iter().filter(|(name, _)| ![CONTENT_TYPE, ACCEPT].contains(name) && !own(name.as_str()));
    call.headers = told.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
    // Its own: no other deployment answers for an agent, and nobody is routed to it.
    let mut only = Deployment::new(agent.id.as_str(), Arc::clone(&group), Arc::clone(&target.model));
    only.payload = Some(Arc::clone(target) as Arc<dyn std::any::Any + Send + Sync>);
    let router = Arc::new(Router::new(vec![only], RouterSettings::default()));
    let engine = Engine { router, ..ctx.snapshot.engine.clone() };
    let answer = engine.answer(&core.http, &call, &Open).await.map_err(|failure| failure.error)?;
    let Answer::Whole { head, body, report } = answer else {
        return Err(Error::internal("an answer of an agent that is a stream"));
    };
    let tree: Json = serde_json::from_slice(&body)
        .map_err(|_| Error::new(Kind::InvalidReply, "the agent's answer is no JSON").with_status(502))?;
    let choice = tree.get("choices").and_then(Json::as_array).and_then(<[Json]>::first);
    let text = choice.and_then(|choice| choice.get("message")?.text("content")).unwrap_or_default().to_owned();
    let from = RelayHead {
        deployment: None,
        url: head.api_base.clone().unwrap_or_else(|| Arc::from("")),
        sent: head.sent,
        took: head.upstream,
        retries: head.retries,
        failed: head.trail.failed.clone(),
        decision: None,
    };
    Ok((from, text, report))
}

/// The message that an agent answers with.
fn result(asked: &Message, text: &str) -> Json {
    let id = Json::from(Uuid::new_v4().simple().to_string());
    let text = Json::from(text);
    if asked.newer {
        let part = Json::object([("text", text)]);
        let fields = [("messageId", id), ("role", Json::from("ROLE_AGENT")), ("parts", Json::Array(vec![part]))];
        return Json::object([("message", Json::object(fields))]);
    }
    let part = Json::object([("kind", Json::from("text")), ("text", text)]);
    Json::object([
        ("kind", Json::from("message")),
        ("role", Json::from("agent")),
        ("parts", Json::Array(vec![part])),
        ("messageId", id),
    ])
}

/// An answer of JSON-RPC.
fn whole(asked: &Message, result: &Bytes) -> Bytes {
    let result = String::from_utf8_lossy(result);
    Bytes::from(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", asked.id))
}

/// The events of a stream: of 1.0 the message; of 0.3 a task, that it is worked on, what it made, its end.
fn events(asked: &Message, said: &Said, result: &Bytes) -> Bytes {
    let mut out = String::new();
    let mut event = |result: &str| {
        let id = &asked.id;
        out.push_str(&format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n\n"));
    };
    let text = String::from_utf8_lossy(result);
    if asked.newer {
        event(&text);
        return Bytes::from(out);
    }
    let (task, context) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let parts = serde_json::from_slice::<Json>(result).ok().and_then(|message| message.get("parts").cloned());
    let with = |kind: &str, more: Vec<(&'static str, Json)>| {
        let mut out = Json::object([("contextId", context.as_str()), ("kind", kind)]);
        more.into_iter().for_each(|(name, value)| out.set(name, value));
        out
    };
    let state =
        |state: &str| Json::object([("state", state.to_owned()), ("timestamp", chrono::Utc::now().to_rfc3339())]);
    let mut first = said.message.clone();
    for (name, value) in [("kind", "message"), ("contextId", &context), ("taskId", &task)] {
        first.set(name, value);
    }
    let begun = vec![
        ("id", Json::from(task.as_str())),
        ("history", Json::Array(vec![first])),
        ("status", Json::object([("state", "submitted")])),
    ];
    let status = |word: &str, last: bool| {
        let more = vec![("taskId", Json::from(task.as_str())), ("status", state(word)), ("final", Json::from(last))];
        with("status-update", more).to_string()
    };
    let artifact = Json::object([
        ("artifactId", Json::from(Uuid::new_v4().to_string())),
        ("name", Json::from("response")),
        ("parts", parts.unwrap_or_default()),
    ]);
    event(&with("task", begun).to_string());
    event(&status("working", false));
    event(&with("artifact-update", vec![("taskId", Json::from(task.as_str())), ("artifact", artifact)]).to_string());
    event(&status("completed", true));
    Bytes::from(out)
}
