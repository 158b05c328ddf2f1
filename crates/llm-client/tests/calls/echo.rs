//! Which name stands in the answer's `model`.

use llm_types::Format;
use serde_json::{Value, json};

use crate::support::{answer, ask, deployment, hear, routed, sim};

/// The names in the answers of both formats, whole and streamed, to calls changed by `change`.
async fn names(params: &[(&str, Value)], settings: &Value, change: impl Fn(&mut llm_client::Call)) -> Vec<String> {
    let sim = sim().await;
    let with_base = |params: &Value| {
        let mut params = params.clone();
        let v1 = if params["model"].as_str().unwrap().starts_with("anthropic/") { "" } else { "/v1" };
        params["api_base"] = json!(format!("{}{v1}", sim.base_url()));
        params
    };
    let deployments = params.iter().enumerate();
    let deployments = deployments.map(|(at, (group, p))| deployment(&at.to_string(), group, &with_base(p))).collect();
    let engine = routed(deployments, settings);
    let mut out = Vec::new();
    for format in [Format::OpenAiChat, Format::AnthropicMessages] {
        for stream in [false, true] {
            let mut call = ask(format, "hi", stream);
            change(&mut call);
            let got = answer(&engine, &call).await.unwrap_or_else(|f| panic!("{}", f.error));
            if stream {
                let mut models = hear(format, &got.text()).models;
                models.dedup();
                assert_eq!(models.len(), 1, "one name in one stream: {models:?}");
                out.append(&mut models);
            } else {
                out.push(got.json()["model"].as_str().unwrap().to_owned());
            }
        }
    }
    out
}

/// A deployment that relays chat and translates messages, and one the other way round.
fn both() -> [Value; 2] {
    [json!({ "model": "openai_like/gpt-4o" }), json!({ "model": "anthropic/claude-sonnet-4-5" })]
}

#[tokio::test]
async fn the_client_finds_the_name_it_used() {
    for params in both() {
        let given = names(&[("smart", params.clone())], &json!({}), |_| ()).await;
        assert_eq!(given, ["smart"; 4], "{params}");
        let aliased = json!({ "model_group_alias": { "clever": "smart" } });
        let params = [("smart", params)];
        let given = names(&params, &aliased, |call| {
            (call.model, call.echo) = ("clever".into(), Some("clever".into()));
        });
        assert_eq!(given.await, ["clever"; 4]);
    }
}

#[tokio::test]
async fn a_name_that_came_only_with_the_path_is_the_deployments() {
    for (params, model) in both().into_iter().zip(["gpt-4o", "claude-sonnet-4-5"]) {
        assert_eq!(names(&[("smart", params)], &json!({}), |call| call.echo = None).await, [model; 4]);
    }
}

#[tokio::test]
async fn after_a_fallback_the_answer_says_who_gave_it() {
    for (params, model) in both().into_iter().zip(["gpt-4o", "claude-sonnet-4-5"]) {
        let broken = json!({ "model": "openai_like/sim-error-500" });
        let settings = json!({ "num_retries": 0, "fallbacks": [{ "smart": ["spare"] }] });
        let given = names(&[("smart", broken), ("spare", params)], &settings, |_| ()).await;
        // whole answers name the provider's model, streams the group
        assert_eq!(given, [model, "spare", model, "spare"]);
    }
}
