//! 17 faults x 5 client languages x streamed or not, alone and with a fallback: what the client saw, and whether the
//! fallback was asked. The table is `fixtures/faults.txt`, to be read by people; `UPDATE=1` writes it anew.

use std::fmt::Write as _;

use futures_util::stream::{self, StreamExt};
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, Reply, calls, joined_text};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What a fault is played with.
struct Row {
    name: &'static str,
    fault: &'static str,
    after: Option<usize>,
    /// Requests that meet it; nothing: all.
    times: Option<u32>,
}

const fn row(name: &'static str, fault: &'static str, after: Option<usize>, times: Option<u32>) -> Row {
    Row { name, fault, after, times }
}

/// Connections that cannot be opened are a matter of the address; everything else the simulator plays.
const ROWS: [Row; 17] = [
    row("refuse", "", None, None),
    row("tls-fail", "", None, None),
    row("reset", "reset", None, None),
    row("401", "401", None, None),
    row("429", "429", None, None),
    row("500", "500", None, None),
    row("503-then-ok", "503", None, Some(1)),
    row("slow-first-byte", "slow", None, None),
    row("cut", "cut", Some(2), None),
    row("stall", "stall", Some(2), None),
    row("malformed", "malformed", Some(2), None),
    row("error-event", "error-event", Some(2), None),
    row("wrong-type", "wrong-type", None, None),
    row("oversized-line", "oversized-line", Some(2), None),
    row("double-end", "double-end", None, None),
    row("no-end", "no-end", None, None),
    row("gzip", "gzip", None, None),
];

/// A client's language and the providers behind it: one of the same language, one of another.
struct Client {
    name: &'static str,
    providers: [&'static str; 2],
}

const CLIENTS: [Client; 5] = [
    Client { name: "chat", providers: ["openai", "anthropic"] },
    Client { name: "messages", providers: ["anthropic", "cerebras"] },
    Client { name: "responses", providers: ["openai", "anthropic"] },
    Client { name: "gemini", providers: ["gemini", "openai"] },
    Client { name: "embeddings", providers: ["openai", "gemini"] },
];

const PROVIDERS: [&str; 4] = ["openai", "anthropic", "cerebras", "gemini"];
/// Large answers come a few at a time: on a loaded machine many of them at once would run into the limit.
static LARGE: Semaphore = Semaphore::const_new(4);
const ANSWER: &str = "one two three four";
const SPARE: &str = "from the spare";
/// For faults that end by it: short enough to wait for.
const SHORT: [&str; 2] = ["timeout: 5", "stream_timeout: 5"];
/// For all others: no machine is so loaded that it is met.
const LONG: [&str; 2] = ["timeout: 120", "stream_timeout: 120"];

fn config(sim: &Running) -> Config {
    let mut config = Config::empty(sim)
        .model_below("spare", "openai/gpt-spare", "/spare", &LONG)
        .model_below("spare-embeddings", "openai/text-embedding-spare", "/spare", &LONG)
        .router("disable_cooldowns: true");
    for provider in PROVIDERS {
        for row in &ROWS {
            let name = format!("{provider}.{}", row.name);
            let model = format!("{provider}/{}", row.name);
            let limit = if matches!(row.fault, "slow" | "stall") { &SHORT } else { &LONG };
            config = match row.name {
                "refuse" => config.model_at("http://127.0.0.1:9", &name, &model, limit),
                "tls-fail" => config.model_at(&sim.base_url().replace("http://", "https://"), &name, &model, limit),
                _ => config.model(&name, &model, limit),
            };
        }
    }
    config
}

/// One cell.
struct Cell {
    row: &'static Row,
    client: &'static Client,
    /// Of another language than the client.
    foreign: bool,
    stream: bool,
    fallback: bool,
}

impl Cell {
    fn model(&self) -> String {
        format!("{}.{}", self.client.providers[usize::from(self.foreign)], self.row.name)
    }

    /// Stands in the prompt, so that the simulator's log tells who was asked.
    fn mark(&self) -> String {
        let Self { stream, fallback, .. } = self;
        format!("{} for {}, stream={stream}, fallback={fallback}.", self.model(), self.client.name)
    }

    fn request(&self) -> (String, Value) {
        let (model, stream, mark) = (self.model(), self.stream, self.mark());
        let turns = json!([{"role": "user", "content": mark}]);
        let (path, mut body) = match self.client.name {
            "messages" => ("/v1/messages".to_owned(), json!({"max_tokens": 100, "messages": turns})),
            "responses" => ("/v1/responses".to_owned(), json!({"input": mark})),
            "gemini" => {
                let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let contents = json!([{"role": "user", "parts": [{"text": mark}]}]);
                (format!("/v1beta/models/{model}:{verb}"), json!({"contents": contents}))
            }
            "embeddings" => ("/v1/embeddings".to_owned(), json!({"input": mark})),
            _ => ("/v1/chat/completions".to_owned(), json!({"messages": turns})),
        };
        if self.client.name != "gemini" {
            body["model"] = json!(model);
            body["stream"] = json!(stream);
        }
        if self.row.times.is_some() {
            body["num_retries"] = json!(1);
        }
        if self.fallback {
            let spare = if self.client.name == "embeddings" { "spare-embeddings" } else { "spare" };
            body["fallbacks"] = json!([spare]);
        }
        (path, body)
    }

    /// Plays the fault and says what the client saw.
    async fn play(&self, sim: &Running, gateway: &Gateway) -> String {
        let large = self.row.name == "oversized-line";
        let _turn = if large { Some(LARGE.acquire().await.unwrap()) } else { None };
        if !self.row.fault.is_empty() {
            let fault = self.row.fault.parse::<Fault>().unwrap();
            let delay_ms = (fault == Fault::Slow).then_some(20_000);
            // with a gap, what was sent before a break has arrived before it
            let script = Script {
                text: Some(ANSWER.to_owned()),
                gap_ms: Some(20),
                after: self.row.after,
                times: self.row.times,
                delay_ms,
                ..Script::fault(fault)
            };
            let matcher = Match { contains: Some(self.mark()), ..Match::model(self.row.name) };
            sim.script(matcher.clone(), script);
            sim.script(matcher, Script::text(ANSWER)); // once the fault is over
        }
        let (path, body) = self.request();
        let mark = self.mark();
        let reply = gateway.ask(&path, &body).await.unwrap_or_else(|e| panic!("{mark}: {e:#}"));
        let seen = self.seen(&reply);
        let asked = calls(sim)
            .iter()
            .any(|call| call.path.starts_with("/spare") && String::from_utf8_lossy(&call.body).contains(&mark));
        assert!(!asked || self.fallback, "{mark} nobody allowed a fallback");
        if asked { format!("{seen}, fallback asked") } else { seen }
    }

    fn seen(&self, reply: &Reply) -> String {
        let mark = self.mark();
        assert!(reply.complete, "{mark} the connection broke: {}", reply.text());
        if reply.status != 200 {
            return format!("{} {}", reply.status, self.told(&reply.json()["error"]));
        }
        if !self.stream || self.client.name == "embeddings" {
            let body = reply.json();
            if body.get("error").is_some_and(|e| !e.is_null()) {
                return format!("200, but {}", self.told(&body["error"]));
            }
            return format!("whole {}", self.whole(&body));
        }
        let events = reply.events();
        let text = shown(&joined_text(&events));
        let end = events.iter().position(|e| e.is_error() || self.ends(&e.json(), &e.data, e.name.as_deref()));
        let end = end.unwrap_or_else(|| panic!("{mark} ended silently: {}", reply.text()));
        let rest = &events[end + 1..];
        if events[end].is_error() {
            let failed = events[end].name.as_deref() == Some("response.failed");
            assert!(
                if failed { matches!(rest, [done] if done.data == "[DONE]") } else { rest.is_empty() },
                "{mark} what follows the error: {}",
                reply.text()
            );
            let told = self.told(&events[end].error());
            return format!("stream {text} then {}{told}", if failed { "response.failed " } else { "" });
        }
        assert!(rest.iter().all(|e| e.is_end()), "{mark} it went on: {}", reply.text());
        format!("stream {text} complete")
    }

    fn ends(&self, json: &Value, data: &str, name: Option<&str>) -> bool {
        match self.client.name {
            "messages" => name == Some("message_stop"),
            "responses" => json["type"] == "response.completed",
            "gemini" => json.pointer("/candidates/0/finishReason").is_some(),
            _ => data == "[DONE]",
        }
    }

    /// An error in the client's own words: its type, and LiteLLM's class.
    fn told(&self, error: &Value) -> String {
        let message = error["message"].as_str().filter(|m| !m.is_empty());
        let message = message.unwrap_or_else(|| panic!("{} an error without a message: {error}", self.mark()));
        let class = message.split("litellm.").nth(1).and_then(|m| m.split([':', ' ']).next()).unwrap_or("-");
        let kind = match self.client.name {
            "gemini" => format!("{} {}", error["code"], error["status"].as_str().unwrap_or("no status")),
            // a response that failed has a code alone
            _ => error.get("type").unwrap_or(&error["code"]).as_str().unwrap_or("no type").to_owned(),
        };
        format!("{kind} ({class})")
    }

    fn whole(&self, body: &Value) -> String {
        let text = match self.client.name {
            "messages" => &body["content"][0]["text"],
            "responses" => {
                let items = body["output"].as_array().unwrap();
                items.iter().find_map(|i| i.pointer("/content/0/text")).unwrap_or(&Value::Null)
            }
            "gemini" => &body["candidates"][0]["content"]["parts"][0]["text"],
            "embeddings" => {
                assert!(body["data"][0]["embedding"].is_array(), "{} {body}", self.mark());
                return "vector".to_owned();
            }
            _ => &body["choices"][0]["message"]["content"],
        };
        shown(text.as_str().unwrap_or_else(|| panic!("{} {body}", self.mark())))
    }
}

/// Long texts by their length.
fn shown(text: &str) -> String {
    if text.len() > 200 { format!("{} bytes", text.len()) } else { format!("{text:?}") }
}

/// The cells of a line come together.
fn cells() -> Vec<Cell> {
    let mut all = Vec::new();
    for row in &ROWS {
        for client in &CLIENTS {
            for foreign in [false, true] {
                for stream in [false, true] {
                    all.extend([false, true].map(|fallback| Cell { row, client, foreign, stream, fallback }));
                }
            }
        }
    }
    all
}

#[tokio::test]
async fn every_cell_is_as_the_table_says() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&config(&sim).yaml()).await.unwrap();
    sim.script(Match::path("/spare"), Script::text(SPARE));
    let cells = cells();
    let seen: Vec<String> = stream::iter(&cells).map(|cell| cell.play(&sim, &gateway)).buffered(48).collect().await;
    let mut table = String::new();
    for (pair, seen) in cells.chunks(2).zip(seen.chunks(2)) {
        let cell = &pair[0];
        if cell.client.name == "chat" && !cell.foreign && !cell.stream {
            writeln!(table, "{}# {}", if table.is_empty() { "" } else { "\n" }, cell.row.name).unwrap();
        }
        let provider = cell.client.providers[usize::from(cell.foreign)];
        let mode = if cell.stream { "stream" } else { "whole" };
        let with = if seen[1] == seen[0] { "the same, fallback not asked" } else { &seen[1] };
        writeln!(table, "{:<10} {provider:<9} {mode:<6} {:<66} | {with}", cell.client.name, seen[0]).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/faults.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    for (now, then) in table.lines().zip(known.lines()) {
        assert_eq!(now, then, "UPDATE=1 writes {path} anew");
    }
    assert_eq!(table.lines().count(), known.lines().count());
}
