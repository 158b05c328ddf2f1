//! `cargo xtask tidy`: the house rules that a compiler does not know.
//!
//! - `arrows`: a crate uses only crates of lower shelves; crates of knowledge reach no I/O.
//! - `style`: sizes of files, names that say nothing, exceptions without reasons.
//! - `places`: provider ids, outbound clients and machine paths where they do not belong.

mod arrows;
mod lexer;
mod places;
mod style;
mod tree;

use std::fmt;
use std::io::Write;

use anyhow::{Context as _, Result, bail};

use crate::generated::root;
use tree::File;

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
    /// To be told, not to fail on.
    warning: bool,
}

impl Finding {
    fn new(file: &File, line: usize, message: String) -> Self {
        Self { path: file.path.clone(), line, message, warning: false }
    }

    /// At the first line of the file at `path` that starts with `text`.
    fn at_text(path: &str, text: &str, message: String) -> Self {
        let content = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        let line = content.lines().position(|line| line.starts_with(text)).map_or(1, |at| at + 1);
        Self { path: path.to_owned(), line, message, warning: false }
    }

    fn warning(self) -> Self {
        Self { warning: true, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, message, warning } = self;
        write!(f, "{path}:{line}: {}{message}", if *warning { "warning: " } else { "" })
    }
}

/// Prints every breach as `file:line: what`.
///
/// # Errors
/// When there is one that is no warning.
pub(crate) fn run(out: &mut impl Write) -> Result<()> {
    let mut found = arrows::check(&arrows::packages()?);
    let table = std::fs::read_to_string(root().join("data/providers.toml")).context("data/providers.toml")?;
    let ids = places::provider_ids(&table)?;
    for file in tree::files(&root())? {
        found.extend(check(&file, &ids));
    }
    found.extend(stale()?);
    found.sort();
    for finding in &found {
        writeln!(out, "{finding}")?;
    }
    let breaches = found.iter().filter(|f| !f.warning).count();
    writeln!(out, "tidy: {breaches} breaches, {} warnings", found.len() - breaches)?;
    if breaches > 0 {
        bail!("not tidy");
    }
    Ok(())
}

fn check(file: &File, ids: &std::collections::BTreeSet<String>) -> Vec<Finding> {
    let tokens = if file.is("rs") { file.tokens() } else { Vec::new() };
    let mut found = style::names(file, &tokens);
    found.extend(style::size(file));
    found.extend(style::functions(file, &tokens));
    found.extend(style::allows(file, &tokens));
    found.extend(places::provider_literals(file, &tokens, ids));
    found.extend(places::clients(file, &tokens));
    found.extend(places::machine_paths(file));
    found
}

/// Generated files that are not what the generators make now.
fn stale() -> Result<Vec<Finding>> {
    let files = crate::generate()?;
    let stale = crate::generated::stale(&files).into_iter();
    let told = |path: &std::path::Path| Finding {
        path: path.display().to_string(),
        line: 1,
        message: "stale: run `cargo xtask codegen`".to_owned(),
        warning: false,
    };
    Ok(stale.map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_file_and_line() {
        let file = File::new("crates/a/src/util.rs", "#[allow(dead_code)]\nfn f() {}\n");
        let found: Vec<_> = check(&file, &["acme".to_owned()].into()).iter().map(Finding::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/a/src/util.rs:1: \"util\" in a file name says nothing",
                "crates/a/src/util.rs:1: an allow without a reason",
            ]
        );
        let long = File::new("a.rs", "\n".repeat(350));
        assert_eq!(check(&long, &[].into())[0].to_string(), "a.rs:300: warning: 350 lines; split it before 400");
    }

    #[test]
    fn a_breach_of_the_arrows_is_found_in_the_manifest() {
        let finding = Finding::at_text("xtask/Cargo.toml", "clap", "x".into());
        let text = std::fs::read_to_string(root().join("xtask/Cargo.toml")).unwrap();
        assert!(text.lines().nth(finding.line - 1).unwrap().starts_with("clap"));
    }
}
