//! `credential_list`: named connections that models refer to by `litellm_credential_name`.

use super::node::{Entry, Node, Value};
use super::problem::{Problems, nearest};
use super::section::Section;

/// Credentials by name.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    list: Vec<(String, Vec<Entry>)>,
    /// There may be more of them, which are not known yet.
    unread: bool,
}

impl Credentials {
    /// Reads the list. With `unread` there may be more of them elsewhere.
    pub(crate) fn read(items: &[Node], problems: &Problems, unread: bool) -> Self {
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let Some(section) = Section::open(item, format!("credential_list[{at}]"), problems) else { continue };
            let name = section.text("credential_name");
            let values = section.section("credential_values");
            section.accept("credential_info");
            section.finish();
            match (name, values) {
                (Some(name), Some(values)) => list.push((name, values.entries().to_vec())),
                _ => problems.error(
                    section.mark(),
                    format!("credential_list[{at}]"),
                    "a credential needs a credential_name and credential_values",
                ),
            }
        }
        Self { list, unread }
    }

    /// Adds credentials; those of the same name go.
    pub(crate) fn put(&mut self, name: &str, values: Vec<Entry>) {
        self.list.retain(|(known, _)| known != name);
        self.list.push((name.to_owned(), values));
    }

    /// The parameters, with those of the credential that they name added where they say nothing themselves.
    pub(crate) fn fill(&self, params: &[Entry], path: &str, problems: &Problems) -> Vec<Entry> {
        let mut out = params.to_vec();
        let Some(named) = params.iter().find(|e| e.key == "litellm_credential_name" && !e.node.is_null()) else {
            return out;
        };
        let name = named.node.text().unwrap_or_default();
        let Some((_, values)) = self.list.iter().find(|(n, _)| n == name) else {
            if self.unread {
                return out;
            }
            let hint = nearest(name, self.list.iter().map(|(n, _)| n.as_str())).map(|n| format!("did you mean `{n}`?"));
            let message = format!("credential_list has no credential {name:?}");
            let severity = super::problem::Severity::Error;
            problems.push(severity, &named.node.mark, format!("{path}.litellm_credential_name"), message, hint);
            return out;
        };
        for value in values {
            match out.iter_mut().find(|e| e.key == value.key) {
                Some(own) if matches!(own.node.value, Value::Null) => own.node = value.node.clone(),
                Some(_) => {}
                None => out.push(value.clone()),
            }
        }
        out
    }
}
