//! Pictures of Amazon's and Stability's models.

use serde_json::Value;

use crate::content::PICTURE;
use crate::reply::Reply;
use crate::service::Call;
use crate::template::fill;

use super::super::errors::ApiError;
use super::super::json_reply;
use super::check::told;
use super::families::Maker;
use super::frames;

pub(super) fn reply(call: &Call<'_>, maker: Maker) -> Result<Reply, ApiError> {
    let (pointer, count, row, whole) = match maker {
        Maker::AmazonImages => {
            ("/textToImageParams/text", "/imageGenerationConfig/numberOfImages", "\"@data@\"", frames::AMAZON_IMAGES)
        }
        Maker::StabilityXl => ("/text_prompts/0/text", "/samples", frames::ARTIFACT, frames::ARTIFACTS),
        _ => ("/prompt", "/samples", "\"@data@\"", frames::STABILITY),
    };
    // a picture may also be made of another one
    if call.body.get("taskType").and_then(Value::as_str).is_none_or(|task| task == "TEXT_IMAGE") {
        told(call.body, pointer)?;
    }
    let count = call.body.pointer(count).and_then(Value::as_u64).unwrap_or(1);
    let row = fill(row, &[("data", PICTURE)]);
    let rows: Vec<&str> = (0..count).map(|_| row.as_str()).collect();
    Ok(json_reply(call, fill(whole, &[("images", &rows.join(","))])))
}
