use bytes::Bytes;
use llm_types::OperationKind;

use super::*;
use crate::codec::{EncodeContext, ReplyContext};
use crate::task::{FilePart, FollowUrl, Next, ReplyBody, TaskBody, TaskCodec, TaskOut};

fn request(operation: OperationKind, fields: &str) -> TaskRequest {
    let file = FilePart {
        name: "file".into(),
        filename: Some("a.mp3".into()),
        content_type: Some("audio/mpeg".into()),
        data: Bytes::from_static(b"ID3"),
        more: None,
    };
    let fields: Json = serde_json::from_str(fields).unwrap();
    TaskRequest { operation, model: "m".into(), fields, files: vec![file] }
}

fn hear(fields: &str) -> TaskRequest {
    request(OperationKind::Transcribe, fields)
}

fn say(fields: &str) -> TaskRequest {
    request(OperationKind::Speech, fields)
}

fn sent(codec: &dyn TaskCodec, request: &TaskRequest) -> TaskOut {
    codec.encode(request, &mut EncodeContext::for_model("m")).unwrap()
}

fn body(out: &TaskOut) -> String {
    match &out.body {
        TaskBody::Json(body) | TaskBody::Raw { data: body, .. } => String::from_utf8(body.to_vec()).unwrap(),
        TaskBody::Form { fields, files } => {
            let fields = fields.iter().map(|(k, v)| format!("{k}={v}"));
            fields.chain(files.iter().map(|f| f.name.clone())).collect::<Vec<_>>().join("&")
        }
        TaskBody::None => String::new(),
    }
}

fn view(body: &str) -> ReplyView<'_> {
    ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() }
}

fn heard(codec: &dyn TaskCodec, reply: &str) -> (String, f64) {
    let answer = codec.decode(&hear("{}"), &view(reply), &ReplyContext::default()).unwrap();
    let ReplyBody::Json(body) = answer.body else { panic!("no JSON") };
    (String::from_utf8(body.to_vec()).unwrap(), answer.usage.unwrap_or_default().usage.seconds_in)
}

#[test]
fn deepgram_takes_bytes_and_tells_words() {
    let out = sent(&deepgram::Deepgram, &hear(r#"{"language":"de","keyterm":["a","b"],"smart_format":true}"#));
    let query: Vec<String> = out.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(query.join("&"), "model=m&language=de&keyterm=a&keyterm=b&smart_format=true");
    assert!(matches!(&out.body, TaskBody::Raw { content_type, .. } if content_type == "application/octet-stream"));
    let reply = r#"{"metadata":{"duration":3.5},"results":{"channels":[{"alternatives":[{"transcript":"hello world",
        "words":[{"word":"hello","start":0.1,"end":0.5},{"word":"world","start":0.6,"end":1.0}]}]}]}}"#;
    assert_eq!(
        heard(&deepgram::Deepgram, reply),
        (
            r#"{"text":"hello world","task":"transcribe","language":"en","duration":3.5,"words":[{"word":"hello","start":0.1,"end":0.5},{"word":"world","start":0.6,"end":1.0}]}"#.to_owned(),
            3.5
        )
    );
    let speakers = r#"{"results":{"channels":[{"alternatives":[{"transcript":"a b c","words":[
        {"word":"a","punctuated_word":"A,","speaker":0},{"word":"b","speaker":0},{"word":"c","speaker":1}]}]}]}}"#;
    assert!(heard(&deepgram::Deepgram, speakers).0.starts_with(r#"{"text":"Speaker 0: A, b\nSpeaker 1: c""#));
}

#[test]
fn elevenlabs_hears_and_speaks() {
    let codec = elevenlabs::ElevenLabs;
    assert_eq!(
        body(&sent(&codec, &hear(r#"{"language":"en","diarize":true}"#))),
        "model_id=m&diarize=true&language_code=en&file"
    );
    let reply = r#"{"language_code":"eng","text":"a b","words":[{"text":"a","start":0,"end":0.5,"type":"word"},{"text":" ","type":"spacing"}]}"#;
    assert_eq!(
        heard(&codec, reply).0,
        r#"{"text":"a b","task":"transcribe","language":"eng","words":[{"word":"a","start":0.0,"end":0.5}]}"#
    );
    let out = sent(&codec, &say(r#"{"input":"Hi","voice":"alloy","response_format":"mp3","speed":1.25,"seed":3}"#));
    assert_eq!(out.beside.as_deref(), Some("/21m00Tcm4TlvDq8ikWAM"));
    assert_eq!(out.query, [("output_format".to_owned(), "mp3_44100_128".to_owned())]);
    assert_eq!(body(&out), r#"{"text":"Hi","model_id":"m","voice_settings":{"speed":1.25},"seed":3}"#);
    assert_eq!(codec.usage_of_request(&say(r#"{"input":"Hi"}"#)).unwrap().usage.characters_in, 2);
}

#[test]
fn minimax_answers_in_digits() {
    let out = sent(&minimax::MiniMax, &say(r#"{"input":"Hello","voice":"alloy"}"#));
    assert_eq!(
        body(&out),
        r#"{"model":"m","text":"Hello","stream":false,"output_format":"hex","voice_setting":{"voice_id":"male-qn-qingse","speed":1.0,"vol":1.0,"pitch":0},"audio_setting":{"sample_rate":32000,"bitrate":128000,"format":"mp3","channel":1}}"#
    );
    let answer =
        |reply: &str| minimax::MiniMax.decode(&say(r#"{"input":"Hi"}"#), &view(reply), &ReplyContext::default());
    let sound = answer(r#"{"data":{"audio":"494433ff"},"base_resp":{"status_code":0}}"#).unwrap();
    assert!(matches!(sound.body, ReplyBody::Raw { data, .. } if data == b"ID3\xff"[..]));
    let refused = answer(r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#).unwrap_err();
    assert_eq!(refused.kind, llm_types::Kind::RateLimit);
    assert!(answer(r#"{"data":{"audio":"4"}}"#).is_err());
}

#[test]
fn azure_speaks_markup() {
    let codec = azure::AzureSpeech;
    let out = sent(&codec, &say(r#"{"input":"a < b","voice":"nova","speed":1.25,"response_format":"wav"}"#));
    assert_eq!(
        body(&out),
        "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xmlns:mstts='https://www.w3.org/2001/mstts' \
         xml:lang='en-US'><voice name='en-US-AmberNeural'><prosody rate='+25%'>a &lt; b</prosody></voice></speak>"
    );
    assert!(out.headers.contains(&("x-microsoft-outputformat".to_owned(), "riff-24khz-16bit-mono-pcm".to_owned())));
    assert_eq!(body(&sent(&codec, &say(r#"{"input":"<speak/>"}"#))), "<speak/>");
    assert_eq!(body(&sent(&codec, &hear(r#"{"language":"de"}"#))), r#"definition={"locales":["de-DE"]}&audio"#);
    let reply = r#"{"durationMilliseconds":2000,"combinedPhrases":[{"text":"a b"}],"phrases":[{"offsetMilliseconds":0,"durationMilliseconds":500,"text":"a b","locale":"de-DE","words":[{"text":"a","offsetMilliseconds":0,"durationMilliseconds":250}]}]}"#;
    assert_eq!(
        heard(&codec, reply),
        (
            r#"{"text":"a b","task":"transcribe","language":"de-DE","duration":2.0,"words":[{"word":"a","start":0.0,"end":0.25}],"segments":[{"id":0,"start":0.0,"end":0.5,"text":"a b"}]}"#.to_owned(),
            2.0
        )
    );
}

#[test]
fn mistral_answers_in_base64() {
    let out = sent(&mistral::MistralSpeech, &say(r#"{"input":"Hi","voice":"v","response_format":"wav"}"#));
    assert_eq!(body(&out), r#"{"model":"m","input":"Hi","response_format":"wav","voice_id":"v"}"#);
    let answer = mistral::MistralSpeech.decode(
        &say(r#"{"input":"Hi"}"#),
        &view(r#"{"audio_data":"SUQz"}"#),
        &ReplyContext::default(),
    );
    assert!(
        matches!(answer.unwrap().body, ReplyBody::Raw { data, content_type } if data == b"ID3"[..] && content_type == "audio/mpeg")
    );
}

/// The steps of a job: method and URL of each request that follows a reply.
fn steps(codec: &dyn TaskCodec, request: &TaskRequest, replies: &[&str]) -> Vec<String> {
    let line = |method: &str, url: &FollowUrl| match url {
        FollowUrl::Absolute(url) | FollowUrl::Beside(url) => format!("{method} {url}"),
        other => format!("{method} {other:?}"),
    };
    let mut out = Vec::new();
    for (step, reply) in replies.iter().enumerate() {
        out.push(match codec.next(request, step as u32, &view(reply)) {
            Ok(Next::Done) => "done".to_owned(),
            Ok(Next::Send { request, .. }) => line(request.method, &request.url),
            Ok(Next::Last { request }) => format!("last {}", line(request.method, &request.url)),
            Err(e) => format!("error {}", e.message),
        });
    }
    out
}

#[test]
fn jobs_are_ordered_polled_and_cleared_away() {
    assert_eq!(
        steps(
            &soniox::Soniox,
            &hear("{}"),
            &[
                r#"{"id":"f"}"#,
                r#"{"id":"t","status":"queued"}"#,
                r#"{"id":"t","status":"completed"}"#,
                r#"{"id":"t","text":"a","tokens":[]}"#
            ]
        ),
        [
            "POST /../transcriptions",
            "GET /../transcriptions/t",
            "GET /../transcriptions/t/transcript",
            "last DELETE /../transcriptions/t"
        ]
    );
    assert_eq!(
        steps(
            &assemblyai::AssemblyAi,
            &hear("{}"),
            &[r#"{"upload_url":"u"}"#, r#"{"id":"t","status":"processing"}"#, r#"{"status":"completed"}"#]
        ),
        ["POST /../transcript", "GET /../transcript/t", "done"]
    );
    assert_eq!(
        steps(
            &runway::RunwaySpeech,
            &say(r#"{"input":"a"}"#),
            &[
                r#"{"id":"t"}"#,
                r#"{"id":"t","status":"RUNNING"}"#,
                r#"{"status":"SUCCEEDED","output":["https://h/a"]}"#,
                "ID3"
            ]
        ),
        ["GET /../tasks/t", "GET /../tasks/t", "GET https://h/a", "done"]
    );
    let failed = steps(&runway::RunwaySpeech, &say("{}"), &[r#"{"status":"FAILED","failure":"no voice"}"#]);
    assert!(failed[0].starts_with("error") && failed[0].ends_with("no voice"), "{failed:?}");
}

#[test]
fn transcripts_of_jobs_are_told_as_ours() {
    let reply = r#"{"id":"t","text":"Hello you","tokens":[{"text":"Hel","start_ms":100,"end_ms":200,"language":"en"},{"text":"lo","start_ms":200,"end_ms":400},{"text":" you","start_ms":500,"end_ms":900}]}"#;
    assert_eq!(
        heard(&soniox::Soniox, reply),
        (
            r#"{"text":"Hello you","task":"transcribe","language":"en","words":[{"word":"Hello","start":0.1,"end":0.4},{"word":"you","start":0.5,"end":0.9}]}"#.to_owned(),
            0.9
        )
    );
    let reply = r#"{"status":"completed","text":"a","audio_duration":2,"language_code":"en_us","words":[{"text":"a","start":100,"end":300}]}"#;
    assert_eq!(
        heard(&assemblyai::AssemblyAi, reply),
        (
            r#"{"text":"a","task":"transcribe","language":"en_us","duration":2.0,"words":[{"word":"a","start":0.1,"end":0.3}]}"#.to_owned(),
            2.0
        )
    );
}
