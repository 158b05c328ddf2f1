//! Letters over HTTP: Resend (`POST /emails`) and SendGrid (`POST /v3/mail/send`), as their API references say.

use std::time::Duration;

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Json, Secret};

use super::Mail;
use crate::callback::SinkError;

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a complaint that are told.
const COMPLAINT: usize = 4096;

/// Where a service is, and its key.
type Place<'a> = (&'a str, &'a Secret);

pub(super) async fn resend(http: &dyn Transport, at: Place<'_>, from: &str, mail: &Mail) -> Result<(), SinkError> {
    let body = Json::object([
        ("from", Json::from(from)),
        ("to", Json::Array(vec![Json::from(mail.to.as_str())])),
        ("subject", Json::from(mail.subject.as_str())),
        ("html", Json::from(mail.html.as_str())),
        ("text", Json::from(mail.text.as_str())),
    ]);
    post(http, at, "/emails", &body).await
}

pub(super) async fn sendgrid(http: &dyn Transport, at: Place<'_>, from: &str, mail: &Mail) -> Result<(), SinkError> {
    let part = |kind: &str, text: &str| Json::object([("type", kind), ("value", text)]);
    let to = Json::Array(vec![Json::object([("email", mail.to.as_str())])]);
    let body = Json::object([
        ("personalizations", Json::Array(vec![Json::object([("to", to)])])),
        ("from", sender(from)),
        ("subject", Json::from(mail.subject.as_str())),
        // Plain text comes first.
        ("content", Json::Array(vec![part("text/plain", &mail.text), part("text/html", &mail.html)])),
    ]);
    post(http, at, "/v3/mail/send", &body).await
}

/// `Name <a@x.org>` in two fields.
fn sender(from: &str) -> Json {
    let parts = from.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    let Some((name, email)) = parts else { return Json::object([("email", from.trim())]) };
    let name = name.trim().trim_matches('"');
    if name.is_empty() { Json::object([("email", email)]) } else { Json::object([("email", email), ("name", name)]) }
}

async fn post(http: &dyn Transport, (base, key): Place<'_>, path: &str, body: &Json) -> Result<(), SinkError> {
    let request = Request::post(format!("{base}{path}"))
        .header(AUTHORIZATION, format!("Bearer {}", key.expose()))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .map_err(|_| SinkError::lasting("the address or the key of the mail service cannot be used"))?;
    let timeouts = Timeouts { first_byte: Some(PATIENCE), total: Some(PATIENCE), ..Timeouts::default() };
    let reply = http.send(request, timeouts).await.map_err(|error| SinkError {
        message: error.to_string(),
        // What may have arrived is not sent twice.
        retryable: error.surely_not_sent(),
    })?;
    let status = reply.status();
    if status.is_success() {
        return Ok(());
    }
    let said = reply.into_body().collect_within(COMPLAINT).await.ok().flatten().unwrap_or_default();
    let message = format!("status {}: {}", status.as_u16(), String::from_utf8_lossy(&said));
    Err(SinkError { message, retryable: matches!(status.as_u16(), 429 | 500..) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_with_a_name_is_taken_apart() {
        for (from, wanted) in [
            ("a@x.org", r#"{"email":"a@x.org"}"#),
            ("Gate Way <a@x.org>", r#"{"email":"a@x.org","name":"Gate Way"}"#),
            (r#""Gate, Way" <a@x.org>"#, r#"{"email":"a@x.org","name":"Gate, Way"}"#),
            ("<a@x.org>", r#"{"email":"a@x.org"}"#),
        ] {
            assert_eq!(sender(from).to_string(), wanted, "{from}");
        }
    }
}
