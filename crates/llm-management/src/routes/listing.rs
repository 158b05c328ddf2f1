//! Lists of LiteLLM's newer kind over rows of the store, below `/management/v1`.

use chrono::{DateTime, NaiveDateTime, Utc};
use llm_accounts::Outcome;
use llm_store::{Filter, ListQuery, Listing};
use llm_types::Json;

use crate::call::Call;
use crate::lists::{self, ListPage, refused};

/// What a filter's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Time,
}

/// What can be asked of a list.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) path: &'static str,
    pub(crate) sortable: &'static [&'static str],
    /// The text column that `q` looks in.
    pub(crate) searched: &'static str,
    pub(crate) filters: &'static [(&'static str, Kind, &'static [&'static str])],
    /// The order of lists that name none; it falls.
    pub(crate) newest: &'static str,
    pub(crate) size: u32,
    pub(crate) largest: u32,
}

impl Spec {
    /// The page that the query asks for.
    ///
    /// # Errors
    /// 400 for what the list does not know, for what stands twice, and for values of the wrong kind; 422 for pages that are no
    /// numbers.
    pub(crate) fn read(&self, call: &Call) -> Outcome<ListQuery> {
        let mut filter = Filter::new();
        lists::once(&call.query)?;
        for (name, value) in &call.query {
            match name.as_str() {
                "page" | "page_size" | "sort" => {}
                "q" if value.is_empty() => {}
                "q" => filter = filter.contains(self.searched, value),
                _ => filter = self.filter(filter, name, value)?,
            }
        }
        let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", self.size, 1)?.min(self.largest));
        let mut query = ListQuery::page(filter, page, size);
        for (column, falls) in lists::sort_keys(call.text("sort"), self.sortable)? {
            if query.sort.iter().any(|(before, _)| before == column) {
                return Err(refused("sort", format!("`{column}` stands twice")).into());
            }
            query = query.sorted(column, falls);
        }
        Ok(if query.sort.is_empty() { query.sorted(self.newest, true) } else { query })
    }

    fn filter(&self, filter: Filter, name: &str, value: &str) -> Outcome<Filter> {
        let inner = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']'));
        let parts = inner.map(|inner| inner.split_once("][").unwrap_or((inner, "eq")));
        let known = parts.and_then(|(field, op)| {
            let (column, kind, ops) = self.filters.iter().find(|(known, ..)| *known == field)?;
            Some((*column, *kind, *ops.iter().find(|known| **known == op)?))
        });
        let Some((column, kind, op)) = known else {
            let filters = self
                .filters
                .iter()
                .flat_map(|(field, _, ops)| ops.iter().map(move |op| format!("filter[{field}][{op}]")));
            let known: Vec<String> =
                ["page", "page_size", "sort", "q"].map(str::to_owned).into_iter().chain(filters).collect();
            return Err(lists::unknown(name, &known).into());
        };
        match (op, kind) {
            ("is_null", _) => {
                let null = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(refused(name, "must be true or false").into()),
                };
                Ok(filter.null(column, null))
            }
            ("in", _) => Ok(filter.any_of(column, value.split(',').map(|item| item.trim().to_owned()).collect())),
            (_, Kind::Number) => {
                let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| refused(name, "must be a number"))?;
                Ok(if op == "gte" { filter.at_least(column, number) } else { filter.at_most(column, number) })
            }
            (_, Kind::Time) => {
                let time = time(value).ok_or_else(|| refused(name, "must be a time, such as 2026-01-31T12:00:00Z"))?;
                Ok(if op == "gte" { filter.at_least(column, time) } else { filter.at_most(column, time) })
            }
            (_, Kind::Text) => Ok(filter.is(column, value.to_owned())),
        }
    }

    /// The page with what tells of the others.
    pub(crate) fn shown<T>(&self, call: &Call, query: &ListQuery, listing: &Listing<T>, rows: Vec<Json>) -> Json {
        let size = query.size.unwrap_or(self.size).into();
        ListPage { path: self.path, query: &call.query, page: query.page.into(), size }.counted(rows, listing.total)
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    let naive = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    zoned.or_else(|| Some(naive().or_else(day)?.and_utc()))
}
