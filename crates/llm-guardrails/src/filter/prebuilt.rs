//! Patterns by LiteLLM's names, in our own words. Names that LiteLLM has and this list has not are reported when a
//! filter is compiled.

const CARD_GROUPS: &str =
    r"\b(?:4\d{3}|5[1-5]\d{2}|6011|65\d{2})(?:[ -]?\d{4}){3}\b|\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b";

const PATTERNS: &[(&str, &str)] = &[
    ("us_ssn", r"\b\d{3}-\d{2}-\d{4}\b"),
    ("email", r"\b[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b"),
    ("us_phone", r"(?:\+?\b1[ .-]?)?(?:\(\d{3}\) ?|\b\d{3}[ .-]?)\d{3}[ .-]?\d{4}\b"),
    ("visa", r"\b4\d{3}(?:[ -]?\d{4}){3}\b"),
    ("mastercard", r"\b5[1-5]\d{2}(?:[ -]?\d{4}){3}\b"),
    ("amex", r"\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b"),
    ("discover", r"\b(?:6011|65\d{2})(?:[ -]?\d{4}){3}\b"),
    ("credit_card", CARD_GROUPS),
    ("aws_access_key", r"\bAKIA[0-9A-Z]{16}\b"),
    ("github_token", r"\bgh[pousr]_[a-z0-9]{36}\b"),
    ("slack_token", r"\bxox[abop]-\d{10,13}-\d{10,13}-[a-z0-9]{24,32}\b"),
    ("generic_api_key", r#"\bapi[_-]?key[ :=]{1,4}["']?[a-z0-9_-]{20,128}"#),
    ("ipv4", r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"),
    ("url", r"\b(?:https?://|www\.)[^\s<>]{1,512}"),
];

/// The expression of a name.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PATTERNS.iter().find(|(n, _)| *n == name).map(|(_, expression)| *expression)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::RegexBuilder;

    #[test]
    fn patterns_find_what_they_are_named_for() {
        for (name, yes, no) in [
            ("us_ssn", "123-45-6789", "1123-45-6789"),
            ("email", "Jo.Doe+x@mail.example.org", "jo@localhost"),
            ("us_phone", "(415) 555-2671", "415-555"),
            ("visa", "4111 1111 1111 1111", "4111 1111 1111"),
            ("mastercard", "5500-0000-0000-0004", "5600-0000-0000-0004"),
            ("amex", "378282246310005", "37828224631000"),
            ("discover", "6011111111111117", "6012111111111117"),
            ("credit_card", "4111111111111111", "1111111111111111"),
            ("aws_access_key", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7"),
            ("github_token", "ghp_0123456789abcdefghijklmnopqrstuvwxyz", "ghp_0123"),
            ("slack_token", "xoxb-1234567890-1234567890-abcdefghijklmnopqrstuvwx", "xoxb-1"),
            ("generic_api_key", "api_key=0123456789abcdefghij", "api key"),
            ("ipv4", "192.168.0.255", "192.168.0.256"),
            ("url", "https://example.org/a?b=c", "example.org"),
        ] {
            let regex = RegexBuilder::new(find(name).unwrap()).case_insensitive(true).build().unwrap();
            assert!(regex.is_match(&format!("it is {yes}, so")), "{name}: {yes}");
            assert!(!regex.is_match(no), "{name}: {no}");
        }
        assert_eq!(PATTERNS.len(), 14, "every pattern has its line above");
    }
}
