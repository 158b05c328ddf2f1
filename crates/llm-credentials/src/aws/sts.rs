//! Roles: keys of somebody else, lent for an hour by the Security Token Service.
//!
//! Wire facts: AWS STS API reference, version 2011-06-15, query protocol.

use std::time::SystemTime;

use llm_types::{Kind, Result, Secret};

use super::{Keys, Signing, sign, xml};
use crate::flow::{Answer, Flow, form};
use crate::shelf::Issued;

const WHO: &str = "AWS STS";

/// Where STS is.
pub(super) struct Sts<'a> {
    pub(super) flow: Flow<'a>,
    pub(super) region: &'a str,
    pub(super) endpoint: Option<&'a str>,
}

/// A role that is asked for.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Role<'a> {
    pub(super) arn: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) external_id: Option<&'a str>,
    pub(super) tags: &'a [(String, String)],
    pub(super) seconds: Option<u32>,
}

impl Sts<'_> {
    /// `AssumeRole`, signed with `base`.
    pub(super) async fn assume(&self, role: &Role<'_>, base: &Keys) -> Result<Issued<Keys>> {
        let mut fields = self.fields("AssumeRole", role);
        if let Some(id) = role.external_id {
            fields.push(("ExternalId".to_owned(), id.to_owned()));
        }
        for (at, (key, value)) in role.tags.iter().enumerate() {
            fields.push((format!("Tags.member.{}.Key", at + 1), key.clone()));
            fields.push((format!("Tags.member.{}.Value", at + 1), value.clone()));
        }
        let mut request = form(&self.url(), &borrowed(&fields))?;
        let signing = Signing { service: "sts", region: self.region, now: self.flow.ambient.now(), also: &[] };
        sign(&mut request, base, signing)?;
        keys(&self.flow.send(WHO, request).await?, base.secret.expose())
    }

    /// `AssumeRoleWithWebIdentity`: the token proves who we are.
    pub(super) async fn assume_with_token(&self, role: &Role<'_>, token: &str) -> Result<Issued<Keys>> {
        let mut fields = self.fields("AssumeRoleWithWebIdentity", role);
        fields.push(("WebIdentityToken".to_owned(), token.to_owned()));
        let request = form(&self.url(), &borrowed(&fields))?;
        keys(&self.flow.send(WHO, request).await?, token)
    }

    fn fields(&self, action: &str, role: &Role<'_>) -> Vec<(String, String)> {
        let session = role.session.map_or_else(
            || format!("llm-session-{}", self.flow.ambient.unix()), //
            str::to_owned,
        );
        let mut fields = vec![
            ("Action".to_owned(), action.to_owned()),
            ("Version".to_owned(), "2011-06-15".to_owned()),
            ("RoleArn".to_owned(), role.arn.to_owned()),
            ("RoleSessionName".to_owned(), session),
        ];
        if let Some(seconds) = role.seconds {
            fields.push(("DurationSeconds".to_owned(), seconds.to_string()));
        }
        fields
    }

    fn url(&self) -> String {
        let given = self.endpoint.map(str::to_owned);
        let url = given.or_else(|| self.flow.ambient.first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]));
        let url = url.unwrap_or_else(|| format!("https://sts.{}.{}", self.region, suffix(self.region)));
        format!("{}/", url.trim_end_matches('/'))
    }
}

/// The domain of a region's hosts.
pub(super) fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

fn keys(answer: &Answer, secret: &str) -> Result<Issued<Keys>> {
    let text = String::from_utf8_lossy(&answer.body);
    if !answer.ok() {
        let reason = ["Code", "Message"].iter().filter_map(|name| xml::text(&text, name)).collect::<Vec<_>>();
        return Err(answer.error(WHO, &reason.join(": "), &[secret]));
    }
    let field = |name: &str| {
        let missing = || llm_types::Error::new(Kind::InvalidReply, format!("{WHO} answered without {name}"));
        xml::text(&text, name).ok_or_else(missing)
    };
    let keys = Keys {
        id: field("AccessKeyId")?,
        secret: Secret::new(field("SecretAccessKey")?),
        token: Some(Secret::new(field("SessionToken")?)),
    };
    Ok(Issued { value: keys, expires: Some(moment(&field("Expiration")?, WHO)?) })
}

/// A time as AWS writes it.
pub(super) fn moment(text: &str, who: &str) -> Result<SystemTime> {
    let bad = |_| llm_types::Error::new(Kind::InvalidReply, format!("{who} answered with an end that is no time"));
    text.parse::<jiff::Timestamp>().map(SystemTime::from).map_err(bad)
}
