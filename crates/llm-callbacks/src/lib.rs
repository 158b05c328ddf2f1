//! Telling others: log records, batching, sinks.
