//! Files of a configuration, and those they include.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::node::{Entry, Node, Value};
use super::problem::{Mark, Problems};
use super::yaml;

/// Reads a file and all it includes into one tree.
///
/// Paths are relative to the including file. Lists of an included file are appended, maps merged; a single value of the
/// included file wins, with a warning. Nothing comes back when a file cannot be read or is no map.
pub(crate) fn read(path: &Path, problems: &Problems) -> Option<Node> {
    let mut stack = Vec::new();
    file(path, &mut stack, &Mark::whole(path.to_string_lossy()), problems)
}

/// Reads a text that is no file; it may include files relative to `folder`.
pub(crate) fn read_text(text: &str, name: &str, folder: &Path, problems: &Problems) -> Option<Node> {
    parsed(text, &Arc::from(name), folder, &mut Vec::new(), problems)
}

fn file(path: &Path, stack: &mut Vec<PathBuf>, from: &Mark, problems: &Problems) -> Option<Node> {
    let shown: Arc<str> = Arc::from(path.to_string_lossy());
    let key = if stack.is_empty() { "" } else { "include" };
    let text = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            problems.error(from, key, format!("cannot read {shown}: {e}"));
            return None;
        }
    };
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        Err(e) => {
            let line = 1 + e.as_bytes().iter().take(e.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
            let mark = Mark { file: shown, line: u32::try_from(line).unwrap_or(u32::MAX), column: 1 };
            problems.error(&mark, "", "the file is not UTF-8");
            return None;
        }
    };
    let identity = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if stack.contains(&identity) {
        problems.error(from, key, format!("{shown} includes itself"));
        return None;
    }
    stack.push(identity);
    let node = parsed(&text, &shown, path.parent().unwrap_or(Path::new("")), stack, problems);
    stack.pop();
    node
}

fn parsed(text: &str, name: &Arc<str>, folder: &Path, stack: &mut Vec<PathBuf>, problems: &Problems) -> Option<Node> {
    let mut node = yaml::parse(text, name, problems)?;
    if node.is_null() {
        problems.warn(&Mark::whole(Arc::clone(name)), "", "the file is empty");
        node.value = Value::Map(Vec::new());
    }
    let Value::Map(entries) = &mut node.value else {
        problems.error(&node.mark, "", format!("expected a map of sections, found {}", node.kind()));
        return None;
    };
    let Some(at) = entries.iter().position(|e| e.key == "include") else { return Some(node) };
    let include = entries.remove(at).node;
    let Value::List(paths) = include.value else {
        problems.error(&include.mark, "include", format!("expected a list of files, found {}", include.kind()));
        return None;
    };
    for (at, path) in paths.iter().enumerate() {
        let Some(text) = path.text() else {
            problems.error(&path.mark, format!("include[{at}]"), format!("expected a file, found {}", path.kind()));
            return None;
        };
        let Value::Map(more) = file(&folder.join(text), stack, &path.mark, problems)?.value else { return None };
        merge(entries, more, "", problems);
    }
    Some(node)
}

fn merge(into: &mut Vec<Entry>, more: Vec<Entry>, path: &str, problems: &Problems) {
    for entry in more {
        let Some(old) = into.iter_mut().find(|e| e.key == entry.key) else {
            into.push(entry);
            continue;
        };
        let key = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        match (&mut old.node.value, entry.node.value) {
            (Value::List(items), Value::List(more)) => items.extend(more),
            (Value::Map(entries), Value::Map(more)) => merge(entries, more, &key, problems),
            (old_value, value) => {
                if *old_value != value && !matches!(old_value, Value::Null) {
                    let place = format!("{}:{}", old.node.mark.file, old.node.mark.line);
                    problems.warn(&entry.node.mark, key, format!("this replaces the value of {place}"));
                }
                *old_value = value;
                old.node.mark = entry.node.mark;
                old.mark = entry.mark;
            }
        }
    }
}
