//! Pictures by `InvokeModel`: Nova Canvas and Titan, Stability's newer models, Stable Diffusion XL.

use llm_types::{Error, Format, Json, Kind, OperationKind, Result};
use serde::Deserialize;

use super::edits;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors::invalid_reply;
use crate::openai::images::answer::{Answer, Image};
use crate::task::write::{self, Fields};
use crate::task::{Sizing, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The parameters that LiteLLM judges by model; others are the model's own.
const JUDGED: [&str; 6] = ["n", "quality", "response_format", "size", "style", "user"];

/// Those that are judged where pictures are changed.
const EDIT_JUDGED: [&str; 8] =
    ["background", "input_fidelity", "n", "quality", "response_format", "size", "style", "user"];

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Images;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Nova Canvas, Titan.
    Amazon,
    /// Stable Diffusion XL.
    Diffusion,
    /// Stability's models since.
    Stability,
}

impl Family {
    fn of(model: &str) -> Self {
        if model.contains("nova") || model.contains("titan") {
            Self::Amazon
        } else if model.contains("stable-diffusion-xl") {
            Self::Diffusion
        } else {
            Self::Stability
        }
    }

    const fn taken(self) -> &'static [&'static str] {
        match self {
            Self::Amazon => &["n", "quality", "size"],
            Self::Diffusion => &["size"],
            Self::Stability => &[],
        }
    }
}

impl TaskCodec for Images {
    fn format(&self) -> Format {
        Format::BedrockImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let family = Family::of(&request.model);
        if request.operation == OperationKind::ImageEdit {
            return Ok(TaskOut { body: write::json(changed(family, request, ctx)?), ..TaskOut::default() });
        }
        let mut fields = write::taken(request, ctx, &JUDGED, family.taken())?;
        let missing = || Error::bad_request("Missing required parameter: 'prompt'.").with_param("prompt");
        let prompt = write::take(&mut fields, "prompt").ok_or_else(missing)?;
        size(&mut fields)?;
        let body = match family {
            Family::Amazon => amazon(prompt, fields)?,
            Family::Diffusion => {
                let text = Json::object([("text", prompt), ("weight", Json::from(1_u64))]);
                fields.insert(0, ("text_prompts".to_owned(), Json::Array(vec![text])));
                fields
            }
            Family::Stability => {
                fields.insert(0, ("prompt".to_owned(), prompt));
                fields
            }
        };
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let said: Said = serde_json::from_slice(reply.body).map_err(|e| invalid_reply(reply, &e.to_string()))?;
        let artifacts = said.artifacts.iter().flatten().map(|a| a.base64.as_str());
        let images = said.images.iter().flatten().map(String::as_str).chain(artifacts);
        let data: Vec<Image<'_>> = images.map(|b| Image { b64_json: Some(b), ..Image::default() }).collect();
        if data.is_empty() {
            return Err(said.refusal(reply));
        }
        let sizing = Sizing {
            image_size: request.str("size").map(str::to_owned),
            image_quality: request.str("quality").map(str::to_owned),
            ..Sizing::default()
        };
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        super::error::decode(reply)
    }
}

/// The body for a picture that is changed. What of a form is a number is written as one.
fn changed(family: Family, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
    let amazon = family == Family::Amazon;
    let taken: &[&str] =
        if amazon { &["n", "quality", "response_format", "size"] } else { &["n", "response_format", "size"] };
    let mut fields = write::taken(request, ctx, &EDIT_JUDGED, taken)?;
    write::take(&mut fields, "response_format"); // they answer bytes only
    let prompt = write::take(&mut fields, "prompt");
    if !amazon {
        return edits::stability(request, prompt, fields);
    }
    size(&mut fields)?;
    let mut body = edits::amazon(request, prompt, &mut fields)?;
    let mut config = Json::Object(Vec::new());
    config.extend(fields.into_iter().map(|(name, value)| match name.as_str() {
        "n" => ("numberOfImages".to_owned(), edits::number(&value)),
        "quality" => (name, Json::from(quality(&value))),
        _ => (name, edits::number(&value)),
    }));
    if config.as_object().is_some_and(|c| !c.is_empty()) {
        body.push(("imageGenerationConfig".to_owned(), config));
    }
    Ok(body)
}

/// The two qualities there are.
fn quality(asked: &Json) -> &'static str {
    if matches!(asked.as_str(), Some("hd" | "premium" | "high")) { "premium" } else { "standard" }
}

/// `1024x512` as width and height.
fn size(fields: &mut Fields) -> Result<()> {
    let Some(size) = write::take(fields, "size") else { return Ok(()) };
    let read = |size: &str| {
        let (width, height) = size.split_once('x')?;
        Some((width.trim().parse::<u64>().ok()?, height.trim().parse::<u64>().ok()?))
    };
    let bad = || Error::bad_request("Invalid value for 'size': expected WIDTHxHEIGHT").with_param("size");
    let (width, height) = size.as_str().and_then(read).ok_or_else(bad)?;
    write::set(fields, "width", width);
    write::set(fields, "height", height);
    Ok(())
}

/// Amazon's body: the task, what it works on, how the pictures shall be.
fn amazon(prompt: Json, mut fields: Fields) -> Result<Fields> {
    const TASKS: [(&str, &str); 3] = [
        ("TEXT_IMAGE", "textToImageParams"),
        ("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams"),
        ("INPAINTING", "inpaintingParams"),
    ];
    let task = write::take(&mut fields, "taskType").and_then(|t| t.as_str().map(str::to_owned));
    let task = task.unwrap_or_else(|| "TEXT_IMAGE".to_owned());
    let unknown = || Error::bad_request(format!("Invalid value for 'taskType': {task}")).with_param("taskType");
    let (_, name) = TASKS.iter().find(|(known, _)| *known == task).ok_or_else(unknown)?;
    let mut params = Json::object([("text", prompt)]);
    if let Some(Json::Object(own)) = write::take(&mut fields, name) {
        params.extend(own);
    }
    let mut config = write::take(&mut fields, "imageGenerationConfig").unwrap_or_else(|| Json::Object(Vec::new()));
    if let Some(quality) = write::take(&mut fields, "quality") {
        config.set("quality", self::quality(&quality));
    }
    config.extend(
        fields.into_iter().map(|(key, value)| (if key == "n" { "numberOfImages".to_owned() } else { key }, value)),
    );
    let fields = [("taskType", Json::from(task.as_str())), (name, params), ("imageGenerationConfig", config)];
    Ok(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

#[derive(Deserialize)]
struct Said {
    images: Option<Vec<String>>,
    artifacts: Option<Vec<Artifact>>,
    /// Why there is no picture.
    finish_reasons: Option<Vec<Option<String>>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Artifact {
    base64: String,
}

impl Said {
    /// A success without pictures: a filter took them, or the model says why.
    fn refusal(&self, reply: &ReplyView<'_>) -> Error {
        let filtered = self.finish_reasons.iter().flatten().flatten().next();
        match filtered.or(self.error.as_ref()) {
            Some(why) => {
                let detail = invalid_reply(reply, why).upstream.map(|d| *d).unwrap_or_default();
                crate::openai::errors::upstream_error(Kind::ContentPolicy, why, detail)
            }
            None => invalid_reply(reply, "provider returned a response with no 'images'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use llm_types::OperationKind;

    use super::*;
    use crate::task::{ReplyBody, TaskBody};

    fn request(model: &str, fields: &str) -> TaskRequest {
        TaskRequest {
            operation: OperationKind::Image,
            model: model.to_owned(),
            fields: serde_json::from_str(fields).unwrap(),
            files: Vec::new(),
        }
    }

    fn written(model: &str, fields: &str) -> String {
        let mut ctx = EncodeContext::for_model(model);
        match Images.encode(&request(model, fields), &mut ctx) {
            Ok(TaskOut { body: TaskBody::Json(bytes), .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
            Ok(other) => format!("{other:?}"),
            Err(e) => e.message,
        }
    }

    #[test]
    fn every_family_has_its_own_body() {
        let fields = r#"{"prompt":"a cat","size":"1024x512","n":2,"quality":"hd","seed":7}"#;
        let amazon = r#"{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"a cat"},"imageGenerationConfig":{"quality":"premium","numberOfImages":2,"seed":7,"width":1024,"height":512}}"#;
        assert_eq!(written("amazon.nova-canvas-v1:0", fields), amazon);
        assert_eq!(written("amazon.titan-image-generator-v2:0", fields), amazon);
        let fields = r##"{"prompt":"a cat","taskType":"COLOR_GUIDED_GENERATION","colorGuidedGenerationParams":{"colors":["#fff"]},"imageGenerationConfig":{"cfgScale":8}}"##;
        assert_eq!(
            written("amazon.nova-canvas-v1:0", fields),
            r##"{"taskType":"COLOR_GUIDED_GENERATION","colorGuidedGenerationParams":{"text":"a cat","colors":["#fff"]},"imageGenerationConfig":{"cfgScale":8}}"##
        );
        assert_eq!(
            written("stability.stable-diffusion-xl-v1", r#"{"prompt":"a cat","size":"512x512","steps":30}"#),
            r#"{"text_prompts":[{"text":"a cat","weight":1}],"steps":30,"width":512,"height":512}"#
        );
        assert_eq!(
            written("stability.sd3-large-v1:0", r#"{"prompt":"a cat","aspect_ratio":"1:1"}"#),
            r#"{"prompt":"a cat","aspect_ratio":"1:1"}"#
        );
        assert!(written("stability.sd3-large-v1:0", r#"{"prompt":"a cat","n":1}"#).starts_with("Setting `n` is not"));
        assert!(written("amazon.nova-canvas-v1:0", r#"{"prompt":"a","size":"large"}"#).contains("'size'"));
        assert!(written("amazon.nova-canvas-v1:0", r#"{"prompt":"a","taskType":"X"}"#).contains("'taskType'"));
    }

    #[test]
    fn pictures_are_changed() {
        let changed = |model: &str, fields: &str, names: &[&str]| {
            let data = bytes::Bytes::from_static(b"x");
            let file = |n: &&str| crate::task::FilePart { name: (*n).into(), data: data.clone(), ..Default::default() };
            let files = names.iter().map(file).collect();
            let request = TaskRequest { operation: OperationKind::ImageEdit, files, ..request(model, fields) };
            match Images.encode(&request, &mut EncodeContext::for_model(model)) {
                Ok(TaskOut { body: TaskBody::Json(bytes), .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
                Ok(other) => format!("{other:?}"),
                Err(e) => e.message,
            }
        };
        let nova = "amazon.nova-canvas-v1:0";
        assert_eq!(
            changed(nova, r#"{"prompt":"p","n":"2","size":"512x512","seed":"7"}"#, &["image"]),
            r#"{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":["eA=="],"text":"p"},"imageGenerationConfig":{"numberOfImages":2,"seed":7,"width":512,"height":512}}"#
        );
        assert_eq!(
            changed(nova, r#"{"prompt":"p"}"#, &["image", "mask"]),
            r#"{"taskType":"INPAINTING","inPaintingParams":{"image":"eA==","text":"p","maskImage":"eA=="}}"#
        );
        assert_eq!(
            changed(nova, r#"{"taskType":"BACKGROUND_REMOVAL","seed":"7"}"#, &["image"]),
            r#"{"taskType":"BACKGROUND_REMOVAL","backgroundRemovalParams":{"image":"eA=="}}"#
        );
        assert!(changed(nova, r#"{"prompt":"p","taskType":"OUTPAINTING"}"#, &["image"]).contains("maskPrompt"));
        assert!(changed(nova, r#"{"prompt":"p","user":"u"}"#, &["image"]).starts_with("Setting `user` is not"));
        assert!(changed(nova, r#"{"prompt":"p"}"#, &[]).contains("image is needed"));
        assert_eq!(
            changed(
                "stability.stable-image-inpaint-v1:0",
                r#"{"prompt":"p","size":"1024x1024","seed":"7","foo":"x"}"#,
                &["image", "mask"]
            ),
            r#"{"output_format":"png","prompt":"p","image":"eA==","mask":"eA==","aspect_ratio":"1:1","seed":7}"#
        );
        assert!(changed("stability.stable-style-transfer-v1:0", "{}", &["image"]).contains(r#""init_image":"eA==""#));
    }

    #[test]
    fn pictures_are_bytes_and_refusals_are_errors() {
        let read = |body: &str| {
            let view = ReplyView { status: 200, provider: "acme", headers: &[], body: body.as_bytes() };
            Images.decode(&request("m", "{}"), &view, &ReplyContext::default())
        };
        for body in
            [r#"{"images":["AAAA"],"error":null}"#, r#"{"artifacts":[{"base64":"AAAA","finishReason":"SUCCESS"}]}"#]
        {
            let reply = read(body).unwrap();
            let ReplyBody::Json(json) = &reply.body else { panic!("not JSON") };
            assert!(std::str::from_utf8(json).unwrap().contains(r#""b64_json":"AAAA""#), "{body}");
            assert_eq!(reply.usage.unwrap().usage.images_out, 1);
        }
        let refused = read(r#"{"seeds":[],"finish_reasons":["Filter reason: prompt"],"images":[]}"#).unwrap_err();
        assert_eq!(refused.kind, Kind::ContentPolicy);
        assert_eq!(read(r#"{"images":[]}"#).unwrap_err().kind, Kind::InvalidReply);
    }
}
