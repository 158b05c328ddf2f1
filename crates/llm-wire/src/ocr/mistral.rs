//! Mistral's OCR, which is the shape of clients: <https://docs.mistral.ai/api/#tag/ocr>.

use llm_types::generate::UsageReport;
use llm_types::{Format, Json, Result, Usage, UsageSource};

use super::document;
use crate::codec::{EncodeContext, ReplyContext, ReplyView, StreamErrors};
use crate::openai::errors;
use crate::openai::wire::{Count, List, view};
use crate::task::{TaskCodec, TaskOut, TaskReply, TaskRequest, write};
use crate::top::Top;

/// Mistral.
pub static MISTRAL: MistralOcr = MistralOcr { inline: false };
/// Hosts that fetch no URL: documents go as `data:` URLs.
pub static INLINE: MistralOcr = MistralOcr { inline: true };

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct MistralOcr {
    inline: bool,
}

view!(lenient ReplyIn {
    pages = "pages": List<&'a serde_json::value::RawValue>,
    usage = "usage_info": UsageIn,
    error = "error": Option<&'a serde_json::value::RawValue>,
});

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct UsageIn {
    pages_processed: Count,
    pages_processed_annotation: Count,
    credits: Option<f64>,
}

impl TaskCodec for MistralOcr {
    fn format(&self) -> Format {
        if self.inline { Format::MistralOcrInline } else { Format::MistralOcr }
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        fields.insert(0, ("model".to_owned(), Json::from(request.model.as_str())));
        if document::named(request).is_none() {
            let (kind, url) = document::source(request)?;
            let document = Json::object([("type", Json::from(kind)), (kind, Json::from(url))]);
            write::set(&mut fields, "document", document);
        }
        Ok(TaskOut { body: write::json(fields), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let invalid = |e: &dyn std::fmt::Display| errors::invalid_reply(reply, &e.to_string());
        let view: ReplyIn<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid(&e))?;
        let Some(pages) = &view.pages.0 else {
            return Err(match view.error {
                Some(error) => errors::decode_in_stream(error.get(), reply.provider, StreamErrors::ByCode),
                None => invalid(&"provider returned a response with no 'pages'"),
            });
        };
        let usage = Usage {
            pages: view.usage.pages_processed.0.unwrap_or(pages.len() as u64),
            annotation_pages: view.usage.pages_processed_annotation.0.unwrap_or(0),
            credits: view.usage.credits.unwrap_or(0.0),
            source: UsageSource::Reported,
            ..Usage::default()
        };
        let top = Top::parse(reply.body)?;
        let own = top.get("model").map(str::to_owned);
        let echo = ctx.model.as_deref().map(|model| Json::from(model).to_string());
        let named = echo.or(own).unwrap_or_else(|| Json::from(request.model.as_str()).to_string());
        let body = top.edited(&[("model", Some(&named)), ("object", Some("\"ocr\""))]);
        Ok(TaskReply::json(body, Some(UsageReport { usage, raw: None })))
    }

    fn fetches<'r>(&self, request: &'r TaskRequest) -> Option<&'r str> {
        let (_, url) = document::named(request).filter(|_| self.inline)?;
        url.starts_with("http").then_some(url)
    }

    fn put_fetched(&self, request: &mut TaskRequest, data_url: String) {
        document::put(request, data_url);
    }
}
