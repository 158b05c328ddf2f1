//! Prices against LiteLLM's: `fixtures/costs/reference.jsonl` has what LiteLLM 1.104.5 says calls cost, one row per
//! combination of price fields and shape of usage. `cargo xtask costs FILE` compares a whole recording.
#![allow(clippy::unwrap_used, reason = "a fixture that does not parse should end the test")]

use llm_catalog::{Catalog, CostOptions, cost};
use llm_types::Usage;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    model: String,
    provider: String,
    usage: Usage,
    input: f64,
    output: f64,
}

/// A moment inside the off-peak windows (a Saturday), as when the reference was recorded.
const OFF_PEAK: u64 = 1_795_262_400;

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= (1e-9 * theirs.abs()).max(1e-12)
}

#[test]
fn prices_equal_the_reference() {
    let options = CostOptions { at: Some(OFF_PEAK), ..CostOptions::default() };
    let mut wrong = Vec::new();
    let rows: Vec<Row> = include_str!("../fixtures/costs/reference.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(rows.len() > 500);
    for row in &rows {
        let model = Catalog::builtin().lookup_price(&row.provider, None, &row.model).unwrap();
        let bill = cost(model, &row.provider, &row.usage, &options);
        if !close(bill.input, row.input) || !close(bill.output, row.output) {
            wrong.push(format!("{} {:?}: {} {}", row.model, row.usage, bill.input, bill.output));
        }
        assert!(close(bill.total, row.input + row.output));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
