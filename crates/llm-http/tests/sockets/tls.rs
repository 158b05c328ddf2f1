//! TLS with certificates made on the spot: trust, HTTP/2 by negotiation, client certificates, the handshake's timeout.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::support::Server;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use llm_http::{
    Body, ErrorKind, Http2, HttpClient, HttpConfig, Phase, ProxyConfig, Roots, Timeouts, TlsConfig, Transport,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

/// An authority, a server identity for `localhost`, a client identity, and the PEM files of the first and last.
struct Pki {
    dir: tempfile::TempDir,
    authority: rcgen::Certificate,
    server: (rcgen::Certificate, rcgen::KeyPair),
}

impl Pki {
    fn new() -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let identity = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        let (cert, key) = identity("gateway");
        std::fs::write(dir.path().join("client.pem"), cert.pem() + &key.serialize_pem()).unwrap();
        let server = identity("localhost");
        Pki { dir, authority, server }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn acceptor(&self, protocols: &[&str], wants_client: bool) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let builder = if wants_client {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.server.1.serialize_der()));
        let mut config = builder.with_single_cert(vec![self.server.0.der().clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    async fn serve(&self, protocols: &[&str], wants_client: bool) -> Server {
        let acceptor = self.acceptor(protocols, wants_client);
        Server::start(move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_http(TokioIo::new(stream)).await;
                }
            }
        })
        .await
    }
}

async fn serve_http<I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static>(io: I) {
    let answer = service_fn(|request: Request<Incoming>| async move {
        let head = format!("{:?} {} ", request.version(), request.uri().path());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::new([head.as_bytes(), &body].concat().into())))
    });
    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new()).serve_connection(io, answer).await;
}

fn client(tls: TlsConfig, http2: Http2) -> HttpClient {
    HttpClient::new(HttpConfig { tls, http2, proxy: ProxyConfig::Off, ..HttpConfig::default() })
}

fn trusting(ca: &Path) -> TlsConfig {
    TlsConfig { roots: Roots::File(ca.to_owned()), ..TlsConfig::default() }
}

fn post(server: &Server, body: &'static str) -> Request<Body> {
    Request::post(format!("https://localhost:{}/path", server.addr.port())).body(body.into()).unwrap()
}

async fn text(client: &HttpClient, request: Request<Body>) -> (Version, String) {
    let response = client.send(request, Timeouts::default()).await.unwrap();
    let version = response.version();
    (version, String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn http2_is_negotiated_and_shared() {
    let pki = Pki::new();
    let server = pki.serve(&["h2", "http/1.1"], false).await;
    let client = client(trusting(&pki.file("ca.pem")), Http2::Alpn);
    let calls = (0..50).map(|_| text(&client, post(&server, "body")));
    for (version, text) in futures_util::future::join_all(calls).await {
        assert_eq!((version, text.as_str()), (Version::HTTP_2, "HTTP/2.0 /path body"));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn full_http2_connections_get_a_neighbour() {
    let pki = Pki::new();
    let server = pki.serve(&["h2"], false).await;
    let config = HttpConfig {
        tls: trusting(&pki.file("ca.pem")),
        http2_max_streams: 10,
        proxy: ProxyConfig::Off,
        ..HttpConfig::default()
    };
    let client = HttpClient::new(config);
    futures_util::future::join_all((0..30).map(|_| text(&client, post(&server, "x")))).await;
    assert_eq!(server.connections(), 3);
    futures_util::future::join_all((0..30).map(|_| text(&client, post(&server, "x")))).await;
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn http1_when_the_host_or_the_settings_say_so() {
    let pki = Pki::new();
    let old = pki.serve(&["http/1.1"], false).await;
    let new = pki.serve(&["h2", "http/1.1"], false).await;
    for (server, http2) in [(&old, Http2::Alpn), (&new, Http2::Off)] {
        let client = client(trusting(&pki.file("ca.pem")), http2);
        for _ in 0..3 {
            assert_eq!(text(&client, post(server, "x")).await.1, "HTTP/1.1 /path x");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn http2_without_tls_by_prior_knowledge() {
    let server = Server::start(|_, stream| serve_http(TokioIo::new(stream))).await;
    let config = HttpConfig {
        http2_prior_knowledge: vec![server.addr.to_string()],
        proxy: ProxyConfig::Off,
        ..HttpConfig::default()
    };
    let client = HttpClient::new(config);
    futures_util::future::join_all((0..5).map(|_| async {
        assert_eq!(text(&client, server.post("/path", "x")).await.1, "HTTP/2.0 /path x");
    }))
    .await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_http2_connection_that_was_closed_is_replaced() {
    // Each connection lives 50 ms.
    let server = Server::start(|_, stream| async move {
        let _ = tokio::time::timeout(Duration::from_millis(50), serve_http(TokioIo::new(stream))).await;
    })
    .await;
    let config = HttpConfig {
        http2_prior_knowledge: vec![server.addr.to_string()],
        proxy: ProxyConfig::Off,
        ..HttpConfig::default()
    };
    let client = HttpClient::new(config);
    for _ in 0..3 {
        assert_eq!(text(&client, server.post("/path", "x")).await.1, "HTTP/2.0 /path x");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn strangers_are_not_trusted_unless_told_to() {
    let pki = Pki::new();
    let server = pki.serve(&["http/1.1"], false).await;
    let error =
        client(TlsConfig::default(), Http2::Alpn).send(post(&server, "x"), Timeouts::default()).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Tls, ErrorKind::Tls, true), "{error}");
    let ip = Request::get(format!("https://{}/", server.addr)).body(Body::empty()).unwrap();
    let trust = client(trusting(&pki.file("ca.pem")), Http2::Alpn);
    assert_eq!(trust.send(ip, Timeouts::default()).await.unwrap_err().kind(), ErrorKind::Tls); // not its name

    let insecure = TlsConfig { insecure_hosts: vec!["LocalHost".to_owned()], ..TlsConfig::default() };
    assert_eq!(text(&client(insecure, Http2::Alpn), post(&server, "x")).await.1, "HTTP/1.1 /path x");
    let elsewhere = TlsConfig { insecure_hosts: vec!["example.com".to_owned()], ..TlsConfig::default() };
    assert!(client(elsewhere, Http2::Alpn).send(post(&server, "x"), Timeouts::default()).await.is_err());
    let extra = TlsConfig { extra_ca: Some(pki.file("ca.pem")), ..TlsConfig::default() };
    assert_eq!(text(&client(extra, Http2::Alpn), post(&server, "x")).await.1, "HTTP/1.1 /path x");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let pki = Pki::new();
    let server = pki.serve(&["http/1.1"], true).await;
    let anonymous = client(trusting(&pki.file("ca.pem")), Http2::Off);
    assert!(anonymous.send(post(&server, "x"), Timeouts::default()).await.is_err());
    let known = TlsConfig { client_cert: Some(pki.file("client.pem")), ..trusting(&pki.file("ca.pem")) };
    assert_eq!(text(&client(known, Http2::Off), post(&server, "x")).await.1, "HTTP/1.1 /path x");
}

#[tokio::test]
async fn unusable_settings_name_the_file() {
    let pki = Pki::new();
    let server = pki.serve(&["http/1.1"], false).await;
    let missing = client(trusting(&pki.file("missing.pem")), Http2::Off);
    let error = missing.send(post(&server, "x"), Timeouts::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(error.message().contains("missing.pem"), "{error}");
}

#[tokio::test]
async fn a_silent_host_runs_into_the_tls_timeout() {
    let server = Server::start(|_, stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let pki = Pki::new();
    let timeouts = Timeouts { connect: Some(Duration::from_millis(80)), ..Timeouts::NONE };
    let error =
        client(trusting(&pki.file("ca.pem")), Http2::Alpn).send(post(&server, "x"), timeouts).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Tls, ErrorKind::Timeout, true));
}
