//! Enough of Rust's lexical grammar to tell code, strings and comments apart.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// The content of a string literal, escapes as written.
    Text,
    /// A comment, with its slashes.
    Comment,
    /// One sign.
    Sign,
}

/// A token with the line it starts on, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) line: usize,
    /// It stands below `#[cfg(test)]` or `#[test]`.
    pub(crate) test: bool,
}

impl Token<'_> {
    /// This sign or this word.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text == text
    }
}

/// The tokens of a Rust file. Character literals and lifetimes are left out.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while lexer.step().is_some() {}
    mark_tests(&mut lexer.tokens);
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) -> Option<()> {
        let first = self.rest.chars().next()?;
        if first.is_whitespace() {
            self.take(first.len_utf8());
        } else if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.put(Kind::Comment, end);
        } else if self.rest.starts_with("/*") {
            self.put(Kind::Comment, block_comment(self.rest));
        } else if let Some((open, hashes)) = string_start(self.rest) {
            self.string(open, hashes);
        } else if first == '\'' {
            let end = character(self.rest);
            self.take(end);
        } else if first.is_alphanumeric() || first == '_' {
            let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
            self.put(Kind::Word, end);
        } else {
            self.put(Kind::Sign, first.len_utf8());
        }
        Some(())
    }

    /// A string whose opening (`"`, `r#"`, `b"` ...) is `open` bytes long; `hashes`: raw, with so many `#`.
    fn string(&mut self, open: usize, hashes: Option<usize>) {
        self.take(open);
        let end = match hashes {
            Some(count) => self.rest.find(&format!("\"{}", "#".repeat(count))).unwrap_or(self.rest.len()),
            None => escaped_end(self.rest),
        };
        self.put(Kind::Text, end);
        self.take(1 + hashes.unwrap_or(0));
    }

    fn put(&mut self, kind: Kind, bytes: usize) {
        let line = self.line;
        let text = self.take(bytes);
        self.tokens.push(Token { kind, text, line, test: false });
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

/// Length of the opening of a string literal, and its number of `#` when it is raw.
fn string_start(text: &str) -> Option<(usize, Option<usize>)> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|p| {
        let rest = text.strip_prefix(p).unwrap_or_default();
        rest.starts_with('"') || (p.ends_with('r') && rest.trim_start_matches('#').starts_with('"'))
    })?;
    let rest = text.strip_prefix(prefix)?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    Some((prefix.len() + hashes + 1, prefix.ends_with('r').then_some(hashes)))
}

/// Where the closing quote of an ordinary string is.
fn escaped_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest.starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a character literal; of the quote alone when it begins a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(text.len(), |(at, _)| at + 1)
        }
        _ => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
    }
}

/// Marks items below `#[cfg(test)]`, `#[test]` and `#[tokio::test]`.
fn mark_tests(tokens: &mut [Token<'_>]) {
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            at += 1;
            continue;
        };
        let attribute = tokens.get(at..end).unwrap_or_default();
        let negated = attribute.iter().any(|t| t.is("not"));
        if !negated && attribute.iter().any(|t| t.is("test")) {
            let end = item_end(tokens, end);
            tokens.iter_mut().take(end).skip(at).for_each(|t| t.test = true);
            at = end;
        } else {
            at = end;
        }
    }
}

/// The end of the attribute that starts at this token (`#[...]` or `#![...]`).
pub(crate) fn attribute_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let bracket = if tokens.get(at + 1)?.is("!") { at + 2 } else { at + 1 };
    (tokens.get(at)?.is("#") && tokens.get(bracket)?.is("[")).then(|| closing(tokens, bracket))
}

/// The end of the item that starts here: one past its block, or past its semicolon.
pub(crate) fn item_end(tokens: &[Token<'_>], from: usize) -> usize {
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        match token.text {
            ";" if token.is(";") => return at + 1,
            "{" if token.is("{") => return closing(tokens, at),
            "(" | "[" if token.kind == Kind::Sign => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// One past the bracket that closes the one at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open).filter(|(_, t)| t.kind == Kind::Sign) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        lex(source).into_iter().filter(|t| t.kind == Kind::Text).map(|t| t.text).collect()
    }

    #[test]
    fn strings_are_found_and_comments_are_not_code() {
        let source = "// \"no\"\nlet a = \"one \\\" two\"; /* /* \"no\" */ \"no\" */ r#\"th\"ree\"# b\"four\" '\"' 'x' '\\'' \"five\"";
        assert_eq!(texts(source), ["one \\\" two", "th\"ree", "four", "five"]);
    }

    #[test]
    fn lines_are_counted_through_strings() {
        let tokens = lex("let a = \"x\ny\";\nfn b<'a>() {}");
        let b = tokens.iter().find(|t| t.is("b")).unwrap();
        assert_eq!(b.line, 3);
        assert!(tokens.iter().any(|t| t.is("a") && t.line == 3), "the name of a lifetime is a word");
    }

    #[test]
    fn test_code_is_marked() {
        let tokens = lex(
            "fn a() { x }\n#[cfg(test)]\nmod tests { fn y() {} }\n#[cfg(not(test))]\nfn z() {}\n#[cfg(test)]\nuse w;\nfn v() {}",
        );
        let test = |name: &str| tokens.iter().find(|t| t.is(name)).unwrap().test;
        assert_eq!(["x", "y", "z", "w", "v"].map(test), [false, true, false, true, false]);
    }
}
