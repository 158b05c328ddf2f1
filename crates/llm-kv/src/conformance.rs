//! What every implementation must do. Each check panics with what went wrong; keys begin with `prefix`, so that a suite
//! can run on a shared server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test suite

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::{Correction, CounterClaim, Exceeded, Kv, ReserveOutcome, Window};

/// Long enough that a check never straddles it by accident, short enough to wait for on a real server.
const SPAN: Duration = Duration::from_millis(900);
const PER_SPAN: Window = Window::FirstUse(SPAN);

/// Runs every check. `pass` lets time go by: moves a test clock, or sleeps.
pub async fn run<F: Future<Output = ()>>(kv: &dyn Kv, prefix: &str, pass: impl Fn(Duration) -> F) {
    let key = |name: &str| format!("{prefix}{{conformance}}:{name}");
    values(kv, &key("value"), &pass).await;
    windows(kv, &key("window"), &pass).await;
    reservations(kv, &key("a"), &key("b"), &pass).await;
    settlement(kv, &key("settle"), &pass).await;
    raising(kv, &key("raise"), &pass).await;
    alone(kv, &key("alone")).await;
    in_flight(kv, &key("flight")).await;
    locks(kv, &key("lock"), &pass).await;
}

async fn values<F: Future<Output = ()>>(kv: &dyn Kv, key: &str, pass: &impl Fn(Duration) -> F) {
    let text = Bytes::from_static;
    assert_eq!(kv.get(key).await, Ok(None));
    kv.set(key, text(b"one"), None).await.unwrap();
    pass(SPAN * 2).await;
    assert_eq!(kv.get(key).await, Ok(Some(text(b"one"))), "a value without a lifetime stays");
    kv.set(key, text(b"two"), Some(SPAN)).await.unwrap();
    assert_eq!(kv.get(key).await, Ok(Some(text(b"two"))), "set overwrites");
    pass(SPAN + SPAN / 10).await;
    assert_eq!(kv.get(key).await, Ok(None), "a value ends with its lifetime");
    assert_eq!(kv.delete(key).await, Ok(false), "what has expired is not there to delete");
    kv.set(key, text(b""), Some(SPAN)).await.unwrap();
    assert_eq!(kv.get(key).await, Ok(Some(Bytes::new())), "an empty value is a value");
    assert_eq!(kv.delete(key).await, Ok(true));
    assert_eq!(kv.get(key).await, Ok(None));
}

async fn windows<F: Future<Output = ()>>(kv: &dyn Kv, key: &str, pass: &impl Fn(Duration) -> F) {
    assert_eq!(kv.read(key).await, Ok(None), "a counter never used has no state");
    let first = kv.incr_window(key, 3, PER_SPAN).await.unwrap();
    assert_eq!(first.value, 3);
    assert!(first.resets_in.unwrap() <= SPAN);
    pass(SPAN / 3).await;
    let second = kv.incr_window(key, 4, PER_SPAN).await.unwrap();
    assert_eq!((second.value, second.started), (7, first.started), "the window goes on");
    assert!(second.resets_in.unwrap() < first.resets_in.unwrap());
    pass(SPAN).await;
    assert_eq!(kv.read(key).await, Ok(None), "the window is over");
    let third = kv.incr_window(key, 1, PER_SPAN).await.unwrap();
    assert_eq!(third.value, 1, "a new window starts from zero");
    assert!(third.started > first.started);
    assert_eq!(kv.delete(key).await, Ok(true));
    assert_eq!(kv.read(key).await, Ok(None));

    let aligned = kv.incr_window(key, 1, Window::Aligned(SPAN)).await.unwrap();
    assert_eq!(u128::from(aligned.started.0) % SPAN.as_millis(), 0, "an aligned window starts on the clock");
    kv.delete(key).await.unwrap();
}

async fn reservations<F: Future<Output = ()>>(kv: &dyn Kv, a: &str, b: &str, pass: &impl Fn(Duration) -> F) {
    let claim = |key, by, limit| CounterClaim { key, by, limit: Some(limit), window: PER_SPAN, alone: false, floor: 0 };
    let granted = granted(kv.reserve(&[claim(a, 4, 10), claim(b, 1, 1)]).await.unwrap());
    assert_eq!(granted.readings.iter().map(|reading| reading.value).collect::<Vec<_>>(), [4, 1]);

    let refused = exceeded(kv.reserve(&[claim(a, 6, 10), claim(b, 1, 1)]).await.unwrap());
    assert_eq!((refused.index, refused.used, refused.remaining), (1, 1, 0));
    assert!(refused.resets_in.unwrap() <= SPAN);
    assert_eq!(kv.read(a).await.unwrap().unwrap().value, 4, "a refused reservation adds nothing");
    let refused = exceeded(kv.reserve(&[claim(a, 7, 10), claim(b, 1, 1)]).await.unwrap());
    assert_eq!((refused.index, refused.used, refused.remaining), (0, 4, 6), "the first that does not fit is named");

    let unlimited = CounterClaim { key: a, by: 100, limit: None, window: PER_SPAN, alone: false, floor: 0 };
    self::granted(kv.reserve(&[unlimited, claim(b, 0, 1)]).await.unwrap());
    assert_eq!(exceeded(kv.reserve(&[claim(a, 1, 10)]).await.unwrap()).remaining, 0, "remaining is never negative");

    let twice = exceeded(kv.reserve(&[claim(b, 0, 1), claim(b, 1, 1)]).await.unwrap());
    assert_eq!(twice.index, 1, "claims on one counter add up");
    self::granted(kv.reserve(&[]).await.unwrap());
    pass(SPAN + SPAN / 10).await;
    self::granted(kv.reserve(&[claim(a, 10, 10), claim(b, 1, 1)]).await.unwrap());
    for key in [a, b] {
        kv.delete(key).await.unwrap();
    }
}

async fn settlement<F: Future<Output = ()>>(kv: &dyn Kv, key: &str, pass: &impl Fn(Duration) -> F) {
    assert_eq!(kv.adjust(key, -5, None).await, Ok(None), "nothing to correct");
    let claims = [CounterClaim { key, by: 8, limit: Some(10), window: PER_SPAN, alone: false, floor: 0 }];
    let stamp = granted(kv.reserve(&claims).await.unwrap()).stamp;
    assert_eq!(kv.adjust(key, -3, Some(stamp)).await, Ok(Some(5)));
    assert_eq!(kv.adjust(key, 9, Some(stamp)).await, Ok(Some(14)), "a correction may pass the limit: it happened");
    assert_eq!(kv.adjust(key, -90, Some(stamp)).await, Ok(Some(0)), "not below zero");
    pass(SPAN + SPAN / 10).await;
    assert_eq!(kv.adjust(key, 9, Some(stamp)).await, Ok(None), "the window is over");
    granted(kv.reserve(&claims).await.unwrap());
    assert_eq!(kv.adjust(key, -3, Some(stamp)).await, Ok(None), "not into the next window");
    assert_eq!(kv.read(key).await.unwrap().unwrap().value, 8);
    kv.delete(key).await.unwrap();
}

async fn raising<F: Future<Output = ()>>(kv: &dyn Kv, key: &str, pass: &impl Fn(Duration) -> F) {
    assert_eq!(kv.raise(key, 50, Window::Endless).await.unwrap().value, 50);
    assert_eq!(kv.raise(key, 20, Window::Endless).await.unwrap().value, 50, "raise never lowers");
    pass(SPAN * 2).await;
    let reading = kv.incr_window(key, 5, Window::Endless).await.unwrap();
    assert_eq!((reading.value, reading.resets_in), (55, None), "an endless counter does not end");
    kv.delete(key).await.unwrap();
}

async fn alone(kv: &dyn Kv, key: &str) {
    let claims = |by| [CounterClaim { key, by, limit: Some(10), window: Window::InFlight, alone: true, floor: 0 }];
    granted(kv.reserve(&claims(25)).await.unwrap());
    let refused = exceeded(kv.reserve(&claims(1)).await.unwrap());
    assert_eq!((refused.used, refused.remaining), (25, 0), "beside another one it must fit");
    let corrections = [Correction { key, by: -20, since: None }, Correction { key, by: -1, since: None }];
    assert_eq!(kv.settle(&corrections).await, Ok(vec![Some(5), Some(4)]));
    granted(kv.reserve(&claims(6)).await.unwrap());
    assert_eq!(kv.delete(key).await, Ok(true));

    let known = |by, floor| [CounterClaim { key, by, limit: Some(10), window: Window::Endless, alone: false, floor }];
    assert_eq!(exceeded(kv.reserve(&known(1, 10)).await.unwrap()).used, 10, "what the caller knows counts");
    assert_eq!(granted(kv.reserve(&known(1, 7)).await.unwrap()).readings[0].value, 8);
    assert_eq!(granted(kv.reserve(&known(1, 3)).await.unwrap()).readings[0].value, 9, "it never lowers");
    assert_eq!(kv.delete(key).await, Ok(true));
}

async fn in_flight(kv: &dyn Kv, key: &str) {
    assert_eq!(kv.acquire(key, Some(2)).await, Ok(Some(1)));
    assert_eq!(kv.acquire(key, Some(2)).await, Ok(Some(2)));
    assert_eq!(kv.acquire(key, Some(2)).await, Ok(None));
    assert_eq!(kv.acquire(key, None).await, Ok(Some(3)));
    for left in [2, 1, 0, 0] {
        assert_eq!(kv.release(key).await, Ok(left));
    }
    assert_eq!(kv.acquire(key, Some(2)).await, Ok(Some(1)));
    kv.delete(key).await.unwrap();
}

async fn locks<F: Future<Output = ()>>(kv: &dyn Kv, name: &str, pass: &impl Fn(Duration) -> F) {
    assert_eq!(kv.try_lock(name, "one", SPAN).await, Ok(true));
    assert_eq!(kv.try_lock(name, "two", SPAN).await, Ok(false));
    pass(SPAN / 2).await;
    assert_eq!(kv.try_lock(name, "one", SPAN).await, Ok(true), "the owner keeps it");
    pass(SPAN / 2 + SPAN / 10).await;
    assert_eq!(kv.try_lock(name, "two", SPAN).await, Ok(false), "for another lifetime");
    pass(SPAN).await;
    assert_eq!(kv.try_lock(name, "two", SPAN).await, Ok(true), "a lock ends");
    assert_eq!(kv.unlock(name, "one").await, Ok(false), "only the owner unlocks");
    assert_eq!(kv.unlock(name, "two").await, Ok(true));
    assert_eq!(kv.unlock(name, "two").await, Ok(false));
    assert_eq!(kv.try_lock(name, "one", SPAN).await, Ok(true));
    kv.unlock(name, "one").await.unwrap();
}

fn granted(outcome: ReserveOutcome) -> crate::Granted {
    match outcome {
        ReserveOutcome::Granted(granted) => granted,
        ReserveOutcome::Exceeded(exceeded) => panic!("refused: {exceeded:?}"),
    }
}

fn exceeded(outcome: ReserveOutcome) -> Exceeded {
    match outcome {
        ReserveOutcome::Exceeded(exceeded) => exceeded,
        ReserveOutcome::Granted(granted) => panic!("granted: {granted:?}"),
    }
}
