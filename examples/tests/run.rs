//! Every example runs and says what it promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use llm_client::Client;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_types::{Json, error::Kind};

/// Where cargo put the example: beside the folder of this test.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: `cargo build -p llm-examples --examples` makes it", path.display());
    path
}

/// What it prints.
fn printed(name: &str) -> String {
    let output = Command::new(example(name)).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The rest of the line that starts so.
fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("no {start:?} in\n{text}"))
}

#[test]
fn convert_speaks_both_languages() {
    let text = printed("convert");
    let request: Json = serde_json::from_str(line(&text, "request: ")).unwrap();
    assert_eq!(request.get("model").unwrap().as_str(), Some("claude-sonnet-4-5"));
    assert!(request.get("system").is_some());
    assert!(request.get("tools").unwrap().to_string().contains("input_schema"));
    assert!(line(&text, "lost: ").contains("logit_bias"));
    let answer: Json = serde_json::from_str(line(&text, "answer: ")).unwrap();
    assert_eq!(answer.get("model").unwrap().as_str(), Some("my-claude"));
    assert!(answer.to_string().contains(r#""finish_reason":"tool_calls""#));
}

#[test]
fn route_ends_at_the_fallback() {
    let text = printed("route");
    let tries: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("try ")).collect();
    assert!(tries.len() >= 2, "{text}");
    assert_eq!(tries.last(), Some(&"spare as anthropic/claude-sonnet-4-5 (fallbacks 1)"));
    assert!(line(&text, "east: ").starts_with("Some(Cooling("), "{text}");
}

#[test]
fn custom_strategy_takes_turns_and_leaves_out_who_failed() {
    let text = printed("custom_strategy");
    let turns: String = text.lines().filter_map(|l| l.split(' ').next()).collect();
    // b fails in the second turn and sits out the next round: c takes its turn.
    assert_eq!(turns, "abcaccab", "{text}");
}

#[test]
fn sdk_call_answers_and_prices() {
    let text = printed("sdk_call");
    assert!(line(&text, "answer: ").contains("Say hi."), "{text}");
    assert_ne!(line(&text, "cost: "), "0.00000000 USD");
    assert!(line(&text, "stream: ").contains("Count to three."), "{text}");
    assert!(line(&text, "vectors: ").starts_with("2, cost 0.0"), "{text}");
}

#[test]
fn own_provider_signs_and_tells_its_errors() {
    let text = printed("own_provider");
    assert!(line(&text, "answer: ").contains("Who is there?"), "{text}");
    assert_eq!(line(&text, "signed: ").len(), 8, "{text}");
    let sent: Json = serde_json::from_str(line(&text, "sent: ")).unwrap();
    assert_eq!(sent.get("user").unwrap().as_str(), Some("guest of the parlour"));
    assert!(line(&text, "error: ").contains("the house is full"), "{text}");
}

#[test]
fn custom_gateway_is_short() {
    let source = include_str!("../examples/custom_gateway.rs");
    let code = source.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with("//"));
    assert!(code.filter(|l| !l.starts_with("use ")).count() < 60, "without imports");
}

#[tokio::test]
async fn custom_gateway_serves() {
    let provider = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let model = format!(
        "model_list:\n- model_name: chat\n  litellm_params:\n    model: anthropic/claude-sonnet-4-5\n    \
         api_base: {}\n    api_key: sk-simulated\n",
        provider.base_url()
    );
    std::fs::write(&config, model).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut gateway = tokio::process::Command::new(example("custom_gateway"))
        .arg("--config")
        .arg(&config)
        .args(["--port", &port])
        .kill_on_drop(true)
        .spawn()
        .unwrap();

    let base = format!("http://127.0.0.1:{port}/v1");
    let params = [("api_base", base.as_str()), ("api_key", "unused")];
    let client = Client::from_env();
    let mut told = client.completion_with("openai/chat", "Is anybody there?", &params).await;
    for _ in 0..200 {
        if told.is_ok() || gateway.try_wait().unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        told = client.completion_with("openai/chat", "Is anybody there?", &params).await;
    }
    assert!(told.unwrap().text().contains("Is anybody there?"));
    let calls = provider.requests();
    assert!(calls.iter().all(|call| call.path == "/v1/messages"), "translated on the way");

    let mut chunks = 0;
    let report = client.stream("openai/chat", "And as a stream?", &params, |_| chunks += 1).await.unwrap();
    assert!(chunks > 2 && report.error.is_none(), "{chunks} chunks, {:?}", report.error);
    let unknown = client.completion_with("openai/nobody", "Hm?", &params).await.unwrap_err();
    assert!(matches!(unknown.kind, Kind::BadRequest | Kind::NotFound), "{unknown:?}");
}
