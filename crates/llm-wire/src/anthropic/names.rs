//! Tool names that this format takes: `[A-Za-z0-9_-]`, at most 128 characters.

use llm_types::generate::{GenerateRequest, PartKind, ToolChoice, ToolKind};
use sha2::{Digest, Sha256};

/// Names that had to be rewritten, as pairs of original and sent.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    /// Finds a legal name for every tool that the request names in tools, choice or history.
    pub(super) fn of(req: &GenerateRequest) -> Self {
        let mut names = Self::default();
        if all(req).all(legal) {
            return names;
        }
        let mut taken: Vec<String> = all(req).filter(|n| legal(n)).map(str::to_owned).collect();
        for name in all(req).filter(|n| !legal(n)) {
            if names.0.iter().any(|(original, _)| original == name) {
                continue;
            }
            let clean: String = name.chars().map(|c| if is_legal(c) { c } else { '_' }).take(128).collect();
            let sent = (1..).map(|n| numbered(&clean, n)).find(|n| !taken.contains(n)).unwrap_or_default();
            taken.push(sent.clone());
            names.0.push((name.to_owned(), sent));
        }
        names
    }

    /// The way back: originals by the names that were sent.
    pub(super) fn back(hints: &[(String, String)]) -> Self {
        Self(hints.to_vec())
    }

    /// The name to send.
    pub(super) fn sent<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.iter().find(|(original, _)| original == name).map_or(name, |(_, sent)| sent)
    }

    /// What the decoder of the answer must know: (sent, original).
    pub(super) fn hints(self) -> Vec<(String, String)> {
        self.0.into_iter().map(|(original, sent)| (sent, original)).collect()
    }
}

/// The original of a name that was sent.
pub(super) fn original<'a>(hints: &'a [(String, String)], sent: &'a str) -> &'a str {
    hints.iter().find(|(s, _)| s == sent).map_or(sent, |(_, original)| original)
}

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

fn numbered(clean: &str, n: u32) -> String {
    if n == 1 {
        return clean.to_owned();
    }
    let suffix = format!("_{n}");
    clean.chars().take(128 - suffix.len()).chain(suffix.chars()).collect()
}

fn legal(name: &str) -> bool {
    // a tool without a name is the client's own mistake; the upstream says so
    name.len() <= 128 && name.chars().all(is_legal)
}

/// Characters of tool names and of tool call ids.
pub(super) const fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn all(req: &GenerateRequest) -> impl Iterator<Item = &str> {
    let tools = req.tools.iter().filter_map(|t| match &t.kind {
        ToolKind::Function(f) => Some(f.name.as_str()),
        ToolKind::Hosted { .. } => None,
    });
    let choice = match &req.tool_choice {
        Some(ToolChoice::Function(name)) => Some(name.as_str()),
        _ => None,
    };
    let calls = req.turns.iter().flat_map(|t| &t.parts).filter_map(|p| match &p.kind {
        PartKind::ToolCall(c) => Some(c.name.as_str()),
        _ => None,
    });
    tools.chain(choice).chain(calls)
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
