//! What the tests of the flows share: a server that answers as it is told, and an environment of their own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm_http::{Body, HttpClient, HttpConfig, ProxyConfig};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::Ambient;
use crate::flow::Flow;

pub(crate) const RSA_PKCS8: &str = include_str!("../fixtures/rsa/k8.pem");
pub(crate) const RSA_PKCS1: &str = include_str!("../fixtures/rsa/k1.pem");
pub(crate) const CERTIFICATE: &str = include_str!("../fixtures/rsa/cert.pem");
pub(crate) const RSA_PUBLIC_SHA256: &str = "EqeH+QI895mMhbpP2q4hRoQTnw+RdE7py+doH/sMN84=";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fields of a form, or of the query when there is no body.
    pub(crate) fn fields(&self) -> HashMap<String, String> {
        let text = if self.body.is_empty() { self.path.split_once('?').map_or("", |p| p.1) } else { &self.body };
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.fields().remove(name).unwrap_or_default()
    }
}

/// A server on loopback.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request with a status and a body.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let one = Seen {
                            method: head.method.to_string(),
                            path: head.uri.path_and_query().unwrap().to_string(),
                            headers: head.headers,
                            body: String::from_utf8(body.to_vec()).unwrap(),
                        };
                        let (status, text) = answer(&one);
                        notes.lock().push(one);
                        let reply = Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap();
                        Ok::<_, Infallible>(reply)
                    }
                });
                let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serve);
            }
        });
        Server { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().len()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen.lock().last().unwrap().clone()
    }
}

/// An address where nobody listens.
pub(crate) async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A client, an environment and a clock that the test moves.
pub(crate) struct World {
    pub(crate) http: HttpClient,
    pub(crate) ambient: Ambient,
    seconds: Arc<AtomicU64>,
}

/// 2026-01-02 03:04:05 UTC.
pub(crate) const START: u64 = 1_767_323_045;

impl World {
    pub(crate) fn new<K: Into<String>, V: Into<String>>(env: impl IntoIterator<Item = (K, V)>) -> Self {
        let env: HashMap<String, String> = env.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        let seconds = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&seconds);
        let ambient = Ambient::new(move |name| env.get(name).cloned())
            .with_clock(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst)));
        let http = HttpClient::new(HttpConfig { proxy: ProxyConfig::Off, ..HttpConfig::default() });
        World { http, ambient, seconds }
    }

    pub(crate) fn empty() -> Self {
        World::new::<String, String>([])
    }

    pub(crate) fn flow(&self) -> Flow<'_> {
        Flow { http: &self.http, ambient: &self.ambient }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A moment some seconds after the start.
pub(crate) fn after(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START + seconds)
}

/// A request that needs a credential.
pub(crate) fn request(url: &str) -> Request<Body> {
    Request::post(url).header("content-type", "application/json").body(Body::from("{}")).unwrap()
}

/// What a request shows.
pub(crate) fn shown(request: &Request<Body>, name: &str) -> String {
    request.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

/// A service account whose tokens are issued at `token_uri`.
pub(crate) fn service_account(token_uri: &str) -> String {
    let account = serde_json::json!({
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "key-1",
        "private_key": RSA_PKCS8,
        "client_email": "me@my-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    });
    account.to_string()
}
