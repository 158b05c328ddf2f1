//! `GET /public/endpoints`: what can be asked for here, and of whom.

use http::Response;
use llm_providers::ProviderRow;
use llm_types::{Json, OperationKind};

use crate::body::Reply;
use crate::models::answer;

/// LiteLLM's key, for people, the path, and how a provider's row says that it serves it.
type Entry = (&'static str, &'static str, &'static str, fn(&ProviderRow) -> bool);

const ENTRIES: &[Entry] = &[
    ("chat_completions", "Chat Completions", "/chat/completions", talks),
    // Who speaks one of these languages is asked in it by clients of all.
    ("messages", "Messages", "/messages", talks),
    ("responses", "Responses", "/responses", talks),
    ("embeddings", "Embeddings", "/embeddings", |row| row.paths.embeddings.is_some()),
    ("text_completion", "Text Completion", "/completions", |row| row.paths.completions.is_some()),
    ("image_generations", "Image Generations", "/images/generations", |row| has(row, OperationKind::Image)),
    ("image_edits", "Image Edits", "/images/edits", |row| has(row, OperationKind::ImageEdit)),
    ("image_variations", "Image Variations", "/images/variations", |row| has(row, OperationKind::ImageVariation)),
    ("audio_transcriptions", "Audio Transcriptions", "/audio/transcriptions", |row| {
        has(row, OperationKind::Transcribe)
    }),
    ("audio_speech", "Audio Speech", "/audio/speech", |row| has(row, OperationKind::Speech)),
    ("moderations", "Moderations", "/moderations", |row| has(row, OperationKind::Moderate)),
    ("rerank", "Rerank", "/rerank", |row| has(row, OperationKind::Rerank)),
    ("ocr", "OCR", "/ocr", |row| has(row, OperationKind::Ocr)),
    ("search", "Search", "/search", |row| has(row, OperationKind::Search)),
    ("video_generations", "Video Generations", "/videos", |row| has(row, OperationKind::Video)),
];

fn talks(row: &ProviderRow) -> bool {
    row.paths.chat.is_some() || row.paths.messages.is_some() || row.paths.responses.is_some()
}

fn has(row: &ProviderRow, operation: OperationKind) -> bool {
    row.task(operation).is_some()
}

pub(super) fn told() -> Response<Reply> {
    let mut rows: Vec<&ProviderRow> = llm_providers::registry::all().map(|provider| provider.row()).collect();
    rows.sort_by_key(|row| row.id);
    let entry = |(key, label, path, serves): &Entry| {
        let of = rows.iter().filter(|row| serves(row));
        let of = of.map(|row| Json::object([("slug", row.id), ("display_name", row.display_name)]));
        Json::object([
            ("key", Json::from(*key)),
            ("label", Json::from(*label)),
            ("endpoint", Json::from(*path)),
            ("providers", Json::Array(of.collect())),
        ])
    };
    answer(&Json::object([("endpoints", Json::Array(ENTRIES.iter().map(entry).collect()))]))
}
