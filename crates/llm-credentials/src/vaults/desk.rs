//! What all vaults work with.

use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, Method, Request};
use llm_http::{Body, BoxFuture, Transport};
use llm_types::{Error, Json, Kind, Result, Secret};
use serde::de::DeserializeOwned;
use url::Url;

use crate::flow::{Answer, Flow, denied, show};
use crate::shelf::{Issued, KeyOf, Shelf};
use crate::{Ambient, Signer};

/// The way out, the variables, and what was issued to us.
pub(super) struct Desk {
    http: Arc<dyn Transport>,
    pub(super) ambient: Ambient,
    pub(super) signer: Signer,
    tokens: Shelf<Secret>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

/// How a token is shown to whom, and which status says that it is not good any more.
pub(super) struct Login {
    pub(super) who: &'static str,
    pub(super) refused: u16,
    pub(super) header: HeaderName,
}

impl Desk {
    pub(super) fn new(http: Arc<dyn Transport>, ambient: Ambient) -> Self {
        Desk { http, signer: Signer::new(ambient.clone()), ambient, tokens: Shelf::default() }
    }

    pub(super) fn http(&self) -> &dyn Transport {
        &*self.http
    }

    pub(super) fn flow(&self) -> Flow<'_> {
        Flow { http: self.http(), ambient: &self.ambient }
    }

    /// A variable that has to be there.
    pub(super) fn needed(&self, name: &str) -> Result<String> {
        self.ambient.var(name).ok_or_else(|| denied(format!("{name} is not set")))
    }

    /// Sends a request that shows a token, which `fetch` gets. One that is refused although it should be good is exchanged
    /// once: whoever issued it may have called it back.
    pub(super) async fn send<'a>(
        &self,
        login: Login,
        fetch: impl Fn() -> BoxFuture<'a, Result<Issued<Secret>>>,
        make: impl Fn() -> Result<Request<Body>>,
    ) -> Result<Answer> {
        let key = KeyOf::new("vault").end();
        let mut again = true;
        loop {
            let mut request = make()?;
            let token = self.tokens.get(key, self.ambient.now(), &fetch).await?;
            show(&mut request, login.header.clone(), token.expose())?;
            let answer = self.flow().send(login.who, request).await?;
            if answer.status != login.refused || !again {
                return Ok(answer);
            }
            self.tokens.forget(key);
            again = false;
        }
    }
}

/// A request; an empty body for none.
pub(super) fn request(method: Method, url: &str, kind: Option<&'static str>, body: String) -> Result<Request<Body>> {
    let mut request = Request::builder().method(method).uri(url).header(ACCEPT, "*/*");
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    let request = request.body(if body.is_empty() { Body::empty() } else { Body::from(body) });
    request.map_err(|_| denied("the address of the secret manager is none that can be asked"))
}

/// The same with a JSON document.
pub(super) fn document(method: Method, url: &str, body: &Json) -> Result<Request<Body>> {
    request(method, url, Some("application/json"), body.to_string())
}

/// The JSON of a good answer; the error of another.
pub(super) fn json<T: DeserializeOwned>(who: &str, answer: &Answer) -> Result<T> {
    good(who, answer)?;
    // The parser's message may quote what it read.
    serde_json::from_slice(&answer.body).map_err(|_| odd(who))
}

/// What a service that answers in an unknown way did.
pub(super) fn odd(who: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("{who} answered something that is no secret"))
}

/// Nothing for a good answer; the error of another.
pub(super) fn good(who: &str, answer: &Answer) -> Result<()> {
    if answer.ok() { Ok(()) } else { Err(answer.error(who, &answer.reason(), &[])) }
}

/// An address below `base`: each segment is escaped as a whole.
pub(super) fn below<'s>(base: &str, segments: impl IntoIterator<Item = &'s str>) -> Result<String> {
    let bad = || denied("the address of the secret manager is no URL");
    let mut url = Url::parse(base).map_err(|_| bad())?;
    url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(segments);
    Ok(url.into())
}

/// A name that stays where it is put: no segments that lead elsewhere, no characters that end a line.
///
/// # Errors
/// When it is none.
pub(super) fn checked(name: &str) -> Result<&str> {
    let leads_away = name.is_empty() || name.split('/').any(|segment| matches!(segment, "" | "." | ".."));
    let odd = name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if leads_away || odd { Err(Error::bad_request(format!("{name:?} is no name of a secret"))) } else { Ok(name) }
}
