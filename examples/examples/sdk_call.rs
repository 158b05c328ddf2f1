//! Calls of the SDK, `llm-client`, against a simulated provider: an answer, a stream, vectors, and what they cost.
//!
//! With a real account: `Client::from_env()` finds the keys, and the list of parameters stays empty.

use std::io::Write as _;

use anyhow::Result;
use llm_client::Client;
use llm_client::sdk::completion_cost;
use llm_simulator::{Simulator, SimulatorConfig};
use llm_types::Json;

#[tokio::main]
async fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let provider = Simulator::start(SimulatorConfig::default()).await?;
    let base = format!("{}/v1", provider.base_url());
    let params = [("api_base", base.as_str()), ("api_key", "sk-simulated")];
    let client = Client::from_env();

    let answer = client.completion_with("openai/gpt-4o-mini", "Say hi.", &params).await?;
    writeln!(out, "answer: {}", answer.text())?;
    writeln!(out, "cost: {:.8} USD", completion_cost(&answer))?;

    // the same call, another provider's language: nothing changes but the name
    let there = [("api_base", provider.base_url()), ("api_key", "sk-simulated".to_owned())];
    let there = there.each_ref().map(|(k, v)| (*k, v.as_str()));
    let answer = client.completion_with("anthropic/claude-sonnet-4-5", "Say hi.", &there).await?;
    writeln!(out, "answer: {}", answer.text())?;

    let mut text = String::new();
    let mut chunks = 0;
    let report = client
        .stream("openai/gpt-4o-mini", "Count to three.", &params, |chunk| {
            chunks += 1;
            text.push_str(&delta(chunk).unwrap_or_default());
        })
        .await?;
    writeln!(out, "stream: {text} ({} chunks, {} output tokens)", chunks.min(99), report.usage.output_text)?;

    let (body, cost) = client.embedding("openai/text-embedding-3-small", &["one", "two"], &params).await?;
    let vectors: Json = serde_json::from_slice(&body)?;
    let count = vectors.get("data").and_then(Json::as_array).map_or(0, <[_]>::len);
    writeln!(out, "vectors: {count}, cost {:.8} USD", cost.total)?;
    Ok(())
}

/// The text that a chunk adds.
fn delta(chunk: &str) -> Option<String> {
    let chunk: Json = serde_json::from_str(chunk).ok()?;
    let choice = chunk.get("choices")?.as_array()?.first()?;
    Some(choice.get("delta")?.get("content")?.as_str()?.to_owned())
}
