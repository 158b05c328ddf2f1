//! Objects in a folder or an object store.
//!
//! | file | what |
//! |---|---|
//! | [`blob`] | [`Blob`], the trait; [`Object`], [`Key`] |
//! | `folder` | `Folder`, objects as files (feature `fs`) |
//! | `conformance` | what every implementation must do, as a test suite (feature `testing`) |
//!
//! S3, GCS and Azure Blob come through the same `object_store` crate, each behind a feature of its name.

pub mod blob;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "fs")]
pub mod folder;

pub use blob::{Blob, BlobError, BlobFuture, Key, Listed, Object};
#[cfg(feature = "fs")]
pub use folder::Folder;
