//! How fast models answered and how they failed, from the rows of requests: for what the sums of [`DailyPaceRow`] do not tell.
//! Answers from the cache are left out.

use crate::access::Rows;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::filter::Filter;
use crate::rows::{DailyPaceRow, SpendLogRow};
use crate::spend_filter::SpendFilter;
use crate::sql::Sql;
use crate::table::Table as _;

/// The time to the first token of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstToken {
    /// The row's id.
    pub request_id: String,
    /// Model that answered.
    pub model: String,
    /// Its address.
    pub api_base: String,
    /// Seconds.
    pub seconds: f64,
}

/// How often requests failed in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCount {
    /// Model that was asked.
    pub model: String,
    /// Its address.
    pub api_base: String,
    /// Class of the error.
    pub class: String,
    /// How many.
    pub requests: i64,
}

/// A time column as seconds.
fn seconds(dialect: Dialect, from: &str, to: &str) -> String {
    match dialect {
        Dialect::Postgres => format!(r#"EXTRACT(EPOCH FROM ("{to}" - "{from}"))::double precision"#),
        Dialect::Sqlite => format!(r#"ROUND((julianday("{to}") - julianday("{from}")) * 86400.0, 3)"#),
    }
}

/// Streams: the first token came before the end.
const STREAM: &str = r#""completionStartTime" IS NOT NULL AND "completionStartTime" <> "endTime""#;

const NOT_CACHED: &str = r#" AND COALESCE("cache_hit", '') <> 'True'"#;

/// `WHERE` the filter holds, never empty.
fn condition(sql: &mut Sql, filter: SpendFilter) -> Result<()> {
    sql.push(" FROM ").name(SpendLogRow::NAME).push(" WHERE ");
    Filter::from(filter).conditions::<SpendLogRow>(sql)
}

impl Rows<'_, SpendLogRow> {
    /// What the sums of a day would say of these requests. Slow is what took `slow` seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pace(&mut self, filter: SpendFilter, slow: f64) -> Result<Vec<DailyPaceRow>> {
        let dialect = self.exec.dialect();
        let group = |column: &str| format!("COALESCE(\"{column}\", '')");
        let length = seconds(dialect, "startTime", "endTime");
        let when = |condition: &str, value: &str| format!("CASE WHEN {condition} THEN {value} ELSE 0 END");
        let timed = r#""completion_tokens" > 0"#;
        let mut sql = Sql::read(dialect, "SELECT ");
        for part in [group("model_group"), dialect.day("\"startTime\""), group("model"), group("api_base")] {
            sql.push(&part).push(", ");
        }
        sql.push("COUNT(*), COALESCE(SUM(CASE WHEN ").push(&length).push(" >= ").bind(slow);
        sql.push(if dialect == Dialect::Postgres {
            " THEN 1 ELSE 0 END), 0)::bigint, "
        } else {
            " THEN 1 ELSE 0 END), 0), "
        });
        let first = seconds(dialect, "startTime", "completionStartTime");
        let sums = [
            dialect.sum_int(&when(timed, "1")),
            dialect.sum_float(&when(timed, &format!("{length} / \"completion_tokens\""))),
            dialect.sum_int(&when(STREAM, "1")),
            dialect.sum_float(&when(STREAM, &first)),
        ];
        sql.push(&sums.join(", "));
        condition(&mut sql, filter)?;
        sql.push(NOT_CACHED).push(" GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4");
        self.exec.fetch(sql).await?.iter().map(DailyPaceRow::read).collect()
    }

    /// The requests whose first token took longest, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_tokens(&mut self, filter: SpendFilter, limit: u32) -> Result<Vec<FirstToken>> {
        let mut sql = Sql::read(self.exec.dialect(), r#"SELECT "request_id", "model", COALESCE("api_base", ''), "#);
        sql.push(&seconds(self.exec.dialect(), "startTime", "completionStartTime"));
        condition(&mut sql, filter)?;
        sql.push(NOT_CACHED).push(" AND ").push(STREAM).push(" ORDER BY 4 DESC, 1 LIMIT ").bind(i64::from(limit));
        let read = |row: &crate::Row| {
            Ok(FirstToken {
                request_id: row.text(0)?.unwrap_or_default(),
                model: row.text(1)?.unwrap_or_default(),
                api_base: row.text(2)?.unwrap_or_default(),
                seconds: row.num(3)?.unwrap_or_default(),
            })
        };
        self.exec.fetch(sql).await?.iter().map(read).collect()
    }

    /// How often requests failed, by model, address and class of the error. The filter has to ask for failures, which an index has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failure_counts(&mut self, filter: SpendFilter) -> Result<Vec<FailureCount>> {
        let dialect = self.exec.dialect();
        let class = match dialect {
            Dialect::Postgres => r#""metadata" #>> '{error_information,error_class}'"#,
            Dialect::Sqlite => r#"json_extract("metadata", '$.error_information.error_class')"#,
        };
        let mut sql = Sql::read(dialect, r#"SELECT "model", COALESCE("api_base", ''), COALESCE("#);
        sql.push(class).push(", ''), COUNT(*)");
        condition(&mut sql, SpendFilter { status: Some("failure".to_owned()), ..filter })?;
        sql.push(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
        let read = |row: &crate::Row| {
            Ok(FailureCount {
                model: row.text(0)?.unwrap_or_default(),
                api_base: row.text(1)?.unwrap_or_default(),
                class: row.text(2)?.unwrap_or_default(),
                requests: row.int(3)?.unwrap_or_default(),
            })
        };
        self.exec.fetch(sql).await?.iter().map(read).collect()
    }
}
