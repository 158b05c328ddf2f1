//! Vectors of botocore, two of which are of AWS's own test suite (`get-vanilla`, `post-vanilla`).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use super::*;
use crate::testing::shown;

#[derive(Deserialize)]
struct Fixture {
    id: String,
    secret: String,
    time: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
    service: String,
    region: String,
    token: Option<String>,
    authorization: String,
}

impl Vector {
    fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }
}

fn fixture() -> (Fixture, SystemTime) {
    let fixture: Fixture = serde_json::from_str(include_str!("../../../fixtures/sigv4/vectors.json")).unwrap();
    let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", &fixture.time).unwrap().to_datetime().unwrap();
    let now = SystemTime::from(time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp());
    (fixture, now)
}

fn signed(fixture: &Fixture, vector: &Vector, now: SystemTime, mut request: Request<Body>) -> Request<Body> {
    let token = vector.token.as_deref().map(llm_types::Secret::new);
    let keys = Keys { id: fixture.id.clone(), secret: llm_types::Secret::new(fixture.secret.as_str()), token };
    let signing = Signing { service: &vector.service, region: &vector.region, now, also: &[] };
    sign(&mut request, &keys, signing).unwrap();
    request
}

#[test]
fn as_botocore_signs() {
    let (fixture, now) = fixture();
    for vector in &fixture.vectors {
        let request = signed(&fixture, vector, now, vector.request());
        assert_eq!(shown(&request, "authorization"), vector.authorization, "{}", vector.name);
        assert_eq!(shown(&request, "x-amz-date"), fixture.time);
        assert_eq!(shown(&request, "x-amz-security-token"), vector.token.clone().unwrap_or_default());
    }
}

#[test]
fn what_proxies_touch_is_not_signed() {
    let (fixture, now) = fixture();
    let vector = fixture.vectors.iter().find(|vector| vector.name == "converse").unwrap();
    let mut request = vector.request();
    for (name, value) in [
        ("user-agent", "x"),
        ("accept", "*/*"),
        ("x-forwarded-for", "10.0.0.1"),
        ("traceparent", "00-1-2-03"),
        ("x-amzn-trace-id", "Root=1"),
        ("content-length", "55"),
        ("authorization", "Bearer from before"),
        ("x-amz-date", "20010101T000000Z"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let request = signed(&fixture, vector, now, request);
    assert_eq!(shown(&request, "authorization"), vector.authorization);
    assert_eq!(shown(&request, "x-forwarded-for"), "10.0.0.1", "it stays, unsigned");
    let again = signed(&fixture, vector, now, request);
    assert_eq!(shown(&again, "authorization"), vector.authorization, "signing twice is signing once");
}

#[test]
fn a_body_in_pieces_is_one_body_and_a_stream_is_refused() {
    let (fixture, now) = fixture();
    let vector = fixture.vectors.iter().find(|vector| vector.name == "converse").unwrap();
    let (head, _) = vector.request().into_parts();
    let (left, right) = vector.body.split_at(7);
    let pieces = [left, right].map(|piece| Bytes::copy_from_slice(piece.as_bytes()));
    let request = signed(&fixture, vector, now, Request::from_parts(head, Body::pieces(pieces.to_vec())));
    assert_eq!(shown(&request, "authorization"), vector.authorization);
    let stream = Body::stream(http_body_util::Full::new(Bytes::from_static(b"x")));
    let mut request = Request::post("https://h/").body(stream).unwrap();
    let keys = Keys { id: "i".into(), secret: llm_types::Secret::new("s"), token: None };
    let signing = Signing { service: "bedrock", region: "r", now, also: &[] };
    let error = sign(&mut request, &keys, signing).unwrap_err();
    assert!(error.message.contains("streamed"), "{}", error.message);
}
