//! One account speaks for another: `generateAccessToken` of IAM Credentials.

use llm_types::{Error, Kind, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::flow::{Flow, bearer, json};
use crate::shelf::Issued;

const WHO: &str = "Google IAM Credentials";

#[derive(Serialize)]
struct Ask<'a> {
    delegates: &'a [String],
    scope: &'a [&'a str],
    lifetime: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    access_token: Secret,
    expire_time: String,
}

/// The token of the account that `url` names, for whoever holds `base`.
pub(super) async fn token(
    flow: Flow<'_>,
    url: &str,
    base: &Secret,
    delegates: &[String],
    scope: &[&str],
    seconds: Option<u32>,
) -> Result<Issued<Secret>> {
    let lifetime = format!("{}s", seconds.unwrap_or(3600));
    let mut request = json(url, &Ask { delegates, scope, lifetime })?;
    bearer(&mut request, base.expose())?;
    let answer: Answered = flow.ask(WHO, request, &[base.expose()]).await?;
    let bad = |_| Error::new(Kind::InvalidReply, format!("{WHO} answered with an end that is no time"));
    let expires: jiff::Timestamp = answer.expire_time.parse().map_err(bad)?;
    Ok(Issued { value: answer.access_token, expires: Some(expires.into()) })
}
