use bytes::Bytes;
use llm_types::{Json, OperationKind};

use super::*;
use crate::task::{FilePart, ReplyBody, TaskBody};

fn request(operation: OperationKind, model: &str, fields: &str) -> TaskRequest {
    TaskRequest { operation, model: model.into(), fields: serde_json::from_str(fields).unwrap(), files: Vec::new() }
}

fn decoded(codec: &dyn TaskCodec, request: &TaskRequest, body: &str) -> (Json, TaskReply) {
    let view = ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() };
    let reply = codec.decode(request, &view, &ReplyContext::default()).unwrap();
    let ReplyBody::Json(bytes) = &reply.body else { panic!("no JSON") };
    (serde_json::from_slice(bytes).unwrap(), reply)
}

#[test]
fn families_take_different_parameters() {
    let ask = |model: &str| request(OperationKind::Image, model, r#"{"prompt":"p","style":"vivid","quality":"hd"}"#);
    let sent = |model: &str, drop_params| {
        let mut ctx = EncodeContext { provider: "openai", drop_params, ..EncodeContext::for_model(model) };
        Images.encode(&ask(model), &mut ctx).map(|out| match out.body {
            TaskBody::Json(json) => String::from_utf8(json.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(sent("gpt-image-1", true).unwrap(), r#"{"model":"gpt-image-1","prompt":"p","quality":"hd"}"#);
    assert!(sent("gpt-image-1", false).is_err());
    let all = r#"{"model":"grok-2-image","prompt":"p","style":"vivid","quality":"hd"}"#;
    assert_eq!(sent("grok-2-image", false).unwrap(), all);
    let mut ctx = EncodeContext::for_model("m");
    assert!(Images.encode(&request(OperationKind::Image, "m", "{}"), &mut ctx).is_err());
}

#[test]
fn pictures_go_as_a_form_and_are_named_by_what_they_are() {
    let mut ask = request(OperationKind::ImageEdit, "gpt-image-1", r#"{"prompt":"p","n":1}"#);
    let file = |name: &str, data: &'static [u8]| FilePart {
        name: name.into(),
        filename: Some("a.bin".into()),
        content_type: Some("application/octet-stream".into()),
        data: Bytes::from_static(data),
        more: None,
    };
    ask.files = vec![file("image", b"\x89PNG\r\n\x1a\n"), file("mask", b"RIFF....WEBP")];
    let out = Images.encode(&ask, &mut EncodeContext::for_model("m")).unwrap();
    let TaskBody::Form { fields, files } = out.body else { panic!("no form") };
    assert_eq!(fields.len(), 3);
    let told: Vec<_> = files
        .iter()
        .map(|f| (f.name.as_str(), f.filename.as_deref().unwrap(), f.content_type.as_deref().unwrap()))
        .collect();
    assert_eq!(told, [("image[]", "image.png", "image/png"), ("mask", "mask.png", "image/webp")]);
}

#[test]
fn answers_have_every_field_and_their_usage_is_taken_apart() {
    let ask = request(OperationKind::Image, "gpt-image-1", r#"{"prompt":"p","size":"1024x1536"}"#);
    let body = r#"{"created":7,"data":[{"b64_json":"QQ==","seed":3}],"usage":{"total_tokens":100,"input_tokens":50,
        "output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}"#;
    let (json, reply) = decoded(&Images, &ask, body);
    assert_eq!(json.get("size"), Some(&Json::Null));
    let image = &json.get("data").unwrap().as_array().unwrap()[0];
    assert_eq!(
        image.to_string(),
        r#"{"b64_json":"QQ==","revised_prompt":null,"url":null,"provider_specific_fields":null,"seed":3}"#
    );
    let usage = reply.usage.unwrap().usage;
    assert_eq!((usage.input_text, usage.input_image, usage.output_image, usage.images_out), (10, 40, 50, 1));
    assert_eq!(reply.sizing.image_size.as_deref(), Some("1024x1536"));

    let (json, _) = decoded(&AzureImages, &ask, r#"{"data":[{"url":"https://h/i.png"}]}"#);
    let told = |key: &str| json.get(key).unwrap().as_str().unwrap().to_owned();
    assert_eq!(
        (told("size"), told("quality"), told("output_format")),
        ("1024x1536".into(), "high".into(), "png".into())
    );
    assert_eq!(json.get("usage").unwrap().get("total_tokens").unwrap().as_i64(), Some(0));
}

#[test]
fn a_reply_without_images_is_an_error() {
    let ask = request(OperationKind::Image, "m", r#"{"prompt":"p"}"#);
    for body in ["[]", "no json", r#"{"error":{"message":"no","code":400}}"#] {
        let view = ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() };
        assert!(Images.decode(&ask, &view, &ReplyContext::default()).is_err(), "{body}");
    }
}

#[test]
fn streamed_pictures_are_counted_by_their_last_event() {
    let last = br#"{"type":"image_generation.completed","b64_json":"iVBOR","usage":{"input_tokens":50,"input_tokens_details":{"image_tokens":40,"text_tokens":10},"output_tokens":60,"total_tokens":110}}"#;
    let used = Images.usage_in_event(last).unwrap().usage;
    assert_eq!((used.input_text, used.input_image, used.output_image, used.images_out), (10, 40, 60, 1));
    assert!(Images.is_last_event(last) && Images.is_last_event(br#"{"type":"image_edit.completed"}"#));
    let partial = br#"{"type":"image_generation.partial_image","b64_json":"a.completed"}"#;
    assert!(!Images.is_last_event(partial) && Images.usage_in_event(partial).is_none());
}
