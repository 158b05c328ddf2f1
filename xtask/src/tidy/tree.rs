//! The files of the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::lexer::{Token, lex};

/// Names that hold no source. `.git` is a file in a second work tree.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "__pycache__"];

/// A text file of the workspace.
#[derive(Debug)]
pub(crate) struct File {
    /// Below the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    /// It ends so.
    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == extension)
    }

    /// One of its folders is called so.
    pub(crate) fn below(&self, folder: &str) -> bool {
        self.folders().any(|f| f == folder)
    }

    /// Written by a generator or taken from elsewhere.
    pub(crate) fn is_material(&self) -> bool {
        self.below("generated") || self.below("fixtures")
    }

    /// Only tests, benchmarks and examples see it; suites that crates offer to each other's tests too.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next();
        ["tests", "benches", "examples", "fixtures"].iter().any(|f| self.below(f))
            || matches!(name, Some("tests.rs" | "testing.rs" | "conformance.rs"))
    }

    /// Its Rust tokens.
    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        lex(&self.text)
    }

    fn folders(&self) -> impl Iterator<Item = &str> {
        let mut parts = self.path.split('/');
        parts.next_back();
        parts
    }
}

/// All text files below `root`, sorted by path. Other files are not for reading.
pub(crate) fn files(root: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            if SKIPPED.iter().any(|s| *s == name) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Some(text) = text(&entry.path())?
            {
                found.push(File::new(&relative(root, &entry.path()), text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Its content, unless that is binary or the file went away meanwhile.
fn text(path: &Path) -> Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().filter(|t| !t.contains('\0'))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| path.display().to_string()),
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let below: PathBuf = path.strip_prefix(root).unwrap_or(path).components().collect();
    below.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_know_what_they_are() {
        let file = |path: &str| File::new(path, "");
        assert!(file("crates/a/src/generated/rows.rs").is_material());
        assert!(!file("crates/a/src/generated.rs").is_material());
        assert!(file("crates/a/tests/x.rs").is_test() && file("crates/a/src/b/tests.rs").is_test());
        assert!(!file("crates/a/src/contests.rs").is_test());
        assert!(file("a.rs").is("rs") && !file("rs").is("rs"));
    }

    #[test]
    fn this_workspace_has_files() {
        let files = files(&crate::generated::root()).unwrap();
        assert!(files.iter().any(|f| f.path == "xtask/src/tidy/tree.rs"));
        assert!(!files.iter().any(|f| f.path.starts_with("target/")));
    }
}
