//! Google Cloud Storage's XML interface, which `object_store` speaks, as its public reference describes it
//! (<https://cloud.google.com/storage/docs/xml-api/reference-methods>): no emulator that can be had offers all of its writing,
//! listing and deleting. It refuses what it does not know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use llm_blob::{Blob as _, Bucket, Cloud, Key, Object, SendError, Sender, Sent, conformance};
use llm_types::Secret;

const TOKEN: &str = "Bearer ya29.token";
const DATE: &str = "Sun, 29 Nov 2026 23:00:00 GMT";
/// So that short listings have several pages as well. The real one gives up to 1,000 keys.
const PAGE: usize = 3;

#[derive(Debug, Default)]
struct Storage {
    objects: BTreeMap<String, (Bytes, HeaderMap, u64)>,
    writes: u64,
    methods: Vec<String>,
}

#[derive(Debug, Default)]
struct Xml(Mutex<Storage>);

type Answer = Response<Bytes>;

fn told(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>no</Message></Error>");
    let answer = Response::builder().status(status).header(CONTENT_TYPE, "application/xml; charset=UTF-8");
    answer.body(Bytes::from(body)).unwrap()
}

/// What is kept of an upload's headers: the type, and metadata below `x-goog-meta-`.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let own = |name: &HeaderName| name == CONTENT_TYPE || name.as_str().starts_with("x-goog-meta-");
    headers.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Keys and parameters are written with percent escapes.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(char::from(u8::from_str_radix(code, 16).expect("an escape")));
        out.push_str(rest);
    }
    out
}

impl Storage {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        if request.headers().get(AUTHORIZATION).is_none_or(|token| token != TOKEN) {
            return told(401, "AuthenticationRequired");
        }
        assert_eq!(request.uri().host(), Some("storage.googleapis.com"));
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let key = decoded(key);
        if bucket != "answers" {
            return told(404, "NoSuchBucket");
        }
        self.methods.push(format!("{} {}", request.method(), if key.is_empty() { "bucket" } else { "object" }));
        match (request.method(), key.as_str()) {
            (&Method::GET, "") => self.list(request.uri().query().unwrap_or_default()),
            (&Method::PUT, key) if !key.is_empty() => self.put(key, request),
            (&Method::GET | &Method::HEAD, key) => self.get(key, request.method() == Method::HEAD),
            (&Method::DELETE, key) if !key.is_empty() => match self.objects.remove(key) {
                Some(_) => Response::builder().status(204).body(Bytes::new()).unwrap(),
                None => told(404, "NoSuchKey"),
            },
            other => panic!("not a request of the XML interface: {other:?}"),
        }
    }

    fn put(&mut self, key: &str, request: &Request<Bytes>) -> Answer {
        if request.headers().get(CONTENT_LENGTH).is_none() {
            return told(411, "MissingContentLength");
        }
        assert_eq!(request.headers()[CONTENT_LENGTH], request.body().len().to_string());
        self.writes += 1;
        let object = (request.body().clone(), kept(request.headers()), self.writes);
        self.objects.insert(key.to_owned(), object);
        let answer = Response::builder().header(ETAG, format!("\"{}\"", self.writes));
        answer.header("x-goog-generation", self.writes).body(Bytes::new()).unwrap()
    }

    fn get(&self, key: &str, head: bool) -> Answer {
        let Some((bytes, headers, generation)) = self.objects.get(key) else { return told(404, "NoSuchKey") };
        let mut answer = Response::builder().header(ETAG, format!("\"{generation}\"")).header(LAST_MODIFIED, DATE);
        answer = answer.header("x-goog-generation", *generation).header(CONTENT_LENGTH, bytes.len());
        for (name, value) in headers {
            answer = answer.header(name, value);
        }
        if !headers.contains_key(CONTENT_TYPE) {
            answer = answer.header(CONTENT_TYPE, "application/octet-stream");
        }
        answer.body(if head { Bytes::new() } else { bytes.clone() }).unwrap()
    }

    /// "List Objects": version 2, with tokens for the pages.
    fn list(&self, query: &str) -> Answer {
        let asked: BTreeMap<&str, String> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name, decoded(value)))
            .collect();
        assert_eq!(asked["list-type"], "2");
        assert!(self.methods.len() < 100, "a listing that does not end: {query}");
        let (prefix, after) = (asked.get("prefix").map_or("", |p| p), asked.get("continuation-token"));
        let below = |key: &String| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let keys: Vec<_> = self.objects.keys().filter(|key| below(key)).collect();
        let mut xml = "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult \
                       xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>answers</Name>"
            .to_owned();
        write!(xml, "<Prefix>{prefix}</Prefix><IsTruncated>{}</IsTruncated>", keys.len() > PAGE).unwrap();
        if keys.len() > PAGE {
            write!(xml, "<NextContinuationToken>{}</NextContinuationToken>", keys[PAGE - 1]).unwrap();
        }
        for key in keys.into_iter().take(PAGE) {
            let (bytes, _, generation) = &self.objects[key];
            let (size, now) = (bytes.len(), jiff::Timestamp::now());
            write!(
                xml,
                "<Contents><Key>{key}</Key><Generation>{generation}</Generation><MetaGeneration>1</MetaGeneration>\
                 <LastModified>{now}</LastModified><ETag>\"{generation}\"</ETag>\
                 <Size>{size}</Size></Contents>"
            )
            .unwrap();
        }
        xml.push_str("</ListBucketResult>");
        Response::builder().header(CONTENT_TYPE, "application/xml; charset=UTF-8").body(Bytes::from(xml)).unwrap()
    }
}

impl Sender for Xml {
    fn send(&self, request: Request<Bytes>) -> Sent<'_> {
        let answer = self.0.lock().map_err(|e| SendError::Other(e.to_string())).map(|mut s| s.answer(&request));
        Box::pin(async move { answer })
    }
}

fn open(bucket: &str, token: &str, server: &Arc<Xml>) -> Bucket {
    let options = [("google_bearer_token".to_owned(), Secret::new(token.trim_start_matches("Bearer ")))];
    Bucket::open(Cloud::Gcs, bucket, &options, Arc::clone(server) as Arc<dyn Sender>).unwrap()
}

#[tokio::test]
async fn conforms_over_the_xml_interface() {
    let server = Arc::new(Xml::default());
    conformance::run(&open("answers", TOKEN, &server)).await;
    let methods = std::mem::take(&mut server.0.lock().unwrap().methods);
    for one in ["PUT object", "GET object", "HEAD object", "DELETE object", "GET bucket"] {
        assert!(methods.iter().any(|m| m == one), "{one} of {methods:?}");
    }
}

#[tokio::test]
async fn pages_of_a_listing_are_followed() {
    let server = Arc::new(Xml::default());
    let bucket = open("answers", TOKEN, &server);
    let names: Vec<String> = (0..3 * PAGE).map(|n| format!("ns:{n}/a")).collect();
    for name in &names {
        bucket.put(&Key::new(name.as_str()).unwrap(), Object::default()).await.unwrap();
    }
    let listed = bucket.list(None).await.unwrap();
    assert_eq!(listed.iter().map(|l| l.key.to_string()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn refusals_are_errors_and_not_absence() {
    let server = Arc::new(Xml::default());
    let key = Key::new("a").unwrap();
    assert!(open("answers", "Bearer expired", &server).get(&key).await.is_err());
    assert!(open("other", TOKEN, &server).put(&key, Object::default()).await.is_err());
}
