//! Upstreams that do not keep to the protocol: a session ends, with a farewell where one can be said, and is billed once.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A host whose handshake is right, and which then says these bytes and hangs up.
async fn host(says: Vec<u8>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let says = says.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let key = head
                    .lines()
                    .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case("sec-websocket-key")));
                let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.unwrap().1.as_bytes());
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
                );
                socket.write_all(answer.as_bytes()).await.unwrap();
                socket.write_all(&says).await.unwrap();
                // Whoever hangs up on unread bytes resets, and the last words are lost.
                socket.shutdown().await.unwrap();
                let _ = tokio::time::timeout(Duration::from_secs(2), socket.read_to_end(&mut Vec::new())).await;
            });
        }
    });
    base
}

fn text(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame
}

/// What a host says, the code of the client's farewell (none: the connection ends), the status of the row.
fn walks() -> Vec<(&'static str, Vec<u8>, Option<u16>, &'static str)> {
    let done = text(br#"{"type":"response.done","response":{"usage":{"input_tokens":100,"output_tokens":50}}}"#);
    let then = |more: &[u8]| [done.as_slice(), more].concat();
    vec![
        ("nothing", Vec::new(), Some(1011), "failure"),
        ("no farewell", done.clone(), Some(1011), "failure"),
        ("a cut head", then(&[0x81, 127, 0, 0]), None, "failure"),
        ("a cut frame", then(&[0x81, 100, b'{']), None, "failure"),
        ("a frame of 2^63 bytes", then(&[0x81, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, b'x']), None, "failure"),
        ("no JSON", [text(b"garbage {{{"), then(&[0x88, 2, 3, 232])].concat(), Some(1000), "success"),
        (
            "a usage of words",
            [
                text(br#"{"type":"response.done","response":{"usage":{"input_tokens":"many"}}}"#),
                then(&[0x88, 2, 3, 232]),
            ]
            .concat(),
            Some(1000),
            "success",
        ),
        ("no UTF-8", [text(&[0xff, 0xfe, 0xfd]), then(&[0x88, 2, 3, 232])].concat(), None, "success"),
        ("a code of its own", then(&[0x88, 2, 0x0f, 0xa0]), Some(4000), "success"),
        ("a farewell without a code", then(&[0x88, 0]), Some(1005), "success"),
    ]
}

async fn walked(guardrails: &str) {
    for (what, says, code, status) in walks() {
        let billed = says.len() > 60;
        let base = host(says).await;
        let config = format!(
            "model_list:
  - {{model_name: voice, litellm_params: {{model: openai/gpt-realtime, api_base: '{base}/v1', api_key: k}}}}
{guardrails}general_settings: {{master_key: {MASTER_KEY}, proxy_batch_write_at: 1}}
"
        );
        let gateway = Gateway::start(&config).await.unwrap();
        let (key, token) = gateway.new_key(&json!({})).await.unwrap();
        let bearer = format!("Bearer {key}");
        let (mut ws, _) = connect(&gateway, "/v1/realtime?model=voice", &[("authorization", &bearer)]).await.unwrap();
        let mut farewell = None;
        let ended = tokio::time::timeout(Duration::from_secs(15), async {
            while let Some(Ok(message)) = ws.next().await {
                if let Message::Close(close) = message {
                    farewell = Some(close.map_or(1005, |close| u16::from(close.code)));
                }
            }
        });
        ended.await.unwrap_or_else(|_| panic!("{what}: the session does not end"));
        drop(ws);
        assert!(code.is_none() || farewell == code, "{what}: {farewell:?}");
        let rows = gateway.spend_rows(&token, 1).await.unwrap();
        assert_eq!((rows.len(), &rows[0]["status"]), (1, &json!(status)), "{what}: {rows:?}");
        assert_eq!(rows[0]["prompt_tokens"], json!(if billed { 100 } else { 0 }), "{what}: {rows:?}");
    }
}

#[tokio::test]
async fn no_host_leaves_a_session_open_or_unbilled() {
    walked("").await;
}

#[tokio::test]
async fn nor_one_whose_words_are_judged() {
    let words = "guardrails:
  - guardrail_name: words
    litellm_params: {guardrail: litellm_content_filter, mode: [pre_call, realtime_input_transcription], default_on: true, blocked_words: [{keyword: dynamite, action: BLOCK}]}
";
    walked(words).await;
}
