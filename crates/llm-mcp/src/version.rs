//! Protocol versions: <https://modelcontextprotocol.io/specification/versioning>.

/// Those that begin with `initialize`, oldest first.
pub const KNOWN: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The newest of them: what is offered to servers, and to clients that ask for one we do not know.
pub const NEWEST: &str = "2025-11-25";

/// The version to speak with a client that asked for `asked`.
#[must_use]
pub fn agreed(asked: &str) -> &'static str {
    KNOWN.into_iter().find(|known| *known == asked).unwrap_or(NEWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_their_own_version_or_the_newest() {
        assert_eq!(agreed("2025-03-26"), "2025-03-26");
        assert_eq!(agreed("1999-01-01"), NEWEST);
        assert!(KNOWN.contains(&NEWEST));
    }
}
