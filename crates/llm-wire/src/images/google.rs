//! Google's pictures: Imagen by `predict`, Gemini's image models by `generateContent`.
//! <https://ai.google.dev/gemini-api/docs/imagen>, <https://cloud.google.com/vertex-ai/generative-ai/docs/image/overview>

use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Json, OperationKind, Result};
use serde_json::value::RawValue;

use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::gemini;
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, media_type, prompt, sizing};
use crate::openai::wire::{List, Text, view};
use crate::task::write::{self, Fields};
use crate::task::{FilePart, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// Imagen at Google AI Studio.
#[derive(Debug, Clone, Copy)]
pub struct GeminiImagen;

/// Imagen at Vertex AI, which also changes pictures.
#[derive(Debug, Clone, Copy)]
pub struct VertexImagen;

/// Gemini's image models.
#[derive(Debug, Clone, Copy)]
pub struct GeminiImages {
    /// Whose turn it is has to be said, the answer's words are not asked for.
    vertex: bool,
}

/// At Google AI Studio.
pub static GEMINI_IMAGES: GeminiImages = GeminiImages { vertex: false };
/// At Vertex AI.
pub static VERTEX_IMAGES: GeminiImages = GeminiImages { vertex: true };

/// Shapes that Imagen draws.
const IMAGEN: [&str; 5] = ["1:1", "3:4", "4:3", "9:16", "16:9"];
/// Shapes that Gemini draws.
const GEMINI: [&str; 14] =
    ["1:1", "1:4", "1:8", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9"];

view!(lenient PredictionsIn {
    predictions = "predictions": List<PredictionIn<'a>>,
});

view!(lenient PredictionIn {
    bytes = "bytesBase64Encoded": Text<'a>,
    uri = "gcsUri": Text<'a>,
    prompt = "prompt": Text<'a>,
});

view!(lenient ReplyIn {
    candidates = "candidates": List<CandidateIn<'a>>,
    usage = "usageMetadata": Option<&'a RawValue>,
});

view!(lenient CandidateIn {
    content = "content": ContentIn<'a>,
});

view!(lenient ContentIn {
    parts = "parts": List<PartIn<'a>>,
});

view!(lenient PartIn {
    inline = "inlineData": BlobIn<'a>,
});

view!(lenient BlobIn {
    data = "data": Text<'a>,
});

impl TaskCodec for GeminiImagen {
    fn format(&self) -> Format {
        Format::GeminiImagen
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        if request.operation == OperationKind::ImageEdit {
            return Err(Error::bad_request("Imagen changes pictures at Vertex AI only"));
        }
        let mut fields = imagen(request, ctx)?;
        let size = write::take(&mut fields, "size");
        if let Some((width, height)) = size.as_ref().and_then(Json::as_str).and_then(sizes::pixels) {
            write::set(&mut fields, "imageSize", class(width, height));
        }
        predict(vec![("prompt".to_owned(), Json::from(prompt(request)?))], fields)
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        predictions(request, reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }
}

impl TaskCodec for VertexImagen {
    fn format(&self) -> Format {
        Format::VertexImagen
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = imagen(request, ctx)?;
        write::take(&mut fields, "size");
        if fields.iter().all(|(name, _)| name != "sampleCount") {
            write::set(&mut fields, "sampleCount", 1_u64);
        }
        let mut instance = vec![("prompt".to_owned(), Json::from(prompt(request)?))];
        if request.operation == OperationKind::ImageEdit {
            instance.push(("referenceImages".to_owned(), references(request)?));
            if fields.iter().all(|(name, _)| name != "editMode") {
                write::set(&mut fields, "editMode", "EDIT_MODE_INPAINT_INSERTION");
            }
        }
        predict(instance, fields)
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        predictions(request, reply, ctx)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }
}

impl TaskCodec for GeminiImages {
    fn format(&self) -> Format {
        if self.vertex { Format::VertexImages } else { Format::GeminiImages }
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size"])?;
        fields.retain(|(name, _)| !["prompt", "user"].contains(&name.as_str()));
        let (name, kinds): (&str, &[&str]) =
            if self.vertex { ("responseModalities", &["IMAGE"]) } else { ("response_modalities", &["IMAGE", "TEXT"]) };
        let kinds = Json::Array(kinds.iter().copied().map(Json::from).collect());
        let mut config = vec![(name.to_owned(), kinds)];
        if let Some(n) = write::take(&mut fields, "n").filter(|n| n.as_i64() != Some(1)) {
            write::set(&mut config, "candidateCount", n);
        }
        let image = image_config(&mut fields);
        if !image.is_empty() {
            write::set(&mut config, "imageConfig", Json::Object(image));
        }
        let mut content = Json::object([("parts", Json::Array(parts(request)?))]);
        if self.vertex {
            content.set("role", "user");
        }
        let mut body = vec![
            ("contents".to_owned(), Json::Array(vec![content])),
            ("generationConfig".to_owned(), Json::Object(config)),
        ];
        body.append(&mut fields);
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> = read(reply)?;
        let parts = view.candidates.0.iter().flatten().flat_map(|c| c.content.parts.0.iter().flatten());
        let data: Vec<Image<'_>> = parts
            .filter_map(|part| part.inline.data.filled())
            .map(|bytes| Image { b64_json: Some(bytes), ..Image::default() })
            .collect();
        let counted = view.usage.map(|raw| counted(raw.get()));
        let answer = Answer { created: ctx.created, data, counted, detailed: !self.vertex, ..Answer::default() };
        Ok(answer.reply(sizing(request)))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        gemini::decode_error(reply)
    }
}

/// Fields for Imagen's `parameters`, in its own words but for `size`.
fn imagen(request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
    let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size"])?;
    fields.retain(|(name, _)| !["prompt", "user"].contains(&name.as_str()));
    write::rename(&mut fields, "n", "sampleCount");
    fields.iter_mut().for_each(|(name, _)| *name = camel(name));
    if let Some(size) = request.str("size") {
        write::set(&mut fields, "aspectRatio", ratio(&IMAGEN, size));
    }
    Ok(fields)
}

fn predict(instance: Fields, parameters: Fields) -> Result<TaskOut> {
    let body = vec![
        ("instances".to_owned(), Json::Array(vec![Json::Object(instance)])),
        ("parameters".to_owned(), Json::Object(parameters)),
    ];
    Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
}

/// Pictures to be changed, then the mask.
fn references(request: &TaskRequest) -> Result<Json> {
    files::image(request)?;
    let mut out = Vec::new();
    let one = |id: u64, kind: &str, file: &FilePart| {
        vec![
            ("referenceType".to_owned(), Json::from(kind)),
            ("referenceId".to_owned(), Json::from(id)),
            ("referenceImage".to_owned(), Json::object([("bytesBase64Encoded", files::base64(file))])),
        ]
    };
    for (id, file) in (1..).zip(request.files("image")) {
        out.push(Json::Object(one(id, "REFERENCE_TYPE_RAW", file)));
    }
    if let Some(mask) = request.files("mask").next() {
        let mut item = one(out.len() as u64 + 1, "REFERENCE_TYPE_MASK", mask);
        item.push(("maskImageConfig".to_owned(), Json::object([("maskMode", "MASK_MODE_USER_PROVIDED")])));
        out.push(Json::Object(item));
    }
    Ok(Json::Array(out))
}

/// The pictures that are to be changed, and the words.
fn parts(request: &TaskRequest) -> Result<Vec<Json>> {
    let mut out = Vec::new();
    if request.operation == OperationKind::ImageEdit {
        files::image(request)?;
        out.extend(request.files("image").map(|file| {
            let kind = media_type(&file.data).unwrap_or("image/png");
            Json::object([(
                "inlineData",
                Json::object([("mimeType", Json::from(kind)), ("data", Json::from(files::base64(file)))]),
            )])
        }));
    }
    out.push(Json::object([("text", prompt(request)?)]));
    Ok(out)
}

fn image_config(fields: &mut Fields) -> Fields {
    let mut out = Fields::new();
    if let Some(size) = write::take(fields, "size")
        && let Some(size) = size.as_str()
        && let Some((width, height)) = sizes::pixels(size)
    {
        write::set(&mut out, "aspectRatio", ratio(&GEMINI, size));
        write::set(&mut out, "imageSize", class(width, height));
    }
    for (name, own) in [("aspect_ratio", "aspectRatio"), ("image_size", "imageSize")] {
        for name in [name, own] {
            if let Some(value) = write::take(fields, name) {
                write::set(&mut out, own, value);
            }
        }
    }
    out
}

fn predictions(request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
    let view: PredictionsIn<'_> = read(reply)?;
    let image = |p: &PredictionIn<'_>| -> Option<()> { p.bytes.filled().or(p.uri.filled()).map(|_| ()) };
    let data = view.predictions.0.iter().flatten().filter(|p| image(p).is_some()).map(|p| Image {
        b64_json: p.bytes.filled(),
        url: p.uri.filled(),
        revised_prompt: p.prompt.filled(),
        ..Image::default()
    });
    let answer = Answer { created: ctx.created, data: data.collect(), ..Answer::default() };
    Ok(answer.reply(sizing(request)))
}

/// What came out are pictures, where nobody says otherwise.
fn counted(raw: &str) -> UsageReport {
    let mut report = gemini::usage_report(raw);
    let usage = &mut report.usage;
    if usage.output_image == 0 {
        usage.output_image = std::mem::take(&mut usage.output_text);
    }
    report
}

fn read<'a, T: serde::Deserialize<'a>>(reply: &ReplyView<'a>) -> Result<T> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

fn ratio<'t>(known: &[&'t str], size: &str) -> &'t str {
    sizes::nearest(known, size).unwrap_or("1:1")
}

/// How large, in the words of Google, by the number of pixels.
const fn class(width: u64, height: u64) -> &'static str {
    match width.saturating_mul(height) {
        0..=2_359_296 => "1K",
        2_359_297..=9_437_184 => "2K",
        _ => "4K",
    }
}

/// `negative_prompt` as Google writes it.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut out, word| {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
        out
    })
}
