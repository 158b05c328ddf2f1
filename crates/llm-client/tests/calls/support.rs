//! Engines over deployments, calls, and answers read to their end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use llm_client::engine::Open;
use llm_client::{
    Answer, Call, Engine, EngineSettings, Failure, Gate, Head, Prices, Report, StreamBody, Target, TargetConfig,
};
use llm_http::{HttpClient, HttpConfig, ProxyConfig};
use llm_router::{Deployment, Router};
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_types::{Error, Format, Json, OperationKind};
use serde_json::{Value, json};

pub(crate) async fn sim() -> Running {
    Simulator::start(SimulatorConfig { lenient: true, ..SimulatorConfig::default() }).await.unwrap()
}

pub(crate) fn http() -> HttpClient {
    HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() })
}

fn fields(value: &Value) -> Vec<(String, Json)> {
    let fields = value.as_object().unwrap().iter();
    fields.map(|(k, v)| (k.clone(), serde_json::from_str(&v.to_string()).unwrap())).collect()
}

/// A deployment of these `litellm_params`; a key is added where there is none.
pub(crate) fn deployment(id: &str, group: &str, params: &Value) -> Deployment {
    deployment_with(id, group, params, &json!({}))
}

pub(crate) fn deployment_with(id: &str, group: &str, params: &Value, info: &Value) -> Deployment {
    let mut params = params.clone();
    params.as_object_mut().unwrap().entry("api_key").or_insert(json!("sk-upstream"));
    let config = TargetConfig { params: fields(&params), info: fields(info) };
    let target = Target::new(&config, &Prices::Builtin).unwrap();
    let mut out = Deployment::new(id, group, params["model"].as_str().unwrap());
    out.payload = Some(Arc::new(target));
    out
}

pub(crate) fn engine(deployments: Vec<Deployment>) -> Engine {
    routed(deployments, &json!({ "num_retries": 0 }))
}

/// An engine with these `router_settings`.
pub(crate) fn routed(deployments: Vec<Deployment>, settings: &Value) -> Engine {
    let settings = serde_json::from_value(settings.clone()).unwrap();
    let router = Arc::new(Router::new(deployments, settings));
    Engine { router, prices: Prices::Builtin, settings: EngineSettings::default() }
}

/// A call as the gateway would make it of this body.
pub(crate) fn call(format: Format, body: &[u8]) -> Call {
    let read: Value = serde_json::from_slice(body).unwrap();
    let operation = if format == Format::OpenAiEmbeddings { OperationKind::Embed } else { OperationKind::Generate };
    let model = read["model"].as_str().unwrap_or_default().to_owned();
    let mut call = Call::new(operation, format, Bytes::copy_from_slice(body), model);
    call.stream = read["stream"] == true;
    call.include_usage = format != Format::OpenAiChat || read["stream_options"]["include_usage"] == true;
    call.id = "call-1".into();
    call
}

pub(crate) fn chat(body: &Value) -> Call {
    call(Format::OpenAiChat, body.to_string().as_bytes())
}

pub(crate) fn messages(body: &Value) -> Call {
    call(Format::AnthropicMessages, body.to_string().as_bytes())
}

/// One user message to the model `smart`, in the format's smallest body.
pub(crate) fn ask(format: Format, text: &str, stream: bool) -> Call {
    let mut body = json!({ "model": "smart", "messages": [{ "role": "user", "content": text }] });
    if format == Format::AnthropicMessages {
        body["max_tokens"] = json!(256);
    }
    if stream {
        body["stream"] = json!(true);
    }
    call(format, body.to_string().as_bytes())
}

/// What a client has in hand at the end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) head: Head,
    pub(crate) bytes: Bytes,
    pub(crate) report: Report,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The events of a stream.
    pub(crate) fn events(&self) -> Vec<Event> {
        events(&self.text())
    }
}

pub(crate) async fn answer(engine: &Engine, call: &Call) -> Result<Got, Failure> {
    answer_at(engine, call, &Open).await
}

/// Answers and reads the answer to its end.
pub(crate) async fn answer_at(engine: &Engine, call: &Call, gate: &dyn Gate) -> Result<Got, Failure> {
    let http = http();
    let answered = within(engine.answer(&http, call, gate)).await?;
    Ok(match answered {
        Answer::Whole { head, body, report } => Got { head, bytes: body, report: *report },
        Answer::Stream { head, body } => {
            let (bytes, mut reports) = drain(body).await;
            assert_eq!(reports.len(), 1, "a stream is settled exactly once");
            Got { head, bytes, report: reports.remove(0) }
        }
        Answer::Bytes { .. } => panic!("bytes for a conversation"),
    })
}

pub(crate) async fn refused(engine: &Engine, call: &Call) -> Error {
    match answer(engine, call).await {
        Err(failure) => failure.error,
        Ok(got) => panic!("answered: {}", got.text()),
    }
}

/// An answered call, before its stream is read.
pub(crate) async fn open(engine: &Engine, http: &HttpClient, call: &Call) -> (Box<StreamBody>, Receiver<Report>) {
    match within(engine.answer(http, call, &Open)).await.unwrap() {
        Answer::Stream { mut body, .. } => {
            let reports = watch(&mut body);
            (body, reports)
        }
        Answer::Bytes { .. } => panic!("bytes for a conversation"),
        Answer::Whole { body, .. } => panic!("not a stream: {}", String::from_utf8_lossy(&body)),
    }
}

fn watch(body: &mut StreamBody) -> Receiver<Report> {
    let (tell, told) = channel();
    body.set_tail(Box::new(move |report: Box<Report>| drop(tell.send(*report))));
    told
}

/// The next piece of a stream; nothing at its end.
pub(crate) async fn piece(body: &mut StreamBody) -> Option<Bytes> {
    let frame = within(std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await;
    frame.map(|f| f.unwrap().into_data().unwrap())
}

/// All bytes of a stream, and every report on it.
pub(crate) async fn drain(mut body: Box<StreamBody>) -> (Bytes, Vec<Report>) {
    let told = watch(&mut body);
    let mut out = Vec::new();
    while let Some(data) = piece(&mut body).await {
        out.extend_from_slice(&data);
    }
    assert!(body.is_end_stream());
    drop(body);
    (out.into(), told.iter().collect())
}

/// A test that hangs fails.
pub(crate) async fn within<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("this hangs")
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: Option<String>,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|e| panic!("{e}: {}", self.data))
    }
}

pub(crate) fn events(text: &str) -> Vec<Event> {
    let blocks = text.split("\n\n").filter(|block| block.lines().any(|l| l.starts_with("data:")));
    let field =
        |block: &str, name: &str| block.lines().find_map(|l| Some(l.strip_prefix(name)?.trim_start().to_owned()));
    blocks.map(|b| Event { name: field(b, "event:"), data: field(b, "data:").unwrap_or_default() }).collect()
}

/// What a client reads out of a stream of either format.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) signature: String,
    /// Name and arguments.
    pub(crate) tools: Vec<(String, String)>,
    pub(crate) finish: Option<String>,
    pub(crate) error: Option<Value>,
    /// End markers.
    pub(crate) ends: usize,
    pub(crate) models: Vec<String>,
    pub(crate) usage: Option<Value>,
    /// Events that are not JSON.
    pub(crate) unreadable: usize,
}

pub(crate) fn hear(format: Format, text: &str) -> Heard {
    let mut heard = Heard::default();
    for event in events(text) {
        if event.data == "[DONE]" {
            heard.ends += 1;
            continue;
        }
        let Ok(json) = serde_json::from_str::<Value>(&event.data) else {
            heard.unreadable += 1;
            continue;
        };
        if format == Format::AnthropicMessages {
            assert_eq!(event.name.as_deref(), json["type"].as_str(), "the name of the event is its type");
            heard.block(&json);
        } else {
            assert_eq!(event.name, None);
            heard.chunk(&json);
        }
    }
    heard
}

impl Heard {
    fn chunk(&mut self, json: &Value) {
        if !json["error"].is_null() {
            self.error = Some(json["error"].clone());
            return;
        }
        self.models.extend(json["model"].as_str().map(str::to_owned));
        if !json["usage"].is_null() {
            self.usage = Some(json["usage"].clone());
        }
        let choice = &json["choices"][0];
        let delta = &choice["delta"];
        self.text += delta["content"].as_str().unwrap_or_default();
        self.thinking += delta["reasoning_content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if self.tools.len() <= index {
                self.tools.push(<_>::default());
            }
            self.tools[index].0 += call["function"]["name"].as_str().unwrap_or_default();
            self.tools[index].1 += call["function"]["arguments"].as_str().unwrap_or_default();
        }
        self.finish = choice["finish_reason"].as_str().map(str::to_owned).or(self.finish.take());
    }

    fn block(&mut self, json: &Value) {
        let delta = &json["delta"];
        match json["type"].as_str().unwrap() {
            "message_start" => self.models.extend(json["message"]["model"].as_str().map(str::to_owned)),
            "content_block_start" if json["content_block"]["type"] == "tool_use" => {
                self.tools.push((json["content_block"]["name"].as_str().unwrap().to_owned(), String::new()));
            }
            "content_block_delta" => {
                self.text += delta["text"].as_str().unwrap_or_default();
                self.thinking += delta["thinking"].as_str().unwrap_or_default();
                self.signature += delta["signature"].as_str().unwrap_or_default();
                if let Some(json) = delta["partial_json"].as_str() {
                    self.tools.last_mut().unwrap().1 += json;
                }
            }
            "message_delta" => {
                self.finish = delta["stop_reason"].as_str().map(str::to_owned);
                self.usage = Some(json["usage"].clone());
            }
            "message_stop" => self.ends += 1,
            "error" => self.error = Some(json["error"].clone()),
            _ => {}
        }
    }
}
