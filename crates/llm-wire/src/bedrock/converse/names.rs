//! Tool names that this format takes: a letter, then letters, digits and underscores.

use crate::tool_names::Rule;

/// What is taken.
pub(super) const RULE: Rule = Rule { legal, clean: cleaned, longest: usize::MAX };

fn cleaned(name: &str, at: usize) -> String {
    match name.chars().next() {
        None => format!("litellm_unnamed_tool_{at}"),
        Some(first) => {
            let head = if first.is_ascii_alphabetic() { "" } else { "a" };
            head.chars().chain(name.chars().map(|c| if is_legal(c) { c } else { '_' })).collect()
        }
    }
}

fn legal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_legal)
}

const fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
