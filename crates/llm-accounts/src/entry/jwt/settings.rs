//! `litellm_jwtauth`, with LiteLLM's names and defaults.

use std::fmt;
use std::time::Duration;

use llm_idp::{IdpSettings, Trust};
use llm_types::Json;
use serde::Deserialize;

use crate::Role;

/// Names of claims, as paths with dots; each issuer may have its own.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(crate) struct Fields {
    pub(crate) user_id_jwt_field: Option<String>,
    pub(crate) user_email_jwt_field: Option<String>,
    pub(crate) user_roles_jwt_field: Option<String>,
    pub(crate) team_id_jwt_field: Option<String>,
    pub(crate) team_ids_jwt_field: Option<String>,
    pub(crate) team_alias_jwt_field: Option<String>,
    pub(crate) org_id_jwt_field: Option<String>,
    pub(crate) org_alias_jwt_field: Option<String>,
    pub(crate) end_user_id_jwt_field: Option<String>,
    pub(crate) agent_id_jwt_field: Option<String>,
    pub(crate) roles_jwt_field: Option<String>,
    pub(crate) object_id_jwt_field: Option<String>,
    #[serde(alias = "jwt_client_id_field")]
    pub(crate) virtual_key_claim_field: Option<String>,
    pub(crate) unregistered_jwt_client_behavior: Unregistered,
}

/// What becomes of a token whose claim no virtual key is registered for (`unregistered_jwt_client_behavior`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unregistered {
    /// It is judged by its other claims.
    #[default]
    FallbackTeamMapping,
    /// 403.
    Reject,
    /// It gets a key.
    AutoRegister,
}

/// An issuer, and how its tokens are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustedIssuer {
    pub(crate) trust: Trust,
    pub(crate) fields: Fields,
}

/// `role_mappings`: a role of the provider is one of ours.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleMapping {
    pub(crate) role: String,
    pub(crate) internal_role: String,
}

/// `jwt_litellm_role_map`: a role of the provider, patterns allowed, is one of our users' roles.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRoleMapping {
    pub(crate) jwt_role: String,
    pub(crate) litellm_role: String,
}

/// `scope_mappings`: what a scope allows.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeMapping {
    pub(crate) scope: String,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) routes: Option<Vec<String>>,
}

/// `role_permissions` of `general_settings`: what a role may, with `enforce_rbac`.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RolePermission {
    /// `proxy_admin`, `team` or `internal_user`.
    pub role: String,
    /// Models; none: all.
    pub models: Option<Vec<String>>,
    /// Routes and groups of routes; none: all.
    pub routes: Option<Vec<String>>,
}

/// `routing_overrides`: tokens that the authorization server is to explain although they are signed. What is there must match.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoutingOverride {
    pub(crate) iss: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) aud: Option<String>,
    pub(crate) path: String,
}

/// The section as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Told {
    admin_jwt_scope: String,
    admin_allowed_routes: Vec<String>,
    team_id_jwt_field: Option<String>,
    team_ids_jwt_field: Option<String>,
    team_alias_jwt_field: Option<String>,
    team_id_default: Option<String>,
    team_id_upsert: bool,
    team_claim_fallback: bool,
    fallback_to_db_teams: bool,
    upsert_sso_user_to_team: bool,
    team_allowed_routes: Vec<String>,
    enforce_team_based_model_access: bool,
    user_id_jwt_field: Option<String>,
    user_email_jwt_field: Option<String>,
    user_id_upsert: bool,
    user_allowed_email_domain: Option<String>,
    user_roles_jwt_field: Option<String>,
    user_allowed_roles: Option<Vec<String>>,
    org_id_jwt_field: Option<String>,
    org_alias_jwt_field: Option<String>,
    end_user_id_jwt_field: Option<String>,
    agent_id_jwt_field: Option<String>,
    mcp_client_id_jwt_field: Option<Json>,
    roles_jwt_field: Option<String>,
    object_id_jwt_field: Option<String>,
    role_mappings: Vec<RoleMapping>,
    scope_mappings: Vec<ScopeMapping>,
    enforce_scope_based_access: bool,
    jwt_litellm_role_map: Vec<UserRoleMapping>,
    sync_user_role_and_teams: bool,
    public_key_ttl: f64,
    public_key_stale_ttl: f64,
    public_allowed_routes: Option<Json>,
    enforce_rbac: bool,
    custom_validate: Option<Json>,
    oidc_userinfo_enabled: bool,
    oidc_userinfo_endpoint: Option<String>,
    oidc_userinfo_cache_ttl: f64,
    #[serde(alias = "jwt_client_id_field")]
    virtual_key_claim_field: Option<String>,
    virtual_key_mapping_cache_ttl: f64,
    unregistered_jwt_client_behavior: Unregistered,
    routing_overrides: Vec<RoutingOverride>,
    issuers: Vec<Json>,
}

fn owned(texts: &[&str]) -> Vec<String> {
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

/// What is wrong with the section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongJwt {
    /// Where: keys and places in lists, from the section inwards; nothing for the section as a whole.
    pub at: Vec<String>,
    /// Why, for people.
    pub why: String,
}

impl fmt::Display for WrongJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.join(".");
        if at.is_empty() { f.write_str(&self.why) } else { write!(f, "{at}: {}", self.why) }
    }
}

impl WrongJwt {
    pub(super) fn new(at: &[&str], why: impl Into<String>) -> Self {
        Self { at: owned(at), why: why.into() }
    }
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct JwtEnvironment {
    /// `JWT_PUBLIC_KEY_URL`: addresses of key sets, separated by commas.
    pub key_urls: Option<String>,
    /// `JWT_AUDIENCE`.
    pub audience: Option<String>,
    /// `JWT_ISSUER`.
    pub issuer: Option<String>,
}

/// How signed tokens are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtAuth {
    pub(crate) issuers: Vec<TrustedIssuer>,
    pub(crate) admin_scope: String,
    pub(crate) admin_routes: Vec<String>,
    pub(crate) team_routes: Vec<String>,
    pub(crate) team_default: Option<String>,
    pub(crate) team_upsert: bool,
    pub(crate) team_claim_fallback: bool,
    pub(crate) teams_of_database: bool,
    pub(crate) joins_teams: bool,
    pub(crate) needs_team: bool,
    pub(crate) user_upsert: bool,
    pub(crate) email_domain: Option<String>,
    pub(crate) allowed_roles: Option<Vec<String>>,
    pub(crate) role_mappings: Vec<RoleMapping>,
    pub(crate) scope_mappings: Option<Vec<ScopeMapping>>,
    pub(crate) user_roles: Vec<UserRoleMapping>,
    pub(crate) syncs: bool,
    pub(crate) rbac: bool,
    pub(crate) permissions: Vec<RolePermission>,
    pub(crate) mapping_ttl: Duration,
    pub(crate) overrides: Vec<RoutingOverride>,
    /// How long keys of issuers are remembered.
    pub keys: IdpSettings,
    /// What an operator should know, for people.
    pub warnings: Vec<String>,
}

impl JwtAuth {
    /// The names of those whose tokens are taken.
    pub(crate) fn issuer_names(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().filter_map(|issuer| issuer.trust.issuer.as_deref())
    }

    /// Reads the section; `permissions` is `role_permissions` of `general_settings`, `rbac` its `enforce_rbac`.
    ///
    /// # Errors
    /// What is wrong, for people: an unknown key, a setting that is not served, nobody whose tokens could be believed.
    pub fn read(
        section: &Json,
        env: &JwtEnvironment,
        permissions: Vec<RolePermission>,
        rbac: bool,
    ) -> Result<Self, WrongJwt> {
        let raw = if section.is_null() { Json::Object(Vec::new()) } else { section.clone() };
        let told: Told = shaped(&raw)?;
        refuse(&told)?;
        let mut warnings = Vec::new();
        let issuers = super::issuers::read(&raw, &told.issuers, env, &mut warnings)?;
        items(&told)?;
        let rbac = rbac || told.enforce_rbac;
        if !permissions.is_empty() && !rbac {
            warnings.push("role_permissions hold with enforce_rbac only, which is off".to_owned());
        }
        let seconds = |name: &str, value: f64| {
            Duration::try_from_secs_f64(value).map_err(|_| WrongJwt::new(&[name], "expected a number of seconds"))
        };
        let keys = IdpSettings {
            ttl: seconds("public_key_ttl", told.public_key_ttl)?.max(Duration::from_secs(1)),
            stale: seconds("public_key_stale_ttl", told.public_key_stale_ttl)?,
            ..IdpSettings::default()
        };
        Ok(Self {
            issuers,
            admin_scope: told.admin_jwt_scope,
            admin_routes: told.admin_allowed_routes,
            team_routes: told.team_allowed_routes,
            team_default: told.team_id_default,
            team_upsert: told.team_id_upsert,
            team_claim_fallback: told.team_claim_fallback,
            teams_of_database: told.fallback_to_db_teams,
            joins_teams: told.upsert_sso_user_to_team,
            needs_team: told.enforce_team_based_model_access,
            user_upsert: told.user_id_upsert,
            email_domain: told.user_allowed_email_domain,
            allowed_roles: told.user_allowed_roles,
            role_mappings: told.role_mappings,
            scope_mappings: told.enforce_scope_based_access.then_some(told.scope_mappings),
            user_roles: told.jwt_litellm_role_map,
            syncs: told.sync_user_role_and_teams,
            rbac,
            permissions,
            mapping_ttl: seconds("virtual_key_mapping_cache_ttl", told.virtual_key_mapping_cache_ttl)?,
            overrides: told.routing_overrides,
            keys,
            warnings,
        })
    }
}

/// serde's message without its place, which is one in a text that nobody wrote.
pub(super) fn plain(error: &serde_json::Error) -> String {
    error.to_string().split(" at line ").next().unwrap_or_default().to_owned()
}

/// Reads the section; the first key that is wrong alone is the place of what is wrong.
fn shaped(raw: &Json) -> Result<Told, WrongJwt> {
    let read = |json: &Json| json.to_raw().read::<Told>().map_err(|error| plain(&error));
    read(raw).map_err(|why| {
        let alone = |(name, value): &&(String, Json)| read(&Json::object([(name.as_str(), value.clone())])).is_err();
        let broken = raw.as_object().unwrap_or_default().iter().find(alone);
        let at: Vec<&str> = broken.map(|(name, _)| name.as_str()).into_iter().collect();
        WrongJwt::new(&at, why)
    })
}

/// What the items of lists may say.
fn items(told: &Told) -> Result<(), WrongJwt> {
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
fn refuse(told: &Told) -> Result<(), WrongJwt> {
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
