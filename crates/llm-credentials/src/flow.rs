//! Talking to those who issue credentials: small requests, bounded answers, errors that say who is to blame.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request};
use llm_http::{Body, ErrorKind, Timeouts, Transport, TransportError, shown};
use llm_types::{Error, Kind, Result, Side, UpstreamDetail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Ambient;

/// No token is longer than this.
const MAX_REPLY: usize = 1 << 20;
/// What an issuer says of an error, cut here.
const MAX_REASON: usize = 400;

/// How long an issuer may take.
const PATIENT: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(5)),
    tls: None,
    first_byte: Some(Duration::from_secs(20)),
    idle: Some(Duration::from_secs(10)),
    total: Some(Duration::from_secs(30)),
};

/// How long a metadata server of the machine may take: it is next door, or not there at all.
const BRISK: Timeouts = Timeouts {
    connect: Some(Duration::from_secs(1)),
    tls: None,
    first_byte: Some(Duration::from_secs(4)),
    idle: Some(Duration::from_secs(2)),
    total: Some(Duration::from_secs(6)),
};

/// What a flow works with.
#[derive(Clone, Copy)]
pub(crate) struct Flow<'a> {
    pub(crate) http: &'a dyn Transport,
    pub(crate) ambient: &'a Ambient,
}

/// An answer read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Flow<'_> {
    /// Sends a request to `who`, whatever is answered.
    pub(crate) async fn send(&self, who: &str, request: Request<Body>) -> Result<Answer> {
        self.exchange(who, request, PATIENT).await
    }

    /// As [`Self::send`], for a server of the machine itself.
    pub(crate) async fn send_near(&self, who: &str, request: Request<Body>) -> Result<Answer> {
        self.exchange(who, request, BRISK).await
    }

    /// Sends a request to `who` and reads the JSON it answers. `secrets` are what must not show in an error, should
    /// the issuer echo it.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        who: &str,
        request: Request<Body>,
        secrets: &[&str],
    ) -> Result<T> {
        self.send(who, request).await?.json(who, secrets)
    }

    async fn exchange(&self, who: &str, request: Request<Body>, timeouts: Timeouts) -> Result<Answer> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let failed = |error: TransportError| unreachable(who, &host, &error);
        let response = self.http.send(request, timeouts).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = body.collect(MAX_REPLY).await.map_err(failed)?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl Answer {
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON of a good answer; the error of another.
    pub(crate) fn json<T: DeserializeOwned>(&self, who: &str, secrets: &[&str]) -> Result<T> {
        if !self.ok() {
            return Err(self.error(who, &self.reason(), secrets));
        }
        // The parser's message may quote what it read.
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            Error::new(Kind::InvalidReply, format!("{who} answered something that is not a token ({place})"))
        })
    }

    /// What a bad answer means: refused, or not now.
    pub(crate) fn error(&self, who: &str, reason: &str, secrets: &[&str]) -> Error {
        let kind = match self.status {
            408 | 504 => Kind::Timeout,
            429 => Kind::RateLimit,
            500.. => Kind::Unavailable,
            _ => Kind::Authentication,
        };
        let reason = presentable(reason, secrets);
        let colon = if reason.is_empty() { "" } else { ": " };
        let message = format!("{who} answered with status {}{colon}{reason}", self.status);
        let mut error = Error::upstream(kind, message, UpstreamDetail { status: self.status, ..Default::default() });
        let wait = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        error.retry_after = wait.map(Duration::from_secs);
        error
    }

    /// The reason in the shapes that issuers use; nothing of an answer in another shape.
    pub(crate) fn reason(&self) -> String {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Code {
            Text(String),
            Object { message: Option<String>, status: Option<String> },
        }
        #[derive(Deserialize)]
        struct Reason {
            error: Option<Code>,
            error_description: Option<String>,
            #[serde(rename = "errorMessage")]
            error_message: Option<String>,
            #[serde(alias = "Message")]
            message: Option<String>,
            /// HashiCorp Vault.
            #[serde(default)]
            errors: Vec<String>,
        }
        let Ok(reason) = serde_json::from_slice::<Reason>(&self.body) else { return String::new() };
        let (code, inner) = match reason.error {
            Some(Code::Text(text)) => (Some(text), None),
            Some(Code::Object { message, status }) => (status, message),
            None => (None, None),
        };
        let listed = Some(reason.errors.join("; ")).filter(|text| !text.is_empty());
        let words = reason.error_description.or(inner).or(reason.error_message).or(reason.message).or(listed);
        [code, words].into_iter().flatten().collect::<Vec<_>>().join(": ")
    }
}

/// One line of bounded length without the secrets.
fn presentable(reason: &str, secrets: &[&str]) -> String {
    let mut text = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "***");
    }
    if text.chars().count() > MAX_REASON {
        text = text.chars().take(MAX_REASON).chain(['…']).collect();
    }
    text
}

/// Nobody answers: another deployment, or the same a little later, may do better.
fn unreachable(who: &str, host: &str, error: &TransportError) -> Error {
    let kind = match error.kind() {
        ErrorKind::Timeout => Kind::Timeout,
        _ => Kind::Connection,
    };
    let mut error = Error::new(kind, format!("{who} ({host}) cannot be reached: {error}"));
    error.side = Side::Upstream;
    error
}

/// There are no credentials, or they cannot be what is wanted.
pub(crate) fn denied(message: impl Into<String>) -> Error {
    let mut error = Error::new(Kind::Authentication, message);
    error.side = Side::Gateway;
    error
}

/// A request without a body.
pub(crate) fn get(url: &str) -> Result<Request<Body>> {
    let request = Request::get(url).header(ACCEPT, "application/json").body(Body::empty());
    request.map_err(|_| denied(format!("{} is not a URL that can be asked for a token", shown(url))))
}

/// A form, as OAuth wants it.
pub(crate) fn form(url: &str, fields: &[(&str, &str)]) -> Result<Request<Body>> {
    post(url, "application/x-www-form-urlencoded", encoded(fields))
}

/// Fields as forms and queries have them.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A JSON document.
pub(crate) fn json(url: &str, value: &impl serde::Serialize) -> Result<Request<Body>> {
    let text = serde_json::to_string(value).map_err(|error| Error::internal(format!("a token request: {error}")))?;
    post(url, "application/json", text)
}

fn post(url: &str, content_type: &'static str, text: String) -> Result<Request<Body>> {
    let request = Request::post(url).header(ACCEPT, "application/json").header(CONTENT_TYPE, content_type);
    let request = request.body(Body::from(text));
    request.map_err(|_| denied(format!("{} is not a URL that can be asked for a token", shown(url))))
}

/// Sets a header that must not be printed.
pub(crate) fn show(request: &mut Request<Body>, name: http::HeaderName, value: &str) -> Result<()> {
    let value = http::HeaderValue::from_str(value);
    let mut value = value.map_err(|_| denied(format!("the credential for {name} contains characters of no header")))?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

/// Sets `Authorization: Bearer`.
pub(crate) fn bearer(request: &mut Request<Body>, token: &str) -> Result<()> {
    show(request, http::header::AUTHORIZATION, &format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn reasons_are_found_in_every_shape() {
        for (body, expected) in [
            (r#"{"error":"invalid_grant","error_description":"Bad  key"}"#, "invalid_grant: Bad key"),
            (r#"{"error":{"code":403,"message":"No","status":"PERMISSION_DENIED"}}"#, "PERMISSION_DENIED: No"),
            (r#"{"errorCode":"BXNIM0415E","errorMessage":"No such key"}"#, "No such key"),
            (r#"{"message":"Bad credentials"}"#, "Bad credentials"),
            ("<html>secret</html>", ""),
        ] {
            let answer = answer(400, body);
            assert_eq!(presentable(&answer.reason(), &[]), expected);
        }
    }

    #[test]
    fn what_is_refused_and_what_may_be_tried_again() {
        for (status, kind) in [
            (400, Kind::Authentication),
            (401, Kind::Authentication),
            (429, Kind::RateLimit),
            (500, Kind::Unavailable),
            (503, Kind::Unavailable),
            (504, Kind::Timeout),
        ] {
            let error = answer(status, "").error("the issuer", "", &[]);
            assert_eq!((error.kind, error.side), (kind, Side::Upstream));
            assert_eq!(error.retryable(), kind != Kind::Authentication);
        }
    }

    #[test]
    fn secrets_do_not_show_even_when_echoed() {
        let answer = answer(400, r#"{"error":"invalid_client","error_description":"secret s3cr3t-value is wrong"}"#);
        let error = answer.json::<()>("the issuer", &["s3cr3t-value"]).unwrap_err();
        assert_eq!(error.message, "the issuer answered with status 400: invalid_client: secret *** is wrong");
        assert!(presentable(&"x".repeat(9999), &[]).len() < 500);
    }
}
