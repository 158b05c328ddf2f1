//! What the providers in AWS's cloud have in common: regions, credentials, parts of paths.

use llm_types::{AuthNeed, AwsAuth, Json, Result, Secret};

use crate::params::Params;
use crate::provider::{Call, Endpoint};

/// The region that is asked when nobody names one.
const REGION: &str = "us-west-2";

/// The region of a deployment: its own, the one that its model names, the environment's.
pub(crate) fn region(params: &Params, of_model: Option<&str>) -> String {
    let own = params.str("aws_region_name").map(str::to_owned);
    own.or_else(|| of_model.map(str::to_owned))
        .or_else(|| ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| params.env(name)))
        .unwrap_or_else(|| REGION.to_owned())
}

/// The host of a service in a region, with `https://` in front.
pub(crate) fn host(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{service}.{region}.{domain}")
}

/// Where a service of one path is, below the deployment's base or the region's host, signed.
///
/// # Errors
/// As [`Endpoint::set_extra`].
pub(crate) fn endpoint(service: &str, path: &str, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let region = region(call.params, None);
    let base = call.api_base.map_or_else(|| host(service, &region), str::to_owned);
    out.url = format!("{}{path}", base.trim_end_matches('/'));
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)?;
    out.auth = Some(auth(service, region, call.params));
    Ok(())
}

/// What a signature for a service is made with.
pub(crate) fn auth(service: &str, region: String, params: &Params) -> AuthNeed {
    let text = |name| params.str(name).map(str::to_owned);
    AuthNeed::Aws(Box::new(AwsAuth {
        service: service.to_owned(),
        region,
        access_key_id: params.secret("aws_access_key_id"),
        secret_access_key: params.secret("aws_secret_access_key"),
        session_token: params.secret("aws_session_token"),
        profile: text("aws_profile_name"),
        role: text("aws_role_name"),
        session_name: text("aws_session_name"),
        external_id: text("aws_external_id"),
        session_tags: session_tags(params),
        web_identity_token: params.secret("aws_web_identity_token"),
        sts_endpoint: text("aws_sts_endpoint"),
        bearer: None::<Secret>,
    }))
}

/// The tags of an assumed role's session, in AWS's shape: `[{Key, Value}]`.
fn session_tags(params: &Params) -> Vec<(String, String)> {
    let tags = params.get("aws_session_tags").and_then(Json::as_array).unwrap_or_default();
    let text = |tag: &Json, name: &str| {
        let field = tag.as_object()?.iter().find(|(key, _)| key.as_str() == name)?;
        field.1.as_str().map(str::to_owned)
    };
    tags.iter().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect()
}

/// A piece of a path, percent-encoded: all but RFC 3986's unreserved characters.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// True for the name of a region (`us-east-1`, `us-gov-west-1`).
pub(crate) fn is_region(text: &str) -> bool {
    let mut pieces = text.rsplit('-');
    let number = pieces.next().is_some_and(|n| n.len() == 1 && n.starts_with(|c: char| c.is_ascii_digit()));
    let place = pieces.next().is_some_and(|p| p.len() >= 4 && p.bytes().all(|b| b.is_ascii_lowercase()));
    let area: Vec<&str> = pieces.collect();
    number && place && (1..=2).contains(&area.len()) && area.last().is_some_and(|a| a.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for name in ["us-east-1", "us-gov-west-1", "ap-southeast-2", "eu-central-1", "cn-north-1"] {
            assert!(is_region(name), "{name}");
        }
        for name in ["converse", "amazon.nova-pro-v1:0", "us.anthropic.claude", "nova-2", "arn:aws:bedrock:us-east-1"] {
            assert!(!is_region(name), "{name}");
        }
        let own = Params::without_env([("aws_region_name", Json::from("eu-west-1"))]);
        assert_eq!(region(&own, Some("us-east-1")), "eu-west-1");
        let none = Params::without_env::<String>([]);
        assert_eq!(region(&none, Some("us-east-1")), "us-east-1");
        assert_eq!(region(&none, None), REGION);
        assert_eq!(host("bedrock-runtime", "cn-north-1"), "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
        assert_eq!(escaped("arn:aws/a b"), "arn%3Aaws%2Fa%20b");
    }
}
