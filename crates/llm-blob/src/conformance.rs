//! What every implementation must do. The store must be empty. Each check panics with what went wrong.
#![allow(clippy::unwrap_used, clippy::panic)] // a test suite

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{Blob, Key, Object};

/// Runs every check.
pub async fn run(blob: &dyn Blob) {
    round_trip(blob).await;
    listing(blob).await;
    large(blob).await;
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

async fn round_trip(blob: &dyn Blob) {
    let name = key("round/trip-1.json");
    assert_eq!(blob.get(&name).await, Ok(None));
    assert_eq!(blob.exists(&name).await, Ok(false));
    assert_eq!(blob.delete(&name).await, Ok(()), "removing what is not there is no error");
    let metadata = [("expires".to_owned(), "1712345678.5".to_owned()), ("note".to_owned(), "ä \"q\"".to_owned())];
    let object = Object {
        bytes: Bytes::from_static(b"{\"a\":1}\n\0\xff"),
        content_type: Some("application/json".to_owned()),
        metadata: metadata.into(),
    };
    blob.put(&name, object.clone()).await.unwrap();
    assert_eq!(blob.get(&name).await, Ok(Some(object)));
    assert_eq!(blob.exists(&name).await, Ok(true));
    assert_eq!(blob.exists(&key("round")).await, Ok(false), "a part of a key is no object");
    blob.put(&name, Object::default()).await.unwrap();
    assert_eq!(blob.get(&name).await, Ok(Some(Object::default())), "put replaces content, type and metadata");
    blob.delete(&name).await.unwrap();
    assert_eq!(blob.get(&name).await, Ok(None));
}

async fn listing(blob: &dyn Blob) {
    assert_eq!(blob.list(None).await, Ok(Vec::new()));
    let names = ["list/b", "list/a/2", "list/a/1", "list-other/x", "alone"];
    for name in names {
        blob.put(&key(name), Object::default()).await.unwrap();
    }
    let listed = |prefix: Option<&'static str>| async move {
        let prefix = prefix.map(key);
        let listed = blob.list(prefix.as_ref()).await.unwrap();
        let recent = SystemTime::now() - Duration::from_secs(600);
        assert!(listed.iter().all(|entry| entry.modified > recent), "objects carry the time they were written");
        listed.into_iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, ["alone", "list-other/x", "list/a/1", "list/a/2", "list/b"]);
    assert_eq!(listed(Some("list")).await, ["list/a/1", "list/a/2", "list/b"], "a prefix ends at a slash");
    assert_eq!(listed(Some("list/a")).await, ["list/a/1", "list/a/2"]);
    assert_eq!(listed(Some("nothing")).await, [""; 0]);
    for name in names {
        blob.delete(&key(name)).await.unwrap();
    }
    assert_eq!(listed(None).await, [""; 0]);
}

async fn large(blob: &dyn Blob) {
    let name = key("large");
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    blob.put(&name, Object { bytes: bytes.clone().into(), ..Object::default() }).await.unwrap();
    assert_eq!(blob.get(&name).await.unwrap().unwrap().bytes, bytes);
    blob.delete(&name).await.unwrap();
}
