//! How callers may prove who they are beside keys, with LiteLLM's names.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use llm_types::Secret;

use super::jwt::JwtAuth;
use crate::KeyDigest;

/// Every way in. The default is keys alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntrySettings {
    /// Signed tokens of identity providers (`enable_jwt_auth`, `litellm_jwtauth`).
    pub jwt: Option<Arc<JwtAuth>>,
    /// Opaque tokens that an authorization server explains (`enable_oauth2_auth`).
    pub oauth2: Option<Arc<Introspection>>,
    /// What a proxy in front of us says in headers (`enable_oauth2_proxy_auth`, `oauth2_config_mappings`).
    pub headers: Option<Arc<ProxyHeaders>>,
    /// Somebody outside who decides (`custom_auth_url`).
    pub hook: Option<Arc<Hook>>,
    /// Addresses.
    pub network: Network,
    /// Routes that need no key (`public_routes`).
    pub public_routes: Vec<String>,
}

impl EntrySettings {
    /// True when keys are the only way in.
    #[must_use]
    pub fn only_keys(&self) -> bool {
        self.jwt.is_none()
            && self.oauth2.is_none()
            && self.headers.is_none()
            && self.hook.is_none()
            && self.public_routes.is_empty()
    }
}

/// An authorization server that says what a token is.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// Where (`OAUTH_TOKEN_INFO_ENDPOINT`).
    pub url: String,
    /// Our own name and secret there (`OAUTH_CLIENT_ID`, `OAUTH_CLIENT_SECRET`). With them tokens are introspected as in RFC
    /// 7662; without, the endpoint is asked with the token itself, as a user-info endpoint is.
    pub client: Option<(String, Secret)>,
    /// Field of the answer with the user's id (`OAUTH_USER_ID_FIELD_NAME`).
    pub user_id_field: String,
    /// Field with the user's role (`OAUTH_USER_ROLE_FIELD_NAME`).
    pub role_field: String,
    /// Field with the team's id (`OAUTH_USER_TEAM_ID_FIELD_NAME`).
    pub team_id_field: String,
}

impl Eq for Introspection {}

impl PartialEq for Introspection {
    fn eq(&self, other: &Self) -> bool {
        let fields = |one: &Self| {
            let client = one.client.as_ref().map(|(id, secret)| (id.clone(), KeyDigest::of(secret.expose())));
            (one.url.clone(), client, [&one.user_id_field, &one.role_field, &one.team_id_field].map(String::clone))
        };
        fields(self) == fields(other)
    }
}

/// What a proxy in front of us says: field of the identity → header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyHeaders(pub Vec<(String, String)>);

/// Fields of an identity that a header can say.
pub const HEADER_FIELDS: [&str; 8] =
    ["user_id", "user_email", "user_role", "team_id", "org_id", "end_user_id", "agent_id", "models"];

/// Somebody outside who decides on every request.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Where requests are described (`custom_auth_url`).
    pub url: String,
    /// What proves to the hook that it is us (`custom_auth_secret`, sent as a bearer token).
    pub secret: Option<Secret>,
    /// Requests that the hook does not judge go on with keys (`custom_auth_mode: auto`); else they are refused (`replace`).
    pub falls_back: bool,
    /// How long a verdict on a credential is remembered (`custom_auth_cache_seconds`).
    pub cache: Duration,
    /// How long it may take (`custom_auth_timeout`).
    pub timeout: Duration,
}

impl Eq for Hook {}

impl PartialEq for Hook {
    fn eq(&self, other: &Self) -> bool {
        let fields = |one: &Self| {
            let secret = one.secret.as_ref().map(|secret| KeyDigest::of(secret.expose()));
            (one.url.clone(), secret, one.falls_back, one.cache, one.timeout)
        };
        fields(self) == fields(other)
    }
}

/// Addresses of callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The only ones that may call (`allowed_ips`).
    pub allowed: Option<Vec<IpNet>>,
    /// Proxies that may say who is behind them (`trusted_proxy_ranges`).
    pub trusted: Vec<IpNet>,
    /// `X-Forwarded-For` of trusted proxies counts (`use_x_forwarded_for`).
    pub forwarded: bool,
}

impl Network {
    /// True for addresses of trusted proxies.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// The address of the caller: the last one in `X-Forwarded-For` that is not a trusted proxy's, as far as trusted proxies
    /// wrote it; else who is connected.
    #[must_use]
    pub fn caller(&self, connected: IpAddr, headers: &http::HeaderMap) -> IpAddr {
        let connected = connected.to_canonical();
        if !self.forwarded || !self.trusts(connected) {
            return connected;
        }
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let mut nearest = connected;
        for text in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            // What cannot be read was not written by a proxy that is to be trusted.
            let Some(address) = address(text.trim()) else { return nearest };
            nearest = address;
            if !self.trusts(address) {
                return address;
            }
        }
        nearest
    }

    /// True when a request comes from an address that may call (`allowed_ips`).
    pub(crate) fn admits(&self, asking: &super::Asking<'_>) -> bool {
        let caller = || asking.connected.map(|connected| self.caller(connected, asking.headers));
        self.allowed.is_none() || caller().is_some_and(|address| self.allows(address))
    }

    /// True when an address may call.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|net| net.contains(&address)))
    }
}

/// An address as proxies write it: alone, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inside, _)| inside);
    let parsed = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    parsed.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(allowed: &[&str], trusted: &[&str], forwarded: bool) -> Network {
        let nets = |of: &[&str]| of.iter().map(|net| net.parse().unwrap()).collect::<Vec<IpNet>>();
        Network { allowed: (!allowed.is_empty()).then(|| nets(allowed)), trusted: nets(trusted), forwarded }
    }

    #[test]
    fn only_trusted_proxies_say_who_is_behind_them() {
        let trusting = network(&[], &["10.0.0.0/8"], true);
        for (connected, forwarded, wanted) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"), // a stranger says something
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"), // the first one was written by the client
            ("10.0.0.1", &["198.51.100.1, 10.2.2.2"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::7]:80"], "2001:db8::7"),
            ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ] {
            let mut headers = http::HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let caller = trusting.caller(connected.parse().unwrap(), &headers);
            assert_eq!(caller.to_string(), wanted, "{connected} {forwarded:?}");
            let deaf = network(&[], &["10.0.0.0/8"], false);
            let connected: IpAddr = connected.parse().unwrap();
            assert_eq!(deaf.caller(connected, &headers), connected.to_canonical());
        }
    }

    #[test]
    fn addresses_that_may_call() {
        let some = network(&["192.0.2.1/32", "2001:db8::/32"], &[], false);
        for (address, wanted) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8::9", true),
            ("::1", false),
        ] {
            assert_eq!(some.allows(address.parse().unwrap()), wanted, "{address}");
        }
        assert!(network(&[], &[], false).allows("192.0.2.2".parse().unwrap()));
    }
}
