//! ChatGPT subscriptions: a login at OpenAI with a code of its own kind, a token of some days, a refresh token.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use llm_types::{Error, Result, Secret};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Granted, Pending, file, pending, save};
use crate::ambient::read_if_there;
use crate::flow::{Flow, form, json};
use crate::rsa::claims;
use crate::shelf::Issued;

const SERVICE: &str = "ChatGPT";
const WHO: &str = "OpenAI's login";
const BASE: &str = "https://auth.openai.com";
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
/// How long before its end a token counts as over.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a code may be entered.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// No service is asked more often.
const INTERVAL: u64 = 5;

/// What OpenAI's claims say.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    #[serde(rename = "https://api.openai.com/auth")]
    auth: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    chatgpt_account_id: Option<String>,
}

/// The file, with whatever else stands in it.
struct Record(Map<String, Value>);

impl Record {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn end(&self, token: &str) -> Option<SystemTime> {
        let written = self.0.get("expires_at").and_then(Value::as_f64);
        let seconds = written.or_else(|| claims::<Claims>(token)?.exp)?;
        (seconds.is_finite() && seconds > 0.0).then(|| UNIX_EPOCH + Duration::from_secs_f64(seconds.min(1e11)))
    }

    fn account(&self) -> Option<String> {
        let named = self.text("account_id").map(str::to_owned);
        named.or_else(|| account(self.text("id_token")?)).or_else(|| account(self.text("access_token")?))
    }

    fn good(&self, now: SystemTime) -> Option<Issued<Granted>> {
        let token = self.text("access_token")?;
        let end = self.end(token).filter(|end| now + MARGIN < *end)?;
        let value = Granted { token: Secret::new(token), base: None, account: self.account() };
        Some(Issued { value, expires: Some(end) })
    }
}

fn account(token: &str) -> Option<String> {
    claims::<Claims>(token)?.auth?.chatgpt_account_id
}

/// The token: from its file while it is good, renewed, or of a login.
pub(super) async fn fetch(flow: Flow<'_>, place: &Mutex<Option<Pending>>) -> Result<Issued<Granted>> {
    let path =
        file(flow.ambient, ("CHATGPT_TOKEN_DIR", "~/.config/litellm/chatgpt"), ("CHATGPT_AUTH_FILE", "auth.json"));
    let text = read_if_there(&path, "the ChatGPT login file").await?;
    let kept = text.and_then(|text| serde_json::from_str(&text).ok()).map_or_else(|| Record(Map::new()), Record);
    let now = flow.ambient.now();
    if let Some(issued) = kept.good(now) {
        return Ok(issued);
    }
    if let Some(refresh) = kept.text("refresh_token") {
        match renewed(flow, refresh).await {
            Ok(tokens) => return keep(flow, &path, kept, tokens).await,
            // Not now: a new login would not get through either.
            Err(error) if error.retryable() => return Err(error),
            Err(error) => tracing::warn!(%error, "the ChatGPT login cannot be renewed"),
        }
    }
    let Some(login) = pending(place, now) else { return Err(begin(flow, place).await?) };
    if now < login.next {
        return Err(login.error());
    }
    let tokens = poll(flow, place, login, now).await?;
    place.lock().take();
    keep(flow, &path, kept, tokens).await
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

/// Writes the tokens into the file and gives the one to show.
async fn keep(flow: Flow<'_>, path: &Path, mut record: Record, tokens: Tokens) -> Result<Issued<Granted>> {
    let token = tokens.access_token.clone();
    let end = claims::<Claims>(&token).and_then(|claims| claims.exp);
    let named = tokens.id_token.as_deref().and_then(account).or_else(|| account(&token));
    let mut set =
        |name: &str, value: Option<Value>| value.into_iter().for_each(|v| drop(record.0.insert(name.to_owned(), v)));
    set("access_token", Some(Value::from(tokens.access_token)));
    set("refresh_token", tokens.refresh_token.map(Value::from));
    set("id_token", tokens.id_token.map(Value::from));
    set("expires_at", Some(end.map_or(Value::Null, |end| Value::from(end as u64))));
    set("account_id", named.map(Value::from));
    let text = serde_json::to_string(&record.0).map_err(|error| Error::internal(error.to_string()))?;
    save(path, text, "the ChatGPT login file").await;
    // A token that does not say when it ends is asked for again soon.
    let end = record.end(&token).unwrap_or(flow.ambient.now() + Duration::from_secs(300));
    let value = Granted { token: Secret::new(token), base: None, account: record.account() };
    Ok(Issued { value, expires: Some(end) })
}

/// Where the logins are.
fn url(flow: Flow<'_>, path: &str) -> String {
    let base = flow.ambient.var("CHATGPT_AUTH_BASE").unwrap_or_else(|| BASE.to_owned());
    format!("{}{path}", base.trim_end_matches('/'))
}

async fn renewed(flow: Flow<'_>, refresh: &str) -> Result<Tokens> {
    #[derive(Serialize)]
    struct Ask<'a> {
        client_id: &'a str,
        grant_type: &'a str,
        refresh_token: &'a str,
        scope: &'a str,
    }
    let (grant_type, scope) = ("refresh_token", "openid profile email");
    let ask = Ask { client_id: CLIENT_ID, grant_type, refresh_token: refresh, scope };
    flow.ask(WHO, json(&url(flow, "/oauth/token"), &ask)?, &[refresh]).await
}

/// Begins a login; gives the error that says what the person has to do.
async fn begin(flow: Flow<'_>, place: &Mutex<Option<Pending>>) -> Result<Error> {
    #[derive(Serialize)]
    struct Ask<'a> {
        client_id: &'a str,
    }
    #[derive(Deserialize)]
    struct Code {
        device_auth_id: Secret,
        #[serde(alias = "usercode")]
        user_code: String,
        interval: Option<Value>,
    }
    let request = json(&url(flow, "/api/accounts/deviceauth/usercode"), &Ask { client_id: CLIENT_ID })?;
    let code: Code = flow.ask(WHO, request, &[]).await?;
    let seconds = code.interval.as_ref().and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    let interval = Duration::from_secs(seconds.unwrap_or(INTERVAL).max(INTERVAL));
    let now = flow.ambient.now();
    let login = Pending {
        service: SERVICE,
        handle: code.device_auth_id,
        code: code.user_code,
        page: url(flow, "/codex/device"),
        interval,
        next: now + interval,
        until: now + PATIENCE,
    };
    Ok(login.begun(place))
}

/// Asks whether the person has been there, and exchanges what the service then gives.
async fn poll(flow: Flow<'_>, place: &Mutex<Option<Pending>>, login: Pending, now: SystemTime) -> Result<Tokens> {
    #[derive(Serialize)]
    struct Ask<'a> {
        device_auth_id: &'a str,
        user_code: &'a str,
    }
    #[derive(Deserialize)]
    struct Code {
        authorization_code: String,
        code_verifier: String,
    }
    let ask = Ask { device_auth_id: login.handle.expose(), user_code: &login.code };
    let answer = flow.send(WHO, json(&url(flow, "/api/accounts/deviceauth/token"), &ask)?).await?;
    if matches!(answer.status, 403 | 404) {
        return Err(login.waiting(place, now, Duration::ZERO));
    }
    let code: Code = answer.json(WHO, &[login.handle.expose()])?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code.authorization_code),
        ("redirect_uri", &url(flow, "/deviceauth/callback")),
        ("client_id", CLIENT_ID),
        ("code_verifier", &code.code_verifier),
    ];
    let secrets = [code.authorization_code.as_str(), code.code_verifier.as_str()];
    flow.ask(WHO, form(&url(flow, "/oauth/token"), &fields)?, &secrets).await
}
