//! What the filter costs: a whole text, and a token of a stream.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use llm_guardrails::{CallContext, Content, ContentFilter, Direction, Guardrail, GuardrailConfig};
use llm_types::record::Caller;

fn filter(c: &mut Criterion) {
    let words: Vec<String> = (0..1000).map(|n| format!(r#"{{"keyword":"forbidden{n}","action":"BLOCK"}}"#)).collect();
    let config = format!(
        r#"{{"guardrail_name":"w","litellm_params":{{"guardrail":"litellm_content_filter","blocked_words":[{}],"patterns":[
            {{"pattern_type":"prebuilt","pattern_name":"us_ssn","action":"BLOCK"}},
            {{"pattern_type":"prebuilt","pattern_name":"credit_card","action":"MASK"}}]}}}}"#,
        words.join(",")
    );
    let config: GuardrailConfig = serde_json::from_str(&config).unwrap();
    let filter = ContentFilter::from_config(&config).unwrap();
    let session = filter.open(&CallContext::new("c", "m", &Caller::default()));
    let texts = ["The quick brown fox jumps over 12 lazy dogs. ".repeat(100)];
    c.bench_function("4.5 KB text, 1000 words, 2 patterns", |b| {
        b.iter(|| {
            session
                .check(Content { direction: Direction::Request, texts: black_box(&texts), roles: &[] })
                .now_or_never()
        });
    });
    let mut gate = session.gate().unwrap();
    c.bench_function("token of a stream, 1000 words, 2 patterns", |b| b.iter(|| gate.push(black_box(" fox"))));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = filter
}
criterion_main!(benches);
