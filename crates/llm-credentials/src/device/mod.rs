//! Tokens that a person grants: the service shows a code, the person enters it on a page, the token is kept in a file.
//!
//! Nobody waits here. A request without a token begins a login and fails with the page and the code in its message; the
//! next requests look whether the person has been there. Files and variables are LiteLLM's, so a login made there works
//! here.

mod chatgpt;
mod copilot;
mod initiator;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use http::uri::Scheme;
use http::{HeaderName, Request, Uri};
use llm_http::{Body, BoxFuture};
use llm_types::{DeviceLogin, Error, Result, Secret};
use parking_lot::Mutex;

use crate::Ambient;
use crate::flow::{Flow, bearer, denied, show as show_header};
use crate::shelf::{Issued, Key, KeyOf};

/// What a login leads to.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) token: Secret,
    /// The address that the token is for, when it is not everybody's.
    base: Option<String>,
    /// The account that the token is for.
    account: Option<String>,
}

/// Logins that somebody has begun.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    copilot: Mutex<Option<Pending>>,
    chatgpt: Mutex<Option<Pending>>,
}

/// A code that nobody has entered yet.
#[derive(Debug, Clone)]
struct Pending {
    service: &'static str,
    /// What the service knows the login by.
    handle: Secret,
    /// What the person enters.
    code: String,
    page: String,
    interval: Duration,
    next: SystemTime,
    until: SystemTime,
}

impl Pending {
    /// What the person has to do.
    fn error(&self) -> Error {
        let Pending { service, code, page, .. } = self;
        denied(format!("{service} needs a login: open {page} and enter the code {code}, then try again"))
    }

    /// A login that has just begun: told in the log, and to whoever asked.
    fn begun(self, place: &Mutex<Option<Pending>>) -> Error {
        tracing::warn!(service = self.service, page = self.page, code = self.code, "a login is needed");
        let error = self.error();
        *place.lock() = Some(self);
        error
    }

    /// Still nobody there: ask again after the interval.
    fn waiting(mut self, place: &Mutex<Option<Pending>>, now: SystemTime, slower: Duration) -> Error {
        self.interval += slower;
        self.next = now + self.interval;
        let error = self.error();
        *place.lock() = Some(self);
        error
    }
}

/// The login that is under way and not over.
fn pending(place: &Mutex<Option<Pending>>, now: SystemTime) -> Option<Pending> {
    place.lock().clone().filter(|pending| now < pending.until)
}

pub(crate) fn key(login: DeviceLogin) -> Key {
    KeyOf::new("device").text(&format!("{login:?}")).end()
}

/// The token of a login: from its file, renewed, or of a person who has been to the page.
pub(crate) fn fetch<'a>(
    flow: Flow<'a>,
    logins: &'a Logins,
    login: DeviceLogin,
) -> BoxFuture<'a, Result<Issued<Granted>>> {
    match login {
        DeviceLogin::GitHubCopilot => Box::pin(copilot::fetch(flow, &logins.copilot)),
        DeviceLogin::ChatGpt => Box::pin(chatgpt::fetch(flow, &logins.chatgpt)),
        _ => Box::pin(std::future::ready(Err(denied("this device login is not supported")))),
    }
}

/// Shows the token.
pub(crate) fn show(request: &mut Request<Body>, login: DeviceLogin, granted: &Granted) -> Result<()> {
    bearer(request, granted.token.expose())?;
    if let Some(account) = &granted.account {
        show_header(request, HeaderName::from_static("chatgpt-account-id"), account)?;
    }
    if login != DeviceLogin::GitHubCopilot {
        return Ok(());
    }
    copilot::describe(request)?;
    granted.base.as_deref().map_or(Ok(()), |base| redirect(request, copilot::HOST, base))
}

/// Sends a request to the host of `base` that was for the host that stands for all.
fn redirect(request: &mut Request<Body>, everybody: &str, base: &str) -> Result<()> {
    if request.uri().host() != Some(everybody) {
        return Ok(());
    }
    let bad = || denied("the token names an address that is none");
    let base: Uri = base.parse().map_err(|_| bad())?;
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(base.scheme().cloned().unwrap_or(Scheme::HTTPS));
    parts.authority = Some(base.authority().cloned().ok_or_else(bad)?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| bad())?;
    Ok(())
}

/// Where a service's files are: a folder and a name, each by a variable or as LiteLLM has them.
fn file(ambient: &Ambient, folder: (&str, &str), name: (&str, &str)) -> PathBuf {
    let place = ambient.var(folder.0).unwrap_or_else(|| folder.1.to_owned());
    ambient.path(&place).join(ambient.var(name.0).unwrap_or_else(|| name.1.to_owned()))
}

/// Writes a token's file. A gateway whose disk cannot be written goes on with what it has in memory.
async fn save(path: &std::path::Path, text: String, what: &str) {
    if let Err(error) = crate::ambient::write_private(path, text).await {
        tracing::error!(%error, "{what} could not be written: the login will not survive a restart");
    }
}
