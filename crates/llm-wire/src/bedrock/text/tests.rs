use bytes::BytesMut;
use llm_types::generate::GenerateRequest;

use super::Text;
use crate::codec::{EncodeContext, Generate, RequestView, UpstreamCodec};
use crate::openai::chat::Chat;
use crate::{ClientCodec, ReplyContext, ReplyView};

const CODEC: Text = Text { streams: true };

fn request(more: &str) -> GenerateRequest {
    let body = format!(
        r#"{{"messages":[{{"role":"system","content":"Be kind."}},{{"role":"user","content":"Hi"}},
            {{"role":"assistant","content":"Hello!"}},{{"role":"user","content":"Joke"}}]{more}}}"#
    );
    <Chat as ClientCodec<Generate>>::decode_request(&Chat, &RequestView { path: "", query: "", body: body.as_bytes() })
        .unwrap()
}

fn written(model: &str, more: &str) -> (String, Vec<String>) {
    let mut ctx = EncodeContext::for_model(model);
    let mut out = BytesMut::new();
    CODEC.encode_request(&request(more), &mut ctx, &mut out).unwrap();
    (String::from_utf8(out.to_vec()).unwrap(), ctx.lost)
}

#[test]
fn every_family_has_its_own_body() {
    let more = r#","max_tokens":9,"temperature":0.5,"top_p":0.9,"stop":["END"],"own":1"#;
    for (model, body) in [
        (
            "amazon.titan-text-express-v1",
            r#"{"inputText":"\n\nUser: <admin>Be kind.</admin>\n\nUser: Hi\n\nBot: Hello!\n\nUser: Joke\n\nBot: ","textGenerationConfig":{"temperature":0.5,"topP":0.9,"stopSequences":["END"],"maxTokenCount":9,"own":1}}"#,
        ),
        (
            "anthropic.claude-v2:1",
            r#"{"prompt":"\n\nHuman: <admin>Be kind.</admin>\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: Joke\n\nAssistant: ","temperature":0.5,"top_p":0.9,"stop_sequences":["END"],"max_tokens_to_sample":9,"own":1,"anthropic_version":"bedrock-2023-05-31"}"#,
        ),
        (
            "mistral.mistral-7b-instruct-v0:2",
            r#"{"prompt":"<s>[INST] \nBe kind. [/INST]\n[INST] Hi [/INST]\n Hello!</s> [INST] Joke [/INST]\n","temperature":0.5,"top_p":0.9,"stop":["END"],"max_tokens":9,"own":1}"#,
        ),
        (
            "cohere.command-text-v14",
            r#"{"prompt":"Be kind.HiHello!Joke","temperature":0.5,"p":0.9,"stop_sequences":["END"],"max_tokens":9,"own":1}"#,
        ),
        (
            "cohere.command-r-v1:0",
            r#"{"message":"Joke","chat_history":[{"role":"SYSTEM","message":"Be kind."},{"role":"USER","message":"Hi"},{"role":"CHATBOT","message":"Hello!"}],"temperature":0.5,"p":0.9,"stop_sequences":["END"],"max_tokens":9,"own":1}"#,
        ),
        (
            "ai21.j2-ultra-v1",
            r#"{"prompt":"Be kind. Hi Hello! Joke","temperature":0.5,"topP":0.9,"maxTokens":9,"own":1}"#,
        ),
        (
            "deepseek_r1/arn:x",
            r#"{"prompt":"<｜begin▁of▁sentence｜>Be kind.<｜User｜>Hi<｜Assistant｜>Hello!<｜end▁of▁sentence｜><｜User｜>Joke<｜Assistant｜><think>\n","temperature":0.5,"top_p":0.9,"max_gen_len":9,"own":1}"#,
        ),
        (
            "qwen3/arn:x",
            r#"{"prompt":"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nJoke<|im_end|>\n<|im_start|>assistant\n","temperature":0.5,"top_p":0.9,"stop":["END"],"max_gen_len":9,"own":1}"#,
        ),
    ] {
        assert_eq!(written(model, more).0, body, "{model}");
    }
    let (llama, lost) = written("meta.llama3-8b-instruct-v1:0", r#","stop":"END","tools":[]"#);
    assert!(llama.starts_with(
        r#"{"prompt":"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"#
    ));
    assert_eq!(lost, ["stop"]);
    let (two, _) = written("meta.llama2-13b-chat-v1", "");
    assert!(two.starts_with(r#"{"prompt":"<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>"#), "{two}");
    let (own, _) = written("amazon.titan-text-lite-v1", r#","roles":{"user":{"pre_message":"U:","post_message":"|"}}"#);
    assert!(own.starts_with(r#"{"inputText":"Be kind.U:Hi|Hello!U:Joke|","#), "{own}");
    assert!(written("anthropic.claude-instant-v1", "").0.contains(r#""max_tokens_to_sample":256"#));
}

fn read(body: &str, begun: bool) -> llm_types::generate::GenerateResponse {
    let mut ctx = ReplyContext::default();
    ctx.hints.prefix = begun.then(|| super::THOUGHTS.to_owned());
    let headers = [("x-amzn-bedrock-input-token-count", "4"), ("x-amzn-bedrock-output-token-count", "2")];
    CODEC
        .decode_response(&ReplyView { status: 200, provider: "acme", headers: &headers, body: body.as_bytes() }, &ctx)
        .unwrap()
}

#[test]
fn answers_are_known_by_their_fields() {
    for (body, counts) in [
        (r#"{"generation":"yes","prompt_token_count":5,"generation_token_count":3,"stop_reason":"length"}"#, (5, 3)),
        (r#"{"outputs":[{"text":"yes","stop_reason":"length"}]}"#, (4, 2)),
        (r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"length"}]}"#, (4, 2)),
        (
            r#"{"inputTextTokenCount":5,"results":[{"tokenCount":3,"outputText":"yes","completionReason":"LENGTH"}]}"#,
            (5, 3),
        ),
        (r#"{"completions":[{"data":{"text":"yes"},"finishReason":{"reason":"length"}}]}"#, (4, 2)),
        (r#"{"completion":"yes","stop_reason":"max_tokens"}"#, (4, 2)),
        (r#"{"generations":[{"text":"yes","finish_reason":"MAX_TOKENS"}]}"#, (4, 2)),
        (r#"{"response_id":"r","text":"yes","finish_reason":"MAX_TOKENS"}"#, (4, 2)),
    ] {
        let answer = read(body, false);
        let usage = answer.usage.as_ref().unwrap().usage;
        assert_eq!(answer.text(), "yes", "{body}");
        let reason = answer.choices[0].finish.as_ref().unwrap().reason;
        assert_eq!(reason, llm_types::generate::FinishReason::Length, "{body}");
        assert_eq!((usage.total_input(), usage.total_output()), counts, "{body}");
    }
    assert_eq!(read(r#"{"generation":"hm\n</think>\n\nyes"}"#, true).text(), "\n\nyes");
    assert_eq!(read(r#"{"generation":"hm</think>yes"}"#, false).text(), "hm</think>yes");
    assert_eq!(read(r#"{"generation":"yes<|im_end|>"}"#, false).text(), "yes");
}
