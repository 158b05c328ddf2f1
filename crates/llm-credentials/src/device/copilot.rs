//! GitHub Copilot: a login at GitHub (RFC 8628) gives a lasting token, which is exchanged for one of half an hour.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use llm_http::Body;
use llm_types::{Error, Kind, Result, Secret};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::initiator::Conversation;
use super::{Granted, Pending, file, pending, save};
use crate::ambient::read_if_there;
use crate::flow::{Answer, Flow, get, json, show};
use crate::shelf::Issued;

/// The host that stands for the one a token names.
pub(super) const HOST: &str = "api.githubcopilot.com";
const SERVICE: &str = "GitHub Copilot";
const WHO: &str = "GitHub";
const CLIENT_ID: &str = "Iv1.b507a08c87ecfe98";
const DEVICE_CODE_URL: &str = "https://github.com/login/device/code";
const ACCESS_TOKEN_URL: &str = "https://github.com/login/oauth/access_token";
const API_KEY_URL: &str = "https://api.github.com/copilot_internal/v2/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The file with the token of half an hour, as GitHub answers it.
#[derive(Deserialize)]
struct ApiKey {
    token: Secret,
    expires_at: u64,
    endpoints: Option<Endpoints>,
}

#[derive(Deserialize)]
struct Endpoints {
    api: Option<String>,
}

impl ApiKey {
    fn issued(self) -> Issued<Granted> {
        let base = self.endpoints.and_then(|endpoints| endpoints.api);
        let expires = UNIX_EPOCH + Duration::from_secs(self.expires_at);
        Issued { value: Granted { token: self.token, base, account: None }, expires: Some(expires) }
    }
}

/// The token: from its file while it is good, else exchanged for the lasting one.
pub(super) async fn fetch(flow: Flow<'_>, place: &Mutex<Option<Pending>>) -> Result<Issued<Granted>> {
    let path = in_folder(flow, ("GITHUB_COPILOT_API_KEY_FILE", "api-key.json"));
    let kept = read_if_there(&path, "the Copilot token file").await?;
    if let Some(key) = kept.and_then(|text| serde_json::from_str::<ApiKey>(&text).ok()) {
        let issued = key.issued();
        // The shelf renews five minutes ahead; what is in the file must be newer than that to help.
        if issued.expires.is_some_and(|end| flow.ambient.now() + Duration::from_secs(300) < end) {
            return Ok(issued);
        }
    }
    let access = access_token(flow, place).await?;
    let answer = exchange(flow, &access).await?;
    if answer.status == 401 {
        // Somebody revoked it: only a new login helps.
        return Err(begin(flow, place).await?);
    }
    let key: ApiKey = answer.json(SERVICE, &[&access])?;
    save(&path, String::from_utf8_lossy(&answer.body).into_owned(), "the Copilot token file").await;
    Ok(key.issued())
}

fn in_folder(flow: Flow<'_>, name: (&str, &str)) -> PathBuf {
    file(flow.ambient, ("GITHUB_COPILOT_TOKEN_DIR", "~/.config/litellm/github_copilot"), name)
}

fn setting(flow: Flow<'_>, variable: &str, default: &str) -> String {
    flow.ambient.var(variable).unwrap_or_else(|| default.to_owned())
}

async fn exchange(flow: Flow<'_>, access: &str) -> Result<Answer> {
    let mut request = get(&setting(flow, "GITHUB_COPILOT_API_KEY_URL", API_KEY_URL))?;
    show(&mut request, AUTHORIZATION, &format!("token {access}"))?;
    flow.send(SERVICE, as_editor(request)).await
}

/// Adds the headers that depend on the conversation, by which GitHub counts requests.
pub(super) fn describe(request: &mut Request<Body>) -> Result<()> {
    let body: Vec<u8> = request.body().slices().flat_map(|slice| slice.iter().copied()).collect();
    let conversation = Conversation::read(&body);
    let headers = request.headers_mut();
    headers.insert("x-initiator", HeaderValue::from_static(if conversation.by_agent { "agent" } else { "user" }));
    if conversation.has_images {
        headers.insert("copilot-vision-request", HeaderValue::from_static("true"));
    }
    let id = uuid::Uuid::new_v4().to_string();
    headers.insert("x-request-id", HeaderValue::from_str(&id).map_err(|_| Error::internal("an id of no header"))?);
    Ok(())
}

/// GitHub answers to editors only.
fn as_editor(mut request: Request<Body>) -> Request<Body> {
    let headers = request.headers_mut();
    let name = HeaderName::from_static;
    headers.insert(name("editor-version"), HeaderValue::from_static("vscode/1.85.1"));
    headers.insert(name("editor-plugin-version"), HeaderValue::from_static("copilot/1.155.0"));
    headers.insert(USER_AGENT, HeaderValue::from_static("GithubCopilot/1.155.0"));
    request
}

/// The lasting token: from its file, or of a login.
async fn access_token(flow: Flow<'_>, place: &Mutex<Option<Pending>>) -> Result<String> {
    let path = in_folder(flow, ("GITHUB_COPILOT_ACCESS_TOKEN_FILE", "access-token"));
    let kept = read_if_there(&path, "the GitHub token file").await?;
    let now = flow.ambient.now();
    let under_way = pending(place, now);
    if let (Some(token), None) = (kept.as_deref().map(str::trim).filter(|token| !token.is_empty()), &under_way) {
        return Ok(token.to_owned());
    }
    let Some(login) = under_way else { return Err(begin(flow, place).await?) };
    if now < login.next {
        return Err(login.error());
    }
    let token = poll(flow, place, login, now).await?;
    place.lock().take();
    save(&path, token.clone(), "the GitHub token file").await;
    Ok(token)
}

/// Begins a login; gives the error that says what the person has to do.
async fn begin(flow: Flow<'_>, place: &Mutex<Option<Pending>>) -> Result<Error> {
    #[derive(Serialize)]
    struct Ask<'a> {
        client_id: &'a str,
        scope: &'a str,
    }
    #[derive(Deserialize)]
    struct Code {
        device_code: Secret,
        user_code: String,
        verification_uri: String,
        expires_in: Option<u64>,
        interval: Option<u64>,
    }
    let client_id = setting(flow, "GITHUB_COPILOT_CLIENT_ID", CLIENT_ID);
    let url = setting(flow, "GITHUB_COPILOT_DEVICE_CODE_URL", DEVICE_CODE_URL);
    let request = as_editor(json(&url, &Ask { client_id: &client_id, scope: "read:user" })?);
    let code: Code = flow.ask(WHO, request, &[]).await?;
    let now = flow.ambient.now();
    let interval = Duration::from_secs(code.interval.unwrap_or(5));
    let login = Pending {
        service: SERVICE,
        handle: code.device_code,
        code: code.user_code,
        page: code.verification_uri,
        interval,
        next: now + interval,
        until: now + Duration::from_secs(code.expires_in.unwrap_or(900)),
    };
    Ok(login.begun(place))
}

async fn poll(flow: Flow<'_>, place: &Mutex<Option<Pending>>, login: Pending, now: SystemTime) -> Result<String> {
    #[derive(Serialize)]
    struct Ask<'a> {
        client_id: &'a str,
        device_code: &'a str,
        grant_type: &'a str,
    }
    #[derive(Deserialize)]
    struct Reply {
        access_token: Option<String>,
        error: Option<String>,
    }
    let client_id = setting(flow, "GITHUB_COPILOT_CLIENT_ID", CLIENT_ID);
    let url = setting(flow, "GITHUB_COPILOT_ACCESS_TOKEN_URL", ACCESS_TOKEN_URL);
    let ask = Ask { client_id: &client_id, device_code: login.handle.expose(), grant_type: GRANT };
    let answer = flow.send(WHO, as_editor(json(&url, &ask)?)).await?;
    // GitHub says 200 and `error`; the standard says 400 and `error`.
    let reply: Reply = match serde_json::from_slice(&answer.body) {
        Ok(reply) => reply,
        Err(_) if answer.ok() => {
            return Err(Error::new(Kind::InvalidReply, "GitHub answered something else than a token"));
        }
        Err(_) => return Err(answer.error(WHO, "", &[])),
    };
    if let Some(token) = reply.access_token {
        return Ok(token);
    }
    match reply.error.as_deref() {
        Some("authorization_pending") => Err(login.waiting(place, now, Duration::ZERO)),
        Some("slow_down") => Err(login.waiting(place, now, Duration::from_secs(5))),
        // Expired or refused: the person starts over.
        _ => Err(begin(flow, place).await?),
    }
}
