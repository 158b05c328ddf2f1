use llm_types::OperationKind;

use super::*;
use crate::task::{ReplyBody, TaskBody};

fn request(fields: &str) -> TaskRequest {
    TaskRequest {
        operation: OperationKind::Rerank,
        model: "m".into(),
        fields: serde_json::from_str(fields).unwrap(),
        files: Vec::new(),
    }
}

fn sent(codec: &Rerank, model: &str, fields: &str) -> String {
    let out = codec.encode(&request(fields), &mut EncodeContext::for_model(model)).unwrap();
    let TaskBody::Json(body) = out.body else { panic!("no JSON") };
    String::from_utf8(body.to_vec()).unwrap()
}

fn answered(codec: &Rerank, fields: &str, body: &str) -> String {
    let reply = ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() };
    let ctx = ReplyContext {
        fallback_id: "own".into(),
        count: Some(|_, text| text.split(' ').count() as u64),
        ..ReplyContext::default()
    };
    let ReplyBody::Json(body) = codec.decode(&request(fields), &reply, &ctx).unwrap().body else { panic!("no JSON") };
    String::from_utf8(body.to_vec()).unwrap()
}

const ASKED: &str = r#"{"query":"q","documents":["a",{"text":"b"}],"top_n":1,"return_documents":true}"#;

#[test]
fn every_house_is_asked_in_its_words() {
    let cases = [
        (&COHERE, r#"{"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":1,"return_documents":true}"#),
        (&VOYAGE, r#"{"model":"m","query":"q","documents":["a",{"text":"b"}],"top_k":1,"return_documents":true}"#),
        (
            &TEI,
            r#"{"raw_scores":false,"truncate":false,"truncation_direction":"Right","query":"q","texts":["a",{"text":"b"}],"top_n":1,"return_text":true}"#,
        ),
        (
            &NIM,
            r#"{"model":"m","query":{"text":"q"},"passages":[{"text":"a"},{"text":"b"}],"top_k":1,"return_documents":true}"#,
        ),
        (&DEEPINFRA, r#"{"queries":["q","q"],"documents":["a",{"text":"b"}],"top_n":1,"return_documents":true}"#),
        (
            &WATSONX,
            r#"{"model_id":"m","inputs":[{"text":"a"},{"text":"b"}],"query":"q","parameters":{"return_options":{"top_n":1,"inputs":true}}}"#,
        ),
        (
            &GOOGLE,
            r#"{"model":"m","query":"q","records":[{"id":"0","title":"a","content":"a"},{"id":"1","title":"b","content":"b"}],"topN":1,"ignoreRecordDetailsInResponse":false}"#,
        ),
    ];
    for (codec, expected) in cases {
        assert_eq!(sent(codec, "m", ASKED), expected, "{}", codec.format());
    }
    assert!(sent(&NIM, "nvidia/llama-3_2-x_y", ASKED).contains("nvidia/llama-3.2-x_y"));
}

#[test]
fn every_house_answers_in_ours() {
    let cases = [
        (
            &COHERE,
            r#"{"id":"i","results":[{"index":1,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":1}}}"#,
            r#"{"id":"i","results":[{"index":1,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":1}}}"#,
        ),
        (
            &INFINITY,
            r#"{"object":"rerank","results":[{"index":1,"relevance_score":0.5}],"usage":{"prompt_tokens":12,"total_tokens":12}}"#,
            r#"{"id":"own","results":[{"index":1,"relevance_score":0.5}],"meta":{"billed_units":{"total_tokens":12},"tokens":{"input_tokens":12,"output_tokens":0}}}"#,
        ),
        (
            &VOYAGE,
            r#"{"data":[{"index":1,"relevance_score":0.5,"document":"b"}],"usage":{"total_tokens":26}}"#,
            r#"{"id":"own","results":[{"index":1,"relevance_score":0.5,"document":{"text":"b"}}],"meta":{"billed_units":{"total_tokens":26},"tokens":{"input_tokens":26,"output_tokens":0}}}"#,
        ),
        (
            &TEI,
            r#"[{"index":1,"score":0.5,"text":"b"}]"#,
            r#"{"id":"own","results":[{"index":1,"relevance_score":0.5,"document":{"text":"b"}}],"meta":{"api_version":{"version":"1.0"},"billed_units":{"search_units":1},"tokens":{"input_tokens":4,"output_tokens":6}}}"#,
        ),
        (
            &NIM,
            r#"{"rankings":[{"index":1,"logit":3.5}],"usage":{"total_tokens":9}}"#,
            r#"{"id":"own","results":[{"index":1,"relevance_score":3.5,"document":{"text":"b"}}],"meta":{"billed_units":{"total_tokens":9}}}"#,
        ),
        (
            &DEEPINFRA,
            r#"{"scores":[0.1,0.9],"input_tokens":40}"#,
            r#"{"id":"own","results":[{"index":0,"relevance_score":0.1},{"index":1,"relevance_score":0.9}],"meta":{"billed_units":{"total_tokens":40},"tokens":{"input_tokens":40,"output_tokens":0}}}"#,
        ),
        (
            &WATSONX,
            r#"{"results":[{"index":1,"score":0.5,"input":{"text":"b"}}],"input_token_count":20}"#,
            r#"{"id":"own","results":[{"index":1,"relevance_score":0.5,"document":{"text":"b"}}],"meta":{"billed_units":{"total_tokens":20},"tokens":{"input_tokens":20,"output_tokens":0}}}"#,
        ),
    ];
    for (codec, reply, expected) in cases {
        assert_eq!(answered(codec, ASKED, reply), expected, "{}", codec.format());
    }
}

#[test]
fn a_reply_without_results_is_an_error() {
    let reply = ReplyView { status: 200, provider: "p", headers: &[], body: b"{\"ok\":true}" };
    assert!(VOYAGE.decode(&request(ASKED), &reply, &ReplyContext::default()).is_err());
    assert!(COHERE.encode(&request("{}"), &mut EncodeContext::for_model("m")).is_err());
}

#[test]
fn google_names_documents_by_their_place() {
    let body = r#"{"records":[{"id":"1","score":0.9,"title":"b","content":"b"},{"id":"0","score":0.1}]}"#;
    assert_eq!(
        answered(&GOOGLE, ASKED, body),
        r#"{"id":"own","results":[{"index":1,"relevance_score":0.9,"document":{"text":"b"}},{"index":0,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":2}}}"#
    );
}
