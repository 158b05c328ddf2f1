//! Pages of other origins: what browsers ask before they let them call, and what lets them read the answer.
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use crate::body::Reply;
use crate::errors;

/// Which origins may call (`LITELLM_CORS_ORIGINS`, `LITELLM_CORS_ALLOW_CREDENTIALS`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins, or `*` for every one; none may without any.
    pub origins: Vec<String>,
    /// Cookies go along.
    pub credentials: bool,
}

impl Cors {
    fn every(&self) -> bool {
        self.origins.iter().any(|origin| origin == "*")
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.every() || self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }

    /// The answer to a browser that asks before it calls; nothing for other requests.
    pub(crate) fn preflight<B>(&self, req: &Request<B>) -> Option<Response<Reply>> {
        let asked = req.headers();
        if req.method() != Method::OPTIONS || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let origin = asked.get(ORIGIN)?;
        if !self.allows(origin) {
            return Some(errors::fixed(400, "{\"detail\":\"Disallowed CORS origin\"}"));
        }
        let mut response = errors::fixed(200, "\"OK\"");
        let headers = response.headers_mut();
        self.tell(origin, headers);
        let methods = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        Some(response)
    }

    /// Lets a page of this origin read the answer, if it may.
    pub(crate) fn tell(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if !self.allows(origin) {
            return;
        }
        let every = self.every() && !self.credentials;
        let shown = if every { HeaderValue::from_static("*") } else { origin.clone() };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, shown);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cors: &Cors, origin: &'static str) -> (u16, Option<String>) {
        let req = Request::options("/v1/chat/completions").header(ORIGIN, origin);
        let req = req.header(ACCESS_CONTROL_REQUEST_METHOD, "POST").body(()).unwrap();
        let response = cors.preflight(&req).unwrap();
        let shown = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|v| v.to_str().unwrap().to_owned());
        (response.status().as_u16(), shown)
    }

    #[test]
    fn origins_are_let_in_as_configured() {
        let of = |origins: &[&str], credentials| Cors {
            origins: origins.iter().map(|o| (*o).to_owned()).collect(),
            credentials,
        };
        let page = "https://page.test";
        assert_eq!(asked(&of(&["*"], false), page), (200, Some("*".to_owned())));
        assert_eq!(
            asked(&of(&["*"], true), page),
            (200, Some(page.to_owned())),
            "cookies and a star do not go together"
        );
        assert_eq!(asked(&of(&[page], true), page), (200, Some(page.to_owned())));
        assert_eq!(asked(&of(&["https://other.test"], true), page), (400, None));
        assert_eq!(asked(&Cors::default(), page), (400, None));
        let plain = Request::options("/").header(ORIGIN, page).body(()).unwrap();
        assert!(of(&["*"], false).preflight(&plain).is_none(), "it asks for nothing");
    }
}
