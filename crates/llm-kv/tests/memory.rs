//! The conformance suite on memory, and what only memory can show: many threads, and forgetting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests and their helpers

use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use llm_kv::{Claim, CounterClaim, Kv, MemoryKv, ReserveOutcome, Window, conformance, reserve_counters};

const MINUTE: Window = Window::FirstUse(Duration::from_secs(60));

#[tokio::test]
async fn conforms() {
    let kv = MemoryKv::new();
    conformance::run(&kv, "test:", |time| {
        kv.skip(time);
        std::future::ready(())
    })
    .await;
    assert!((&kv as &dyn Kv).as_memory().is_some());
}

/// 64 threads want far more than there is; exactly what there is may be had.
fn admitted(attempt: impl Fn(usize) -> bool + Sync) -> i64 {
    let admitted = AtomicI64::new(0);
    let start = Barrier::new(64);
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let (attempt, admitted, start) = (&attempt, &admitted, &start);
            scope.spawn(move || {
                start.wait();
                for _ in 0..100 {
                    if attempt(thread) {
                        admitted.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    admitted.into_inner()
}

#[test]
fn a_limit_admits_exactly_itself() {
    let kv = MemoryKv::new();
    let count = admitted(|_| {
        let claims = [CounterClaim { key: "k", by: 1, limit: Some(777), window: MINUTE, alone: false, floor: 0 }];
        matches!(kv.reserve(&claims), ReserveOutcome::Granted(_))
    });
    assert_eq!(count, 777);
    assert_eq!(kv.read("k").unwrap().value, 777);
}

#[test]
fn several_limits_in_any_order_admit_exactly_the_smallest() {
    let kv = MemoryKv::new();
    let counters = ["a", "b", "c"].map(|key| kv.counter(key));
    let limits = [900, 555, 700];
    let count = admitted(|thread| {
        // Each thread names the counters in another order: no deadlock.
        let mut claims = [0, 1, 2].map(|place| {
            let which = (place + thread) % 3;
            Claim {
                counter: &counters[which],
                by: 1,
                limit: Some(limits[which]),
                window: MINUTE,
                mark: place,
                alone: false,
                floor: 0,
                reading: None,
            }
        });
        reserve_counters(&mut claims, kv.now()).is_ok()
    });
    assert_eq!(count, 555);
    for key in ["a", "b", "c"] {
        assert_eq!(kv.read(key).unwrap().value, 555, "nothing was added for a refused reservation");
    }
}

#[test]
fn in_flight_never_passes_its_limit() {
    let kv = MemoryKv::new();
    let running = AtomicI64::new(0);
    let count = admitted(|_| {
        let got = kv.acquire("k", Some(5)).is_some();
        if got {
            assert!(running.fetch_add(1, Ordering::SeqCst) < 5);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            kv.release("k");
        }
        got
    });
    assert!(count > 0);
    assert_eq!(kv.read("k").unwrap().value, 0);
}

#[test]
fn one_of_many_gets_the_lock() {
    let kv = MemoryKv::new();
    let winners = AtomicI64::new(-1);
    admitted(|thread| {
        let got = kv.try_lock("job", &thread.to_string(), Duration::from_secs(60));
        if got {
            let before = winners.swap(thread as i64, Ordering::SeqCst);
            assert!(before == -1 || before == thread as i64);
        }
        got
    });
}

#[test]
fn what_has_expired_makes_room() {
    let kv = MemoryKv::new();
    let second = Duration::from_secs(1);
    let held = kv.counter("held");
    held.add(1, Window::FirstUse(second), kv.now());
    for round in 0..50 {
        for n in 0..1000 {
            kv.set(&format!("v{round}-{n}"), Bytes::new(), Some(second));
            kv.incr_window(&format!("c{round}-{n}"), 1, Window::FirstUse(second));
        }
        kv.skip(second);
    }
    assert!(kv.len() < 20_000, "{} entries left of 100,000", kv.len());
    held.add(7, MINUTE, kv.now());
    assert_eq!(kv.read("held").unwrap().value, 7, "a held handle is still the key's counter");
}
