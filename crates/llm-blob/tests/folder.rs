//! The conformance suite on a folder, and what only files can show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests and their helpers

use llm_blob::{Blob, BlobError, Folder, Key, Object, conformance};

#[tokio::test]
async fn conforms_and_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not/yet/there");
    conformance::run(&Folder::open(&path).unwrap()).await;
    let key = Key::new("kept").unwrap();
    let object = Object { bytes: "content".into(), content_type: Some("text/plain".to_owned()), ..Object::default() };
    Folder::open(&path).unwrap().put(&key, object.clone()).await.unwrap();
    assert_eq!(Folder::open(&path).unwrap().get(&key).await, Ok(Some(object)));
}

#[tokio::test]
async fn foreign_and_damaged_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    for (name, content) in [("short", &b"\0\0"[..]), ("cut", b"\0\0\0\x09{}"), ("text", b"just a text file")] {
        std::fs::write(dir.path().join(name), content).unwrap();
        assert_eq!(folder.get(&Key::new(name).unwrap()).await, Err(BlobError::Damaged(name.to_owned())));
    }
    std::fs::write(dir.path().join("not a key"), "x").unwrap();
    assert_eq!(folder.list(None).await.unwrap().len(), 3);
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    assert!(matches!(Folder::open(dir.path().join("file")), Err(BlobError::Backend(_))));
}
