//! Which source of keys is asked, in which order.

use std::path::Path;

use llm_types::auth::AwsAuth;
use llm_types::{Result, Secret};

use super::profile::Profiles;
use super::{Keys, container, imds, lasting, profile, sts};
use crate::ambient::read;
use crate::flow::{Flow, denied};
use crate::shelf::Issued;
use crate::{Ambient, oidc};

/// The facts with LiteLLM's own variables in the places that are empty: those count like parameters, before AWS's.
pub(super) fn completed(ambient: &Ambient, need: &AwsAuth) -> AwsAuth {
    let mut need = need.clone();
    let or_var = |field: &mut Option<String>, name| {
        *field = field.take().filter(|text| !text.is_empty()).or_else(|| ambient.var(name));
    };
    or_var(&mut need.role, "AWS_ROLE_NAME");
    or_var(&mut need.session_name, "AWS_SESSION_NAME");
    or_var(&mut need.profile, "AWS_PROFILE_NAME");
    let token = need.web_identity_token.take().filter(|token| !token.is_empty());
    need.web_identity_token = token.or_else(|| ambient.var("AWS_WEB_IDENTITY_TOKEN").map(Secret::new));
    need
}

/// Keys that are there without asking anybody: in the parameters, or in the environment when nothing else is named.
pub(super) fn at_hand(ambient: &Ambient, need: &AwsAuth) -> Option<Keys> {
    if need.role.is_some() || need.profile.is_some() {
        return None;
    }
    given(need).or_else(|| environment(ambient))
}

/// Keys that have to be asked for.
pub(super) async fn fetch(flow: Flow<'_>, need: &AwsAuth) -> Result<Issued<Keys>> {
    let Some(role) = &need.role else {
        return match &need.profile {
            Some(name) => profile::keys(flow, &need.region, name).await,
            None => default_keys(flow, &need.region).await,
        };
    };
    let call = sts::Sts { flow, region: &need.region, endpoint: need.sts_endpoint.as_deref() };
    let request = sts::Role {
        arn: role,
        session: need.session_name.as_deref(),
        external_id: need.external_id.as_deref(),
        tags: &need.session_tags,
        seconds: None,
    };
    if let Some(token) = &need.web_identity_token {
        let token = web_identity_token(flow, token).await?;
        return call.assume_with_token(&request, &token).await;
    }
    let base = match (given(need), &need.profile) {
        (Some(keys), _) => keys,
        (None, Some(name)) => profile::keys(flow, &need.region, name).await?.value,
        // The machine may already be in that role; assuming it once more is often not allowed.
        (None, None) if in_role(flow.ambient, role) => return default_keys(flow, &need.region).await,
        (None, None) => default_keys(flow, &need.region).await?.value,
    };
    call.assume(&request, &base).await
}

/// AWS's usual order: the environment, a profile's role, a web identity, the rest of the profile, the container, the
/// machine.
async fn default_keys(flow: Flow<'_>, region: &str) -> Result<Issued<Keys>> {
    let ambient = flow.ambient;
    if let Some(keys) = environment(ambient) {
        return Ok(lasting(keys));
    }
    let profiles = Profiles::read(ambient).await?;
    let name = ambient.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    let chosen = name.as_deref().unwrap_or("default");
    let has_role = profiles.get(chosen).is_some_and(|p| p.contains_key("role_arn"));
    if has_role {
        return profile::keys_of(flow, region, &profiles, chosen).await;
    }
    if let Some(issued) = web_identity(flow, region).await? {
        return Ok(issued);
    }
    match profiles.get(chosen) {
        Some(found) if profile::has_keys(found) => return profile::keys_of(flow, region, &profiles, chosen).await,
        None if name.is_some() => return Err(profile::missing(chosen)),
        _ => {}
    }
    if let Some(issued) = container::keys(flow).await? {
        return Ok(issued);
    }
    imds::keys(flow).await?.ok_or_else(nothing)
}

fn nothing() -> llm_types::Error {
    denied(
        "Unable to locate credentials: no AWS keys in the parameters, the environment, the shared configuration files, \
         the container or the machine's metadata",
    )
}

/// The keys among the parameters.
fn given(need: &AwsAuth) -> Option<Keys> {
    let id = need.access_key_id.as_ref().filter(|id| !id.is_empty())?;
    let secret = need.secret_access_key.as_ref().filter(|secret| !secret.is_empty())?;
    let token = need.session_token.clone().filter(|token| !token.is_empty());
    Some(Keys { id: id.expose().to_owned(), secret: secret.clone(), token })
}

pub(crate) fn environment(ambient: &Ambient) -> Option<Keys> {
    let id = ambient.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?;
    let secret = ambient.first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?;
    let token = ambient.first(&["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]);
    Some(Keys { id, secret: Secret::new(secret), token: token.map(Secret::new) })
}

/// The web identity that the environment names: EKS puts it there.
async fn web_identity(flow: Flow<'_>, region: &str) -> Result<Option<Issued<Keys>>> {
    let ambient = flow.ambient;
    let (Some(file), Some(role)) = (ambient.var("AWS_WEB_IDENTITY_TOKEN_FILE"), ambient.var("AWS_ROLE_ARN")) else {
        return Ok(None);
    };
    let token = read(Path::new(&file), "the file of AWS_WEB_IDENTITY_TOKEN_FILE").await?;
    let session = ambient.var("AWS_ROLE_SESSION_NAME");
    let role = sts::Role { arn: &role, session: session.as_deref(), ..sts::Role::default() };
    sts::Sts { flow, region, endpoint: None }.assume_with_token(&role, token.trim()).await.map(Some)
}

/// Whether the web identity of the environment already leads to this role.
fn in_role(ambient: &Ambient, role: &str) -> bool {
    ambient.var("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && ambient.var("AWS_ROLE_ARN").as_deref() == Some(role)
}

/// The token that a parameter means: from an identity provider, a variable, a file, or as it stands.
async fn web_identity_token(flow: Flow<'_>, given: &Secret) -> Result<String> {
    let text = given.expose();
    if let Some(reference) = text.strip_prefix("oidc/") {
        return oidc::token(flow, reference).await;
    }
    let name = text.strip_prefix("os.environ/");
    let value = match name {
        Some(name) => {
            flow.ambient.var(name).ok_or_else(|| denied("aws_web_identity_token names a variable that is not set"))?
        }
        None => flow.ambient.var(text).unwrap_or_else(|| text.to_owned()),
    };
    // A token never looks like a path; what looks like one is read, and read again each time: such files are rotated.
    if Path::new(&value).is_absolute() {
        return Ok(read(Path::new(&value), "the file of aws_web_identity_token").await?.trim().to_owned());
    }
    Ok(value)
}
