//! Objects in a bucket of a cloud: S3, Google Cloud Storage, Azure Blob Storage, and whoever speaks like them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use llm_types::Secret;
use object_store::{
    Attribute, AttributeValue, Attributes, Error, ObjectStore, ObjectStoreExt, PutOptions, PutPayload, RetryConfig,
};

use crate::sender::Connector;
use crate::store::{backend, found, list, path};
use crate::{Blob, BlobError, BlobFuture, Key, Listed, Object, Sender};

/// Media types that stores put in where none was given.
const NO_TYPE: &[&str] = &["application/octet-stream", "binary/octet-stream"];

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3 and servers that speak like it.
    #[cfg(feature = "s3")]
    S3,
    /// Google Cloud Storage.
    #[cfg(feature = "gcs")]
    Gcs,
    /// Azure Blob Storage.
    #[cfg(feature = "azure-blob")]
    Azure,
}

/// Objects in a bucket.
#[derive(Debug, Clone)]
pub struct Bucket(Arc<dyn ObjectStore>);

impl Bucket {
    /// A bucket. Nothing is sent yet.
    ///
    /// `options` are names and values of `object_store`'s configuration of the cloud, like `aws_region` or
    /// `google_service_account_path`; where no credentials are among them, those of the machine are asked for.
    ///
    /// # Errors
    /// Unknown or contradicting options.
    pub fn open(
        cloud: Cloud,
        name: &str,
        options: &[(String, Secret)],
        sender: Arc<dyn Sender>,
    ) -> Result<Self, BlobError> {
        let wire = Connector(sender);
        let store: Arc<dyn ObjectStore> = match cloud {
            #[cfg(feature = "s3")]
            Cloud::S3 => {
                let mut builder = object_store::aws::AmazonS3Builder::new()
                    .with_bucket_name(name)
                    .with_retry(retry())
                    .with_http_connector(wire);
                for (option, value) in options {
                    builder = builder.with_config(key_of(option)?, value.expose());
                }
                Arc::new(builder.build().map_err(|error| backend(&error))?)
            }
            #[cfg(feature = "gcs")]
            Cloud::Gcs => {
                let mut builder = object_store::gcp::GoogleCloudStorageBuilder::new()
                    .with_bucket_name(name)
                    .with_retry(retry())
                    .with_http_connector(wire);
                for (option, value) in options {
                    builder = builder.with_config(key_of(option)?, value.expose());
                }
                Arc::new(builder.build().map_err(|error| backend(&error))?)
            }
            #[cfg(feature = "azure-blob")]
            Cloud::Azure => {
                let mut builder = object_store::azure::MicrosoftAzureBuilder::new()
                    .with_container_name(name)
                    .with_retry(retry())
                    .with_http_connector(wire);
                for (option, value) in options {
                    builder = builder.with_config(key_of(option)?, value.expose());
                }
                Arc::new(builder.build().map_err(|error| backend(&error))?)
            }
        };
        Ok(Self(store))
    }
}

fn key_of<K: std::str::FromStr<Err = Error>>(option: &str) -> Result<K, BlobError> {
    option.parse().map_err(|error| backend(&error))
}

/// Whoever waits has a deadline of its own; one more attempt covers a connection that had died.
fn retry() -> RetryConfig {
    RetryConfig { max_retries: 1, retry_timeout: Duration::from_secs(10), ..RetryConfig::default() }
}

impl Blob for Bucket {
    fn put<'a>(&'a self, key: &'a Key, object: Object) -> BlobFuture<'a, ()> {
        Box::pin(async move {
            let options = PutOptions { attributes: attributes(&object), ..PutOptions::default() };
            let payload = PutPayload::from(object.bytes);
            self.0.put_opts(&path(key), payload, options).await.map(drop).map_err(|error| backend(&error))
        })
    }

    fn get<'a>(&'a self, key: &'a Key) -> BlobFuture<'a, Option<Object>> {
        Box::pin(async move {
            let Some(got) = found(self.0.get(&path(key)).await)? else { return Ok(None) };
            let mut object = Object::default();
            for (attribute, value) in &got.attributes {
                match attribute {
                    Attribute::ContentType if !NO_TYPE.contains(&value.as_ref()) => {
                        object.content_type = Some(value.as_ref().to_owned());
                    }
                    Attribute::Metadata(name) => {
                        object.metadata.insert(name.to_lowercase(), unescape(value.as_ref()));
                    }
                    _ => {}
                }
            }
            object.bytes = got.bytes().await.map_err(|error| backend(&error))?;
            Ok(Some(object))
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

fn attributes(object: &Object) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(kind) = &object.content_type {
        attributes.insert(Attribute::ContentType, AttributeValue::from(kind.clone()));
    }
    for (name, value) in &object.metadata {
        let value = AttributeValue::from(escape(value).into_owned());
        attributes.insert(Attribute::Metadata(Cow::Owned(name.clone())), value);
    }
    attributes
}

/// Metadata travels in headers: what is no printable ASCII goes as percent escapes.
fn escape(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    if value.bytes().all(plain) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() + 8);
    for byte in value.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

fn unescape(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        match digits.filter(|_| first == b'%').and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_headers() {
        for text in ["1712345678.5", "ä \"q\"", "100%", "%41", "", "a\nb"] {
            assert!(escape(text).bytes().all(|b| b.is_ascii_graphic()), "{text}");
            assert_eq!(unescape(&escape(text)), text);
        }
        assert_eq!(unescape("50% and %zz"), "50% and %zz");
    }
}
