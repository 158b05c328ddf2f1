//! An agent's kill switch: a request that an administrator lets go, which stops the agent wherever it runs. Nothing changes
//! here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use llm_store::AgentRow;
use llm_types::{Error, Json, Kind};
use url::Url;

use super::{no_agent, secrets};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad};
use crate::request::Outcome;
use crate::stored::is_web;

/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of its answer that are told.
const SHOWN: usize = 2000;

const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];
const FIELDS: [&str; 6] = ["url", "method", "headers", "query_params", "body", "auth"];
/// Kinds of authentication and the fields that each needs.
const AUTH: [(&str, &[&str]); 3] =
    [("bearer", &["token"]), ("api_key", &["api_key"]), ("basic", &["username", "password"])];

/// Refuses a switch that could not be let go.
///
/// # Errors
/// 400 naming what is wrong.
pub(super) fn check(switch: &Json) -> Outcome<()> {
    let wrong = |why: String| Err(bad(format!("kill_switch{why}")).with_param("kill_switch").into());
    let fields = switch.as_object().unwrap_or_default();
    if let Some((name, _)) = fields.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
        return wrong(format!(".{name}: there is no such field"));
    }
    if !switch.text("url").is_some_and(is_web) {
        return wrong(".url must be an absolute http(s) URL".to_owned());
    }
    let method = switch.get("method").filter(|method| !method.is_null());
    if method.is_some_and(|method| method.as_str().is_none_or(|method| !METHODS.contains(&method))) {
        return wrong(format!(".method: expected one of {}", METHODS.join(", ")));
    }
    for name in ["headers", "query_params"] {
        let map = switch.get(name).filter(|map| !map.is_null());
        if map.is_some_and(|m| m.as_object().is_none_or(|m| m.iter().any(|(_, value)| value.as_str().is_none()))) {
            return wrong(format!(".{name}: expected texts by name"));
        }
    }
    if switch.get("body").is_some_and(|body| !body.is_null() && body.as_object().is_none()) {
        return wrong(".body: expected an object".to_owned());
    }
    let Some(auth) = switch.get("auth").filter(|auth| !auth.is_null()) else { return Ok(()) };
    let kind = AUTH.iter().find(|(kind, _)| auth.text("type") == Some(kind));
    match kind.and_then(|(_, needed)| needed.iter().find(|field| auth.text(field).is_none())) {
        Some(missing) => wrong(format!(".auth.{missing} is missing")),
        None if kind.is_none() => wrong(".auth.type: expected bearer, api_key or basic".to_owned()),
        None => Ok(()),
    }
}

impl Accounts {
    /// `POST /v1/agents/{agent_id}/kill_switch`: lets it go. Every attempt is in the trail of changes.
    ///
    /// # Errors
    /// 404 for an agent that is not there, 400 for one without a switch, 502 when the other side does not answer with 2xx.
    pub async fn fire_kill_switch(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let switch = self.kill_switch(id).await?;
        let switch = switch.ok_or_else(|| bad(format!("Agent with ID {id} has no kill_switch configured")))?;
        check(&switch)?;
        let request = request(&switch)?;
        let method = request.method().to_string();
        let shown = llm_http::shown(&request.uri().to_string()).into_owned();
        tracing::warn!(agent = id, url = shown, by = actor.who.user_id(), "an agent's kill switch is let go");
        let answer = match tokio::time::timeout(PATIENCE, self.serving()?.send(request)).await {
            Ok(answer) => answer.map(|(status, body)| (status, told(&body))),
            Err(_) => Err("no answer in time".to_owned()),
        };
        let result = Json::object([
            ("agent_id", Json::from(id)),
            ("url", Json::from(shown)),
            ("method", Json::from(method)),
            ("status_code", Json::from(answer.as_ref().ok().map(|(status, _)| i64::from(*status)))),
            ("response_body", Json::from(answer.as_ref().ok().map(|(_, text)| text.as_str()))),
            ("error", Json::from(answer.as_ref().err().map(String::as_str))),
        ]);
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.audit_event::<AgentRow>(tx.table(), actor, Action::KillSwitchFired, id, &result).await?;
        tx.commit().await?;
        match answer {
            Ok((200..300, _)) => Ok(result),
            _ => Err(Error::new(Kind::BadGateway, result.to_string()).with_param("kill_switch").into()),
        }
    }

    /// The switch of an agent, opened: that of the row, else of the file.
    async fn kill_switch(&self, id: &str) -> Outcome<Option<Json>> {
        if let Some(row) = self.store_or_refuse()?.table::<AgentRow>().get([id]).await? {
            let seal = self.seal();
            let opened = row.kill_switch.as_ref().map(|raw| secrets::opened(seal.as_ref(), raw));
            return Ok(opened.filter(|switch| !switch.is_null()));
        }
        let agent = self.file_agent(id).ok_or_else(|| no_agent(id))?;
        let environment = self.serving()?.environment();
        Ok(agent.get("kill_switch").filter(|switch| !switch.is_null()).map(|switch| resolved(switch, &*environment)))
    }
}

/// References to the environment resolved: the file has them.
fn resolved(json: &Json, environment: &dyn Fn(&str) -> Option<String>) -> Json {
    match json {
        Json::String(text) => match text.strip_prefix("os.environ/") {
            Some(name) => Json::from(environment(name).unwrap_or_default()),
            None => json.clone(),
        },
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), resolved(value, environment))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(|item| resolved(item, environment)).collect()),
        other => other.clone(),
    }
}

/// How an answer begins.
fn told(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN).collect()
}

fn request(switch: &Json) -> Outcome<Request<Bytes>> {
    let wrong = |why: &str| bad(format!("kill_switch.{why}")).with_param("kill_switch");
    let mut url = Url::parse(switch.text("url").unwrap_or_default()).map_err(|_| wrong("url cannot be read"))?;
    let pairs = |name: &str| switch.get(name).and_then(Json::as_object).unwrap_or_default().to_vec();
    for (name, value) in pairs("query_params") {
        url.query_pairs_mut().append_pair(&name, value.as_str().unwrap_or_default());
    }
    let mut headers: Vec<(String, String)> =
        pairs("headers").into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    let body = switch.get("body").filter(|body| !body.is_null()).map(Json::to_string);
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    headers.extend(credential(switch.get("auth").unwrap_or(&Json::Null)));
    let mut request = Request::builder().method(switch.text("method").unwrap_or("POST")).uri(url.as_str());
    let all = request.headers_mut().ok_or_else(|| wrong("url cannot be requested"))?;
    for (name, value) in headers {
        let name = HeaderName::try_from(&name).map_err(|_| wrong("headers: a name that cannot be one"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong("headers: a value that cannot be one"))?;
        value.set_sensitive(true);
        // What comes later wins: the credential over a header that was written down.
        all.insert(name, value);
    }
    Ok(request.body(Bytes::from(body.unwrap_or_default())).map_err(|_| wrong("url cannot be requested"))?)
}

/// The header that authenticates.
fn credential(auth: &Json) -> Option<(String, String)> {
    let says = |name: &str| auth.text(name).unwrap_or_default();
    let bearer = |value: String| ("authorization".to_owned(), value);
    match says("type") {
        "bearer" => Some(bearer(format!("Bearer {}", says("token")))),
        "basic" => {
            let pair = STANDARD.encode(format!("{}:{}", says("username"), says("password")));
            Some(bearer(format!("Basic {pair}")))
        }
        "api_key" => {
            let name = auth.text("header_name").filter(|name| !name.is_empty()).unwrap_or("x-api-key");
            Some((name.to_owned(), says("api_key").to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn switches_are_checked() {
        for (text, fine) in [
            (r#"{"url":"https://h/stop"}"#, true),
            (r#"{"url":"https://h","method":"DELETE","headers":{"a":"b"},"auth":{"type":"bearer","token":"t"}}"#, true),
            (r#"{"url":"ftp://h"}"#, false),
            (r#"{"url":"/stop"}"#, false),
            (r#"{}"#, false),
            (r#"{"url":"https://h","method":"HEAD"}"#, false),
            (r#"{"url":"https://h","headers":{"a":1}}"#, false),
            (r#"{"url":"https://h","auth":{"type":"other"}}"#, false),
            (r#"{"url":"https://h","auth":{"type":"basic","username":"u"}}"#, false),
            (r#"{"url":"https://h","more":1}"#, false),
        ] {
            assert_eq!(check(&json(text)).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn a_switch_becomes_a_request() {
        let made = request(&json(
            r#"{"url":"https://h/s?a=1","query_params":{"b":"x y"},"headers":{"Authorization":"old","n":"v"},
                "body":{"stop":true},"auth":{"type":"basic","username":"u","password":"p"}}"#,
        ));
        let made = made.unwrap();
        assert_eq!((made.method().as_str(), made.uri().to_string().as_str()), ("POST", "https://h/s?a=1&b=x+y"));
        assert_eq!(made.headers()["n"], "v");
        assert_eq!(made.headers()["authorization"], "Basic dTpw");
        assert_eq!((made.headers().len(), &made.body()[..]), (3, &br#"{"stop":true}"#[..]));
    }
}
