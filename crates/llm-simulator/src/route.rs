//! Which service and operation a path means.

use http::{HeaderMap, Method};

/// Whose wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Azure,
    Anthropic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    Completions,
    Embeddings,
    Models,
    Messages,
    CountTokens,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) dialect: Dialect,
    pub(crate) operation: Operation,
    /// Azure's deployment, which stands for the model.
    pub(crate) deployment: Option<String>,
}

/// Endings in the order they are tried: the longer one first.
const ENDINGS: &[(&str, Operation)] = &[
    ("/chat/completions", Operation::Chat),
    ("/completions", Operation::Completions),
    ("/embeddings", Operation::Embeddings),
    ("/messages/count_tokens", Operation::CountTokens),
    ("/messages", Operation::Messages),
    ("/models", Operation::Models),
];

/// The dialect a path and its headers belong to, also when the path itself is unknown.
pub(crate) fn dialect(path: &str, headers: &HeaderMap) -> Dialect {
    if path.contains("/openai/deployments/") || path.contains("/openai/v1/") {
        Dialect::Azure
    } else if path.contains("/messages") || headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

pub(crate) fn find(method: &Method, path: &str, headers: &HeaderMap) -> Option<Route> {
    let (ending, operation) = ENDINGS.iter().find(|(ending, _)| path.ends_with(ending))?;
    let wanted = if *operation == Operation::Models { Method::GET } else { Method::POST };
    if *method != wanted {
        return None;
    }
    let deployment =
        path.split_once("/openai/deployments/").and_then(|(_, rest)| rest.strip_suffix(ending)).map(str::to_owned);
    Some(Route { dialect: dialect(path, headers), operation: *operation, deployment })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: &Method, path: &str) -> Option<(Dialect, Operation, Option<String>)> {
        find(method, path, &HeaderMap::new()).map(|r| (r.dialect, r.operation, r.deployment))
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
        assert_eq!(at(&Method::GET, "/v1/models"), Some((Dialect::OpenAi, Operation::Models, None)));
        assert_eq!(at(&Method::GET, "/v1/chat/completions"), None);
        assert_eq!(at(&post, "/v1/images/generations"), None);
    }
}
