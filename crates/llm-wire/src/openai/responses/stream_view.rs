//! Views of stream events.

use serde_json::value::RawValue;

use crate::openai::wire::{Count, Text, view};

// One view for all events: their fields have the same names. What is not needed stands here so that it costs nothing.
view!(lenient EventView {
    kind = "type": Text<'a>,
    output_index = "output_index": Count,
    content_index = "content_index": Count,
    summary_index = "summary_index": Count,
    delta = "delta": Text<'a>,
    text = "text": Text<'a>,
    refusal = "refusal": Text<'a>,
    arguments = "arguments": Text<'a>,
    logprobs = "logprobs": Option<&'a RawValue>,
    annotation = "annotation": Option<&'a RawValue>,
    item = "item": Option<&'a RawValue>,
    response = "response": Option<&'a RawValue>,
    error = "error": Option<&'a RawValue>,
    item_id = "item_id": Option<&'a RawValue>,
    sequence_number = "sequence_number": Option<&'a RawValue>,
    // random padding against traffic analysis
    obfuscation = "obfuscation": Option<&'a RawValue>,
    model = "model": Option<&'a RawValue>,
});

view!(lenient ItemHead {
    kind = "type": Text<'a>,
    id = "id": Text<'a>,
    call_id = "call_id": Text<'a>,
    name = "name": Text<'a>,
    arguments = "arguments": Text<'a>,
    encrypted = "encrypted_content": Text<'a>,
});
