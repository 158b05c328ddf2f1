//! Ways out: CONNECT, absolute-form requests, SOCKS5, and hosts that need no proxy.

use std::time::Duration;

use crate::support::{Server, echo, ok, read_request};
use http::Request;
use llm_http::{
    Body, EgressPolicy, ErrorKind, FetchError, FetchLimits, HttpClient, HttpConfig, Phase, ProxyConfig, Timeouts,
    Transport, fetch_url,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn through(proxy: &str, no_proxy: &str) -> HttpClient {
    let proxy = ProxyConfig::Fixed { http: proxy.to_owned(), https: proxy.to_owned(), no_proxy: no_proxy.to_owned() };
    HttpClient::new(HttpConfig { proxy, ..HttpConfig::default() })
}

async fn text(client: &HttpClient, request: Request<Body>) -> String {
    let response = client.send(request, Timeouts::default()).await.unwrap();
    String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

/// Tunnels to where CONNECT says, if the login is right; answers other requests with their own text.
async fn http_proxy(mut stream: TcpStream) {
    while let Some(request) = read_request(&mut stream).await {
        let Some(target) = request.strip_prefix("CONNECT ") else {
            stream.write_all(ok(&request).as_bytes()).await.unwrap();
            continue;
        };
        if !request.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") {
            stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            continue;
        }
        let mut up = TcpStream::connect(target.split(' ').next().unwrap()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut up).await;
        return;
    }
}

#[tokio::test]
async fn plain_http_is_asked_of_the_proxy_in_absolute_form() {
    let proxy = Server::start(|_, stream| http_proxy(stream)).await;
    let client = through(&format!("http://user:pass@{}", proxy.addr), "");
    for _ in 0..2 {
        let request = Request::get("http://models.example:8000/v1/models?x=1").body(Body::empty()).unwrap();
        let seen = text(&client, request).await.to_ascii_lowercase();
        assert!(seen.starts_with("get http://models.example:8000/v1/models?x=1 http/1.1\r\n"), "{seen}");
        assert!(seen.contains("host: models.example:8000\r\n"));
        assert!(seen.contains("proxy-authorization: basic dxnlcjpwyxnz\r\n"), "{seen}");
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn hosts_on_the_no_proxy_list_are_reached_directly() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let client = through("http://127.0.0.1:1", "127.0.0.0/8,models.example");
    assert!(text(&client, server.get("/")).await.starts_with("GET / "));
    let other = Request::get("http://other.example/").body(Body::empty()).unwrap();
    assert_eq!(client.send(other, Timeouts::default()).await.unwrap_err().kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_tunnel_leads_to_the_host_and_an_upgrade_goes_through_one() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhi")
            .await
            .unwrap();
    })
    .await;
    let proxy = Server::start(|_, stream| http_proxy(stream)).await;
    let request = || {
        Request::get(format!("ws://{}/", server.addr))
            .header("connection", "upgrade")
            .header("upgrade", "x")
            .body(Body::empty())
            .unwrap()
    };
    let client = through(&format!("http://user:pass@{}", proxy.addr), "");
    let llm_http::UpgradeReply::Switched(_, mut io) = client.upgrade(request(), Timeouts::default()).await.unwrap()
    else {
        panic!("not switched");
    };
    let mut seen = [0; 2];
    io.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"hi");
    assert_eq!((server.connections(), proxy.connections()), (1, 1));

    let wrong = through(&format!("http://user:wrong@{}", proxy.addr), "");
    let error = wrong.upgrade(request(), Timeouts::default()).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Connect, ErrorKind::Protocol, true));
    assert!(error.message().contains("407") && !error.message().contains("wrong"), "{error}");
}

#[tokio::test]
async fn a_silent_proxy_runs_into_the_connect_timeout() {
    let proxy = Server::start(|_, stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let client = through(&format!("http://{}", proxy.addr), "");
    let request = Request::get("https://models.example/").body(Body::empty()).unwrap();
    let timeouts = Timeouts { connect: Some(Duration::from_millis(80)), ..Timeouts::NONE };
    let error = client.send(request, timeouts).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Connect, ErrorKind::Timeout, true));
}

#[tokio::test]
async fn the_guard_judges_before_a_proxy_is_asked() {
    let proxy = Server::start(|_, stream| http_proxy(stream)).await;
    let client = through(&format!("http://user:pass@{}", proxy.addr), "");
    for url in ["http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "http://localhost/"] {
        let error = fetch_url(&client, url, &FetchLimits::default()).await.unwrap_err();
        assert!(matches!(error, FetchError::Denied(_)), "{url}: {error:?}");
    }
    assert_eq!(proxy.connections(), 0);
    // What may be reached is named to the proxy by the address that was judged.
    let server = Server::start(|_, stream| echo(stream)).await;
    let egress =
        EgressPolicy { allow: vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()], deny: Vec::new() };
    let limits = FetchLimits { egress, ..FetchLimits::default() };
    let url = format!("http://127.0.0.1:{}/image", server.addr.port());
    let fetched = fetch_url(&client, &url, &limits).await.unwrap();
    assert!(fetched.bytes.starts_with(b"GET /image HTTP/1.1\r\n"));
    assert_eq!(proxy.connections(), 1);
}

/// Understands SOCKS5 with a login; the reply says which kind of address was asked for.
async fn socks_proxy(mut stream: TcpStream) {
    let mut hello = [0; 3];
    stream.read_exact(&mut hello).await.unwrap();
    assert_eq!(hello, [5, 1, 2]);
    stream.write_all(&[5, 2]).await.unwrap();
    let mut login = [0; 11];
    stream.read_exact(&mut login).await.unwrap();
    assert_eq!(&login, b"\x01\x04user\x04pass");
    stream.write_all(&[1, 0]).await.unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    let rest = if head[3] == 3 { usize::from(stream.read_u8().await.unwrap()) } else { 4 };
    let mut target = vec![0; rest + 2];
    stream.read_exact(&mut target).await.unwrap();
    stream.write_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50").await.unwrap();
    read_request(&mut stream).await.unwrap();
    stream
        .write_all(ok(&format!("kind {} {}", head[3], String::from_utf8_lossy(&target[..rest]))).as_bytes())
        .await
        .unwrap();
}

#[tokio::test]
async fn socks_proxies_are_given_names_or_addresses() {
    let proxy = Server::start(|_, stream| socks_proxy(stream)).await;
    let request = |url: &str| Request::get(url).body(Body::empty()).unwrap();
    let remote = through(&format!("socks5h://user:pass@{}", proxy.addr), "");
    assert_eq!(text(&remote, request("http://models.example/")).await, "kind 3 models.example");
    let local = through(&format!("socks5://user:pass@{}", proxy.addr), "");
    assert_eq!(text(&local, request("http://127.0.0.1:80/")).await, "kind 1 \u{7f}\0\0\u{1}");
}
