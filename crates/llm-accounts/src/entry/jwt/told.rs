//! The section as it is written, and what it may not say.

use llm_types::Json;
use serde::Deserialize;

use super::settings::{RoleMapping, RoutingOverride, ScopeMapping, Unregistered, UserRoleMapping, WrongJwt};
use crate::Role;

/// The section as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Told {
    pub(super) admin_jwt_scope: String,
    pub(super) admin_allowed_routes: Vec<String>,
    pub(super) team_id_jwt_field: Option<String>,
    pub(super) team_ids_jwt_field: Option<String>,
    pub(super) team_alias_jwt_field: Option<String>,
    pub(super) team_id_default: Option<String>,
    pub(super) team_id_upsert: bool,
    pub(super) team_claim_fallback: bool,
    pub(super) fallback_to_db_teams: bool,
    pub(super) upsert_sso_user_to_team: bool,
    pub(super) team_allowed_routes: Vec<String>,
    pub(super) enforce_team_based_model_access: bool,
    pub(super) user_id_jwt_field: Option<String>,
    pub(super) user_email_jwt_field: Option<String>,
    pub(super) user_id_upsert: bool,
    pub(super) user_allowed_email_domain: Option<String>,
    pub(super) user_roles_jwt_field: Option<String>,
    pub(super) user_allowed_roles: Option<Vec<String>>,
    pub(super) org_id_jwt_field: Option<String>,
    pub(super) org_alias_jwt_field: Option<String>,
    pub(super) end_user_id_jwt_field: Option<String>,
    pub(super) agent_id_jwt_field: Option<String>,
    pub(super) mcp_client_id_jwt_field: Option<Json>,
    pub(super) roles_jwt_field: Option<String>,
    pub(super) object_id_jwt_field: Option<String>,
    pub(super) role_mappings: Vec<RoleMapping>,
    pub(super) scope_mappings: Vec<ScopeMapping>,
    pub(super) enforce_scope_based_access: bool,
    pub(super) jwt_litellm_role_map: Vec<UserRoleMapping>,
    pub(super) sync_user_role_and_teams: bool,
    pub(super) public_key_ttl: f64,
    pub(super) public_key_stale_ttl: f64,
    pub(super) public_allowed_routes: Option<Json>,
    pub(super) enforce_rbac: bool,
    pub(super) custom_validate: Option<Json>,
    pub(super) oidc_userinfo_enabled: bool,
    pub(super) oidc_userinfo_endpoint: Option<String>,
    pub(super) oidc_userinfo_cache_ttl: f64,
    #[serde(alias = "jwt_client_id_field")]
    pub(super) virtual_key_claim_field: Option<String>,
    pub(super) virtual_key_mapping_cache_ttl: f64,
    pub(super) unregistered_jwt_client_behavior: Unregistered,
    pub(super) routing_overrides: Vec<RoutingOverride>,
    pub(super) issuers: Vec<Json>,
}

pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Default for Told {
    fn default() -> Self {
        let admin = ["management_routes", "spend_tracking_routes", "global_spend_tracking_routes", "info_routes"];
        let team = ["openai_routes", "info_routes", "mcp_routes", "/v1/messages", "/v1/messages/count_tokens"];
        Self {
            admin_jwt_scope: "litellm_proxy_admin".to_owned(),
            admin_allowed_routes: owned(&admin),
            team_id_jwt_field: None,
            team_ids_jwt_field: None,
            team_alias_jwt_field: None,
            team_id_default: None,
            team_id_upsert: false,
            team_claim_fallback: false,
            fallback_to_db_teams: false,
            upsert_sso_user_to_team: false,
            team_allowed_routes: owned(&team),
            enforce_team_based_model_access: false,
            user_id_jwt_field: None,
            user_email_jwt_field: None,
            user_id_upsert: false,
            user_allowed_email_domain: None,
            user_roles_jwt_field: None,
            user_allowed_roles: None,
            org_id_jwt_field: None,
            org_alias_jwt_field: None,
            end_user_id_jwt_field: None,
            agent_id_jwt_field: None,
            mcp_client_id_jwt_field: None,
            roles_jwt_field: None,
            object_id_jwt_field: None,
            role_mappings: Vec::new(),
            scope_mappings: Vec::new(),
            enforce_scope_based_access: false,
            jwt_litellm_role_map: Vec::new(),
            sync_user_role_and_teams: false,
            public_key_ttl: 600.0,
            public_key_stale_ttl: 3600.0,
            public_allowed_routes: None,
            enforce_rbac: false,
            custom_validate: None,
            oidc_userinfo_enabled: false,
            oidc_userinfo_endpoint: None,
            oidc_userinfo_cache_ttl: 300.0,
            virtual_key_claim_field: None,
            virtual_key_mapping_cache_ttl: 300.0,
            unregistered_jwt_client_behavior: Unregistered::default(),
            routing_overrides: Vec::new(),
            issuers: Vec::new(),
        }
    }
}

/// serde's message without its place, which is one in a text that nobody wrote.
pub(super) fn plain(error: &serde_json::Error) -> String {
    error.to_string().split(" at line ").next().unwrap_or_default().to_owned()
}

/// Reads the section; the first key that is wrong alone is the place of what is wrong.
pub(super) fn shaped(raw: &Json) -> Result<Told, WrongJwt> {
    let read = |json: &Json| json.to_raw().read::<Told>().map_err(|error| plain(&error));
    read(raw).map_err(|why| {
        let alone = |(name, value): &&(String, Json)| read(&Json::object([(name.as_str(), value.clone())])).is_err();
        let broken = raw.as_object().unwrap_or_default().iter().find(alone);
        let at: Vec<&str> = broken.map(|(name, _)| name.as_str()).into_iter().collect();
        WrongJwt::new(&at, why)
    })
}

/// What the items of lists may say.
pub(super) fn items(told: &Told) -> Result<(), WrongJwt> {
    let wrong = |list: &str, at: usize, key: &str, why: String| Err(WrongJwt::new(&[list, &at.to_string(), key], why));
    for (at, mapping) in told.role_mappings.iter().enumerate() {
        if !["proxy_admin", "team", "internal_user"].contains(&mapping.internal_role.as_str()) {
            let why = "internal_role is proxy_admin, team or internal_user".to_owned();
            return wrong("role_mappings", at, "internal_role", why);
        }
    }
    for (at, mapping) in told.jwt_litellm_role_map.iter().enumerate() {
        if Role::parse(&mapping.litellm_role).is_none() {
            let why = format!("`{}` is no role", mapping.litellm_role);
            return wrong("jwt_litellm_role_map", at, "litellm_role", why);
        }
    }
    for (at, rule) in told.routing_overrides.iter().enumerate() {
        if rule.path != "oauth2" {
            return wrong("routing_overrides", at, "path", format!("`{}` is no path; there is oauth2", rule.path));
        }
    }
    Ok(())
}

/// Settings that would let through what they were meant to stop.
pub(super) fn refuse(told: &Told) -> Result<(), WrongJwt> {
    let wrong = |at: &str, why: &str| Err(WrongJwt::new(&[at], why));
    if told.custom_validate.as_ref().is_some_and(|value| !value.is_null()) {
        return wrong("custom_validate", "names Python code; use custom_auth_url, or claims and scopes");
    }
    if told.oidc_userinfo_enabled || told.oidc_userinfo_endpoint.is_some() {
        let at = if told.oidc_userinfo_enabled { "oidc_userinfo_enabled" } else { "oidc_userinfo_endpoint" };
        return wrong(at, "opaque tokens are explained by enable_oauth2_auth here");
    }
    if told.mcp_client_id_jwt_field.as_ref().is_some_and(|value| !value.is_null()) {
        return wrong("mcp_client_id_jwt_field", "is not served yet");
    }
    if told.public_allowed_routes.as_ref().is_some_and(|value| !value.is_null()) {
        return wrong("public_allowed_routes", "is not served; use public_routes of general_settings");
    }
    if told.oidc_userinfo_cache_ttl < 0.0 {
        return wrong("oidc_userinfo_cache_ttl", "expected a number of seconds");
    }
    if told.user_allowed_roles.is_some() != told.user_roles_jwt_field.is_some() {
        let at = if told.user_allowed_roles.is_some() { "user_allowed_roles" } else { "user_roles_jwt_field" };
        return wrong(at, "user_roles_jwt_field and user_allowed_roles go together");
    }
    if told.admin_jwt_scope.trim().is_empty() {
        return wrong("admin_jwt_scope", "is empty");
    }
    Ok(())
}
