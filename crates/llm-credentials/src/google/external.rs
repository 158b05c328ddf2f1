//! Workload identity federation: a token of somebody whom Google trusts is exchanged for one of Google's (RFC 8693).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use llm_types::{Error, Kind, Result, Secret};

use super::file::{CredentialSource, External, TokenFormat};
use super::{CLOUD_PLATFORM, external_aws, impersonate};
use crate::ambient::read;
use crate::flow::{Flow, denied, form, get, show};
use crate::reply::TokenReply;
use crate::shelf::Issued;

const WHO: &str = "Google's security token service";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The token of the federated identity, or of the service account that it may speak for.
pub(super) async fn token(flow: Flow<'_>, external: &External, scopes: &[&str]) -> Result<Issued<Secret>> {
    let subject = subject(flow, external).await?;
    let Some(url) = &external.service_account_impersonation_url else {
        return exchange(flow, external, &subject, &scopes.join(" ")).await;
    };
    let base = exchange(flow, external, &subject, CLOUD_PLATFORM).await?;
    let seconds = external.service_account_impersonation.as_ref().and_then(|l| l.token_lifetime_seconds);
    impersonate::token(flow, url, &base.value, &[], scopes, seconds).await
}

async fn exchange(flow: Flow<'_>, external: &External, subject: &str, scope: &str) -> Result<Issued<Secret>> {
    let mut fields = vec![
        ("grant_type", GRANT),
        ("audience", &external.audience),
        ("scope", scope),
        ("requested_token_type", ACCESS_TOKEN),
        ("subject_token", subject),
        ("subject_token_type", &external.subject_token_type),
    ];
    let secret = external.client_secret.as_ref().map_or("", Secret::expose);
    // A workforce pool names the project that pays, unless a client of its own does.
    let options = match (&external.workforce_pool_user_project, &external.client_id) {
        (Some(project), None) => {
            serde_json::to_string(&[("userProject", project)].into_iter().collect::<Options<'_>>())
        }
        _ => Ok(String::new()),
    };
    let options = options.map_err(|error| Error::internal(format!("token options: {error}")))?;
    if !options.is_empty() {
        fields.push(("options", &options));
    }
    let mut request = form(&external.token_url, &fields)?;
    if let Some(id) = &external.client_id {
        show(&mut request, AUTHORIZATION, &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))?;
    }
    let reply: TokenReply = flow.ask(WHO, request, &[subject, secret]).await?;
    reply.issued(WHO, flow.ambient.now())
}

type Options<'a> = std::collections::BTreeMap<&'a str, &'a String>;

/// The token of whoever vouches for us.
async fn subject(flow: Flow<'_>, external: &External) -> Result<String> {
    let source = &external.credential_source;
    if source.executable.is_some() {
        return Err(denied(
            "external_account credentials that run a program (credential_source.executable) are not supported; use a \
             file, a URL or AWS",
        ));
    }
    if source.certificate.is_some() {
        return Err(denied("external_account credentials with a certificate as their source are not supported"));
    }
    if source.environment_id.is_some() {
        return external_aws::subject(flow, external).await;
    }
    if let Some(file) = &source.file {
        let text = read(file, "the token file of the Google external account").await?;
        return in_format(&text, &source.format);
    }
    match &source.url {
        Some(url) => from_url(flow, source, url).await,
        None => Err(denied("the Google external account has no credential_source that is known")),
    }
}

async fn from_url(flow: Flow<'_>, source: &CredentialSource, url: &str) -> Result<String> {
    let who = "the token URL of the Google external account";
    let mut request = get(url)?;
    for (name, value) in &source.headers {
        let bad = || denied("credential_source.headers of the Google external account cannot be sent");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    let answer = flow.send(who, request).await?;
    if !answer.ok() {
        return Err(answer.error(who, "", &[]));
    }
    let text = std::str::from_utf8(&answer.body);
    in_format(text.map_err(|_| Error::new(Kind::InvalidReply, format!("{who} answered no text")))?, &source.format)
}

/// A bare token, or a field of a JSON object.
fn in_format(text: &str, format: &TokenFormat) -> Result<String> {
    if format.kind.as_deref() != Some("json") {
        return Ok(text.trim().to_owned());
    }
    let field = format.subject_token_field_name.as_deref().unwrap_or("access_token");
    let missing = || denied(format!("the token of the Google external account has no field {field}"));
    let object: std::collections::HashMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| missing())?;
    object.get(field).and_then(|value| value.as_str()).map(str::to_owned).ok_or_else(missing)
}
