//! A server as LiteLLM's configuration and database spell it, and what is wrong with it.

mod minted;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_types::{Json, Secret};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::credential::{Scheme, Way};
use crate::grant::Granted;
use crate::server::{Api, Command, Costs, Server, Source, Wire, separator};

/// How long a request may take unless the server says otherwise; LiteLLM's `MCP_CLIENT_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The names of the fields that are read here, for readers of configurations.
pub const FIELDS: &str = "server_id server_name alias description instructions url transport command args env auth_type \
    auth_value authentication_token static_headers extra_headers access_groups mcp_access_groups allowed_tools \
    disallowed_tools allowed_params tool_name_to_display_name tool_name_to_description allow_all_keys mcp_info timeout \
    max_concurrent_requests available_on_public_internet spec_version approval_status client_id client_secret token_url \
    scopes oauth2_flow token_endpoint_auth_method token_exchange_endpoint token_exchange_profile audience \
    subject_token_type aws_region_name aws_service_name aws_access_key_id aws_secret_access_key aws_session_token \
    aws_role_name aws_session_name spec_path authorization_url registration_url issuer is_byok";

/// Fields of LiteLLM's for which nothing is done here.
pub const UNSERVED: &str = "env_vars upstream_resource upstream_token_header client_private_key client_private_key_id id_jag_resource id_jag_resource_token_endpoint";

/// A server as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "LiteLLM's names")]
pub struct ServerSpec {
    pub server_id: Option<String>,
    pub server_name: Option<String>,
    pub alias: Option<String>,
    pub description: Option<String>,
    pub instructions: Option<String>,
    pub url: Option<String>,
    pub spec_path: Option<String>,
    pub transport: Option<String>,
    pub command: Option<String>,
    pub args: Option<Vec<String>>,
    pub env: Option<Json>,
    pub auth_type: Option<String>,
    pub auth_value: Option<Hidden>,
    pub authentication_token: Option<Hidden>,
    pub static_headers: Option<Json>,
    pub extra_headers: Option<Vec<String>>,
    pub access_groups: Option<Vec<String>>,
    pub mcp_access_groups: Option<Vec<String>>,
    pub allowed_tools: Option<Vec<String>>,
    pub disallowed_tools: Option<Vec<String>>,
    pub allowed_params: Option<Json>,
    pub tool_name_to_display_name: Option<Json>,
    pub tool_name_to_description: Option<Json>,
    pub allow_all_keys: Option<bool>,
    pub mcp_info: Option<Json>,
    pub timeout: Option<f64>,
    pub max_concurrent_requests: Option<i64>,
    pub client_id: Option<String>,
    pub client_secret: Option<Hidden>,
    pub token_url: Option<String>,
    pub authorization_url: Option<String>,
    pub registration_url: Option<String>,
    pub issuer: Option<String>,
    pub is_byok: Option<bool>,
    pub scopes: Option<Vec<String>>,
    pub oauth2_flow: Option<String>,
    pub token_endpoint_auth_method: Option<String>,
    pub token_exchange_endpoint: Option<String>,
    pub token_exchange_profile: Option<String>,
    pub audience: Option<String>,
    pub subject_token_type: Option<String>,
    pub aws_region_name: Option<String>,
    pub aws_service_name: Option<String>,
    pub aws_access_key_id: Option<Hidden>,
    pub aws_secret_access_key: Option<Hidden>,
    pub aws_session_token: Option<Hidden>,
    pub aws_role_name: Option<String>,
    pub aws_session_name: Option<String>,
}

/// A secret that can be read from JSON.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub struct Hidden(Secret);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// A field that is wrong, and why.
pub type Wrong = (&'static str, String);

impl ServerSpec {
    /// The server, under the name that it is listed by. `stored`: it comes from the database, where no commands may stand.
    ///
    /// # Errors
    /// The field that is wrong, and why. No value is told: it may be a secret.
    pub fn server(self, name: &str, stored: bool) -> Result<Server, Wrong> {
        for (field, text) in [("server_name", Some(name)), ("alias", self.alias.as_deref())] {
            if text.is_some_and(|t| t.contains(separator())) {
                return Err((field, format!("names of MCP servers must not contain {:?}", separator())));
            }
        }
        if name.is_empty() {
            return Err(("server_name", "an MCP server needs a name".to_owned()));
        }
        let wire = self.wire(stored)?;
        let scheme = self.scheme()?;
        let authority = self.authority()?;
        let static_headers = headers(self.static_headers.as_ref())?;
        let extra = self.extra_headers.clone().unwrap_or_default();
        let extra: Result<Vec<HeaderName>, _> = extra.iter().map(|n| HeaderName::try_from(n.as_str())).collect();
        let groups = self.access_groups.clone().or(self.mcp_access_groups.clone()).unwrap_or_default();
        let id = self.server_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| self.made_id(name, &wire));
        let info = self.mcp_info.clone().filter(|i| i.as_object().is_some()).unwrap_or(Json::Object(Vec::new()));
        let seconds = self.timeout.map(|s| Duration::try_from_secs_f64(s).ok().filter(|t| !t.is_zero()));
        let Some(timeout) = seconds.unwrap_or(Some(TIMEOUT)) else {
            return Err(("timeout", "expected a number of seconds above 0".to_owned()));
        };
        Ok(Server {
            id,
            name: name.to_owned(),
            alias: self.alias,
            description: self.description,
            instructions: self.instructions,
            wire,
            scheme,
            authority,
            static_headers,
            extra_headers: extra.map_err(|_| ("extra_headers", "a name that no header can have".to_owned()))?,
            groups,
            allowed_tools: self.allowed_tools.unwrap_or_default(),
            disallowed_tools: self.disallowed_tools.unwrap_or_default(),
            allowed_params: self.allowed_params.as_ref().map(Granted::tools_of).unwrap_or_default(),
            titles: texts(self.tool_name_to_display_name.as_ref()),
            descriptions: texts(self.tool_name_to_description.as_ref()),
            for_all_keys: self.allow_all_keys.unwrap_or_default(),
            costs: costs(&info),
            info,
            timeout,
            gate: self
                .max_concurrent_requests
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n > 0)
                .map(|n| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS)))),
            stored,
        })
    }

    fn wire(&self, stored: bool) -> Result<Wire, Wrong> {
        let command = self.command.as_deref().filter(|c| !c.is_empty());
        let default = if command.is_some() { "stdio" } else { "sse" };
        let transport = self.transport.as_deref().unwrap_or(default);
        if transport == "stdio" {
            if stored {
                return Err((
                    "transport",
                    "programs are started for servers of the configuration file only".to_owned(),
                ));
            }
            let program = command.ok_or_else(|| ("command", "a stdio server needs a command".to_owned()))?;
            let env = texts(self.env.as_ref());
            let args = self.args.clone().unwrap_or_default();
            return Ok(Wire::Stdio(Command { program: program.to_owned(), args, env }));
        }
        let url = self.url.clone().filter(|u| !u.is_empty());
        if let Some(path) = self.spec_path.as_deref().filter(|path| !path.is_empty()) {
            return api(path, url, stored);
        }
        let url = url.ok_or_else(|| ("url", format!("a server with the transport {transport} needs a URL")))?;
        if !is_url(&url) {
            return Err(("url", "expected a URL with http or https".to_owned()));
        }
        match transport {
            "http" => Ok(Wire::Http(url)),
            "sse" => Ok(Wire::Sse(url)),
            _ => Err(("transport", "expected http, sse or stdio".to_owned())),
        }
    }

    fn scheme(&self) -> Result<Scheme, Wrong> {
        let own = self.auth_value.clone().or(self.authentication_token.clone()).map(|s| s.0).filter(|s| !s.is_empty());
        let byok = self.is_byok.unwrap_or_default();
        match self.auth_type.as_deref().unwrap_or("none") {
            "none" if byok => Ok(Self::held_key(Way::Bearer)),
            "none" => Ok(Scheme::None),
            "oauth2" if self.oauth2_flow.as_deref() == Some("client_credentials") => self.client_credentials(),
            "oauth2" => self.held_token(),
            "true_passthrough" | "oauth_delegate" => Ok(Scheme::Passed),
            "oauth2_token_exchange" => self.exchange(),
            "aws_sigv4" => self.signature(),
            named => {
                let unknown = || ("auth_type", format!("{named:?} is not served"));
                // LiteLLM shows keys to APIs in another header than to servers of MCP.
                let way = match Way::named(named).ok_or_else(unknown)? {
                    Way::ApiKey if self.spec_path.is_some() => Way::ApiKeyWord,
                    way => way,
                };
                if byok {
                    return Ok(Self::held_key(way));
                }
                match own.as_ref().map(|own| way.header(own.expose())) {
                    Some(None) => Err(("auth_value", "this cannot stand in a header".to_owned())),
                    _ => Ok(Scheme::Shown(way, own)),
                }
            }
        }
    }

    /// The id of a server that has none: the same for the same server, whenever the configuration is read.
    fn made_id(&self, name: &str, wire: &Wire) -> String {
        let mut hash = Sha256::new();
        let place = wire.document().map_or(wire.url(), |document| Some(document.path()));
        for part in [name, place.unwrap_or_default(), wire.name(), self.auth_type.as_deref().unwrap_or_default()] {
            hash.update(part);
            hash.update("|");
        }
        let mut id = hex::encode(hash.finalize());
        id.truncate(32);
        id
    }
}

/// An address of the web.
pub(crate) fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// An API, by its OpenAPI document.
fn api(path: &str, base: Option<String>, stored: bool) -> Result<Wire, Wrong> {
    let document = match (is_url(path), stored) {
        (true, true) => Source::Guarded(path.to_owned()),
        (true, false) => Source::Named(path.to_owned()),
        (false, false) if !path.contains("://") => Source::File(path.to_owned()),
        (false, false) => return Err(("spec_path", "expected a file, or a URL with http or https".to_owned())),
        (false, true) => {
            return Err(("spec_path", "files are read for servers of the configuration file only".to_owned()));
        }
    };
    match base.as_deref() {
        Some(base) if !is_url(base) => Err(("url", "expected a URL with http or https".to_owned())),
        _ => Ok(Wire::OpenApi(Api { document, base })),
    }
}

/// The texts of a map.
fn texts(json: Option<&Json>) -> Vec<(String, String)> {
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    json.and_then(Json::as_object).unwrap_or_default().iter().map(|(k, v)| (k.clone(), text(v))).collect()
}

fn headers(json: Option<&Json>) -> Result<HeaderMap, Wrong> {
    let mut out = HeaderMap::new();
    for (name, value) in texts(json) {
        let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
            return Err(("static_headers", "an entry that cannot be a header".to_owned()));
        };
        value.set_sensitive(true);
        out.insert(name, value);
    }
    Ok(out)
}

/// Prices of `mcp_server_cost_info`; negative ones are none.
fn costs(info: &Json) -> Costs {
    let Some(told) = info.get("mcp_server_cost_info") else { return Costs::default() };
    let price = |json: &Json| json.as_f64().filter(|c| c.is_finite() && *c >= 0.0);
    let tools = told.get("tool_name_to_cost_per_query").and_then(Json::as_object).unwrap_or_default();
    Costs {
        default: told.get("default_cost_per_query").and_then(price).unwrap_or_default(),
        tools: tools.iter().filter_map(|(tool, cost)| Some((tool.clone(), price(cost)?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use llm_types::RawJson;

    use super::*;

    fn spec(text: &str) -> ServerSpec {
        RawJson::parse(text).unwrap().read().unwrap()
    }

    #[test]
    fn what_is_wrong_names_its_field_and_no_value() {
        for (text, name, stored, field) in [
            (r#"{"url":"http://h/mcp"}"#, "a-b", false, "server_name"),
            (r#"{"url":"http://h/mcp","alias":"x-y"}"#, "a", false, "alias"),
            (r#"{"url":"ftp://h/mcp"}"#, "a", false, "url"),
            (r#"{}"#, "a", false, "url"),
            (r#"{"url":"http://h","transport":"carrier"}"#, "a", false, "transport"),
            (r#"{"transport":"stdio"}"#, "a", false, "command"),
            (r#"{"transport":"stdio","command":"sh"}"#, "a", true, "transport"),
            (r#"{"command":"sh"}"#, "a", true, "transport"),
            (r#"{"url":"http://h","auth_type":"oauth2_id_jag"}"#, "a", false, "auth_type"),
            (r#"{"url":"http://h","auth_type":"oauth2","oauth2_flow":"client_credentials"}"#, "a", false, "token_url"),
            (r#"{"url":"http://h","auth_type":"token","auth_value":"s3\ncret"}"#, "a", false, "auth_value"),
            (r#"{"url":"http://h","static_headers":{"a b":"s3cret"}}"#, "a", false, "static_headers"),
            (r#"{"url":"http://h","timeout":-1}"#, "a", false, "timeout"),
            (
                r#"{"url":"http://h","auth_type":"oauth2","authorization_url":"file:///x"}"#,
                "a",
                false,
                "authorization_url",
            ),
            (r#"{"spec_path":"/etc/api.json"}"#, "a", true, "spec_path"),
            (r#"{"spec_path":"ftp://h/api.json"}"#, "a", false, "spec_path"),
            (r#"{"spec_path":"http://h/api.json","url":"file:///x"}"#, "a", true, "url"),
            (r#"{"spec_path":"http://h/api.json","command":"sh","transport":"stdio"}"#, "a", true, "transport"),
        ] {
            let (wrong, why) = spec(text).server(name, stored).unwrap_err();
            assert_eq!(wrong, field, "{text}");
            assert!(!why.contains("cret"), "{why}");
        }
    }

    #[test]
    fn prices_tools_and_names() {
        let text = r#"{"url":"http://h/mcp","alias":"my tools","allowed_tools":["a","my_tools-b"],"disallowed_tools":["a"],
            "mcp_info":{"mcp_server_cost_info":{"default_cost_per_query":0.5,"tool_name_to_cost_per_query":{"b":0.25}}},
            "allowed_params":{"b":["x"]}}"#;
        let server = spec(text).server("one", false).unwrap();
        assert_eq!((server.prefix().as_str(), server.wire.name()), ("my_tools", "sse"));
        assert!(!server.shows("a") && server.shows("b") && !server.shows("c"));
        assert_eq!((server.cost("a"), server.cost("b")), (0.5, 0.25));
        assert_eq!(server.forbidden("b", ["x", "y"]), Some("y"));
        assert_eq!(server.forbidden("a", ["y"]), None);
        let again = spec(text).server("one", false).unwrap();
        assert_eq!((server.id.len(), &server.id), (32, &again.id));
        assert!(server.is_called("one") && server.is_called("my tools") && server.is_called("my_tools"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = r#"{"url":"http://h/mcp?key=s3cret","auth_type":"token","auth_value":"s3cret","static_headers":{"x":"s3cret"}}"#;
        let spec = spec(text);
        let server = spec.clone().server("one", false).unwrap();
        assert!(!format!("{server:?}").contains("s3cret"));
    }
}
