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
        let mut next = HashMap::new();
        for (at, name) in all(req).enumerate().filter(|(_, n)| !(rule.legal)(n)) {
            if names.places.contains_key(name) {
                continue;
            }
            let sent = free(&(rule.clean)(name, at), rule.longest, &taken, &mut next);
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

/// The name itself, or with the first number behind it that makes it another one than those that are `taken`. `next`: where
/// counting goes on, by what stands before the number and how long that is, for many names may be the same but for it.
fn free(clean: &str, longest: usize, taken: &HashSet<String>, next: &mut HashMap<(String, u32), u32>) -> String {
    if !taken.contains(clean) {
        return clean.to_owned();
    }
    let found = (1..9_u32).find_map(|digits| {
        let head: String = clean.chars().take(longest.saturating_sub(digits as usize + 1)).collect();
        let first = if digits == 1 { 2 } else { 10_u32.pow(digits - 1) };
        let n = next.entry((head.clone(), digits)).or_insert(first);
        while *n < 10_u32.pow(digits) {
            let name = format!("{head}_{n}");
            *n += 1;
            if !taken.contains(&name) {
                return Some(name);
            }
        }
        None
    });
    found.unwrap_or_default()
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
    use super::*;

    #[test]
    fn names_that_are_taken_get_numbers() {
        let mut taken: HashSet<String> = ["a", "a_2", "a_4"].map(str::to_owned).into();
        let mut next = HashMap::new();
        let mut named = Vec::new();
        for _ in 0..9 {
            let name = free("a", 4, &taken, &mut next);
            taken.insert(name.clone());
            named.push(name);
        }
        assert_eq!(named, ["a_3", "a_5", "a_6", "a_7", "a_8", "a_9", "a_10", "a_11", "a_12"]);
        assert_eq!(free("abcd", 4, &taken, &mut next), "abcd");
        taken.insert("abcd".to_owned());
        assert_eq!(free("abcd", 4, &taken, &mut next), "ab_2", "it stays as short as it has to be");
    }
}
