//! `prompt_eval_count` and `eval_count`, in the last line of a stream or in an answer itself.

use llm_types::generate::UsageReport;

use crate::openai::usage::plain;
use crate::openai::wire::Count;

/// The report, when anything was counted. A prompt that Ollama has in its cache is not counted: then it is missing.
pub(super) fn report(input: Count, output: Count) -> Option<UsageReport> {
    input.0.or(output.0)?;
    Some(plain(input.0.unwrap_or(0), output.0.unwrap_or(0)))
}
