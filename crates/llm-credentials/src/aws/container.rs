//! Keys that the container's agent hands out: ECS, EKS Pod Identity.

use std::net::IpAddr;
use std::path::Path;

use http::header::AUTHORIZATION;
use llm_types::{Result, Secret};
use serde::Deserialize;

use super::{Keys, sts};
use crate::ambient::read;
use crate::flow::{Flow, denied, get, show};
use crate::shelf::Issued;

const WHO: &str = "the container's credential endpoint";
/// Where relative addresses lead.
const ECS: &str = "http://169.254.170.2";

/// What the agents of containers and machines answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lent {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    expiration: Option<String>,
}

impl Lent {
    pub(super) fn issued(self, who: &str) -> Result<Issued<Keys>> {
        let expires = self.expiration.map(|text| sts::moment(&text, who)).transpose()?;
        let keys = Keys { id: self.access_key_id, secret: self.secret_access_key, token: self.token };
        Ok(Issued { value: keys, expires })
    }
}

/// The keys of the container; `None` when there is no such agent.
pub(super) async fn keys(flow: Flow<'_>) -> Result<Option<Issued<Keys>>> {
    let ambient = flow.ambient;
    let relative = ambient.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
    let Some(url) = relative.or_else(|| ambient.var("AWS_CONTAINER_CREDENTIALS_FULL_URI")) else {
        return Ok(None);
    };
    let mut request = get(&url)?;
    if !may_be_asked(request.uri()) {
        return Err(denied(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine or its agent",
        ));
    }
    let token = match ambient.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => Some(read(Path::new(&file), "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").await?),
        None => ambient.var("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    if let Some(token) = token {
        show(&mut request, AUTHORIZATION, token.trim())?;
    }
    let lent: Lent = flow.send_near(WHO, request).await?.json(WHO, &[])?;
    lent.issued(WHO).map(Some)
}

/// The token is shown in clear text only to loopback and to the agents of ECS and EKS.
fn may_be_asked(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if uri.scheme_str() == Some("https") || host == "localhost" {
        return true;
    }
    let agents = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].map(|text| text.parse::<IpAddr>().ok());
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || agents.contains(&Some(ip)))
}
