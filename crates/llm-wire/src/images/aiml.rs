//! AI/ML API: OpenAI's path, own names of parameters, answers in one of three shapes.

use llm_types::{Format, Json, Result};

use super::sizes;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, sizing};
use crate::openai::wire::{List, Text, view};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Aiml;

view!(lenient ReplyIn {
    data = "data": List<ImageIn<'a>>,
    output = "output": OutputIn<'a>,
    images = "images": List<ImageIn<'a>>,
});

view!(lenient OutputIn {
    choices = "choices": List<ImageIn<'a>>,
});

view!(lenient ImageIn {
    url = "url": Text<'a>,
    b64_json = "b64_json": Text<'a>,
    image_base64 = "image_base64": Text<'a>,
    revised_prompt = "revised_prompt": Text<'a>,
});

impl TaskCodec for Aiml {
    fn format(&self) -> Format {
        Format::AimlImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "response_format", "size"])?;
        write::take(&mut fields, "user");
        write::rename(&mut fields, "n", "num_images");
        write::rename(&mut fields, "response_format", "output_format");
        if let Some(size) = write::take(&mut fields, "size") {
            let told = size.as_str().and_then(sizes::as_box).unwrap_or(size);
            write::set(&mut fields, "image_size", told);
        }
        write::set(&mut fields, "model", Json::from(request.model.as_str()));
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let images = [&view.data, &view.output.choices, &view.images].into_iter().find_map(|list| list.0.as_deref());
        let Some(images) = images else {
            return Err(errors::invalid_reply(reply, "provider returned a response with no images"));
        };
        let answer = Answer { created: ctx.created, data: images.iter().map(image).collect(), ..Answer::default() };
        Ok(answer.reply(sizing(request)))
    }
}

fn image<'a>(image: &'a ImageIn<'_>) -> Image<'a> {
    let bytes = image.b64_json.filled().or(image.image_base64.filled());
    let url = image.url.filled();
    Image {
        b64_json: bytes.filter(|_| url.is_none()),
        url,
        revised_prompt: image.revised_prompt.filled(),
        ..Image::default()
    }
}
