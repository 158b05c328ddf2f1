//! An answer of pages.

use llm_types::generate::UsageReport;
use llm_types::{Json, Usage, UsageSource};

use crate::codec::ReplyContext;
use crate::task::{TaskReply, TaskRequest};

/// One page that was read.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub index: u64,
    pub markdown: String,
    /// Pixels wide, high, and per inch.
    pub dimensions: Option<(u64, u64, u64)>,
    /// What the house tells of it besides.
    pub blocks: Option<Json>,
}

/// The name of the model that the client knows.
pub(super) fn shown<'a>(request: &'a TaskRequest, ctx: &'a ReplyContext) -> &'a str {
    ctx.model.as_deref().unwrap_or(&request.model)
}

/// Writes an answer. Pages that `usage` counts are those that the house says it read.
pub(super) fn reply(pages: &[Page], model: &str, usage: Usage) -> TaskReply {
    let page = |page: &Page| {
        let mut out = vec![
            ("index".to_owned(), Json::from(page.index)),
            ("markdown".to_owned(), Json::from(page.markdown.as_str())),
        ];
        if let Some((width, height, dpi)) = page.dimensions {
            let dimensions = Json::object([("width", width), ("height", height), ("dpi", dpi)]);
            out.push(("dimensions".to_owned(), dimensions));
        }
        if let Some(blocks) = &page.blocks {
            out.push(("blocks".to_owned(), blocks.clone()));
        }
        Json::Object(out)
    };
    let read = if usage.pages == 0 { pages.len() as u64 } else { usage.pages };
    // Models of chat tell tokens instead.
    let mut info = match usage.total_tokens() {
        0 => Json::object([("pages_processed", read)]),
        total => Json::object([
            ("prompt_tokens", usage.total_input()),
            ("completion_tokens", usage.total_output()),
            ("total_tokens", total),
        ]),
    };
    if usage.credits > 0.0 {
        info.set("credits", usage.credits);
    }
    let body = Json::object([
        ("pages", Json::Array(pages.iter().map(page).collect())),
        ("model", Json::from(model)),
        ("usage_info", info),
        ("object", Json::from("ocr")),
    ]);
    let counted = Usage { pages: read, source: UsageSource::Reported, ..usage };
    TaskReply::json(body.to_string(), Some(UsageReport { usage: counted, raw: None }))
}
