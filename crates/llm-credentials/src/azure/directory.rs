//! Tokens of the directory itself (Microsoft identity platform, v2.0 token endpoint).

use std::path::Path;

use llm_types::{Result, Secret};
use serde::Serialize;

use super::facts::{Facts, Proof};
use crate::ambient::read;
use crate::flow::{Flow, denied, form};
use crate::oidc;
use crate::reply::TokenReply;
use crate::rsa::{Algorithm, Header, RsaKey, thumbprint};
use crate::shelf::Issued;

const WHO: &str = "Microsoft Entra";
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long a token that an application signs for itself is good.
const ASSERTION: u64 = 600;

/// A token for whoever the proof proves.
pub(super) async fn token(flow: Flow<'_>, facts: &Facts, proof: &Proof) -> Result<Issued<Secret>> {
    let client = facts.client.as_deref().unwrap_or_default();
    let url = facts.token_url();
    match proof {
        Proof::Secret(secret) => {
            let fields = [("grant_type", "client_credentials"), ("client_secret", secret.expose())];
            ask(flow, facts, &url, client, &fields, secret.expose()).await
        }
        Proof::Password(name, password) => {
            let fields = [("grant_type", "password"), ("username", name), ("password", password.expose())];
            ask(flow, facts, &url, client, &fields, password.expose()).await
        }
        Proof::Certificate(path) => {
            let assertion = signed(flow, path, client, &url).await?;
            assert(flow, facts, &url, client, &assertion).await
        }
        Proof::TokenFile(path) => {
            let token = read(Path::new(path), "the file of the Azure federated token").await?;
            assert(flow, facts, &url, client, token.trim()).await
        }
        Proof::Token(given) => {
            let token = match given.expose().strip_prefix("oidc/") {
                Some(reference) => oidc::token(flow, reference).await?,
                None => given.expose().to_owned(),
            };
            assert(flow, facts, &url, client, &token).await
        }
    }
}

async fn assert(flow: Flow<'_>, facts: &Facts, url: &str, client: &str, token: &str) -> Result<Issued<Secret>> {
    let fields = [("grant_type", "client_credentials"), ("client_assertion_type", BEARER), ("client_assertion", token)];
    ask(flow, facts, url, client, &fields, token).await
}

async fn ask(
    flow: Flow<'_>,
    facts: &Facts,
    url: &str,
    client: &str,
    fields: &[(&str, &str)],
    secret: &str,
) -> Result<Issued<Secret>> {
    let mut all = vec![("client_id", client), ("scope", facts.scope.as_str())];
    all.extend(fields);
    let reply: TokenReply = flow.ask(WHO, form(url, &all)?, &[secret]).await?;
    reply.issued(WHO, flow.ambient.now())
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: u64,
    exp: u64,
}

/// A token that the application signs with the key of its certificate.
async fn signed(flow: Flow<'_>, path: &str, client: &str, url: &str) -> Result<String> {
    let what = "the Azure client certificate";
    if path.ends_with(".pfx") || path.ends_with(".p12") {
        return Err(denied(format!("{what} is PKCS 12; give it as PEM, the key in the same file")));
    }
    let pem = read(Path::new(path), what).await?;
    let key = RsaKey::from_pem(&pem, "the key of the Azure client certificate")?;
    let thumbprint = thumbprint(&pem, what)?;
    let now = flow.ambient.unix();
    let jti = uuid::Uuid::new_v4().to_string();
    let claims = Claims { aud: url, iss: client, sub: client, jti, nbf: now, exp: now + ASSERTION };
    key.jwt(Algorithm::Ps256, Header { kid: None, thumbprint: Some(&thumbprint) }, &claims)
}
