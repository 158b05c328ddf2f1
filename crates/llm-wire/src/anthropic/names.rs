//! Tool names that this format takes: `[A-Za-z0-9_-]`, at most 128 characters.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::tool_names::Rule;

/// What is taken.
pub(super) const RULE: Rule = Rule { legal, clean: cleaned, longest: LONGEST };

const LONGEST: usize = 128;

/// The name of a tool as LiteLLM sends it to hosts that take 64 characters: the first 55, and eight digits that tell it
/// from others. Nothing for names that are short enough.
#[must_use]
pub fn short_tool_name(name: &str) -> Option<String> {
    const LIMIT: usize = 64;
    const KEPT: usize = LIMIT - 9;
    if name.chars().count() <= LIMIT {
        return None;
    }
    let digest = Sha256::digest(name.as_bytes());
    let told: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let head: String = name.chars().take(KEPT).collect();
    Some(format!("{head}_{told}"))
}

/// An id of a call as this format takes it.
#[must_use]
pub fn legal_id(id: &str) -> Cow<'_, str> {
    if id.chars().all(is_legal) {
        return Cow::Borrowed(id);
    }
    id.chars().map(|c| if is_legal(c) { c } else { '_' }).collect()
}

fn cleaned(name: &str, _: usize) -> String {
    name.chars().map(|c| if is_legal(c) { c } else { '_' }).take(LONGEST).collect()
}

fn legal(name: &str) -> bool {
    // a tool without a name is the client's own mistake; the upstream says so
    name.len() <= LONGEST && name.chars().all(is_legal)
}

/// Characters of tool names and of tool call ids.
#[must_use]
pub const fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::short_tool_name;

    #[test]
    fn long_names_are_cut_as_litellm_cuts_them() {
        let long = format!("mcp__{}tool", "server_with_a_long_name__".repeat(3));
        let sent = "mcp__server_with_a_long_name__server_with_a_long_name___3709e1d8";
        assert_eq!(short_tool_name(&long).as_deref(), Some(sent));
        assert_eq!(short_tool_name(&"a".repeat(64)), None);
        assert_eq!(short_tool_name(&"\u{e4}".repeat(65)).map(|name| name.chars().count()), Some(64));
    }
}
