//! Images over chat completions: the prompt is a message, the pictures stand in the answer's `images`. OpenRouter's way:
//! <https://openrouter.ai/docs/features/multimodal/image-generation>.

use llm_types::generate::UsageReport;
use llm_types::{Format, Json, OperationKind, Result, Usage, UsageSource};

use super::{files, sizes};
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{prompt, sizing};
use crate::openai::wire::{Count, List, Text, view};
use crate::task::write::{self, Fields};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct ChatImages;

const RATIOS: [(&str, &str); 8] = [
    ("256x256", "1:1"),
    ("512x512", "1:1"),
    ("1024x1024", "1:1"),
    ("1536x1024", "3:2"),
    ("1792x1024", "16:9"),
    ("1024x1536", "2:3"),
    ("1024x1792", "9:16"),
    ("auto", "1:1"),
];
const QUALITIES: [(&str, &str); 6] =
    [("low", "1K"), ("standard", "1K"), ("medium", "2K"), ("high", "4K"), ("hd", "4K"), ("auto", "1K")];

view!(lenient ReplyIn {
    choices = "choices": List<ChoiceIn<'a>>,
    usage = "usage": Option<UsageIn<'a>>,
    error = "error": Option<&'a serde_json::value::RawValue>,
});

view!(lenient ChoiceIn {
    message = "message": MessageIn<'a>,
});

view!(lenient MessageIn {
    images = "images": List<ImageIn<'a>>,
});

view!(lenient ImageIn {
    image_url = "image_url": UrlIn<'a>,
});

view!(lenient UrlIn {
    url = "url": Text<'a>,
});

view!(lenient UsageIn {
    input = "prompt_tokens": Count,
    output = "completion_tokens": Count,
    input_details = "prompt_tokens_details": DetailsIn<'a>,
    output_details = "completion_tokens_details": DetailsIn<'a>,
    cost = "cost": Option<f64>,
});

view!(lenient DetailsIn {
    images = "image_tokens": Count,
});

impl TaskCodec for ChatImages {
    fn format(&self) -> Format {
        Format::ChatImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let edit = request.operation == OperationKind::ImageEdit;
        let mut fields = if edit { Vec::new() } else { own_fields(request, ctx) };
        if edit && let Some(n) = request.fields.get("n") {
            fields.push(("n".to_owned(), n.clone()));
        }
        let config = image_config(request);
        if !config.is_empty() {
            write::set(&mut fields, "image_config", Json::Object(config));
        }
        let content = if edit { parts(request)? } else { Json::from(prompt(request)?) };
        let message = Json::object([("role", Json::from("user")), ("content", content)]);
        let mut body = vec![
            ("model".to_owned(), Json::from(request.model.as_str())),
            ("messages".to_owned(), Json::Array(vec![message])),
        ];
        if edit {
            body.push(("modalities".to_owned(), Json::Array(vec![Json::from("image"), Json::from("text")])));
        }
        body.append(&mut fields);
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let Some(choices) = &view.choices.0 else {
            return Err(match view.error {
                Some(e) => errors::decode_in_stream(e.get(), reply.provider, crate::codec::StreamErrors::ByCode),
                None => errors::invalid_reply(reply, "provider returned a response with no 'choices'"),
            });
        };
        let images = choices.iter().flat_map(|c| c.message.images.0.iter().flatten());
        let data = images.filter_map(|i| i.image_url.url.filled()).map(image).collect();
        let usage = view.usage.as_ref().map(usage);
        let answer = Answer { created: ctx.created, data, counted: usage, ..Answer::default() };
        Ok(answer.reply(sizing(request)))
    }
}

/// Fields of the request's own, without those that are said in other words.
fn own_fields(request: &TaskRequest, ctx: &EncodeContext<'_>) -> Fields {
    let mut fields = write::fields(request);
    let said = ["prompt", "size", "quality", "model", "messages", "modalities"];
    let foreign = |name: &str| ctx.drop_params && matches!(name, "style" | "response_format" | "user");
    fields.retain(|(name, _)| !said.contains(&name.as_str()) && !foreign(name));
    fields
}

fn image_config(request: &TaskRequest) -> Fields {
    let mut config = Fields::new();
    if let Some(size) = request.str("size") {
        config.push(("aspect_ratio".to_owned(), Json::from(sizes::named(&RATIOS, size).unwrap_or("1:1"))));
    }
    if let Some(class) = request.str("quality").and_then(|q| sizes::named(&QUALITIES, q)) {
        config.push(("image_size".to_owned(), Json::from(class)));
    }
    config
}

fn parts(request: &TaskRequest) -> Result<Json> {
    files::image(request)?;
    let picture = |url: String| {
        Json::object([("type", Json::from("image_url")), ("image_url", Json::object([("url", Json::from(url))]))])
    };
    let mut parts: Vec<Json> = request.files("image").map(|file| picture(files::data_url(file))).collect();
    if let Some(text) = request.str("prompt") {
        parts.push(Json::object([("type", Json::from("text")), ("text", Json::from(text))]));
    }
    Ok(Json::Array(parts))
}

fn image(url: &str) -> Image<'_> {
    match url.strip_prefix("data:").and_then(|data| data.split_once(',')) {
        Some((_, bytes)) => Image { b64_json: Some(bytes), ..Image::default() },
        None => Image { url: Some(url), ..Image::default() },
    }
}

/// Of the answer's tokens only those of images are told; the price is the upstream's own.
fn usage(view: &UsageIn<'_>) -> UsageReport {
    let input = view.input.0.unwrap_or(0);
    let images_in = view.input_details.images.0.unwrap_or(0).min(input);
    let output = view.output.0.unwrap_or(0);
    let images_out = view.output_details.images.0.unwrap_or(0).min(output);
    let usage = Usage {
        input_text: input - images_in,
        input_image: images_in,
        output_text: output - images_out,
        output_image: images_out,
        reported_cost: view.cost,
        source: UsageSource::Reported,
        ..Usage::default()
    };
    UsageReport { usage, raw: None }
}
