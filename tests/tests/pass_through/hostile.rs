//! Hosts of endpoints of the operator's own that do not keep to HTTP: a call ends, says so, and leaves one row.

use super::*;

/// A host that reads the head of a request, says these bytes and hangs up.
async fn host(says: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = socket.read_u8().await else { return };
                    head.push(byte);
                }
                socket.write_all(says.as_bytes()).await.unwrap();
                socket.shutdown().await.unwrap();
                let _ = tokio::time::timeout(Duration::from_secs(2), socket.read_to_end(&mut Vec::new())).await;
            });
        }
    });
    base
}

/// What a host says; the client's status and body, where the answer passes; whether it comes to its end.
const WALKS: [(&str, &str, Option<(u16, &str)>, bool); 9] = [
    ("nothing", "", None, true),
    ("no HTTP", "garbage, garbage\r\n\r\n", None, true),
    ("a cut head", "HTTP/1.1 200 OK\r\ncontent-ty", None, true),
    ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!", None, true),
    ("a cut body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", Some((200, "half")), false),
    ("cut chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", Some((200, "half")), false),
    (
        "no chunks",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        Some((200, "half")),
        false,
    ),
    ("more than was said", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", Some((200, "ok")), true),
    (
        "wait first",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        Some((200, "ok")),
        true,
    ),
];

#[tokio::test]
async fn no_host_leaves_a_call_open_or_without_a_row() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    for (what, says, passes, complete) in WALKS {
        let url = host(says).await;
        let config = Config::standard(&sim)
            .general("proxy_batch_write_at: 1")
            .general("pass_through_endpoints:")
            .general(&format!("  - {{path: /mine, target: '{url}/base', auth: true}}"))
            .yaml();
        let gateway = Gateway::start(&config).await.unwrap();
        let (key, token) =
            gateway.new_key(&json!({"metadata": {"allowed_passthrough_routes": ["/mine"]}})).await.unwrap();
        let ask = json!({"a": 1});
        let asked = tokio::time::timeout(Duration::from_secs(20), gateway.post("/mine", &ask, &key));
        let reply = asked.await.unwrap_or_else(|_| panic!("{what}: the call does not end")).unwrap();
        match passes {
            Some((status, body)) => assert_eq!((reply.status, &*reply.text()), (status, body), "{what}"),
            None => assert!((500..=504).contains(&reply.status), "{what}: {} {}", reply.status, reply.text()),
        }
        assert_eq!(reply.complete, complete, "{what}");
        let rows = gateway.spend_rows(&token, 1).await.unwrap();
        assert_eq!(rows.len(), 1, "{what}: {rows:?}");
    }
}
