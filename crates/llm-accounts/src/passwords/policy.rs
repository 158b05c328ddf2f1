//! Which passwords are good enough (`password_policy_*`).

use llm_types::Error;

use crate::request::Outcome;

/// No setting makes passwords shorter than this.
const SHORTEST: usize = 8;

/// What a new password needs; LiteLLM's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Characters at the least; 8 at the least.
    pub min_length: usize,
    /// A capital letter.
    pub uppercase: bool,
    /// A small letter.
    pub lowercase: bool,
    /// A digit.
    pub numbers: bool,
    /// Something that is neither letter nor digit, of any script.
    pub special: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 12, uppercase: true, lowercase: true, numbers: true, special: true }
    }
}

impl PasswordPolicy {
    /// Refuses a password that is not good enough, in LiteLLM's words.
    ///
    /// # Errors
    /// 400 with everything that is missing.
    pub(crate) fn check(&self, password: &str) -> Outcome<()> {
        let has = |what: fn(char) -> bool| password.chars().any(what);
        let least = self.min_length.max(SHORTEST);
        let rules = [
            (password.chars().count() < least, format!("be at least {least} characters long")),
            (self.uppercase && !has(char::is_uppercase), "include an uppercase letter".to_owned()),
            (self.lowercase && !has(char::is_lowercase), "include a lowercase letter".to_owned()),
            (self.numbers && !has(char::is_numeric), "include a number".to_owned()),
            (self.special && !has(|c| !c.is_alphanumeric()), "include a special character".to_owned()),
            (password.len() > super::LONGEST, format!("be at most {} bytes long", super::LONGEST)),
        ];
        let missing: Vec<String> = rules.into_iter().filter(|(broken, _)| *broken).map(|(_, what)| what).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!("Password does not meet the required policy: must {}.", missing.join(", "));
        Err(Error::bad_request(why).with_type("validation_error").with_param("password").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let policy = PasswordPolicy::default();
        let missing = |password: &str| policy.check(password).err().map(|problem| problem.text()).unwrap_or_default();
        assert_eq!(missing("Correct-horse7"), "");
        assert_eq!(missing("Gr\u{fc}\u{df}e-an-alle-7"), "");
        assert!(
            missing("short")
                .contains("12 characters long, include an uppercase letter, include a number, include a special")
        );
        assert!(missing("Passw\u{f6}rd12345").contains("special"), "an umlaut is a letter");
        let lax = PasswordPolicy { min_length: 0, uppercase: false, lowercase: false, numbers: false, special: false };
        assert!(lax.check("seven77").is_err() && lax.check("eight888").is_ok());
    }
}
