//! The conformance suite against servers that speak like the clouds. Name them to run it:
//!
//! | variable | server |
//! |---|---|
//! | `LLM_TESTS_S3` | `http://127.0.0.1:18085`, for example of `moto_server` |
//! | `LLM_TESTS_GCS` | `http://127.0.0.1:18443`, for example of `fake-gcs-server` |
//! | `LLM_TESTS_AZURE` | `http://127.0.0.1:18100/devstoreaccount1/empty`, of Azurite; the container is there and empty |
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use llm_blob::{Blob as _, Bucket, Cloud, Key, Object, SendError, Sender, Sent, conformance};
use llm_http::{Body, HttpClient, HttpConfig, Timeouts};
use llm_types::Secret;

/// Azurite's account, known to everybody.
const AZURITE_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

#[derive(Debug)]
struct Wire(HttpClient);

impl Sender for Wire {
    fn send(&self, request: Request<Bytes>) -> Sent<'_> {
        Box::pin(async move {
            let limits = Timeouts { total: Some(Duration::from_secs(30)), ..Timeouts::default() };
            let other = |why: String| SendError::Other(why);
            let reply = self.0.request(request.map(Body::from), limits).await.map_err(|e| other(e.to_string()))?;
            let (parts, body) = reply.into_parts();
            let body = body.collect(1 << 28).await.map_err(|e| other(e.to_string()))?;
            Ok(http::Response::from_parts(parts, body))
        })
    }
}

/// The address of a server and a bucket that does not exist yet.
fn server(variable: &str) -> Option<(String, String, Arc<Wire>)> {
    let Ok(address) = std::env::var(variable) else {
        eprintln!("SKIPPED: {variable} names no server; its tests did not run");
        return None;
    };
    let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let wire = Arc::new(Wire(HttpClient::new(HttpConfig::default())));
    Some((address, format!("bucket-{unique}"), wire))
}

fn open(cloud: Cloud, bucket: &str, options: &[(&str, &str)], wire: Arc<Wire>) -> Bucket {
    let options: Vec<_> = options.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
    Bucket::open(cloud, bucket, &options, wire).unwrap()
}

#[tokio::test]
async fn s3() {
    let Some((address, bucket, wire)) = server("LLM_TESTS_S3") else { return };
    let make = Request::builder().method(Method::PUT).uri(format!("{address}/{bucket}")).body(Bytes::new()).unwrap();
    assert_eq!(wire.send(make).await.unwrap().status(), 200);
    let options = [
        ("aws_endpoint", address.as_str()),
        ("aws_allow_http", "true"),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "a"),
        ("aws_secret_access_key", "b"),
    ];
    conformance::run(&open(Cloud::S3, &bucket, &options, wire)).await;
}

#[tokio::test]
async fn gcs() {
    let Some((address, bucket, wire)) = server("LLM_TESTS_GCS") else { return };
    let make = Request::builder()
        .method(Method::POST)
        .uri(format!("{address}/storage/v1/b?project=p"))
        .header("content-type", "application/json")
        .body(Bytes::from(format!("{{\"name\":\"{bucket}\"}}")))
        .unwrap();
    assert_eq!(wire.send(make).await.unwrap().status(), 200);
    let options = [("google_base_url", address.as_str()), ("google_bearer_token", "any"), ("allow_http", "true")];
    // It can neither list nor delete over the XML interface that object_store speaks: no conformance.
    let (blob, key) = (open(Cloud::Gcs, &bucket, &options, wire), Key::new("a/b").unwrap());
    assert_eq!(blob.get(&key).await, Ok(None));
    let object = Object { bytes: Bytes::from_static(b"{}"), ..Object::default() };
    blob.put(&key, object.clone()).await.unwrap();
    assert_eq!(blob.get(&key).await.unwrap().unwrap().bytes, object.bytes);
    assert_eq!(blob.exists(&key).await, Ok(true));
}

#[tokio::test]
async fn azure() {
    let Some((address, _, wire)) = server("LLM_TESTS_AZURE") else { return };
    let (address, container) = address.rsplit_once('/').unwrap();
    let account = address.rsplit('/').next().unwrap();
    let options = [
        ("azure_storage_endpoint", address),
        ("azure_storage_account_name", account),
        ("azure_storage_account_key", AZURITE_KEY),
        ("allow_http", "true"),
    ];
    conformance::run(&open(Cloud::Azure, container, &options, wire)).await;
}
