//! Videos, speech and the reading of documents.

use llm_types::{Format, OperationKind};

use super::url::Place;
use crate::aws::escaped;
use crate::provider::{Call, Want};

/// The language of a model, of the operations that are told here.
pub(super) fn format(want: &Want<'_>) -> Option<Format> {
    match want.operation {
        OperationKind::Video | OperationKind::VideoStatus | OperationKind::VideoContent => Some(Format::VertexVideos),
        OperationKind::Ocr if want.model.contains("deepseek") => Some(Format::ChatOcr),
        OperationKind::Ocr => Some(Format::MistralOcrInline),
        OperationKind::Speech => Some(spoken(want.model)),
        _ => None,
    }
}

/// The language of a model that speaks or sings: Gemini's own, Lyria's two, else a voice of Cloud Text-to-Speech.
fn spoken(model: &str) -> Format {
    if model.contains("gemini") {
        Format::GeminiSpeech
    } else if model.contains("lyria-0") {
        Format::LyriaPredict
    } else if model.contains("lyria") {
        Format::LyriaInteractions
    } else {
        Format::GoogleSpeech
    }
}

/// True for media that Google fetches: whatever has a type in its name.
pub(super) fn takes(format: Format, url: &str) -> bool {
    format == Format::GeminiGenerate
        && url.starts_with("https://")
        && llm_wire::gemini::media_type_of_url(url).is_some()
}

/// Where Cloud Storage tells the type of an object whose name does not:
/// <https://cloud.google.com/storage/docs/json_api/v1/objects/get>.
pub(super) fn facts(call: &Call<'_>, url: &str) -> Option<String> {
    let (bucket, object) = url.strip_prefix("gs://")?.split_once('/')?;
    let dots = |name: &str| name.bytes().all(|b| b == b'.'); // nothing has such a name; they would move the path
    let asked = call.format == Format::GeminiGenerate && llm_wire::gemini::media_type_of_url(url).is_none();
    (asked && !dots(bucket) && !dots(object)).then(|| {
        let (bucket, object) = (escaped(bucket), escaped(object));
        format!("https://storage.googleapis.com/storage/v1/b/{bucket}/o/{object}?fields=contentType")
    })
}

/// Where texts are spoken.
const SPEECH: &str = "https://texttospeech.googleapis.com/v1/text:synthesize";

/// The address of such a call.
pub(super) fn url(place: &Place<'_>, call: &Call<'_>) -> Option<String> {
    let bare = call.model.rsplit('/').next().unwrap_or(call.model);
    match call.format {
        Format::GoogleSpeech => return Some(call.api_base.filter(|b| !b.is_empty()).unwrap_or(SPEECH).to_owned()),
        Format::LyriaInteractions => return Some(place.interactions(call.api_base)),
        _ => {}
    }
    let tail = match call.operation {
        OperationKind::Speech if call.format == Format::LyriaPredict => {
            format!("publishers/google/models/{bare}:predict")
        }
        OperationKind::Speech => format!("publishers/google/models/{bare}:generateContent"),
        OperationKind::Video => format!("publishers/google/models/{bare}:predictLongRunning"),
        OperationKind::VideoStatus | OperationKind::VideoContent => {
            format!("publishers/google/models/{bare}:fetchPredictOperation")
        }
        OperationKind::Ocr if call.format == Format::ChatOcr => "endpoints/openapi/chat/completions".to_owned(),
        OperationKind::Ocr => format!("publishers/mistralai/models/{bare}:rawPredict"),
        _ => return None,
    };
    Some(format!("{}/{tail}", place.below(call.api_base)))
}
