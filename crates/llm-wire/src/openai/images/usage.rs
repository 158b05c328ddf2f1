//! The usage object of images: tokens of text and of images, both ways.

use llm_types::{Usage, UsageSource};
use serde_json::value::RawValue;

use crate::openai::object::Obj;
use crate::openai::wire::{Count, view};

view!(lenient UsageIn {
    input = "input_tokens": Count,
    input_details = "input_tokens_details": DetailsIn<'a>,
    output = "output_tokens": Count,
    output_details = "output_tokens_details": DetailsIn<'a>,
});

view!(lenient DetailsIn {
    text = "text_tokens": Count,
    image = "image_tokens": Count,
    cached = "cached_tokens": Count,
});

/// `input_tokens` contains the tokens of the details. Without details everything that went in is text, everything that
/// came out is images.
pub(super) fn decode(raw: &RawValue) -> Usage {
    let view: UsageIn<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let (input, output) = (view.input.0.unwrap_or(0), view.output.0.unwrap_or(0));
    let image_in = view.input_details.image.0.unwrap_or(0).min(input);
    let cached = view.input_details.cached.0.unwrap_or(0).min(input - image_in);
    let text_out = view.output_details.text.0.unwrap_or(0).min(output);
    Usage {
        input_text: input - image_in - cached,
        input_image: image_in,
        cache_read: cached,
        output_text: text_out,
        output_image: output - text_out,
        source: UsageSource::Reported,
        ..Usage::default()
    }
}

/// What LiteLLM writes when the upstream has no such object. Of what came out only images count.
pub(super) fn encode(usage: &Usage, detailed: bool, obj: &mut Obj<'_>) {
    let mut out = obj.obj("usage");
    out.u64("input_tokens", usage.total_input());
    let mut details = out.obj("input_tokens_details");
    details.u64("image_tokens", usage.input_image);
    details.u64("text_tokens", usage.input_text);
    drop(details);
    out.u64("output_tokens", usage.output_image);
    if detailed && usage.output_image > 0 {
        let mut details = out.obj("output_tokens_details");
        details.u64("image_tokens", usage.output_image);
        details.u64("text_tokens", 0);
    }
    out.u64("total_tokens", usage.total_tokens());
}
