//! The service's complaints about searches.

use serde_json::Value;

use crate::prompt::text_field;
use crate::wording::Invalid;

pub(super) fn search(body: &Value) -> Result<(), Invalid> {
    match text_field(body, "query") {
        None => return Err(Invalid::new("Query is missing.")),
        Some(query) if query.chars().count() > 400 => {
            return Err(Invalid::new("Query is too long. Max query length is 400 characters."));
        }
        Some(_) => {}
    }
    match body.get("max_results").filter(|value| !value.is_null()).map(Value::as_u64) {
        None | Some(Some(0..=20)) => Ok(()),
        Some(_) => Err(Invalid::new("Invalid max results. Must be between 0 and 20.")),
    }
}
