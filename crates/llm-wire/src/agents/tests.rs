use bytes::{BufMut, BytesMut};
use llm_types::stream::{Delta, Event, EventSink};
use llm_types::{Error, Format, Usage};

use crate::codec::{EncodeContext, Generate, ReplyContext, ReplyView, RequestView, UpstreamCodec};
use crate::framing::Splitter;
use crate::registry;
use crate::sse::Item;

const ASKED: &str = r#"{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},
    {"role":"user","content":"What is 2+2?"}],"user":"u1","session_id":"s1","sessionState":{"a":1}}"#;

fn codec(format: Format) -> &'static dyn UpstreamCodec<Generate> {
    registry::upstream_generate(format).unwrap()
}

fn sent(format: Format) -> String {
    let view = RequestView { path: "", query: "", body: ASKED.as_bytes() };
    let request = registry::client_generate(Format::OpenAiChat).unwrap().decode_request(&view).unwrap();
    let mut out = BytesMut::new();
    codec(format).encode_request(&request, &mut EncodeContext::for_model("m"), &mut out).unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn what_is_said_last_goes() {
    assert_eq!(sent(Format::BedrockAgent), r#"{"inputText":"What is 2+2?","enableTrace":true,"sessionState":{"a":1}}"#);
    assert_eq!(sent(Format::AgentCoreRuntime), r#"{"prompt":"What is 2+2?"}"#);
    assert_eq!(
        sent(Format::VertexAgent),
        r#"{"class_method":"stream_query","input":{"message":"What is 2+2?","user_id":"u1","session_id":"s1"}}"#
    );
}

/// A message of AWS's event stream.
fn message(kind: &str, payload: &str) -> Vec<u8> {
    let mut headers = BytesMut::new();
    let (name, value) = if kind.ends_with("Exception") { (":exception-type", kind) } else { (":event-type", kind) };
    let class = if kind.ends_with("Exception") { "exception" } else { "event" };
    for (name, value) in [(name, value), (":message-type", class)] {
        headers.put_u8(u8::try_from(name.len()).unwrap());
        headers.put_slice(name.as_bytes());
        headers.put_u8(7);
        headers.put_u16(u16::try_from(value.len()).unwrap());
        headers.put_slice(value.as_bytes());
    }
    let mut out = BytesMut::new();
    out.put_u32(u32::try_from(16 + headers.len() + payload.len()).unwrap());
    out.put_u32(u32::try_from(headers.len()).unwrap());
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(&headers);
    out.put_slice(payload.as_bytes());
    out.put_u32(crc32fast::hash(&out));
    out.to_vec()
}

fn agent(failing: bool) -> Vec<u8> {
    let usage = r#"{"modelInvocationOutput":{"metadata":{"usage":{"inputTokens":5,"outputTokens":2}}}}"#;
    let mut all = message("trace", &format!(r#"{{"trace":{{"preProcessingTrace":{usage}}}}}"#));
    all.extend(message("chunk", r#"{"bytes":"Rm91"}"#));
    all.extend(message("trace", &format!(r#"{{"trace":{{"orchestrationTrace":{usage}}}}}"#)));
    if failing {
        all.extend(message("throttlingException", r#"{"message":"slow down"}"#));
    } else {
        all.extend(message("chunk", r#"{"bytes":"ci4="}"#));
    }
    all
}

const RUNTIME: &str = "data: \"starting\"\n\ndata: {\"event\":{\"contentBlockDelta\":{\"delta\":{\"text\":\"Fou\"}}}}\n\n\
    data: {\"event\":{\"contentBlockDelta\":{\"delta\":{\"text\":\"r.\"}}}}\n\n\
    data: {\"event\":{\"metadata\":{\"usage\":{\"inputTokens\":10,\"outputTokens\":4,\"totalTokens\":14}}}}\n\n\
    data: {\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"Four.\"}]}}\n\n";

const ENGINE: &str = "{\"content\":{\"parts\":[{\"text\":\"Fou\"}]},\"partial\":true}\n\
    {\"content\":{\"parts\":[{\"text\":\"r.\"}]},\"partial\":true,\"usage_metadata\":{\"prompt_token_count\":9}}\n\
    {\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},{\"text\":\"Four.\"}]},\
    \"usage_metadata\":{\"prompt_token_count\":10,\"candidates_token_count\":4}}\n";

fn whole(format: Format, body: &[u8]) -> llm_types::Result<(String, Option<Usage>)> {
    let view = ReplyView { status: 200, provider: "p", headers: &[], body };
    let response = codec(format).decode_response(&view, &ReplyContext::default())?;
    let text = response.choices[0].parts.iter().filter_map(|p| p.as_text()).collect();
    Ok((text, response.usage.map(|u| u.usage)))
}

#[derive(Default)]
struct Seen {
    text: String,
    usage: Option<Usage>,
    error: Option<Error>,
    ended: bool,
}

impl EventSink for Seen {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Usage(report) => self.usage = Some(report.usage),
            Event::Error(error) => self.error = Some(*error),
            Event::End => self.ended = true,
            Event::Delta { delta: Delta::Text(text), .. } => self.text.push_str(&text),
            _ => {}
        }
    }
}

fn streamed(format: Format, body: &[u8]) -> Seen {
    let codec = codec(format);
    let mut decoder = codec.stream_decoder(&ReplyContext::default()).unwrap();
    let mut splitter = Splitter::new(codec.framing(), 1 << 20);
    let mut seen = Seen::default();
    for chunk in body.chunks(7) {
        let tell = |item: Item<'_>| {
            if let Item::Frame(frame) = item {
                decoder.frame(&frame, &mut seen);
            }
        };
        splitter.feed(chunk, tell).unwrap();
    }
    decoder.end(&mut seen);
    seen
}

#[test]
fn agents_answer_whole_and_piece_by_piece() {
    let cases = [
        (Format::BedrockAgent, agent(false)),
        (Format::AgentCoreRuntime, RUNTIME.as_bytes().to_vec()),
        (Format::VertexAgent, ENGINE.as_bytes().to_vec()),
    ];
    for (format, body) in cases {
        let (text, usage) = whole(format, &body).unwrap();
        let usage = usage.unwrap();
        assert_eq!((text.as_str(), usage.input_text, usage.output_text), ("Four.", 10, 4), "{format}");
        let seen = streamed(format, &body);
        let usage = seen.usage.unwrap();
        assert_eq!((seen.text.as_str(), usage.input_text, usage.output_text), ("Four.", 10, 4), "{format}");
        assert!(seen.ended && seen.error.is_none(), "{format}");
    }
}

#[test]
fn what_goes_wrong_is_told() {
    let body = agent(true);
    assert!(whole(Format::BedrockAgent, &body).unwrap_err().message.contains("slow down"));
    assert!(streamed(Format::BedrockAgent, &body).error.is_some());
    for format in [Format::BedrockAgent, Format::AgentCoreRuntime, Format::VertexAgent] {
        assert!(whole(format, b"").is_err(), "{format}");
        assert!(streamed(format, b"").error.is_some(), "{format}");
    }
    let body = b"{\"error\":{\"code\":500}}\n";
    assert!(whole(Format::VertexAgent, body).is_err());
    assert!(streamed(Format::VertexAgent, body).error.is_some());
}

#[test]
fn runtimes_answer_json_in_many_shapes() {
    for body in [
        r#"{"result":{"role":"assistant","content":[{"text":"Four."}]}}"#,
        r#"{"response":[{"text":"Four."}]}"#,
        r#"{"result":"Four."}"#,
        r#"{"response":"Four."}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"message":{"parts":[{"kind":"text","text":"Four."}]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"artifacts":[{"parts":[{"kind":"text","text":"Four."}]}]}}"#,
    ] {
        assert_eq!(whole(Format::AgentCoreRuntime, body.as_bytes()).unwrap().0, "Four.", "{body}");
    }
    assert_eq!(whole(Format::AgentCoreRuntime, b"{\"x\":1}").unwrap().0, r#"{"x":1}"#);
}
