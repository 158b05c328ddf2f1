//! Pages of a document as text.

use serde_json::Value;

use crate::prompt::text_field;
use crate::reply::{Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::frames;

/// Every document has this many pages.
const PAGES: u64 = 2;

/// Where the document is: a URL, or the document itself as a `data:` URL.
pub(super) fn address(body: &Value) -> Option<&str> {
    let document = body.get("document")?;
    let url = |name: &str| document.get(name).and_then(|url| url.as_str().or_else(|| text_field(url, "url")));
    url("document_url").or_else(|| url("image_url"))
}

pub(super) fn reply(call: &Call<'_>) -> Reply {
    let wanted = call.body.get("pages").and_then(Value::as_array);
    let pages: Vec<u64> = match wanted {
        Some(pages) => pages.iter().filter_map(Value::as_u64).filter(|page| *page < PAGES).collect(),
        None if address(call.body).is_some_and(|url| url.starts_with("data:image")) => vec![0],
        None => (0..PAGES).collect(),
    };
    let texts = |page: u64| match &call.script.text {
        Some(text) => text.clone(),
        None => format!("# Page {}\n\nThe text of this page.", page + 1),
    };
    let rows: Vec<String> = pages
        .iter()
        .map(|page| fill(frames::PAGE, &[("index", &page.to_string()), ("markdown", &quote(&texts(*page)))]))
        .collect();
    let model = call.script.served_model.as_deref().unwrap_or(&call.prompt.model);
    let values = [("pages", rows.join(",")), ("model", quote(model)), ("count", pages.len().to_string())];
    let body = fill(frames::OCR, &values.each_ref().map(|(key, value)| (*key, value.as_str())));
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("mistral-correlation-id", format!("0198a5c2-{}", call.request_id)),
    ];
    Reply { status: 200, headers, payload: Payload::Whole(body.into()) }
}
