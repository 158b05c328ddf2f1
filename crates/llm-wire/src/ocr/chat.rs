//! Models that read a document as an answer of chat completions (DeepSeek OCR as a managed model of Vertex AI).

use llm_types::{Format, Json, Result};

use super::answer::{self, Page};
use super::document;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::wire::{List, Text, view};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct ChatOcr;

/// What the model's makers advise, said unless the client says otherwise.
const ADVISED: [(&str, &str); 2] = [("temperature", "0.0"), ("repetition_penalty", "1.05")];
/// Fields that go on.
const FIELDS: [&str; 5] = ["temperature", "max_tokens", "top_p", "n", "stop"];

view!(lenient ReplyIn {
    choices = "choices": List<ChoiceIn<'a>>,
    usage = "usage": Option<&'a serde_json::value::RawValue>,
});

view!(lenient ChoiceIn {
    message = "message": MessageIn<'a>,
});

view!(lenient MessageIn {
    content = "content": Text<'a>,
});

// What such a model may write: pages as JSON.
view!(lenient PagesIn {
    pages = "pages": List<PageIn<'a>>,
});

view!(lenient PageIn {
    markdown = "markdown": Text<'a>,
});

impl TaskCodec for ChatOcr {
    fn format(&self) -> Format {
        Format::ChatOcr
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let (_, url) = document::source(request)?;
        let part = Json::object([("type", Json::from("image_url")), ("image_url", Json::from(url))]);
        let message = Json::object([("role", Json::from("user")), ("content", Json::Array(vec![part]))]);
        let mut fields = vec![
            ("model".to_owned(), Json::from(request.model.as_str())),
            ("messages".to_owned(), Json::Array(vec![message])),
        ];
        fields.extend(write::fields(request).into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str())));
        for (name, value) in ADVISED {
            if fields.iter().all(|(known, _)| known != name) {
                fields.push((name.to_owned(), serde_json::from_str(value).unwrap_or_default()));
            }
        }
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let choice = view.choices.0.as_deref().and_then(<[_]>::first);
        let text = choice.and_then(|c| c.message.content.filled());
        let text = text.ok_or_else(|| errors::invalid_reply(reply, "no content in the answer"))?;
        let told: PagesIn<'_> = serde_json::from_str(text).unwrap_or_default();
        let markdowns = match &told.pages.0 {
            Some(pages) => pages.iter().map(|p| p.markdown.0.as_deref().unwrap_or_default().to_owned()).collect(),
            None => vec![text.to_owned()],
        };
        let pages: Vec<Page> =
            (0..).zip(markdowns).map(|(index, markdown)| Page { index, markdown, ..Page::default() }).collect();
        let usage = view.usage.map(|raw| crate::openai::usage::decode(raw, Format::OpenAiChat).usage);
        Ok(answer::reply(&pages, answer::shown(request, ctx), usage.unwrap_or_default()))
    }
}
