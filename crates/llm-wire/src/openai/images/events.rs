//! Events of streamed images: parts of a picture, then the whole one.

use std::borrow::Cow;

use llm_types::generate::UsageReport;
use llm_types::{Format, RawJson, UsageSource};
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::decode;

/// What is read of an event; the picture is not.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// Whether an event has a whole picture: `image_generation.completed`, `image_edit.completed`.
pub(super) fn is_completed(data: &[u8]) -> bool {
    completed(data).is_some()
}

/// What a whole picture consumed.
pub(super) fn usage(data: &[u8]) -> Option<UsageReport> {
    let event = completed(data)?;
    let mut report = event
        .usage
        .map(|raw| UsageReport { usage: decode(raw), raw: Some((Format::OpenAiImages, RawJson::borrowed(raw))) })
        .unwrap_or_default();
    report.usage.images_out = 1;
    report.usage.source = UsageSource::Reported;
    Some(report)
}

fn completed(data: &[u8]) -> Option<Event<'_>> {
    // pictures are long: they are parsed only where that word stands
    memmem::find(data, b".completed\"")?;
    let event: Event<'_> = serde_json::from_slice(data).ok()?;
    event.kind.ends_with(".completed").then_some(event)
}
