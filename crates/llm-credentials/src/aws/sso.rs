//! Keys of a person who logged in with `aws sso login`: the session is in a file, and is exchanged for keys.
//!
//! Wire facts: IAM Identity Center, `GetRoleCredentials` of the portal and `CreateToken` of its OIDC service.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use http::HeaderName;
use llm_types::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use super::ini::Section;
use super::{Keys, sts};
use crate::ambient::{read_if_there, write_private};
use crate::flow::{Flow, denied, encoded, get, json, show};
use crate::shelf::Issued;

const WHO: &str = "AWS IAM Identity Center";
/// How long before its end a session is renewed.
const AHEAD: Duration = Duration::from_secs(300);

/// The file that `aws sso login` leaves. Fields that are not known here are lost when it is renewed; these are all.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    access_token: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// The keys of the account and role that a profile names.
pub(super) async fn keys(
    flow: Flow<'_>,
    region: &str,
    name: &str,
    profile: &Section,
    session: Option<&Section>,
) -> Result<Issued<Keys>> {
    let text = |key: &str| profile.get(key).or_else(|| session.and_then(|section| section.get(key)));
    let needed = |key: &str| text(key).ok_or_else(|| denied(format!("AWS profile {name} has no {key}")));
    let (account, role) = (needed("sso_account_id")?, needed("sso_role_name")?);
    let named = match profile.get("sso_session") {
        Some(session) => session,
        None => needed("sso_start_url")?,
    };
    let region = text("sso_region").map_or(region, String::as_str);
    let token = token(flow, region, name, named).await?;
    let query = encoded(&[("role_name", role), ("account_id", account)]);
    let base =
        endpoint(flow, "AWS_ENDPOINT_URL_SSO", || format!("https://portal.sso.{region}.{}", sts::suffix(region)));
    let mut request = get(&format!("{base}/federation/credentials?{query}"))?;
    show(&mut request, HeaderName::from_static("x-amz-sso_bearer_token"), &token)?;
    let answer: Answered = flow.ask(WHO, request, &[&token]).await?;
    let lent = answer.role_credentials;
    let keys = Keys { id: lent.access_key_id, secret: lent.secret_access_key, token: Some(lent.session_token) };
    Ok(Issued { value: keys, expires: Some(UNIX_EPOCH + Duration::from_millis(lent.expiration)) })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    role_credentials: Lent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    /// Milliseconds since 1970.
    expiration: u64,
}

fn endpoint(flow: Flow<'_>, variable: &str, default: impl FnOnce() -> String) -> String {
    let url = flow.ambient.first(&[variable, "AWS_ENDPOINT_URL"]).unwrap_or_else(default);
    url.trim_end_matches('/').to_owned()
}

/// The session's token, renewed when it is about to end and can be.
async fn token(flow: Flow<'_>, region: &str, profile: &str, named: &str) -> Result<String> {
    let path = file_of(flow, named)?;
    let login = || denied(format!("the AWS SSO session of profile {profile} is over: run aws sso login"));
    let text = read_if_there(&path, "the AWS SSO session").await?.ok_or_else(login)?;
    let session: Session = serde_json::from_str(&text).map_err(|_| login())?;
    // Old files end in `UTC`.
    let end = sts::moment(&session.expires_at.replace("UTC", "Z"), "the AWS SSO session")?;
    let now = flow.ambient.now();
    if now + AHEAD < end {
        return Ok(session.access_token);
    }
    match renewed(flow, region, &session).await {
        Ok(Some(new)) => {
            let text = serde_json::to_string(&new).map_err(|error| Error::internal(error.to_string()))?;
            if let Err(error) = write_private(&path, text).await {
                tracing::warn!(%error, "the renewed AWS SSO session could not be written back");
            }
            Ok(new.access_token)
        }
        _ if now < end => Ok(session.access_token),
        Ok(None) => Err(login()),
        Err(error) if error.retryable() => Err(error),
        Err(_) => Err(login()),
    }
}

async fn renewed(flow: Flow<'_>, region: &str, session: &Session) -> Result<Option<Session>> {
    let (Some(id), Some(secret), Some(refresh)) = (&session.client_id, &session.client_secret, &session.refresh_token)
    else {
        return Ok(None);
    };
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ask<'a> {
        grant_type: &'a str,
        client_id: &'a str,
        client_secret: &'a str,
        refresh_token: &'a str,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct New {
        access_token: String,
        expires_in: u64,
        refresh_token: Option<String>,
    }
    let region = session.region.as_deref().unwrap_or(region);
    let base = endpoint(flow, "AWS_ENDPOINT_URL_SSO_OIDC", || format!("https://oidc.{region}.{}", sts::suffix(region)));
    let ask = Ask { grant_type: "refresh_token", client_id: id, client_secret: secret, refresh_token: refresh };
    let new: New = flow.ask(WHO, json(&format!("{base}/token"), &ask)?, &[secret, refresh]).await?;
    let end: SystemTime = flow.ambient.now() + Duration::from_secs(new.expires_in);
    let end = jiff::Timestamp::try_from(end).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Some(Session {
        access_token: new.access_token,
        expires_at: end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        refresh_token: new.refresh_token.or_else(|| session.refresh_token.clone()),
        start_url: session.start_url.clone(),
        region: session.region.clone(),
        client_id: session.client_id.clone(),
        client_secret: session.client_secret.clone(),
        registration_expires_at: session.registration_expires_at.clone(),
    }))
}

/// The file's name is the SHA-1 of the session's name or of its start URL.
fn file_of(flow: Flow<'_>, named: &str) -> Result<PathBuf> {
    let home = flow.ambient.home().ok_or_else(|| denied("AWS SSO needs a home directory (HOME)"))?;
    let name = hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, named.as_bytes()));
    Ok(home.join(".aws/sso/cache").join(format!("{name}.json")))
}
