//! The journal across crashes: whatever was written gets to the store once.

use std::path::Path;

use llm_store::{SpendLogRow, StoreConfig, VerificationToken};

use super::*;
use crate::identity::{Identity, Rank};
use crate::purse::{Owner, usd};

async fn store() -> Store {
    let store = Store::open(&StoreConfig::memory()).await.unwrap();
    store.migrate().await.unwrap();
    let key = VerificationToken { token: "k".to_owned(), ..VerificationToken::default() };
    store.keys().insert(&key).await.unwrap();
    store
}

fn settings(dir: Option<&Path>) -> Arc<AccountsSettings> {
    Arc::new(AccountsSettings { journal_dir: dir.map(Path::to_owned), ..AccountsSettings::default() })
}

fn note(nanos: i64) -> Note {
    let mut who = Identity::bare(Rank::Key, "sk-...", Arc::default());
    who.caller.key_hash = Some("k".into());
    let counts = Counts { input: 3, output: 4, total: 7, ..Counts::default() };
    Note {
        who: Arc::new(who),
        record: None,
        group: "g".into(),
        route: "/r",
        nanos,
        counts,
        interrupted: true,
        windows: Vec::new(),
    }
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    all.filter(|p| p.extension().is_some_and(|e| e == "journal")).collect()
}

async fn stored(store: &Store) -> (usize, f64) {
    let rows = store.table::<SpendLogRow>().find(llm_store::Filter::new()).await.unwrap();
    let key = store.keys().get_by_hash("k").await.unwrap().unwrap();
    assert!(rows.iter().all(|r| r.status.as_deref() == Some("failure") && r.model_group.as_deref() == Some("g")));
    (rows.len(), key.spend)
}

/// A process that dies: its journal is dropped without a flush, the files stay.
fn die_with(dir: &Path, calls: usize) {
    let journal = Journal::open(&settings(Some(dir)), true, &Purses::default()).unwrap();
    (0..calls).for_each(|_| journal.push(&note(1_000_000_000)));
}

#[tokio::test]
async fn calls_of_a_dead_process_are_stored_once() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    die_with(dir.path(), 5);
    die_with(dir.path(), 2);
    assert_eq!(segments(dir.path()).len(), 2);

    let purses = Purses::default();
    let journal = Journal::open(&settings(Some(dir.path())), true, &purses).unwrap();
    let purse = purses.known(Owner::Key, "k").unwrap();
    assert!((usd(purse.spent()) - 7.0).abs() < 1e-9, "known before the store has it");
    purse.learn(0, true);
    assert!((usd(purse.spent()) - 7.0).abs() < 1e-9, "and not forgotten when the row is read");

    journal.push(&note(1_000_000_000));
    let flushed = journal.flush(&store, &purses).await.unwrap();
    assert_eq!(flushed, Flushed { batches: 3, rows: 8, again: 0 });
    assert_eq!(stored(&store).await, (8, 8.0));
    assert_eq!(journal.flush(&store, &purses).await.unwrap(), Flushed::default());
    assert!(segments(dir.path()).is_empty());
}

#[tokio::test]
async fn a_crash_between_commit_and_removal_counts_nothing_twice() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    die_with(dir.path(), 3);
    let kept: Vec<_> = segments(dir.path()).into_iter().map(|p| (p.clone(), std::fs::read(p).unwrap())).collect();
    let journal = Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap();
    journal.flush(&store, &Purses::default()).await.unwrap();
    drop(journal);
    // The commit happened, the removal did not.
    kept.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let purses = Purses::default();
    let journal = Journal::open(&settings(Some(dir.path())), true, &purses).unwrap();
    let flushed = journal.flush(&store, &purses).await.unwrap();
    assert_eq!((flushed.batches, flushed.again), (1, 1));
    assert_eq!(stored(&store).await, (3, 3.0));
    purses.get(Owner::Key, "k").learn(3_000_000_000, true);
    assert!((usd(purses.get(Owner::Key, "k").spent()) - 3.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_store_that_loses_its_last_commits_gets_them_again() {
    let dir = tempfile::tempdir().unwrap();
    die_with(dir.path(), 3);
    // The batch was applied, and its file waits for the store's disk.
    let path = segments(dir.path()).pop().unwrap();
    std::fs::rename(&path, path.with_extension("applied")).unwrap();
    let (store, purses) = (store().await, Purses::default());
    for expected in [Flushed { batches: 1, rows: 3, again: 0 }, Flushed { batches: 1, rows: 0, again: 1 }] {
        let bytes = std::fs::read(path.with_extension("applied")).unwrap();
        let journal = Journal::open(&settings(Some(dir.path())), true, &purses).unwrap();
        assert!(purses.known(Owner::Key, "k").is_none(), "the store is believed to have it");
        assert_eq!(journal.flush(&store, &purses).await.unwrap(), expected);
        assert_eq!(stored(&store).await, (3, 3.0));
        assert!(!path.with_extension("applied").exists(), "the store keeps it now");
        std::fs::write(path.with_extension("applied"), bytes).unwrap();
    }
}

/// Where a process dies between the journal and whatever it wanted to write down next.
#[tokio::test]
async fn what_is_charged_under_a_name_counts_once_whoever_dies() {
    let (store, [one, two]) = (store().await, [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let open = |dir: &Path, purses| Journal::open(&settings(Some(dir)), true, purses).unwrap();
    let purses = Purses::default();
    let dead = open(one.path(), &purses);
    assert!(dead.push_once(&note(1_000_000_000), "answer"));
    assert!(!dead.push_once(&note(1_000_000_000), "answer"), "this process has it");
    assert!(dead.push_once(&note(1_000_000_000), "another"));
    drop(dead);
    // Its successor knows of it, another gateway does not.
    let (heir, other) = (open(one.path(), &purses), open(two.path(), &Purses::default()));
    assert!((usd(purses.known(Owner::Key, "k").unwrap().spent()) - 2.0).abs() < 1e-9);
    assert!(!heir.push_once(&note(1_000_000_000), "answer"));
    assert!(other.push_once(&note(1_000_000_000), "answer"));
    assert_eq!(other.flush(&store, &Purses::default()).await.unwrap().rows, 1);
    assert_eq!(heir.flush(&store, &purses).await.unwrap(), Flushed { batches: 2, rows: 1, again: 1 });
    assert_eq!(stored(&store).await, (2, 2.0));
    // Long after it: nobody has it, and the store refuses it.
    assert!(heir.push_once(&note(1_000_000_000), "answer"));
    purses.get(Owner::Key, "k").settle(0, 1_000_000_000, true);
    assert_eq!(heir.flush(&store, &purses).await.unwrap().again, 1);
    assert_eq!(stored(&store).await, (2, 2.0));
    purses.get(Owner::Key, "k").learn(2_000_000_000, true);
    assert!((usd(purses.get(Owner::Key, "k").spent()) - 2.0).abs() < 1e-9, "and so does the purse");
}

#[tokio::test]
async fn a_name_that_was_torn_at_birth_charges_nothing() {
    let (store, dir, purses) = (store().await, tempfile::tempdir().unwrap(), Purses::default());
    let open = || Journal::open(&settings(Some(dir.path())), true, &purses).unwrap();
    assert!(open().push_once(&note(1_000_000_000), "answer"));
    let path = segments(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    std::fs::write(dir.path().join("x.part"), &bytes).unwrap();
    let journal = open();
    assert!(!dir.path().join("x.part").exists());
    assert!(journal.push_once(&note(1_000_000_000), "answer"), "it is charged by who comes next");
    journal.flush(&store, &purses).await.unwrap();
    assert_eq!(stored(&store).await, (1, 1.0));
    // Without a folder too.
    let memory = Journal::open(&settings(None), true, &purses).unwrap();
    assert!(memory.push_once(&note(1), "b") && !memory.push_once(&note(1), "b"));
}

#[tokio::test]
async fn full_segments_do_not_wait_for_the_flush() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    let (journal, purses) =
        (Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap(), Purses::default());
    let full = journal.full();
    let mut rows = 0;
    for _ in 0..3 {
        (0..shards::SEGMENT_ENTRIES).for_each(|_| journal.push(&note(1_000_000)));
        tokio::time::timeout(std::time::Duration::from_secs(10), full.notified()).await.unwrap();
        rows += journal.drain(&store, &purses).await.unwrap().rows;
    }
    assert!(rows >= 2 * shards::SEGMENT_ENTRIES, "{rows}");
    rows += journal.flush(&store, &purses).await.unwrap().rows;
    assert_eq!(rows, 3 * shards::SEGMENT_ENTRIES);
    assert_eq!(stored(&store).await.0, rows);
}

#[test]
fn what_was_pushed_is_in_the_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap();
    let written = || {
        let files = segments(dir.path()).into_iter().map(|path| std::fs::read(path).unwrap());
        files.map(|bytes| frame::Frames::new(bytes.strip_prefix(frame::MARK).unwrap()).count()).sum::<usize>()
    };
    for calls in 1..=3_usize {
        journal.push(&note(1));
        assert_eq!(written(), 2 * calls - 1, "no thread has to come for it");
        // Another thread writes to a segment of its own.
        std::thread::scope(|scope| drop(scope.spawn(|| journal.push(&note(1))).join()));
        assert_eq!(written(), 2 * calls);
    }
}

#[tokio::test]
async fn a_torn_end_loses_only_itself() {
    for cut in [1_usize, 7, 9, 40] {
        let (store, dir) = (store().await, tempfile::tempdir().unwrap());
        die_with(dir.path(), 4);
        let path = segments(dir.path()).pop().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let journal = Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap();
        journal.flush(&store, &Purses::default()).await.unwrap();
        assert_eq!(stored(&store).await, (3, 3.0), "{cut} bytes cut");
    }
}

#[tokio::test]
async fn a_changed_byte_ends_the_segment() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    die_with(dir.path(), 4);
    let path = segments(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 30;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let journal = Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap();
    journal.flush(&store, &Purses::default()).await.unwrap();
    assert_eq!(stored(&store).await, (3, 3.0));
}

#[tokio::test]
async fn a_store_that_is_away_loses_nothing() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    let purses = Purses::default();
    for dir in [Some(dir.path()), None] {
        let journal = Journal::open(&settings(dir), true, &purses).unwrap();
        let closed = Store::open(&StoreConfig::memory()).await.unwrap();
        closed.close().await;
        for _ in 0..12 {
            journal.push(&note(500_000_000));
            assert!(journal.flush(&closed, &purses).await.is_err());
        }
        let flushed = journal.flush(&store, &purses).await.unwrap();
        assert_eq!((flushed.batches, flushed.rows), (12, 12));
    }
    assert_eq!(stored(&store).await, (24, 12.0));
}

#[tokio::test]
async fn threads_write_beside_each_other() {
    let (store, dir) = (store().await, tempfile::tempdir().unwrap());
    let journal = Arc::new(Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let journal = Arc::clone(&journal);
            std::thread::spawn(move || (0..250).for_each(|_| journal.push(&note(1_000_000))))
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let flushed = journal.flush(&store, &Purses::default()).await.unwrap();
    assert_eq!(flushed.rows, 1000);
    let (rows, spend) = stored(&store).await;
    assert!(rows == 1000 && (spend - 1.0).abs() < 1e-9, "{rows} {spend}");
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = Journal::open(&settings(Some(dir.path())), true, &Purses::default()).unwrap();
    assert!(Journal::open(&settings(Some(dir.path())), true, &Purses::default()).is_err());
    drop(first);
    assert!(Journal::open(&settings(Some(dir.path())), true, &Purses::default()).is_ok());
}

#[test]
fn without_a_store_nothing_is_kept() {
    let journal = Journal::open(&settings(None), false, &Purses::default()).unwrap();
    assert!(!journal.keeps());
    journal.push(&note(1));
}
