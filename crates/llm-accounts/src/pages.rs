//! Lists in pages, as LiteLLM's management API gives them.

use llm_store::{Filter, ListQuery, Listing, Rows, StoreError, Table};
use llm_types::Json;

use crate::keys::bad;
use crate::request::Outcome;

/// Rows on a page at the most.
const LARGEST: u32 = 100;

/// Which page, in which order.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// Page, from 1.
    pub page: u32,
    /// Rows on a page.
    pub size: u32,
    /// Column, and whether it falls.
    pub sort: Option<(String, bool)>,
}

impl PageQuery {
    /// Rows on a page, as far as that is served.
    pub(crate) fn size(&self) -> u32 {
        self.size.clamp(1, LARGEST)
    }

    /// The rows of the page, sorted by `column` where the caller does not say.
    ///
    /// # Errors
    /// 400 for a sort column that is none.
    pub(crate) async fn rows<T: Table>(
        &self,
        mut table: Rows<'_, T>,
        filter: Filter,
        column: &str,
    ) -> Outcome<Listing<T>> {
        let (column, falls) = self.sort.as_ref().map_or((column, true), |(column, falls)| (column.as_str(), *falls));
        let query = ListQuery::page(filter, self.page.max(1), self.size()).sorted(column, falls);
        match table.list(&query).await {
            Err(StoreError::Column { column, .. }) => {
                Err(bad(format!("Invalid sort_by: {column}")).with_param("sort_by").into())
            }
            listing => Ok(listing?),
        }
    }

    /// `{"<name>":[...],"total":..,"page":..,"page_size":..,"total_pages":..}`.
    pub(crate) fn answer(&self, name: &str, rows: Vec<Json>, total: u64) -> Json {
        let size = u64::from(self.size());
        Json::object([
            (name, Json::Array(rows)),
            ("total", Json::from(total)),
            ("page", Json::from(self.page.max(1))),
            ("page_size", Json::from(self.size())),
            ("total_pages", Json::from(total.div_ceil(size))),
        ])
    }
}
