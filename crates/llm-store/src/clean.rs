//! PostgreSQL refuses a few texts that JSON and Rust allow. Strangers choose tags, ids and metadata, and one refused row
//! must not stop a batch, so those characters become U+FFFD.

use std::borrow::Cow;

/// NUL cannot be stored in `text`.
pub(crate) fn clean_text(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// `jsonb` refuses `\u0000` and surrogate escapes without their other half.
pub(crate) fn clean_json(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (used, bad) = escape_length(escape);
        let (escape, after) = escape.split_at_checked(used).unwrap_or((escape, ""));
        out.push_str(if bad { "\\ufffd" } else { escape });
        rest = after;
    }
    out.push_str(rest);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// The bytes of the escape `text` starts with, and whether `jsonb` would refuse it.
fn escape_length(text: &str) -> (usize, bool) {
    let Some(first) = unit(text) else { return (2, false) };
    match first {
        0 => (6, true),
        0xd800..=0xdbff => match text.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (12, false),
            _ => (6, true),
        },
        0xdc00..=0xdfff => (6, true),
        _ => (6, false),
    }
}

/// The number of a `\uXXXX` escape at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Text in an index: longer ones are cut at this many bytes. PostgreSQL refuses index entries above 2.7 kB, an index has up
/// to three texts beside a time, and real ids and names are short.
pub(crate) const INDEXED_TEXT: usize = 512;

/// Text that strangers chose as an index takes it: what the database can keep, and no longer than `bytes`.
pub(crate) fn fitted(text: &str, bytes: usize) -> String {
    let mut text = clean_text(text).into_owned();
    clip(&mut text, bytes);
    text
}

/// At most `bytes` bytes of `text`, cut at a character.
fn clip(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_jsonb_refuses_is_replaced() {
        for (given, wanted) in [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#""\u0000""#, r#""\ufffd""#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00x\u0041\n""#, r#""\ufffdx\u0041\n""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""é\u00e9\"\u0000é""#, r#""é\u00e9\"\ufffdé""#),
        ] {
            assert_eq!(clean_json(given), wanted);
        }
    }

    #[test]
    fn a_cut_keeps_characters_whole() {
        assert_eq!(fitted("aéé", 4), "aé");
        assert_eq!(fitted("a\0b", 4), "a\u{fffd}");
    }
}
