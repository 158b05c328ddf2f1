//! `{"billed_units": {"input_tokens", "output_tokens", "images", ...}, "tokens": {"input_tokens", "output_tokens"}}`.
//! Billed units leave out what Cohere adds to a prompt of its own; LiteLLM counts the tokens in the second language and
//! the billed units in the first.

use llm_types::generate::UsageReport;

use crate::openai::usage::plain;
use crate::openai::wire::{Count, view};

view!(lenient UsageView {
    billed = "billed_units": UnitsView<'a>,
    tokens = "tokens": UnitsView<'a>,
});

view!(lenient UnitsView {
    input = "input_tokens": Count,
    output = "output_tokens": Count,
    images = "images": Count,
});

impl UnitsView<'_> {
    /// The report, when anything was counted.
    pub(super) fn report(&self) -> Option<UsageReport> {
        self.input.0.or(self.output.0)?;
        Some(plain(self.input.0.unwrap_or(0), self.output.0.unwrap_or(0)))
    }
}
