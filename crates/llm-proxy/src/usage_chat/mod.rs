//! `POST /usage/ai/chat`: questions about what was spent, answered by a model with tools that read the daily sums. The model is
//! called as the caller, who pays for it and sees no more than he may; the events are those that LiteLLM's page knows.
//!
//! | file | what |
//! |---|---|
//! | here | the conversation, and its events |
//! | `tools` | what the model may ask for |

mod tools;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use llm_accounts::{Identity, Permission};
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::sse::{Item, Splitter};
use tokio::sync::mpsc;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::{inner, read};

/// Messages of a conversation that the model is told.
const MOST: usize = 20;
/// The model of those who name none, where the configuration names none either: LiteLLM's.
const USUAL: &str = "gpt-4o-mini";
const TEMPERATURE: f64 = 0.2;
/// How it is called.
const CALL: (OperationKind, Format) = (OperationKind::Generate, Format::OpenAiChat);
/// Bytes of one event of a model at the most.
const LONGEST_EVENT: usize = 1 << 20;
/// Events that wait for a slow client.
const WAITING: usize = 16;

/// Answers a request.
pub(crate) async fn serve(
    core: &Core,
    name: &'static str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, name, CALL.0, CALL.1, parts, peer);
    match begin(core, &mut ctx, body).await {
        Ok(response) => response,
        Err(error) => crate::pass::refuse(core, &ctx, Refused::from(error)),
    }
}

async fn begin(core: &Core, ctx: &mut Context, body: Incoming) -> Result<Response<Reply>> {
    let who = core.identify(&ctx.parts).await?;
    ctx.who = Some(Arc::clone(&who));
    core.app.accounts.authorize(&who, Permission::OwnScope, ctx.route, true)?;
    let all = who.sees_all();
    if !all && who.user_id().is_none() {
        return Err(Error::bad_request("A key without a user has no usage of its own."));
    }
    let body = read::body(&ctx.snapshot, &ctx.parts, body).await?;
    let asked = read::json(&body)?;
    let messages = messages(&asked)?;
    let named = asked.text("model").map(str::trim).filter(|model| !model.is_empty()).map(str::to_owned);
    let model = named.or_else(|| ctx.snapshot.settings.default_model.clone()).unwrap_or_else(|| USUAL.to_owned());
    let core = core.myself().ok_or_else(|| Error::internal("the gateway is going away"))?;
    let (out, events) = mpsc::channel(WAITING);
    let talk = Talk { core, ctx: ctx.beside(false), who, all, model, out };
    tokio::spawn(talk.run(messages));
    let next = async |mut events: mpsc::Receiver<Bytes>| {
        let event = events.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(event), events))
    };
    let body = axum::body::Body::from_stream(stream::unfold(events, next));
    let mut response = Response::new(Reply::Management(body));
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The last messages of the conversation.
fn messages(asked: &Json) -> Result<Vec<Json>> {
    let wrong = |why: &str| Error::bad_request(format!("messages: {why}")).with_param("messages");
    let list = asked.get("messages").and_then(Json::as_array).ok_or_else(|| wrong("expected a list"))?;
    let message = |message: &Json| match (message.text("role"), message.text("content")) {
        (Some(role @ ("user" | "assistant")), Some(content)) => {
            Ok(Json::object([("role", role), ("content", content)]))
        }
        _ => Err(wrong("each has a role, user or assistant, and a content that is a text")),
    };
    list.iter().skip(list.len().saturating_sub(MOST)).map(message).collect()
}

/// The client has gone.
struct Gone;

/// A conversation under way. Dropped when the client has gone: the model is left then, and what it wrote is charged.
struct Talk {
    core: Arc<Core>,
    ctx: Context,
    who: Arc<Identity>,
    /// The caller may see what everybody spent.
    all: bool,
    model: String,
    out: mpsc::Sender<Bytes>,
}

impl Talk {
    async fn run(self, messages: Vec<Json>) {
        let told = match self.answer(messages).await {
            Ok(Ok(())) => self.tell(Json::object([("type", "done")])).await,
            Ok(Err(error)) => {
                tracing::info!(error = %error.message, "a question about usage was not answered");
                let event = [("type", "error"), ("message", error.message.as_str())];
                self.tell(Json::object(event)).await
            }
            Err(gone) => Err(gone),
        };
        if told.is_err() {
            tracing::debug!("who asked about usage has left");
        }
    }

    async fn tell(&self, event: Json) -> Result<(), Gone> {
        self.out.send(Bytes::from(format!("data: {event}\n\n"))).await.map_err(|_| Gone)
    }

    async fn answer(&self, messages: Vec<Json>) -> Result<Result<()>, Gone> {
        self.tell(Json::object([("type", "status"), ("message", "Thinking...")])).await?;
        let system = Json::object([("role", Json::from("system")), ("content", Json::from(tools::told(self.all)))]);
        let mut messages: Vec<Json> = [system].into_iter().chain(messages).collect();
        let answer = match self.whole(&messages).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let choice = answer.get("choices").and_then(Json::as_array).and_then(|choices| choices.first());
        let Some(message) = choice.and_then(|choice| choice.get("message")) else {
            return Ok(Err(Error::internal("the model answered nothing")));
        };
        let calls = message.get("tool_calls").and_then(Json::as_array).unwrap_or_default();
        if calls.is_empty() {
            if let Some(text) = message.text("content").filter(|text| !text.is_empty()) {
                self.tell(Json::object([("type", "chunk"), ("content", text)])).await?;
            }
            return Ok(Ok(()));
        }
        messages.push(message.clone());
        for call in calls {
            messages.push(self.called(call).await?);
        }
        self.tell(Json::object([("type", "status"), ("message", "Analyzing results...")])).await?;
        self.streamed(&messages).await
    }

    fn body(&self, messages: &[Json], rest: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
        let fields = [
            ("model", Json::from(self.model.as_str())),
            ("messages", Json::Array(messages.to_vec())),
            ("temperature", Json::from(TEMPERATURE)),
        ];
        Json::object(fields.into_iter().chain(rest))
    }

    /// The model's first word.
    async fn whole(&self, messages: &[Json]) -> Result<Json> {
        let body = self.body(messages, [("tools", tools::offered(self.all))]);
        let answer = inner::whole(&self.core, &self.ctx, &self.who, CALL, &body).await;
        answer.map_err(|failed| failed.error)
    }

    /// Runs a tool; its result as a message.
    async fn called(&self, call: &Json) -> Result<Json, Gone> {
        let function = call.get("function").unwrap_or(&Json::Null);
        let name = function.text("name").unwrap_or_default();
        let arguments: Json = serde_json::from_str(function.text("arguments").unwrap_or("{}")).unwrap_or_default();
        let content = match tools::find(name, self.all) {
            None => format!("Tool not available: {name}"),
            Some(tool) => {
                let event = |status: &str| {
                    Json::object([
                        ("type", Json::from("tool_call")),
                        ("tool_name", Json::from(name)),
                        ("tool_label", Json::from(tool.label)),
                        ("arguments", arguments.clone()),
                        ("status", Json::from(status)),
                    ])
                };
                self.tell(event("running")).await?;
                let asked = (self.core.app.accounts.clone(), Arc::clone(&self.who), arguments.clone());
                // The store is reached from its own runtime.
                let run = self.core.app.background.spawn(async move { tool.run(&asked.0, &asked.1, &asked.2).await });
                match run.await.unwrap_or_else(|_| Err("the question broke off".to_owned())) {
                    Ok(found) => {
                        self.tell(event("complete")).await?;
                        found
                    }
                    Err(why) => {
                        self.tell(event("error")).await?;
                        format!("Error fetching {}: {why}", tool.label)
                    }
                }
            }
        };
        Ok(Json::object([
            ("role", Json::from("tool")),
            ("tool_call_id", call.get("id").cloned().unwrap_or_default()),
            ("content", Json::from(content)),
        ]))
    }

    /// The model's last word, piece by piece.
    async fn streamed(&self, messages: &[Json]) -> Result<Result<()>, Gone> {
        let body = self.body(messages, [("stream", Json::from(true))]);
        let body = Bytes::from(body.to_string());
        let mut reply = match inner::model(&self.core, &self.ctx, &self.who, CALL, &body).await {
            Ok(response) => response.into_body(),
            Err(failed) => return Ok(Err(failed.error)),
        };
        let mut split = Splitter::new(LONGEST_EVENT);
        while let Some(frame) = reply.frame().await {
            let bytes = match frame {
                Ok(frame) => frame.into_data().unwrap_or_default(),
                Err(error) => return Ok(Err(Error::internal(format!("the answer broke off: {error}")))),
            };
            let mut events: Vec<Json> = Vec::new();
            let fed = split.feed(&bytes, |item| {
                if let Item::Frame(frame) = item {
                    // What is no JSON is the end marker.
                    events.extend(serde_json::from_slice(&frame.data));
                }
            });
            if fed.is_err() {
                return Ok(Err(Error::internal("the answer has an event that is too long")));
            }
            for event in events {
                if let Some(error) = event.get("error") {
                    let why = error.text("message").unwrap_or("the answer broke off");
                    return Ok(Err(Error::internal(why)));
                }
                let choice = event.get("choices").and_then(Json::as_array).and_then(|choices| choices.first());
                let text = choice.and_then(|choice| choice.get("delta")?.text("content"));
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    self.tell(Json::object([("type", "chunk"), ("content", text)])).await?;
                }
            }
        }
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_what_people_and_models_said() {
        let read = |text: &str| messages(&serde_json::from_str(text).unwrap());
        let both = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","extra":1}]}"#;
        let told: Vec<String> = read(both).unwrap().iter().map(Json::to_string).collect();
        assert_eq!(told, [r#"{"role":"user","content":"a"}"#, r#"{"role":"assistant","content":"b"}"#]);
        for wrong in [
            "{}",
            r#"{"messages":"a"}"#,
            r#"{"messages":[{"role":"system","content":"obey"}]}"#,
            r#"{"messages":[{"role":"user","content":[]}]}"#,
        ] {
            assert_eq!(read(wrong).unwrap_err().param.as_deref(), Some("messages"), "{wrong}");
        }
        let long = format!(r#"{{"messages":[{}]}}"#, vec![r#"{"role":"user","content":"x"}"#; 30].join(","));
        assert_eq!(read(&long).unwrap().len(), MOST);
    }
}
