//! CyberArk Conjur.
//!
//! Wire facts: <https://docs.cyberark.com/conjur-open-source/latest/en/content/developer/lp_rest_api.htm>: authentication,
//! secrets, policies. Variables are LiteLLM's; what is written becomes a variable of the root policy.

mod read;
mod write;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::AUTHORIZATION;
use llm_http::BoxFuture;
use llm_types::{Result, Secret};

use super::desk::{self, Desk, Login, below, checked};
use super::{Vault, VaultKind};
use crate::flow::{Answer, denied};
use crate::shelf::Issued;

const WHO: &str = "CyberArk Conjur";
/// Tokens are good for eight minutes.
const LASTS: Duration = Duration::from_secs(480);

/// A Conjur server and who we are there.
#[derive(Debug)]
pub(super) struct Conjur {
    desk: Desk,
    base: String,
    account: String,
    login: String,
    key: Secret,
    /// One change of the policy at a time.
    policy: tokio::sync::Mutex<()>,
}

impl Conjur {
    pub(super) fn open(desk: Desk) -> Result<Self> {
        let or = |name: &str, usual: &str| desk.ambient.var(name).unwrap_or_else(|| usual.to_owned());
        let (base, account) = (or("CYBERARK_API_BASE", "http://127.0.0.1:8080"), or("CYBERARK_ACCOUNT", "default"));
        let (login, key) = (or("CYBERARK_USERNAME", "admin"), desk.ambient.var("CYBERARK_API_KEY"));
        if key.is_none() && VaultKind::Conjur.wire(&desk.ambient).identity.is_none() {
            return Err(denied(
                "nobody says who we are at CyberArk Conjur: set CYBERARK_API_KEY, or CYBERARK_CLIENT_CERT with \
                 CYBERARK_CLIENT_KEY",
            ));
        }
        let key = Secret::new(key.unwrap_or_default());
        Ok(Conjur { desk, base, account, login, key, policy: tokio::sync::Mutex::default() })
    }

    fn variable(&self, name: &str) -> Result<String> {
        below(&self.base, ["secrets", &self.account, "variable", checked(name)?])
    }

    async fn send(&self, method: Method, url: &str, kind: Option<&'static str>, body: &str) -> Result<Answer> {
        let fetch = || -> BoxFuture<'_, _> { Box::pin(self.token()) };
        let login = Login { who: WHO, refused: 401, header: AUTHORIZATION };
        self.desk.send(login, fetch, || desk::request(method.clone(), url, kind, body.to_owned())).await
    }

    async fn greeted(&self) -> Result<String> {
        desk::good(WHO, &self.send(Method::GET, &below(&self.base, ["whoami"])?, None, "").await?)?;
        Ok(self.base.clone())
    }

    /// The header that proves who we are.
    async fn token(&self) -> Result<Issued<Secret>> {
        let url = below(&self.base, ["authn", &self.account, &self.login, "authenticate"])?;
        let request = desk::request(Method::POST, &url, Some("text/plain"), self.key.expose().to_owned())?;
        let now = self.desk.ambient.now();
        let who = format!("{WHO}'s login");
        let answer = self.desk.flow().send(&who, request).await?;
        desk::good(&who, &answer)?;
        let token = format!(r#"Token token="{}""#, STANDARD.encode(&answer.body));
        Ok(Issued { value: Secret::new(token), expires: Some(now + LASTS) })
    }
}

impl Vault for Conjur {
    fn kind(&self) -> VaultKind {
        VaultKind::Conjur
    }

    fn greet(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(self.greeted())
    }

    fn may_hold(&self, name: &str) -> bool {
        checked(name).is_ok()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, name))
    }

    fn keep<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::keep(self, name, value))
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::forget(self, name))
    }
}
