//! `litellm_jwtauth`, with LiteLLM's names and defaults.

use std::fmt;
use std::time::Duration;

use llm_idp::{IdpSettings, Trust};
use llm_types::Json;
use serde::Deserialize;

use super::told::{Told, items, owned, refuse, shaped};

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
