//! Credentials that callers hold themselves: which servers want one, and getting a new token for one that has ended.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Uri};
use llm_http::{Body, Timeouts, Transport};
use llm_types::{Json, Secret};
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use url::form_urlencoded::Serializer;

use crate::credential::{Refresh, Way};
use crate::fault::Fault;

/// No answer of a token endpoint is longer, in bytes.
const LARGEST: usize = 1 << 20;
/// How long a token endpoint may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A new token.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// The access token.
    pub access: Secret,
    /// What gets the next one; nothing: the old one still does.
    pub refresh: Option<Secret>,
    /// How long it is good for.
    pub seconds: Option<i64>,
}

/// Who gets a new token for whom: one at a time, for most servers take a refresh token once.
#[derive(Debug, Default)]
pub struct Renewals(Mutex<HashMap<(String, String), Weak<Turn<()>>>>);

impl Renewals {
    /// Waits until nobody else renews the token of this person for this server.
    pub async fn turn(&self, user: &str, server: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock();
            let key = (user.to_owned(), server.to_owned());
            match all.get(&key).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    all.retain(|_, turn| turn.strong_count() > 0);
                    let turn = Arc::new(Turn::new(()));
                    all.insert(key, Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}

/// Gets a new token (RFC 6749, section 6).
///
/// # Errors
/// That it is refused, or that the endpoint cannot be asked.
pub async fn renewed(transport: &dyn Transport, by: &Refresh, token: &Secret) -> Result<Renewed, Fault> {
    let timeouts = Timeouts { total: Some(PATIENCE), ..Timeouts::default() };
    let reply = transport.send(asking(by, token)?, timeouts).await?;
    let status = reply.status().as_u16();
    let body = reply.into_body().collect_within(LARGEST).await?.ok_or(Fault::Broken("its token is too long"))?;
    if status != 200 {
        return Err(Fault::Credential(format!("the token endpoint answered status {status}")));
    }
    let told: Json = serde_json::from_slice(&body).map_err(|_| Fault::Broken("its token is no JSON"))?;
    let access = told.text("access_token").filter(|token| !token.is_empty());
    let access = access.ok_or_else(|| Fault::Credential("the token endpoint gave no token".to_owned()))?;
    Ok(Renewed {
        access: Secret::new(access),
        refresh: told.text("refresh_token").filter(|token| !token.is_empty()).map(Secret::new),
        seconds: told.get("expires_in").and_then(|s| s.as_i64().or_else(|| s.as_str()?.parse().ok())),
    })
}

fn asking(by: &Refresh, token: &Secret) -> Result<Request<Body>, Fault> {
    let uri: Uri = by.token_url.parse().map_err(|_| Fault::Broken("its token_url cannot be used"))?;
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
    let secret = by.client_secret.as_ref().map(Secret::expose).unwrap_or_default();
    let mut headers = http::HeaderMap::new();
    match (&by.client_id, by.basic) {
        (Some(id), true) => {
            headers.extend(Way::Basic.header(&format!("{id}:{secret}")).map(|(name, value)| (Some(name), value)));
        }
        (Some(id), false) => {
            form.append_pair("client_id", id);
            if !secret.is_empty() {
                form.append_pair("client_secret", secret);
            }
        }
        (None, _) => {}
    }
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut request = Request::new(Body::from(Bytes::from(form.finish())));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}
