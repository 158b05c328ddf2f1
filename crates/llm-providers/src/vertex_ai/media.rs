//! Videos and the reading of documents.

use llm_types::{Format, OperationKind};

use super::url::Place;
use crate::provider::{Call, Want};

/// The language of a model, of the operations that are told here.
pub(super) fn format(want: &Want<'_>) -> Option<Format> {
    match want.operation {
        OperationKind::Video | OperationKind::VideoStatus | OperationKind::VideoContent => Some(Format::VertexVideos),
        OperationKind::Ocr if want.model.contains("deepseek") => Some(Format::ChatOcr),
        OperationKind::Ocr => Some(Format::MistralOcrInline),
        _ => None,
    }
}

/// The address of such a call.
pub(super) fn url(place: &Place<'_>, call: &Call<'_>) -> Option<String> {
    let bare = call.model.rsplit('/').next().unwrap_or(call.model);
    let tail = match call.operation {
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
