use bytes::BytesMut;
use llm_types::embed::{EmbedInput, EmbedRequest};
use llm_types::generate::FinishReason;

use super::Generation;
use super::embeddings::Embeddings;
use crate::codec::{EncodeContext, Generate, RequestView, UpstreamCodec};
use crate::openai::chat::Chat;
use crate::{ClientCodec, ReplyContext, ReplyView};

fn written(more: &str) -> (String, EncodeContext<'static>) {
    let body =
        format!(r#"{{"messages":[{{"role":"system","content":"Be kind."}},{{"role":"user","content":"Hi"}}]{more}}}"#);
    let view = RequestView { path: "", query: "", body: body.as_bytes() };
    let req = <Chat as ClientCodec<Generate>>::decode_request(&Chat, &view).unwrap();
    let mut ctx = EncodeContext::for_model("my-endpoint");
    let mut out = BytesMut::new();
    Generation.encode_request(&req, &mut ctx, &mut out).unwrap();
    (String::from_utf8(out.to_vec()).unwrap(), ctx)
}

#[test]
fn parameters_stand_beside_the_prompt() {
    let (body, ctx) = written(
        r#","temperature":0,"top_p":0.9,"n":2,"stop":["END"],"max_tokens":0,"stream":true,"own":1,"sagemaker_base_url":"http://x","seed":7"#,
    );
    assert_eq!(
        body,
        r#"{"parameters":{"temperature":0.01,"top_p":0.9,"best_of":2,"do_sample":true,"stop":["END"],"max_new_tokens":1,"own":1},"inputs":"Be kind. Hi","stream":true}"#
    );
    assert_eq!(ctx.lost, ["seed"]);
    let (body, ctx) = written(r#","hf_model_name":"meta-llama/Llama-2-7b-chat-hf""#);
    assert!(body.starts_with(r#"{"parameters":{},"inputs":"<s>[INST] <<SYS>>"#), "{body}");
    assert!(ctx.hints.prefix.is_some());
}

#[test]
fn answers_are_lists_or_not_and_may_repeat_the_prompt() {
    let read = |body: &str, prefix: Option<&str>| {
        let mut ctx = ReplyContext::default();
        ctx.hints.prefix = prefix.map(str::to_owned);
        let view = ReplyView { status: 200, provider: "acme", headers: &[], body: body.as_bytes() };
        Generation.decode_response(&view, &ctx)
    };
    assert_eq!(read(r#"[{"generated_text":"<s>Hi yes"}]"#, Some("<s>Hi ")).unwrap().text(), "yes");
    assert_eq!(read(r#"{"generation":"yes"}"#, None).unwrap().text(), "yes");
    let cut = read(r#"{"generated_text":"yes","details":{"finish_reason":"length"}}"#, None).unwrap();
    assert_eq!(cut.choices[0].finish.as_ref().unwrap().reason, FinishReason::Length);
    assert!(read("[]", None).is_err() && read("{}", None).is_err());
}

#[test]
fn vectors_of_every_house() {
    let req = EmbedRequest {
        input: vec![EmbedInput::Text("a".into()), EmbedInput::Text("b".into())],
        dimensions: Some(8),
        ..EmbedRequest::default()
    };
    for (model, body) in [
        ("my-endpoint", r#"{"inputs":["a","b"],"output_dimension":8}"#),
        ("voyage-3", r#"{"input":["a","b"],"output_dimension":8}"#),
        ("cohere-embed", r#"{"texts":["a","b"],"input_type":"search_document","output_dimension":8}"#),
    ] {
        let mut out = BytesMut::new();
        Embeddings.encode_request(&req, &mut EncodeContext::for_model(model), &mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out).unwrap(), body);
    }
    for body in [
        "[[1],[2]]",
        r#"{"embedding":[[1],[2]]}"#,
        r#"{"embeddings":{"float":[[1],[2]]}}"#,
        r#"{"data":[{"embedding":[1],"index":0},{"embedding":[2],"index":1}]}"#,
    ] {
        let view = ReplyView { status: 200, provider: "acme", headers: &[], body: body.as_bytes() };
        let answer = Embeddings.decode_response(&view, &ReplyContext::default()).unwrap();
        let told: Vec<&str> = answer.data.iter().map(|d| d.vector.get()).collect();
        assert_eq!(told, ["[1]", "[2]"], "{body}");
    }
}
