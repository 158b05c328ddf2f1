//! Which service and operation a path means.

use http::{HeaderMap, Method};

/// Whose wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Azure,
    Anthropic,
    Gemini,
    Bedrock,
    Ollama,
    Cohere,
    Jina,
    Voyage,
    Mistral,
    Tavily,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Completions,
    Embeddings,
    Models,
    Messages,
    CountTokens,
    /// Gemini, whole and streamed.
    Generate,
    StreamGenerate,
    /// Bedrock, whole and streamed.
    Converse,
    ConverseStream,
    /// Bedrock's Invoke, whole and streamed.
    Invoke,
    InvokeStream,
    /// OpenAI's responses.
    Responses,
    Rerank,
    Images,
    ImageEdits,
    ImageVariations,
    Transcriptions,
    Translations,
    Speech,
    Moderations,
    Videos,
    VideoStatus,
    VideoContent,
    VideoDelete,
    VideoRemix,
    /// Gemini's embeddings, of one content and of several.
    EmbedContent,
    BatchEmbedContents,
    /// Google's models with instances and parameters.
    Predict,
    Ocr,
    Search,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    /// The model named by the path: Azure's deployment, Gemini's and Bedrock's model.
    pub(crate) model: Option<String>,
    /// What the path names besides: a video.
    pub(crate) id: Option<String>,
}

/// Endings in the order they are tried: the longer one first.
const ENDINGS: &[(&str, Operation)] = &[
    ("/chat/completions", Operation::Chat),
    ("/completions", Operation::Completions),
    ("/embeddings", Operation::Embeddings),
    ("/responses", Operation::Responses),
    ("/api/chat", Operation::Chat),
    ("/v2/chat", Operation::Chat),
    ("/rerank", Operation::Rerank),
    ("/images/generations", Operation::Images),
    ("/images/edits", Operation::ImageEdits),
    ("/images/variations", Operation::ImageVariations),
    ("/audio/transcriptions", Operation::Transcriptions),
    ("/audio/translations", Operation::Translations),
    ("/audio/speech", Operation::Speech),
    ("/moderations", Operation::Moderations),
    ("/videos", Operation::Videos),
    ("/ocr", Operation::Ocr),
    ("/search", Operation::Search),
    ("/messages/count_tokens", Operation::CountTokens),
    ("/messages", Operation::Messages),
    ("/models", Operation::Models),
];

/// What follows the model and a colon in Gemini's paths.
const VERBS: &[(&str, Operation)] = &[
    ("generateContent", Operation::Generate),
    ("streamGenerateContent", Operation::StreamGenerate),
    ("embedContent", Operation::EmbedContent),
    ("batchEmbedContents", Operation::BatchEmbedContents),
    ("predict", Operation::Predict),
];

/// What follows `/model/{id}/` in Bedrock's paths.
const ACTIONS: &[(&str, Operation)] = &[
    ("converse", Operation::Converse),
    ("converse-stream", Operation::ConverseStream),
    ("invoke", Operation::Invoke),
    ("invoke-with-response-stream", Operation::InvokeStream),
];

/// What follows `/videos/{id}` in OpenAI's paths.
const VIDEO_ACTIONS: &[(Method, &str, Operation)] = &[
    (Method::GET, "", Operation::VideoStatus),
    (Method::DELETE, "", Operation::VideoDelete),
    (Method::GET, "/content", Operation::VideoContent),
    (Method::POST, "/remix", Operation::VideoRemix),
];

/// Services whose paths end alike: a part of the path tells them apart.
const SHARED: &[(&str, &str, Dialect)] = &[
    ("/rerank", "/jina/", Dialect::Jina),
    ("/rerank", "/voyage/", Dialect::Voyage),
    ("/rerank", "", Dialect::Cohere),
    ("/v2/chat", "", Dialect::Cohere),
    ("/api/chat", "", Dialect::Ollama),
    ("/ocr", "", Dialect::Mistral),
    ("/search", "", Dialect::Tavily),
];

/// The dialect a path and its headers belong to, also when the path itself is unknown.
pub(crate) fn dialect(path: &str, headers: &HeaderMap) -> Dialect {
    if let Some((_, verb)) = path.rsplit_once(':').filter(|(before, _)| before.contains("/models/"))
        && VERBS.iter().any(|(known, _)| *known == verb)
    {
        Dialect::Gemini
    } else if path.contains("/model/") {
        Dialect::Bedrock
    } else if path.contains("/openai/deployments/") || path.contains("/openai/v1/") {
        Dialect::Azure
    } else if let Some((.., dialect)) =
        SHARED.iter().find(|(ending, part, _)| path.ends_with(ending) && path.contains(part))
    {
        *dialect
    } else if path.contains("/messages") || headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

pub(crate) fn find(method: &Method, path: &str, headers: &HeaderMap) -> Option<Route> {
    let dialect = dialect(path, headers);
    if matches!(dialect, Dialect::Gemini | Dialect::Bedrock) {
        return if *method == Method::POST { model_in_path(path, dialect) } else { None };
    }
    if let Some(route) = video(method, path, dialect) {
        return Some(route);
    }
    let (ending, operation) = ENDINGS.iter().find(|(ending, _)| path.ends_with(ending))?;
    let wanted = if *operation == Operation::Models { Method::GET } else { Method::POST };
    if *method != wanted {
        return None;
    }
    let model =
        path.split_once("/openai/deployments/").and_then(|(_, rest)| rest.strip_suffix(ending)).map(str::to_owned);
    Some(Route { dialect, operation: *operation, model, id: None })
}

/// `.../videos/{id}` and what is below.
fn video(method: &Method, path: &str, dialect: Dialect) -> Option<Route> {
    let (_, rest) = path.split_once("/videos/")?;
    let (id, action) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (.., operation) = VIDEO_ACTIONS.iter().find(|(verb, tail, _)| verb == method && *tail == action)?;
    Some(Route { dialect, operation: *operation, model: None, id: Some(id.to_owned()) })
}

/// `.../models/{model}:{verb}` and `.../model/{model}/{action}`.
fn model_in_path(path: &str, dialect: Dialect) -> Option<Route> {
    let (before, marker, verbs) = if dialect == Dialect::Gemini {
        (path.rsplit_once(':')?, "/models/", VERBS)
    } else {
        (path.rsplit_once('/')?, "/model/", ACTIONS)
    };
    let (_, operation) = verbs.iter().find(|(verb, _)| *verb == before.1)?;
    let (_, model) = before.0.split_once(marker)?;
    Some(Route { dialect, operation: *operation, model: Some(decoded(model)), id: None })
}

/// `%3A` and its like as the characters they stand for.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: &Method, path: &str) -> Option<(Dialect, Operation, Option<String>)> {
        find(method, path, &HeaderMap::new()).map(|r| (r.dialect, r.operation, r.model))
    }

    #[test]
    fn endings_decide() {
        let post = Method::POST;
        assert_eq!(at(&post, "/v1/chat/completions"), Some((Dialect::OpenAi, Operation::Chat, None)));
        assert_eq!(at(&post, "/east/completions"), Some((Dialect::OpenAi, Operation::Completions, None)));
        assert_eq!(at(&post, "/v1/messages"), Some((Dialect::Anthropic, Operation::Messages, None)));
        assert_eq!(at(&post, "/v1/messages/count_tokens"), Some((Dialect::Anthropic, Operation::CountTokens, None)));
        assert_eq!(
            at(&post, "/openai/deployments/a/b/chat/completions"),
            Some((Dialect::Azure, Operation::Chat, Some("a/b".into())))
        );
        assert_eq!(at(&post, "/openai/v1/embeddings"), Some((Dialect::Azure, Operation::Embeddings, None)));
        assert_eq!(
            at(&post, "/v1beta/models/gemini-2.5-flash:streamGenerateContent"),
            Some((Dialect::Gemini, Operation::StreamGenerate, Some("gemini-2.5-flash".into())))
        );
        assert_eq!(
            at(&post, "/model/anthropic.claude-v2%3A1/converse"),
            Some((Dialect::Bedrock, Operation::Converse, Some("anthropic.claude-v2:1".into())))
        );
        assert_eq!(at(&post, "/model/m/frog"), None);
        assert_eq!(at(&Method::GET, "/v1/models"), Some((Dialect::OpenAi, Operation::Models, None)));
        assert_eq!(at(&Method::GET, "/v1/chat/completions"), None);
        assert_eq!(at(&post, "/v1/images/generations"), Some((Dialect::OpenAi, Operation::Images, None)));
        assert_eq!(at(&post, "/jina/v1/rerank"), Some((Dialect::Jina, Operation::Rerank, None)));
        assert_eq!(at(&post, "/v1/rerank"), Some((Dialect::Cohere, Operation::Rerank, None)));
        assert_eq!(at(&Method::GET, "/v1/videos/v_1"), Some((Dialect::OpenAi, Operation::VideoStatus, None)));
        assert_eq!(at(&Method::GET, "/v1/videos/v_1/frog"), None);
        assert_eq!(at(&post, "/v1/frogs"), None);
    }
}
