//! Pricing rules that the recorded reference does not reach, on models made for the purpose.
#![allow(clippy::unwrap_used, clippy::panic, reason = "fixtures that do not parse should end the test")]

use std::sync::Arc;

use llm_catalog::{Catalog, CostBreakdown, CostOptions, CustomPrice, cost, nano_dollars};
use llm_types::{InferenceGeo, ServiceTier, Usage};

fn catalog(fields: &str) -> Arc<Catalog> {
    Catalog::overlay(&format!(r#"{{"m": {fields}}}"#)).unwrap()
}

fn bill_as(provider: &str, fields: &str, usage: &Usage, options: &CostOptions<'_>) -> CostBreakdown {
    let catalog = catalog(fields);
    cost(catalog.get("m").unwrap(), provider, usage, options)
}

fn bill(fields: &str, usage: Usage) -> CostBreakdown {
    bill_as("p", fields, &usage, &CostOptions::default())
}

#[track_caller]
fn same(ours: f64, wanted: f64) {
    assert!((ours - wanted).abs() < 1e-9, "{ours} instead of {wanted}");
}

#[test]
fn cache_writes_by_lifetime() {
    let usage = Usage { cache_write_5m: 10, cache_write_1h: 10, ..Usage::default() };
    same(bill(r#"{"input_cost_per_token": 1, "cache_creation_input_token_cost": 2}"#, usage).cache_write, 40.0);
    let both = r#"{"input_cost_per_token": 1, "cache_creation_input_token_cost": 2,
        "cache_creation_input_token_cost_above_1hr": 3, "input_cost_per_token_above_1k_tokens": 5,
        "cache_creation_input_token_cost_above_1hr_above_1k_tokens": 7}"#;
    same(bill(both, usage).cache_write, 50.0);
    let long = Usage { input_text: 1000, ..usage };
    same(bill(both, long).cache_write, 10.0 * 2.0 + 10.0 * 7.0);
    same(bill(r#"{"input_cost_per_token": 1}"#, usage).input, 20.0);
}

#[test]
fn an_explicit_zero_is_a_price() {
    let usage = Usage { cache_read: 10, ..Usage::default() };
    same(bill(r#"{"input_cost_per_token": 1, "cache_read_input_token_cost": 0}"#, usage).total, 0.0);
    same(bill(r#"{"input_cost_per_token": 1, "cache_read_input_token_cost": null}"#, usage).total, 10.0);
}

#[test]
fn the_highest_exceeded_threshold_wins_for_everything() {
    let fields = r#"{"input_cost_per_token": 1, "output_cost_per_token": 10,
        "input_cost_per_token_above_1k_tokens": 2, "output_cost_per_token_above_1k_tokens": 20,
        "input_cost_per_token_above_2k_tokens": 3, "input_cost_per_token_above_2k_tokens_priority": 4}"#;
    let usage = |input_text| Usage { input_text, output_text: 1, ..Usage::default() };
    same(bill(fields, usage(1000)).total, 1000.0 + 10.0);
    same(bill(fields, usage(1001)).total, 2002.0 + 20.0);
    same(bill(fields, usage(2001)).total, 6003.0 + 10.0);
    let cached = Usage { input_text: 1, cache_read: 1000, ..Usage::default() };
    same(bill(fields, cached).total, 2002.0);
    let inclusive = bill_as("xai", fields, &usage(1000), &CostOptions::default());
    same(inclusive.total, 2000.0 + 20.0);
    let priority = Usage { service_tier: Some(ServiceTier::Priority), ..usage(2001) };
    same(bill(fields, priority).input, 8004.0);
}

#[test]
fn batches_take_their_column_or_half() {
    let usage = Usage { input_text: 10, cache_read: 10, output_text: 10, ..Usage::default() };
    let batch = CostOptions { batch: true, ..CostOptions::default() };
    let half = bill_as("p", r#"{"input_cost_per_token": 2, "output_cost_per_token": 4}"#, &usage, &batch);
    same(half.total, 10.0 + 10.0 + 20.0);
    let own = r#"{"input_cost_per_token": 2, "output_cost_per_token": 4, "input_cost_per_token_batches": 1.5,
        "cache_read_input_token_cost": 1}"#;
    let own = bill_as("p", own, &usage, &batch);
    same(own.input, 15.0 + 5.0);
    same(own.output, 20.0);
}

#[test]
fn tier_tables_replace_flat_prices() {
    let fields = r#"{"input_cost_per_token": 9, "output_cost_per_token": 9, "cache_read_input_token_cost": 9, "tiered_pricing": [
        {"range": [0, 1000], "input_cost_per_token": 1, "output_cost_per_token": 2},
        {"range": [1000, 2000], "input_cost_per_token": 3, "output_cost_per_token": 4, "output_cost_per_reasoning_token": 5,
         "cache_read_input_token_cost": 0.5}]}"#;
    let usage = |cache_read| Usage { cache_read, output_text: 1, reasoning: 1, ..Usage::default() };
    same(bill(fields, usage(1000)).total, 1000.0 + 2.0 + 2.0);
    same(bill(fields, usage(1001)).total, 500.5 + 4.0 + 5.0);
    same(bill(fields, usage(5000)).total, 2500.0 + 9.0);
}

#[test]
fn off_peak_prices_hold_in_their_windows() {
    let fields = r#"{"input_cost_per_token": 2, "output_cost_per_token": 4, "off_peak_pricing": {"input_cost_per_token": 1,
        "windows": [{"weekdays": ["saturday", 7], "hours_utc": "00:00-12:00"}]}}"#;
    let usage = Usage { input_text: 1, output_text: 1, ..Usage::default() };
    let at = |at| bill_as("p", fields, &usage, &CostOptions { at: Some(at), ..CostOptions::default() }).total;
    let saturday = 1_795_219_200;
    same(at(saturday), 1.0 + 4.0);
    same(at(saturday + 12 * 3600), 2.0 + 4.0);
    same(at(saturday + 86_400), 1.0 + 4.0);
    same(at(saturday + 2 * 86_400), 2.0 + 4.0);
}

#[test]
fn multipliers_for_place_and_speed() {
    let fields = r#"{"input_cost_per_token": 1, "output_cost_per_token": 2, "cache_read_input_token_cost": 0.5,
        "provider_specific_entry": {"us": 1.1, "fast": 2.0}, "regional_processing_uplift_multiplier_eu": 1.2,
        "regional_endpoint_uplift_multiplier": 1.5}"#;
    let usage = Usage { input_text: 10, cache_read: 10, output_text: 10, ..Usage::default() };
    same(bill(fields, Usage { inference_geo: Some(InferenceGeo::Us), ..usage }).total, 35.0 * 1.1);
    same(bill(fields, Usage { fast: true, ..usage }).total, 5.0 + 20.0 + 40.0);
    let with = |options: CostOptions<'_>| bill_as("p", fields, &usage, &options).total;
    same(with(CostOptions { data_residency: Some("EU"), ..CostOptions::default() }), 42.0);
    same(with(CostOptions { vertex_location: Some("global"), ..CostOptions::default() }), 35.0);
    same(with(CostOptions { vertex_location: Some("us-east5"), ..CostOptions::default() }), 52.5);
}

#[test]
fn units_are_added() {
    let one = |fields: &str, usage: Usage| bill(fields, usage).total;
    same(one(r#"{"input_cost_per_character": 2}"#, Usage { characters_in: 3, ..Usage::default() }), 6.0);
    same(one(r#"{"input_cost_per_query": 2}"#, Usage { queries: 3, ..Usage::default() }), 6.0);
    same(
        one(
            r#"{"ocr_cost_per_page": 2, "annotation_cost_per_page": 1}"#,
            Usage { pages: 3, annotation_pages: 1, ..Usage::default() },
        ),
        7.0,
    );
    same(
        one(
            r#"{"ocr_cost_per_credit": 2, "ocr_cost_per_page": 9}"#,
            Usage { pages: 3, credits: 0.5, ..Usage::default() },
        ),
        1.0,
    );
    let second = r#"{"input_cost_per_second": 2, "output_cost_per_second": 2}"#;
    same(one(second, Usage { seconds_in: 1.5, ..Usage::default() }), 3.0);
    same(
        one(
            r#"{"input_cost_per_second": 2, "output_cost_per_second": 0}"#,
            Usage { seconds_in: 1.5, ..Usage::default() },
        ),
        3.0,
    );
    let tokens = r#"{"input_cost_per_second": 2, "input_cost_per_audio_token": 1, "input_cost_per_token": 1}"#;
    same(one(tokens, Usage { seconds_in: 1.5, input_audio: 7, ..Usage::default() }), 7.0);
}

#[test]
fn images_and_videos_by_size() {
    let images = |fields: &str, size| {
        let options = CostOptions { image_size: Some(size), ..CostOptions::default() };
        bill_as("p", fields, &Usage { images_out: 2, ..Usage::default() }, &options).total
    };
    same(images(r#"{"output_cost_per_image": 3, "output_cost_per_image_4K": 5}"#, "1024x1024"), 6.0);
    same(images(r#"{"output_cost_per_image": 3, "output_cost_per_image_4K": 5}"#, "4k"), 10.0);
    same(images(r#"{"output_cost_per_image": 3, "output_cost_per_image_1536": 4}"#, "1024-x-1536"), 8.0);
    same(images(r#"{"input_cost_per_pixel": 1, "output_cost_per_pixel": 0}"#, "2x3"), 12.0);
    let video = |fields: &str, resolution| {
        let options = CostOptions { video_resolution: Some(resolution), ..CostOptions::default() };
        bill_as("p", fields, &Usage { video_seconds_out: 2.0, ..Usage::default() }, &options).total
    };
    let second = r#"{"output_cost_per_second": 1, "output_cost_per_second_1080p": 2}"#;
    same(video(second, "1080P"), 4.0);
    same(video(second, "720p"), 2.0);
}

#[test]
fn hosted_tools_are_added() {
    let search = r#"{"search_context_cost_per_query": {"search_context_size_low": 1, "search_context_size_medium": 2, "search_context_size_high": 3}}"#;
    let searches = Usage { web_search_low: 1, web_search_high: 2, ..Usage::default() };
    same(bill(search, searches).tools, 7.0);
    let once = search.replacen('{', r#"{"web_search_billing_unit": "per_prompt", "#, 1);
    same(bill(&once, searches).tools, 3.0);
    same(bill("{}", Usage { file_searches: 2, ..Usage::default() }).tools, 0.005);
    same(
        bill_as("azure", "{}", &Usage { computer_input: 1000, ..Usage::default() }, &CostOptions::default()).tools,
        0.003,
    );
    let sessions = Usage { code_sessions: 2, ..Usage::default() };
    same(bill(r#"{"litellm_provider": "openai"}"#, sessions).tools, 0.06);
    same(bill("{}", sessions).tools, 0.0);
}

#[test]
fn a_reported_price_counts_where_it_is_trusted() {
    let usage = Usage { input_text: 1, reported_cost: Some(0.25), ..Usage::default() };
    let trusted = bill_as("openrouter", r#"{"input_cost_per_token": 1}"#, &usage, &CostOptions::default());
    assert!(trusted.reported);
    same(trusted.total, 0.25);
    same(bill(r#"{"input_cost_per_token": 1}"#, usage).total, 1.0);
}

#[test]
fn custom_prices_lie_over_the_model() {
    let base = Catalog::builtin().lookup("openai", "gpt-4o").unwrap();
    let serde_json::Value::Object(fields) =
        serde_json::json!({"input_cost_per_token": "3e-7", "my_own": {"a": 1}, "output_cost_per_token": null})
    else {
        panic!()
    };
    assert!(CustomPrice::has_prices(&fields));
    let custom = CustomPrice::new("deployment", Some(base), &fields).unwrap();
    let model = custom.model();
    same(
        cost(model, "openai", &Usage { input_text: 1_000_000, ..Usage::default() }, &CostOptions::default()).total,
        0.3,
    );
    assert_eq!(model.num_named("output_cost_per_token"), base.num_named("output_cost_per_token"));
    assert_eq!(model.to_json().get("my_own"), Some(&serde_json::json!({"a": 1})));
    assert_eq!(model.max_input_tokens(), base.max_input_tokens());
}

#[test]
fn a_negotiated_price_list_is_not_mixed_with_the_public_one() {
    let public = catalog(
        r#"{"input_cost_per_token": 1, "output_cost_per_token": 2, "cache_read_input_token_cost": 0.1,
        "input_cost_per_token_above_1k_tokens": 5, "max_tokens": 7}"#,
    );
    let bill = |fields: &str, options: &CostOptions<'_>| {
        let custom = CustomPrice::new("d", public.get("m"), &serde_json::from_str(fields).unwrap()).unwrap();
        assert_eq!(custom.model().max_output_tokens(), Some(7));
        let usage = Usage { input_text: 1000, cache_read: 1000, output_text: 1, ..Usage::default() };
        cost(custom.model(), "p", &usage, options).total
    };
    let plain = CostOptions::default();
    same(bill(r#"{"input_cost_per_token": 3}"#, &plain), 6000.0 + 2.0);
    same(
        bill(r#"{"input_cost_per_token": 3, "cache_read_input_token_cost": 1, "output_cost_per_token": 0}"#, &plain),
        4000.0,
    );
    same(bill(r#"{"cache_read_input_token_cost": 1}"#, &plain), 5000.0 + 1000.0 + 2.0);
    let timed = CostOptions { response_seconds: Some(2.0), ..plain };
    same(bill(r#"{"input_cost_per_second": 4}"#, &timed), 8.0);
}

#[test]
fn the_ledger_rounds_once() {
    assert_eq!(nano_dollars(1.234_567_890_4), 1_234_567_890);
    assert_eq!(nano_dollars(0.000_000_000_5), 1);
    assert_eq!(nano_dollars(f64::NAN), 0);
    assert_eq!(nano_dollars(1e300), i64::MAX);
}
