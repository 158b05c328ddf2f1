//! Prints how long a look-up and a price take: `cargo run -p llm-catalog --example speed --no-default-features`.

use std::{hint::black_box, io::Write as _, time::Instant};

use llm_catalog::{Catalog, CostOptions, cost};
use llm_types::Usage;

fn main() -> std::io::Result<()> {
    const ROUNDS: u32 = 200_000;
    let mut out = std::io::stdout().lock();
    let start = Instant::now();
    let catalog = Catalog::builtin();
    black_box(catalog.lookup("openai", "gpt-4o"));
    writeln!(out, "first look-up: {:?}", start.elapsed())?;
    let usage = Usage { input_text: 1000, cache_read: 5000, output_text: 300, reasoning: 50, ..Usage::default() };
    for (provider, name) in
        [("openai", "gpt-4o"), ("azure", "gpt-4o"), ("openai", "GPT-4O"), ("gemini", "gemini-2.5-pro")]
    {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(catalog.lookup(black_box(provider), black_box(name)));
        }
        let look = start.elapsed() / ROUNDS;
        let Some(model) = catalog.lookup(provider, name) else { continue };
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(cost(model, provider, black_box(&usage), &CostOptions::default()));
        }
        writeln!(out, "{provider} {name}: look-up {look:?}, cost {:?}", start.elapsed() / ROUNDS)?;
    }
    Ok(())
}
