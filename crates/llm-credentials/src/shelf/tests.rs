use std::sync::atomic::AtomicUsize;
use std::time::UNIX_EPOCH;

use llm_types::Kind;

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn key() -> Key {
    KeyOf::new("test").end()
}

/// An issuer of numbers, each good for an hour.
#[derive(Default)]
struct Issuer {
    asked: AtomicUsize,
    down: std::sync::atomic::AtomicBool,
}

impl Issuer {
    async fn issue(&self, now: SystemTime) -> Result<Issued<usize>> {
        let count = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Unavailable, format!("down at call {count}")));
        }
        Ok(Issued { value: count, expires: Some(now + Duration::from_secs(3600)) })
    }
}

#[tokio::test]
async fn one_fetch_for_all_who_wait() {
    let (shelf, issuer) = (Shelf::default(), Issuer::default());
    let calls = (0..50).map(|_| shelf.get(key(), at(0), || Box::pin(issuer.issue(at(0)))));
    let got: Vec<_> = futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(got, vec![1; 50]);
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    let other = shelf.get(KeyOf::new("other").end(), at(0), || Box::pin(issuer.issue(at(0)))).await.unwrap();
    assert_eq!(other, 2);
}

#[tokio::test]
async fn renewed_ahead_by_one_and_used_by_the_others() {
    let (shelf, issuer) = (Shelf::default(), Issuer::default());
    assert_eq!(shelf.get(key(), at(0), || Box::pin(issuer.issue(at(0)))).await.unwrap(), 1);
    assert_eq!(shelf.get(key(), at(3299), || Box::pin(issuer.issue(at(3299)))).await.unwrap(), 1);
    let calls = (0..10).map(|_| shelf.get(key(), at(3301), || Box::pin(issuer.issue(at(3301)))));
    let mut got: Vec<_> = futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
    got.sort_unstable();
    assert_eq!(got, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    assert_eq!(shelf.get(key(), at(3302), || Box::pin(issuer.issue(at(3302)))).await.unwrap(), 2);
}

#[tokio::test]
async fn a_failed_renewal_leaves_what_is_still_good() {
    let (shelf, issuer) = (Shelf::default(), Issuer::default());
    shelf.get(key(), at(0), || Box::pin(issuer.issue(at(0)))).await.unwrap();
    issuer.down.store(true, Ordering::SeqCst);
    for second in [3400, 3410, 3431] {
        assert_eq!(shelf.get(key(), at(second), || Box::pin(issuer.issue(at(second)))).await.unwrap(), 1);
    }
    // Asked at 3400 and, after a pause, at 3431.
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 3);
    let error = shelf.get(key(), at(3590), || Box::pin(issuer.issue(at(3590)))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    issuer.down.store(false, Ordering::SeqCst);
    assert_eq!(shelf.get(key(), at(3591), || Box::pin(issuer.issue(at(3591)))).await.unwrap(), 5);
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited_and_forgotten_by_the_next() {
    let (shelf, issuer) = (Shelf::default(), Issuer::default());
    issuer.down.store(true, Ordering::SeqCst);
    let calls = (0..20).map(|_| shelf.get(key(), at(0), || Box::pin(issuer.issue(at(0)))));
    let errors = futures_util::future::join_all(calls).await;
    assert!(errors.iter().all(|outcome| outcome.as_ref().is_err_and(|e| e.message == "down at call 1")));
    issuer.down.store(false, Ordering::SeqCst);
    assert_eq!(shelf.get(key(), at(1), || Box::pin(issuer.issue(at(1)))).await.unwrap(), 2);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_the_turn_to_the_next() {
    let shelf = Shelf::<usize>::default();
    {
        let stuck = shelf.get(key(), at(0), || Box::pin(std::future::pending()));
        let gone = tokio::time::timeout(Duration::from_millis(1), stuck).await;
        assert!(gone.is_err());
    }
    let issuer = Issuer::default();
    assert_eq!(shelf.get(key(), at(0), || Box::pin(issuer.issue(at(0)))).await.unwrap(), 1);
}

#[tokio::test]
async fn without_an_end_it_is_asked_for_again_after_five_minutes() {
    let shelf = Shelf::default();
    let asked = AtomicUsize::new(0);
    for (second, expected) in [(0, 1), (200, 1), (301, 2)] {
        let fetch = async { Ok(Issued { value: asked.fetch_add(1, Ordering::SeqCst) + 1, expires: None }) };
        assert_eq!(shelf.get(key(), at(second), || Box::pin(fetch)).await.unwrap(), expected);
    }
    shelf.forget(key());
    let fetch = async { Ok(Issued { value: 9, expires: None }) };
    assert_eq!(shelf.get(key(), at(302), || Box::pin(fetch)).await.unwrap(), 9);
}

#[test]
fn keys_tell_fields_apart() {
    let key = |parts: &[Option<&str>]| parts.iter().fold(KeyOf::new("s"), |k, p| k.maybe(*p)).end();
    assert!(key(&[Some("ab"), Some("c")]) != key(&[Some("a"), Some("bc")]));
    assert!(key(&[Some("a"), None]) != key(&[None, Some("a")]));
    assert!(key(&[Some("a")]) == key(&[Some("a")]));
    assert!(KeyOf::new("a").end() != KeyOf::new("b").end());
}
