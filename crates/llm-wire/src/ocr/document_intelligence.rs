//! Azure Document Intelligence: an analysis is a job whose place a header names:
//! <https://learn.microsoft.com/azure/ai-services/document-intelligence/>.

use std::time::Duration;

use llm_types::{Error, Format, Json, Kind, Result, UpstreamDetail, Usage};

use super::answer::{self, Page};
use super::document;
use crate::codec::http_headers::get;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::wire::{Count, List, Text, view};
use crate::task::{FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest, write};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct DocumentIntelligence;

/// How long to wait when the upstream does not say.
const PAUSE: Duration = Duration::from_secs(2);
/// Pixels per inch that LiteLLM tells.
const DPI: f64 = 96.0;

view!(lenient ReplyIn {
    status = "status": Text<'a>,
    result = "analyzeResult": ResultIn<'a>,
    error = "error": ErrorIn<'a>,
});

view!(lenient ErrorIn {
    message = "message": Text<'a>,
});

view!(lenient ResultIn {
    pages = "pages": List<PageIn<'a>>,
});

view!(lenient PageIn {
    number = "pageNumber": Count,
    width = "width": Option<f64>,
    height = "height": Option<f64>,
    unit = "unit": Text<'a>,
    lines = "lines": List<LineIn<'a>>,
});

view!(lenient LineIn {
    content = "content": Text<'a>,
});

impl TaskCodec for DocumentIntelligence {
    fn format(&self) -> Format {
        Format::AzureDocumentOcr
    }

    fn encode(&self, request: &TaskRequest, _: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let (_, url) = document::source(request)?;
        let field = match url.strip_prefix("data:").and_then(|data| data.split_once(',')) {
            Some((_, bytes)) => ("base64Source".to_owned(), Json::from(bytes)),
            None => ("urlSource".to_owned(), Json::from(url)),
        };
        let pages = request.fields.get("pages").filter(|p| !p.is_null()).map(pages).transpose()?;
        let query = pages.filter(|p| !p.is_empty()).map(|p| ("pages".to_owned(), p)).into_iter().collect();
        Ok(TaskOut { body: write::json(vec![field]), query, ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view = read(reply)?;
        let pages: Vec<Page> = view.result.pages.0.iter().flatten().map(page).collect();
        Ok(answer::reply(&pages, answer::shown(request, ctx), Usage::default()))
    }

    fn next(&self, _: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        let status = if reply.body.is_empty() { None } else { read(reply)?.status.0.map(|s| s.into_owned()) };
        match status.as_deref() {
            Some("succeeded") => return Ok(Next::Done),
            Some("failed" | "canceled") => {
                let why = read(reply)?.error.message.0.map_or_else(|| "unknown error".to_owned(), |m| m.into_owned());
                let detail =
                    UpstreamDetail { status: 400, provider: reply.provider.to_owned(), ..UpstreamDetail::default() };
                return Err(errors::upstream_error(Kind::BadRequest, &format!("analysis failed: {why}"), detail));
            }
            _ => {}
        }
        let place = get(reply.headers, "operation-location");
        let place = place.ok_or_else(|| errors::invalid_reply(reply, "no Operation-Location header"))?;
        let url = FollowUrl::Absolute(place.to_owned());
        let request = FollowUp { method: "GET", url, body: TaskBody::None, streams: false };
        let after = errors::retry_after(reply.headers).unwrap_or(PAUSE);
        Ok(Next::Send { after: if step == 0 { after.min(PAUSE) } else { after }, request: Box::new(request) })
    }
}

fn read<'a>(reply: &ReplyView<'a>) -> Result<ReplyIn<'a>> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; sides are positive")]
fn page(page: &PageIn<'_>) -> Page {
    let scale = if page.unit.filled().unwrap_or("inch") == "inch" { DPI } else { 1.0 };
    let side = |length: Option<f64>, usual: f64| (length.unwrap_or(usual) * scale) as u64;
    let lines: Vec<&str> = page.lines.0.iter().flatten().map(|l| l.content.0.as_deref().unwrap_or_default()).collect();
    Page {
        index: page.number.0.unwrap_or(1).saturating_sub(1),
        markdown: lines.join("\n"),
        dimensions: Some((side(page.width, 8.5), side(page.height, 11.0), DPI as u64)),
        blocks: None,
    }
}

/// Pages as the upstream counts them, from 1: numbers count from 0, texts are its own words (`1-3,5`).
fn pages(pages: &Json) -> Result<String> {
    let wrong =
        || Error::bad_request("pages must be a list of numbers from 0 or a text like '1-3,5'").with_param("pages");
    let one = |page: &Json| match (page.as_i64(), page.as_str()) {
        (Some(number), _) if number >= 0 => Ok((number + 1).to_string()),
        (None, Some(text)) => Ok(text.trim().to_owned()),
        _ => Err(wrong()),
    };
    let told = match (pages.as_array(), pages.as_str()) {
        (Some(list), _) => list.iter().map(one).collect::<Result<Vec<_>>>()?.join(","),
        (None, Some(text)) => text.replace(' ', ""),
        (None, None) => return Err(wrong()),
    };
    if told.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b',') { Ok(told) } else { Err(wrong()) }
}
