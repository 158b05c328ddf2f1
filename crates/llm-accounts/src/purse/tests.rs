//! Money of one entity: reserve, settle, learn, windows.

use super::*;

const STRICT: Option<Cap> = Some(Cap { max: 100, reachable: false });
const REACHABLE: Option<Cap> = Some(Cap { max: 100, reachable: true });

#[test]
fn a_lone_call_may_be_dearer_than_what_is_left_others_must_fit() {
    let purse = Purse::default();
    purse.learn(90, true);
    assert_eq!(purse.reserve(500, STRICT), Ok(()), "10 are left");
    assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 590 }));
    assert_eq!(purse.settle(500, 4, true), 94);
    assert_eq!(purse.reserve(3, STRICT), Ok(()));
    assert_eq!(purse.reserve(3, STRICT), Ok(()));
    assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 100 }));
    purse.release(3);
    assert_eq!(purse.reserve(4, STRICT), Err(Empty { used: 97 }));
}

#[test]
fn some_caps_may_be_reached() {
    let purse = Purse::default();
    purse.learn(100, true);
    assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 100 }));
    assert_eq!(purse.reserve(1, REACHABLE), Ok(()));
    let zero = Some(Cap { max: 0, reachable: false });
    assert_eq!(Purse::default().reserve(0, zero), Err(Empty { used: 0 }), "a budget of 0 blocks at once");
}

#[test]
fn the_database_is_believed_unless_a_flush_ran_meanwhile() {
    let purse = Purse::default();
    purse.recall(5);
    purse.learn(10, true);
    assert_eq!(purse.spent(), 15);
    purse.settle(0, 7, true);
    purse.learn(10, false);
    assert_eq!(purse.spent(), 22, "not touched");
    purse.flushed(12);
    purse.learn(30, true);
    assert_eq!(purse.spent(), 30, "another gateway spent 8");
    purse.learn(0, true);
    assert_eq!(purse.spent(), 0, "a reset");
}

#[test]
fn purses_with_secrets_are_kept() {
    let purses = Purses::default();
    purses.get(Owner::Key, "idle");
    purses.get(Owner::Key, "busy").settle(0, 1, true);
    let held = purses.get(Owner::User, "held");
    purses.sweep(0);
    assert!(purses.known(Owner::Key, "idle").is_none());
    assert!(purses.known(Owner::Key, "busy").is_some());
    assert!(purses.known(Owner::User, "held").is_some_and(|p| Arc::ptr_eq(&p, &held)));
}

#[test]
fn windows_start_again() {
    let purse = Purse::default();
    purse.roll(1000, || 2000);
    purse.settle(0, 7, false);
    purse.roll(1999, || 9);
    assert_eq!((purse.spent(), purse.ends()), (7, 2000), "still the first");
    purse.roll(2000, || 3000);
    assert_eq!((purse.spent(), purse.ends()), (0, 3000));
    assert!(!purse.idle(2999) && purse.idle(3000), "kept while its window runs");
}

#[test]
fn windows_go_on_after_a_restart() {
    let purse = Purse::default();
    purse.recall_in(2000, 5); // left in the journal
    purse.learn_in(2000, 10, false);
    assert_eq!(purse.spent(), 15);
    purse.roll(1500, || 9);
    purse.settle(0, 1, true);
    purse.flushed_in(2000, 5);
    purse.learn_in(2000, 20, true);
    assert_eq!(purse.spent(), 21, "another gateway spent 5, ours of 1 is not there yet");
    purse.roll(2000, || 3000);
    purse.settle(0, 4, true);
    purse.flushed_in(2000, 1);
    purse.learn_in(2000, 21, true);
    assert_eq!((purse.spent(), purse.ends()), (4, 3000), "what was before is over");
    purse.learn_in(4000, 7, true);
    assert_eq!((purse.spent(), purse.ends()), (7, 4000), "a later one began elsewhere");
}

#[test]
fn purses_of_rows_that_are_not_flushed_keep_what_was_spent_since() {
    let purse = Purse::default();
    purse.begin(10, 5);
    purse.settle(0, 3, false);
    purse.begin(10, 5);
    assert_eq!(purse.spent(), 8, "not there yet");
    purse.begin(10, 9);
    assert_eq!(purse.spent(), 9, "another gateway spent one");
    purse.begin(20, 0);
    assert_eq!(purse.spent(), 0, "a new period");
}

#[test]
fn money_is_whole() {
    assert_eq!(nanos(0.000_000_15), 150);
    assert_eq!(nanos(f64::NAN), 0);
    assert!((usd(nanos(12.345_678_9)) - 12.345_678_9).abs() < 1e-12);
}
