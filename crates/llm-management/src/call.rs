//! What a route is given.

use std::net::IpAddr;
use std::sync::Arc;

use llm_accounts::{Accounts, Actor, FieldProblem, Identity, Outcome, PageQuery, Problem};
use llm_types::Json;

use crate::login::SsoSettings;

/// A call of a management route whose caller may make it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The accounts.
    pub accounts: Accounts,
    /// Who calls.
    pub who: Arc<Identity>,
    /// The `litellm-changed-by` header.
    pub changed_by: Option<String>,
    /// Where the request comes from, if that is known.
    pub source: Option<IpAddr>,
    /// The identity provider that people log in at.
    pub sso: Option<Arc<SsoSettings>>,
    /// The query, in order.
    pub query: Vec<(String, String)>,
    /// The `{...}` segments of the path, by name.
    pub segments: Vec<(String, String)>,
    /// The body; null when there is none.
    pub body: Json,
}

impl Call {
    /// Who makes the changes.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        Actor { who: &self.who, changed_by: self.changed_by.as_deref() }
    }

    /// The body; no body is an empty object, for calls whose every field has a default.
    #[must_use]
    pub fn body_or_empty(&self) -> Json {
        if self.body.is_null() { Json::Object(Vec::new()) } else { self.body.clone() }
    }

    /// The `page`, the size (under the name it has here) and the order that the query asks for.
    ///
    /// # Errors
    /// 422 for what are no numbers.
    pub fn page(&self, size: &'static str, default: u32) -> Outcome<PageQuery> {
        Ok(PageQuery {
            page: self.number("page", 1, 1)?,
            size: self.number(size, default, 1)?,
            sort: self.owned("sort_by").map(|column| (column, self.text("sort_order") == Some("desc"))),
        })
    }

    /// A list of the query, its items separated by commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let items = self.text(name).unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(str::to_owned).collect()
    }

    /// The first `{...}` segment of the path.
    #[must_use]
    pub fn segment(&self) -> Option<&str> {
        self.segments.first().map(|(_, value)| value.as_str())
    }

    /// The same; empty for a path without one.
    #[must_use]
    pub fn named(&self) -> &str {
        self.segment().unwrap_or_default()
    }

    /// The `{name}` segment of the path.
    #[must_use]
    pub fn part(&self, name: &str) -> &str {
        self.segments.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A text of the query; an empty one counts as absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// The same, owned.
    #[must_use]
    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A text of the query that must be there.
    ///
    /// # Errors
    /// 422 without it.
    pub fn needed(&self, name: &'static str) -> Outcome<&str> {
        self.text(name).ok_or_else(|| wrong(name, "missing", "Field required", Json::Null))
    }

    /// A truth value of the query.
    ///
    /// # Errors
    /// 422 for another word.
    pub fn flag(&self, name: &'static str, default: bool) -> Outcome<bool> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some("false" | "0" | "no" | "off") => Ok(false),
            Some(other) => Err(wrong(
                name,
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
                Json::from(other),
            )),
        }
    }

    /// A whole number of the query, at least `least`.
    ///
    /// # Errors
    /// 422 for anything else.
    pub fn number(&self, name: &'static str, default: u32, least: u32) -> Outcome<u32> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let input = || Json::from(text);
        let number: u32 = text.parse().map_err(|_| {
            wrong(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", input())
        })?;
        if number < least {
            return Err(wrong(name, "greater_than_equal", "Input should be greater than or equal to 1", input()));
        }
        Ok(number)
    }

    /// A whole number of the query from 1 to `most`: how much of a list is wanted.
    ///
    /// # Errors
    /// 422 for anything else.
    pub fn up_to(&self, name: &'static str, default: u32, most: u32) -> Outcome<u32> {
        let number = self.number(name, default, 1)?;
        if number <= most {
            return Ok(number);
        }
        let message = "Input should not be larger than what this list gives at once";
        Err(wrong(name, "less_than_equal", message, Json::from(number)))
    }

    /// An amount of the query.
    ///
    /// # Errors
    /// 422 for anything that is not a number.
    pub fn amount(&self, name: &'static str) -> Outcome<Option<f64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let message = "Input should be a valid number, unable to parse string as a number";
        text.parse().map(Some).map_err(|_| wrong(name, "float_parsing", message, Json::from(text)))
    }
}

/// The problem of a query field. The name is marked, so the answer says `query` instead of `body`.
fn wrong(name: &str, kind: &'static str, message: &'static str, input: Json) -> Problem {
    Problem::Fields(vec![FieldProblem { field: format!("{}{name}", crate::answer::QUERY), kind, message, input }])
}
