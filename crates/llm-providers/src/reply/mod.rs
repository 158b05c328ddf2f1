//! What a row's answers need before they are true answers of their format. Reading foreign spellings is the codec's
//! work; here is what only a row can know.

mod parts;
mod stream;

use llm_types::generate::{GenerateResponse, UsageReport};
use llm_types::stream::EventFilter;
use llm_types::{Error, Format};
use llm_wire::codec::StreamErrors;

use crate::quirk::{Quirk, Quirks};
use crate::row::{ProviderRow, RowFormat};

/// The quirks that touch answers.
const TOUCHING: Quirks = Quirks::of(&[
    Quirk::ThinkTags,
    Quirk::ReasoningParts,
    Quirk::ReasoningTokensApart,
    Quirk::OwnServiceTier,
    Quirk::EmptyIsNull,
    Quirk::OwnMessageFields,
]);

/// The words for tiers that OpenAI's clients know.
const TIERS: [&str; 4] = ["auto", "default", "flex", "priority"];

/// Changes a decoded answer where the row's replies deviate, for a client of this format.
pub fn normalise(row: &ProviderRow, client: Format, response: &mut GenerateResponse) {
    let quirks = row.quirks;
    if !quirks.any(TOUCHING) {
        return;
    }
    for choice in &mut response.choices {
        if quirks.has(Quirk::ReasoningParts) {
            parts::reasoning(&mut choice.parts);
        }
        if quirks.has(Quirk::ThinkTags) {
            parts::think_tags(&mut choice.parts);
        }
        if quirks.has(Quirk::OwnMessageFields) && client == Format::OpenAiChat {
            parts::own_fields(choice);
        }
        if quirks.has(Quirk::EmptyIsNull) {
            parts::drop_lone_empty_text(&mut choice.parts);
        }
    }
    if quirks.has(Quirk::OwnServiceTier) {
        tier(&mut response.service_tier);
    }
    if let Some(report) = response.usage.as_mut().filter(|_| quirks.has(Quirk::ReasoningTokensApart)) {
        fold_reasoning(report);
    }
}

/// Thoughts that stand in tags at the head of a whole answer of chat are told as such, whoever wrote them.
pub fn think_tags(response: &mut GenerateResponse) {
    response.choices.iter_mut().for_each(|choice| parts::think_tags(&mut choice.parts));
}

/// What stands between the reader and the writer of a stream of the row.
#[must_use]
pub fn filters(row: &ProviderRow) -> Vec<Box<dyn EventFilter>> {
    if row.quirks.any(stream::TOUCHING) { vec![Box::new(stream::Normalise::new(row.quirks))] } else { Vec::new() }
}

/// Changes a decoded error reply as LiteLLM's clients see it for this row, of a call in this language.
pub fn error(row: &ProviderRow, spoken: Format, error: &mut Error) {
    llm_wire::openai::errors::hear_timeout(error);
    if row.format == RowFormat::OpenAi && !row.quirks.has(Quirk::ErrorTypeByStatus) {
        llm_wire::openai::errors::keep_invalid_request(error, spoken == Format::OpenAiChat);
        llm_wire::openai::errors::keep_param(error);
    }
    if row.quirks.has(Quirk::ErrorParam) {
        llm_wire::openai::errors::keep_param(error);
    }
    // Only Anthropic's own 413 and 529 have other statuses for clients.
    let status = error.upstream.as_ref().map(|said| said.status);
    if row.format != RowFormat::Anthropic && matches!(status, Some(413 | 529)) {
        error.status = status;
    }
    if row.quirks.has(Quirk::UnprocessableIsBad) && status == Some(422) {
        error.status = Some(400);
    }
}

/// What becomes of error objects inside the row's streams.
#[must_use]
pub const fn stream_errors(row: &ProviderRow) -> StreamErrors {
    if row.quirks.has(Quirk::StreamErrorIsApi) {
        StreamErrors::Api
    } else if row.quirks.has(Quirk::StreamErrorByCode) {
        StreamErrors::ByCode
    } else {
        StreamErrors::Connection
    }
}

fn tier(tier: &mut Option<String>) {
    if let Some(word) = tier.as_mut().filter(|w| !TIERS.contains(&w.as_str())) {
        "auto".clone_into(word);
    }
}

/// The tokens of the thoughts belong to those of the answer. A report whose total says that they are not in there yet
/// was taken apart one time too often by its reader: the text's share is the whole count.
fn fold_reasoning(report: &mut UsageReport) {
    #[derive(serde::Deserialize)]
    struct Counts {
        prompt_tokens: u64,
        completion_tokens: u64,
        total_tokens: u64,
    }
    let counts = report.raw.as_ref().and_then(|(_, raw)| raw.read::<Counts>().ok());
    let Some(Counts { prompt_tokens, completion_tokens, total_tokens }) = counts else { return };
    let apart = total_tokens == prompt_tokens + completion_tokens + report.usage.reasoning;
    if apart && report.usage.reasoning > 0 {
        report.usage.output_text = completion_tokens.saturating_sub(report.usage.output_audio);
        let whole = completion_tokens + report.usage.reasoning;
        if let Some((_, raw)) = report.raw.as_mut()
            && let Ok(mut tree) = raw.read::<llm_types::Json>()
        {
            tree.set("completion_tokens", whole);
            *raw = tree.to_raw();
        }
    }
}

#[cfg(test)]
mod tests;
