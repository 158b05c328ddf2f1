//! Pass-through endpoints of the operator's own (`general_settings.pass_through_endpoints`).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use llm_guardrails::Targets;
use llm_providers::Endpoint;
use llm_providers::keys::{chooses_account, is_key_pair};
use parking_lot::Mutex;

use super::who::name_of;

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Custom {
    /// Its path.
    pub path: &'static str,
    /// Where it goes.
    pub target: String,
    /// Headers that are set, credentials most of all.
    pub headers: HeaderMap,
    /// The client's headers go on.
    pub forward_headers: bool,
    /// Paths below it go to paths below the target.
    pub include_subpath: bool,
    /// US dollars of a call whose answer has no price.
    pub cost: f64,
    /// A key is needed, and one that may call it.
    pub auth: bool,
    /// Methods that are served; empty: all.
    pub methods: Vec<Method>,
    /// Query parameters, unless the client says otherwise.
    pub query: Vec<(String, String)>,
    /// Time until the answer begins.
    pub timeout: Option<Duration>,
    /// The header that carries the gateway's key.
    pub key_header: Option<String>,
    /// The gateway's key is the user of HTTP basic authentication.
    pub basic_user: bool,
    /// The guardrails that judge its requests and answers, where there are any.
    pub guardrails: Option<Arc<Targets>>,
}

/// The header entry that is no header: it names the one that carries the gateway's key.
pub(crate) const KEY_HEADER: &str = "litellm_user_api_key";

impl Custom {
    /// Whether an endpoint may be at a path: the field that is wrong, and why.
    ///
    /// # Errors
    /// A path without a slash in front, a target that is no URL.
    pub fn check(&self, path: &str) -> Result<(), (&'static str, &'static str)> {
        if !path.starts_with('/') {
            return Err(("path", "expected a path that begins with a slash"));
        }
        let uri: Option<http::Uri> = self.target.parse().ok();
        if !uri.is_some_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some()) {
            return Err(("target", "expected a URL with http or https"));
        }
        Ok(())
    }

    /// What of a path lies below this endpoint; nothing when it is another's.
    #[must_use]
    pub fn below<'p>(&self, method: &Method, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.path)?;
        let rest = match rest.strip_prefix('/') {
            None if rest.is_empty() => "",
            Some(below) if self.include_subpath || below.is_empty() => below,
            _ => return None,
        };
        let serves = self.methods.is_empty() || self.methods.contains(method);
        serves.then_some(rest)
    }

    /// True when the operator wrote a credential into it.
    #[must_use]
    pub fn shows_key(&self) -> bool {
        let asked = self.target.split_once('?').map_or("", |(_, query)| query).split('&');
        let more = self.query.iter().map(|(name, _)| name.as_str());
        self.headers.keys().any(|name| chooses_account(name.as_str())) || asked.chain(more).any(is_key_pair)
    }

    /// Where a request goes.
    ///
    /// # Errors
    /// When the path tries to leave what lies below the target.
    pub fn place(&self, rest: &str, query: &str) -> llm_types::Result<Endpoint> {
        llm_providers::passthrough::safe(rest)?;
        let (target, own) = self.target.split_once('?').map_or((self.target.as_str(), ""), |(t, q)| (t, q));
        let mut url = target.to_owned();
        if !rest.is_empty() {
            url = format!("{}/{rest}", target.trim_end_matches('/'));
        }
        let mut pairs: Vec<String> = own.split('&').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        pairs.extend(self.query.iter().map(|(k, v)| format!("{k}={v}")));
        // A key that the operator wrote there stays.
        let shows_key = pairs.iter().any(|pair| is_key_pair(pair));
        let asked = query.split('&').filter(|p| !p.is_empty()).filter(|pair| !(shows_key && is_key_pair(pair)));
        for pair in asked.clone() {
            pairs.retain(|known| name_of(known) != name_of(pair));
        }
        pairs.extend(asked.map(str::to_owned));
        if !pairs.is_empty() {
            url = format!("{url}?{}", pairs.join("&"));
        }
        Ok(Endpoint { url, headers: self.headers.clone(), ..Endpoint::default() })
    }
}

/// Text that lives as long as the process, each text once: routes of configurations are read again and again.
#[must_use]
pub fn lasting(text: &str) -> &'static str {
    static KNOWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock();
    if let Some(same) = known.iter().find(|k| **k == text) {
        return same;
    }
    let new: &'static str = Box::leak(text.to_owned().into_boxed_str());
    known.push(new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(include_subpath: bool) -> Custom {
        Custom {
            path: lasting("/mine"),
            target: "https://h.test/v1?a=1".to_owned(),
            headers: HeaderMap::new(),
            forward_headers: false,
            include_subpath,
            cost: 0.0,
            auth: true,
            methods: vec![Method::GET],
            query: vec![("b".to_owned(), "2".to_owned())],
            timeout: None,
            key_header: None,
            basic_user: false,
            guardrails: None,
        }
    }

    #[test]
    fn paths_and_methods() {
        let (one, all) = (custom(false), custom(true));
        assert_eq!(one.below(&Method::GET, "/mine"), Some(""));
        assert_eq!(one.below(&Method::GET, "/mine/x"), None);
        assert_eq!(all.below(&Method::GET, "/mine/x/y"), Some("x/y"));
        assert_eq!(all.below(&Method::GET, "/minefield"), None);
        assert_eq!(all.below(&Method::POST, "/mine"), None);
    }

    #[test]
    fn queries_are_laid_over_each_other() {
        let url = |rest, query| custom(true).place(rest, query).unwrap().url;
        assert_eq!(url("", ""), "https://h.test/v1?a=1&b=2");
        assert_eq!(url("x", "b=3&c=4"), "https://h.test/v1/x?a=1&b=3&c=4");
        assert!(custom(true).place("../x", "").is_err());
    }
}
