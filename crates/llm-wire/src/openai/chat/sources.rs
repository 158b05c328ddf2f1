//! The sources of a text (`annotations`) in the words of chat, for formats that tell them in another shape.

use bytes::BytesMut;
use llm_types::generate::Choice;
use llm_types::{Format, RawJson};

use super::{FORMAT, gemini};
use crate::openai::object::Obj;
use crate::top::Top;

const ANNOTATIONS: &str = "annotations";
const GROUNDING: &str = "groundingMetadata";

/// Those of a whole answer.
pub(crate) fn sources(choice: &Choice) -> Vec<RawJson> {
    let own = choice.message_extra.fields_for(FORMAT).map(|(key, json)| (FORMAT, key, json));
    let google = choice.extra.fields_for(Format::GeminiGenerate).map(|(key, json)| (Format::GeminiGenerate, key, json));
    own.chain(google).flat_map(|(format, key, json)| of_field(format, key, json.get())).collect()
}

/// Those that a field of a message, or of a stream's delta, tells.
pub(crate) fn of_field(format: Format, key: &str, json: &str) -> Vec<RawJson> {
    match (format, key) {
        (FORMAT, ANNOTATIONS) => serde_json::from_str(json).unwrap_or_default(),
        (Format::GeminiGenerate, GROUNDING) => {
            let mut body = BytesMut::new();
            gemini::annotations(json, &mut Obj::open(&mut body));
            let top: Top<'_> = serde_json::from_slice(&body).unwrap_or_default();
            top.get(ANNOTATIONS).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
