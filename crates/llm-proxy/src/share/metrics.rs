//! Redis and the modes of shared state as OpenMetrics text.

use std::fmt::Write as _;

use llm_kv::redis::stats::TIME_CLASSES;
use llm_kv::redis::{BreakerState, RedisHealth};

use super::Mode;

/// The lines, without the end mark.
pub(super) fn text(health: &RedisHealth, modes: &[(&'static str, Mode)], alone: u64) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, health, modes, alone);
    out
}

fn write(
    out: &mut String,
    health: &RedisHealth,
    modes: &[(&'static str, Mode)],
    alone: u64,
) -> Result<(), std::fmt::Error> {
    let stats = &health.stats;
    head(out, "litellm_redis_breaker_state", "gauge", "1 for the state that the breaker before Redis is in")?;
    for state in [BreakerState::Connecting, BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen] {
        let on = u8::from(state == health.state);
        writeln!(out, "litellm_redis_breaker_state{{state=\"{}\"}} {on}", state.word())?;
    }
    head(out, "litellm_shared_state_mode", "gauge", "1 for the mode in which a use of shared state is served")?;
    for (what, mode) in modes {
        for each in Mode::ALL {
            let on = u8::from(each == *mode);
            writeln!(out, "litellm_shared_state_mode{{use=\"{what}\",mode=\"{}\"}} {on}", each.word())?;
        }
    }
    head(out, "litellm_redis_fails", "counter", "Calls to Redis that failed, by reason")?;
    for (reason, count) in [("timeout", stats.timeouts), ("connection", stats.failures), ("not_tried", stats.refused)] {
        writeln!(out, "litellm_redis_fails_total{{reason=\"{reason}\"}} {count}")?;
    }
    for (name, help, count) in [
        ("litellm_redis_breaker_opened", "How often the breaker before Redis opened", stats.opened),
        ("litellm_redis_connects", "Connections to Redis that were made", stats.connects),
        ("litellm_redis_connect_fails", "Connections to Redis that failed", stats.connect_failures),
        ("litellm_admitted_alone", "Admissions decided without the shared limits", alone),
    ] {
        head(out, name, "counter", help)?;
        writeln!(out, "{name}_total {count}")?;
    }
    head(out, "litellm_redis_latency", "histogram", "Seconds until Redis answered")?;
    let mut sum = 0;
    for (at, count) in stats.times.iter().enumerate() {
        sum += count;
        let end = TIME_CLASSES.get(at).map_or_else(|| "+Inf".to_owned(), |micros| (*micros as f64 / 1e6).to_string());
        writeln!(out, "litellm_redis_latency_bucket{{le=\"{end}\"}} {sum}")?;
    }
    writeln!(out, "litellm_redis_latency_sum {}", stats.busy_micros as f64 / 1e6)?;
    writeln!(out, "litellm_redis_latency_count {sum}")
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> Result<(), std::fmt::Error> {
    writeln!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}")
}
