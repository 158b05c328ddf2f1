//! The client goes away in the middle of a stream.

use llm_client::Report;
use llm_simulator::{Ended, Gate, Match, Running, Script};
use llm_types::{Format, UsageSource};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{answer, ask, deployment, engine, http, open, piece, sim, within};

/// Reads `chunks` content chunks of a stream that has more to say, hangs up and gives the report.
async fn hang_up(sim: &Running, format: Format, model: &str, script: Script, chunks: usize) -> Report {
    let gate = Gate::new();
    sim.script(Match::any(), script.gate(&gate));
    let v1 = if model.starts_with("anthropic/") { "" } else { "/v1" };
    let params: Value = json!({ "model": model, "api_base": format!("{}{v1}", sim.base_url()) });
    let engine = engine(vec![deployment("a", "smart", &params)]);
    gate.release(chunks);
    let http = http();
    let (mut body, reports) = open(&engine, &http, &ask(format, "Tell me a story of a gate.", true)).await;
    let mut text = String::new();
    let last = format!("word{chunks} ");
    while !text.contains(&last) {
        text += std::str::from_utf8(&piece(&mut body).await.expect("the stream ended")).unwrap();
    }
    assert!(reports.try_recv().is_err(), "settled before its end");
    drop(body);
    let report = reports.try_recv().expect("settled at once, without waiting for anybody");
    assert!(reports.recv().is_err(), "settled twice");
    // The upstream hears of it too: it is not asked to write for nobody.
    within(async {
        while sim.requests().last().unwrap().ended == Ended::Open {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(sim.requests().last().unwrap().ended, Ended::ClientGone);
    report
}

fn words(count: usize) -> Script {
    let text: Vec<String> = (1..=count).map(|n| format!("word{n}")).collect();
    Script::text(text.join(" "))
}

const LANES: [(Format, &str); 4] = [
    (Format::OpenAiChat, "openai/gpt-4o"),
    (Format::OpenAiChat, "anthropic/claude-sonnet-4-5"),
    (Format::AnthropicMessages, "anthropic/claude-sonnet-4-5"),
    (Format::AnthropicMessages, "openai_like/gpt-4o"),
];

#[tokio::test]
async fn what_was_written_until_then_is_billed() {
    for (format, model) in LANES {
        let sim = sim().await;
        let report = hang_up(&sim, format, model, words(40), 12).await;
        assert!(report.interrupted && report.error.is_none(), "{format} {model}");
        let usage = report.usage;
        assert!(usage.total_input() >= 5, "{format} {model}: the prompt was read: {usage:?}");
        assert!((12..=40).contains(&usage.total_output()), "{format} {model}: twelve words were written: {usage:?}");
        assert!(usage.source < UsageSource::Reported, "{format} {model}: nobody reported this: {usage:?}");
        assert!(model.starts_with("openai_like") || report.cost.total > 0.0, "{format} {model}: {:?}", report.cost);
    }
}

#[tokio::test]
async fn a_client_that_leaves_after_the_end_marker_has_the_whole_answer() {
    let sim = sim().await;
    let params = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    let engine = engine(vec![deployment("a", "smart", &params)]);
    let http = http();
    let (mut body, reports) = open(&engine, &http, &ask(Format::OpenAiChat, "hi", true)).await;
    let mut text = String::new();
    while !text.contains("[DONE]") {
        text += std::str::from_utf8(&piece(&mut body).await.unwrap()).unwrap();
    }
    drop(body);
    let report = reports.recv().unwrap();
    assert_eq!((report.usage.source, report.estimated), (UsageSource::Reported, false));
    assert!(!report.interrupted, "it has everything: official clients hang up behind [DONE]");
}

#[tokio::test]
async fn the_deployment_is_free_again() {
    let sim = sim().await;
    let gate = Gate::new();
    sim.queue(&Match::any(), [words(9).gate(&gate), Script::text("free")]);
    let params = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    let mut one = deployment("a", "smart", &params);
    one.max_parallel_requests = Some(1);
    let engine = engine(vec![one]);
    let (first, second) = (ask(Format::OpenAiChat, "one", true), ask(Format::OpenAiChat, "two", false));
    gate.release(1);
    let http = http();
    let (body, reports) = open(&engine, &http, &first).await;
    let waiting = crate::support::answer(&engine, &second);
    let freed = async {
        tokio::task::yield_now().await;
        drop(body);
    };
    let (got, ()) = within(Box::pin(async { tokio::join!(waiting, freed) })).await;
    assert_eq!(got.unwrap().json()["choices"][0]["message"]["content"], "free");
    assert!(reports.recv().unwrap().interrupted);
}

#[tokio::test]
async fn without_a_tail_nothing_is_told_and_nothing_breaks() {
    let sim = sim().await;
    let params = json!({ "model": "openai/gpt-4o", "api_base": format!("{}/v1", sim.base_url()) });
    let engine = engine(vec![deployment("a", "smart", &params)]);
    let http = http();
    let call = ask(Format::OpenAiChat, "hi", true);
    let answer = engine.answer(&http, &call, &llm_client::engine::Open).await.unwrap();
    assert!(answer.report().is_none());
    drop(answer);
}

/// Some hosts send the end marker and then break off instead of ending the body.
#[tokio::test]
async fn behind_the_end_marker_nothing_can_be_missing() {
    let chunk = |data: &str| format!("{:x}\r\n{data}\r\n", data.len());
    let text = "data: {\"id\":\"c\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    for (marker, complete) in [("data: [DONE]\n\n", true), (": more\n\n", false)] {
        let reply = format!("{head}{}{}", chunk(text), chunk(marker));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            while socket.read(&mut asked).await.unwrap().checked_sub(1).is_some_and(|last| asked[last] != b'}') {}
            socket.write_all(reply.as_bytes()).await.unwrap();
        });
        let engine = engine(vec![deployment("a", "smart", &json!({ "model": "openai/gpt-4o", "api_base": base }))]);
        let got = answer(&engine, &ask(Format::OpenAiChat, "Hi", true)).await.unwrap();
        serving.await.unwrap();
        let (text, error) = (got.text(), got.report.error.is_some());
        assert_eq!(text.matches("[DONE]").count(), usize::from(complete), "{text}");
        assert_eq!((error, text.contains("\"error\"")), (!complete, !complete), "{text}");
    }
}
