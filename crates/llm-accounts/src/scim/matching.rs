//! Which resources and values a filter means. Names of attributes know no case, texts neither unless they are ids.

use std::cmp::Ordering;

use llm_types::Json;

use super::path::{Filter, Op};

/// An attribute of an object, whatever the case of its name.
pub(crate) fn attribute<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    json.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

impl Filter {
    /// True when the resource, or the value of an attribute, fits.
    pub(crate) fn fits(&self, json: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.fits(json)),
            Self::Any(parts) => parts.iter().any(|part| part.fits(json)),
            Self::Not(inner) => !inner.fits(json),
            Self::Has(path, inner) => values(json, path).into_iter().any(|value| inner.fits(value)),
            Self::Test(path, op, wanted) => {
                let exact = path.last().is_some_and(|name| exact(name, wanted));
                let found = values(json, path);
                match op {
                    Op::Present => found.into_iter().any(present),
                    Op::NotEqual => !found.into_iter().any(|value| compare(value, Op::Equal, wanted, exact)),
                    // "eq null" asks for what is not there.
                    Op::Equal if wanted.is_null() => !found.into_iter().any(present),
                    _ => found.into_iter().any(|value| compare(value, *op, wanted, exact)),
                }
            }
        }
    }
}

/// Ids are compared as they are written.
fn exact(name: &str, wanted: &Json) -> bool {
    ["id", "externalId", "$ref"].iter().any(|id| id.eq_ignore_ascii_case(name))
        || name.eq_ignore_ascii_case("value") && !wanted.as_str().is_some_and(|text| text.contains('@'))
}

fn present(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

/// The values at a path; lists count as their items.
fn values<'j>(json: &'j Json, path: &[String]) -> Vec<&'j Json> {
    let mut found = vec![json];
    for name in path {
        found = found.into_iter().filter_map(|value| attribute(value, name)).flat_map(items).collect();
    }
    found
}

fn items(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn compare(value: &Json, op: Op, wanted: &Json, exact: bool) -> bool {
    // `emails eq "x"` means the value of the e-mail.
    let value = if value.as_object().is_some() { attribute(value, "value").unwrap_or(value) } else { value };
    let order = match (value, wanted) {
        (Json::String(have), Json::String(want)) => {
            let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
            let (have, want) = (fold(have), fold(want));
            match op {
                Op::Contains => return have.contains(&want),
                Op::Starts => return have.starts_with(&want),
                Op::Ends => return have.ends_with(&want),
                _ => Some(have.cmp(&want)),
            }
        }
        (Json::Bool(have), Json::Bool(want)) => (have == want).then_some(Ordering::Equal),
        (Json::Bool(have), Json::String(want)) => {
            have.to_string().eq_ignore_ascii_case(want).then_some(Ordering::Equal)
        }
        (Json::Number(_), Json::Number(_)) => value.as_f64().partial_cmp(&wanted.as_f64()),
        _ => None,
    };
    match op {
        Op::Equal => order == Some(Ordering::Equal),
        Op::Greater => order == Some(Ordering::Greater),
        Op::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Less => order == Some(Ordering::Less),
        Op::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::NotEqual | Op::Present | Op::Contains | Op::Starts | Op::Ends => false,
    }
}
