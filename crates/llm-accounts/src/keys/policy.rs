//! Who may make keys, what has to be said of them, and how they may be named: `key_generation_settings`,
//! `key_alias_pattern`, `enable_key_alias_format_validation`.

use llm_store::TeamRow;
use llm_types::{Error, Json, Result};
use regex::Regex;

use super::rights::{Place, place};
use crate::request::Outcome;
use crate::{Accounts, Identity};

/// Characters that a name may have.
const LONGEST: usize = 255;

/// Who may make keys of a kind, and which fields their makers have to give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyMakers {
    /// Roles: of the proxy (`allowed_user_roles`), or in the team (`allowed_team_member_roles`); nothing: all.
    pub roles: Option<Vec<String>>,
    /// Fields of the body (`required_params`).
    pub required: Vec<String>,
}

/// `key_generation_settings`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyGeneration {
    /// Of keys without a team (`personal_key_generation`).
    pub personal: KeyMakers,
    /// Of keys of a team (`team_key_generation`); administrators are not held to it.
    pub team: KeyMakers,
}

/// How names of keys have to look.
#[derive(Debug, Clone)]
pub struct AliasRule {
    pattern: Regex,
    why: String,
}

impl AliasRule {
    /// LiteLLM's own rule.
    pub const USUAL: &str = "[a-zA-Z0-9][a-zA-Z0-9_/.@-]{0,253}[a-zA-Z0-9]";

    /// The rule of a pattern that the whole name has to match; nothing: LiteLLM's own.
    ///
    /// # Errors
    /// When it is no pattern, or too large a one.
    pub fn new(pattern: Option<&str>) -> Result<Self, String> {
        let why = match pattern {
            Some(own) => format!(
                "Invalid key_alias format. Must be at most {LONGEST} characters and match the configured key_alias_pattern: {own}"
            ),
            None => "Invalid key_alias format. Must be 2-255 characters, start/end with alphanumeric, and only contain a-zA-Z0-9_-/.@.".to_owned(),
        };
        let pattern = Regex::new(&format!("^(?:{})$", pattern.unwrap_or(Self::USUAL))).map_err(|e| e.to_string())?;
        Ok(Self { pattern, why })
    }

    /// Judges a name.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn check(&self, alias: &str) -> Result<()> {
        if alias.chars().count() <= LONGEST && !alias.contains('\n') && self.pattern.is_match(alias) {
            return Ok(());
        }
        Err(Error::bad_request(self.why.clone()).with_type("bad_request_error").with_param("key_alias"))
    }
}

impl KeyMakers {
    fn says_enough(&self, body: &Json) -> Result<()> {
        match self.required.iter().find(|name| body.get(name).is_none()) {
            None => Ok(()),
            Some(name) => {
                Err(Error::bad_request(format!("Required param {name} not in data")).with_param(name.as_str()))
            }
        }
    }
}

impl Accounts {
    /// Refuses keys that the caller may not make, or of which the body does not say enough.
    ///
    /// # Errors
    /// 400 in LiteLLM's words; what the store says.
    pub(super) async fn may_generate(&self, who: &Identity, body: &Json) -> Outcome<()> {
        let settings = self.settings().clone();
        let Some(rules) = &settings.key_generation else { return Ok(()) };
        let Some(team) = body.text("team_id") else {
            let role = who.role().map_or("", crate::Role::name);
            if let Some(roles) = rules.personal.roles.as_ref().filter(|roles| !roles.iter().any(|r| r == role)) {
                let list = roles.join(", ");
                let why = format!(
                    "Personal key creation has been restricted by admin. Allowed roles=[{list}]. Your role={role}"
                );
                return Err(Error::bad_request(why).into());
            }
            return Ok(rules.personal.says_enough(body)?);
        };
        if who.is_admin() {
            return Ok(());
        }
        if let Some(roles) = &rules.team.roles {
            let row = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
            let user = who.user_id().unwrap_or_default();
            let role = match row.map_or(Place::None, |row| place(&row, user)) {
                // Whoever is none of them is told so by others.
                Place::None => return Ok(()),
                Place::Admin => "admin",
                Place::Member => "user",
            };
            if !roles.iter().any(|allowed| allowed == role) {
                let list = roles.join(", ");
                let why = format!("Team member role {role} not in allowed_team_member_roles=[{list}]");
                return Err(Error::bad_request(why).into());
            }
        }
        Ok(rules.team.says_enough(body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_a_whole() {
        let rule = AliasRule::new(Some("team-[a-z]+|x")).unwrap();
        assert!(rule.check("team-a").is_ok() && rule.check("x").is_ok());
        for wrong in ["team-", "team-a1", "xx", "a team-a", "team-a\n", ""] {
            assert!(rule.check(wrong).is_err(), "{wrong:?}");
        }
        assert!(AliasRule::new(Some("(")).is_err());
        let usual = AliasRule::new(None).unwrap();
        assert!(usual.check("a/b.c@d").is_ok() && usual.check("a").is_err() && usual.check("-a").is_err());
        assert!(usual.check(&"a".repeat(255)).is_ok() && usual.check(&"a".repeat(256)).is_err());
    }
}
