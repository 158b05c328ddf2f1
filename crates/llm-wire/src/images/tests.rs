use bytes::Bytes;
use llm_types::{Json, OperationKind};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::task::{FilePart, FollowUrl, Next, ReplyBody, TaskBody, TaskCodec, TaskOut, TaskRequest};

use super::aiml::Aiml;
use super::bfl::Bfl;
use super::chat::ChatImages;
use super::fal::Fal;
use super::foundry::{Flux2, Mai};
use super::google::{GEMINI_IMAGES, GeminiImagen, VERTEX_IMAGES, VertexImagen};
use super::qwen::Qwen;
use super::recraft::Recraft;
use super::runway::Runway;
use super::stability::Stability;
use super::topaz::Topaz;

fn ask(model: &str, fields: &str) -> TaskRequest {
    let fields = serde_json::from_str(fields).unwrap();
    TaskRequest { operation: OperationKind::Image, model: model.into(), fields, files: Vec::new() }
}

fn edit(model: &str, fields: &str) -> TaskRequest {
    let file = FilePart {
        name: "image".into(),
        filename: Some("a.png".into()),
        content_type: None,
        data: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
        more: None,
    };
    TaskRequest { operation: OperationKind::ImageEdit, files: vec![file], ..ask(model, fields) }
}

fn sent(codec: &dyn TaskCodec, request: &TaskRequest) -> TaskOut {
    let mut ctx = EncodeContext { drop_params: true, ..EncodeContext::for_model(&request.model) };
    codec.encode(request, &mut ctx).unwrap()
}

fn json(out: &TaskOut) -> String {
    let TaskBody::Json(bytes) = &out.body else { panic!("no JSON") };
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn form(out: &TaskOut) -> String {
    let TaskBody::Form { fields, files } = &out.body else { panic!("no form") };
    let fields = fields.iter().map(|(k, v)| format!("{k}={v}"));
    let files = files.iter().map(|f| format!("{}:{}", f.name, f.filename.as_deref().unwrap()));
    fields.chain(files).collect::<Vec<_>>().join(" ")
}

fn view(body: &str) -> ReplyView<'_> {
    ReplyView { status: 200, provider: "p", headers: &[], body: body.as_bytes() }
}

/// Each image's URL or bytes.
fn seen(codec: &dyn TaskCodec, request: &TaskRequest, body: &str) -> Vec<String> {
    let reply = codec.decode(request, &view(body), &ReplyContext::default()).unwrap();
    let ReplyBody::Json(bytes) = &reply.body else { panic!("no JSON") };
    let json: Json = serde_json::from_slice(bytes).unwrap();
    let images = json.get("data").unwrap().as_array().unwrap();
    assert_eq!(reply.usage.unwrap().usage.images_out, images.len() as u64);
    let told = |i: &Json| i.text("url").or(i.text("b64_json")).unwrap().to_owned();
    images.iter().map(told).collect()
}

const ALL: &str =
    r#"{"prompt":"p","n":1,"size":"1024x1024","quality":"hd","style":"vivid","user":"u","response_format":"url"}"#;

#[test]
fn requests_are_told_in_each_houses_words() {
    let cases: [(&dyn TaskCodec, &str, &str); 6] = [
        (
            &Aiml,
            "flux-pro/v1.1",
            r#"{"prompt":"p","num_images":1,"output_format":"url","image_size":{"width":1024,"height":1024},"model":"flux-pro/v1.1"}"#,
        ),
        (
            &Recraft,
            "recraftv3",
            r#"{"prompt":"p","n":1,"size":"1024x1024","style":"vivid","response_format":"url","model":"recraftv3"}"#,
        ),
        (&Runway, "gen4_image", r#"{"promptText":"p","ratio":"1024:1024","model":"gen4_image"}"#),
        (
            &Qwen,
            "qwen-image",
            r#"{"model":"qwen-image","input":{"messages":[{"role":"user","content":[{"text":"p"}]}]},"parameters":{"n":1,"size":"1024*1024"}}"#,
        ),
        (
            &ChatImages,
            "google/m",
            r#"{"model":"google/m","messages":[{"role":"user","content":"p"}],"n":1,"image_config":{"aspect_ratio":"1:1","image_size":"4K"}}"#,
        ),
        (&Mai, "MAI-Image-2.5", r#"{"prompt":"p","model":"MAI-Image-2.5","width":1024,"height":1024}"#),
    ];
    for (codec, model, expected) in cases {
        assert_eq!(json(&sent(codec, &ask(model, ALL))), expected, "{model}");
    }
    let out = sent(&Bfl, &ask("flux-pro-1.1-ultra", ALL));
    assert_eq!(out.beside.as_deref(), Some("/v1/flux-pro-1.1-ultra"));
    assert_eq!(
        json(&out),
        r#"{"prompt":"p","width":1024,"height":1024,"num_images":1,"raw":true,"output_format":"png"}"#
    );
    let out = sent(&Stability, &ask("sd3.5-large", ALL));
    assert_eq!(out.beside.as_deref(), Some("/v2beta/stable-image/generate/sd3"));
    assert_eq!(form(&out), "prompt=p aspect_ratio=1:1 output_format=png none:upload");
    assert_eq!(
        sent(&Stability, &ask("stable-image-ultra", ALL)).beside.as_deref(),
        Some("/v2beta/stable-image/generate/ultra")
    );
    let flux2 = json(&sent(&Flux2, &ask("FLUX.2-pro", ALL)));
    assert_eq!(flux2, r#"{"prompt":"p","model":"FLUX.2-pro","num_images":1,"width":1024,"height":1024}"#);
}

#[test]
fn edits_carry_their_picture() {
    let out = sent(&Stability, &edit("stable-style-transfer", r#"{"prompt":"p","strength":0.5,"own":1}"#));
    assert_eq!(out.beside.as_deref(), Some("/v2beta/stable-image/control/style-transfer"));
    assert_eq!(form(&out), "prompt=p strength=0.5 output_format=png image:a.png");
    assert_eq!(
        form(&sent(&Recraft, &edit("recraftv3", r#"{"prompt":"p"}"#))),
        "prompt=p model=recraftv3 strength=0.2 image:image.png"
    );
    let topaz = sent(&Topaz, &edit("Standard V2", r#"{"size":"10x20"}"#));
    assert_eq!(form(&topaz), "output_width=10 output_height=20 image:image.png");
    let out = sent(&Bfl, &edit("flux-kontext-max", r#"{"prompt":"p","n":1}"#));
    assert_eq!(out.beside.as_deref(), Some("/v1/flux-kontext-max"));
    assert_eq!(json(&out), r#"{"prompt":"p","input_image":"iVBORw0KGgo=","output_format":"png"}"#);
    let chat = json(&sent(&ChatImages, &edit("google/m", r#"{"prompt":"p","size":"1024x1792"}"#)));
    assert_eq!(
        chat,
        r#"{"model":"google/m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}},{"type":"text","text":"p"}]}],"modalities":["image","text"],"image_config":{"aspect_ratio":"9:16"}}"#
    );
    let out = sent(&Fal, &edit("openai/gpt-image-2", r#"{"prompt":"p","size":"10x20","quality":"hd"}"#));
    assert_eq!(out.beside.as_deref(), Some("/openai/gpt-image-2/edit"));
    assert_eq!(
        json(&out),
        r#"{"prompt":"p","quality":"high","image_size":{"width":10,"height":20},"image_urls":["data:image/png;base64,iVBORw0KGgo="]}"#
    );
    for codec in [&Stability as &dyn TaskCodec, &Recraft, &Topaz, &Bfl, &Fal, &ChatImages] {
        let without = TaskRequest { files: Vec::new(), ..edit("m", r#"{"prompt":"p"}"#) };
        assert!(codec.encode(&without, &mut EncodeContext::for_model("m")).is_err());
    }
}

#[test]
fn fal_has_a_vocabulary_for_each_family() {
    let cases = [
        ("fal-ai/flux/schnell", r#"{"prompt":"p","num_images":1,"output_format":"jpeg","image_size":"square_hd"}"#),
        ("fal-ai/flux-pro/v1.1-ultra", r#"{"prompt":"p","num_images":1,"output_format":"jpeg","aspect_ratio":"1:1"}"#),
        ("fal-ai/recraft/v3/text-to-image", r#"{"prompt":"p","image_size":"square_hd"}"#),
        ("fal-ai/nano-banana", r#"{"prompt":"p","num_images":1,"aspect_ratio":"1:1"}"#),
        (
            "openai/gpt-image-2",
            r#"{"prompt":"p","quality":"high","num_images":1,"image_size":{"width":1024,"height":1024}}"#,
        ),
        ("some/model", r#"{"prompt":"p","n":1,"size":"1024x1024","response_format":"url"}"#),
    ];
    for (model, expected) in cases {
        let out = sent(&Fal, &ask(model, ALL));
        assert_eq!(out.beside.as_deref(), Some(format!("/{model}").as_str()));
        assert_eq!(json(&out), expected, "{model}");
    }
}

#[test]
fn answers_have_images() {
    let r = ask("m", r#"{"prompt":"p"}"#);
    let cases: [(&dyn TaskCodec, &str, &str); 8] = [
        (&Aiml, r#"{"output":{"choices":[{"image_base64":"QQ=="}]}}"#, "QQ=="),
        (&Aiml, r#"{"images":[{"url":"https://h/1"}]}"#, "https://h/1"),
        (&Stability, r#"{"image":"QQ==","finish_reason":"SUCCESS"}"#, "QQ=="),
        (&Runway, r#"{"id":"t","status":"SUCCEEDED","output":["https://h/1"]}"#, "https://h/1"),
        (&Fal, r#"{"image":{"url":"https://h/1"}}"#, "https://h/1"),
        (&Bfl, r#"{"status":"Ready","result":{"sample":"https://h/1"}}"#, "https://h/1"),
        (&Qwen, r#"{"output":{"choices":[{"message":{"content":[{"image":"https://h/1"}]}}]}}"#, "https://h/1"),
        (
            &ChatImages,
            r#"{"choices":[{"message":{"images":[{"image_url":{"url":"data:image/png;base64,QQ=="}}]}}]}"#,
            "QQ==",
        ),
    ];
    for (codec, body, image) in cases {
        assert_eq!(seen(codec, &r, body), [image], "{body}");
    }
    assert_eq!(seen(&Fal, &r, r#"{"images":["https://h/1",{"url":"https://h/2"}]}"#), ["https://h/1", "https://h/2"]);
    assert_eq!(seen(&Topaz, &r, "A"), ["QQ=="]);
    let refused = [
        (&Stability as &dyn TaskCodec, r#"{"finish_reason":"CONTENT_FILTERED"}"#),
        (&Qwen, r#"{"code":"InvalidParameter","message":"Size not supported"}"#),
        (&Bfl, r#"{"status":"Ready"}"#),
    ];
    for (codec, body) in refused {
        assert!(codec.decode(&r, &view(body), &ReplyContext::default()).is_err(), "{body}");
    }
}

#[test]
fn jobs_are_asked_for_until_they_are_done() {
    let r = ask("m", r#"{"prompt":"p"}"#);
    let url = |codec: &dyn TaskCodec, step, body| match codec.next(&r, step, &view(body)).unwrap() {
        Next::Send { request, .. } => Some(request.url),
        Next::Done | Next::Last { .. } => None,
    };
    assert_eq!(url(&Runway, 0, r#"{"id":"t1"}"#), Some(FollowUrl::Path("/v1/tasks/t1".into())));
    assert_eq!(url(&Runway, 1, r#"{"id":"t1","status":"SUCCEEDED"}"#), None);
    assert!(Runway.next(&r, 1, &view(r#"{"id":"t1","status":"FAILED","failure":"no"}"#)).is_err());
    let polled = "https://api.us1.bfl.ai/v1/get_result?id=1";
    let ticket = format!(r#"{{"id":"1","polling_url":"{polled}"}}"#);
    assert_eq!(url(&Bfl, 0, &ticket), Some(FollowUrl::Own(polled.into())));
    let elsewhere = r#"{"polling_url":"https://bfl.ai.example.com/x"}"#;
    assert_eq!(url(&Bfl, 0, elsewhere), Some(FollowUrl::Absolute("https://bfl.ai.example.com/x".into())));
    assert_eq!(url(&Bfl, 1, r#"{"id":"1","status":"Pending"}"#), Some(FollowUrl::Again));
    assert_eq!(url(&Bfl, 2, r#"{"status":"Ready"}"#), None);
    assert!(Bfl.next(&r, 1, &view(r#"{"status":"Content Moderated"}"#)).is_err());
    assert!(Bfl.next(&r, 0, &view("{}")).is_err());
}

#[test]
fn google_draws_by_predict_and_by_generating() {
    let imagen = json(&sent(&GeminiImagen, &ask("imagen-4", ALL)));
    assert_eq!(
        imagen,
        r#"{"instances":[{"prompt":"p"}],"parameters":{"sampleCount":1,"aspectRatio":"1:1","imageSize":"1K"}}"#
    );
    let own = r#"{"prompt":"p","size":"1792x1024","negative_prompt":"n"}"#;
    assert_eq!(
        json(&sent(&VertexImagen, &ask("imagen-4", own))),
        r#"{"instances":[{"prompt":"p"}],"parameters":{"negativePrompt":"n","aspectRatio":"16:9","sampleCount":1}}"#
    );
    let changed = json(&sent(&VertexImagen, &edit("imagen-3.0-capability-001", r#"{"prompt":"p"}"#)));
    assert_eq!(
        changed,
        r#"{"instances":[{"prompt":"p","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceId":1,"referenceImage":{"bytesBase64Encoded":"iVBORw0KGgo="}}]}],"parameters":{"sampleCount":1,"editMode":"EDIT_MODE_INPAINT_INSERTION"}}"#
    );
    let gemini = json(&sent(&GEMINI_IMAGES, &edit("gemini-image", r#"{"prompt":"p","size":"2048x2048","n":2}"#)));
    assert_eq!(
        gemini,
        r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}},{"text":"p"}]}],"generationConfig":{"response_modalities":["IMAGE","TEXT"],"candidateCount":2,"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}}}"#
    );
    let vertex = json(&sent(&VERTEX_IMAGES, &ask("gemini-image", r#"{"prompt":"p"}"#)));
    assert_eq!(
        vertex,
        r#"{"contents":[{"parts":[{"text":"p"}],"role":"user"}],"generationConfig":{"responseModalities":["IMAGE"]}}"#
    );
    let predicted =
        r#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"aa"},{"raiFilteredReason":"no"}]}"#;
    assert_eq!(seen(&VertexImagen, &ask("imagen-4", ALL), predicted), ["aa"]);
    let generated = r#"{"candidates":[{"content":{"parts":[{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"bb"}}]}}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":30,"totalTokenCount":35}}"#;
    assert_eq!(seen(&GEMINI_IMAGES, &ask("gemini-image", ALL), generated), ["bb"]);
    let reply = GEMINI_IMAGES.decode(&ask("gemini-image", ALL), &view(generated), &ReplyContext::default()).unwrap();
    let usage = reply.usage.unwrap().usage;
    assert_eq!((usage.input_text, usage.output_text, usage.output_image), (5, 0, 30));
}
