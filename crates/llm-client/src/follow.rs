//! Job-style upstreams: a first reply is a ticket, further requests fetch the answer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request};
use llm_http::{Body, ReplyBody};
use llm_types::{Error, Kind, Result};
use llm_wire::codec::ReplyView;
use llm_wire::task::{FollowUp, FollowUrl, TaskBody};

use crate::send::Sender;
use crate::transport::transport_error;

/// How long a job may take when the call has no limit.
const LONGEST: Duration = Duration::from_secs(600);

/// Sends the requests that follow a first one.
pub(crate) struct Follower<'a> {
    sender: &'a Sender<'a>,
    until: Instant,
    /// Where the last request went, and whether credentials went with it.
    last: Mutex<(Uri, bool)>,
}

impl<'a> Follower<'a> {
    pub(crate) fn new(sender: &'a Sender<'a>) -> Self {
        let limit = sender.timeouts.total.or(sender.timeouts.first_byte).unwrap_or(LONGEST).min(LONGEST);
        Self { sender, until: Instant::now() + limit, last: Mutex::new((sender.address.uri.clone(), true)) }
    }

    /// Waits, then sends, and gives the body of a success.
    ///
    /// # Errors
    /// `Timeout` when the job takes longer than the call may; what credentials, transport and upstream say.
    pub(crate) async fn send(
        &self,
        after: Duration,
        request: FollowUp,
        read: &(dyn Fn(&ReplyView<'_>) -> Error + Sync),
    ) -> Result<ReplyBody> {
        let Sender { http, settings, address, counter, timeouts, .. } = self.sender;
        let provider = counter.provider();
        if Instant::now() + after > self.until {
            let why = format!("litellm.Timeout: {provider}Exception - the job did not end in time");
            return Err(Error::new(Kind::Timeout, why));
        }
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        let (uri, same_host) = match &request.url {
            FollowUrl::Again => self.last.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            url => {
                let uri = follow_uri(&address.uri, url)?;
                let same_host = uri.authority() == address.uri.authority() || matches!(url, FollowUrl::Own(_));
                (uri, same_host)
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (uri.clone(), same_host);
        let (body, content_type) = written(request.body);
        let mut out = Request::new(body);
        *out.method_mut() = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Error::internal(format!("{:?} is no method", request.method)))?;
        *out.uri_mut() = uri;
        if same_host {
            out.headers_mut().clone_from(&address.endpoint.headers);
        }
        match content_type {
            Some(kind) => out.headers_mut().insert(CONTENT_TYPE, kind),
            None => out.headers_mut().remove(CONTENT_TYPE),
        };
        if same_host && let Some(need) = &address.endpoint.auth {
            settings.signer.apply(*http, need, &mut out).await?;
        }
        let reply = http.send(out, *timeouts).await.map_err(|e| transport_error(&e, provider))?;
        let (parts, body) = reply.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        Err(self.sender.refused(&parts, body, read).await)
    }
}

fn follow_uri(first: &Uri, url: &FollowUrl) -> Result<Uri> {
    let bad = |what: &str| Error::new(Kind::InvalidReply, format!("the upstream named a URL that is none: {what}"));
    let path = match url {
        FollowUrl::Again => return Ok(first.clone()),
        FollowUrl::Absolute(url) | FollowUrl::Own(url) => {
            let uri: Uri = url.parse().map_err(|_| bad(url))?;
            let http = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
            return if http { Ok(uri) } else { Err(bad(url)) };
        }
        FollowUrl::Beside(more) => beside(first.path().trim_end_matches('/'), more),
        FollowUrl::Path(path) => path.clone(),
    };
    let mut parts = first.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path.as_str()).map_err(|_| bad(&path))?);
    Uri::from_parts(parts).map_err(|_| bad(&path))
}

fn beside(path: &str, more: &str) -> String {
    match more.strip_prefix("/..") {
        Some(rest) => format!("{}{rest}", path.rsplit_once('/').map_or("", |(parent, _)| parent)),
        None => format!("{path}{more}"),
    }
}

/// A body and its media type.
pub(crate) type Written = (Body, Option<HeaderValue>);

/// A body as it is sent.
pub(crate) fn written(body: TaskBody) -> Written {
    match body {
        TaskBody::None => (Body::empty(), None),
        TaskBody::Json(bytes) => (Body::from(bytes), Some(HeaderValue::from_static("application/json"))),
        TaskBody::Raw { content_type, data } => (Body::from(data), HeaderValue::try_from(content_type).ok()),
        TaskBody::Form { fields, files } => crate::form::written(&fields, files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_following_url_is_beside_in_place_or_named() {
        let first: Uri = "https://h/v1/jobs?x=1".parse().unwrap();
        let url = |u: &FollowUrl| follow_uri(&first, u).map(|u| u.to_string());
        assert_eq!(url(&FollowUrl::Beside("/7".into())).unwrap(), "https://h/v1/jobs/7");
        assert_eq!(url(&FollowUrl::Beside("/../files/7".into())).unwrap(), "https://h/v1/files/7");
        assert_eq!(url(&FollowUrl::Path("/v2/7?a=b".into())).unwrap(), "https://h/v2/7?a=b");
        assert_eq!(url(&FollowUrl::Absolute("https://cdn.h/7".into())).unwrap(), "https://cdn.h/7");
        assert!(url(&FollowUrl::Absolute("file:///etc/passwd".into())).is_err());
    }
}
