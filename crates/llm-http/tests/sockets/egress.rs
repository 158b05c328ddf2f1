//! Fetching strangers' URLs: what must not be reached is not reached, in whatever spelling.

use std::time::Duration;

use crate::support::{Server, direct, echo, ok, read_request};
use llm_http::{EgressPolicy, FetchError, FetchLimits, Timeouts, Transport, fetch_url};
use tokio::io::AsyncWriteExt;

/// Only 127.0.0.1 is open, so that tests can run and everything else on this machine stays closed.
fn limits() -> FetchLimits {
    FetchLimits {
        max_bytes: 1000,
        total: Duration::from_secs(5),
        egress: EgressPolicy { allow: vec!["127.0.0.1/32".parse().unwrap()], deny: Vec::new() },
        ..FetchLimits::default()
    }
}

#[tokio::test]
async fn closed_addresses_in_every_spelling() {
    let server = Server::start_on("0.0.0.0:0", |_, stream| echo(stream)).await;
    let port = server.addr.port();
    let client = direct();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "\u{ff11}27.0.0.1",
    ] {
        let error = fetch_url(&client, &format!("http://{host}:{port}/"), &FetchLimits::default()).await.unwrap_err();
        assert!(matches!(error, FetchError::Denied(_)), "{host}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn other_schemes_and_credentials() {
    for url in [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "data:text/plain,x",
        "ftp://host/",
        "ws://host/",
        "no url",
        "//host/",
        "http://user:secret@host/",
        "http://user@host/",
        "http://",
    ] {
        let error = fetch_url(&direct(), url, &limits()).await.unwrap_err();
        assert!(matches!(error, FetchError::InvalidUrl(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_pooled_connection_of_the_operator_is_not_borrowed() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let client = direct();
    client.send(server.get("/"), Timeouts::default()).await.unwrap().into_body().collect(1000).await.unwrap();
    let error = fetch_url(&client, &format!("http://{}/", server.addr), &FetchLimits::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Denied(_)), "{error:?}");
    fetch_url(&client, &format!("http://{}/", server.addr), &limits()).await.unwrap();
    assert_eq!(server.connections(), 2);
}

async fn redirector() -> Server {
    Server::start(|_, mut stream| async move {
        let request = read_request(&mut stream).await.unwrap();
        let path = request.split(' ').nth(1).unwrap();
        let answer = match path {
            "/file" => ok("content"),
            "/big" => ok(&"x".repeat(1001)),
            "/endless" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000)),
            "/missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "/nowhere" => "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            path => {
                let target = path.strip_prefix("/to/").unwrap();
                format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")
            }
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn redirects_are_followed_and_judged() {
    let server = redirector().await;
    let client = direct();
    let base = format!("http://{}", server.addr);
    let port = server.addr.port();
    let fetched = fetch_url(&client, &format!("{base}/to//to//to//file"), &limits()).await.unwrap();
    assert_eq!((&fetched.bytes[..], fetched.content_type.as_deref()), (&b"content"[..], Some("text/plain")));
    let error = fetch_url(&client, &format!("{base}/to//to//to//to//file"), &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirects), "{error:?}");
    for target in [
        format!("http://127.0.0.2:{port}/file"),
        format!("http://[::1]:{port}/file"),
        "http://169.254.169.254/".to_owned(),
        "http://2852039166/".to_owned(),
    ] {
        let error = fetch_url(&client, &format!("{base}/to/{target}"), &limits()).await.unwrap_err();
        assert!(matches!(error, FetchError::Denied(_)), "{target}: {error:?}");
    }
    let error = fetch_url(&client, &format!("{base}/to/file:///etc/passwd"), &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::InvalidUrl(_)), "{error:?}");
    let error = fetch_url(&client, &format!("{base}/nowhere"), &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirects), "{error:?}");
}

#[tokio::test]
async fn size_status_and_time_are_limited() {
    let server = redirector().await;
    let client = direct();
    let base = format!("http://{}", server.addr);
    for path in ["/big", "/endless"] {
        let error = fetch_url(&client, &format!("{base}{path}"), &limits()).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge(1000)), "{error:?}");
    }
    let error = fetch_url(&client, &format!("{base}/missing"), &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::Status(404)), "{error:?}");
    let silent = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let hurry = FetchLimits { total: Duration::from_millis(80), ..limits() };
    let error = fetch_url(&client, &format!("http://{}/", silent.addr), &hurry).await.unwrap_err();
    assert!(matches!(&error, FetchError::Transport(cause) if cause.is_timeout()), "{error:?}");
}
