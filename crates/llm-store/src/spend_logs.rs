//! Questions about the rows of requests: by id, by filter, sums by day and by caller.

use chrono::{DateTime, Utc};

use crate::access::{Rows, first_int, read_all};
use crate::dialect::{Dialect, quoted};
use crate::error::Result;
use crate::filter::Filter;
use crate::list::{ListQuery, Listing};
use crate::rows::SpendLogRow;
use crate::spend_filter::SpendFilter;
use crate::sql::Sql;
use crate::table::Table;

/// Sums over some requests.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct SpendSum {
    /// What they have in common, in the order asked for; `None` where a row has no value.
    pub group: Vec<Option<String>>,
    /// USD.
    pub spend: f64,
    /// All tokens.
    pub total_tokens: i64,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Completion tokens.
    pub completion_tokens: i64,
    /// How many requests.
    pub requests: i64,
}

/// What requests can be summed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendGroup {
    /// Day of the start, `YYYY-MM-DD` in UTC.
    Day,
    /// Key hash.
    ApiKey,
    /// Internal user.
    User,
    /// Team.
    Team,
    /// Organization.
    Organization,
    /// End user.
    EndUser,
    /// Model that answered.
    Model,
    /// Public model name.
    ModelGroup,
    /// Deployment.
    ModelId,
    /// Provider.
    Provider,
    /// Upstream address.
    ApiBase,
    /// `success` or `failure`.
    Status,
    /// Conversation.
    Session,
    /// E.g. acompletion.
    CallType,
    /// `True`, `False` or `None`, as text.
    CacheHit,
}

impl SpendGroup {
    const fn column(self) -> &'static str {
        match self {
            Self::Day => "startTime",
            Self::ApiKey => "api_key",
            Self::User => "user",
            Self::Team => "team_id",
            Self::Organization => "organization_id",
            Self::EndUser => "end_user",
            Self::Model => "model",
            Self::ModelGroup => "model_group",
            Self::ModelId => "model_id",
            Self::Provider => "custom_llm_provider",
            Self::ApiBase => "api_base",
            Self::Status => "status",
            Self::Session => "session_id",
            Self::CallType => "call_type",
            Self::CacheHit => "cache_hit",
        }
    }
}

/// Columns that may be large and that lists do not show.
const BODIES: [&str; 3] = ["messages", "response", "proxy_server_request"];

/// Rows that a page counts at the most; counting more takes longer than reading the page.
pub const COUNTED: u32 = 10_000;

/// How many rows there are, as far as one can tell. Whoever turns the pages until the last one sees every row.
pub(crate) fn total(counted: u64, rows: &[SpendLogRow], query: &ListQuery) -> u64 {
    let Some(size) = query.size.filter(|_| counted > u64::from(COUNTED) && !rows.is_empty()) else { return counted };
    let before = u64::from(query.page.saturating_sub(1)) * u64::from(size);
    let full = rows.len() as u64 == u64::from(size);
    counted.max(before + rows.len() as u64 + u64::from(full))
}

/// The columns of a list, those of `row` (`r.`, or nothing): bodies read as none.
pub(crate) fn columns(sql: &mut Sql, row: &str) {
    for (i, column) in SpendLogRow::COLUMNS.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" });
        if BODIES.contains(column) {
            sql.push("NULL AS ");
        } else {
            sql.push(row);
        }
        sql.name(column);
    }
}

/// The order by time to the first token, which is no column; calls that were not streamed have none and come last.
pub(crate) const FIRST_TOKEN: &str = "ttft_ms";

/// Writes the order and the window of a list.
pub(crate) fn order(query: &ListQuery, sql: &mut Sql) -> Result<()> {
    let Some((_, falls)) = query.sort.first().filter(|(column, _)| column == FIRST_TOKEN) else {
        return query.write_order::<SpendLogRow>(sql);
    };
    let length = match sql.dialect() {
        Dialect::Postgres => r#""completionStartTime" - "startTime""#,
        Dialect::Sqlite => r#"julianday("completionStartTime") - julianday("startTime")"#,
    };
    sql.push(
        r#" ORDER BY CASE WHEN "completionStartTime" IS NULL OR "completionStartTime" = "endTime" THEN NULL ELSE "#,
    );
    sql.push(length).push(" END").push(if *falls { " DESC" } else { " ASC" }).push(" NULLS LAST, \"request_id\"");
    query.write_window(sql);
    Ok(())
}

impl Rows<'_, SpendLogRow> {
    /// The requests with this id: the row's own, those stored under another because it was taken, or our call id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_request_id(&mut self, id: &str) -> Result<Vec<SpendLogRow>> {
        let mut sql = crate::access::select::<SpendLogRow>(self.exec.dialect());
        sql.push(" WHERE \"request_id\" = ").bind(id).push(" OR \"litellm_call_id\" = ").bind(id);
        // Ids that were taken are `id:call id`; `;` is the character after `:`.
        sql.push(" OR (\"request_id\" >= ").bind(format!("{id}:")).push(" AND \"request_id\" < ");
        sql.bind(format!("{id};")).push(") ORDER BY \"startTime\", \"request_id\"");
        read_all(&self.exec.fetch(sql).await?)
    }

    /// A page of requests without their bodies (`messages`, `response` and `proxy_server_request` read as `None`), by a column
    /// or by `ttft_ms`. The total is counted up to [`COUNTED`]; beyond that it says that there is at least one more row than
    /// this page shows.
    ///
    /// # Errors
    /// When the query names a column the table does not have.
    pub async fn page(&mut self, query: &ListQuery) -> Result<Listing<SpendLogRow>> {
        let dialect = self.exec.dialect();
        let mut sql = Sql::read(dialect, "SELECT ");
        columns(&mut sql, "");
        // The ids first: what a page skips is skipped in an index, not in rows that are long.
        sql.push(" FROM ").name(SpendLogRow::NAME).push(" WHERE \"request_id\" IN (SELECT \"request_id\" FROM ");
        sql.name(SpendLogRow::NAME);
        query.filter.write::<SpendLogRow>(&mut sql)?;
        order(query, &mut sql)?;
        sql.push(")");
        order(&ListQuery { size: None, ..query.clone() }, &mut sql)?;
        let rows: Vec<SpendLogRow> = read_all(&self.exec.fetch(sql).await?)?;
        let mut sql = Sql::read(dialect, "SELECT COUNT(*) FROM (SELECT 1 FROM ");
        sql.name(SpendLogRow::NAME);
        query.filter.write::<SpendLogRow>(&mut sql)?;
        sql.push(" LIMIT ").bind(i64::from(COUNTED) + 1).push(") AS counted");
        let counted = u64::try_from(first_int(&self.exec.fetch(sql).await?)?).unwrap_or_default();
        Ok(Listing { total: total(counted, &rows, query), rows })
    }

    /// Sums by the given groups, ordered by them; by none: one sum over all. `limit` keeps the dearest sums, dearest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sums(
        &mut self,
        filter: SpendFilter,
        groups: &[SpendGroup],
        limit: Option<u32>,
    ) -> Result<Vec<SpendSum>> {
        let dialect = self.exec.dialect();
        let mut sql = Sql::read(dialect, "SELECT ");
        for group in groups {
            let column = quoted(group.column());
            sql.push(&if *group == SpendGroup::Day { dialect.day(&column) } else { column }).push(", ");
        }
        sql.push(&dialect.sum_float("\"spend\"")).push(" AS spent");
        for column in ["\"total_tokens\"", "\"prompt_tokens\"", "\"completion_tokens\""] {
            sql.push(", ").push(&dialect.sum_int(column));
        }
        sql.push(", COUNT(*) FROM ").name(SpendLogRow::NAME);
        Filter::from(filter).write::<SpendLogRow>(&mut sql)?;
        let positions = (1..=groups.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        if !groups.is_empty() {
            sql.push(" GROUP BY ").push(&positions);
        }
        match limit {
            Some(limit) => {
                sql.push(" ORDER BY spent DESC LIMIT ").bind(i64::from(limit));
            }
            None if !groups.is_empty() => {
                sql.push(" ORDER BY ").push(&positions);
            }
            None => {}
        }
        let rows = self.exec.fetch(sql).await?;
        rows.iter().map(|row| read_sum(row, groups.len())).collect()
    }

    /// What `/spend/logs` answers for a range of dates: sums by day, key, user and model, in that order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_day(&mut self, filter: SpendFilter) -> Result<Vec<SpendSum>> {
        use SpendGroup::{ApiKey, Day, Model, User};
        self.sums(filter, &[Day, ApiKey, User, Model], None).await
    }

    /// USD of all requests the filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn total(&mut self, filter: SpendFilter) -> Result<f64> {
        Ok(self.sums(filter, &[], None).await?.first().map_or(0.0, |sum| sum.spend))
    }

    /// Deletes at most `limit` requests that started before `time`, the oldest; how many. Call it until it answers 0: small
    /// steps keep the locks short.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_before(&mut self, time: DateTime<Utc>, limit: u32) -> Result<u64> {
        // By where rows lie, so that none is looked for twice; from the end of the index, for in the table's order every
        // step would pass over what the steps before left behind.
        let (of, to, end) = match self.exec.dialect() {
            Dialect::Postgres => (" WHERE ctid = ANY(ARRAY(SELECT ctid FROM ", " ORDER BY \"startTime\" LIMIT ", "))"),
            Dialect::Sqlite => (" WHERE rowid IN (SELECT rowid FROM ", " ORDER BY \"startTime\" LIMIT ", ")"),
        };
        let mut sql = Sql::write(self.exec.dialect(), "DELETE FROM ");
        sql.name(SpendLogRow::NAME).push(of).name(SpendLogRow::NAME).push(" WHERE \"startTime\" < ").bind(time);
        sql.push(to).bind(i64::from(limit)).push(end);
        self.exec.execute(sql).await
    }

    /// How many sessions the filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions(&mut self, filter: SpendFilter) -> Result<u64> {
        let mut sql = Sql::read(self.exec.dialect(), "SELECT COUNT(DISTINCT \"session_id\") FROM ");
        sql.name(SpendLogRow::NAME);
        Filter::from(filter).write::<SpendLogRow>(&mut sql)?;
        Ok(u64::try_from(first_int(&self.exec.fetch(sql).await?)?).unwrap_or_default())
    }
}

fn read_sum(row: &crate::Row, groups: usize) -> Result<SpendSum> {
    Ok(SpendSum {
        group: (0..groups).map(|at| row.text(at)).collect::<Result<_>>()?,
        spend: row.num(groups)?.unwrap_or_default(),
        total_tokens: row.int(groups + 1)?.unwrap_or_default(),
        prompt_tokens: row.int(groups + 2)?.unwrap_or_default(),
        completion_tokens: row.int(groups + 3)?.unwrap_or_default(),
        requests: row.int(groups + 4)?.unwrap_or_default(),
    })
}
