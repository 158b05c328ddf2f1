//! Filling literal wire templates.

use std::fmt::Write;

/// Replaces each `@name@` of `template` by its value. Values are inserted as they are (JSON fragments) and never
/// scanned again; a name without a value stays, so that a test of the frame notices.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('@') {
        out.push_str(before);
        let found = tail
            .split_once('@')
            .and_then(|(name, after)| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value, after)));
        match found {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('@');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A JSON string literal. Only what JSON demands is escaped; other characters stay as they are, as providers send them.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // writing to a String cannot fail
            c if (c as u32) < 0x20 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `null` or a JSON string literal.
pub(crate) fn quote_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_scanned_again() {
        assert_eq!(fill("a @x@ b @y@ c", &[("x", "@y@"), ("y", "2")]), "a @y@ b 2 c");
        assert_eq!(fill("mail me@home", &[("x", "1")]), "mail me@home");
        assert_eq!(fill("@missing@ @x@", &[("x", "1")]), "@missing@ 1");
    }

    #[test]
    fn quoted_text_is_json() {
        let text = "a \"b\" \\ \n \t \u{1} é 世界 \u{2028}";
        assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
    }
}
