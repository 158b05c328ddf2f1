//! Stored answers: read, deleted, stopped, and the items that they answer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use llm_accounts::Identity;
use llm_client::{StoredCall, StoredReply};
use llm_providers::keys::is_key_pair;
use llm_types::{Error, Json, Kind, RawJson, Result};
use llm_wire::top::Top;

use super::Verb;
use super::background::{ended, is_running};
use super::book::Record;
use super::id::{ResponseId, forbidden};
use super::owed;
use super::rewrite::Rewriter;
use crate::body::Reply;
use crate::core::Core;
use crate::errors::{json, whole};
use crate::flow::Context;
use crate::pass::who::{query, unsaid};
use crate::usable;

/// Items of a page, unless the client says otherwise.
const PAGE: usize = 20;

/// Answers a request for a stored answer.
///
/// # Errors
/// 403 for answers of others, 404 for answers that nobody knows, and what the provider says.
pub async fn answer(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    verb: Verb,
    given: &str,
) -> Result<Response<Reply>> {
    let (snapshot, parts) = (&*ctx.snapshot, &ctx.parts);
    let given = crate::read::decode_path(given);
    let settings = &snapshot.settings;
    let Some(id) = ResponseId::shown(&given, snapshot, who)? else {
        if settings.response_id_security && !settings.unmanaged_response_ids && !who.is_admin() {
            return Err(forbidden("Forbidden. The response id was not given out by this gateway."));
        }
        let model = query(parts, "model").ok_or_else(|| homeless(&given))?;
        let router = &snapshot.engine.router;
        let model = crate::scope::group(router, who, &model);
        let scope = crate::scope::of(who);
        let group = router.resolve(model, &scope).map_err(|_| homeless(&given))?.group;
        let members = || router.members(&group);
        let deployment = match members().find(|deployment| usable::name(router, who, deployment).is_some()) {
            Some(deployment) => deployment,
            None => return Err(members().next().map_or_else(|| homeless(&given), |one| usable::refused(one, "model"))),
        };
        let id = ResponseId { deployment: deployment.id.to_string(), upstream: given, ..ResponseId::default() };
        return at_provider(core, ctx, who, verb, &id, false).await;
    };
    if settings.response_id_security {
        id.check(who)?;
    }
    match core.app.responses.get(&given).await {
        Some(record) => here(core, verb, &given, &record, parts).await,
        None if id.deployment.is_empty() => Err(unknown(&given)),
        None => at_provider(core, ctx, who, verb, &id, true).await,
    }
}

fn unknown(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("Response with id '{id}' not found.")).with_param("id")
}

/// An id that does not say who made the answer.
fn homeless(id: &str) -> Error {
    let why = format!(
        "The id '{id}' was not given out here, so it does not say which deployment keeps the response. Name a model beside it: `?model=`"
    );
    Error::bad_request(why)
}

/// An answer that is kept here.
async fn here(core: &Core, verb: Verb, id: &str, record: &Record, parts: &Parts) -> Result<Response<Reply>> {
    let book = &core.app.responses;
    match verb {
        Verb::Get => Ok(json(200, record.response.clone(), HeaderMap::new())),
        Verb::Delete => {
            book.stop(id);
            book.delete(id).await;
            let told = [("id", Json::from(id)), ("object", Json::from("response")), ("deleted", Json::from(true))];
            Ok(crate::models::answer(&Json::object(told)))
        }
        Verb::Cancel => {
            if !is_running(&record.response) {
                let why = "Cannot cancel a response that is not running in the background.";
                return Err(Error::bad_request(why).with_param("id"));
            }
            book.stop(id);
            let stopped = ended(&record.response, "cancelled", None);
            book.put(id, Record { response: stopped.clone(), ..record.clone() }, false, None);
            Ok(json(200, stopped, HeaderMap::new()))
        }
        Verb::InputItems => items(record, parts.uri.query().unwrap_or_default()),
    }
}

/// A page of the items that an answer answers. The latest come first unless `order=asc`.
fn items(record: &Record, query: &str) -> Result<Response<Reply>> {
    let param = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let list: Vec<RawJson> = record.input.read::<Vec<Json>>().unwrap_or_default().iter().map(Json::to_raw).collect();
    let mut all: Vec<(String, Bytes)> = list.iter().enumerate().filter_map(|(at, raw)| named(at, raw)).collect();
    if param("order") != Some("asc") {
        all.reverse();
    }
    if let Some(after) = param("after") {
        let behind = all.iter().position(|(id, _)| id == after).map_or(0, |at| at + 1);
        all.drain(..behind);
    }
    let limit = param("limit").and_then(|l| l.parse::<usize>().ok()).unwrap_or(PAGE).clamp(1, 100);
    let more = all.len() > limit;
    all.truncate(limit);
    let id = |at: Option<&(String, Bytes)>| at.map_or_else(RawJson::default, |(id, _)| RawJson::string(id));
    let data: Vec<Cow<'_, str>> = all.iter().map(|(_, item)| String::from_utf8_lossy(item)).collect();
    let body = format!(
        "{{\"object\":\"list\",\"data\":[{}],\"first_id\":{},\"last_id\":{},\"has_more\":{more}}}",
        data.join(","),
        id(all.first()).get(),
        id(all.last()).get()
    );
    Ok(json(200, Bytes::from(body), HeaderMap::new()))
}

/// An item with an id and a type, as lists of items have them.
fn named(at: usize, raw: &RawJson) -> Option<(String, Bytes)> {
    let top = Top::parse(raw.get().as_bytes()).ok()?;
    let id = top.str("id").map_or_else(|| format!("item_{at}"), Cow::into_owned);
    let quoted = RawJson::string(&id);
    let mut edits = vec![("id", Some(quoted.get()))];
    if top.get("type").is_none() {
        edits.push(("type", Some("\"message\"")));
    }
    let text = top.str("content").filter(|_| top.get("content").is_some_and(|c| c.starts_with('"')));
    let content = text.map(|text| format!("[{{\"type\":\"input_text\",\"text\":{}}}]", RawJson::string(&text).get()));
    if let Some(content) = &content {
        edits.push(("content", Some(content)));
    }
    let body = top.edited(&edits);
    Some((id, body))
}

/// An answer that its provider keeps.
async fn at_provider(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    verb: Verb,
    id: &ResponseId,
    ours: bool,
) -> Result<Response<Reply>> {
    let (snapshot, parts) = (&*ctx.snapshot, &ctx.parts);
    let (method, behind) = match verb {
        Verb::Get => (Method::GET, ""),
        Verb::Delete => (Method::DELETE, ""),
        Verb::Cancel => (Method::POST, "/cancel"),
        Verb::InputItems => (Method::GET, "/input_items"),
    };
    let query = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut query: Vec<&str> = query.filter(|p| !p.starts_with("model=") && !is_key_pair(p)).collect();
    if verb == Verb::InputItems {
        query.extend(unsaid(&query));
    }
    let upstream: String = id.upstream.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let call = StoredCall {
        deployment: id.deployment.clone(),
        method,
        path: format!("/{upstream}{behind}"),
        query: query.join("&"),
    };
    if verb == Verb::Delete && owed::is_owed(core, ctx, id).await? {
        // What is gone tells nobody what it cost.
        let call = StoredCall { method: Method::GET, ..call.clone() };
        match snapshot.engine.stored(&core.http, &call).await {
            Ok(reply) => owed::seen(core, ctx, who, id, verb, &reply).await?,
            Err(error) => tracing::debug!(error = %error.message, "what a deleted answer cost is not known"),
        }
    }
    let reply = snapshot.engine.stored(&core.http, &call).await?;
    owed::seen(core, ctx, who, id, verb, &reply).await?;
    let StoredReply { headers, body, .. } = reply;
    let mut writer = Rewriter::new(snapshot.response_key, id.clone(), None);
    let streams = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !streams && Top::parse(&body).is_err() {
        return Err(Error::new(Kind::InvalidReply, "the provider's answer is no JSON object"));
    }
    let body = match () {
        () if !ours || verb == Verb::InputItems => body,
        () if streams => writer.events(&body, &mut |_, _| {}),
        () => writer.object(&body).map_or(body, |(body, _)| body),
    };
    let mut ours = HeaderMap::new();
    if let Ok(deployment) = HeaderValue::from_str(&id.deployment) {
        ours.insert(HeaderName::from_static("x-litellm-model-id"), deployment);
    }
    if streams {
        ours.extend(headers.get(CONTENT_TYPE).cloned().map(|kind| (CONTENT_TYPE, kind)));
        return Ok(whole(200, body, ours));
    }
    Ok(json(200, body, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_pages() {
        let input = RawJson::parse(
            r#"[{"role":"user","content":"a"},{"id":"x","type":"function_call_output","call_id":"c","output":"b"}]"#,
        )
        .unwrap();
        let record = Record { previous: None, input, response: Bytes::new() };
        let page = |query: &str| match items(&record, query).unwrap().into_body() {
            Reply::Whole(body) => String::from_utf8(body.to_vec()).unwrap(),
            _ => String::new(),
        };
        assert_eq!(
            page("order=asc&limit=1"),
            r#"{"object":"list","data":[{"role":"user","content":[{"type":"input_text","text":"a"}],"id":"item_0","type":"message"}],"first_id":"item_0","last_id":"item_0","has_more":true}"#
        );
        assert!(page("").contains(r#""first_id":"x","last_id":"item_0","has_more":false"#), "{}", page(""));
        assert!(page("order=asc&after=item_0").contains(r#""first_id":"x","last_id":"x""#));
        assert!(page("after=item_0").contains(r#""data":[],"first_id":null"#));
    }
}
