//! Look-up and pricing on the request path allocate nothing.
#![allow(unsafe_code, reason = "counting allocations takes a global allocator")]
#![allow(clippy::unwrap_used, reason = "a missing model should end the test")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use llm_catalog::{Catalog, CostOptions, cost};
use llm_types::Usage;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: forwards to the system allocator and keeps its promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn lookup_and_cost_do_not_allocate() {
    let usage = Usage { input_text: 250_000, cache_read: 100, output_text: 100, reasoning: 5, ..Usage::default() };
    let before = COUNT.with(Cell::get);
    let mut total = 0.0;
    for (provider, name) in [
        ("openai", "gpt-4o"),
        ("azure", "gpt-4o"),
        ("deepseek", "deepseek-v4-flash"),
        ("bedrock", "us.anthropic.claude-3-5-haiku-20241022-v1:0"),
    ] {
        let model = Catalog::builtin().lookup_price(provider, None, name).unwrap();
        total += cost(model, provider, &usage, &CostOptions::default()).total;
    }
    assert_eq!(COUNT.with(Cell::get) - before, 0);
    assert!(total > 0.0);
}
