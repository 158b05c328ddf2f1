//! What a call costs.

use std::sync::Arc;

use llm_client::{Adjustments, Engine, Report};
use llm_simulator::{Match, Script};
use llm_types::{Format, UsageSource};
use serde_json::{Value, json};

use crate::support::{answer, ask, call, deployment_with, engine, sim};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 + 1e-9 * b.abs()
}

/// The report on a call that reads 1000 tokens and writes 100.
async fn bill(params: Value, info: Value, change: impl Fn(&mut Engine), stream: bool) -> Report {
    let sim = sim().await;
    sim.script(Match::any(), Script { prompt_tokens: Some(1000), completion_tokens: Some(100), ..Script::text("ok") });
    let mut params = params;
    let v1 = if params["model"].as_str().unwrap().starts_with("anthropic/") { "" } else { "/v1" };
    params["api_base"] = json!(format!("{}{v1}", sim.base_url()));
    let mut engine = engine(vec![deployment_with("a", "smart", &params, &info)]);
    change(&mut engine);
    answer(&engine, &ask(Format::OpenAiChat, "hi", stream)).await.unwrap().report
}

#[tokio::test]
async fn prices_of_the_table() {
    // gpt-4o: 2.50 and 10 USD, claude-sonnet-4-5: 3 and 15 USD per million tokens
    for (model, total) in [("openai/gpt-4o", 0.0035), ("anthropic/claude-sonnet-4-5", 0.0045)] {
        for stream in [false, true] {
            let report = bill(json!({ "model": model }), json!({}), |_| (), stream).await;
            assert!(close(report.cost.total, total), "{model}: {:?}", report.cost);
            assert!(close(report.cost.input + report.cost.output, total) && close(report.cost.original, total));
            assert_eq!((report.usage.source, report.cost_problem), (UsageSource::Reported, None));
        }
    }
}

#[tokio::test]
async fn the_deployments_own_prices_win() {
    let prices = json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.01 });
    let mut params = prices.clone();
    params["model"] = json!("openai/gpt-4o");
    let report = bill(params, json!({}), |_| (), true).await;
    assert!(close(report.cost.total, 2.0), "{:?}", report.cost);
    let report = bill(json!({ "model": "openai/no-such-model" }), prices, |_| (), false).await;
    assert!(close(report.cost.total, 2.0), "{:?}", report.cost);
}

#[tokio::test]
async fn an_unknown_price_is_said() {
    let report = bill(json!({ "model": "openai/no-such-model" }), json!({}), |_| (), true).await;
    assert_eq!((report.cost.total, report.usage.total_tokens()), (0.0, 1100));
    assert!(report.cost_problem.unwrap().contains("openai/no-such-model"));
    let based =
        bill(json!({ "model": "openai/no-such-model" }), json!({ "base_model": "gpt-4o" }), |_| (), false).await;
    assert!(close(based.cost.total, 0.0035), "{:?}", based.cost);
}

#[tokio::test]
async fn discounts_and_margins_by_provider() {
    let with = |discounts: &[(&str, f64)], margins: &[(&str, (f64, f64))]| {
        let adjustments = Arc::new(Adjustments {
            discounts: discounts.iter().map(|(p, share)| ((*p).to_owned(), *share)).collect(),
            margins: margins.iter().map(|(p, margin)| ((*p).to_owned(), *margin)).collect(),
        });
        move |engine: &mut Engine| engine.settings.adjustments = Arc::clone(&adjustments)
    };
    let model = json!({ "model": "openai/gpt-4o" });
    let report = bill(model.clone(), json!({}), with(&[("openai", 0.2), ("anthropic", 0.9)], &[]), true).await;
    assert!(close(report.cost.total, 0.0028) && close(report.cost.discount, 0.0007), "{:?}", report.cost);
    assert!(close(report.cost.original, 0.0035));
    let report = bill(model.clone(), json!({}), with(&[("anthropic", 0.5)], &[("global", (0.1, 0.001))]), false).await;
    assert!(close(report.cost.total, 0.00485) && close(report.cost.margin, 0.00135), "{:?}", report.cost);
    // A discount of its own takes no provider out of everybody's margin.
    let both = with(&[("openai", 0.2)], &[("global", (0.1, 0.001))]);
    let report = bill(model.clone(), json!({}), both, false).await;
    assert!(close(report.cost.total, 0.00408) && close(report.cost.discount, 0.0007), "{:?}", report.cost);
    let own = with(&[], &[("openai", (0.5, 0.0)), ("global", (0.1, 0.001))]);
    let report = bill(model, json!({}), own, false).await;
    assert!(close(report.cost.total, 0.00525), "{:?}", report.cost);
}

#[tokio::test]
async fn usage_that_nobody_reports_is_counted_here() {
    let sim = sim().await;
    let text = "one two three four five six seven eight";
    sim.script(Match::any(), Script { no_usage: true, ..Script::text(text) });
    for (model, v1) in [("openai/gpt-4o", "/v1"), ("anthropic/claude-sonnet-4-5", "")] {
        let params = json!({ "model": model, "api_base": format!("{}{v1}", sim.base_url()) });
        let engine = engine(vec![deployment_with("a", "smart", &params, &json!({}))]);
        for stream in [false, true] {
            let report = answer(&engine, &ask(Format::OpenAiChat, "How do you do?", stream)).await.unwrap().report;
            assert!(report.estimated && report.usage.source == UsageSource::Estimated, "{model} {stream}");
            assert!((8..=14).contains(&report.usage.total_input()), "{model} {stream}: {:?}", report.usage);
            assert!((6..=40).contains(&report.usage.total_output()), "{model} {stream}: {:?}", report.usage);
            assert!(report.cost.total > 0.0);
        }
    }
}

#[tokio::test]
async fn streams_in_another_language_tell_what_was_counted() {
    let sim = sim().await;
    sim.script(Match::any(), Script { no_usage: true, ..Script::text("one two three four") });
    let params = json!({ "model": "cerebras/llama-3.3-70b", "api_base": format!("{}/v1", sim.base_url()) });
    let engine = engine(vec![deployment_with("a", "smart", &params, &json!({}))]);
    let responses = call(Format::OpenAiResponses, br#"{"model":"smart","input":"Hello","stream":true}"#);
    for asked in [ask(Format::AnthropicMessages, "Hello", true), responses] {
        let got = answer(&engine, &asked).await.unwrap();
        let usage = &got.report.usage;
        assert!(got.report.estimated, "{:?}", got.report);
        assert_eq!((usage.total_input(), usage.total_output()), (8, 4), "{usage:?}");
        let told = got.text();
        assert!(told.contains("\"input_tokens\":8") && told.contains("\"output_tokens\":4"), "{told}");
    }
}

#[tokio::test]
async fn embeddings_cost_their_input() {
    let sim = sim().await;
    sim.script(Match::any(), Script { prompt_tokens: Some(1000), ..Script::default() });
    let params = json!({ "model": "openai/text-embedding-3-small", "api_base": format!("{}/v1", sim.base_url()) });
    let engine = engine(vec![deployment_with("a", "smart", &params, &json!({}))]);
    let got =
        answer(&engine, &call(Format::OpenAiEmbeddings, br#"{"model":"smart","input":["a","b"]}"#)).await.unwrap();
    assert_eq!((&got.json()["model"], got.json()["data"].as_array().unwrap().len()), (&json!("smart"), 2));
    assert!(close(got.report.cost.total, 0.00002), "{:?}", got.report.cost);
    assert_eq!(sim.requests()[0].json()["model"], "text-embedding-3-small");
}
