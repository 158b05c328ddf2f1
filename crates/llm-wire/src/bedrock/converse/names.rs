//! Tool names that this format takes: a letter, then letters, digits and underscores.

use llm_types::generate::{GenerateRequest, PartKind, ToolChoice, ToolKind};

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
        for (at, name) in all(req).enumerate().filter(|(_, n)| !legal(n)) {
            if names.0.iter().any(|(original, _)| original == name) {
                continue;
            }
            let clean = cleaned(name, at);
            let numbered = |n: u32| if n == 1 { clean.clone() } else { format!("{clean}_{n}") };
            let sent = (1..).map(numbered).find(|n| !taken.contains(n)).unwrap_or_default();
            taken.push(sent.clone());
            names.0.push((name.to_owned(), sent));
        }
        names
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
