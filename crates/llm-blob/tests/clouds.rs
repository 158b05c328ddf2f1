//! The conformance suite against servers that speak like the clouds. Name them to run it:
//!
//! | variable | server |
//! |---|---|
//! | `LLM_TESTS_S3` | `http://127.0.0.1:18085`, for example of `moto_server` |
//! | `LLM_TESTS_GCS` | `http://127.0.0.1:18443` of `fake-gcs-server -public-host 127.0.0.1:18443` |
//! | `LLM_TESTS_AZURE` | `http://127.0.0.1:18100/devstoreaccount1/empty`, of Azurite; the container is there and empty |
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use llm_blob::{Bucket, Cloud, SendError, Sender, Sent, conformance};
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

fn open(cloud: Cloud, bucket: &str, options: &[(&str, &str)], wire: Arc<dyn Sender>) -> Bucket {
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
    conformance::run(&open(Cloud::Gcs, &bucket, &options, Arc::new(Json(wire)))).await;
}

/// `fake-gcs-server` reads and lists over the XML interface that `object_store` speaks, but writes and deletes over the JSON
/// interface only: those two are said in that. The whole XML interface is in `gcs.rs`.
#[derive(Debug)]
struct Json(Arc<Wire>);

impl Sender for Json {
    fn send(&self, mut request: Request<Bytes>) -> Sent<'_> {
        let path = request.uri().path().to_owned();
        let (bucket, name) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        let (put, delete) = (request.method() == Method::PUT, request.method() == Method::DELETE);
        let below = match (put, delete) {
            (true, _) => Some(format!("{path}?X-Goog-Algorithm=signed")),
            (_, true) => Some(format!("/storage/v1/b/{bucket}/o/{}", name.replace('/', "%2F"))),
            _ => None,
        };
        if let Some(below) = below {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(below.parse().unwrap());
            *request.uri_mut() = parts.try_into().unwrap();
        }
        Box::pin(async move {
            let mut answer = self.0.send(request).await?;
            if put && answer.status() == 200 {
                answer.headers_mut().insert("etag", "\"1\"".parse().unwrap());
            }
            Ok(answer)
        })
    }
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
