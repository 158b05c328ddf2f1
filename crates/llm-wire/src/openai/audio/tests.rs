use bytes::Bytes;
use llm_types::Json;

use super::*;
use crate::task::{FilePart, ReplyBody, TaskBody};

fn request(operation: OperationKind, fields: &str) -> TaskRequest {
    let file = FilePart {
        name: "file".into(),
        filename: Some("a.wav".into()),
        content_type: Some("audio/wav".into()),
        data: Bytes::from_static(b"RIFF"),
        more: None,
    };
    let fields: Json = serde_json::from_str(fields).unwrap();
    TaskRequest { operation, model: "m".into(), fields, files: vec![file] }
}

fn form(codec: &Audio, model: &str, fields: &str) -> String {
    let request = request(OperationKind::Transcribe, fields);
    let out = codec.encode(&request, &mut EncodeContext::for_model(model)).unwrap();
    let TaskBody::Form { fields, files } = out.body else { panic!("no form") };
    let mut text: Vec<String> = fields.into_iter().map(|(k, v)| format!("{k}={v}")).collect();
    text.extend(files.into_iter().map(|f| format!("{}:{}", f.name, f.content_type.unwrap())));
    text.join("&")
}

#[test]
fn forms_differ_by_dialect() {
    let fields = r#"{"language":"en","timestamp_granularities":["word","segment"]}"#;
    assert_eq!(
        form(&OPENAI, "m", fields),
        "model=m&language=en&timestamp_granularities[]=word&timestamp_granularities[]=segment&file:audio/x-wav"
    );
    assert_eq!(
        form(&PLAIN, "m", fields),
        "model=m&language=en&timestamp_granularities=word&timestamp_granularities=segment&file:audio/wav"
    );
    let asked = |model, fields| form(&WHISPER, model, fields).contains("response_format=verbose_json");
    assert!(asked("whisper-1", "{}") && !asked("gpt-4o-transcribe", "{}"));
    for fields in [r#"{"response_format":"json"}"#, r#"{"response_format":"text"}"#, r#"{"response_format":"srt"}"#] {
        assert!(!asked("whisper-1", fields), "{fields}");
    }
}

fn answered(codec: &Audio, body: &str) -> (String, UsageReport) {
    let reply = ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() };
    let request = request(OperationKind::Transcribe, "{}");
    let reply = codec.decode(&request, &reply, &ReplyContext::default()).unwrap();
    let ReplyBody::Json(body) = reply.body else { panic!("no JSON") };
    (String::from_utf8(body.to_vec()).unwrap(), reply.usage.unwrap_or_default())
}

#[test]
fn every_response_format_becomes_json() {
    assert_eq!(answered(&OPENAI, "1\n00:00 hi\n").0, r#"{"text":"1\n00:00 hi\n"}"#);
    let (body, used) = answered(&OPENAI, r#"{"text":"hi","duration":3.5,"segments":[]}"#);
    assert_eq!((body.as_str(), used.usage.seconds_in), (r#"{"text":"hi","duration":3.5,"segments":[]}"#, 3.5));
    let (body, used) = answered(
        &MISTRAL,
        r#"{"text":"hi","task":"t","language":"en","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":10,"audio_tokens":4},"output_tokens":7}}"#,
    );
    assert_eq!(body, r#"{"text":"hi","language":"en"}"#);
    assert_eq!((used.usage.input_text, used.usage.input_audio, used.usage.output_text), (10, 4, 7));
}

#[test]
fn streams_tell_their_usage_at_the_end() {
    let event = br#"{"type":"transcript.text.done","text":"hi","usage":{"type":"duration","seconds":4}}"#;
    assert_eq!(OPENAI.usage_in_event(event).unwrap().usage.seconds_in, 4.0);
    assert!(OPENAI.usage_in_event(br#"{"type":"transcript.text.delta","delta":"h"}"#).is_none());
    assert!(OPENAI.is_last_event(event) && OPENAI.is_last_event(br#"{"type":"transcription.done"}"#));
    assert!(!OPENAI.is_last_event(br#"{"type":"transcript.text.delta","delta":"h"}"#));
    assert!(OPENAI.streams(&request(OperationKind::Transcribe, r#"{"stream":true}"#)));
}

#[test]
fn pages_and_errors_are_no_answers() {
    let told = |operation, kind, body: &str| {
        let headers = [("content-type", kind)];
        let reply = ReplyView { status: 200, provider: "p", headers: &headers, body: body.as_bytes() };
        OPENAI.decode(&request(operation, "{}"), &reply, &ReplyContext::default()).unwrap_err()
    };
    let page = told(OperationKind::Transcribe, "text/html", "<html>");
    assert_eq!(page.kind, llm_types::Kind::InvalidReply);
    let half = told(OperationKind::Transcribe, "application/json", r#"{"text":"hi"#);
    assert_eq!(half.kind, llm_types::Kind::InvalidReply);
    let page = told(OperationKind::Speech, "text/html", "<html>");
    assert_eq!(page.kind, llm_types::Kind::InvalidReply);
    let error = told(OperationKind::Speech, "application/json", r#"{"error":{"message":"no voice"}}"#);
    assert!(error.message.contains("no voice"), "{}", error.message);
}

#[test]
fn speech_is_billed_by_the_characters_of_its_text() {
    let request = request(OperationKind::Speech, r#"{"input":"Grüß","voice":"alloy"}"#);
    assert_eq!(OPENAI.usage_of_request(&request).unwrap().usage.characters_in, 4);
    let out = OPENAI.encode(&request, &mut EncodeContext::for_model("tts-1")).unwrap();
    let TaskBody::Json(body) = out.body else { panic!("no JSON") };
    assert_eq!(body, r#"{"model":"tts-1","input":"Grüß","voice":"alloy"}"#);
}
