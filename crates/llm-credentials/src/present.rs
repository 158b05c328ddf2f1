//! A key and a scheme become what an upstream is shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use llm_types::{AuthScheme, Secret};

/// What goes into the request. Header values are marked sensitive, so they are neither printed nor kept in HPACK tables.
#[derive(Debug, Clone, Default)]
pub struct Presented {
    /// Headers to set.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Query parameters to add; percent-encoding is the caller's.
    pub query: Vec<(String, Secret)>,
}

/// Why a key cannot be shown. Never contains it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentError {
    /// The scheme needs a key and there is none.
    #[error("no API key")]
    MissingKey,
    /// The key has characters that no header may have (a line break from a file, most often).
    #[error("the API key contains characters that cannot be sent in a header")]
    InvalidKey,
    /// The configured header name is none.
    #[error("{0:?} is not a header name")]
    InvalidHeader(String),
    /// A scheme that needs a computation which is not there.
    #[error("authentication scheme {0} is not supported")]
    Unsupported(String),
}

/// Shows `key` as `scheme` says. An empty key counts as none. Do it once per deployment, not per request.
pub fn present(scheme: &AuthScheme, key: Option<&Secret>) -> Result<Presented, PresentError> {
    let given = key.filter(|key| !key.is_empty()).map(Secret::expose);
    let needed = || given.ok_or(PresentError::MissingKey);
    match scheme {
        AuthScheme::None => Ok(Presented::default()),
        AuthScheme::Bearer => header(AUTHORIZATION, &format!("Bearer {}", needed()?)),
        AuthScheme::BearerOptional => match given {
            Some(key) => header(AUTHORIZATION, &format!("Bearer {key}")),
            None => Ok(Presented::default()),
        },
        AuthScheme::Header(name) => header(header_name(name)?, needed()?),
        AuthScheme::Query(name) => {
            Ok(Presented { query: vec![(name.to_string(), Secret::new(needed()?))], ..Presented::default() })
        }
        AuthScheme::Basic => header(AUTHORIZATION, &format!("Basic {}", STANDARD.encode(needed()?))),
        AuthScheme::Template { name, value } => header(header_name(name)?, &value.replace("{key}", needed()?)),
        other => Err(PresentError::Unsupported(format!("{other:?}"))),
    }
}

fn header_name(name: &str) -> Result<HeaderName, PresentError> {
    name.parse().map_err(|_| PresentError::InvalidHeader(name.to_owned()))
}

fn header(name: HeaderName, value: &str) -> Result<Presented, PresentError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| PresentError::InvalidKey)?;
    value.set_sensitive(true);
    Ok(Presented { headers: vec![(name, value)], ..Presented::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(scheme: &AuthScheme, key: Option<&str>) -> Result<Vec<String>, PresentError> {
        let presented = present(scheme, key.map(Secret::new).as_ref())?;
        let headers = presented.headers.iter().map(|(name, value)| {
            assert!(value.is_sensitive());
            format!("{name}: {}", value.to_str().unwrap())
        });
        let query = presented.query.iter().map(|(name, value)| format!("?{name}={}", value.expose()));
        Ok(headers.chain(query).collect())
    }

    #[test]
    fn every_scheme() {
        let template = AuthScheme::Template { name: "Authorization".into(), value: "Token {key}".into() };
        for (scheme, expected) in [
            (AuthScheme::Bearer, "authorization: Bearer k-1"),
            (AuthScheme::BearerOptional, "authorization: Bearer k-1"),
            (AuthScheme::Header("X-Api-Key".into()), "x-api-key: k-1"),
            (AuthScheme::Query("key".into()), "?key=k-1"),
            (AuthScheme::Basic, "authorization: Basic ay0x"),
            (template, "authorization: Token k-1"),
        ] {
            assert_eq!(shown(&scheme, Some("k-1")), Ok(vec![expected.to_owned()]));
            let without =
                if scheme == AuthScheme::BearerOptional { Ok(Vec::new()) } else { Err(PresentError::MissingKey) };
            assert_eq!(shown(&scheme, None), without);
            assert_eq!(shown(&scheme, Some("")), without);
        }
        assert_eq!(shown(&AuthScheme::None, Some("k-1")), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_being_shown() {
        let error = shown(&AuthScheme::Bearer, Some("k-1\r\nx-evil: 1")).unwrap_err();
        assert_eq!(error, PresentError::InvalidKey);
        assert!(!error.to_string().contains("k-1"));
        let error = shown(&AuthScheme::Header("not a name".into()), Some("k-1")).unwrap_err();
        assert_eq!(error, PresentError::InvalidHeader("not a name".to_owned()));
        let presented = present(&AuthScheme::Bearer, Some(&Secret::new("k-1"))).unwrap();
        assert!(!format!("{presented:?}").contains("k-1"));
    }
}
