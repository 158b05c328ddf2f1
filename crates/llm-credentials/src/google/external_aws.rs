//! AWS vouches for us: a signed `GetCallerIdentity` request is the token. Google plays it to AWS and reads who we are.

use http::{HeaderName, Request};
use llm_http::Body;
use llm_types::auth::AwsAuth;
use llm_types::{Error, Kind, Result};
use serde::{Deserialize, Serialize};

use super::file::External;
use crate::aws::{self, Keys, Signing};
use crate::flow::{Answer, Flow, denied, get, show};

const WHO: &str = "the AWS metadata service of the Google external account";
const VERIFY: &str = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";
/// Google finds its own audience in this header of the signed request.
const TARGET: HeaderName = HeaderName::from_static("x-goog-cloud-target-resource");

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Signed<'a> {
    url: &'a str,
    method: &'a str,
    headers: Vec<Pair<'a>>,
}

/// The token: the request as JSON, percent-encoded.
pub(super) async fn subject(flow: Flow<'_>, external: &External) -> Result<String> {
    let source = &external.credential_source;
    if source.environment_id.as_deref() != Some("aws1") {
        return Err(denied("the Google external account's environment_id is not aws1, the only one that is known"));
    }
    let machine = Machine { flow, session: session(flow, external).await? };
    let region = region(&machine, external).await?;
    let keys = keys(&machine, external, &region).await?;
    let url = source.regional_cred_verification_url.as_deref().unwrap_or(VERIFY).replace("{region}", &region);
    let token = signed(flow, &keys, &region, &url, &external.audience)?;
    Ok(url::form_urlencoded::byte_serialize(token.as_bytes()).collect::<String>().replace('+', "%20"))
}

fn signed(flow: Flow<'_>, keys: &Keys, region: &str, url: &str, audience: &str) -> Result<String> {
    let bad = || denied("regional_cred_verification_url of the Google external account is not a URL");
    let mut request = Request::post(url).body(Body::empty()).map_err(|_| bad())?;
    let host = request.uri().authority().ok_or_else(bad)?.to_string();
    show(&mut request, http::header::HOST, &host)?;
    show(&mut request, TARGET, audience)?;
    let signing = Signing { service: "sts", region, now: flow.ambient.now(), also: &[TARGET] };
    aws::sign(&mut request, keys, signing)?;
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| Some(Pair { key: name.as_str(), value: value.to_str().ok()? }));
    let headers = headers.collect::<Option<_>>().ok_or_else(|| Error::internal("a signed header that is no text"))?;
    let token = Signed { url, method: "POST", headers };
    serde_json::to_string(&token).map_err(|error| Error::internal(format!("a signed request: {error}")))
}

/// AWS's metadata, as far as the credentials name it.
struct Machine<'a> {
    flow: Flow<'a>,
    session: Option<String>,
}

impl Machine<'_> {
    async fn ask(&self, url: &str) -> Result<Answer> {
        let mut request = get(url)?;
        if let Some(token) = &self.session {
            show(&mut request, HeaderName::from_static("x-aws-ec2-metadata-token"), token)?;
        }
        let answer = self.flow.send_near(WHO, request).await?;
        if answer.ok() { Ok(answer) } else { Err(answer.error(WHO, "", &[])) }
    }

    async fn text(&self, url: &str) -> Result<String> {
        let bad = |_| Error::new(Kind::InvalidReply, format!("{WHO} answered no text"));
        String::from_utf8(self.ask(url).await?.body.to_vec()).map(|t| t.trim().to_owned()).map_err(bad)
    }
}

async fn session(flow: Flow<'_>, external: &External) -> Result<Option<String>> {
    let Some(url) = &external.credential_source.imdsv2_session_token_url else { return Ok(None) };
    let named = flow.ambient.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).is_some();
    if named && flow.ambient.var("AWS_ACCESS_KEY_ID").is_some() {
        // Nothing of the machine will be asked.
        return Ok(None);
    }
    let request = Request::put(url).header("x-aws-ec2-metadata-token-ttl-seconds", "300").body(Body::empty());
    let request = request.map_err(|_| denied("imdsv2_session_token_url of the Google external account is no URL"))?;
    let answer = flow.send_near(WHO, request).await?;
    if !answer.ok() {
        return Err(answer.error(WHO, "it gave no session token", &[]));
    }
    Ok(Some(String::from_utf8_lossy(&answer.body).into_owned()))
}

async fn region(machine: &Machine<'_>, external: &External) -> Result<String> {
    let ambient = machine.flow.ambient;
    let named = external.aws_region_name.clone().or_else(|| ambient.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
    if let Some(region) = named {
        return Ok(region);
    }
    let Some(url) = &external.credential_source.region_url else {
        return Err(denied("the Google external account needs an AWS region: set AWS_REGION"));
    };
    // The machine says its zone, which is the region and a letter.
    let zone = machine.text(url).await?;
    Ok(zone.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(&zone).to_owned())
}

/// The AWS keys: what LiteLLM's own `aws_*` fields of the file say, the environment, the role of the machine.
async fn keys(machine: &Machine<'_>, external: &External, region: &str) -> Result<Keys> {
    if external.aws_role_name.is_some() || external.aws_profile_name.is_some() || external.aws_access_key_id.is_some() {
        let need = AwsAuth {
            region: region.to_owned(),
            access_key_id: external.aws_access_key_id.clone(),
            secret_access_key: external.aws_secret_access_key.clone(),
            session_token: external.aws_session_token.clone(),
            profile: external.aws_profile_name.clone(),
            role: external.aws_role_name.clone(),
            session_name: external.aws_session_name.clone(),
            external_id: external.aws_external_id.clone(),
            web_identity_token: external.aws_web_identity_token.clone(),
            sts_endpoint: external.aws_sts_endpoint.clone(),
            ..AwsAuth::default()
        };
        return aws::fresh_keys(machine.flow, &need).await;
    }
    if let Some(keys) = aws::environment(machine.flow.ambient) {
        return Ok(keys);
    }
    let Some(url) = &external.credential_source.url else {
        return aws::fresh_keys(machine.flow, &AwsAuth { region: region.to_owned(), ..AwsAuth::default() }).await;
    };
    let role = machine.text(url).await?;
    let role = role.lines().next().unwrap_or_default();
    let url = format!("{}/{role}", url.trim_end_matches('/'));
    let lent: Lent = machine.ask(&url).await?.json(WHO, &[])?;
    Ok(Keys { id: lent.access_key_id, secret: lent.secret_access_key, token: lent.token })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: llm_types::Secret,
    token: Option<llm_types::Secret>,
}
