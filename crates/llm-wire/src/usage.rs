//! Usage objects of every format, read by those who forward answers without reading them.

use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson, UsageSource};

use crate::gemini::Grounding;

/// The report of the usage objects that a stream or a reply held, in their order. Anthropic's streams report at the
/// start and at the end, later values win; elsewhere the last object counts.
#[must_use]
pub fn report(format: Format, raws: &[RawJson]) -> UsageReport {
    let Some(last) = raws.last() else { return UsageReport::default() };
    if format == Format::AnthropicMessages {
        let start = if raws.len() > 1 { raws.first() } else { None };
        return crate::anthropic::usage_report(start, last.get(), UsageSource::Reported);
    }
    if format == Format::GeminiGenerate {
        return crate::gemini::usage_report(last.get());
    }
    crate::openai::usage::decode(last.value(), format)
}

/// The same with what Gemini looked up; nothing without usage objects.
pub(crate) fn with_grounding(format: Format, raws: &[RawJson], grounding: Grounding) -> Option<UsageReport> {
    let last = raws.last()?;
    if format == Format::GeminiGenerate {
        return Some(crate::gemini::grounded_report(last.get(), grounding));
    }
    Some(report(format, raws))
}
