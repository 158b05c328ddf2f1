use bytes::Bytes;
use llm_types::{Json, OperationKind};

use super::fal::FalVideos;
use super::openai::{FORM, JSON};
use super::runway::RunwayVideos;
use super::veo::{STUDIO, VERTEX};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::ids::{Made, decode_made};
use crate::task::{FilePart, FollowUrl, Next, ReplyBody, TaskBody, TaskCodec, TaskReply, TaskRequest};

fn ask(operation: OperationKind, model: &str, fields: &str) -> TaskRequest {
    let fields = serde_json::from_str(fields).unwrap();
    TaskRequest { operation, model: model.into(), fields, files: Vec::new() }
}

/// Method, path and body.
fn sent(codec: &dyn TaskCodec, request: &TaskRequest) -> String {
    let out = codec.encode(request, &mut EncodeContext::for_model(&request.model)).unwrap();
    let query: Vec<String> = out.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let body = match out.body {
        TaskBody::Json(json) => String::from_utf8(json.to_vec()).unwrap(),
        TaskBody::Form { fields, files } => {
            let fields: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let files = files.iter().filter_map(|f| f.filename.clone());
            fields.into_iter().chain(files).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    let path = out.path.or(out.beside).unwrap_or_default();
    format!("{} {path}?{} {body}", out.method.unwrap_or("POST"), query.join("&"))
}

fn view(body: &str) -> ReplyView<'_> {
    ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() }
}

fn read(codec: &dyn TaskCodec, request: &TaskRequest, body: &str) -> (Json, TaskReply) {
    let ctx = ReplyContext { provider: "p".into(), deployment: "d".into(), ..ReplyContext::default() };
    let reply = codec.decode(request, &view(body), &ctx).unwrap();
    let ReplyBody::Json(json) = &reply.body else { panic!("no JSON") };
    (serde_json::from_slice(json).unwrap(), reply)
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json.text(key).unwrap_or_default()
}

const MAKE: &str = r#"{"prompt":"p","seconds":"8","size":"1280x720"}"#;

#[test]
fn openai_is_asked_in_its_own_words() {
    let about = |kind, fields| sent(&FORM, &ask(kind, "sora-2", fields));
    assert_eq!(about(OperationKind::Video, MAKE), "POST ? model=sora-2 prompt=p seconds=8 size=1280x720");
    let seconds = r#"{"prompt":"p","seconds":8}"#;
    assert_eq!(
        sent(&JSON, &ask(OperationKind::Video, "m", seconds)),
        r#"POST ? {"model":"m","prompt":"p","seconds":8}"#
    );
    let id = r#"{"video_id":"video_1","prompt":"q"}"#;
    assert_eq!(about(OperationKind::VideoStatus, id), "GET /video_1? ");
    assert_eq!(about(OperationKind::VideoContent, id), "GET /video_1/content? ");
    assert_eq!(about(OperationKind::VideoDelete, id), "DELETE /video_1? ");
    assert_eq!(about(OperationKind::VideoRemix, id), r#"POST /video_1/remix? {"prompt":"q"}"#);
    assert_eq!(about(OperationKind::VideoList, r#"{"limit":"2","own":1}"#), "GET ?limit=2 ");
    for odd in ["a?b", "a/../b", ""] {
        let request = ask(OperationKind::VideoStatus, "m", &format!(r#"{{"video_id":"{odd}"}}"#));
        assert!(FORM.encode(&request, &mut EncodeContext::for_model("m")).is_err(), "{odd:?}");
    }
    let mut with_picture = ask(OperationKind::Video, "sora-2", MAKE);
    with_picture.files = vec![FilePart {
        name: "input_reference".into(),
        filename: Some("x".into()),
        content_type: None,
        data: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
        more: None,
    }];
    assert!(sent(&FORM, &with_picture).ends_with("input_reference.png"));
}

#[test]
fn ids_of_answers_name_their_deployment() {
    let made = ask(OperationKind::Video, "sora-2", MAKE);
    let (json, reply) =
        read(&FORM, &made, r#"{"id":"video_1","object":"video","status":"queued","seconds":"8","size":"1280x720"}"#);
    let said = decode_made(Made::Video, text(&json, "id")).unwrap();
    assert_eq!((said.deployment.as_str(), said.id.as_str()), ("d", "video_1"));
    assert_eq!(reply.usage.unwrap().usage.video_seconds_out, 8.0);
    assert_eq!(reply.sizing.video_resolution.as_deref(), Some("720p"));
    let seen = ask(OperationKind::VideoStatus, "sora-2", r#"{"video_id":"video_1"}"#);
    let (_, reply) = read(&FORM, &seen, r#"{"id":"video_1","status":"completed","seconds":"8"}"#);
    assert!(reply.usage.is_none(), "looking costs nothing");
    let list = ask(OperationKind::VideoList, "sora-2", "{}");
    let (json, _) = read(&FORM, &list, r#"{"data":[{"id":"video_1"}],"first_id":"video_1"}"#);
    assert!(decode_made(Made::Video, text(&json, "first_id")).is_some());
    assert!(FORM.decode(&seen, &view(r#"{"error":{"message":"no"}}"#), &ReplyContext::default()).is_err());
}

#[test]
fn veo_is_an_operation() {
    let made = ask(OperationKind::Video, "veo-3", MAKE);
    let body = r#"{"instances":[{"prompt":"p"}],"parameters":{"aspectRatio":"16:9","durationSeconds":8}}"#;
    assert_eq!(sent(&STUDIO, &made), format!("POST ? {body}"));
    let name = r#"{"video_id":"models/veo-3/operations/1"}"#;
    let seen = ask(OperationKind::VideoStatus, "veo-3", name);
    assert_eq!(sent(&STUDIO, &seen), "GET /v1beta/models/veo-3/operations/1? ");
    assert_eq!(sent(&VERTEX, &seen), r#"POST ? {"operationName":"models/veo-3/operations/1"}"#);
    let (json, reply) = read(&STUDIO, &made, r#"{"name":"models/veo-3/operations/1"}"#);
    assert_eq!(text(&json, "status"), "processing");
    assert_eq!(reply.usage.unwrap().usage.video_seconds_out, 8.0);

    let content = ask(OperationKind::VideoContent, "veo-3", name);
    let done = r#"{"name":"n","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://h/f"}}]}}}"#;
    let Next::Send { request, .. } = STUDIO.next(&content, 0, &view(done)).unwrap() else { panic!("done") };
    assert_eq!(request.url, FollowUrl::Absolute("https://h/f".into()));
    assert!(STUDIO.next(&content, 0, &view(r#"{"name":"n"}"#)).is_err());
    let vertex = r#"{"name":"n","done":true,"response":{"videos":[{"bytesBase64Encoded":"QQ=="}]}}"#;
    let reply = VERTEX.decode(&content, &view(vertex), &ReplyContext::default()).unwrap();
    assert!(matches!(reply.body, ReplyBody::Raw { data, .. } if data == "A"));
    assert!(STUDIO.encode(&ask(OperationKind::VideoRemix, "m", name), &mut EncodeContext::for_model("m")).is_err());
}

#[test]
fn runway_has_tasks() {
    let made = ask(OperationKind::Video, "gen4_turbo", MAKE);
    assert_eq!(
        sent(&RunwayVideos, &made),
        r#"POST /text_to_video? {"model":"gen4_turbo","promptText":"p","ratio":"1280:720","duration":8}"#
    );
    let pictured = ask(OperationKind::Video, "m", r#"{"prompt":"p","input_reference":"https://h/i.png"}"#);
    assert!(sent(&RunwayVideos, &pictured).starts_with("POST /image_to_video? "));
    let seen = ask(OperationKind::VideoStatus, "m", r#"{"video_id":"t1"}"#);
    assert_eq!(sent(&RunwayVideos, &seen), "GET /tasks/t1? ");
    let (json, _) = read(&RunwayVideos, &seen, r#"{"id":"t1","status":"RUNNING","progress":0.5}"#);
    assert_eq!((text(&json, "status"), json.get("progress").unwrap().as_i64()), ("in_progress", Some(50)));
    let content = ask(OperationKind::VideoContent, "m", r#"{"video_id":"t1"}"#);
    let done = r#"{"id":"t1","status":"SUCCEEDED","output":["https://cdn/v.mp4"]}"#;
    assert!(matches!(RunwayVideos.next(&content, 0, &view(done)).unwrap(), Next::Send { .. }));
    assert!(matches!(RunwayVideos.next(&content, 1, &view("bytes")).unwrap(), Next::Done));
}

#[test]
fn fal_has_a_queue() {
    let model = "bytedance/seedance-2.0/text-to-video";
    let made = ask(OperationKind::Video, model, MAKE);
    assert_eq!(
        sent(&FalVideos, &made),
        format!(r#"POST /{model}? {{"prompt":"p","duration":"8","resolution":"720p","aspect_ratio":"16:9"}}"#)
    );
    let seen = ask(OperationKind::VideoStatus, model, r#"{"video_id":"r1"}"#);
    assert_eq!(sent(&FalVideos, &seen), "GET /bytedance/seedance-2.0/requests/r1/status? ");
    let (json, _) = read(&FalVideos, &seen, r#"{"status":"COMPLETED"}"#);
    assert_eq!(text(&json, "status"), "completed");
    let (_, reply) = read(&FalVideos, &made, r#"{"request_id":"r1"}"#);
    assert_eq!(reply.sizing.video_resolution.as_deref(), Some("720p"));
}
