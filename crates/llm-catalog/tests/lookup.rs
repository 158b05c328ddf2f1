//! Finding models under the names that callers use.
#![allow(clippy::unwrap_used, reason = "a missing model should end the test")]

use llm_catalog::{Capability, Catalog, Field, Priced};
use llm_types::Usage;

fn found(provider: &str, model: &str) -> Option<&'static str> {
    Catalog::builtin().lookup(provider, model).map(|model| model.name())
}

#[test]
fn names_in_every_spelling() {
    for (provider, model, name) in [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("", "openai/gpt-4o", "gpt-4o"),
        ("", "gpt-4o", "gpt-4o"),
        ("azure", "gpt-4o", "azure/gpt-4o"),
        ("deepseek", "deepseek-chat", "deepseek/deepseek-chat"),
        ("perplexity", "perplexity/sonar", "perplexity/sonar"),
        ("perplexity", "sonar", "perplexity/sonar"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org:name:id", "ft:gpt-4o-mini-2024-07-18"),
        (
            "bedrock",
            "converse/us-west-2/anthropic.claude-opus-4-1-20250805-v1:0",
            "anthropic.claude-opus-4-1-20250805-v1:0",
        ),
        ("vertex_ai", "gemini-2.5-pro", "gemini-2.5-pro"),
    ] {
        assert_eq!(found(provider, model), Some(name), "{provider} {model}");
    }
    assert_eq!(found("mistral", "gpt-4o"), None, "another provider's price is no price");
    assert_eq!(found("openai", "no-such-model"), None);
    assert_eq!(found("openai", ""), None);
}

#[test]
fn every_model_finds_itself() {
    let catalog = Catalog::builtin();
    for model in catalog.models() {
        assert_eq!(catalog.get(model.name()), Some(model));
        let label = model.provider().unwrap();
        assert!(catalog.lookup(label, model.name()).is_some(), "{}", model.name());
    }
    assert_eq!(catalog.models().count(), catalog.len());
}

#[test]
fn prices_by_region_size_and_picture() {
    let catalog = Catalog::builtin();
    let name = |found: Option<llm_catalog::ModelRef<'static>>| found.map(|model| model.name());
    let regional = catalog.lookup_price("bedrock", Some("us-east-1"), "anthropic.claude-instant-v1");
    assert_eq!(name(regional), Some("bedrock/us-east-1/anthropic.claude-instant-v1"));
    assert_eq!(name(catalog.lookup_price("fireworks_ai", None, "some-8x7b")), Some("fireworks-ai-moe-up-to-56b"));
    assert_eq!(name(catalog.lookup_price("fireworks_ai", None, "some-7b")), Some("fireworks-ai-4.1b-to-16b"));
    assert_eq!(name(catalog.lookup_price("fireworks_ai", None, "some")), Some("fireworks-ai-default"));
    assert_eq!(name(catalog.lookup_price("together_ai", None, "new/model-70B")), Some("together-ai-41.1b-80b"));
    assert_eq!(name(catalog.lookup_price("openai", None, "new-70b")), None);
    let image = |size, quality| name(catalog.lookup_image("azure", "dall-e-3", Some(size), quality));
    assert_eq!(image("1024x1024", Some("hd")), Some("azure/hd/1024-x-1024/dall-e-3"));
    assert_eq!(image("1024x1024", Some("standard")), Some("azure/standard/1024-x-1024/dall-e-3"));
    assert_eq!(image("1024x1024", None), Some("azure/standard/1024-x-1024/dall-e-3"));
}

#[test]
fn calls_are_priced_by_the_best_name() {
    let catalog = Catalog::builtin();
    let call = Priced { provider: "azure", model: "my-deployment", ..Priced::default() };
    assert_eq!(catalog.priced(&call), None);
    let name = |call: Priced<'_>| catalog.priced(&call).unwrap().name();
    assert_eq!(name(Priced { response_model: Some("gpt-4o"), ..call }), "azure/gpt-4o");
    assert_eq!(
        name(Priced { base_model: Some("azure/gpt-4.1"), response_model: Some("gpt-4o"), ..call }),
        "azure/gpt-4.1"
    );
    assert_eq!(name(Priced { base_model: Some("openai/gpt-4o"), ..call }), "gpt-4o");

    let usage = Usage { input_text: 1_000_000, ..Usage::default() };
    let routed = catalog.lookup("azure_ai", "gpt-4o");
    let fee = catalog.router_fee("azure_ai", "azure_ai/Model-Router", routed, &usage);
    assert!(fee > 0.0);
    assert_eq!(
        catalog.router_fee("azure_ai", "azure_ai/model_router", catalog.get("azure_ai/model_router"), &usage),
        0.0
    );
    assert_eq!(catalog.router_fee("azure_ai", "gpt-4o", routed, &usage), 0.0);
}

#[test]
fn facts_are_typed() {
    let model = Catalog::builtin().get("gpt-4o").unwrap();
    assert_eq!((model.provider(), model.mode()), (Some("openai"), Some("chat")));
    assert_eq!((model.max_input_tokens(), model.max_output_tokens()), (Some(128_000), Some(16_384)));
    assert!(model.supports(Capability::Vision));
    assert!(!model.supports(Capability::ComputerUse));
    assert_eq!(model.flag(Field::SupportsVision), Some(true));
    assert!(model.num(Field::InputCostPerToken).unwrap() > 0.0);
    assert_eq!(model.num(Field::InputCostPerToken), model.num_named("input_cost_per_token"));
    assert!(model.num_named("input_cost_per_token_batches").is_some());
    assert_eq!(model.num_named("no_such_field"), None);
    assert!(model.facts().all(|(name, _)| !name.contains(':')));
}

#[test]
fn overlays_replace_fields_and_add_models() {
    let catalog = Catalog::overlay(
        r#"{"sample_spec": {}, "gpt-4o": {"input_cost_per_token": 7.0}, "mine/new": {"litellm_provider": "mine", "x_cost": 1}}"#,
    )
    .unwrap();
    let model = catalog.lookup("openai", "gpt-4o").unwrap();
    assert_eq!(model.num(Field::InputCostPerToken), Some(7.0));
    assert_eq!(model.max_input_tokens(), Some(128_000));
    let new = catalog.lookup("mine", "new").unwrap();
    assert_eq!((new.name(), new.num_named("x_cost")), ("mine/new", Some(1.0)));
    assert_eq!(catalog.len(), Catalog::builtin().len() + 1);
    let twice = [("m", &serde_json::json!({"mode": "chat", "a": 1})), ("m", &serde_json::json!({"a": 2}))];
    let twice = Catalog::overlay_models(twice).unwrap();
    assert_eq!(twice.get("m").map(|m| (m.mode(), m.num_named("a"))), Some((Some("chat"), Some(2.0))));
    assert!(Catalog::overlay("[]").is_err());
    assert!(Catalog::overlay(r#"{"m": 1}"#).is_err());
}
