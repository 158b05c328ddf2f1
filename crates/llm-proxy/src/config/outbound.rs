//! Variables that steer outgoing connections.

use std::path::PathBuf;

use llm_http::{HttpConfig, ProxyConfig, Roots};

use super::env::Environment;
use super::node::{Node, Value};
use super::problem::Mark;

/// Outgoing connections as the environment says them.
#[must_use]
pub fn outgoing(env: &Environment) -> HttpConfig {
    let mut http = HttpConfig::default();
    read(env, &mut http);
    http
}

/// Reads what the environment says of TLS, and of proxies when the configuration laid such variables over it:
/// those of the process are read by the client itself.
pub(crate) fn read(env: &Environment, out: &mut HttpConfig) {
    if let Some(text) = env.filled("SSL_VERIFY") {
        super::litellm::verify(&Node::new(Value::Text(text), Mark::whole("environment")), out);
    }
    if let Some(path) = env.filled("SSL_CERTIFICATE") {
        out.tls.client_cert = Some(PathBuf::from(path));
    }
    let over = |name: &str| env.over().iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if over("SSL_CERT_FILE")
        && let Some(path) = env.filled("SSL_CERT_FILE")
    {
        out.tls.roots = Roots::File(PathBuf::from(path));
    }
    if ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].into_iter().any(over) {
        let value = |name: &str| env.filled(name).or_else(|| env.filled(&name.to_ascii_lowercase()));
        let all = value("ALL_PROXY").unwrap_or_default();
        out.proxy = ProxyConfig::Fixed {
            http: value("HTTP_PROXY").unwrap_or_else(|| all.clone()),
            https: value("HTTPS_PROXY").unwrap_or(all),
            no_proxy: value("NO_PROXY").unwrap_or_default(),
        };
    }
}
