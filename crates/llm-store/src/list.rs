//! In which order, which page. Column names are checked against the table before they reach SQL.

use crate::error::Result;
use crate::filter::Filter;
use crate::sql::Sql;
use crate::table::Table;

/// What to list.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which rows.
    pub filter: Filter,
    /// Sort columns, first counts most; `true` is descending. The key breaks ties. NULLs come last.
    pub sort: Vec<(String, bool)>,
    /// Page number, from 1.
    pub page: u32,
    /// Rows on a page. `None`: all rows, on one page.
    pub size: Option<u32>,
    /// Rows before the first page that are left out.
    pub skip: u64,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { filter: Filter::new(), sort: Vec::new(), page: 1, size: None, skip: 0 }
    }
}

impl ListQuery {
    /// All rows the filter lets through.
    #[must_use]
    pub fn all(filter: Filter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// One page of them.
    #[must_use]
    pub fn page(filter: Filter, page: u32, size: u32) -> Self {
        Self { filter, page, size: Some(size), ..Self::default() }
    }

    /// `size` rows behind the first `skip`.
    #[must_use]
    pub fn window(filter: Filter, skip: u64, size: u32) -> Self {
        Self { filter, size: Some(size), skip, ..Self::default() }
    }

    /// Adds a sort column.
    #[must_use]
    pub fn sorted(mut self, column: &str, descending: bool) -> Self {
        self.sort.push((column.to_owned(), descending));
        self
    }

    /// Writes ` ORDER BY ... LIMIT ... OFFSET ...`.
    pub(crate) fn write_order<T: Table>(&self, sql: &mut Sql) -> Result<()> {
        let mut lead = " ORDER BY ";
        for (column, falls) in &self.sort {
            let column = T::column(column)?;
            sql.push(lead).name(column).push(if *falls { " DESC" } else { " ASC" });
            // Said only where it matters: an index has its NULLs at one end, and would not be used for this order.
            sql.push(if T::may_be_null(column) { " NULLS LAST" } else { "" });
            lead = ", ";
        }
        // The key in the same direction, so that an index over both columns can be read forwards or backwards.
        let falls = matches!(self.sort.as_slice(), [(column, true)] if !T::may_be_null(column));
        for key in T::KEY.iter().filter(|key| !self.sort.iter().any(|(column, _)| column == *key)) {
            sql.push(lead).name(key).push(if falls { " DESC" } else { "" });
            lead = ", ";
        }
        self.write_window(sql);
        Ok(())
    }

    /// Writes ` LIMIT ... OFFSET ...`.
    pub(crate) fn write_window(&self, sql: &mut Sql) {
        if let Some(size) = self.size {
            let before = i64::try_from(self.skip).unwrap_or(i64::MAX);
            let skipped = before.saturating_add(i64::from(self.page.saturating_sub(1)) * i64::from(size));
            sql.push(" LIMIT ").bind(i64::from(size)).push(" OFFSET ").bind(skipped);
        }
    }
}

/// A page of rows.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    /// The rows of the page.
    pub rows: Vec<T>,
    /// How many rows there are on all pages.
    pub total: u64,
}

impl<T> Listing<T> {
    /// How many pages of `size` rows there are.
    #[must_use]
    pub const fn pages(&self, size: u32) -> u64 {
        if size == 0 { 0 } else { self.total.div_ceil(size as u64) }
    }
}
