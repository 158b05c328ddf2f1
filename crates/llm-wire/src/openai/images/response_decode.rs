//! Answers.

use llm_types::Result;
use serde_json::value::RawValue;

use super::answer::{Answer, Image};
use crate::codec::{ReplyContext, ReplyView, StreamErrors};
use crate::openai::errors;
use crate::openai::wire::{Count, List, Rest, Text, view};
use crate::task::{Sizing, TaskReply, TaskRequest};

view!(lenient ReplyIn {
    created = "created": Count,
    data = "data": List<ImageIn<'a>>,
    background = "background": Text<'a>,
    output_format = "output_format": Text<'a>,
    quality = "quality": Text<'a>,
    size = "size": Text<'a>,
    usage = "usage": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
});

view!(lenient ImageIn {
    b64_json = "b64_json": Text<'a>,
    url = "url": Text<'a>,
    revised_prompt = "revised_prompt": Text<'a>,
});

/// `told`: what the upstream does not say of size, quality and file format is taken from the request, or is what the
/// model does when nobody asks.
pub(super) fn decode(
    request: &TaskRequest,
    reply: &ReplyView<'_>,
    ctx: &ReplyContext,
    told: bool,
) -> Result<TaskReply> {
    let view: ReplyIn<'_> =
        serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
    let Some(data) = &view.data.0 else {
        return Err(match view.error {
            Some(error) => errors::decode_in_stream(error.get(), reply.provider, StreamErrors::ByCode),
            None => errors::invalid_reply(reply, "provider returned a response with no 'data'"),
        });
    };
    let usual = usual(&request.model);
    let asked = |name: &str, usual: &'static str| told.then(|| request.str(name).unwrap_or(usual));
    let answer = Answer {
        created: view.created.0.unwrap_or(ctx.created),
        data: data.iter().map(image).collect(),
        background: view.background.0.as_deref(),
        output_format: asked("output_format", "png").or(view.output_format.0.as_deref()),
        quality: asked("quality", usual).or(view.quality.0.as_deref()),
        size: asked("size", "1024x1024").or(view.size.0.as_deref()),
        usage: view.usage,
        counted: None,
        detailed: false,
        more: more(&view.rest),
    };
    let said = |told: &Text<'_>, name: &str| told.filled().or_else(|| request.str(name)).map(str::to_owned);
    let sizing = Sizing {
        image_size: said(&view.size, "size"),
        image_quality: said(&view.quality, "quality"),
        ..Sizing::default()
    };
    Ok(answer.reply(sizing))
}

fn image<'a>(image: &'a ImageIn<'_>) -> Image<'a> {
    Image {
        b64_json: image.b64_json.0.as_deref(),
        url: image.url.0.as_deref(),
        revised_prompt: image.revised_prompt.0.as_deref(),
        provider_specific_fields: None,
        more: more(&image.rest),
    }
}

fn more<'a>(rest: &'a Rest<'_>) -> Vec<(&'a str, &'a str)> {
    rest.iter().map(|(key, value)| (key.as_ref(), value.get())).collect()
}

/// The quality that LiteLLM names when nobody asked for one, by family; deployments are named freely.
fn usual(model: &str) -> &'static str {
    let bare: String = model.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    if bare.contains("dalle2") {
        "standard"
    } else if bare.contains("dalle3") {
        "hd"
    } else {
        "high"
    }
}
