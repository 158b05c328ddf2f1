//! What is wrong with a configuration: a list, each entry with its place.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The gateway does not start.
    Error,
    /// The gateway starts; something is not as its operator may think.
    Warning,
}

/// A place in a file. Lines and columns count from 1; 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The file as it was named; `environment` and `command line` for what comes from there.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Mark {
    /// A whole file, or something that is no file.
    #[must_use]
    pub fn whole(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), line: 0, column: 0 }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub mark: Mark,
    /// The key, as a path: `model_list[0].litellm_params.model`.
    pub key: String,
    /// What is wrong. Holds no secrets.
    pub message: String,
    /// What was probably meant, or what to do.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mark.file)?;
        if self.mark.line > 0 {
            write!(f, ":{}:{}", self.mark.line, self.mark.column)?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(s) => write!(f, " ({s})"),
            None => Ok(()),
        }
    }
}

/// The problems found so far. Shared by everyone who reads the configuration.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds an error.
    pub fn error(&self, mark: &Mark, key: impl Into<String>, message: impl Into<String>) {
        self.push(Severity::Error, mark, key.into(), message.into(), None);
    }

    /// Adds an error, with what to do.
    pub fn error_hint(&self, mark: &Mark, key: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Error, mark, key.into(), message.into(), Some(hint.into()));
    }

    /// Adds a warning.
    pub fn warn(&self, mark: &Mark, key: impl Into<String>, message: impl Into<String>) {
        self.push(Severity::Warning, mark, key.into(), message.into(), None);
    }

    /// Adds a warning, with what to do.
    pub fn warn_hint(&self, mark: &Mark, key: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, mark, key.into(), message.into(), Some(hint.into()));
    }

    /// Adds a problem.
    pub fn push(&self, severity: Severity, mark: &Mark, key: String, message: String, suggestion: Option<String>) {
        let problem = Problem { severity, mark: mark.clone(), key, message, suggestion };
        let mut list = self.0.borrow_mut();
        if !list.contains(&problem) {
            list.push(problem);
        }
    }

    /// True when something stops the start.
    #[must_use]
    pub fn fatal(&self) -> bool {
        self.0.borrow().iter().any(|p| p.severity == Severity::Error)
    }

    /// The list: errors first, each kind in the order of files and lines.
    #[must_use]
    pub fn into_list(self) -> Vec<Problem> {
        let mut list = self.0.into_inner();
        let mut files: Vec<Arc<str>> = Vec::new();
        for p in &list {
            if !files.contains(&p.mark.file) {
                files.push(Arc::clone(&p.mark.file));
            }
        }
        let file = |p: &Problem| files.iter().position(|f| *f == p.mark.file);
        list.sort_by_key(|p| (p.severity, file(p), p.mark.line, p.mark.column));
        list
    }
}

/// The known name that is nearest to what was written, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match written.len() {
        0..=2 => 0,
        3..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    let near = known.into_iter().map(|k| (distance(k, written), k)).min_by_key(|(d, _)| *d)?;
    (near.0 > 0 && near.0 <= allowed).then_some(near.1)
}

/// Edits (insert, delete, replace, swap neighbours) that turn one name into the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.to_lowercase().chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    let at =
        |rows: &[Vec<usize>], i: usize, j: usize| rows.get(i).and_then(|r| r.get(j)).copied().unwrap_or(usize::MAX / 2);
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let before = row.last().copied().unwrap_or_default();
            let mut best = (at(&rows, i, j) + usize::from(x != y)).min(before + 1).min(at(&rows, i, j + 1) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&rows, i - 1, j - 1) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    at(&rows, a.len(), b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let known = ["api_key", "api_base", "model", "rpm", "tpm"];
        assert_eq!(nearest("api_kye", known), Some("api_key"));
        assert_eq!(nearest("apibase", known), Some("api_base"));
        assert_eq!(nearest("modle", known), Some("model"));
        assert_eq!(nearest("temperature", known), None);
        assert_eq!(nearest("API_KEY", known), None, "the same but for case: distance 0 is not a suggestion");
    }

    #[test]
    fn problems_are_ordered_and_printed() {
        let problems = Problems::default();
        let mark = |line| Mark { file: "a.yaml".into(), line, column: 3 };
        problems.warn(&mark(1), "x", "odd");
        problems.error_hint(&mark(9), "y[0].z", "wrong", "did you mean `w`?");
        problems.error_hint(&mark(9), "y[0].z", "wrong", "did you mean `w`?");
        problems.error(&Mark::whole("a.yaml"), "", "missing");
        let text: Vec<_> = problems.into_list().iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "a.yaml: error: missing",
                "a.yaml:9:3: error: y[0].z: wrong (did you mean `w`?)",
                "a.yaml:1:3: warning: x: odd"
            ]
        );
    }
}
