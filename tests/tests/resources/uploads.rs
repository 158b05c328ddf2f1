//! Large forms: they go to the upstream while the client still sends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Config, Gateway, MASTER_KEY, Options, eventually};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const MB: usize = 1 << 20;

/// A request that came, but for the middle of its body.
#[derive(Debug, Default, Clone)]
struct Got {
    path: String,
    chunked: bool,
    len: usize,
    head: String,
    end: String,
}

/// An upstream that listens to sounds without keeping them.
struct Ear {
    base: String,
    got: Arc<Mutex<Vec<Got>>>,
    /// Bytes of bodies until now.
    heard: watch::Receiver<usize>,
}

async fn ear(status: u16) -> Ear {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let got = Arc::<Mutex<Vec<Got>>>::default();
    let (tell, heard) = watch::channel(0);
    let (all, tell) = (Arc::clone(&got), Arc::new(tell));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (all, tell) = (Arc::clone(&all), Arc::clone(&tell));
            let service = service_fn(move |req| listen(req, Arc::clone(&all), Arc::clone(&tell), status));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    Ear { base, got, heard }
}

async fn listen(
    req: Request<Incoming>,
    all: Arc<Mutex<Vec<Got>>>,
    tell: Arc<watch::Sender<usize>>,
    status: u16,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, mut body) = req.into_parts();
    let mut got =
        Got { path: parts.uri.to_string(), chunked: parts.headers.contains_key("transfer-encoding"), ..Got::default() };
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        got.len += data.len();
        tell.send_modify(|n| *n += data.len());
        if got.head.len() < 4000 {
            got.head.push_str(&String::from_utf8_lossy(&data[..data.len().min(4000)]));
        }
        got.end.push_str(&String::from_utf8_lossy(&data[data.len().saturating_sub(1000)..]));
        if got.end.len() > 4000 {
            got.end = got.end.chars().skip(got.end.chars().count() - 2000).collect();
        }
    }
    all.lock().push(got);
    let said = if status == 200 { json!({"text": "hello"}) } else { json!({"error": {"message": "overheated"}}) };
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::from(said.to_string())).unwrap())
}

async fn setup(ear: &Ear, more: impl FnOnce(Config) -> Config) -> (Gateway, Running) {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::empty(&sim).model("whisper", "openai/whisper-1", &[]).general("proxy_batch_write_at: 1");
    let yaml = more(config).yaml().replace(&sim.base_url(), &ear.base);
    (Gateway::start_with(&yaml, &Options::default()).await.unwrap(), sim)
}

fn text(name: &str, text: &str) -> Vec<u8> {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").into_bytes()
}

/// A sound of 16,000 bytes a second.
fn sound(size: usize) -> Vec<u8> {
    let mut out =
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
            .to_vec();
    out.extend(b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\xff\xff\xff\xff");
    out.resize(out.len() + size, 0);
    out.extend(b"\r\n");
    out
}

/// A client that sends a form in its own time.
struct Client {
    socket: TcpStream,
}

impl Client {
    async fn begin(to: SocketAddr, path: &str, key: &str, len: usize) -> Self {
        let mut socket = TcpStream::connect(to).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-type: multipart/form-data; boundary=b\r\ncontent-length: {len}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        Self { socket }
    }

    async fn send(&mut self, data: &[u8]) {
        self.socket.write_all(data).await.unwrap();
    }

    async fn answer(mut self) -> (u16, Value) {
        let mut all = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), self.socket.read_to_end(&mut all)).await;
        read.expect("an answer").unwrap();
        let text = String::from_utf8_lossy(&all).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {text}")))
    }
}

async fn upload(gateway: &Gateway, key: &str, parts: &[Vec<u8>]) -> (u16, Value) {
    let body = [parts.concat(), b"--b--\r\n".to_vec()].concat();
    let mut client = Client::begin(gateway.addr(), "/v1/audio/transcriptions", key, body.len()).await;
    client.send(&body).await;
    client.answer().await
}

#[tokio::test]
async fn a_large_upload_goes_out_while_it_comes_in() {
    let mut ear = ear(200).await;
    let (gateway, _sim) = setup(&ear, |config| config).await;
    let (key, token) = gateway.new_key(&json!({"models": ["whisper"]})).await.unwrap();
    let front = [text("model", "whisper"), text("temperature", "0.5"), text("tags", "[\"a\"]")].concat();
    let file = sound(64 * MB);
    let end = [text("language", "de"), b"--b--\r\n".to_vec()].concat();

    let len = front.len() + file.len() + end.len();
    let mut client = Client::begin(gateway.addr(), "/v1/audio/transcriptions", &key, len).await;
    client.send(&front).await;
    client.send(&file[..MB]).await;
    // The client waits for the upstream: a gateway that waited for the client's end would wait forever.
    let begun = tokio::time::timeout(Duration::from_secs(30), ear.heard.wait_for(|n| *n > MB / 2)).await;
    assert!(*begun.expect("the first bytes are there before the last ones were sent").unwrap() < 2 * MB);
    client.send(&file[MB..]).await;
    client.send(&end).await;
    assert_eq!(client.answer().await, (200, json!({"text": "hello"})));

    let got = ear.got.lock().pop().unwrap();
    assert_eq!((got.path.as_str(), got.chunked), ("/v1/audio/transcriptions", true));
    assert!(got.len > 64 * MB && got.len < 64 * MB + 2000, "{}", got.len);
    for part in ["name=\"model\"\r\n\r\nwhisper-1\r\n", "name=\"temperature\"\r\n\r\n0.5\r\n", "filename=\"a.wav\""] {
        assert!(got.head.contains(part), "{part} is not in {}", got.head);
    }
    assert!(!got.head.contains("tags") && got.head.matches("name=\"model\"").count() == 1, "{}", got.head);
    // What is asked for on the client's behalf comes last.
    for part in ["name=\"language\"\r\n\r\nde\r\n", "name=\"response_format\"\r\n\r\nverbose_json\r\n", "--\r\n"] {
        assert!(got.end.contains(part), "{part} is not in {}", got.end);
    }
    let row = gateway.spend_rows(&token, 1).await.unwrap().remove(0);
    let seconds = (64 * MB) as f64 / 16_000.0;
    let spend = row["spend"].as_f64().unwrap();
    assert!((spend - seconds * 0.0001).abs() < 1e-9, "{row}");
    assert!(row["request_tags"].to_string().contains('a'), "{row}");
}

#[tokio::test]
async fn an_upload_falls_back_before_it_went_out_and_not_after() {
    let ear = ear(200).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hot = self::ear(503).await;
    let yaml = format!(
        "model_list:\n  - {{model_name: dead, litellm_params: {{model: openai/whisper-2, api_base: 'http://{closed}/v1', api_key: k}}}}\n  \
             - {{model_name: hot, litellm_params: {{model: openai/whisper-3, api_base: '{}/v1', api_key: k}}}}\n  \
             - {{model_name: whisper, litellm_params: {{model: openai/whisper-1, api_base: '{}/v1', api_key: k}}}}\n\
             router_settings: {{num_retries: 1, fallbacks: [{{dead: [whisper]}}, {{hot: [whisper]}}]}}\n\
             general_settings: {{master_key: '{MASTER_KEY}'}}\n",
        hot.base, ear.base
    );
    let gateway = Gateway::start_with(&yaml, &Options::default()).await.unwrap();

    let (status, body) = upload(&gateway, MASTER_KEY, &[text("model", "dead"), sound(20 * MB)]).await;
    assert_eq!((status, body), (200, json!({"text": "hello"})), "nothing went out: another group answers");
    assert!(ear.got.lock().pop().unwrap().len > 20 * MB);

    let (status, body) = upload(&gateway, MASTER_KEY, &[text("model", "hot"), sound(20 * MB)]).await;
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(message.contains("overheated") && message.contains("cannot be sent again"), "{body}");
    assert_eq!((hot.got.lock().len(), ear.got.lock().len()), (1, 0), "one attempt, no fallback");
    eventually("the log says why", async || gateway.logs().contains("went out in part").then_some(())).await;

    // A small form is sent again.
    let (status, body) = upload(&gateway, MASTER_KEY, &[text("model", "hot"), sound(MB)]).await;
    assert_eq!((status, body), (200, json!({"text": "hello"})));
}

#[tokio::test]
async fn what_stands_behind_a_large_file() {
    let ear = ear(200).await;
    let (gateway, _sim) = setup(&ear, |config| {
        let cached = config.litellm("cache: true").litellm("cache_params: {type: local}");
        cached.model("deep", "deepgram/nova-3", &[])
    })
    .await;
    // The model: the form is read whole.
    let (status, body) = upload(&gateway, MASTER_KEY, &[sound(17 * MB), text("model", "whisper")]).await;
    assert_eq!((status, body), (200, json!({"text": "hello"})));
    assert!(!ear.got.lock().pop().unwrap().chunked);
    // What the call is judged by is refused, however much went out.
    for name in ["tags", "user", "api_base"] {
        let parts = [text("model", "whisper"), sound(17 * MB), text(name, "x")];
        let (status, body) = upload(&gateway, MASTER_KEY, &parts).await;
        assert_eq!(status, if name == "api_base" { 401 } else { 400 }, "{name}: {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(name), "{body}");
    }
    // A key is judged before anything goes out.
    let (status, body) = upload(&gateway, "sk-nobody-0123456789", &[text("model", "whisper"), sound(17 * MB)]).await;
    assert_eq!(status, 401, "{body}");
    // No cache takes one file for another with the same beginning.
    ear.got.lock().clear();
    for end in [b"one", b"two"] {
        let parts = [text("model", "whisper"), sound(17 * MB), text("language", std::str::from_utf8(end).unwrap())];
        assert_eq!(upload(&gateway, MASTER_KEY, &parts).await.0, 200);
    }
    assert_eq!(ear.got.lock().len(), 2);
    // An upstream that takes no forms gets the whole sound.
    ear.got.lock().clear();
    let (status, _) = upload(&gateway, MASTER_KEY, &[text("model", "deep"), sound(17 * MB)]).await;
    let got = ear.got.lock().pop().unwrap();
    assert!(!got.chunked && got.len == 17 * MB + 44, "{status} {got:?}");
}
