//! Wrong passwords are counted by source and name, and by source alone; too many of them block for a while, whatever the
//! password. A blocked pair counts against its source no more: one script must not lock an office out.
//!
//! Attempts are counted before they are judged, so that many at once are no more than many after another; a right one is
//! taken off again. Gateways that share a store count together.

use std::net::IpAddr;
use std::time::Duration;

use llm_kv::{Kv, KvError, Window};

use super::FailureLimits;
use crate::KeyDigest;
use crate::source::Source;

/// The counters of somebody who tries: of the source with the name, and of the source. Neither is told in them.
struct Counters {
    pair: String,
    alone: String,
}

impl Counters {
    fn of(source: Option<IpAddr>, name: &str) -> Self {
        let source = Source::of(source);
        let place = |text: String| format!("llm:login:{}", KeyDigest::of(&text).hex());
        Self { pair: place(format!("{source:?}\0{}", name.trim().to_lowercase())), alone: place(format!("{source:?}")) }
    }
}

/// Notes an attempt. How long to wait, when it is one too many.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn attempt(
    kv: &dyn Kv,
    limits: &FailureLimits,
    source: Option<IpAddr>,
    name: &str,
) -> Result<Option<Duration>, KvError> {
    let Counters { pair, alone } = Counters::of(source, name);
    let per_source = limits.per_source.unwrap_or_else(|| limits.attempts.saturating_mul(10));
    for (counter, most) in [(pair, limits.attempts), (alone, per_source)] {
        let block = format!("{counter}:blocked");
        if let Some(blocked) = kv.read(&block).await? {
            return Ok(Some(blocked.resets_in.unwrap_or(limits.block)));
        }
        let tried = kv.incr_window(&counter, 1, Window::FirstUse(limits.window)).await?;
        if tried.value > i64::from(most) {
            kv.incr_window(&block, 1, Window::FirstUse(limits.block)).await?;
            kv.delete(&counter).await?;
            return Ok(Some(limits.block));
        }
        // Another attempt may have set the block and begun the count anew since it was looked at; the block came first.
        if let Some(blocked) = kv.read(&block).await? {
            return Ok(Some(blocked.resets_in.unwrap_or(limits.block)));
        }
    }
    Ok(None)
}

/// The attempt was a right one.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn right(kv: &dyn Kv, source: Option<IpAddr>, name: &str) -> Result<(), KvError> {
    let Counters { pair, alone } = Counters::of(source, name);
    kv.delete(&pair).await?;
    kv.adjust(&alone, -1, None).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use llm_kv::MemoryKv;

    use super::*;

    #[tokio::test]
    async fn too_many_block_for_a_while() {
        let kv = MemoryKv::new();
        let limits = FailureLimits { attempts: 3, per_source: Some(6), ..FailureLimits::default() };
        let (here, there) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        let tries = async |source, names: &[&str]| {
            let mut out = Vec::new();
            for name in names {
                out.push(attempt(&kv, &limits, source, name).await.unwrap().is_none());
            }
            out
        };
        assert_eq!(tries(here, &["ann"; 5]).await, [true, true, true, false, false]);
        assert_eq!(tries(here, &["ANN "]).await, [false], "names know no case");
        assert_eq!(tries(there, &["ann"]).await, [true], "another source");
        // Of six for all names three are used up: the blocked pair counts no more.
        assert_eq!(tries(here, &["b", "c", "d", "e"]).await, [true, true, true, false]);
        assert_eq!(tries(here, &["f"]).await, [false]);
        kv.skip(limits.block + Duration::from_millis(1));
        assert_eq!(tries(here, &["ann"; 4]).await, [true, true, true, false]);
        // A right one is taken off.
        for _ in 0..9 {
            assert_eq!(tries(there, &["bob"]).await, [true]);
            right(&kv, there, "bob").await.unwrap();
        }
    }
}
