//! DashScope's multimodal generation: images of the Qwen family. Errors may come inside a 200.

use llm_types::{Format, Json, Result, UpstreamDetail};

use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::images::answer::{Answer, Image};
use crate::openai::images::{JUDGED, prompt, sizing};
use crate::openai::wire::{List, Text, view};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Qwen;

view!(lenient ReplyIn {
    code = "code": Text<'a>,
    message = "message": Text<'a>,
    output = "output": Option<OutputIn<'a>>,
});

view!(lenient OutputIn {
    choices = "choices": List<ChoiceIn<'a>>,
});

view!(lenient ChoiceIn {
    message = "message": MessageIn<'a>,
});

view!(lenient MessageIn {
    content = "content": List<PartIn<'a>>,
});

view!(lenient PartIn {
    image = "image": Text<'a>,
});

impl TaskCodec for Qwen {
    fn format(&self) -> Format {
        Format::QwenImages
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::taken(request, ctx, &JUDGED, &["n", "size"])?;
        let text = Json::object([("text", Json::from(prompt(request)?))]);
        let message = Json::object([("role", Json::from("user")), ("content", Json::Array(vec![text]))]);
        fields.retain(|(name, _)| !matches!(name.as_str(), "prompt" | "user"));
        if let Some(size) = request.str("size") {
            write::set(&mut fields, "size", size.replace('x', "*"));
        }
        let input = Json::object([("messages", Json::Array(vec![message]))]);
        let body = vec![
            ("model".to_owned(), Json::from(request.model.as_str())),
            ("input".to_owned(), input),
            ("parameters".to_owned(), Json::Object(fields)),
        ];
        Ok(TaskOut { body: write::json(body), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let Some(output) = &view.output else {
            let said = view.message.filled().unwrap_or("no output");
            let detail = UpstreamDetail {
                status: reply.status,
                provider: reply.provider.to_owned(),
                code: view.code.filled().map(str::to_owned),
                ..UpstreamDetail::default()
            };
            return Err(errors::upstream_error(llm_types::Kind::BadRequest, said, detail).with_status(400));
        };
        let choices = output.choices.0.iter().flatten();
        let parts = choices.flat_map(|c| c.message.content.0.iter().flatten());
        let urls = parts.filter_map(|p| p.image.filled());
        let data = urls.map(|url| Image { url: Some(url), ..Image::default() }).collect();
        Ok(Answer { created: ctx.created, data, ..Answer::default() }.reply(sizing(request)))
    }
}
