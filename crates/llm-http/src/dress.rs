//! A request in the form that its connection wants.

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Uri, Version};

use crate::Body;
use crate::pool::Host;
use crate::proxy::Route;

/// HTTP/1.1 wants the path alone and a `Host` header; a proxy that is not tunnelled through wants the whole URI.
pub(crate) fn dress_http1(req: &mut Request<Body>, host: &Host, pooled: bool) {
    *req.version_mut() = Version::HTTP_11;
    let path = path(req.uri());
    let proxy = match &host.route {
        Route::Http(proxy) if pooled && !host.tls => Some(proxy),
        _ => None,
    };
    *req.uri_mut() = match proxy {
        Some(_) => whole(host, Scheme::HTTP, path),
        None => Uri::from(path),
    };
    let headers = req.headers_mut();
    headers.entry(HOST).or_insert_with(|| host.header.clone());
    if let Some(auth) = proxy.and_then(|proxy| proxy.auth.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, auth.clone());
    }
}

/// HTTP/2 wants the whole URI and no `Host` header.
pub(crate) fn dress_http2(req: &mut Request<Body>, host: &Host) {
    *req.version_mut() = Version::HTTP_2;
    let scheme = if host.tls { Scheme::HTTPS } else { Scheme::HTTP };
    *req.uri_mut() = whole(host, scheme, path(req.uri()));
    req.headers_mut().remove(HOST);
}

fn path(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

fn whole(host: &Host, scheme: Scheme, path: PathAndQuery) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(host.authority.clone());
    parts.path_and_query = Some(path);
    // All three parts are there, which is the only thing that is checked.
    Uri::from_parts(parts).unwrap_or_default()
}
