//! What a route without a key is given.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use http::HeaderMap;
use http::header::{COOKIE, HOST, ORIGIN};
use llm_accounts::{Accounts, AccountsSettings, FORWARDED_PROTO, LoginSettings, Outcome};
use llm_types::{Error, Json};

use super::SsoSettings;
use super::refusal::forbidden;

/// A request of somebody without a key.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) accounts: Accounts,
    /// As they were when the visit began.
    pub(crate) ways: Arc<AccountsSettings>,
    pub(crate) sso: Option<Arc<SsoSettings>>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Visit {
    pub(crate) fn settings(&self) -> &LoginSettings {
        &self.ways.login
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A text of the query; an empty one counts as absent.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(&self.body);
        fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Outcome<Json> {
        serde_json::from_slice(&self.body).map_err(|_| Error::bad_request("The body is no JSON").into())
    }

    /// A cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let all = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let each = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        each.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }

    /// Where people get in from outside, without a slash at the end: `PROXY_BASE_URL`, else what the request says.
    pub(crate) fn base(&self) -> String {
        self.settings().outside(self.header(HOST), self.header(FORWARDED_PROTO))
    }

    /// Where somebody goes on who is logged in: to this path, if it is one of this site, else to the pages.
    pub(crate) fn onward(&self, to: Option<&str>) -> String {
        own_path(to).map_or_else(|| format!("{}/ui/?login=success", self.base()), str::to_owned)
    }

    /// True when people get in over TLS.
    pub(crate) fn secure(&self) -> bool {
        self.settings().secure(self.header(FORWARDED_PROTO))
    }

    /// Refuses what another site's page sends: nobody is logged in behind their back.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn is_own_page(&self) -> Outcome<()> {
        let foreign_fetch = self.header("sec-fetch-site").is_some_and(|site| site == "cross-site");
        let base = self.base();
        let own = |origin: &str| {
            let host = self.header(HOST).unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, rest)| rest == host)
                || base.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let foreign_origin = self.header(ORIGIN).is_some_and(|origin| origin != "null" && !own(origin));
        if foreign_fetch || foreign_origin {
            return Err(forbidden("A login must come from this site.").into());
        }
        Ok(())
    }
}

/// A path of this site to go on to: one slash in front, nothing that browsers read as another site.
pub(crate) fn own_path(text: Option<&str>) -> Option<&str> {
    text.filter(|path| {
        path.len() <= 2048
            && path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && !path.chars().any(|c| c.is_control() || c.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site() {
        for (path, fine) in [
            ("/ui/?page=1", true),
            ("/", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("javascript:alert(1)", false),
            ("/a\r\nset-cookie: x=1", false),
            ("/a\tb", false),
            ("", false),
        ] {
            assert_eq!(own_path(Some(path)).is_some(), fine, "{path:?}");
        }
    }
}
