//! Which gateway runs a background job: one row per job in LiteLLM's table, taken for a time.

use std::time::Duration;

use chrono::{TimeDelta, Utc};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::sql::Sql;
use crate::store::Store;

impl Store {
    /// Takes or keeps the lead of `job` for `holder` until `lifetime` has passed; `false` when another gateway leads. Clocks
    /// of gateways should agree within the lifetime's slack.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lead(&self, job: &str, holder: &str, lifetime: Duration) -> Result<bool> {
        let now = Utc::now();
        let until = TimeDelta::from_std(lifetime).ok().and_then(|l| now.checked_add_signed(l)).unwrap_or(now);
        let status = self.job_status("ACTIVE");
        let mut sql = Sql::write(
            self.dialect(),
            r#"INSERT INTO "LiteLLM_CronJob" AS job ("cronjob_id", "pod_id", "status", "last_updated", "ttl") VALUES ("#,
        );
        sql.bind(job).push(", ").bind(holder).push(", ").push(status).push(", ").bind(now).push(", ").bind(until);
        sql.push(r#") ON CONFLICT ("cronjob_id") DO UPDATE SET "pod_id" = excluded."pod_id", "status" = excluded."status", "#);
        sql.push(r#""last_updated" = excluded."last_updated", "ttl" = excluded."ttl" WHERE job."pod_id" = excluded."pod_id" "#);
        sql.push(r#"OR job."status" <> excluded."status" OR job."ttl" <= "#).bind(now);
        Ok(self.execute(sql).await? > 0)
    }

    /// Gives the lead up, so another gateway need not wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stop_leading(&self, job: &str, holder: &str) -> Result<()> {
        let mut sql = Sql::write(self.dialect(), r#"UPDATE "LiteLLM_CronJob" SET "status" = "#);
        sql.push(self.job_status("INACTIVE")).push(r#" WHERE "cronjob_id" = "#).bind(job);
        sql.push(r#" AND "pod_id" = "#).bind(holder);
        self.execute(sql).await.map(drop)
    }

    /// The column is an enum on PostgreSQL.
    fn job_status(&self, status: &'static str) -> &'static str {
        match (self.dialect(), status) {
            (Dialect::Sqlite, "ACTIVE") => "'ACTIVE'",
            (Dialect::Sqlite, _) => "'INACTIVE'",
            (Dialect::Postgres, "ACTIVE") => "'ACTIVE'::\"JobStatus\"",
            (Dialect::Postgres, _) => "'INACTIVE'::\"JobStatus\"",
        }
    }
}
