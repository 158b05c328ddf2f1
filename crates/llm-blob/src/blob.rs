//! The trait over folders and object stores.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use bytes::Bytes;

/// What a method of [`Blob`] gives.
pub type BlobFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BlobError>> + Send + 'a>>;

/// Longest key in bytes; the limit of S3.
const MAX_KEY: usize = 1024;
/// Longest part of a key between slashes; the limit of file systems.
const MAX_SEGMENT: usize = 200;

/// Why an object could not be stored or read. An object that is not there is not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Not a usable key.
    #[error("invalid object key: {0}")]
    Key(String),
    /// The backend failed.
    #[error("object store: {0}")]
    Backend(String),
    /// What is stored under the key was not written by us, or is damaged.
    #[error("object {0} is damaged")]
    Damaged(String),
}

/// The name of an object: parts of letters, digits and `-_.=+@:`, joined by slashes. No part is `.` or `..`, so a key
/// never leads out of the folder, whoever chose it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<Self, BlobError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+@:".contains(&byte);
        let sound =
            |part: &str| !matches!(part, "" | "." | "..") && part.len() <= MAX_SEGMENT && part.bytes().all(allowed);
        if name.len() <= MAX_KEY && name.split('/').all(sound) { Ok(Key(name)) } else { Err(BlobError::Key(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something stored, or to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// The content.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: Option<String>,
    /// What else is to be remembered. Names are lower-case ASCII, as object stores want them.
    pub metadata: BTreeMap<String, String>,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The object's key.
    pub key: Key,
    /// When it was last written.
    pub modified: SystemTime,
}

/// Objects by key. A put replaces the whole object, visibly at once or not at all.
pub trait Blob: Send + Sync + fmt::Debug {
    /// Stores an object over whatever was there.
    fn put<'a>(&'a self, key: &'a Key, object: Object) -> BlobFuture<'a, ()>;

    /// The object; `None` when there is none.
    fn get<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, Option<Object>>;

    /// Removes an object. Removing what is not there is no error.
    fn delete<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, ()>;

    /// Whether there is an object.
    fn exists<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, bool>;

    /// All objects whose key begins with `prefix` and a slash (`None`: all), sorted by key.
    fn list<'a>(&'a self, prefix: Option<&'a Key>) -> BlobFuture<'a, Vec<Listed>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_inside() {
        for good in ["a", "cache/ab/0123abcd", "files/file-1.jsonl", "a=b+c@d:e", "..a", "a/...b"] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        let long = format!("a/{}", "x".repeat(201));
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "../../etc/passwd",
            "a\\b",
            "a b",
            "a%2e",
            "ä",
            "a\0",
            &long,
        ] {
            assert_eq!(Key::new(bad), Err(BlobError::Key(bad.to_owned())));
        }
    }
}
