use llm_types::{Json, OperationKind};

use super::chat::ChatOcr;
use super::document_intelligence::DocumentIntelligence;
use super::mistral::{INLINE, MISTRAL};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::{FollowUrl, Next, ReplyBody, TaskBody, TaskCodec, TaskReply, TaskRequest};

fn ask(model: &str, fields: &str) -> TaskRequest {
    let fields = serde_json::from_str(fields).unwrap();
    TaskRequest { operation: OperationKind::Ocr, model: model.into(), fields, files: Vec::new() }
}

fn sent(codec: &dyn TaskCodec, request: &TaskRequest) -> String {
    let out = codec.encode(request, &mut EncodeContext::for_model("m")).unwrap();
    let TaskBody::Json(json) = out.body else { panic!("no JSON") };
    let query: String = out.query.iter().map(|(k, v)| format!(" {k}={v}")).collect();
    String::from_utf8(json.to_vec()).unwrap() + &query
}

fn read(codec: &dyn TaskCodec, request: &TaskRequest, body: &str) -> (String, TaskReply) {
    let view = ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() };
    let reply = codec.decode(request, &view, &ReplyContext::default()).unwrap();
    let ReplyBody::Json(json) = &reply.body else { panic!("no JSON") };
    (String::from_utf8(json.to_vec()).unwrap(), reply)
}

const URL: &str = r#"{"document":{"type":"document_url","document_url":"https://h/a.pdf"},"pages":[0,2]}"#;

#[test]
fn mistral_goes_through() {
    let ask = ask("mistral-ocr-latest", URL);
    assert_eq!(sent(&MISTRAL, &ask), format!(r#"{{"model":"mistral-ocr-latest",{}"#, &URL[1..]));
    let body = r#"{"pages":[{"index":0,"markdown":"x"}],"model":"mistral-ocr-2512","usage_info":{"pages_processed":3,"pages_processed_annotation":2}}"#;
    let (json, reply) = read(&MISTRAL, &ask, body);
    assert!(json.ends_with(r#""pages_processed_annotation":2},"object":"ocr"}"#), "{json}");
    let usage = reply.usage.unwrap().usage;
    assert_eq!((usage.pages, usage.annotation_pages), (3, 2));
    let view = ReplyView { status: 200, provider: "p", headers: &[], body: b"{}" };
    assert!(MISTRAL.decode(&ask, &view, &ReplyContext::default()).is_err());
}

#[test]
fn hosts_that_fetch_nothing_get_bytes() {
    let mut ask = ask("m", URL);
    assert_eq!(MISTRAL.fetches(&ask), None);
    assert_eq!(INLINE.fetches(&ask), Some("https://h/a.pdf"));
    INLINE.put_fetched(&mut ask, "data:application/pdf;base64,QQ==".into());
    assert_eq!(INLINE.fetches(&ask), None);
    assert!(sent(&INLINE, &ask).contains(r#""document_url":"data:application/pdf;base64,QQ==""#));
}

#[test]
fn azure_analyses_in_a_job() {
    let request = ask("prebuilt-layout", URL);
    assert_eq!(sent(&DocumentIntelligence, &request), r#"{"urlSource":"https://h/a.pdf"} pages=1,3"#);
    let data = ask("m", r#"{"document":{"type":"image_url","image_url":"data:image/png;base64,QQ=="}}"#);
    assert_eq!(sent(&DocumentIntelligence, &data), r#"{"base64Source":"QQ=="}"#);
    let wrong = ask("m", r#"{"document":{"document_url":"https://h"},"pages":[-1]}"#);
    assert!(DocumentIntelligence.encode(&wrong, &mut EncodeContext::for_model("m")).is_err());

    let headers = [("operation-location", "https://h/results/1"), ("retry-after", "1")];
    let next = |body: &str| {
        let view = ReplyView { status: 200, provider: "p", headers: &headers, body: body.as_bytes() };
        DocumentIntelligence.next(&request, 1, &view)
    };
    for body in ["", r#"{"status":"running"}"#] {
        let Next::Send { request, .. } = next(body).unwrap() else { panic!("not done") };
        assert_eq!(request.url, FollowUrl::Absolute("https://h/results/1".into()));
    }
    assert!(next(r#"{"status":"failed","error":{"message":"no"}}"#).unwrap_err().message.contains("no"));
    let done = r#"{"status":"succeeded","analyzeResult":{"pages":[{"pageNumber":1,"width":8.5,"height":11,"unit":"inch","lines":[{"content":"a"},{"content":"b"}]}]}}"#;
    assert!(matches!(next(done).unwrap(), Next::Done));
    let (json, reply) = read(&DocumentIntelligence, &request, done);
    let json: Json = serde_json::from_str(&json).unwrap();
    let page = &json.get("pages").unwrap().as_array().unwrap()[0];
    assert_eq!(page.to_string(), r#"{"index":0,"markdown":"a\nb","dimensions":{"width":816,"height":1056,"dpi":96}}"#);
    assert_eq!(reply.usage.unwrap().usage.pages, 1);
}

#[test]
fn chat_models_read_too() {
    let request = ask("deepseek-ai/deepseek-ocr-maas", URL);
    assert_eq!(
        sent(&ChatOcr, &request),
        r#"{"model":"deepseek-ai/deepseek-ocr-maas","messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://h/a.pdf"}]}],"temperature":0.0,"repetition_penalty":1.05}"#
    );
    let (json, _) = read(&ChatOcr, &request, r#"{"choices":[{"message":{"content":"text"}}]}"#);
    assert!(json.starts_with(r#"{"pages":[{"index":0,"markdown":"text"}]"#), "{json}");
    let pages = r#"{"choices":[{"message":{"content":"{\"pages\":[{\"markdown\":\"a\"},{\"markdown\":\"b\"}]}"}}]}"#;
    assert_eq!(read(&ChatOcr, &request, pages).1.usage.unwrap().usage.pages, 2);
}
