//! What a row's answers need before they are true answers of their format.

use llm_types::generate::GenerateResponse;
use llm_types::stream::EventFilter;

use crate::row::ProviderRow;

/// Changes a decoded answer where the row's replies deviate.
pub fn normalise(_row: &ProviderRow, _response: &mut GenerateResponse) {}

/// What stands between the reader and the writer of a stream of the row.
#[must_use]
pub fn filters(_row: &ProviderRow) -> Vec<Box<dyn EventFilter>> {
    Vec::new()
}
