//! The last step before a request is sent: a signature or a token.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Uri};
use llm_http::{Body, BoxFuture, Transport};
use llm_types::auth::{GOOGLE_PROJECT, GoogleAuth, OciAuth};
use llm_types::{AuthNeed, DeviceLogin, Error, Result, Secret};

use crate::device::{self, Granted, Logins};
use crate::flow::{Flow, bearer, denied};
use crate::rsa::RsaKey;
use crate::shelf::{Issued, Key, KeyOf, Shelf};
use crate::{Ambient, aws, azure, google, ibm, oauth, oci, snowflake};

/// Signs requests and shows tokens. It remembers tokens until shortly before they end, and asks for one only once
/// however many wait for it: share one.
#[derive(Debug, Default)]
pub struct Signer {
    ambient: Ambient,
    keys: aws::KeyShelf,
    tokens: Shelf<Secret>,
    private: Shelf<Arc<RsaKey>>,
    projects: Shelf<Option<String>>,
    granted: Shelf<Granted>,
    logins: Logins,
}

impl Signer {
    /// One that looks into this environment. [`Signer::default`] looks into the process's.
    pub fn new(ambient: Ambient) -> Self {
        Signer { ambient, ..Signer::default() }
    }

    /// Adds what `need` says to a request that is ready to be sent otherwise. For Google, [`GOOGLE_PROJECT`] in the
    /// path becomes the project of the credentials; for device logins, the host may become the one that the token is
    /// for.
    ///
    /// # Errors
    /// `Authentication` when there are no credentials, they are refused, or a person has to log in first (the message
    /// says where); `Connection`, `Timeout`, `Unavailable` or `RateLimit` when an issuer of tokens does not answer as
    /// it should. No message contains a secret.
    pub async fn apply(&self, http: &dyn Transport, need: &AuthNeed, request: &mut Request<Body>) -> Result<()> {
        let flow = self.flow(http);
        match need {
            AuthNeed::Aws(need) => Box::pin(aws::apply(flow, &self.keys, need, request)).await,
            AuthNeed::Oci(need) => {
                let key = self.private_key(flow, need).await?;
                oci::sign(flow, need, &key, request)
            }
            AuthNeed::KeyPair(_) => snowflake::show_token(request, &self.bearer_token(flow, need).await?),
            AuthNeed::Device(login) => device::show(request, *login, &self.grant(flow, *login).await?),
            AuthNeed::Google(google) => {
                if request.uri().path().contains(GOOGLE_PROJECT) {
                    self.name_project(flow, google, request).await?;
                }
                let token = self.bearer_token(flow, need).await?;
                if let Some(name) = google.also {
                    let mut value =
                        HeaderValue::from_str(token.expose()).map_err(|_| denied("the token is no header"))?;
                    value.set_sensitive(true);
                    request.headers_mut().insert(HeaderName::from_static(name), value);
                }
                bearer(request, token.expose())
            }
            _ => bearer(request, self.bearer_token(flow, need).await?.expose()),
        }
    }

    /// The bearer token that `need` leads to, for those who show it elsewhere than in a header.
    ///
    /// # Errors
    /// As [`Self::apply`]; `Authentication` for signatures, which are no tokens.
    pub async fn token(&self, http: &dyn Transport, need: &AuthNeed) -> Result<Secret> {
        let flow = self.flow(http);
        match need {
            AuthNeed::Device(login) => Ok(self.grant(flow, *login).await?.token),
            _ => self.bearer_token(flow, need).await,
        }
    }

    /// The project that Google credentials belong to; `None` when they do not say.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn google_project(&self, http: &dyn Transport, need: &GoogleAuth) -> Result<Option<String>> {
        self.project(self.flow(http), need).await
    }

    /// Forgets what is remembered for `need`: the host refused it although it should be good.
    pub fn forget(&self, need: &AuthNeed) {
        match need {
            AuthNeed::Aws(need) => self.keys.forget(aws::remembered(&self.ambient, need)),
            AuthNeed::Oci(need) => self.private.forget(oci::key(need)),
            AuthNeed::Device(login) => self.granted.forget(device::key(*login)),
            _ => token_key(need).into_iter().for_each(|key| self.tokens.forget(key)),
        }
    }

    fn flow<'a>(&'a self, http: &'a dyn Transport) -> Flow<'a> {
        Flow { http, ambient: &self.ambient }
    }

    async fn bearer_token(&self, flow: Flow<'_>, need: &AuthNeed) -> Result<Secret> {
        let key = token_key(need).ok_or_else(|| denied("these credentials make signatures, not tokens"))?;
        self.tokens.get(key, self.ambient.now(), || fetch(flow, need)).await
    }

    async fn private_key(&self, flow: Flow<'_>, need: &OciAuth) -> Result<Arc<RsaKey>> {
        self.private.get(oci::key(need), self.ambient.now(), || Box::pin(oci::fetch(flow, need))).await
    }

    async fn grant(&self, flow: Flow<'_>, login: DeviceLogin) -> Result<Granted> {
        let fetch = || device::fetch(flow, &self.logins, login);
        self.granted.get(device::key(login), self.ambient.now(), fetch).await
    }

    async fn project(&self, flow: Flow<'_>, need: &GoogleAuth) -> Result<Option<String>> {
        let fetch = || -> BoxFuture<'_, _> {
            Box::pin(async move { Ok(Issued { value: google::project(flow, need).await?, expires: None }) })
        };
        let key = KeyOf::new("google project").secret(need.credentials.as_ref()).end();
        self.projects.get(key, self.ambient.now(), fetch).await
    }

    async fn name_project(&self, flow: Flow<'_>, need: &GoogleAuth, request: &mut Request<Body>) -> Result<()> {
        let project = self.project(flow, need).await?.ok_or_else(|| {
            denied("no Google project: set vertex_project or VERTEXAI_PROJECT, the credentials do not name one")
        })?;
        let bad = || denied("the Google project has characters that no project has");
        if !project.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)) {
            return Err(bad());
        }
        let uri = request.uri().to_string().replace(GOOGLE_PROJECT, &project);
        *request.uri_mut() = uri.parse::<Uri>().map_err(|_| bad())?;
        Ok(())
    }
}

/// Under which key a bearer token is remembered; `None` for what is no bearer token.
fn token_key(need: &AuthNeed) -> Option<Key> {
    match need {
        AuthNeed::Google(need) => Some(google::key(need)),
        AuthNeed::Azure(need) => Some(azure::key(need)),
        AuthNeed::OAuth(need) => Some(oauth::key(need)),
        AuthNeed::Ibm(need) => Some(ibm::key(need)),
        AuthNeed::KeyPair(need) => Some(snowflake::key(need)),
        _ => None,
    }
}

fn fetch<'a>(flow: Flow<'a>, need: &'a AuthNeed) -> BoxFuture<'a, Result<Issued<Secret>>> {
    match need {
        AuthNeed::Google(need) => Box::pin(google::fetch(flow, need)),
        AuthNeed::Azure(need) => Box::pin(azure::fetch(flow, need)),
        AuthNeed::OAuth(need) => Box::pin(oauth::fetch(flow, need)),
        AuthNeed::Ibm(need) => Box::pin(ibm::fetch(flow, need)),
        AuthNeed::KeyPair(need) => Box::pin(snowflake::fetch(flow, need)),
        // Every kind with a key is above.
        _ => Box::pin(std::future::ready(Err(Error::internal("credentials of a kind that has no token")))),
    }
}

#[cfg(test)]
mod tests;
