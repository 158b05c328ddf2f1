//! The service's complaints about documents.

use serde_json::Value;

use crate::prompt::text_field;
use crate::wording::Invalid;

use super::ocr::address;

const FIELDS: &[&str] = &[
    "bbox_annotation_format",
    "confidence_scores_granularity",
    "document",
    "document_annotation_format",
    "document_annotation_prompt",
    "extract_footer",
    "extract_header",
    "id",
    "image_limit",
    "image_min_size",
    "include_image_base64",
    "model",
    "pages",
    "table_format",
];

pub(super) fn ocr(body: &Value) -> Result<(), Invalid> {
    if text_field(body, "model").is_none_or(str::is_empty) {
        return Err(Invalid::new("Field required: body.model"));
    }
    let fields = body.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(name) = fields.into_iter().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Invalid::new(format!("Extra inputs are not permitted: body.{name}")));
    }
    match address(body) {
        None => Err(Invalid::new("Field required: body.document")),
        Some(address) if !["https://", "http://", "data:"].iter().any(|scheme| address.starts_with(scheme)) => {
            Err(Invalid::new("Document URL must be an HTTP(S) or data URL"))
        }
        Some(_) => Ok(()),
    }
}
