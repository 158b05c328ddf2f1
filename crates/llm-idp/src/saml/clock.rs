//! Instants as SAML writes them (core 1.3.3): UTC, `2026-01-31T12:00:00.123Z`.

use chrono::{DateTime, Utc};

/// Seconds since 1970 of a text; nothing for what is no instant.
pub(super) fn instant(text: &str) -> Option<i64> {
    let utc = text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    DateTime::parse_from_rfc3339(text).ok().filter(|_| utc).map(|instant| instant.timestamp())
}

/// The text of seconds since 1970; the first of them for what no calendar has.
pub(crate) fn text(seconds: i64) -> String {
    DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-30T17:42:45.123Z", Some(1_796_060_565)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("2026-11-30T17:42:45+01:00", None),
            ("2026-11-30", None),
            ("2026-13-30T00:00:00Z", None),
            ("+026-11-30T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(instant(text), seconds, "{text}");
        }
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_709_251_199, 1_796_060_565, 4_107_542_400] {
            assert_eq!(instant(&super::text(seconds)), Some(seconds));
        }
    }
}
