//! Objects as files in a folder.
//!
//! A file holds a head and the content: four bytes with the head's length (big-endian), the head as JSON (content type
//! and metadata, which file systems do not keep), then the content. One file, so an object is replaced in one step.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use crate::store::{backend, found, list, path};
use crate::{Blob, BlobError, BlobFuture, Key, Listed, Object};

/// Objects in a folder of this machine.
#[derive(Debug, Clone)]
pub struct Folder(Arc<LocalFileSystem>);

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

impl Folder {
    /// Opens a folder, and makes it when it is not there.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, BlobError> {
        let path = path.as_ref();
        std::fs::create_dir_all(path).map_err(|error| BlobError::Backend(format!("{}: {error}", path.display())))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(|error| backend(&error))?;
        Ok(Folder(Arc::new(store.with_automatic_cleanup(true))))
    }
}

fn encode(object: Object) -> Result<PutPayload, BlobError> {
    let head = Head { content_type: object.content_type, metadata: object.metadata };
    let head = serde_json::to_vec(&head).map_err(|error| BlobError::Backend(error.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|_| BlobError::Backend("metadata too large".to_owned()))?;
    let mut start = BytesMut::with_capacity(head.len() + 4);
    start.put_u32(length);
    start.put_slice(&head);
    Ok(PutPayload::from_iter([start.freeze(), object.bytes]))
}

fn decode(mut file: Bytes) -> Option<Object> {
    let length = u32::from_be_bytes(file.get(..4)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(4)?;
    let head: Head = serde_json::from_slice(file.get(4..end)?).ok()?;
    Some(Object { bytes: file.split_off(end), content_type: head.content_type, metadata: head.metadata })
}

impl Blob for Folder {
    fn put<'a>(&'a self, key: &'a Key, object: Object) -> BlobFuture<'a, ()> {
        Box::pin(
            async move { self.0.put(&path(key), encode(object)?).await.map(drop).map_err(|error| backend(&error)) },
        )
    }

    fn get<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, Option<Object>> {
        Box::pin(async move {
            let Some(file) = found(self.0.get(&path(key)).await)? else { return Ok(None) };
            let bytes = file.bytes().await.map_err(|error| backend(&error))?;
            decode(bytes).map(Some).ok_or_else(|| BlobError::Damaged(key.to_string()))
        })
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, ()> {
        Box::pin(async move { found(self.0.delete(&path(key)).await).map(drop) })
    }

    fn exists<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, bool> {
        Box::pin(async move { Ok(found(self.0.head(&path(key)).await)?.is_some()) })
    }

    fn list<'a>(&'a self, prefix: Option<&'a Key>) -> BlobFuture<'a, Vec<Listed>> {
        Box::pin(list(&*self.0, prefix))
    }
}
