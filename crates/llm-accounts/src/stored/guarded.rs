//! Settings that decide who gets in. Who may change rows of the database must not be able to let others in by it, so these
//! come from the file and the environment, unless the file allows it (`auth_settings_in_db`).

/// Names of `general_settings`.
const GENERAL: &[&str] = &[
    "admin_only_routes",
    "allow_requests_on_db_unavailable",
    "allowed_ips",
    "allowed_routes",
    "custom_auth",
    "custom_auth_cache_seconds",
    "custom_auth_mode",
    "custom_auth_run_common_checks",
    "custom_auth_secret",
    "custom_auth_timeout",
    "custom_auth_url",
    "dangerously_permit_weak_or_unset_master_key",
    "disable_env_credential_login",
    "disable_password_login_when_sso_enabled",
    "enable_jwt_auth",
    "enable_oauth2_auth",
    "enable_oauth2_proxy_auth",
    "enforce_rbac",
    "key_management_settings",
    "key_management_system",
    "litellm_jwtauth",
    "litellm_key_header_name",
    "oauth2_config_mappings",
    "public_routes",
    "role_permissions",
    "trusted_proxy_ranges",
    "use_azure_key_vault",
    "use_google_kms",
    "use_x_forwarded_for",
];

/// How names of such variables begin.
const VARIABLES: &[&str] = &[
    "ALLOWED_EMAIL_DOMAINS",
    "GENERIC_",
    "GOOGLE_CLIENT_",
    "GOOGLE_ISSUER",
    "JWT_",
    "LITELLM_DANGEROUSLY_",
    "MICROSOFT_",
    "OAUTH_",
    "PROXY_ADMIN_ID",
    "UI_PASSWORD",
    "UI_USERNAME",
];

/// True for a setting that decides who gets in. `section`: the section of the configuration that it stands in.
#[must_use]
pub fn decides_who_gets_in(section: &str, name: &str) -> bool {
    match section {
        "general_settings" => GENERAL.contains(&name),
        "environment_variables" => VARIABLES.iter().any(|start| name.starts_with(start)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_in_is_said_elsewhere() {
        for (section, name, wanted) in [
            ("general_settings", "public_routes", true),
            ("general_settings", "max_request_size_mb", false),
            ("environment_variables", "JWT_PUBLIC_KEY_URL", true),
            ("environment_variables", "GENERIC_TOKEN_ENDPOINT", true),
            ("environment_variables", "OPENAI_API_KEY", false),
            ("router_settings", "public_routes", false),
        ] {
            assert_eq!(decides_who_gets_in(section, name), wanted, "{section}.{name}");
        }
    }
}
