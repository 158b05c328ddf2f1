//! Names of tools, for hosts that take fewer characters than clients use.

use std::collections::{HashMap, HashSet};

use llm_types::generate::{GenerateRequest, PartKind, ToolChoice, ToolKind};

/// What names a host takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// True for a name that it takes.
    pub legal: fn(&str) -> bool,
    /// A name that it takes, of one that it does not, which stands at this place of the request.
    pub clean: fn(&str, usize) -> String,
    /// Characters of a name at the most.
    pub longest: usize,
}

/// Names that have to be written differently.
#[derive(Debug, Default)]
pub(crate) struct ToolNames {
    /// As they were, and as they are written, in the order in which they appeared.
    pairs: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl ToolNames {
    /// Finds a legal name for every tool that a request names in tools, choice or history.
    pub(crate) fn of(req: &GenerateRequest, rule: &Rule) -> Self {
        let mut names = Self::default();
        if all(req).all(rule.legal) {
            return names;
        }
        let mut taken: HashSet<String> = all(req).filter(|n| (rule.legal)(n)).map(str::to_owned).collect();
        // Many names may be the same one without what is illegal: each goes on counting where the last one stopped.
        let mut last: HashMap<String, u32> = HashMap::new();
        for (at, name) in all(req).enumerate().filter(|(_, n)| !(rule.legal)(n)) {
            if names.places.contains_key(name) {
                continue;
            }
            let clean = (rule.clean)(name, at);
            let count = last.entry(clean.clone()).or_default();
            let next = (*count + 1..).map(|n| (n, numbered(&clean, n, rule.longest)));
            let (n, sent) = next.into_iter().find(|(_, sent)| !taken.contains(sent)).unwrap_or_default();
            *count = n;
            taken.insert(sent.clone());
            names.push(name.to_owned(), sent);
        }
        names
    }

    /// The way back: originals by the names that were sent.
    pub(crate) fn back(hints: &[(String, String)]) -> Self {
        let mut names = Self::default();
        hints.iter().for_each(|(sent, original)| names.push(sent.clone(), original.clone()));
        names
    }

    fn push(&mut self, name: String, written: String) {
        self.places.entry(name.clone()).or_insert(self.pairs.len());
        self.pairs.push((name, written));
    }

    /// The name to write.
    pub(crate) fn written<'a>(&'a self, name: &'a str) -> &'a str {
        self.places.get(name).and_then(|at| self.pairs.get(*at)).map_or(name, |(_, written)| written)
    }

    /// What the decoder of the answer must know: (sent, original).
    pub(crate) fn hints(self) -> Vec<(String, String)> {
        self.pairs.into_iter().map(|(original, sent)| (sent, original)).collect()
    }
}

/// The original of a name that was sent.
pub(crate) fn original<'a>(hints: &'a [(String, String)], sent: &'a str) -> &'a str {
    hints.iter().find(|(s, _)| s == sent).map_or(sent, |(_, original)| original)
}

fn numbered(clean: &str, n: u32, longest: usize) -> String {
    if n == 1 {
        return clean.to_owned();
    }
    let suffix = format!("_{n}");
    clean.chars().take(longest.saturating_sub(suffix.len())).chain(suffix.chars()).collect()
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
