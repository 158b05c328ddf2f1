//! What all implementations over `object_store` share: keys, errors, listings.

use futures_util::TryStreamExt;
use object_store::path::Path as StorePath;
use object_store::{Error, ObjectStore};

use crate::{BlobError, Key, Listed};

pub(crate) fn backend(error: &Error) -> BlobError {
    BlobError::Backend(error.to_string())
}

/// Keys consist of characters that object_store does not escape.
pub(crate) fn path(key: &Key) -> StorePath {
    StorePath::from(key.as_str())
}

/// `None` for "not there".
pub(crate) fn found<T>(result: Result<T, Error>) -> Result<Option<T>, BlobError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(backend(&error)),
    }
}

/// The objects below a prefix, sorted. Objects whose name is no key were put there by somebody else.
pub(crate) async fn list(store: &dyn ObjectStore, prefix: Option<&Key>) -> Result<Vec<Listed>, BlobError> {
    let prefix = prefix.map(path);
    let objects: Vec<_> = store.list(prefix.as_ref()).try_collect().await.map_err(|error| backend(&error))?;
    let listed = objects.into_iter().filter_map(|object| {
        let key = Key::new(object.location.as_ref()).ok()?;
        Some(Listed { key, modified: object.last_modified.into() })
    });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(listed)
}
