//! Requests by session: those with one session and one key are told by one row. Nothing is grouped: a row stands for its
//! session when no other row of it comes later, which an index answers, so a page costs what it shows and what it skips.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::access::{Rows, first_int, read_all};
use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use crate::filter::Filter;
use crate::list::{ListQuery, Listing};
use crate::rows::SpendLogRow;
use crate::spend_filter::{SpendFilter, TOOL_CALLS};
use crate::spend_logs::{COUNTED, FIRST_TOKEN, columns, order, total};
use crate::sql::Sql;
use crate::table::Table as _;

/// A session and when it was last active; the one behind which a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionMark {
    /// Start of its last request.
    pub last: DateTime<Utc>,
    /// Key hash.
    pub api_key: String,
    /// The session; for a request without one its own id.
    pub session: String,
}

const MARK_TIME: &str = "%Y-%m-%d %H:%M:%S%.f";

impl SessionMark {
    fn of(row: &SpendLogRow) -> Self {
        let session = row.session_id.as_ref().filter(|id| !id.is_empty()).unwrap_or(&row.request_id);
        Self { last: row.start_time, api_key: row.api_key.clone(), session: session.clone() }
    }

    /// `<last activity>|<key>|<session>`, LiteLLM's cursor; none for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (last, rest) = text.split_once('|')?;
        let (api_key, session) = rest.split_once('|').filter(|(_, session)| !session.is_empty())?;
        let last = NaiveDateTime::parse_from_str(last, MARK_TIME).ok()?.and_utc();
        Some(Self { last, api_key: api_key.to_owned(), session: session.to_owned() })
    }
}

impl std::fmt::Display for SessionMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}|{}|{}", self.last.format("%Y-%m-%d %H:%M:%S%.3f"), self.api_key, self.session)
    }
}

/// A page of sessions.
#[derive(Debug, Clone, Default)]
pub struct SessionPage {
    /// One row each: the last that is no call of a tool, as far as there is one.
    pub rows: Vec<SpendLogRow>,
    /// The session that the next page begins behind; none for the last page.
    pub next: Option<SessionMark>,
    /// How many sessions there are, counted up to [`COUNTED`].
    pub total: u64,
}

/// What is known of all requests of a session and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionSum {
    /// The session.
    pub session: String,
    /// Key hash.
    pub api_key: String,
    /// Model of the requests that this is the sum of.
    pub model: String,
    /// How many requests.
    pub requests: i64,
    /// USD.
    pub spend: f64,
    /// Milliseconds, all added.
    pub duration_ms: i64,
    /// Calls and lists of tools among them.
    pub tool_calls: i64,
    /// What these cost, USD.
    pub tool_spend: f64,
    /// Calls of agents among them.
    pub agent_calls: i64,
    /// Answers from the cache.
    pub cache_hits: i64,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Completion tokens.
    pub completion_tokens: i64,
    /// All tokens.
    pub total_tokens: i64,
}

/// What tells a session from others beside its key; of the outer row.
const SESSION: &str = r#"COALESCE(NULLIF(r."session_id", ''), r."request_id")"#;

/// `FROM ... WHERE`: the last row of each session.
fn last_rows(sql: &mut Sql, filter: &Filter) -> Result<()> {
    sql.push(" FROM ").name(SpendLogRow::NAME).push(" AS r WHERE ");
    filter.conditions::<SpendLogRow>(sql)?;
    // The others of the session, in two parts as the indexes have them: those that name it, and the call that it is named
    // after. Columns without a name before them are those of the inner row.
    let apart = apart(sql.dialect());
    let named =
        format!(r#"n."session_id" = NULLIF(r."session_id", '') AND n."session_id" {apart} n."litellm_call_id""#);
    let first = r#"n."litellm_call_id" = NULLIF(r."session_id", '') AND n."session_id" = n."litellm_call_id""#;
    for others in [named.as_str(), first] {
        sql.push(" AND NOT EXISTS (SELECT 1 FROM ").name(SpendLogRow::NAME).push(" AS n WHERE ");
        filter.conditions::<SpendLogRow>(sql)?;
        sql.push(" AND ")
            .push(others)
            .push(r#" AND n."api_key" = r."api_key" AND n."startTime" >= r."startTime" AND "#);
        sql.push(r#"(n."startTime", n."request_id") > (r."startTime", r."request_id")"#);
        // So that it is asked row by row: as a join, PostgreSQL would read all rows for a page.
        sql.push(if sql.dialect() == Dialect::Postgres { " OFFSET 0)" } else { ")" });
    }
    Ok(())
}

/// "is not", as the index of sessions has it.
const fn apart(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "IS DISTINCT FROM",
        Dialect::Sqlite => "IS NOT",
    }
}

/// How many sessions there are, counted a little beyond [`COUNTED`].
async fn count(rows: &mut Rows<'_, SpendLogRow>, filter: &Filter) -> Result<u64> {
    let mut sql = Sql::read(rows.exec.dialect(), "SELECT COUNT(*) FROM (SELECT 1");
    last_rows(&mut sql, filter)?;
    sql.push(" LIMIT ").bind(i64::from(COUNTED) + 1).push(") AS counted");
    Ok(u64::try_from(first_int(&rows.exec.fetch(sql).await?)?).unwrap_or_default())
}

impl Rows<'_, SpendLogRow> {
    /// A page of sessions by when they were last active. `after` takes the place of the page's number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_page(
        &mut self,
        filter: SpendFilter,
        page: u32,
        size: u32,
        falls: bool,
        after: Option<&SessionMark>,
    ) -> Result<SessionPage> {
        let filter = Filter::from(filter);
        let direction = if falls { " DESC" } else { "" };
        let before = i64::from(page.saturating_sub(1)) * i64::from(size);
        let mut sql = Sql::read(self.exec.dialect(), "SELECT ");
        columns(&mut sql, "r.");
        last_rows(&mut sql, &filter)?;
        if let Some(mark) = after {
            sql.push(r#" AND r."startTime" "#).push(if falls { "<= " } else { ">= " }).bind(mark.last);
            sql.push(r#" AND (r."startTime", "#).push(SESSION).push(r#", r."api_key") "#);
            sql.push(if falls { "< (" } else { "> (" });
            sql.bind(mark.last).push(", ").bind(&mark.session).push(", ").bind(&mark.api_key).push(")");
        }
        sql.push(r#" ORDER BY r."startTime""#).push(direction).push(", ").push(SESSION).push(direction);
        sql.push(r#", r."api_key""#).push(direction).push(" LIMIT ").bind(i64::from(size) + 1);
        if after.is_none() {
            sql.push(" OFFSET ").bind(before);
        }
        let mut rows: Vec<SpendLogRow> = read_all(&self.exec.fetch(sql).await?)?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(SessionMark::of);
        let ends = after.is_none() && !more && (before == 0 || !rows.is_empty());
        let total = if ends {
            u64::try_from(before).unwrap_or_default() + rows.len() as u64
        } else {
            let counted = count(self, &filter).await?;
            let query = ListQuery::page(Filter::new(), if after.is_none() { page } else { 1 }, size);
            total(counted, &rows, &query)
        };
        for row in rows.iter_mut().filter(|row| TOOL_CALLS.contains(&row.call_type.as_str())) {
            if let Some(other) = self.last_but_tools(&filter, row).await? {
                *row = other;
            }
        }
        Ok(SessionPage { rows, next, total })
    }

    /// The last row of the session that is no call of a tool.
    async fn last_but_tools(&mut self, filter: &Filter, row: &SpendLogRow) -> Result<Option<SpendLogRow>> {
        let Some(session) = row.session_id.clone().filter(|id| !id.is_empty()) else { return Ok(None) };
        let filter = TOOL_CALLS.iter().fold(filter.clone(), |filter, call| filter.is_not("call_type", *call));
        let filter = filter.in_session(Some(session)).is("api_key", row.api_key.clone());
        let query = ListQuery::page(filter, 1, 1).sorted("startTime", true);
        let mut sql = Sql::read(self.exec.dialect(), "SELECT ");
        columns(&mut sql, "");
        sql.push(" FROM ").name(SpendLogRow::NAME);
        query.filter.write::<SpendLogRow>(&mut sql)?;
        query.write_order::<SpendLogRow>(&mut sql)?;
        let mut rows: Vec<SpendLogRow> = read_all(&self.exec.fetch(sql).await?)?;
        Ok(rows.pop())
    }

    /// A page of sessions, each told by its last row that is no call of a tool; by a column of these rows or by `ttft_ms`.
    /// Every row of the filter is looked at.
    ///
    /// # Errors
    /// When the query names a column the table does not have.
    pub async fn sessions_by(&mut self, query: &ListQuery) -> Result<Listing<SpendLogRow>> {
        let mut sql = Sql::read(self.exec.dialect(), "SELECT ");
        columns(&mut sql, "");
        sql.push(" FROM ")
            .name(SpendLogRow::NAME)
            .push(" WHERE \"request_id\" IN (SELECT \"request_id\" FROM (SELECT ");
        sql.names(&SORTABLE)
            .push(", ROW_NUMBER() OVER (PARTITION BY ")
            .push(SESSION)
            .push(r#", r."api_key" ORDER BY "#);
        sql.push(&tool()).push(r#", r."startTime" DESC, r."request_id" DESC) AS nth FROM "#).name(SpendLogRow::NAME);
        sql.push(" AS r");
        query.filter.write::<SpendLogRow>(&mut sql)?;
        sql.push(") AS s WHERE nth = 1");
        if let Some((column, _)) =
            query.sort.iter().find(|(column, _)| !SORTABLE.contains(&column.as_str()) && column != FIRST_TOKEN)
        {
            return Err(StoreError::Column { table: SpendLogRow::NAME, column: column.clone() });
        }
        order(query, &mut sql)?;
        sql.push(")");
        order(&ListQuery { size: None, ..query.clone() }, &mut sql)?;
        let rows: Vec<SpendLogRow> = read_all(&self.exec.fetch(sql).await?)?;
        let counted = count(self, &query.filter).await?;
        Ok(Listing { total: total(counted, &rows, query), rows })
    }

    /// All requests of these sessions with these keys, whatever a filter shows of them, by session, key and model.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_sums(&mut self, sessions: &[String], api_keys: &[String]) -> Result<Vec<SessionSum>> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let dialect = self.exec.dialect();
        let length = match dialect {
            Dialect::Postgres => r#"(EXTRACT(EPOCH FROM ("endTime" - "startTime")) * 1000)::bigint"#,
            Dialect::Sqlite => r#"CAST(ROUND((julianday("endTime") - julianday("startTime")) * 86400000) AS INTEGER)"#,
        };
        let (apart, tool) = (apart(dialect), tool());
        let only = |condition: &str, column: &str| format!("CASE WHEN {condition} THEN {column} ELSE 0 END");
        let mut sql = Sql::read(dialect, r#"SELECT "session_id", "api_key", "model", COUNT(*), "#);
        for (i, sum) in [
            dialect.sum_float("\"spend\""),
            dialect.sum_int(&format!("COALESCE(\"request_duration_ms\", {length})")),
            dialect.sum_int(&only(&tool, "1")),
            dialect.sum_float(&only(&tool, "\"spend\"")),
            dialect.sum_int(&only("\"call_type\" = 'asend_message'", "1")),
            dialect.sum_int(&only("LOWER(\"cache_hit\") = 'true'", "1")),
            dialect.sum_int("\"prompt_tokens\""),
            dialect.sum_int("\"completion_tokens\""),
            dialect.sum_int("\"total_tokens\""),
        ]
        .iter()
        .enumerate()
        {
            sql.push(if i > 0 { ", " } else { "" }).push(sum);
        }
        sql.push(" FROM ").name(SpendLogRow::NAME).push(" WHERE ((\"session_id\"").is_any_of(sessions);
        sql.push(&format!(" AND \"session_id\" {apart} \"litellm_call_id\") OR (\"litellm_call_id\""))
            .is_any_of(sessions);
        sql.push(" AND \"session_id\" = \"litellm_call_id\")) AND \"api_key\"").is_any_of(api_keys);
        sql.push(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
        self.exec.fetch(sql).await?.iter().map(read_sum).collect()
    }
}

/// Whether a row is about a tool.
fn tool() -> String {
    format!("(\"call_type\" IN ('{}'))", TOOL_CALLS.join("', '"))
}

/// The columns that sessions can be sorted by.
const SORTABLE: [&str; 9] = [
    "request_id",
    "startTime",
    "endTime",
    "completionStartTime",
    "request_duration_ms",
    "spend",
    "total_tokens",
    "model",
    "api_key",
];

fn read_sum(row: &crate::Row) -> Result<SessionSum> {
    let text = |at: usize| Ok::<_, crate::StoreError>(row.text(at)?.unwrap_or_default());
    let int = |at: usize| Ok::<_, crate::StoreError>(row.int(at)?.unwrap_or_default());
    let num = |at: usize| Ok::<_, crate::StoreError>(row.num(at)?.unwrap_or_default());
    Ok(SessionSum {
        session: text(0)?,
        api_key: text(1)?,
        model: text(2)?,
        requests: int(3)?,
        spend: num(4)?,
        duration_ms: int(5)?,
        tool_calls: int(6)?,
        tool_spend: num(7)?,
        agent_calls: int(8)?,
        cache_hits: int(9)?,
        prompt_tokens: int(10)?,
        completion_tokens: int(11)?,
        total_tokens: int(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::SessionMark;

    #[test]
    fn marks_are_read_as_they_are_written() {
        for text in ["2026-01-02 03:04:05.678|k|a|b", "2026-01-02 03:04:05.000||s"] {
            assert_eq!(SessionMark::read(text).map(|mark| mark.to_string()).as_deref(), Some(text));
        }
        assert_eq!(SessionMark::read("2026-01-02 03:04:05|k|s").unwrap().session, "s");
        for text in ["", "x|k|s", "2026-01-02 03:04:05|k", "2026-01-02 03:04:05|k|"] {
            assert_eq!(SessionMark::read(text), None, "{text}");
        }
    }
}
