//! HTTP/1.1 over real sockets: reuse, death in the pool, and a timeout per phase.

use std::time::{Duration, Instant};

use crate::support::{Server, direct, echo, ok, read_request};
use bytes::Bytes;
use http::Request;
use llm_http::{Body, ErrorKind, Phase, Timeouts, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SHORT: Duration = Duration::from_millis(80);

fn some(limit: Duration) -> Timeouts {
    Timeouts { connect: Some(limit), first_byte: Some(limit), idle: Some(limit), ..Timeouts::NONE }
}

async fn text(response: http::Response<llm_http::ReplyBody>) -> String {
    String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let client = direct();
    for round in 0..20 {
        let response =
            client.send(server.post("/v1/x?a=b", format!("round {round}")), Timeouts::default()).await.unwrap();
        assert_eq!(response.status(), 200);
        let seen = text(response).await;
        assert!(seen.starts_with("POST /v1/x?a=b HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains(&format!("host: {}\r\n", server.addr)), "{seen}");
        assert!(seen.ends_with(&format!("\r\n\r\nround {round}")), "{seen}");
    }
    assert_eq!(server.connections(), 1);
    // Another thread's client has its own connections.
    text(client.with_own_pool().send(server.get("/"), Timeouts::default()).await.unwrap()).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn parallel_requests_open_connections_and_all_are_kept() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let client = direct();
    for _ in 0..3 {
        let calls =
            (0..8).map(|_| async { text(client.send(server.get("/"), Timeouts::default()).await.unwrap()).await });
        futures_util::future::join_all(calls).await;
    }
    assert_eq!(server.connections(), 8);
}

#[tokio::test]
async fn pieces_go_out_as_one_body_in_one_write() {
    let server = Server::start(|_, mut stream| async move {
        // One read sees everything only when it was one write.
        let mut seen = vec![0; 4096];
        let n = stream.read(&mut seen).await.unwrap();
        stream.write_all(ok(std::str::from_utf8(&seen[..n]).unwrap()).as_bytes()).await.unwrap();
    })
    .await;
    let whole = Bytes::from_static(br#"{"model":"public","stream":false}"#);
    let pieces = vec![whole.slice(..9), Bytes::from_static(br#""upstream-name""#), whole.slice(17..), Bytes::new()];
    let body = Body::pieces(pieces);
    let expected = r#"{"model":"upstream-name","stream":false}"#;
    assert_eq!(body.len(), Some(expected.len() as u64));
    assert_eq!(body.slices().count(), 3);
    let again = body.try_clone().unwrap();
    for body in [body, again] {
        let seen = text(direct().send(server.post("/", body), Timeouts::default()).await.unwrap()).await;
        assert!(seen.contains(&format!("content-length: {}\r\n", expected.len())), "{seen}");
        assert!(seen.ends_with(expected), "{seen}");
    }
}

#[tokio::test]
async fn a_streamed_body_is_sent_chunked_and_its_failure_is_a_send_error() {
    let server = Server::start(|_, mut stream| async move {
        let mut seen = Vec::new();
        while !seen.ends_with(b"0\r\n\r\n") {
            if stream.read_buf(&mut seen).await.unwrap() == 0 {
                return;
            }
        }
        stream.write_all(ok(std::str::from_utf8(&seen).unwrap()).as_bytes()).await.unwrap();
    })
    .await;
    let client = direct();
    let frames = |end: Option<std::io::Error>| {
        let start = ["one", "two"].map(|part| Ok(http_body::Frame::data(Bytes::from_static(part.as_bytes()))));
        Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(start.into_iter().chain(end.map(Err)))))
    };
    assert!(frames(None).try_clone().is_none());
    let seen = text(client.send(server.post("/", frames(None)), Timeouts::default()).await.unwrap()).await;
    assert!(seen.contains("transfer-encoding: chunked"), "{seen}");
    assert!(seen.contains("one") && seen.contains("two"));
    let broken = frames(Some(std::io::Error::other("the client hung up")));
    let error = client.send(server.post("/", broken), Timeouts::default()).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Send);
    assert!(error.to_string().contains("the client hung up"), "{error}");
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced() {
    // The first connection answers once and is closed at a moment the client cannot foresee.
    let server = Server::start(|number, mut stream| async move {
        if number == 0 {
            read_request(&mut stream).await;
            stream.write_all(ok("first").as_bytes()).await.unwrap();
            return;
        }
        echo(stream).await;
    })
    .await;
    let client = direct();
    assert_eq!(text(client.send(server.get("/"), Timeouts::default()).await.unwrap()).await, "first");
    let seen = text(client.send(server.post("/", "second"), Timeouts::default()).await.unwrap()).await;
    assert!(seen.ends_with("second"));
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_close_that_nobody_had_time_to_notice_is_no_error() {
    // The server runs beside, and this runtime does nothing while the server closes: the end of the connection lies
    // unread in the socket when the next request is sent on it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(ok("answer").as_bytes()).unwrap();
        }
    });
    let client = direct();
    let get = || Request::get(&url).body(Body::empty()).unwrap();
    assert_eq!(text(client.send(get(), Timeouts::default()).await.unwrap()).await, "answer");
    std::thread::sleep(SHORT);
    assert_eq!(text(client.send(get(), Timeouts::default()).await.unwrap()).await, "answer");
    server.join().unwrap();
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_sent_twice() {
    let server = Server::start(|number, mut stream| async move {
        read_request(&mut stream).await;
        if number == 0 {
            stream.write_all(ok("first").as_bytes()).await.unwrap();
            read_request(&mut stream).await; // the second request has arrived; hang up
        }
    })
    .await;
    let client = direct();
    text(client.send(server.get("/"), Timeouts::default()).await.unwrap()).await;
    let error = client.send(server.post("/", "pay once"), Timeouts::default()).await.unwrap_err();
    assert!(!error.surely_not_sent());
    assert_eq!((error.phase(), error.kind()), (Phase::FirstByte, ErrorKind::Closed), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn refused_and_unknown_hosts_are_surely_not_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = direct();
    let get = |url: String| Request::get(url).body(Body::empty()).unwrap();
    let error = client.send(get(format!("http://{closed}/")), Timeouts::default()).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Connect, ErrorKind::Refused, true));
    let error = client.send(get("http://no-such-host.invalid/".to_owned()), Timeouts::default()).await.unwrap_err();
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::Connect, ErrorKind::Dns, true));
    for bad in ["/only/a/path", "ftp://host/", "http://user:password@host/"] {
        let error = client.send(get(bad.to_owned()), Timeouts::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.surely_not_sent()), (ErrorKind::Protocol, true), "{bad}");
        assert!(!error.to_string().contains("password@"));
    }
}

#[tokio::test]
async fn a_silent_host_runs_into_the_first_byte_timeout() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.read(&mut [0; 1]).await; // until the client gives up
    })
    .await;
    let start = Instant::now();
    let error = direct().send(server.post("/", "x"), some(SHORT)).await.unwrap_err();
    assert!(start.elapsed() >= SHORT);
    assert_eq!((error.phase(), error.kind(), error.surely_not_sent()), (Phase::FirstByte, ErrorKind::Timeout, false));
    let total = Timeouts { total: Some(SHORT), ..Timeouts::NONE };
    let error = direct().send(server.post("/", "x"), total).await.unwrap_err();
    assert_eq!((error.phase(), error.kind()), (Phase::Total, ErrorKind::Timeout));
}

#[tokio::test]
async fn a_stalled_body_runs_into_the_idle_timeout_and_a_slow_one_does_not() {
    let server = Server::start(|_, mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head).await.unwrap();
            for _ in 0..4 {
                stream.write_all(b"3\r\nabc\r\n").await.unwrap();
                tokio::time::sleep(SHORT / 2).await;
            }
            if request.contains("stall") {
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let client = direct();
    assert_eq!(text(client.send(server.get("/slow"), some(SHORT)).await.unwrap()).await, "abcabcabcabc");
    let stalled = client.send(server.get("/stall"), some(SHORT)).await.unwrap();
    let error = stalled.into_body().collect(100).await.unwrap_err();
    assert_eq!((error.phase(), error.kind()), (Phase::Body, ErrorKind::Timeout));
    assert_eq!(server.connections(), 1);
    let total = Timeouts { total: Some(SHORT), ..Timeouts::NONE };
    let error = client.send(server.get("/slow"), total).await.unwrap().into_body().collect(100).await.unwrap_err();
    assert_eq!((error.phase(), error.kind()), (Phase::Total, ErrorKind::Timeout));
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_an_idle_upstream() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let response = direct().send(server.get("/"), some(SHORT)).await.unwrap();
    tokio::time::sleep(SHORT * 3).await;
    assert!(text(response).await.starts_with("GET / "));
}

#[tokio::test]
async fn the_timer_of_one_request_does_not_ring_for_the_next() {
    let server = Server::start(|_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(SHORT / 2).await;
            stream.write_all(ok("late").as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = direct();
    for limit in [SHORT, SHORT, Duration::from_secs(60), SHORT, SHORT] {
        assert_eq!(text(client.send(server.get("/"), some(limit)).await.unwrap()).await, "late");
    }
    let error = client.send(server.get("/"), some(SHORT / 8)).await.unwrap_err();
    assert_eq!((error.phase(), error.kind()), (Phase::FirstByte, ErrorKind::Timeout));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_cut_answer_is_an_error_not_an_end() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let server = Server::start(move |_, mut stream| async move {
            read_request(&mut stream).await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nabcde").as_bytes()).await.unwrap();
        })
        .await;
        let response = direct().send(server.get("/"), Timeouts::default()).await.unwrap();
        let error = response.into_body().collect(1000).await.unwrap_err();
        assert_eq!((error.phase(), error.kind()), (Phase::Body, ErrorKind::Closed), "{head}: {error}");
    }
}

#[tokio::test]
async fn an_answer_left_unread_closes_its_connection() {
    let server = Server::start(|_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly the start";
            if stream.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await;
    let client = direct();
    for _ in 0..2 {
        let response = client.send(server.get("/"), Timeouts::default()).await.unwrap();
        assert!(response.into_body().collect_within(5).await.unwrap().is_none());
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn answers_without_a_body_free_the_connection_at_once() {
    let server = Server::start(|_, mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            let answer = if request.starts_with("HEAD") {
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
            } else {
                "HTTP/1.1 204 No Content\r\n\r\n"
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let client = direct();
    let head = Request::head(format!("http://{}/", server.addr)).body(Body::empty()).unwrap();
    let kept = [
        client.send(head, Timeouts::default()).await.unwrap(),
        client.send(server.get("/"), Timeouts::default()).await.unwrap(),
    ];
    assert_eq!(kept.map(|response| response.status().as_u16()), [200, 204]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n\r\n").await.unwrap();
    })
    .await;
    let error = direct().send(server.get("/"), Timeouts::default()).await.unwrap_err();
    assert_eq!((error.phase(), error.kind()), (Phase::FirstByte, ErrorKind::Protocol), "{error}");
}

#[tokio::test]
async fn unused_connections_are_closed_after_a_while() {
    let server = Server::start(|_, stream| echo(stream)).await;
    let config =
        llm_http::HttpConfig { pool_idle: SHORT, proxy: llm_http::ProxyConfig::Off, ..llm_http::HttpConfig::default() };
    let client = llm_http::HttpClient::new(config);
    text(client.send(server.get("/"), Timeouts::default()).await.unwrap()).await;
    tokio::time::sleep(SHORT * 2).await;
    text(client.send(server.get("/"), Timeouts::default()).await.unwrap()).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_upgraded_connection_carries_bytes_both_ways() {
    let server = Server::start(|_, mut stream| async move {
        let request = read_request(&mut stream).await.unwrap();
        if request.contains("/no") {
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
            return;
        }
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello")
            .await
            .unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    })
    .await;
    let request = |path: &str| {
        Request::get(format!("ws://{}{path}", server.addr))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .body(Body::empty())
            .unwrap()
    };
    let client = direct();
    let llm_http::UpgradeReply::Switched(head, mut io) =
        client.upgrade(request("/"), Timeouts::default()).await.unwrap()
    else {
        panic!("not switched");
    };
    assert_eq!(head.headers()["upgrade"], "websocket");
    io.write_all(b"ping").await.unwrap();
    io.flush().await.unwrap();
    let mut seen = [0; 9];
    io.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"helloping");
    let llm_http::UpgradeReply::Refused(refused) = client.upgrade(request("/no"), Timeouts::default()).await.unwrap()
    else {
        panic!("switched");
    };
    assert_eq!((refused.status().as_u16(), text(refused).await), (403, "no".to_owned()));
}
