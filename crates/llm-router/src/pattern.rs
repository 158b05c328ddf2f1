//! Wildcards in public model names.

/// A public name with `*` in it. Each `*` captures any characters, as many as it can; the name is anchored at its start
/// only, so `openai/*-mini` also takes `openai/gpt-mini-2`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    literals: Vec<String>,
    rank: (usize, usize),
}

impl Pattern {
    /// Reads a name; nothing when there is no `*` in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.contains('*').then(|| Self {
            text: text.to_owned(),
            literals: text.split('*').map(str::to_owned).collect(),
            rank: specificity(text),
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How specific it is; the largest is tried first. LiteLLM compares the length of the escaped regular expression,
    /// then the number of special characters in it.
    #[must_use]
    pub const fn specificity(&self) -> (usize, usize) {
        self.rank
    }

    /// What the wildcards captured of `name`; nothing when it does not match.
    #[must_use]
    pub fn captures<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let (first, rest) = self.literals.split_first()?;
        let start = first.len();
        let tail = name.strip_prefix(first.as_str())?;
        // Greedy wildcards push every literal as far right as the literals behind it allow: look from the end.
        let mut end = tail.len();
        let mut out = Vec::with_capacity(rest.len());
        let mut spans = Vec::with_capacity(rest.len());
        for literal in rest.iter().rev() {
            let at = tail.get(..end)?.rfind(literal.as_str())?;
            spans.push((at, at + literal.len()));
            end = at;
        }
        let mut from = 0;
        for &(at, after) in spans.iter().rev() {
            out.push(name.get(start + from..start + at)?);
            from = after;
        }
        Some(out)
    }

    /// True when `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.captures(name).is_some()
    }

    /// The provider's model name for `name`: captures go into the `*` of `target`, in order. A target without `*` stays
    /// as it is; with more captures than `*` the name itself is used.
    #[must_use]
    pub fn substitute(&self, name: &str, target: &str) -> String {
        let stars = target.bytes().filter(|b| *b == b'*').count();
        let captures = match self.captures(name) {
            Some(c) if stars > 0 => c,
            _ => return target.to_owned(),
        };
        if captures.len() > stars {
            return name.to_owned();
        }
        let mut pieces = target.split('*');
        let mut out = pieces.next().unwrap_or_default().to_owned();
        let mut captures = captures.into_iter();
        for piece in pieces {
            out.push_str(captures.next().unwrap_or("*"));
            out.push_str(piece);
        }
        out
    }
}

/// Length and number of special characters of the regular expression that Python's `re.escape` would make of the name,
/// with `(.*)` for each `*`.
fn specificity(text: &str) -> (usize, usize) {
    text.chars().fold((0, 0), |(len, special), c| match c {
        '*' => (len + 4, special + 3),
        '(' | ')' | '?' | '+' | '|' | '^' | '$' | '\\' => (len + 2, special + 2),
        '[' | ']' | '{' | '}' | '-' | '.' | '&' | '~' | '#' | ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => {
            (len + 2, special + 1)
        }
        _ => (len + 1, special),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures<'n>(pattern: &str, name: &'n str) -> Option<Vec<&'n str>> {
        Pattern::parse(pattern).unwrap().captures(name)
    }

    #[test]
    fn wildcards_are_greedy_and_anchored_at_the_start_only() {
        let cases: [(&str, &str, Option<&[&str]>); 10] = [
            ("openai/*", "openai/gpt-4o", Some(&["gpt-4o"])),
            ("openai/*", "openai/a/b", Some(&["a/b"])),
            ("openai/*", "xopenai/a", None),
            ("*", "anything", Some(&["anything"])),
            ("*-mini", "gpt-mini-mini-2", Some(&["gpt-mini"])),
            ("a*b*c", "a1b2b3c4", Some(&["1b2", "3"])),
            ("a*b*c", "acb", None),
            ("a*b*", "ab", Some(&["", ""])),
            ("ü*é", "üxéé", Some(&["xé"])),
            ("aa*aa", "aaa", None),
        ];
        for (pattern, name, want) in cases {
            assert_eq!(captures(pattern, name).as_deref(), want, "{pattern} on {name}");
        }
    }

    #[test]
    fn captures_go_into_the_target_in_order() {
        let cases = [
            ("openai/*", "openai/gpt-4o", "openai/*", "openai/gpt-4o"),
            ("*", "gpt-4o", "azure/prod-*", "azure/prod-gpt-4o"),
            ("mine-*", "mine-x", "openai/gpt-4o", "openai/gpt-4o"),
            ("*/*", "a/b", "*", "a/b"),
            ("*/x/*", "a/x/b", "p/*/*", "p/a/b"),
            ("m*", "m1", "p/*/*", "p/1/*"),
        ];
        for (pattern, name, target, want) in cases {
            assert_eq!(Pattern::parse(pattern).unwrap().substitute(name, target), want, "{pattern} {name} {target}");
        }
    }

    #[test]
    fn specificity_is_that_of_the_escaped_expression() {
        // Values from Python: len and count over re.escape(p).replace(r"\*", "(.*)")
        assert_eq!(specificity("*"), (4, 3));
        assert_eq!(specificity("openai/*"), (11, 3));
        assert_eq!(specificity("openai/gpt-4*"), (17, 4));
        assert_eq!(specificity("a.b+*"), (10, 6));
    }
}
