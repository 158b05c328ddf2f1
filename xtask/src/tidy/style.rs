//! Sizes, names, reasons.

use super::Finding;
use super::lexer::{Kind, Token, attribute_end, item_end};
use super::tree::File;

/// Longer files are refused; files beyond [`LONG`] lines are pointed at.
const TOO_LONG: usize = 400;
/// A file of this length should be two.
const LONG: usize = 300;

/// A function of this length should be two.
const LONG_FUNCTION: usize = 60;

/// Names that say nothing, in the singular.
const BANNED: &[&str] = &["util", "helper", "common", "misc", "manager", "handler", "processor"];

/// How long a file of code is.
pub(crate) fn size(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let code = file.is("rs") || file.is("py");
    if !code || file.is_material() || lines <= LONG {
        return None;
    }
    if lines > TOO_LONG {
        return Some(Finding::new(file, TOO_LONG, format!("{lines} lines; a file has at most {TOO_LONG}")));
    }
    (!file.is_test()).then(|| Finding::new(file, LONG, format!("{lines} lines; split it before {TOO_LONG}")).warning())
}

/// Functions that are too long to be read at once.
pub(crate) fn functions(file: &File, tokens: &[Token<'_>]) -> Vec<Finding> {
    if file.is_material() || file.is_test() {
        return Vec::new();
    }
    let code: Vec<_> = tokens.iter().filter(|t| t.kind != Kind::Comment).copied().collect();
    let starts = code.windows(2).enumerate().filter_map(|(at, pair)| match pair {
        [keyword, name] if keyword.is("fn") && name.kind == Kind::Word && !name.test => Some((at, *name)),
        _ => None,
    });
    let long = starts.filter_map(|(at, name)| {
        let end = item_end(&code, at);
        let last = code.get(end.checked_sub(1)?)?;
        let lines = last.line + 1 - name.line;
        let told = || Finding::new(file, name.line, format!("{} has {lines} lines; split it", name.text)).warning();
        (lines > LONG_FUNCTION).then(told)
    });
    long.collect()
}

/// File names and names of types and modules that say nothing.
pub(crate) fn names(file: &File, tokens: &[Token<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    if !file.is_material() {
        let banned = file.path.split('/').find_map(|part| banned(part.split('.').next().unwrap_or(part)));
        found.extend(banned.map(|word| Finding::new(file, 1, format!("{word:?} in a file name says nothing"))));
    }
    if file.below("generated") {
        return found;
    }
    for pair in tokens.windows(2) {
        let [keyword, name] = pair else { continue };
        let declares = ["struct", "enum", "trait", "type", "union", "mod"].iter().any(|k| keyword.is(k));
        if declares
            && name.kind == Kind::Word
            && let Some(word) = banned(name.text)
        {
            found.push(Finding::new(file, name.line, format!("{word:?} in the name {:?} says nothing", name.text)));
        }
    }
    found
}

fn banned(name: &str) -> Option<&'static str> {
    let words = words(name);
    BANNED.iter().find(|b| words.iter().any(|w| w == *b || w.strip_suffix('s') == Some(b))).copied()
}

/// `HTTPServer_kind` → `http`, `server`, `kind`; roughly.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase() || c.is_numeric();
        if let Some(last) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            last.extend(c.to_lowercase());
        }
    }
    words
}

/// `#[allow(..)]` without `reason = ".."` and without a comment above or beside it.
pub(crate) fn allows(file: &File, tokens: &[Token<'_>]) -> Vec<Finding> {
    if file.below("generated") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some(end) = attribute_end(tokens, at) else { continue };
        let attribute = tokens.get(at..end).unwrap_or_default();
        let allows = attribute.windows(2).any(|pair| matches!(pair, [a, b] if a.is("allow") && b.is("(")));
        let first = attribute.first().map_or(1, |t| t.line);
        let last = attribute.last().map_or(1, |t| t.line);
        let commented = |t: &Token<'_>| {
            let ends = t.line + t.text.matches('\n').count();
            t.kind == Kind::Comment && !is_doc(t.text) && ends + 1 >= first && t.line <= last
        };
        if allows && !attribute.iter().any(|t| t.is("reason")) && !tokens.iter().any(commented) {
            found.push(Finding::new(file, first, "an allow without a reason".to_owned()));
        }
    }
    found
}

fn is_doc(comment: &str) -> bool {
    ["///", "//!", "/**", "/*!"].iter().any(|start| comment.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, count: usize) -> Option<(bool, usize)> {
        size(&File::new(path, "x\n".repeat(count))).map(|f| (f.warning, f.line))
    }

    #[test]
    fn long_files_are_named() {
        assert_eq!(lines("crates/a/src/b.rs", 300), None);
        assert_eq!(lines("crates/a/src/b.rs", 301), Some((true, 300)));
        assert_eq!(lines("crates/a/src/b.rs", 401), Some((false, 400)));
        assert_eq!(lines("crates/a/tests/b.rs", 350), None);
        assert_eq!(lines("crates/a/tests/b.rs", 401), Some((false, 400)));
        assert_eq!(lines("crates/a/src/generated/b.rs", 9000), None);
        assert_eq!(lines("data/models.jsonl", 9000), None);
    }

    #[test]
    fn long_functions_are_pointed_at() {
        let body =
            |lines: usize| format!("fn short() {{}}\nfn long(a: [u8; 2]) -> u8 {{\n{}}}\n", "    // x\n".repeat(lines));
        let found = |path: &str, lines: usize| {
            let file = File::new(path, body(lines));
            functions(&file, &file.tokens()).iter().map(|f| (f.warning, f.line)).collect::<Vec<_>>()
        };
        assert_eq!(found("crates/a/src/b.rs", 58), []);
        assert_eq!(found("crates/a/src/b.rs", 59), [(true, 2)]);
        assert_eq!(found("crates/a/tests/b.rs", 90), []);
    }

    fn named(path: &str, source: &str) -> Vec<usize> {
        let file = File::new(path, source);
        names(&file, &file.tokens()).into_iter().map(|f| f.line).collect()
    }

    #[test]
    fn empty_words_are_no_names() {
        assert_eq!(named("src/utils.rs", ""), [1]);
        assert_eq!(named("common/mod.rs", ""), [1]);
        assert_eq!(named("src/retry_helper.rs", ""), [1]);
        assert_eq!(named("src/commonplace.rs", "struct Utility; // a manager"), Vec::<usize>::new());
        assert_eq!(named("a.rs", "\nstruct KeyManager;\nenum HandlerKind {}\nmod misc {}"), [2, 3, 4]);
        assert_eq!(named("a.rs", "fn f() { let handler = \"struct Manager\"; }"), Vec::<usize>::new());
        assert_eq!(named("a/fixtures/handler.json", ""), Vec::<usize>::new());
    }

    #[test]
    fn words_of_names() {
        assert_eq!(words("retry_helper"), ["retry", "helper"]);
        assert_eq!(words("KeyManager"), ["key", "manager"]);
    }

    fn unreasoned(source: &str) -> Vec<usize> {
        let file = File::new("a.rs", source);
        allows(&file, &file.tokens()).into_iter().map(|f| f.line).collect()
    }

    #[test]
    fn exceptions_have_reasons() {
        assert_eq!(unreasoned("\n#[allow(dead_code)]\nfn a() {}"), [2]);
        assert_eq!(unreasoned("/// Docs are no reason.\n#[allow(dead_code)]\nfn a() {}"), [2]);
        assert_eq!(unreasoned("#![cfg_attr(test, allow(dead_code))]"), [1]);
        assert_eq!(unreasoned("#[allow(dead_code, reason = \"later\")]\nfn a() {}"), Vec::<usize>::new());
        assert_eq!(unreasoned("// tests may panic\n#![allow(\n    clippy::panic,\n)]"), Vec::<usize>::new());
        assert_eq!(unreasoned("#[allow(dead_code)] // the next step uses it\nfn a() {}"), Vec::<usize>::new());
        assert_eq!(unreasoned("#[derive(Debug)]\nstruct A;\nfn allow() { allow(1) }"), Vec::<usize>::new());
    }
}
