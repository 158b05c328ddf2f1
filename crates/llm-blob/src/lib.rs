//! Objects in a folder or an object store.
//!
//! | file | what |
//! |---|---|
//! | [`blob`] | [`Blob`], the trait; [`Object`], [`Key`] |
//! | `folder` | `Folder`, objects as files (feature `fs`) |
//! | `bucket` | `Bucket`, objects in S3, GCS or Azure Blob (features `s3`, `gcs`, `azure-blob`) |
//! | `sender` | `Sender`: who carries the requests to a cloud |
//! | `store` | what the two share |
//! | `conformance` | what every implementation must do, as a test suite (feature `testing`) |
//!
//! All of them come through the `object_store` crate, without its HTTP client.

pub mod blob;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure-blob"))]
pub mod bucket;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "fs")]
pub mod folder;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure-blob"))]
pub mod sender;
#[cfg(any(feature = "fs", feature = "s3", feature = "gcs", feature = "azure-blob"))]
mod store;

pub use blob::{Blob, BlobError, BlobFuture, Key, Listed, Object};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure-blob"))]
pub use bucket::{Bucket, Cloud};
#[cfg(feature = "fs")]
pub use folder::Folder;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure-blob"))]
pub use sender::{SendError, Sender, Sent};
