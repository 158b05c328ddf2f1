//! fal.ai: each model is a path of its own with a vocabulary of its own, told family by family in `fal_family`:
//! <https://fal.ai/models>.

use llm_types::{Error, Format, Json, OperationKind, Result};
use serde_json::value::RawValue;

use super::fal_family::{Family, SizeWord};
use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, prompt};
use crate::openai::wire::{List, Text, view};
use crate::task::write::{self, Fields};
use crate::task::{Sizing, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Fal;

view!(lenient ReplyIn {
    images = "images": List<FileIn<'a>>,
    image = "image": FileIn<'a>,
    detail = "detail": Option<&'a RawValue>,
});

/// A file: an object, or its URL alone.
#[derive(Debug, Default)]
pub(crate) struct FileIn<'a> {
    url: Option<std::borrow::Cow<'a, str>>,
    b64_json: Option<std::borrow::Cow<'a, str>>,
    /// What else is told of it, as one object.
    told: Option<String>,
}

view!(lenient FileFieldsIn {
    url = "url": Text<'a>,
    b64_json = "b64_json": Text<'a>,
    width = "width": Option<&'a RawValue>,
    height = "height": Option<&'a RawValue>,
    content_type = "content_type": Option<&'a RawValue>,
});

impl<'de: 'a, 'a> serde::Deserialize<'de> for FileIn<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(d)?;
        if let Some(url) = llm_types::json::raw_str(raw.get()) {
            return Ok(Self { url: Some(url), ..Self::default() });
        }
        let fields: FileFieldsIn<'de> = serde_json::from_str(raw.get()).unwrap_or_default();
        Ok(Self { told: told(&fields), url: fields.url.0, b64_json: fields.b64_json.0 })
    }
}

/// Size and type of a picture.
fn told(fields: &FileFieldsIn<'_>) -> Option<String> {
    fields.width?;
    let all = [("width", fields.width), ("height", fields.height), ("content_type", fields.content_type)];
    let said = all.iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value.as_ref()?.get())));
    Some(format!("{{{}}}", said.collect::<Vec<_>>().join(",")))
}

impl TaskCodec for Fal {
    fn format(&self) -> Format {
        Format::FalImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let (path, fields) = if request.operation == OperationKind::ImageEdit {
            edit(request)?
        } else {
            let family = Family::of(&request.model);
            (family.path(&request.model), drawing(request, family, ctx)?)
        };
        Ok(TaskOut { body: write::json(fields), beside: Some(format!("/{path}")), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let single = view.image.url.is_some().then_some(&view.image);
        let files = view.images.0.iter().flatten().chain(single);
        let data: Vec<_> = files.map(image).collect();
        if data.is_empty()
            && let Some(said) = view.detail
        {
            return Err(errors::invalid_reply(reply, said.get()));
        }
        let answer = Answer { created: ctx.created, data, ..Answer::default() };
        let word = |name: &str| request.str(name).map(str::to_owned);
        Ok(answer.reply(Sizing {
            image_size: word("size").or_else(|| word("resolution")),
            image_quality: word("quality").map(quality),
            ..Sizing::default()
        }))
    }
}

fn image<'a>(file: &'a FileIn<'_>) -> Image<'a> {
    Image {
        url: file.url.as_deref(),
        b64_json: file.b64_json.as_deref(),
        provider_specific_fields: file.told.as_deref(),
        ..Image::default()
    }
}

fn drawing(request: &TaskRequest, family: &Family, ctx: &mut EncodeContext<'_>) -> Result<Fields> {
    let mut fields = write::taken(request, ctx, &JUDGED, family.takes)?;
    write::take(&mut fields, "user");
    write::set(&mut fields, "prompt", prompt(request)?);
    if family.plain {
        return Ok(fields);
    }
    write::rename(&mut fields, "n", "num_images");
    if let Some(format) = write::take(&mut fields, "response_format")
        && family.output_format
    {
        let told = if matches!(format.as_str(), Some("b64_json" | "url")) { Json::from("jpeg") } else { format };
        write::set(&mut fields, "output_format", told);
    }
    if let Some(size) = write::take(&mut fields, "size") {
        let (name, value) = said(family.size, size);
        if fields.iter().all(|(known, _)| known != name) {
            write::set(&mut fields, name, value);
        }
    }
    if matches!(family.size, SizeWord::Pixels)
        && let Some(asked) = request.str("quality")
    {
        write::set(&mut fields, "quality", quality(asked.to_owned()));
    }
    Ok(fields)
}

/// A size in the words of a family: the field and its value.
fn said(word: SizeWord, size: Json) -> (&'static str, Json) {
    let Some(text) = size.as_str().map(str::to_owned) else { return (word.field(), size) };
    let value = match word {
        SizeWord::Preset(table, otherwise) => {
            let preset = sizes::named(table, &text).map(Json::from);
            preset.or_else(|| sizes::as_box(&text)).unwrap_or_else(|| Json::from(otherwise))
        }
        SizeWord::Ratio(table, ratios, otherwise) => {
            let known = sizes::named(table, &text).or_else(|| sizes::nearest(ratios, &text));
            Json::from(known.unwrap_or(otherwise))
        }
        SizeWord::Pixels if text == "auto" => size,
        SizeWord::Pixels => sizes::as_box(&text).unwrap_or(size),
    };
    (word.field(), value)
}

/// OpenAI's older words for qualities.
fn quality(word: String) -> String {
    match word.as_str() {
        "hd" => "high".to_owned(),
        "standard" => "medium".to_owned(),
        _ => word,
    }
}

/// Edits: pictures as `data:` URLs. GPT models and the banana family are below `/edit`; the depth model has one picture.
fn edit(request: &TaskRequest) -> Result<(String, Fields)> {
    files::image(request)?;
    let model = request.model.as_str();
    let lower = model.to_ascii_lowercase();
    let depth = lower.contains("flux-lora-depth");
    let banana = lower.contains("nano-banana");
    let mut fields = write::fields(request);
    write::rename(&mut fields, "n", "num_images");
    if let Some(size) = write::take(&mut fields, "size") {
        let word = if banana { Family::of(model).size } else { SizeWord::Pixels };
        let (name, value) = if size.as_str() == Some("auto") { (word.field(), size) } else { said(word, size) };
        write::set(&mut fields, name, value);
    }
    if let Some(asked) = request.str("quality") {
        write::set(&mut fields, "quality", quality(asked.to_owned()));
    }
    fields.retain(|(name, _)| match name.as_str() {
        "response_format" | "user" => false,
        "quality" | "background" => !depth && !banana,
        _ => true,
    });
    let urls: Vec<Json> = request.files("image").map(|file| Json::from(files::data_url(file))).collect();
    if depth {
        let [one] = urls
            .try_into()
            .map_err(|_| Error::bad_request("this model takes exactly one image").with_param("image"))?;
        write::set(&mut fields, "image_url", one);
        return Ok(("fal-ai/flux-lora-depth".to_owned(), fields));
    }
    write::set(&mut fields, "image_urls", Json::Array(urls));
    if let Some(mask) = request.files("mask").next() {
        write::set(&mut fields, "mask_url", files::data_url(mask));
    }
    let path = if model.ends_with("/edit") { model.to_owned() } else { format!("{model}/edit") };
    Ok((path, fields))
}
