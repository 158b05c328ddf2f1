//! Amazon Textract: a page or a document of few pages is read at once, as blocks of which lines hold the text.
//! <https://docs.aws.amazon.com/textract/latest/dg/API_DetectDocumentText.html>,
//! <https://docs.aws.amazon.com/textract/latest/dg/API_AnalyzeDocument.html>
//!
//! Models named `analyze...` analyse, which needs `feature_types`; all others detect text.

use std::collections::BTreeMap;

use bytes::Bytes;
use llm_types::{Error, Format, Json, Result, Usage};

use super::answer::{self, Page};
use super::document;
use crate::codec::{EncodeContext, ReplyContext, ReplyView};
use crate::openai::errors;
use crate::openai::wire::{Count, List, Text, view};
use crate::task::write::{self, Fields};
use crate::task::{TaskBody, TaskCodec, TaskOut, TaskReply, TaskRequest};

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Textract;

/// What requests of this protocol are called.
const TYPE: &str = "application/x-amz-json-1.1";

view!(lenient ReplyIn {
    metadata = "DocumentMetadata": MetadataIn<'a>,
    blocks = "Blocks": List<BlockIn<'a>>,
});

view!(lenient MetadataIn {
    pages = "Pages": Count,
});

view!(lenient BlockIn {
    kind = "BlockType": Text<'a>,
    text = "Text": Text<'a>,
    page = "Page": Count,
});

impl TaskCodec for Textract {
    fn format(&self) -> Format {
        Format::Textract
    }

    fn encode(&self, request: &TaskRequest, ctx: &mut EncodeContext<'_>) -> Result<TaskOut> {
        let mut fields = write::fields(request);
        write::take(&mut fields, "document");
        let features = ["feature_types", "FeatureTypes"].into_iter().find_map(|name| write::take(&mut fields, name));
        let mut body: Fields = vec![("Document".to_owned(), source(request)?)];
        let analyzes = request.model.to_ascii_lowercase().contains("analy");
        let target = match (analyzes, features) {
            (true, Some(features)) => {
                body.push(("FeatureTypes".to_owned(), features));
                "Textract.AnalyzeDocument"
            }
            (true, None) => {
                let why = "feature_types is needed to analyse a document: TABLES, FORMS, QUERIES, SIGNATURES, LAYOUT";
                return Err(Error::bad_request(why).with_param("feature_types"));
            }
            (false, features) => {
                ctx.lost.extend(features.map(|_| "feature_types".to_owned()));
                "Textract.DetectDocumentText"
            }
        };
        // what AWS alone knows: QueriesConfig, AdaptersConfig ...
        let (own, foreign): (Fields, Fields) =
            fields.into_iter().partition(|(name, _)| analyzes && name.starts_with(|c: char| c.is_ascii_uppercase()));
        body.extend(own);
        ctx.lost.extend(foreign.into_iter().map(|(name, _)| name));
        let data = Bytes::from(Json::Object(body).to_string());
        let headers = vec![("x-amz-target".to_owned(), target.to_owned())];
        Ok(TaskOut { body: TaskBody::Raw { content_type: TYPE.to_owned(), data }, headers, ..TaskOut::default() })
    }

    fn decode(&self, request: &TaskRequest, reply: &ReplyView<'_>, ctx: &ReplyContext) -> Result<TaskReply> {
        let view: ReplyIn<'_> =
            serde_json::from_slice(reply.body).map_err(|e| errors::invalid_reply(reply, &e.to_string()))?;
        let blocks = view.blocks.0.ok_or_else(|| errors::invalid_reply(reply, "an answer without blocks"))?;
        let mut lines: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for block in &blocks {
            let page = lines.entry(block.page.0.unwrap_or(1)).or_default();
            if block.kind.filled() == Some("LINE") {
                page.extend(block.text.filled());
            }
        }
        let page = |(number, lines): (u64, Vec<&str>)| Page {
            index: number.saturating_sub(1),
            markdown: lines.join("\n"),
            ..Page::default()
        };
        let pages: Vec<Page> = lines.into_iter().map(page).collect();
        let read = view.metadata.pages.0.unwrap_or_default();
        Ok(answer::reply(&pages, answer::shown(request, ctx), Usage { pages: read, ..Usage::default() }))
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        crate::bedrock::error::decode(reply)
    }

    /// It reads bytes and objects of S3, no URLs.
    fn fetches<'r>(&self, request: &'r TaskRequest) -> Option<&'r str> {
        document::named(request).map(|(_, url)| url).filter(|url| url.starts_with("http"))
    }

    fn put_fetched(&self, request: &mut TaskRequest, data_url: String) {
        document::put(request, data_url);
    }
}

/// The document: bytes, or an object of S3.
fn source(request: &TaskRequest) -> Result<Json> {
    let (_, url) = document::source(request)?;
    if let Some((bucket, name)) = url.strip_prefix("s3://").and_then(|place| place.split_once('/')) {
        return Ok(Json::object([("S3Object", Json::object([("Bucket", bucket), ("Name", name)]))]));
    }
    let coded = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    let wrong = || Error::bad_request("a document must be a file, a URL or an object of S3");
    let (_, bytes) = coded.ok_or_else(wrong)?;
    Ok(Json::object([("Bytes", bytes)]))
}
