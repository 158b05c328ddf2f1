//! Client and provider speak one language: bytes go through as they are, but for the model's name.

use bytes::Bytes;
use llm_client::Engine;
use llm_types::Format;
use llm_types::stream::{Delta, Event, EventFilter, EventSink};
use serde_json::json;

use crate::exact::{Canned, Exact};
use crate::support::{answer, answer_at, call, deployment, engine, hear, refused};

/// Spaces, escapes, key order and unknown fields that must survive.
const CHAT_REQUEST: &str = r#"{ "messages" : [ {"role":"user","content":"Gr\u00fc\u00dfe, \"du\" — 😀"} ],
  "model":  "smart" , "seed":7, "temperature": 0.70, "x_own":{"b" : 1, "a":[ ]}  }"#;

const CHAT_REPLY: &str = r#"{
  "id": "chatcmpl-9", "object": "chat.completion", "created": 1700000000,
  "model": "gpt-4o-2024-08-06", "own": {"z":1,  "a":"\u00e9"},
  "choices": [ {"index":0,"message":{"role":"assistant","content":"He said \"model\": \"x\"","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"} ],
  "usage": {"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}
}
"#;

const CHAT_STREAM: &str = concat!(
    "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"a8\"}\n\n",
    ": keep-alive\n\n",
    "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\\u00fc\\u00dfe \\\"model\\\": \"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n",
    "data:  {\"id\":\"chatcmpl-9\", \"object\":\"chat.completion.chunk\", \"created\":1700000000, \"model\":\"gpt-4o-2024-08-06\", \"choices\":[{\"index\":0,\"delta\":{\"content\":\"an euch\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\r\n\r\n",
    "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
);
const CHAT_USAGE: &str = "data: {\"id\":\"chatcmpl-9\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\"total_tokens\":13}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

const MESSAGES_REQUEST: &str = r#"{"model":"smart","max_tokens": 64,"stream":true,
  "system":[{"type":"text","text":"Be \u00e9","cache_control":{"type":"ephemeral"}}],
  "messages":[{"role":"user","content":[{"text":"Hi", "type":"text"}]}], "metadata":{"user_id":"u-1"} }"#;

const MESSAGES_STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5-20250929\",\"id\":\"msg_01A\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"the \\\"model\\\": \\\"x\\\" is\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" \u{e9}\\u00e9\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":6}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const MESSAGES_REPLY: &str = r#"{"model":"claude-sonnet-4-5-20250929", "id":"msg_01A","type":"message","role":"assistant",
 "content":[{"type":"text","text":"\u00e9 \"model\": \"x\""}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":6},"own" : [1 ,2]}"#;

fn openai(base: &str) -> Engine {
    engine(vec![deployment("a", "smart", &json!({ "model": "openai/gpt-4o", "api_base": format!("{base}/v1") }))])
}

fn anthropic(base: &str) -> Engine {
    engine(vec![deployment("a", "smart", &json!({ "model": "anthropic/claude-sonnet-4-5", "api_base": base }))])
}

fn renamed(text: &str) -> String {
    text.replace("\"model\":\"gpt-4o-2024-08-06\"", "\"model\":\"smart\"")
        .replace("\"model\": \"gpt-4o-2024-08-06\"", "\"model\": \"smart\"")
        .replace("\"model\":\"claude-sonnet-4-5-20250929\"", "\"model\":\"smart\"")
}

#[tokio::test]
async fn a_chat_request_and_its_whole_reply_keep_their_bytes() {
    let upstream = Exact::start(Canned::json(CHAT_REPLY)).await;
    let got = answer(&openai(&upstream.base), &call(Format::OpenAiChat, CHAT_REQUEST.as_bytes())).await.unwrap();
    let asked = upstream.asked();
    assert_eq!(asked.text(), CHAT_REQUEST.replace("\"smart\"", "\"gpt-4o\""));
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/v1/chat/completions", "Bearer sk-upstream"));
    assert_eq!(got.text(), renamed(CHAT_REPLY));
    assert_eq!(got.report.response_id.as_deref(), Some("chatcmpl-9"));
    assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (9, 4));
    assert_eq!(got.report.usage_raw.unwrap().get(), r#"{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}"#);
    assert!(!got.report.estimated && got.report.content.is_none() && got.head.lost.is_empty());
}

#[tokio::test]
async fn a_messages_reply_keeps_its_bytes() {
    let upstream = Exact::start(Canned::json(MESSAGES_REPLY)).await;
    let request = MESSAGES_REQUEST.replace("\"stream\":true", "\"stream\":false");
    let got = answer(&anthropic(&upstream.base), &call(Format::AnthropicMessages, request.as_bytes())).await.unwrap();
    assert_eq!(upstream.asked().text(), request.replace("\"smart\"", "\"claude-sonnet-4-5\""));
    assert_eq!(got.text(), renamed(MESSAGES_REPLY));
    assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (12, 6));
}

#[tokio::test]
async fn a_messages_stream_keeps_its_bytes_however_it_is_cut() {
    for size in [1, 7, 100, usize::MAX] {
        let upstream = Exact::start(Canned::events(MESSAGES_STREAM).cut(size)).await;
        let call = call(Format::AnthropicMessages, MESSAGES_REQUEST.as_bytes());
        let got = answer(&anthropic(&upstream.base), &call).await.unwrap();
        assert_eq!(upstream.asked().text(), MESSAGES_REQUEST.replace("\"smart\"", "\"claude-sonnet-4-5\""));
        assert_eq!(upstream.asked().header("x-api-key"), "sk-upstream");
        assert_eq!(got.text(), renamed(MESSAGES_STREAM), "pieces of {size}");
        assert_eq!(got.report.response_id.as_deref(), Some("msg_01A"));
        assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (12, 6));
        assert!(!got.report.interrupted && got.report.error.is_none());
    }
}

#[tokio::test]
async fn usage_that_only_we_asked_for_is_hidden() {
    let request = CHAT_REQUEST.replace("\"seed\":7", "\"stream\":true");
    for size in [1, 7, 100, usize::MAX] {
        let upstream = Exact::start(Canned::events(&format!("{CHAT_STREAM}{CHAT_USAGE}{DONE}")).cut(size)).await;
        let got = answer(&openai(&upstream.base), &call(Format::OpenAiChat, request.as_bytes())).await.unwrap();
        assert_eq!(got.text(), renamed(&format!("{CHAT_STREAM}{DONE}")), "pieces of {size}");
        assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (9, 4));
        // The question for it is put last; every other field keeps its text and its place.
        let asked = upstream.asked().text();
        assert!(asked.ends_with(r#""stream_options":{"include_usage":true}}"#), "{asked}");
        let order: Vec<_> = ["messages", "model", "stream", "temperature", "x_own"]
            .map(|k| asked.find(&format!("\"{k}\"")).unwrap())
            .to_vec();
        assert!(order.is_sorted(), "{asked}");
        for text in [r#"[ {"role":"user","content":"Gr\u00fc\u00dfe, \"du\" — 😀"} ]"#, "0.70", r#"{"b" : 1, "a":[ ]}"#]
        {
            assert!(asked.contains(text), "{asked}");
        }
    }
}

#[tokio::test]
async fn usage_that_the_client_asked_for_is_forwarded() {
    let request = CHAT_REQUEST.replace("\"seed\":7", "\"stream\":true,\"stream_options\" : {\"include_usage\" :true}");
    let upstream = Exact::start(Canned::events(&format!("{CHAT_STREAM}{CHAT_USAGE}{DONE}"))).await;
    let mut call = call(Format::OpenAiChat, request.as_bytes());
    call.include_usage = true;
    let got = answer(&openai(&upstream.base), &call).await.unwrap();
    assert_eq!(upstream.asked().text(), request.replace("\"smart\"", "\"gpt-4o\""));
    let text = got.text();
    assert!(text.starts_with(&renamed(CHAT_STREAM)), "{text}");
    let events = got.events();
    let [.., usage, done] = events.as_slice() else { panic!("{text}") };
    assert_eq!(done.data, "[DONE]");
    assert_eq!(usage.json()["usage"]["total_tokens"], 13);
    assert_eq!(usage.json()["model"], "smart");
}

#[tokio::test]
async fn a_name_that_is_the_same_is_not_touched() {
    let upstream = Exact::start(Canned::json(CHAT_REPLY)).await;
    let own = CHAT_REQUEST.replace("\"smart\"", "\"gpt-4o-2024-08-06\"");
    let model = json!({ "model": "openai/gpt-4o-2024-08-06", "api_base": upstream.base });
    let engine = engine(vec![deployment("a", "gpt-4o-2024-08-06", &model)]);
    let got = answer(&engine, &call(Format::OpenAiChat, own.as_bytes())).await.unwrap();
    assert_eq!((upstream.asked().text(), got.text()), (own, CHAT_REPLY.to_owned()));
}

#[tokio::test]
async fn the_tap_hears_what_the_client_gets() {
    let chat = format!("{CHAT_STREAM}{CHAT_USAGE}{DONE}");
    let ask = CHAT_REQUEST.replace("\"seed\":7", "\"stream\":true");
    let plain = MESSAGES_REQUEST.replace("\"stream\":true", "\"stream\":false");
    let cases = [
        (Format::OpenAiChat, ask.as_str(), Canned::events(&chat), "Grüße \"model\": an euch"),
        (Format::OpenAiChat, CHAT_REQUEST, Canned::json(CHAT_REPLY), "He said \"model\": \"x\""),
        (Format::AnthropicMessages, MESSAGES_REQUEST, Canned::events(MESSAGES_STREAM), "the \"model\": \"x\" is éé"),
        (Format::AnthropicMessages, plain.as_str(), Canned::json(MESSAGES_REPLY), "é \"model\": \"x\""),
    ];
    for (format, request, canned, text) in cases {
        for size in [1, usize::MAX] {
            let upstream = Exact::start(canned.clone().cut(size)).await;
            let engine = if format == Format::OpenAiChat { openai(&upstream.base) } else { anthropic(&upstream.base) };
            let mut call = call(format, request.as_bytes());
            let untapped = answer(&engine, &call).await.unwrap();
            call.want_content = true;
            let tapped = answer(&engine, &call).await.unwrap();
            assert_eq!(tapped.bytes, untapped.bytes, "{format}");
            assert_eq!(tapped.report.usage, untapped.report.usage);
            assert!(untapped.report.content.is_none());
            assert_eq!(tapped.report.content.unwrap().text(), text, "{format}");
        }
    }
}

/// Shouts every text.
#[derive(Debug)]
struct Shout;

impl EventFilter for Shout {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        next.event(match event {
            Event::Delta { choice, part, delta: Delta::Text(text) } => {
                Event::Delta { choice, part, delta: Delta::Text(text.to_uppercase().into()) }
            }
            other => other,
        });
    }
}

struct Shouting;

impl llm_client::Gate for Shouting {
    fn filters(&self) -> Vec<Box<dyn EventFilter>> {
        vec![Box::new(Shout)]
    }
}

#[tokio::test]
async fn a_filter_turns_passing_through_into_reading() {
    let upstream = Exact::start(Canned::events(&format!("{CHAT_STREAM}{CHAT_USAGE}{DONE}"))).await;
    let request = CHAT_REQUEST.replace("\"seed\":7", "\"stream\":true");
    let mut call = call(Format::OpenAiChat, request.as_bytes());
    call.want_content = true;
    let got = answer_at(&openai(&upstream.base), &call, &Shouting).await.unwrap();
    let heard = hear(Format::OpenAiChat, &got.text());
    assert_eq!((heard.text.as_str(), heard.ends), ("GRÜSSE \"MODEL\": AN EUCH", 1));
    assert_eq!((heard.finish.as_deref(), heard.usage), (Some("stop"), None));
    assert_eq!(got.report.content.unwrap().text(), "GRÜSSE \"MODEL\": AN EUCH");
    assert_eq!(got.report.usage.total_tokens(), 13);
}

#[tokio::test]
async fn an_answer_that_comes_whole_is_told_as_a_stream() {
    let request = CHAT_REQUEST.replace("\"seed\":7", "\"stream\":true");
    let upstream = Exact::start(Canned::json(CHAT_REPLY)).await;
    let mut chat = call(Format::OpenAiChat, request.as_bytes());
    (chat.want_content, chat.include_usage) = (true, true);
    let got = answer(&openai(&upstream.base), &chat).await.unwrap();
    let heard = hear(Format::OpenAiChat, &got.text());
    assert_eq!(
        (heard.text.as_str(), heard.finish.as_deref(), heard.ends),
        ("He said \"model\": \"x\"", Some("stop"), 1)
    );
    assert!(heard.models.iter().all(|m| m == "smart"), "{heard:?}");
    assert_eq!(heard.usage.unwrap()["total_tokens"], 13);
    assert_eq!((got.report.usage.total_tokens(), got.report.interrupted), (13, false));
    assert_eq!(got.report.content.unwrap().text(), "He said \"model\": \"x\"");

    let upstream = Exact::start(Canned::json(MESSAGES_REPLY)).await;
    let asked = call(Format::AnthropicMessages, MESSAGES_REQUEST.as_bytes());
    let got = answer(&anthropic(&upstream.base), &asked).await.unwrap();
    let heard = hear(Format::AnthropicMessages, &got.text());
    assert_eq!((heard.text.as_str(), heard.finish.as_deref(), heard.ends), ("é \"model\": \"x\"", Some("end_turn"), 1));
    assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (12, 6));
}

#[tokio::test]
async fn an_empty_answer_is_no_answer() {
    let nothing = Canned { pieces: vec![Bytes::new()], ..Canned::json("") };
    let upstream = Exact::start(nothing).await;
    let error = refused(&openai(&upstream.base), &call(Format::OpenAiChat, CHAT_REQUEST.as_bytes())).await;
    assert!(error.status() >= 500, "{error}");
}
