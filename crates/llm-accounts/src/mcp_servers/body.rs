//! The body that makes or changes an MCP server.

use llm_store::McpServerRow;
use llm_types::{Json, RawJson, Result};

use crate::keys::bad;
use crate::request::{Given, Map, body, list};

body! {
    /// `POST` and `PUT /v1/mcp/server`.
    struct McpServerBody {
        server_id: String,
        server_name: String,
        alias: String,
        description: String,
        instructions: String,
        url: String,
        spec_path: String,
        transport: String,
        auth_type: String,
        credentials: Map,
        mcp_info: Map,
        mcp_access_groups: Vec<String>,
        allowed_tools: Vec<String>,
        tool_name_to_display_name: Map,
        tool_name_to_description: Map,
        extra_headers: Vec<String>,
        static_headers: Map,
        allow_all_keys: bool,
        available_on_public_internet: bool,
        source_url: String,
        token_url: String,
        authorization_url: String,
        registration_url: String,
        issuer: String,
        is_byok: bool,
        oauth2_flow: String,
        token_exchange_endpoint: String,
        token_exchange_profile: String,
        audience: String,
        subject_token_type: String,
        timeout: f64,
        max_concurrent_requests: i64,
    }
}

/// Fields that start programs: no call of the API may name them.
const PROGRAMS: &[&str] = &["command", "args", "env", "env_vars"];

/// Fields that nothing is done for.
const UNSERVED: &[&str] =
    &["delegate_auth_to_upstream", "oauth_passthrough", "dcr_bridge", "per_server_oauth_discovery"];

/// What is sealed: fields of `credentials`, which servers take as fields of their own.
pub(super) const CREDENTIALS: &[&str] = &[
    "auth_value",
    "client_id",
    "client_secret",
    "scopes",
    "aws_region_name",
    "aws_service_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_role_name",
    "aws_session_name",
];

/// Refuses what a body asks for and does not get.
///
/// # Errors
/// 400, naming the field.
pub(super) fn served(body: &Json) -> Result<()> {
    let says = |field: &str| match body.get(field) {
        None | Some(Json::Null | Json::Bool(false)) => false,
        Some(Json::String(text)) => !text.is_empty(),
        Some(Json::Array(items)) => !items.is_empty(),
        Some(Json::Object(fields)) => !fields.is_empty(),
        Some(_) => true,
    };
    if let Some(field) = PROGRAMS.iter().find(|field| says(field)) {
        let why = format!("{field}: programs are started for MCP servers of the configuration file only");
        return Err(bad(why).with_param(*field));
    }
    if body.text("transport") == Some("stdio") {
        let why = "stdio servers stand in the configuration file only";
        return Err(bad(why).with_param("transport"));
    }
    let document = body.text("spec_path").filter(|path| !path.is_empty());
    if document.is_some_and(|path| !path.starts_with("http://") && !path.starts_with("https://")) {
        let why = "spec_path: files are read for MCP servers of the configuration file only";
        return Err(bad(why).with_param("spec_path"));
    }
    let credentials = body.get("credentials").and_then(Json::as_object).unwrap_or_default();
    let unserved = credentials.iter().find(|(name, value)| !value.is_null() && !CREDENTIALS.contains(&name.as_str()));
    if let Some(field) = UNSERVED.iter().find(|field| says(field)) {
        return Err(bad(format!("{field} is not served")).with_param(*field));
    }
    match unserved {
        Some((name, _)) => Err(bad(format!("credentials.{name} is not served")).with_param("credentials")),
        None => Ok(()),
    }
}

impl McpServerBody {
    /// Lays what is given over a row. Credentials are not among it: they are sealed.
    pub(super) fn over(&self, row: &mut McpServerRow) {
        fn set<T: Clone>(given: &Given<T>, column: &mut Option<T>) {
            if let Some(given) = given {
                column.clone_from(given);
            }
        }
        fn put<T: Clone>(given: Option<T>, column: &mut T) {
            if let Some(given) = given {
                *column = given;
            }
        }
        fn map(given: &Given<Map>, column: &mut Option<RawJson>) {
            if let Some(given) = given {
                *column = given.as_ref().map(|map| map.0.to_raw());
            }
        }
        for (given, column) in [
            (&self.server_name, &mut row.server_name),
            (&self.alias, &mut row.alias),
            (&self.description, &mut row.description),
            (&self.instructions, &mut row.instructions),
            (&self.url, &mut row.url),
            (&self.spec_path, &mut row.spec_path),
            (&self.auth_type, &mut row.auth_type),
            (&self.source_url, &mut row.source_url),
            (&self.token_url, &mut row.token_url),
            (&self.authorization_url, &mut row.authorization_url),
            (&self.registration_url, &mut row.registration_url),
            (&self.issuer, &mut row.issuer),
            (&self.oauth2_flow, &mut row.oauth2_flow),
            (&self.token_exchange_endpoint, &mut row.token_exchange_endpoint),
            (&self.token_exchange_profile, &mut row.token_exchange_profile),
            (&self.audience, &mut row.audience),
            (&self.subject_token_type, &mut row.subject_token_type),
        ] {
            set(given, column);
        }
        put(self.transport.clone().flatten(), &mut row.transport);
        map(&self.mcp_info, &mut row.mcp_info);
        map(&self.tool_name_to_display_name, &mut row.tool_name_to_display_name);
        map(&self.tool_name_to_description, &mut row.tool_name_to_description);
        map(&self.static_headers, &mut row.static_headers);
        put(list(&self.mcp_access_groups), &mut row.mcp_access_groups);
        put(list(&self.allowed_tools), &mut row.allowed_tools);
        put(list(&self.extra_headers), &mut row.extra_headers);
        put(self.allow_all_keys.flatten(), &mut row.allow_all_keys);
        put(self.is_byok.flatten(), &mut row.is_byok);
        put(self.available_on_public_internet.flatten(), &mut row.available_on_public_internet);
        set(&self.timeout, &mut row.timeout);
        set(&self.max_concurrent_requests, &mut row.max_concurrent_requests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_starts_a_program() {
        for (text, field) in [
            (r#"{"command":"sh"}"#, Some("command")),
            (r#"{"args":["-c"]}"#, Some("args")),
            (r#"{"env":{"A":"b"}}"#, Some("env")),
            (r#"{"env_vars":[{"name":"A"}]}"#, Some("env_vars")),
            (r#"{"transport":"stdio"}"#, Some("transport")),
            (r#"{"spec_path":"/etc/passwd"}"#, Some("spec_path")),
            (r#"{"spec_path":"file:///etc/passwd"}"#, Some("spec_path")),
            (r#"{"spec_path":"https://h/openapi.json"}"#, None),
            (r#"{"credentials":{"client_private_key":"s"}}"#, Some("credentials")),
            (r#"{"command":"","args":[],"env":{},"is_byok":false,"credentials":{"auth_value":"s"}}"#, None),
        ] {
            let body: Json = serde_json::from_str(text).unwrap();
            assert_eq!(served(&body).err().and_then(|e| e.param).as_deref(), field, "{text}");
        }
    }
}
