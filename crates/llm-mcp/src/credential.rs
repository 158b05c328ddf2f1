//! What is shown to a server so that it answers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use llm_types::auth::{OAuthClient, Subject};
use llm_types::{AuthNeed, Secret};

/// How a credential is shown (`auth_type`), with ours where we have one.
#[derive(Debug, Clone, Default)]
pub enum Scheme {
    /// Not at all.
    #[default]
    None,
    /// In this way; a client may bring its own.
    Shown(Way, Option<Secret>),
    /// The `Authorization` that the client shows to the server goes on as it is.
    Passed,
    /// A token that we ask for, or a signature of ours.
    Minted(Arc<AuthNeed>),
    /// A token that we get for the client's own.
    Exchanged(Box<OAuthClient>, Subject),
    /// One of the caller's own, which it holds here or brings along.
    Own(Box<Own>),
}

/// A credential of the caller's own.
#[derive(Debug, Clone)]
pub struct Own {
    /// How it is shown.
    pub way: Way,
    /// It is a token of OAuth 2: an `Authorization` of the client goes on in its place.
    pub token: bool,
    /// What gets a new one.
    pub refresh: Option<Refresh>,
}

/// Who gives a new token for an old one.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// Where.
    pub token_url: String,
    /// Who the gateway is there.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Both are shown as HTTP basic authentication.
    pub basic: bool,
}

/// What is computed just before a request is sent.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Nothing: the headers say all.
    Ready,
    /// A token or a signature.
    Minted(Arc<AuthNeed>),
    /// The client's own token is missing: it cannot be asked.
    Missing,
}

impl Scheme {
    /// LiteLLM's name for it; nothing where the client's own goes on.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::None => Some("none"),
            Self::Shown(way, _) => Some(way.name()),
            Self::Minted(need) => Some(if matches!(**need, AuthNeed::Aws(_)) { "aws_sigv4" } else { "oauth2" }),
            Self::Exchanged(..) => Some("oauth2_token_exchange"),
            Self::Own(own) if own.token => Some("oauth2"),
            Self::Own(own) => Some(own.way.name()),
            Self::Passed => None,
        }
    }

    /// True where callers show tokens of their own, which others issue.
    #[must_use]
    pub fn is_callers(&self) -> bool {
        matches!(self, Self::Passed | Self::Exchanged(..)) || matches!(self, Self::Own(own) if own.token)
    }

    /// True where those are exchanged for others.
    #[must_use]
    pub const fn is_exchanged(&self) -> bool {
        matches!(self, Self::Exchanged(..))
    }

    /// What is computed for a client with these headers. `own`: it brings an `Authorization` for this server alone, which
    /// takes the place of tokens.
    pub(crate) fn proof(&self, client: &HeaderMap, own: bool) -> Proof {
        match self {
            Self::Minted(need) if !own || matches!(**need, AuthNeed::Aws(_)) => Proof::Minted(Arc::clone(need)),
            Self::Exchanged(..) if own => Proof::Ready,
            Self::Exchanged(exchange, subject) => {
                let shown = client.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
                let token = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                let Some(token) = token.map(|(_, token)| token.trim()).filter(|t| !t.is_empty()) else {
                    return Proof::Missing;
                };
                let subject = Some(Subject { token: Secret::new(token), ..subject.clone() });
                Proof::Minted(Arc::new(AuthNeed::OAuth(Box::new(OAuthClient { subject, ..(**exchange).clone() }))))
            }
            Self::None | Self::Shown(..) | Self::Passed | Self::Minted(_) | Self::Own(_) => Proof::Ready,
        }
    }
}

/// The header that a credential goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `X-API-Key`
    ApiKey,
    /// `Authorization: Bearer`
    Bearer,
    /// `Authorization: Basic`, of `user:password`
    Basic,
    /// `Authorization`, as it is
    Authorization,
    /// `Authorization: token`
    Token,
    /// `Authorization: ApiKey`: what `api_key` is for an API, as LiteLLM has it.
    ApiKeyWord,
}

impl Way {
    const ALL: [Self; 5] = [Self::ApiKey, Self::Bearer, Self::Basic, Self::Authorization, Self::Token];

    /// LiteLLM's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey | Self::ApiKeyWord => "api_key",
            Self::Bearer => "bearer_token",
            Self::Basic => "basic",
            Self::Authorization => "authorization",
            Self::Token => "token",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }

    /// The name of the header.
    pub(crate) const fn place(self) -> HeaderName {
        match self {
            Self::ApiKey => HeaderName::from_static("x-api-key"),
            Self::Bearer | Self::Basic | Self::Authorization | Self::Token | Self::ApiKeyWord => AUTHORIZATION,
        }
    }

    /// The header; nothing for a value that cannot stand in one.
    pub(crate) fn header(self, value: &str) -> Option<(HeaderName, HeaderValue)> {
        let text = match self {
            Self::ApiKey | Self::Authorization => value.to_owned(),
            Self::Bearer => format!("Bearer {}", value.strip_prefix("Bearer ").unwrap_or(value)),
            Self::Basic => format!("Basic {}", basic(value)),
            Self::Token => format!("token {value}"),
            Self::ApiKeyWord => format!("ApiKey {}", value.strip_prefix("ApiKey ").unwrap_or(value)),
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some((self.place(), value))
    }
}

/// `user:password` coded; what is coded already stays.
fn basic(value: &str) -> String {
    let value = value.strip_prefix("Basic ").unwrap_or(value);
    if value.contains(':') { STANDARD.encode(value) } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_and_headers() {
        for (name, value, wanted) in [
            ("api_key", "k", ("x-api-key", "k")),
            ("bearer_token", "k", ("authorization", "Bearer k")),
            ("bearer_token", "Bearer k", ("authorization", "Bearer k")),
            ("basic", "a:b", ("authorization", "Basic YTpi")),
            ("basic", "YTpi", ("authorization", "Basic YTpi")),
            ("authorization", "Custom x", ("authorization", "Custom x")),
            ("token", "k", ("authorization", "token k")),
        ] {
            let (header, value) = Way::named(name).unwrap().header(value).unwrap();
            assert_eq!((header.as_str(), value.to_str().unwrap()), wanted);
            assert!(value.is_sensitive());
        }
        assert!(Way::named("oauth2").is_none());
        assert!(Way::Bearer.header("a\nb").is_none());
    }
}
