//! What goes wrong with the cache, as metrics.

use std::sync::Arc;

use llm_cache::{CacheError, Witness};
use llm_callbacks::Prometheus;

/// Counts failures.
#[derive(Clone)]
pub struct Meter(pub Arc<Prometheus>);

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter(..)")
    }
}

impl Witness for Meter {
    fn failed(&self, kind: &'static str, operation: &'static str, error: &CacheError) {
        self.0.cache_failed(kind, operation, error.reason());
    }

    fn usable(&self, kind: &'static str, usable: bool) {
        self.0.cache_usable(kind, usable);
    }
}
