//! Google's paths: `models/{model}:generateContent` and its like, and the list of models as Google's clients read it.
//!
//! The model stands in the path only, in front of a colon that some clients escape; it may hold slashes and colons.

use http::{Method, Response};
use llm_accounts::Identity;
use llm_types::{Error, Format, Json, Kind, OperationKind, Result};

use crate::body::Reply;
use crate::models;
use crate::routes::{Action, Permission, Route};
use crate::snapshot::Snapshot;

/// What may stand in front of the model. Google's clients say `v1beta`, newer ones `v1`.
const PREFIXES: [&str; 3] = ["/v1beta/models/", "/v1/models/", "/models/"];

const GENERATE: Action = Action::Call(OperationKind::Generate, Format::GeminiGenerate);
const COUNT: Action = Action::Call(OperationKind::CountTokens, Format::GeminiGenerate);

/// A verb behind the colon: what it does, whether it streams, and the route's name in logs.
const VERBS: [(&str, Action, bool, &str); 3] = [
    ("generateContent", GENERATE, false, "/v1beta/models/{model_name}:generateContent"),
    ("streamGenerateContent", GENERATE, true, "/v1beta/models/{model_name}:streamGenerateContent"),
    ("countTokens", COUNT, false, "/v1beta/models/{model_name}:countTokens"),
];

/// Finds a route of Google's.
#[must_use]
pub fn find<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    if *method == Method::POST {
        let (model, action, streams, name) = verb(path)?;
        let permission = if action == COUNT { Permission::AnyKey } else { Permission::Llm };
        return Some(Route { action, permission, name, model: Some(model), streams });
    }
    let listed = path.strip_prefix("/v1beta/models").filter(|_| *method == Method::GET || *method == Method::HEAD)?;
    let (action, model) = match listed.strip_prefix('/') {
        None if listed.is_empty() => (Action::GoogleModels, None),
        Some(model) if !model.is_empty() => (Action::GoogleModel, Some(model)),
        _ => return None,
    };
    Some(Route { action, permission: Permission::AnyKey, name: "/v1beta/models", model, streams: false })
}

/// True where the key may stand in the query (`?key=`).
#[must_use]
pub fn takes_key_in_query(path: &str) -> bool {
    verb(path).is_some() || path.starts_with("/v1beta/models")
}

/// The key of a query.
#[must_use]
pub fn key_of_query(query: Option<&str>) -> Option<String> {
    let key = query?.split('&').find_map(|pair| pair.strip_prefix("key="))?;
    Some(crate::read::decode_path(key)).filter(|key| !key.is_empty())
}

fn verb(path: &str) -> Option<(&str, Action, bool, &'static str)> {
    let rest = PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let (model, said) =
        [":", "%3A", "%3a"].iter().filter_map(|colon| rest.rsplit_once(colon)).max_by_key(|p| p.0.len())?;
    let (_, action, streams, name) = *VERBS.iter().find(|(verb, ..)| *verb == said)?;
    (!model.is_empty()).then_some((model, action, streams, name))
}

/// `GET /v1beta/models`.
#[must_use]
pub fn list(snapshot: &Snapshot, who: Option<&Identity>) -> Response<Reply> {
    let all = models::names(snapshot, who, false).iter().map(|name| model(name)).collect();
    models::answer(&Json::object([("models", Json::Array(all))]))
}

/// `GET /v1beta/models/{id}`.
///
/// # Errors
/// 404 when the caller cannot see the model.
pub fn one(snapshot: &Snapshot, who: Option<&Identity>, id: &str) -> Result<Response<Reply>> {
    let id = crate::read::decode_path(id);
    let seen = |wildcards| models::names(snapshot, who, wildcards).contains(&id);
    if !seen(true) && !seen(false) {
        return Err(Error::new(Kind::NotFound, format!("models/{id} is not found")).with_param("model"));
    }
    Ok(models::answer(&model(&id)))
}

fn model(name: &str) -> Json {
    let methods = ["generateContent", "streamGenerateContent", "countTokens"].into_iter().map(Json::from).collect();
    Json::object([
        ("name", Json::from(format!("models/{name}"))),
        ("displayName", Json::from(name)),
        ("supportedGenerationMethods", Json::Array(methods)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_stands_behind_the_last_colon() {
        let at =
            |path| find(&Method::POST, path).map(|r| (r.model.unwrap_or_default().to_owned(), r.action, r.streams));
        let generate = |model: &str, streams| Some((model.to_owned(), GENERATE, streams));
        assert_eq!(at("/v1beta/models/gemini-2.5-flash:generateContent"), generate("gemini-2.5-flash", false));
        assert_eq!(at("/models/a/b:7:streamGenerateContent"), generate("a/b:7", true));
        assert_eq!(at("/v1/models/x%3AgenerateContent"), generate("x", false));
        assert_eq!(at("/v1/models/x%3Ay%3astreamGenerateContent"), generate("x%3Ay", true));
        assert_eq!(at("/v1beta/models/x:countTokens").map(|r| r.1), Some(COUNT));
        for none in [
            "/v1beta/models/:generateContent",
            "/v1beta/models/x:embed",
            "/v1beta/models/x",
            "/v2/models/x:generateContent",
        ] {
            assert_eq!(at(none), None, "{none}");
        }
        assert!(
            find(&Method::GET, "/v1beta/models/x:generateContent").is_some_and(|r| r.action == Action::GoogleModel)
        );
        assert_eq!(find(&Method::GET, "/v1beta/models").map(|r| r.action), Some(Action::GoogleModels));
    }

    #[test]
    fn the_key_may_stand_in_the_query() {
        assert_eq!(key_of_query(Some("alt=sse&key=sk-%31")).as_deref(), Some("sk-1"));
        assert_eq!(key_of_query(Some("key=")), None);
        assert!(takes_key_in_query("/v1beta/models/x:generateContent") && !takes_key_in_query("/v1/models/x"));
    }
}
