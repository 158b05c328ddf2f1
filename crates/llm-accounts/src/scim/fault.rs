//! What a SCIM call may be refused with (RFC 7644, 3.12), carried as the errors of other calls are.

use llm_types::{Error, Kind};

use crate::Problem;

/// A refusal: a status, the `scimType` where there is one, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) kind: Option<&'static str>,
    pub(crate) detail: String,
}

impl Fault {
    fn new(status: u16, kind: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into() }
    }

    pub(crate) fn path(text: &str) -> Self {
        Self::new(400, Some("invalidPath"), format!("Not a path: {}", short(text)))
    }

    pub(crate) fn filter(text: &str) -> Self {
        Self::new(400, Some("invalidFilter"), format!("Not a filter: {}", short(text)))
    }

    pub(crate) fn no_target(detail: impl Into<String>) -> Self {
        Self::new(400, Some("noTarget"), detail)
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidSyntax"), detail)
    }

    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::new(400, Some("invalidValue"), detail)
    }

    pub(crate) fn read_only(name: &str) -> Self {
        Self::new(400, Some("mutability"), format!("{name} cannot be changed"))
    }

    pub(crate) fn taken(detail: impl Into<String>) -> Self {
        Self::new(409, Some("uniqueness"), detail)
    }

    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self::new(404, None, format!("{what} not found with ID: {id}"))
    }
}

/// What a message repeats of a client's text.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let kind = match fault.status {
            404 => Kind::NotFound,
            _ => Kind::BadRequest,
        };
        let mut error = Error::new(kind, fault.detail).with_status(fault.status);
        if let Some(kind) = fault.kind {
            error = error.with_type(kind);
        }
        error.into()
    }
}
