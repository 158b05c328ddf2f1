//! HashiCorp Vault and OpenBao: the KV engine, version 2.
//!
//! Wire facts: <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>, `/auth/approle`, `/auth/cert`. Variables and
//! the place of a secret are LiteLLM's: the value lies under `key` at `MOUNT/data/PREFIX/NAME`.

mod read;
mod write;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};
use llm_http::BoxFuture;
use llm_types::{Json, Result, Secret};
use serde::Deserialize;

use super::desk::{self, Desk, Login, below, checked, document};
use super::{Vault, VaultKind, VaultPlace, VaultSettings};
use crate::flow::{Answer, denied, show};
use crate::shelf::Issued;

const WHO: &str = "HashiCorp Vault";
/// The field of a secret that holds it.
const FIELD: &str = "key";
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// A Vault and who we are there.
#[derive(Debug)]
pub(super) struct Hashicorp {
    desk: Desk,
    base: String,
    way: Way,
    login_namespace: Option<String>,
    place: Place,
    description: Option<String>,
}

/// Where secrets lie.
#[derive(Debug, Clone)]
struct Place {
    namespace: String,
    mount: String,
    prefix: String,
    /// The field of a secret that holds it.
    field: String,
}

impl Place {
    /// Segments in front of the name.
    fn path(&self) -> impl Iterator<Item = &str> {
        let parts = [self.namespace.as_str(), &self.mount, "data", &self.prefix];
        parts.into_iter().flat_map(|part| part.split('/')).filter(|segment| !segment.is_empty())
    }

    fn check(&self) -> Result<()> {
        checked(&self.path().collect::<Vec<_>>().join("/")).map(drop)
    }
}

/// Another place in a Vault.
#[derive(Debug)]
struct Elsewhere {
    vault: Arc<Hashicorp>,
    place: Place,
}

/// How we log in, in LiteLLM's order.
#[derive(Debug)]
enum Way {
    Role { id: String, secret: Secret, mount: String },
    Certificate { role: Option<String> },
    Token(Secret),
}

impl Hashicorp {
    pub(super) fn open(desk: Desk, settings: &VaultSettings) -> Result<Self> {
        let var = |name: &str| desk.ambient.var(name).map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let namespace = var("HCP_VAULT_NAMESPACE");
        let secrets_in = var("HCP_VAULT_SECRET_NAMESPACE").or_else(|| namespace.clone());
        let mount = var("HCP_VAULT_MOUNT_NAME").unwrap_or_else(|| "secret".to_owned());
        let place = Place {
            namespace: secrets_in.unwrap_or_default(),
            mount,
            prefix: var("HCP_VAULT_PATH_PREFIX").unwrap_or_default(),
            field: FIELD.to_owned(),
        };
        place.check()?;
        let base = var("HCP_VAULT_ADDR").unwrap_or_else(|| "http://127.0.0.1:8200".to_owned());
        let login_namespace = var("HCP_VAULT_LOGIN_NAMESPACE").or(namespace);
        Ok(Hashicorp {
            way: way(&desk)?,
            desk,
            base,
            login_namespace,
            place,
            description: settings.description.clone(),
        })
    }

    async fn of_secret(&self, place: &Place, method: Method, name: &str, body: Option<&Json>) -> Result<Answer> {
        let url = below(&self.base, ["v1"].into_iter().chain(place.path()).chain(checked(name)?.split('/')))?;
        self.send(method, &url, body, None).await
    }

    async fn send(&self, method: Method, url: &str, body: Option<&Json>, within: Option<&str>) -> Result<Answer> {
        let fetch = || -> BoxFuture<'_, _> { Box::pin(self.token()) };
        let login = Login { who: WHO, refused: 403, header: TOKEN };
        let make = || {
            let mut request = match body {
                Some(body) => document(method.clone(), url, body)?,
                None => desk::request(method.clone(), url, None, String::new())?,
            };
            if let Some(namespace) = within {
                show(&mut request, NAMESPACE, namespace)?;
            }
            Ok(request)
        };
        self.desk.send(login, fetch, make).await
    }

    /// Asks for what the token may do.
    async fn greeted(&self) -> Result<String> {
        let url = below(&self.base, ["v1", "auth", "token", "lookup-self"])?;
        desk::good(WHO, &self.send(Method::GET, &url, None, self.login_namespace.as_deref()).await?)?;
        Ok(self.base.clone())
    }

    /// The token that is shown with each request.
    async fn token(&self) -> Result<Issued<Secret>> {
        let (mount, body) = match &self.way {
            Way::Token(token) => return Ok(Issued { value: token.clone(), expires: None }),
            Way::Role { id, secret, mount } => {
                (mount.as_str(), Json::object([("role_id", id.as_str()), ("secret_id", secret.expose())]))
            }
            Way::Certificate { role } => ("cert", Json::object([("name", role.clone())])),
        };
        let segments = ["v1", "auth"].into_iter().chain(mount.split('/')).chain(["login"]);
        let mut request = document(Method::POST, &below(&self.base, segments)?, &body)?;
        if let Some(namespace) = &self.login_namespace {
            show(&mut request, NAMESPACE, namespace)?;
        }
        let now = self.desk.ambient.now();
        let who = format!("{WHO}'s login");
        let reply: LoginReply = desk::json(&who, &self.desk.flow().send(&who, request).await?)?;
        let lasts = Some(reply.auth.lease_duration).filter(|seconds| *seconds > 0);
        Ok(Issued { value: reply.auth.client_token, expires: lasts.map(|s| now + Duration::from_secs(s.into())) })
    }
}

#[derive(Deserialize)]
struct LoginReply {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret,
    /// Seconds; 0 for a token that does not end.
    #[serde(default)]
    lease_duration: u32,
}

fn way(desk: &Desk) -> Result<Way> {
    let var = |name: &str| desk.ambient.var(name);
    if let (Some(id), Some(secret)) = (var("HCP_VAULT_APPROLE_ROLE_ID"), var("HCP_VAULT_APPROLE_SECRET_ID")) {
        let mount = var("HCP_VAULT_APPROLE_MOUNT_PATH").unwrap_or_else(|| "approle".to_owned());
        let mount = mount.trim_matches('/').to_owned();
        checked(&mount)?;
        return Ok(Way::Role { id, secret: Secret::new(secret), mount });
    }
    if var("HCP_VAULT_CLIENT_CERT").is_some() && var("HCP_VAULT_CLIENT_KEY").is_some() {
        return Ok(Way::Certificate { role: var("HCP_VAULT_CERT_ROLE") });
    }
    let token = var("HCP_VAULT_TOKEN").map(|token| Way::Token(Secret::new(token)));
    token.ok_or_else(|| {
        denied(
            "nobody says who we are at HashiCorp Vault: set HCP_VAULT_TOKEN, HCP_VAULT_APPROLE_ROLE_ID with \
             HCP_VAULT_APPROLE_SECRET_ID, or HCP_VAULT_CLIENT_CERT with HCP_VAULT_CLIENT_KEY",
        )
    })
}

impl Vault for Hashicorp {
    fn kind(&self) -> VaultKind {
        VaultKind::Hashicorp
    }

    fn greet(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(self.greeted())
    }

    fn may_hold(&self, name: &str) -> bool {
        checked(name).is_ok()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(self, &self.place, name))
    }

    fn keep<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::keep(self, &self.place, name, value))
    }

    fn at(self: Arc<Self>, place: &VaultPlace) -> Result<Arc<dyn Vault>> {
        let usual = &self.place;
        let or = |said: &Option<String>, usual: &String| said.clone().unwrap_or_else(|| usual.clone());
        let place = Place {
            namespace: or(&place.namespace, &usual.namespace),
            mount: or(&place.mount, &usual.mount),
            prefix: or(&place.prefix, &usual.prefix),
            field: or(&place.field, &usual.field),
        };
        place.check()?;
        Ok(Arc::new(Elsewhere { vault: self, place }))
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::forget(self, &self.place, name))
    }
}

impl Vault for Elsewhere {
    fn kind(&self) -> VaultKind {
        VaultKind::Hashicorp
    }

    fn may_hold(&self, name: &str) -> bool {
        self.vault.may_hold(name)
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(read::read(&self.vault, &self.place, name))
    }

    fn keep<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::keep(&self.vault, &self.place, name, value))
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(write::forget(&self.vault, &self.place, name))
    }
}
