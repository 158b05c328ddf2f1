//! Somebody outside who decides: an HTTP hook in place of LiteLLM's Python `custom_auth`.
//!
//! Asked is `POST <custom_auth_url>` with `{"api_key", "method", "path", "headers", "client_ip"}`; the answer is 200 with an
//! identity, 401 or 403 to refuse, and anything else means that nobody knows: the caller hears 503. `docs/authentication.md`
//! has the fields.

use std::net::IpAddr;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Json, Result};

use super::said::{Fence, Said, Teams};
use super::settings::{Hook, Network};
use super::{Asking, Meant, outside, refused};
use crate::{Credential, KeyDigest, ModelList, Role, is_credential};

/// A request as the hook hears of it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    key: String,
    body: String,
}

impl Question {
    /// Nothing for requests that show nothing, or something that cannot be read.
    pub(super) fn of(asking: &Asking<'_>, network: &Network) -> Option<Self> {
        let Credential::Key(key) = asking.credential else { return None };
        let mut headers: Vec<(String, Json)> = Vec::new();
        for (name, value) in asking.headers {
            // The credential is told once, where it belongs.
            let secret = is_credential(name) || name == http::header::COOKIE || name == "proxy-authorization";
            let Ok(value) = value.to_str() else { continue };
            if secret || value.contains(key) {
                continue;
            }
            match headers.iter_mut().find(|(known, _)| known == name.as_str()) {
                Some((_, Json::String(known))) => known.push_str(&format!(", {value}")),
                _ => headers.push((name.as_str().to_owned(), Json::from(value))),
            }
        }
        let address = asking.connected.map(|connected: IpAddr| network.caller(connected, asking.headers).to_string());
        let body = Json::object([
            ("api_key", Json::from(key)),
            ("method", Json::from(asking.method)),
            ("path", Json::from(asking.path)),
            ("headers", Json::Object(headers)),
            ("client_ip", Json::from(address)),
        ]);
        Some(Self { key: key.to_owned(), body: body.to_string() })
    }

    /// Under which a verdict is remembered: the whole credential.
    pub(super) fn digest(&self) -> KeyDigest {
        KeyDigest::of(&format!("hook\0{}", self.key))
    }
}

/// What the hook says.
///
/// # Errors
/// 401 and 403 where it refuses, 503 where it says nothing of use.
pub(super) async fn ask(hook: &Hook, http: &dyn Transport, question: &Question) -> Result<Meant> {
    let mut request =
        Request::post(&hook.url).header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
    if let Some(secret) = &hook.secret {
        request = request.header(AUTHORIZATION, format!("Bearer {}", secret.expose()));
    }
    let body = Body::from(Bytes::from(question.body.clone()));
    let request = request.body(body).map_err(|_| refused::unavailable("the hook cannot be asked"))?;
    let timeouts = Timeouts { total: Some(hook.timeout), ..Timeouts::default() };
    let (status, body) = outside::ask(http, request, timeouts).await?;
    let answer: Option<Json> = serde_json::from_slice(&body).ok();
    let reason = || {
        let told = answer.as_ref().and_then(|answer| answer.get("message")).and_then(Json::as_str);
        told.unwrap_or("refused").chars().take(300).collect::<String>()
    };
    match status {
        200 => {}
        401 => return Err(refused::unauthorized(format!("Authentication Error, {}", reason()))),
        403 => return Err(refused::forbidden(reason())),
        status => return Err(refused::unavailable(&format!("the hook answered with status {status}"))),
    }
    let no_use = || refused::unavailable("the hook's answer is no identity");
    let answer = answer.filter(|answer| answer.as_object().is_some()).ok_or_else(no_use)?;
    meant(hook, &answer, question).ok_or_else(no_use)
}

/// Fields of an identity that a hook may say. An answer with another one is refused: it may have been meant to limit.
const FIELDS: [&str; 14] = [
    "api_key",
    "continue",
    "user_id",
    "user_email",
    "user_role",
    "team_id",
    "org_id",
    "end_user_id",
    "agent_id",
    "models",
    "allowed_routes",
    "expires",
    "key_alias",
    "message",
];

fn meant(hook: &Hook, answer: &Json, question: &Question) -> Option<Meant> {
    let fields = answer.as_object()?;
    if let Some((name, _)) = fields.iter().find(|(name, value)| !value.is_null() && !FIELDS.contains(&name.as_str())) {
        tracing::error!(field = %name, "the hook said something that is not understood");
        return None;
    }
    let text = |name: &str| answer.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    if answer.get("continue").and_then(Json::as_bool) == Some(true) {
        return hook.falls_back.then_some(Meant::GoOn);
    }
    if let Some(key) = text("api_key").filter(|key| key.starts_with("sk-")) {
        return Some(Meant::Key(KeyDigest::of(&key)));
    }
    let texts = |name: &str| -> Option<Option<Vec<String>>> {
        match answer.get(name) {
            None | Some(Json::Null) => Some(None),
            Some(list) => {
                list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().map(Some)
            }
        }
    };
    let role = match text("user_role") {
        Some(name) => Some(Role::parse(&name)?),
        None => None,
    };
    let expires = match text("expires") {
        Some(at) => Some(crate::keys::instant(&at)?),
        None => None,
    };
    if expires.is_some_and(|at: DateTime<Utc>| at <= Utc::now()) {
        return None;
    }
    let (models, routes) = (texts("models")?, texts("allowed_routes")?);
    let fence = Fence { models: ModelList::new(&models.unwrap_or_default()), routes: routes.unwrap_or_default() };
    Some(Meant::Said(Box::new(Said {
        user_id: text("user_id"),
        email: text("user_email"),
        role,
        teams: Teams { ids: text("team_id").into_iter().collect(), ..Teams::default() },
        organization: text("org_id"),
        end_user: text("end_user_id"),
        agent: text("agent_id"),
        fences: vec![fence],
        expires,
        log_name: Some(KeyDigest::of(&question.key).hex()),
        alias: text("key_alias"),
        ..Said::default()
    })))
}
