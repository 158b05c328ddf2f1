//! Profiles: names for keys, for ways to get keys, and for roles on top of other profiles.

use std::collections::HashMap;
use std::path::Path;

use llm_types::{Error, Result, Secret};

use super::ini::{self, Section};
use super::{Keys, container, imds, lasting, process, sso, sts};
use crate::Ambient;
use crate::ambient::{read, read_if_there};
use crate::flow::{Flow, denied};
use crate::shelf::Issued;

/// Profiles that may lead to each other, at the most.
const DEPTH: usize = 8;

/// Both shared files, read.
pub(super) struct Profiles {
    profiles: HashMap<String, Section>,
    sessions: HashMap<String, Section>,
}

impl Profiles {
    /// Reads `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, or the files in `~/.aws`. What stands in the
    /// credentials file wins.
    pub(super) async fn read(ambient: &Ambient) -> Result<Self> {
        let place = |variable, file| ambient.path(&ambient.var(variable).unwrap_or_else(|| format!("~/.aws/{file}")));
        let config = read_if_there(&place("AWS_CONFIG_FILE", "config"), "the AWS configuration file").await?;
        let keys = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let keys = read_if_there(&keys, "the AWS credentials file").await?;
        let mut this = Profiles { profiles: HashMap::new(), sessions: HashMap::new() };
        for (name, section) in ini::parse(&config.unwrap_or_default()) {
            if let Some(session) = name.strip_prefix("sso-session ") {
                this.sessions.insert(session.to_owned(), section);
            } else if let Some(profile) = name.strip_prefix("profile ").or((name == "default").then_some("default")) {
                this.profiles.entry(profile.to_owned()).or_default().extend(section);
            }
        }
        for (name, section) in ini::parse(&keys.unwrap_or_default()) {
            this.profiles.entry(name).or_default().extend(section);
        }
        Ok(this)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }
}

/// Whether a profile leads to keys at all; many only name a region.
pub(super) fn has_keys(profile: &Section) -> bool {
    ["role_arn", "sso_session", "sso_start_url", "aws_access_key_id", "credential_process", "web_identity_token_file"]
        .iter()
        .any(|key| profile.contains_key(*key))
}

pub(super) fn missing(name: &str) -> Error {
    denied(format!("The config profile ({name}) could not be found"))
}

/// The keys of a profile.
pub(super) async fn keys(flow: Flow<'_>, region: &str, name: &str) -> Result<Issued<Keys>> {
    let profiles = Profiles::read(flow.ambient).await?;
    keys_of(flow, region, &profiles, name).await
}

/// A role on top of what comes below it.
struct Layer<'a> {
    profile: &'a Section,
    arn: &'a str,
}

/// The keys of a profile: down through the profiles that its roles stand on, then up through the roles.
pub(super) async fn keys_of(flow: Flow<'_>, region: &str, profiles: &Profiles, name: &str) -> Result<Issued<Keys>> {
    let mut roles = Vec::new();
    let mut at = name;
    let mut issued = loop {
        let profile = profiles.get(at).ok_or_else(|| missing(at))?;
        let Some(arn) = profile.get("role_arn") else {
            break bottom(flow, region, profiles, at, profile).await?;
        };
        if profile.contains_key("mfa_serial") {
            return Err(denied(format!("AWS profile {at} wants a code from a person (mfa_serial), who is not here")));
        }
        roles.push(Layer { profile, arn });
        if roles.len() > DEPTH {
            return Err(denied(format!("AWS profile {name} stands on too many others, or on itself")));
        }
        if let Some(file) = profile.get("web_identity_token_file") {
            roles.pop();
            let token = read(Path::new(file), "the file of web_identity_token_file").await?;
            break service(flow, region, profile).assume_with_token(&role(profile, arn), token.trim()).await?;
        }
        match (profile.get("source_profile"), profile.get("credential_source")) {
            // A profile may hold both a role and the keys to assume it with.
            (Some(next), _) if next == at => break own_keys(profile).map(lasting).ok_or_else(|| empty(at))?,
            (Some(next), _) => at = next,
            (None, Some(source)) => break named_source(flow, at, source).await?,
            (None, None) => return Err(denied(format!("AWS profile {at} has a role_arn but no source_profile"))),
        }
    };
    for layer in roles.iter().rev() {
        let call = service(flow, region, layer.profile);
        issued = call.assume(&role(layer.profile, layer.arn), &issued.value).await?;
    }
    Ok(issued)
}

fn service<'a>(flow: Flow<'a>, region: &'a str, profile: &'a Section) -> sts::Sts<'a> {
    sts::Sts { flow, region: profile.get("region").map_or(region, String::as_str), endpoint: None }
}

fn role<'a>(profile: &'a Section, arn: &'a str) -> sts::Role<'a> {
    let text = |key: &str| profile.get(key).map(String::as_str);
    sts::Role {
        arn,
        session: text("role_session_name"),
        external_id: text("external_id"),
        tags: &[],
        seconds: text("duration_seconds").and_then(|seconds| seconds.parse().ok()),
    }
}

/// A profile without a role.
async fn bottom(
    flow: Flow<'_>,
    region: &str,
    profiles: &Profiles,
    name: &str,
    profile: &Section,
) -> Result<Issued<Keys>> {
    if profile.contains_key("sso_session") || profile.contains_key("sso_start_url") {
        let session = profile.get("sso_session");
        let section = session.and_then(|session| profiles.sessions.get(session));
        return sso::keys(flow, region, name, profile, section).await;
    }
    if let Some(keys) = own_keys(profile) {
        return Ok(lasting(keys));
    }
    match profile.get("credential_process") {
        Some(command) => process::keys(name, command).await,
        None => Err(empty(name)),
    }
}

fn own_keys(profile: &Section) -> Option<Keys> {
    let token = profile.get("aws_session_token").map(|token| Secret::new(token.as_str()));
    let secret = Secret::new(profile.get("aws_secret_access_key")?.as_str());
    Some(Keys { id: profile.get("aws_access_key_id")?.clone(), secret, token })
}

fn empty(name: &str) -> Error {
    denied(format!("AWS profile {name} has no keys and no way to get any"))
}

async fn named_source(flow: Flow<'_>, name: &str, source: &str) -> Result<Issued<Keys>> {
    let found = match source {
        "Environment" => super::chain::environment(flow.ambient).map(lasting),
        "EcsContainer" => container::keys(flow).await?,
        "Ec2InstanceMetadata" => imds::keys(flow).await?,
        _ => return Err(denied(format!("AWS profile {name} has a credential_source that is not known"))),
    };
    found.ok_or_else(|| denied(format!("AWS profile {name}: there are no keys at its credential_source")))
}
