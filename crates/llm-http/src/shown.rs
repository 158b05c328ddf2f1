//! Addresses as logs, labels and errors tell them.

use std::borrow::Cow;

/// A URL without what may be secret in it: login, query, fragment.
#[must_use]
pub fn shown(url: &str) -> Cow<'_, str> {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rfind('@').and_then(|at| rest.get(at + 1..)) {
        Some(behind) => Cow::Owned(format!("{scheme}://{behind}")),
        None => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told() {
        for (url, told) in [
            ("https://host/path?key=secret", "https://host/path"),
            ("https://host#secret", "https://host"),
            ("https://user:p@ss@host:8443/a@b?x", "https://host:8443/a@b"),
            ("host/path", "host/path"),
            ("", ""),
        ] {
            assert_eq!(shown(url), told);
        }
    }
}
