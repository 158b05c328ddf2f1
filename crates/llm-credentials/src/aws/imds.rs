//! Keys of the machine's own role, from its metadata service, version 2.

use http::{HeaderName, Request};
use llm_http::Body;
use llm_types::{Error, Kind, Result};

use super::Keys;
use super::container::Lent;
use crate::flow::{Flow, denied, get, show};
use crate::shelf::Issued;

const WHO: &str = "the machine's metadata service";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// The keys of the machine's role; `None` when there is no metadata service, or the machine has no role.
pub(super) async fn keys(flow: Flow<'_>) -> Result<Option<Issued<Keys>>> {
    let ambient = flow.ambient;
    if ambient.flag("AWS_EC2_METADATA_DISABLED") {
        return Ok(None);
    }
    let given = ambient.var("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    let six = ambient.var("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").is_some_and(|m| m.eq_ignore_ascii_case("ipv6"));
    let base =
        given.unwrap_or_else(|| if six { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" }.to_owned());
    let base = base.trim_end_matches('/');
    let token = match token(flow, &format!("{base}/latest/api/token")).await {
        Ok(token) => token,
        // Nobody there: this is no such machine.
        Err(error) if matches!(error.kind, Kind::Connection | Kind::Timeout) => return Ok(None),
        Err(error) => return Err(error),
    };
    let roles = ask(flow, &format!("{base}{ROLES}"), &token).await?;
    if roles.status == 404 {
        return Ok(None);
    }
    if !roles.ok() {
        return Err(roles.error(WHO, "", &[]));
    }
    let text = String::from_utf8_lossy(&roles.body);
    let Some(role) = text.lines().map(str::trim).find(|line| !line.is_empty()) else { return Ok(None) };
    let lent: Lent = ask(flow, &format!("{base}{ROLES}{role}"), &token).await?.json(WHO, &[])?;
    lent.issued(WHO).map(Some)
}

async fn token(flow: Flow<'_>, url: &str) -> Result<String> {
    let request = Request::put(url).header("x-aws-ec2-metadata-token-ttl-seconds", "21600").body(Body::empty());
    let request = request.map_err(|_| denied("AWS_EC2_METADATA_SERVICE_ENDPOINT is not a URL"))?;
    let answer = flow.send_near(WHO, request).await?;
    if !answer.ok() {
        return Err(answer.error(WHO, "it gave no session token", &[]));
    }
    String::from_utf8(answer.body.to_vec()).map_err(|_| Error::new(Kind::InvalidReply, "a token that is no text"))
}

async fn ask(flow: Flow<'_>, url: &str, token: &str) -> Result<crate::flow::Answer> {
    let mut request = get(url)?;
    show(&mut request, HeaderName::from_static("x-aws-ec2-metadata-token"), token)?;
    flow.send_near(WHO, request).await
}
