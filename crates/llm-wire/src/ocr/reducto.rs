//! Reducto: a document is uploaded, then parsed by the id it got. <https://docs.reducto.ai/api-reference/parse>
//!
//! `POST /upload` (a form) gives `{"file_id": "reducto://..."}`; `POST /parse` gives chunks of blocks, each with its
//! page. Models named `legacy` are asked in the words of the older interface.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_types::{Error, Format, Json, Result, Usage};

use super::answer::{self, Page};
use super::document;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::task::write::{self, Fields};
use crate::task::{FilePart, FollowUp, FollowUrl, Next, TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Reducto;

/// How ids of uploaded documents begin.
const UPLOADED: &str = "reducto://";
/// What the interface of today takes besides the document.
const OPTIONS: [&str; 3] = ["formatting", "retrieval", "settings"];

impl TaskCodec for Reducto {
    fn format(&self) -> Format {
        Format::ReductoParse
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let taken: &[&str] = if is_legacy(request) { &["enhance"] } else { &OPTIONS };
        let all = write::fields(request).into_iter().map(|(name, _)| name);
        ctx.lost.extend(all.filter(|name| name != "document" && !taken.contains(&name.as_str())));
        let (_, url) = document::source(request)?;
        if url.starts_with(UPLOADED) {
            let body = write::json(parse(request, &url));
            return Ok(TaskOut { body, beside: Some("/parse".to_owned()), ..TaskOut::default() });
        }
        let file = bytes(&url)?;
        let body = TaskBody::Form { fields: Vec::new(), files: vec![file] };
        Ok(TaskOut { body, beside: Some("/upload".to_owned()), ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let tree = read(reply)?;
        let result = tree.get("result").filter(|r| !r.is_null()).unwrap_or(&tree);
        let chunks = result.get("chunks").and_then(Json::as_array);
        if chunks.is_none() && result.get("url").is_some() {
            return Err(errors::invalid_reply(reply, "the result is too large for a reply, it is kept behind a URL"));
        }
        let usage = tree.get("usage");
        let count = |name: &str| usage.and_then(|u| u.get(name)?.as_f64()).filter(|n| *n > 0.0).unwrap_or_default();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of pages, not negative")]
        let usage = Usage { pages: count("num_pages") as u64, credits: count("credits"), ..Usage::default() };
        Ok(answer::reply(&pages(chunks.unwrap_or_default()), answer::shown(request, ctx), usage))
    }

    fn next(&self, request: &TaskRequest, step: u32, reply: &ReplyView<'_>) -> Result<Next> {
        if step > 0 || document::source(request)?.1.starts_with(UPLOADED) {
            return Ok(Next::Done);
        }
        let tree = read(reply)?;
        let id = tree.text("file_id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| errors::invalid_reply(reply, "no file_id of an uploaded document"))?;
        let body = write::json(parse(request, id));
        let url = FollowUrl::Beside("/parse".to_owned());
        let request = Box::new(FollowUp { method: "POST", url, body, streams: false });
        Ok(Next::Send { after: Duration::ZERO, request })
    }
}

fn is_legacy(request: &TaskRequest) -> bool {
    request.model.contains("legacy")
}

/// What is asked of an uploaded document.
fn parse(request: &TaskRequest, id: &str) -> Fields {
    let given = |name: &str| request.fields.get(name).filter(|v| !v.is_null()).cloned();
    if is_legacy(request) {
        let mut body = vec![("document_url".to_owned(), Json::from(id))];
        if let Some(enhance) = given("enhance") {
            body.push(("options".to_owned(), Json::object([("enhance", enhance)])));
        }
        return body;
    }
    let mut body = vec![("input".to_owned(), Json::from(id))];
    body.extend(OPTIONS.iter().filter_map(|name| Some(((*name).to_owned(), given(name)?))));
    body
}

/// The document of a `data:` URL.
fn bytes(url: &str) -> Result<FilePart> {
    let wrong = |why: &str| Error::bad_request(why.to_owned());
    let none = "Reducto requires type='file' (auto-uploaded) or a reducto:// id. Plain http(s) URLs are not supported; \
                upload the file first.";
    let (head, coded) = url.strip_prefix("data:").and_then(|u| u.split_once(',')).ok_or_else(|| wrong(none))?;
    let kind = head.strip_suffix(";base64").ok_or_else(|| wrong("a data: URL must be written in base64"))?;
    let data = STANDARD.decode(coded).map_err(|_| wrong("the base64 of the document cannot be read"))?;
    let kind = kind.split(';').next().filter(|k| !k.is_empty()).unwrap_or("application/octet-stream");
    Ok(FilePart {
        name: "file".to_owned(),
        filename: Some("document".to_owned()),
        content_type: Some(kind.to_owned()),
        data: Bytes::from(data),
        more: None,
    })
}

/// Blocks by their pages; chunks that tell no page are one.
fn pages(chunks: &[Json]) -> Vec<Page> {
    let mut by_page: BTreeMap<u64, Vec<&Json>> = BTreeMap::new();
    let list = |json: &'_ Json, name: &str| json.get(name).and_then(Json::as_array).map(<[_]>::len).unwrap_or_default();
    for chunk in chunks.iter().filter(|chunk| list(chunk, "blocks") > 0) {
        for block in chunk.get("blocks").and_then(Json::as_array).unwrap_or_default() {
            let page = block.get("bbox").and_then(|b| b.get("page")?.as_i64()).and_then(|n| u64::try_from(n).ok());
            if let Some(page) = page {
                by_page.entry(page).or_default().push(block);
            }
        }
    }
    let text = |item: &Json| item.text("content").filter(|c| !c.is_empty()).map(str::to_owned);
    if by_page.is_empty() {
        let markdown = chunks.iter().filter_map(text).collect::<Vec<_>>().join("\n\n");
        return if markdown.is_empty() { Vec::new() } else { vec![Page { markdown, ..Page::default() }] };
    }
    let page = |(number, blocks): (u64, Vec<&Json>)| Page {
        index: number.saturating_sub(1),
        markdown: blocks.iter().filter_map(|b| text(b)).collect::<Vec<_>>().join("\n\n"),
        blocks: Some(Json::Array(blocks.into_iter().cloned().collect())),
        ..Page::default()
    };
    by_page.into_iter().map(page).collect()
}

fn read(reply: &ReplyView<'_>) -> Result<Json> {
    serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))
}
