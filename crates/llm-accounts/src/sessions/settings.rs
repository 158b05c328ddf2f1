//! How people log in, with LiteLLM's names.

use std::time::Duration;

use llm_types::Secret;

use crate::passwords::PasswordPolicy;

/// The header in which a proxy before the gateway says how the client came: `http` or `https`.
pub const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Who may log in (`ui_access_mode`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UiAccess {
    /// Everybody.
    #[default]
    All,
    /// Administrators and those who see what they see.
    AdminOnly,
    /// Members of a group of the identity provider.
    Group {
        /// `restricted_sso_group`.
        group: String,
        /// `sso_group_jwt_field`: the claim with the groups.
        claim: String,
    },
}

/// How many wrong passwords are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureLimits {
    /// `max_failed_login_attempts_per_source`: for one name from one source.
    pub attempts: u32,
    /// The same for all names from one source; none: ten times that, for many people may stand behind one address.
    pub per_source: Option<u32>,
    /// `failed_login_window_seconds`.
    pub window: Duration,
    /// `failed_login_block_seconds`.
    pub block: Duration,
}

impl Default for FailureLimits {
    fn default() -> Self {
        Self { attempts: 10, per_source: None, window: Duration::from_secs(60), block: Duration::from_secs(300) }
    }
}

/// Settings of logins.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// `UI_USERNAME`.
    pub ui_username: String,
    /// `UI_PASSWORD`; the master key without one.
    pub ui_password: Option<Secret>,
    /// `disable_env_credential_login`: the two do not open anything.
    pub no_environment_login: bool,
    /// `disable_password_login_when_sso_enabled`, and a provider is configured.
    pub no_passwords: bool,
    /// `PROXY_ADMIN_ID`: the user that is an administrator, whatever its provider says.
    pub admin_id: Option<String>,
    /// `LITELLM_UI_SESSION_DURATION`.
    pub session: Duration,
    /// `LITELLM_CLI_JWT_EXPIRATION_HOURS`: how long keys of command lines are good.
    pub cli_session: Duration,
    /// `max_ui_session_budget`, US dollars.
    pub session_budget: Option<f64>,
    /// Where people get in from outside (`PROXY_BASE_URL`).
    pub base_url: Option<String>,
    /// `SERVER_ROOT_PATH`.
    pub root_path: String,
    /// `PROXY_LOGOUT_URL`.
    pub logout_url: Option<String>,
    /// The header that keys come in instead of the usual ones (`litellm_key_header_name`).
    pub key_header: Option<String>,
    /// What new passwords need.
    pub policy: PasswordPolicy,
    /// Wrong passwords.
    pub failures: FailureLimits,
    /// Who may log in.
    pub access: UiAccess,
    /// `ALLOWED_EMAIL_DOMAINS`; empty: all.
    pub domains: Vec<String>,
    /// `max_internal_user_budget`: what people get who are made by a login.
    pub newcomers_budget: Option<f64>,
    /// `internal_user_budget_duration`.
    pub newcomers_budget_duration: Option<String>,
    /// An identity provider is configured.
    pub sso: bool,
    /// `auto_redirect_ui_login_to_sso`.
    pub auto_redirect: bool,
    /// `DISABLE_ADMIN_UI`.
    pub ui_disabled: bool,
    /// `hide_default_credentials_hint`.
    pub hide_hint: bool,
    /// `control_plane_url` is set: logins across origins are served.
    pub control_plane: bool,
}

impl Default for LoginSettings {
    fn default() -> Self {
        Self {
            ui_username: "admin".to_owned(),
            ui_password: None,
            no_environment_login: false,
            no_passwords: false,
            admin_id: None,
            session: Duration::from_secs(24 * 3600),
            cli_session: Duration::from_secs(24 * 3600),
            session_budget: Some(1.0),
            base_url: None,
            root_path: String::new(),
            logout_url: None,
            key_header: None,
            policy: PasswordPolicy::default(),
            failures: FailureLimits::default(),
            access: UiAccess::default(),
            domains: Vec::new(),
            newcomers_budget: None,
            newcomers_budget_duration: None,
            sso: false,
            auto_redirect: false,
            ui_disabled: false,
            hide_hint: false,
            control_plane: false,
        }
    }
}

impl LoginSettings {
    /// Where the gateway is, seen from outside, without a slash at the end: `PROXY_BASE_URL`, else what a request says.
    /// `host`: its `Host`; `proto`: its [`FORWARDED_PROTO`].
    #[must_use]
    pub fn outside(&self, host: Option<&str>, proto: Option<&str>) -> String {
        if let Some(base) = &self.base_url {
            return base.trim_end_matches('/').to_owned();
        }
        let host = host.filter(|host| is_host(host)).unwrap_or("localhost");
        let scheme = if self.secure(proto) { "https" } else { "http" };
        format!("{scheme}://{host}{}", self.root_path.trim_end_matches('/'))
    }

    /// True when people get in over TLS. `proto`: the [`FORWARDED_PROTO`] of the request.
    #[must_use]
    pub fn secure(&self, proto: Option<&str>) -> bool {
        match &self.base_url {
            Some(base) => base.starts_with("https://"),
            None => proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
        }
    }
}

/// A host with or without a port, and nothing else: it ends up in headers and pages.
fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_people_get_in() {
        let mut login = LoginSettings { root_path: "/llm/".to_owned(), ..LoginSettings::default() };
        assert_eq!(login.outside(Some("gateway.example:4000"), None), "http://gateway.example:4000/llm");
        assert_eq!(login.outside(Some("[::1]:4000"), Some("HTTPS")), "https://[::1]:4000/llm");
        for bad in ["a/b", "a@b", "a\"b", ""] {
            assert_eq!(login.outside(Some(bad), None), "http://localhost/llm", "{bad:?}");
        }
        login.base_url = Some("https://llm.example/".to_owned());
        assert_eq!(login.outside(Some("other.example"), Some("http")), "https://llm.example");
    }
}
