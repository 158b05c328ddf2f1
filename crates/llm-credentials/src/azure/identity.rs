//! Managed identities: the platform vouches for the machine. Which platform it is, its variables say.

use std::path::{Path, PathBuf};

use http::HeaderName;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use llm_types::{Kind, Result, Secret};

use super::facts::Facts;
use crate::ambient::read;
use crate::flow::{Answer, Flow, denied, encoded, form, get, show};
use crate::reply::TokenReply;
use crate::shelf::Issued;

const WHO: &str = "the Azure managed identity";
const IMDS: &str = "http://169.254.169.254";
/// Azure Arc's agent leaves its keys here and nowhere else.
const ARC_KEYS: &str = "/var/opt/azcmagent/tokens";
/// Larger files are no keys of the agent.
const ARC_KEY_BYTES: u64 = 4096;

/// The token of the machine's identity; `None` when it has none.
pub(super) async fn token(flow: Flow<'_>, facts: &Facts) -> Result<Option<Issued<Secret>>> {
    let var = |name| flow.ambient.var(name);
    match (var("IDENTITY_ENDPOINT"), var("IDENTITY_HEADER"), var("IMDS_ENDPOINT")) {
        (Some(_), Some(_), _) if var("IDENTITY_SERVER_THUMBPRINT").is_some() => {
            Err(denied("managed identities of Azure Service Fabric are not supported"))
        }
        (Some(url), Some(header), _) => app_service(flow, facts, &url, &header).await.map(Some),
        (Some(url), None, Some(_)) => arc(flow, facts, &url).await.map(Some),
        _ => match (var("MSI_ENDPOINT"), var("MSI_SECRET")) {
            (Some(url), Some(secret)) => machine_learning(flow, facts, &url, &secret).await.map(Some),
            (Some(url), None) => cloud_shell(flow, facts, &url).await.map(Some),
            _ => virtual_machine(flow, facts).await,
        },
    }
}

async fn app_service(flow: Flow<'_>, facts: &Facts, url: &str, header: &str) -> Result<Issued<Secret>> {
    let mut request = get(&asked(url, facts, "2019-08-01", "client_id"))?;
    show(&mut request, HeaderName::from_static("x-identity-header"), header)?;
    issued(flow, &flow.send(WHO, request).await?)
}

async fn machine_learning(flow: Flow<'_>, facts: &Facts, url: &str, secret: &str) -> Result<Issued<Secret>> {
    let mut request = get(&asked(url, facts, "2017-09-01", "clientid"))?;
    show(&mut request, HeaderName::from_static("secret"), secret)?;
    issued(flow, &flow.send(WHO, request).await?)
}

async fn cloud_shell(flow: Flow<'_>, facts: &Facts, url: &str) -> Result<Issued<Secret>> {
    let mut request = form(url, &[("resource", facts.resource())])?;
    show(&mut request, HeaderName::from_static("metadata"), "true")?;
    issued(flow, &flow.send(WHO, request).await?)
}

async fn virtual_machine(flow: Flow<'_>, facts: &Facts) -> Result<Option<Issued<Secret>>> {
    let base = flow.ambient.var("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| IMDS.to_owned());
    let url = format!("{}/metadata/identity/oauth2/token", base.trim_end_matches('/'));
    let mut request = get(&asked(&url, facts, "2018-02-01", "client_id"))?;
    show(&mut request, HeaderName::from_static("metadata"), "true")?;
    match flow.send_near(WHO, request).await {
        Ok(answer) => issued(flow, &answer).map(Some),
        // Nobody there: no machine of Azure's.
        Err(error) if matches!(error.kind, Kind::Connection | Kind::Timeout) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The agent of Azure Arc names a file that only its group may read: who can read it may have a token.
async fn arc(flow: Flow<'_>, facts: &Facts, url: &str) -> Result<Issued<Secret>> {
    let url = asked(url, facts, "2020-06-01", "client_id");
    let ask = |authorization: Option<String>| {
        let mut request = get(&url)?;
        show(&mut request, HeaderName::from_static("metadata"), "true")?;
        authorization.map_or(Ok(()), |value| show(&mut request, AUTHORIZATION, &value))?;
        Ok::<_, llm_types::Error>(request)
    };
    let first = flow.send(WHO, ask(None)?).await?;
    if first.status != 401 {
        return issued(flow, &first);
    }
    let challenge = first.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let path = challenge.and_then(|text| text.strip_prefix("Basic realm=")).map(|p| PathBuf::from(p.trim_matches('"')));
    let path = path
        .filter(|path| trusted(path))
        .ok_or_else(|| denied(format!("{WHO} asks for a file that is not its own")))?;
    let what = "the key file of Azure Arc";
    let length = tokio::fs::metadata(&path).await.map_or(0, |data| data.len());
    if length > ARC_KEY_BYTES {
        return Err(denied(format!("{what} is too large to be one")));
    }
    let key = read(&path, what).await?;
    issued(flow, &flow.send(WHO, ask(Some(format!("Basic {}", key.trim())))?).await?)
}

/// Only the agent's own keys are read out to whoever answers at that address.
fn trusted(path: &Path) -> bool {
    path.parent() == Some(Path::new(ARC_KEYS)) && path.extension().is_some_and(|extension| extension == "key")
}

fn asked(url: &str, facts: &Facts, version: &str, client: &str) -> String {
    let mut query = vec![("api-version", version), ("resource", facts.resource())];
    query.extend(facts.client.as_deref().map(|id| (client, id)));
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{}", encoded(&query))
}

fn issued(flow: Flow<'_>, answer: &Answer) -> Result<Issued<Secret>> {
    answer.json::<TokenReply>(WHO, &[])?.issued(WHO, flow.ambient.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_own_keys_are_read() {
        assert!(trusted(Path::new("/var/opt/azcmagent/tokens/1-2.key")));
        for path in ["/etc/shadow", "/var/opt/azcmagent/tokens/../x.key", "/var/opt/azcmagent/tokens/x", "x.key"] {
            assert!(!trusted(Path::new(path)), "{path}");
        }
    }
}
