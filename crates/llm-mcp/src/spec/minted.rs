//! Credentials that are not the gateway's own words: tokens that are asked for or exchanged, signatures, what callers hold.

use std::sync::Arc;

use llm_types::AuthNeed;
use llm_types::auth::{AwsAuth, OAuthClient, Subject};

use super::{Hidden, ServerSpec, Wrong, is_url};
use crate::credential::{Own, Refresh, Scheme, Way};
use crate::discovery::Authority;

/// The service that requests are signed for and its region, when nobody says; LiteLLM's.
const SERVICE: &str = "bedrock-agentcore";
const REGION: &str = "us-east-1";
/// What a caller's token is, when nobody says (RFC 8693, section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

impl ServerSpec {
    /// `oauth2_flow: client_credentials`: the gateway's own token, the same for all callers.
    pub(super) fn client_credentials(&self) -> Result<Scheme, Wrong> {
        let client = self.client("token_url", self.token_url.as_deref())?;
        Ok(Scheme::Minted(Arc::new(AuthNeed::OAuth(Box::new(client)))))
    }

    /// `oauth2_token_exchange`: a token for the caller, for the one that it shows.
    pub(super) fn exchange(&self) -> Result<Scheme, Wrong> {
        let endpoint = self.token_exchange_endpoint.as_deref().or(self.token_url.as_deref());
        let mut client = self.client("token_exchange_endpoint", endpoint)?;
        let on_behalf = match self.token_exchange_profile.as_deref() {
            None | Some("" | "rfc8693") => false,
            Some("entra_obo") => true,
            Some(_) => return Err(("token_exchange_profile", "expected rfc8693 or entra_obo".to_owned())),
        };
        if on_behalf && client.scope.is_none() {
            return Err(("scopes", "entra_obo names what the token is for by its scopes".to_owned()));
        }
        let audience = self.audience.clone().filter(|a| !a.is_empty() && !on_behalf);
        client.form.extend(audience.map(|audience| ("audience".to_owned(), audience)));
        let kind = self.subject_token_type.clone().filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| ACCESS_TOKEN.to_owned());
        Ok(Scheme::Exchanged(Box::new(client), Subject { kind, on_behalf, ..Subject::default() }))
    }

    /// `aws_sigv4`: what is not named is looked up in AWS's usual order.
    pub(super) fn signature(&self) -> Result<Scheme, Wrong> {
        if self.aws_access_key_id.is_some() != self.aws_secret_access_key.is_some() {
            return Err(("aws_secret_access_key", "a key id and its secret belong together".to_owned()));
        }
        let own = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let secret = |hidden: &Option<Hidden>| hidden.clone().map(|hidden| hidden.0);
        Ok(Scheme::Minted(Arc::new(AuthNeed::Aws(Box::new(AwsAuth {
            service: own(&self.aws_service_name).unwrap_or_else(|| SERVICE.to_owned()),
            region: own(&self.aws_region_name).unwrap_or_else(|| REGION.to_owned()),
            access_key_id: secret(&self.aws_access_key_id),
            secret_access_key: secret(&self.aws_secret_access_key),
            session_token: secret(&self.aws_session_token),
            role: own(&self.aws_role_name),
            session_name: own(&self.aws_session_name),
            ..AwsAuth::default()
        })))))
    }

    /// `oauth2` without a flow of the gateway's own: a token that each caller holds or brings along.
    pub(super) fn held_token(&self) -> Result<Scheme, Wrong> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let refresh = filled(&self.token_url).map(|token_url| {
            Ok(Refresh {
                token_url,
                client_id: filled(&self.client_id),
                client_secret: self.client_secret.clone().map(|hidden| hidden.0).filter(|secret| !secret.is_empty()),
                basic: self.shows_basic()?,
            })
        });
        Ok(Scheme::Own(Box::new(Own { way: Way::Bearer, token: true, refresh: refresh.transpose()? })))
    }

    /// `is_byok`: a key that each caller holds or brings along.
    pub(super) fn held_key(way: Way) -> Scheme {
        Scheme::Own(Box::new(Own { way, token: false, refresh: None }))
    }

    /// Who issues tokens for it.
    pub(super) fn authority(&self) -> Result<Authority, Wrong> {
        let place = |field: &'static str, url: &Option<String>| match url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) if !is_url(url) => Err((field, "expected a URL with http or https".to_owned())),
            url => Ok(url.map(str::to_owned)),
        };
        Ok(Authority {
            issuer: place("issuer", &self.issuer)?,
            authorization_url: place("authorization_url", &self.authorization_url)?,
            token_url: place("token_url", &self.token_url)?,
            registration_url: place("registration_url", &self.registration_url)?,
            scopes: self.scopes.clone().unwrap_or_default(),
        })
    }

    fn shows_basic(&self) -> Result<bool, Wrong> {
        match self.token_endpoint_auth_method.as_deref() {
            None | Some("" | "client_secret_post") => Ok(false),
            Some("client_secret_basic") => Ok(true),
            Some(_) => {
                let why = "expected client_secret_post or client_secret_basic";
                Err(("token_endpoint_auth_method", why.to_owned()))
            }
        }
    }

    fn client(&self, field: &'static str, endpoint: Option<&str>) -> Result<OAuthClient, Wrong> {
        let needed = |field: &'static str| (field, format!("this auth_type needs {field}"));
        let endpoint = endpoint.filter(|url| !url.is_empty()).ok_or_else(|| needed(field))?;
        if !is_url(endpoint) {
            return Err((field, "expected a URL with http or https".to_owned()));
        }
        let id = self.client_id.clone().filter(|id| !id.is_empty()).ok_or_else(|| needed("client_id"))?;
        let secret = self.client_secret.clone().map(|hidden| hidden.0).filter(|secret| !secret.is_empty());
        Ok(OAuthClient {
            token_url: endpoint.to_owned(),
            client_id: id,
            client_secret: secret.ok_or_else(|| needed("client_secret"))?,
            scope: self.scopes.as_ref().map(|scopes| scopes.join(" ")).filter(|scope| !scope.is_empty()),
            basic: self.shows_basic()?,
            ..OAuthClient::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;
    use llm_types::RawJson;

    use super::*;
    use crate::credential::Proof;

    fn scheme(text: &str) -> Result<Scheme, Wrong> {
        let spec: ServerSpec = RawJson::parse(text).unwrap().read().unwrap();
        Ok(spec.server("one", false)?.scheme)
    }

    #[test]
    fn a_token_is_exchanged_for_the_callers() {
        let text = r#"{"url":"http://h/mcp","auth_type":"oauth2_token_exchange","client_id":"c","client_secret":"s3c",
            "token_exchange_endpoint":"https://idp.test/token","audience":"api://x","scopes":["a","b"]}"#;
        let scheme = scheme(text).unwrap();
        assert_eq!(scheme.name(), Some("oauth2_token_exchange"));
        let mut client = HeaderMap::new();
        assert!(matches!(scheme.proof(&client, false), Proof::Missing));
        client.insert(AUTHORIZATION, "Basic abc".parse().unwrap());
        assert!(matches!(scheme.proof(&client, false), Proof::Missing));
        client.insert(AUTHORIZATION, "bearer callers".parse().unwrap());
        assert!(matches!(scheme.proof(&client, true), Proof::Ready));
        let Proof::Minted(need) = scheme.proof(&client, false) else { panic!("no token is asked for") };
        let AuthNeed::OAuth(oauth) = &*need else { panic!("another need") };
        assert_eq!(oauth.subject.as_ref().unwrap().token.expose(), "callers");
        assert_eq!((oauth.scope.as_deref(), oauth.form.len()), (Some("a b"), 1));
        let printed = format!("{scheme:?}{need:?}");
        assert!(!printed.contains("callers") && !printed.contains("s3c"), "{printed}");
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        let exchange = r#""url":"http://h","auth_type":"oauth2_token_exchange","client_id":"c","client_secret":"s""#;
        for (more, field) in [
            ("", "token_exchange_endpoint"),
            (r#","token_url":"file:///x""#, "token_exchange_endpoint"),
            (r#","token_url":"http://i","token_exchange_profile":"x""#, "token_exchange_profile"),
            (r#","token_url":"http://i","token_exchange_profile":"entra_obo""#, "scopes"),
            (r#","token_url":"http://i","token_endpoint_auth_method":"none""#, "token_endpoint_auth_method"),
        ] {
            assert_eq!(scheme(&format!("{{{exchange}{more}}}")).unwrap_err().0, field, "{more}");
        }
        let half = r#"{"url":"http://h","auth_type":"aws_sigv4","aws_access_key_id":"AKIA"}"#;
        assert_eq!(scheme(half).unwrap_err().0, "aws_secret_access_key");
        let signed = scheme(r#"{"url":"http://h","auth_type":"aws_sigv4"}"#).unwrap();
        assert_eq!(signed.name(), Some("aws_sigv4"));
        // Without the flow, the client's own token goes on.
        let text =
            r#"{"url":"http://h","auth_type":"oauth2","client_id":"c","client_secret":"s","token_url":"http://i"}"#;
        assert!(matches!(scheme(text).unwrap(), Scheme::Own(own) if own.token && own.refresh.is_some()));
        assert!(matches!(scheme(r#"{"url":"http://h","auth_type":"oauth_delegate"}"#).unwrap(), Scheme::Passed));
    }
}
