//! Where a key may stand in the headers of a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};

/// What a request shows to say who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nothing.
    None,
    /// A key.
    Key(&'a str),
    /// Something that is not a key: an empty header, a header without a scheme, two `Authorization` headers.
    Malformed,
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "Credential::None",
            Self::Key(_) => "Credential::Key(..)",
            Self::Malformed => "Credential::Malformed",
        })
    }
}

/// Headers that hold a bare key, in the order in which they are asked after `Authorization`.
const BARE: [&str; 4] = ["api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// Finds the credential of a request. The first header that is present wins, whatever stands in it:
/// `x-litellm-api-key`, `Authorization`, `API-Key`, `x-api-key`, `x-goog-api-key`, `Ocp-Apim-Subscription-Key`.
/// A header named by `custom` (`litellm_key_header_name`) replaces them all.
#[must_use]
pub fn credential<'a>(headers: &'a HeaderMap, custom: Option<&str>) -> Credential<'a> {
    if let Some(name) = custom {
        return one(headers, name).map_or(Credential::None, |text| key(without_bearer(text)));
    }
    if let Some(text) = one(headers, "x-litellm-api-key") {
        return key(without_bearer(text));
    }
    if let Some(text) = one(headers, "authorization") {
        return authorization(text);
    }
    BARE.iter().find_map(|name| one(headers, name)).map_or(Credential::None, |text| key(without_bearer(text)))
}

/// The header that [`credential`] reads in this request.
fn read_header(headers: &HeaderMap, custom: Option<&str>) -> Option<HeaderName> {
    let names = ["x-litellm-api-key", "authorization"].into_iter().chain(BARE);
    let name = custom.or_else(|| names.into_iter().find(|name| headers.contains_key(*name)))?;
    HeaderName::try_from(name).ok()
}

/// The user of HTTP basic authentication: clients of some services show the gateway's key there.
#[must_use]
pub fn basic_user(headers: &HeaderMap) -> Option<String> {
    let (scheme, coded) = one(headers, "authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = STANDARD.decode(coded.trim()).ok()?;
    let user = std::str::from_utf8(&plain).ok()?.split(':').next()?.to_owned();
    (!user.is_empty()).then_some(user)
}

/// True for headers in which clients show a key to somebody.
#[must_use]
pub fn is_credential(name: &HeaderName) -> bool {
    let name = name.as_str();
    BARE.contains(&name) || matches!(name, "authorization" | "x-litellm-api-key")
}

/// Takes off what told the gateway who calls: the header that [`credential`] reads, and every other one that shows the
/// same key. What is left of the headers that [`is_credential`] knows was meant for somebody behind the gateway.
pub fn without_credential(headers: &mut HeaderMap, custom: Option<&str>) {
    let Some(name) = read_header(headers, custom) else { return };
    let shown = match credential(headers, custom) {
        Credential::Key(text) => text.to_owned(),
        Credential::None | Credential::Malformed => String::new(),
    };
    headers.remove(&name);
    headers.remove("x-litellm-api-key");
    let bare = |text: &str| match authorization(text) {
        Credential::Key(text) => text.to_owned(),
        _ => text.trim().to_owned(),
    };
    let same: Vec<HeaderName> = headers
        .iter()
        .filter(|(name, value)| is_credential(name) && value.to_str().is_ok_and(|text| bare(text) == shown))
        .map(|(name, _)| name.clone())
        .collect();
    same.iter().for_each(|name| drop(headers.remove(name)));
}

/// The header's value; an empty text, which is no key, when there are several or it is not text.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() {
        return Some("");
    }
    Some(first.to_str().unwrap_or_default())
}

fn authorization(text: &str) -> Credential<'_> {
    // AWS SDKs sign; the key stands where the access key id belongs.
    if text.starts_with("AWS4-HMAC-SHA256") {
        let id = text.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
        return key(without_bearer(id.unwrap_or_default()));
    }
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic") => {
            key(rest)
        }
        _ => Credential::Malformed,
    }
}

fn without_bearer(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest,
        _ => text,
    }
}

fn key(text: &str) -> Credential<'_> {
    let text = text.trim();
    if text.is_empty() { Credential::Malformed } else { Credential::Key(text) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(n, v): &(&'static str, &'static str)| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let mut map = HeaderMap::new();
        for (name, value) in of.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    #[test]
    fn the_first_header_present_wins() {
        for (given, wanted) in [
            (&[("authorization", "Bearer sk-a")][..], Credential::Key("sk-a")),
            (&[("authorization", "bearer  sk-a ")], Credential::Key("sk-a")),
            (&[("authorization", "Basic sk-a")], Credential::Key("sk-a")),
            (&[("authorization", "sk-a")], Credential::Malformed),
            (&[("authorization", "Bearer ")], Credential::Malformed),
            (&[("authorization", "Digest x")], Credential::Malformed),
            (&[("authorization", "Bearer sk-a"), ("authorization", "Bearer sk-b")], Credential::Malformed),
            (&[("authorization", "Bearer sk-a"), ("x-litellm-api-key", "sk-b")], Credential::Key("sk-b")),
            (&[("x-litellm-api-key", "Bearer sk-b")], Credential::Key("sk-b")),
            (&[("x-api-key", "sk-c"), ("api-key", "sk-d")], Credential::Key("sk-d")),
            (&[("x-api-key", ""), ("x-goog-api-key", "sk-d")], Credential::Malformed),
            (&[("x-goog-api-key", "sk-g")], Credential::Key("sk-g")),
            (&[("ocp-apim-subscription-key", "sk-o")], Credential::Key("sk-o")),
            (
                &[(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=sk-w/20260101/us-east-1/bedrock/aws4_request, Signature=x",
                )],
                Credential::Key("sk-w"),
            ),
            (&[("authorization", "AWS4-HMAC-SHA256 nothing")], Credential::Malformed),
            (&[], Credential::None),
        ] {
            assert!(credential(&headers(given), None) == wanted, "{given:?}");
        }
    }

    #[test]
    fn a_configured_header_replaces_all() {
        let both = headers(&[("authorization", "Bearer sk-a"), ("x-my-key", "Bearer sk-m")]);
        assert!(credential(&both, Some("X-My-Key")) == Credential::Key("sk-m"));
        assert!(credential(&headers(&[("authorization", "Bearer sk-a")]), Some("x-my-key")) == Credential::None);
    }

    #[test]
    fn what_is_the_gateways_is_taken_off() {
        for (given, left) in [
            (&[("authorization", "Bearer sk-a"), ("x-api-key", "sk-a")][..], &[][..]),
            (&[("x-litellm-api-key", "sk-a"), ("authorization", "Bearer own")], &["authorization"]),
            (&[("x-litellm-api-key", "sk-a"), ("authorization", "Bearer sk-a"), ("x-api-key", "own")], &["x-api-key"]),
            (&[("api-key", "sk-a"), ("x-goog-api-key", "sk-a"), ("accept", "a")], &["accept"]),
            (&[("accept", "a")], &["accept"]),
        ] {
            let mut map = headers(given);
            without_credential(&mut map, None);
            assert_eq!(map.keys().map(HeaderName::as_str).collect::<Vec<_>>(), left, "{given:?}");
        }
    }

    #[test]
    fn users_of_basic_authentication() {
        assert_eq!(basic_user(&headers(&[("authorization", "Basic c2stYTpzZWNyZXQ=")])).as_deref(), Some("sk-a"));
        for other in ["Bearer c2stYTpzZWNyZXQ=", "Basic !", "Basic OnNlY3JldA==", "Basic"] {
            assert_eq!(basic_user(&headers(&[("authorization", other)])), None, "{other}");
        }
    }
}
